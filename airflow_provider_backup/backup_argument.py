"""How sensors and operators are told which backup they are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from airflow_provider_backup.cloud.backup import BackupKind, BackupReference
from airflow_provider_backup.exceptions import InvalidArgumentError


def reference_from(
    service: str, backup: Any, ids: Mapping[str, str | None], instance_id: str | None = None
) -> BackupReference:
    """Return the one backup that the arguments name.

    :param service: the service that is asked.
    :param backup: what a create operator or a sensor returned; in place of the ids.
    :param ids: ids by kind (``backup``, ``checkpoint``, ``job``); those that are none are not given.
    :param instance_id: database services: the instance.
    :raises InvalidArgumentError: none or several backups are named, or one of another service.
    """
    given = [(kind, value) for kind, value in ids.items() if value]
    names = ", ".join(f"{kind}_id" for kind in ids)
    if backup:
        if given:
            raise InvalidArgumentError(f"Both backup and {given[0][0]}_id are given.", next_step="Give one of them.")
        if not isinstance(backup, Mapping) or not backup.get("backup_id"):
            raise InvalidArgumentError(
                f"backup must be what a create operator or a sensor returned, not {backup!r:.120}.",
                next_step=f"Give such a result, or {names}.",
            )
        if backup.get("service") != service:
            raise InvalidArgumentError(
                f"The backup is one of {backup.get('service')!r}, and {service!r} is asked for it.",
                next_step="Use the operator or sensor of that service.",
            )
        return BackupReference.from_dict(backup)
    if len(given) != 1:
        raise InvalidArgumentError(
            f"{len(given)} backups are named.", next_step=f"Give backup, or exactly one of {names}."
        )
    kinds: dict[str, BackupKind] = {kind: kind for kind in get_args(BackupKind)}
    return BackupReference(service, given[0][1], kinds[given[0][0]], instance_id)

"""The arguments by which sensors and operators name a backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, get_args

from airflow_provider_backup.cloud.operations.backup import BackupKind, OperationReference
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.tasks.argument_check import ChecksArguments
from airflow_provider_backup.tasks.templating import has_template

_MEMBERS = ("service", "backup_id", "kind", "instance_id", "job_id", "expected_ids")
"""Members of a result that name its backup."""

_TEXTS_OF_NOTHING = ("", "None", "null")
"""Results of templates whose value is missing."""


class BackupReferenceMixin(ChecksArguments):
    """The arguments that name one backup; for operators and sensors, which provide the attributes."""

    service_name: ClassVar[str]
    needs_instance: ClassVar[bool] = False
    """Whether a backup can only be found with the id of its instance."""
    backup: dict[str, Any] | None
    backup_id: str | None
    instance_id: str | None = None

    def ids(self) -> dict[str, str | None]:
        """Return the ids that name the backup, by kind."""
        return {"backup": self.backup_id}

    def reference(self) -> OperationReference:
        """Return the backup that the arguments name.

        :raises InvalidArgumentError: no backup or several ones are named, or one of another service.
        """
        return reference_from(
            self.service_name, self.backup, self.ids(), self.instance_id, needs_instance=self.needs_instance
        )

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidArgumentError: as :meth:`reference`, whatever the templates become.
        """
        super().check_arguments()
        if not has_template((self.backup, self.ids(), self.instance_id)):
            self.reference()


class CheckpointReferenceMixin(BackupReferenceMixin):
    """Those of services whose checkpoints hold several backups."""

    checkpoint_id: str | None

    def ids(self) -> dict[str, str | None]:
        """Return the ids that name the backup, by kind."""
        return {"backup": self.backup_id, "checkpoint": self.checkpoint_id}


def _refuse_odd_values(backup: Mapping[str, Any]) -> None:
    # They would become arguments of a trigger, and one that is not plain JSON can stop every triggerer.
    wrong = [name for name in ("backup_id", "instance_id", "job_id") if not isinstance(backup.get(name), str | None)]
    wrong += ["kind"] if backup.get("kind", "backup") not in get_args(BackupKind) else []
    expected_ids = backup.get("expected_ids") or []
    if not isinstance(expected_ids, list | tuple) or not all(isinstance(each, str) for each in expected_ids):
        wrong.append("expected_ids")
    if wrong:
        raise InvalidArgumentError(
            f"backup has members of the wrong type: {', '.join(f'{name}={backup[name]!r:.120}' for name in wrong)}.",
            next_step="Pass on the result of a create operator or a sensor unchanged.",
        )


def _refuse_texts_of_nothing(reference: OperationReference) -> OperationReference:
    named = {f"{reference.kind}_id": reference.backup_id, "instance_id": reference.instance_id}
    for name, value in named.items():
        if value is not None and value.strip() in _TEXTS_OF_NOTHING:
            raise InvalidArgumentError(
                f"{name} is {value!r}, which is not an id.",
                next_step="Check its source: a template or an XCom without a value results in such a text.",
            )
    return reference


def reference_from(
    service: str,
    backup: Any,
    ids: Mapping[str, str | None],
    instance_id: str | None = None,
    *,
    needs_instance: bool = False,
) -> OperationReference:
    """Return the one backup that the arguments name.

    :param service: the service.
    :param backup: the result of a create operator or a sensor. Mutually exclusive with the ids.
    :param ids: ids by kind (``backup``, ``checkpoint``, ``job``); ``None`` if not given.
    :param instance_id: database services: the instance.
    :param needs_instance: whether ``backup_id`` requires ``instance_id``.
    :return: the reference.
    :raises InvalidArgumentError: no backup or several ones are named, or one of another service, or an id is invalid.
    """
    given = [(kind, value) for kind, value in ids.items() if value]
    names = ", ".join(f"{kind}_id" for kind in ids)
    if backup:
        if given:
            raise InvalidArgumentError(f"Both backup and {given[0][0]}_id are given.", next_step="Give one of them.")
        if not isinstance(backup, Mapping) or not backup.get("backup_id"):
            raise InvalidArgumentError(
                f"backup must be the result of a create operator or a sensor, not {backup!r:.120}.",
                next_step=f"Give such a result, or {names}.",
            )
        if backup.get("service") != service:
            raise InvalidArgumentError(
                f"The backup belongs to {backup.get('service')!r}, not to {service!r}.",
                next_step="Use the operator or sensor of that service.",
            )
        _refuse_odd_values(backup)
        # Whatever operation it may be a reference of: the argument names a backup.
        named = {name: backup[name] for name in _MEMBERS if name in backup}
        return _refuse_texts_of_nothing(OperationReference.from_dict(named))
    if len(given) != 1:
        raise InvalidArgumentError(
            f"{len(given)} backups are named." if given else "No backup is named.",
            next_step=f"Give exactly one of backup, {names}.",
        )
    for name, value in (*given, ("instance", instance_id)):
        if not isinstance(value, str | None):
            raise InvalidArgumentError(f"{name}_id must be a text (given: {value!r:.120}).")
    if needs_instance and not instance_id:
        raise InvalidArgumentError(
            f"{service} finds a backup only by its instance, but no instance_id is given.",
            next_step="Give instance_id as well, or pass on a whole result as backup.",
        )
    kinds: dict[str, BackupKind] = {kind: kind for kind in get_args(BackupKind)}
    return _refuse_texts_of_nothing(OperationReference(service, given[0][1], kinds[given[0][0]], instance_id))

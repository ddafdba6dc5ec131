"""What the vendor's schema of CBR demands of requests, repeated here by hand.

Requests are read with the models of our own client, which may be wrong in what they let pass. Where that has happened,
or a mistake would do harm, the local cloud has this judgement of its own. Source: the vendor's SDK, whose models are
generated from the vendor's API definitions (compared in ``tests/emulator/test_other_clients_schemas.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from airflow_provider_backup.emulator.core.service import ServiceError
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID

POLICY_CREATE = (
    "name",
    "operation_type",
    "operation_definition",
    "trigger",
    "trigger.properties",
    "trigger.properties.pattern",
)
POLICY_UPDATE = ("trigger.properties", "trigger.properties.pattern")
VAULT_CREATE = (
    "name",
    "resources",
    "billing",
    "billing.consistent_level",
    "billing.object_type",
    "billing.protect_type",
    "billing.size",
)
CHECKPOINT_CREATE = ("vault_id",)
BACKUP_REPLICATION = ("destination_project_id", "destination_region", "destination_vault_id")
VAULT_REPLICATION = ("vault_id", *BACKUP_REPLICATION)
EXPIRATION_UPDATE = ("expect_expiration_date", "time_zone")
TAG_CREATE = ("key", "value")
TAGS_ACTION = ("action",)
MEMBER_UPDATE = ("status",)
RESTORE_CREATE = ("details.destination_path",)
"""Members that must be there; one of an object that may be left out must be there when the object is."""

FILTERS = {
    "resource_type": ("OS::Nova::Server", "OS::Cinder::Volume", "OS::Workspace::DesktopV2"),
    "protect_type": ("backup", "replication"),
    "object_type": ("server", "disk", "turbo", "workspace", "vmware", "rds", "file"),
    "own_type": ("private", "shared", "all_granted"),
}
"""The values of filters of lists; ``hybrid`` is a ``protect_type`` in answers only."""


def refuse_incomplete(content: Mapping[str, Any], needed: tuple[str, ...]) -> None:
    """Refuse a request without a member that the schema demands.

    :param content: the request's object.
    :param needed: paths of members, such as ``billing.size``; a parent that is not there makes no demand.
    :raises ServiceError: 400 with the path of the first that is missing or null.
    """
    for path in needed:
        *parents, name = path.split(".")
        holder: Any = content
        for parent in parents:
            holder = holder.get(parent) if isinstance(holder, Mapping) else None
        if isinstance(holder, Mapping) and holder.get(name) is None:
            raise ServiceError(400, INVALID, f"{path}: must be given")


def refuse_other_values(request: web.Request) -> None:
    """Refuse a list's filter with a value that the schema does not know; an empty one counts as not given.

    :raises ServiceError: 400 with the name of the filter.
    """
    for name, values in FILTERS.items():
        for value in request.query.getall(name, []):
            if value and value not in values:
                raise ServiceError(400, INVALID, f"{name}: must be one of {', '.join(values)} (given: {value!r})")

"""Vaults: what they hold, what they are bound to, how full they are (CBR section 5).

Rows of ``cbr.vaults``: the members of a vault that clients send (``name``, ``description``, ``tags``,
``auto_bind`` ...), ``id``, ``created_at``, ``billing``, ``bindings`` (a list of ``policy_id`` and
``destination_vault_id``) and ``resources`` (a list of ``id``, ``type``, ``name``, ``size`` in GB, ``extra_info`` and
``removal``: none, or the members of :meth:`CloudState.started`, and ``suspended`` when its automatic backups are
paused or were once).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_backup.cloud.services.cbr.models import MOST_RESOURCES, VaultResourceCreate
from airflow_provider_backup.emulator.core.accounts import USER_ID
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import ServiceError
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups, wire_time
from airflow_provider_backup.emulator.services.cbr.refusals import refusal

SERVER_TYPE = "OS::Nova::Server"
VOLUME_TYPE = "OS::Cinder::Volume"
FILE_SYSTEM_TYPE = "OS::Sfs::Turbo"
_OBJECT_TYPES = {SERVER_TYPE: "server", VOLUME_TYPE: "disk", FILE_SYSTEM_TYPE: "turbo"}
_PROTECTABLE_STATUSES = {
    SERVER_TYPE: ("ACTIVE", "SHUTOFF"),
    VOLUME_TYPE: ("available", "in-use"),
    FILE_SYSTEM_TYPE: ("available",),
}
_REFUSALS = {SERVER_TYPE: ("7100", "7101"), VOLUME_TYPE: ("7000", "7001"), FILE_SYSTEM_TYPE: ("6302", "6215")}
# CBR section 3; the other object types hold nothing here.
_PROVIDER_IDS = {
    "server": "0daac4c5-6707-4851-97ba-169e36266b66",
    "disk": "d1603440-187d-4516-af25-121250c7cc97",
    "turbo": "3f3c3220-245c-4805-b811-758870015881",
    "vmware": "a13639de-00be-4e94-af30-26912d75e4a2",
    "workspace": "86a80900-71bf-4961-956a-d52df944f84a",
}
# CBR section 5.2 knows these codes and no others; what is not here has none.
_SPEC_CODES = {
    ("backup", "server"): "vault.backup.server.normal",
    ("backup", "disk"): "vault.backup.volume.normal",
    ("backup", "turbo"): "vault.backup.turbo.normal",
    ("backup", "rds"): "vault.backup.database.normal",
    ("backup", "vmware"): "vault.hybrid.server.normal",
    ("replication", "server"): "vault.replication.server.normal",
}


class Vaults:
    """All vaults of the service.

    :param state: keeps them, and gives the time.
    :param inventory: the servers, disks and file systems that they may hold.
    :param backups: the backups in them.
    """

    def __init__(self, state: CloudState, inventory: Inventory, backups: Backups) -> None:
        self._state = state
        self._inventory = inventory
        self._backups = backups

    def all(self) -> list[Row]:
        """Return the vaults; resources whose removal ended are taken out."""
        rows = list(self._state.table("cbr.vaults").values())
        for row in rows:
            row["resources"] = [resource for resource in row["resources"] if not self._is_removed(resource)]
        return rows

    def get(self, vault_id: str) -> Row:
        """Return a vault."""
        for row in self.all():
            if row["id"] == vault_id:
                return row
        raise refusal("6105", vault_id)

    def add(self, row: Row) -> None:
        """Keep a new vault."""
        self._state.table("cbr.vaults")[row["id"]] = row

    def remove(self, vault_id: str) -> None:
        """Forget a vault with all its backups."""
        del self._state.table("cbr.vaults")[vault_id]
        self._backups.forget(vault_id)

    def bound_to(self, policy_id: str) -> list[dict[str, Any]]:
        """Return the vaults that a policy is bound to, as a policy shows them."""
        return [
            {"vault_id": row["id"], "destination_vault_id": binding["destination_vault_id"]}
            for row in self.all()
            for binding in row["bindings"]
            if binding["policy_id"] == policy_id
        ]

    def unbind(self, policy_id: str) -> None:
        """Take a policy off every vault."""
        for row in self.all():
            row["bindings"] = [binding for binding in row["bindings"] if binding["policy_id"] != policy_id]

    def admit(self, vault: Row, resources: Sequence[VaultResourceCreate]) -> None:
        """Put resources into a vault, all or none.

        :raises ServiceError: one of them is not possible (CBR section 5.7).
        """
        if len(vault["resources"]) + len(resources) > MOST_RESOURCES:
            raise refusal("6100", MOST_RESOURCES)
        found = [self._admissible(vault, resource) for resource in resources]
        identifiers = [resource.id for resource in resources]
        for identifier in identifiers:
            if identifiers.count(identifier) > 1:
                raise refusal("6104", identifier)
        vault["resources"] += found

    def obstacle(self, resource: Mapping[str, Any]) -> ServiceError | None:
        """Return why a resource of a vault cannot be backed up now; ``None`` when it can."""
        if resource["removal"] is not None:
            return refusal("6134", resource["id"])
        missing, forbidden = _REFUSALS[resource["type"]]
        source = self.source(resource["type"], resource["id"])
        if source is None:
            return refusal(missing, resource["id"])
        if source["status"] not in _PROTECTABLE_STATUSES[resource["type"]]:
            return refusal(forbidden, resource["id"])
        return None

    def used_megabytes(self, vault: Row) -> int:
        """Return how much room the backups of a vault take."""
        return sum(self._backups.size_megabytes(row) for row in self._backups.of(vault_id=vault["id"]))

    def view(self, row: Row, project_id: str) -> dict[str, Any]:
        """Return a vault as it goes over the wire (CBR section 5.2)."""
        billing = row["billing"]
        kept = {name: value for name, value in row.items() if name not in ("bindings", "resources", "billing")}
        # Once for the vault: it may hold thousands of backups, and hundreds of resources.
        backups: dict[str, list[Row]] = {}
        for backup in self._backups.of(vault_id=row["id"]):
            backups.setdefault(backup["resource_id"], []).append(backup)
        return {
            **kept,
            "created_at": wire_time(row["created_at"]),
            "project_id": project_id,
            "provider_id": provider_id(row),
            "user_id": USER_ID,
            "resources": [
                self._resource_view(resource, backups.get(resource["id"], [])) for resource in row["resources"]
            ],
            "billing": {
                **billing,
                "allocated": sum(resource["size"] for resource in row["resources"]),
                "used": self.used_megabytes(row),
                "status": "available",
                "spec_code": _SPEC_CODES.get((billing["protect_type"], billing["object_type"])),
                "order_id": None,
                "product_id": None,
                "storage_unit": None,
                "frozen_scene": None,
            },
        }

    def resource_view(self, vault: Row, resource: Row) -> dict[str, Any]:
        """Return a resource of a vault as it goes over the wire."""
        return self._resource_view(resource, self._backups.of(vault_id=vault["id"], resource_id=resource["id"]))

    def _resource_view(self, resource: Row, backups: Sequence[Row]) -> dict[str, Any]:
        return {
            "id": resource["id"],
            "name": resource["name"],
            "type": resource["type"],
            "size": resource["size"],
            "protect_status": self._protect_status(resource, backups),
            "backup_count": len(backups),
            "backup_size": sum(self._backups.size_megabytes(backup) for backup in backups),
            "extra_info": resource["extra_info"],
            "auto_protect": not resource.get("suspended"),
        }

    def holder_of(self, resource_id: str) -> Row | None:
        """Return the vault for backups that a resource is in; ``None`` when it is in none."""
        for row in self.all():
            if row["billing"]["protect_type"] == "backup" and any(
                resource["id"] == resource_id for resource in row["resources"]
            ):
                return row
        return None

    def source(self, resource_type: str, resource_id: str) -> Row | None:
        """Return the server, disk or file system that a vault may hold; ``None`` when there is none."""
        tables = {
            SERVER_TYPE: self._inventory.servers,
            VOLUME_TYPE: self._inventory.volumes,
            FILE_SYSTEM_TYPE: self._inventory.file_systems,
        }
        return tables[resource_type].get(resource_id)

    def _protect_status(self, resource: Row, backups: Sequence[Row]) -> str:
        if resource["removal"] is not None:
            return "error" if self._state.is_ready(resource["removal"]) else "removing"
        if self._backups.is_restored(resource["id"]):
            return "restoring"
        return "protecting" if any(self._backups.is_running(backup) for backup in backups) else "available"

    def _is_removed(self, resource: Row) -> bool:
        removal = resource["removal"]
        return removal is not None and self._state.is_ready(removal) and not removal["failure"]

    def _admissible(self, vault: Row, resource: VaultResourceCreate) -> Row:
        if resource.type not in _OBJECT_TYPES:
            raise refusal("6116", resource.type)
        if _OBJECT_TYPES[resource.type] != vault["billing"]["object_type"]:
            raise refusal("6102", resource.type)
        source = self.source(resource.type, resource.id)
        if source is None:
            raise refusal(_REFUSALS[resource.type][0], resource.id)
        for other in self.all():
            same_kind = other["billing"]["protect_type"] == vault["billing"]["protect_type"]
            if same_kind and any(held["id"] == resource.id for held in other["resources"]):
                raise refusal("6103", resource.id, other["id"])
        return {
            "id": resource.id,
            "type": resource.type,
            "name": resource.name or source["name"],
            "size": source["size_gb"],
            "extra_info": resource.extra_info.to_wire() if resource.extra_info else {},
            "removal": None,
        }


def provider_id(vault: Row) -> str | None:
    """Return the provider of a vault's backups; ``None`` for kinds whose provider is not documented."""
    return _PROVIDER_IDS.get(vault["billing"]["object_type"])

"""The routes of vaults: create, read, change, delete, bind policies (CBR section 5)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from aiohttp import web

from airflow_provider_backup.cloud.operations.time_zones import read_time_zone
from airflow_provider_backup.cloud.services.cbr.models import (
    ExpirationUpdate,
    PolicyAssociation,
    PolicyDissociation,
    VaultBatchUpdate,
    VaultCreate,
    VaultQuery,
    VaultUpdate,
)
from airflow_provider_backup.emulator.core.service import checked, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups
from airflow_provider_backup.emulator.services.cbr.lists import asked, in_enterprise_project, listed, matches, ordered
from airflow_provider_backup.emulator.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.schema import EXPIRATION_UPDATE, VAULT_CREATE, refuse_incomplete
from airflow_provider_backup.emulator.services.cbr.vaults import Vaults

MOST_RESOURCES_AT_CREATION = 255


class VaultRoutes:
    """The routes below ``/vaults``.

    :param state: gives the time and makes ids; keeps the policies.
    :param vaults: keeps the vaults.
    :param backups: the backups in them.
    :param logs: keeps the operation logs.
    """

    def __init__(self, state: CloudState, vaults: Vaults, backups: Backups, logs: OperationLogs) -> None:
        self._state = state
        self._vaults = vaults
        self._backups = backups
        self._logs = logs

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        vault = "/v3/{project_id}/vaults/{vault_id}"
        return [
            web.post("/v3/{project_id}/vaults", self.create_vault),
            web.get("/v3/{project_id}/vaults", self.list_vaults),
            web.put("/v3/{project_id}/vaults/batch-update", self.update_all),
            web.get(vault, self.get_vault),
            web.put(vault, self.update_vault),
            web.delete(vault, self.delete_vault),
            web.post(f"{vault}/associatepolicy", self.associate_policy),
            web.post(f"{vault}/dissociatepolicy", self.dissociate_policy),
            web.put(f"{vault}/update-backup-expiration-time", self.change_expiration),
        ]

    async def create_vault(self, request: web.Request) -> web.Response:
        """Create a vault, with resources and a policy when they are given."""
        body = await json_object(request, code=INVALID, envelope="vault")
        if isinstance(body.get("resources"), list) and len(body["resources"]) > MOST_RESOURCES_AT_CREATION:
            raise refusal("6100", MOST_RESOURCES_AT_CREATION)
        refuse_incomplete(body, VAULT_CREATE)
        vault = checked(VaultCreate, body, code=INVALID)
        if vault.billing.charging_mode == "pre_paid":
            raise refusal("9900", "billing.charging_mode: the local cloud has no subscriptions")
        sent = vault.to_wire()
        row: Row = {
            "id": self._state.new_uuid(),
            "name": vault.name,
            "description": vault.description,
            "created_at": self._state.now().isoformat(),
            "enterprise_project_id": vault.enterprise_project_id or "0",
            "tags": sent.get("tags", []),
            "auto_bind": bool(vault.auto_bind),
            "bind_rules": sent.get("bind_rules", {}),
            "auto_expand": bool(vault.auto_expand),
            "smn_notify": vault.smn_notify is not False,
            "threshold": vault.threshold or 80,
            "locked": bool(vault.locked),
            "availability_zone": vault.availability_zone,
            "sys_lock_source_service": vault.sys_lock_source_service,
            "backup_name_prefix": vault.backup_name_prefix,
            "demand_billing": bool(vault.demand_billing),
            "frozen": False,
            "cbc_delete_count": 0,
            "billing": {
                "object_type": vault.billing.object_type,
                "protect_type": vault.billing.protect_type,
                "consistent_level": vault.billing.consistent_level,
                "size": vault.billing.size,
                "charging_mode": "post_paid",
                "cloud_type": vault.billing.cloud_type or "public",
                "is_multi_az": bool(vault.billing.is_multi_az),
            },
            "bindings": [],
            "resources": [],
        }
        self._vaults.admit(row, vault.resources)
        if vault.backup_policy_id is not None:
            self._bind(row, vault.backup_policy_id, None, replace=True)
        self._vaults.add(row)
        return self._answer(request, row)

    async def list_vaults(self, request: web.Request) -> web.Response:
        """List the vaults that match, newest first."""
        query = asked(VaultQuery, request)
        wanted = set(query.resource_ids.split(",")) if query.resource_ids else None
        views = [
            self._vaults.view(row, request.match_info["project_id"])
            for row in self._vaults.all()
            if matches(row, id=query.id, name=query.name)
            and matches(
                row["billing"],
                cloud_type=query.cloud_type,
                protect_type=query.protect_type,
                object_type=query.object_type,
            )
            and query.status in (None, "available")
            and in_enterprise_project(row, query.enterprise_project_id)
            and (query.policy_id is None or _is_bound(row, query.policy_id))
            and (wanted is None or wanted & {resource["id"] for resource in row["resources"]})
        ]
        return listed(request, "vaults", ordered(views, None))

    async def get_vault(self, request: web.Request) -> web.Response:
        """Read a vault."""
        return self._answer(request, self._vault(request))

    async def update_vault(self, request: web.Request) -> web.Response:
        """Change a vault; what is left out keeps its value."""
        row = self._vault(request)
        changes = checked(VaultUpdate, await json_object(request, code=INVALID, envelope="vault"), code=INVALID)
        if row["locked"] and changes.locked is False:
            raise refusal("6110", row["id"])
        sent = changes.to_wire()
        billing = sent.pop("billing", {})
        used = -(-self._vaults.used_megabytes(row) // 1024)
        if billing.get("size", used) < used:
            raise refusal("6101", billing["size"], used)
        row["billing"].update(billing)
        row.update(sent)
        return self._answer(request, row)

    async def delete_vault(self, request: web.Request) -> web.Response:
        """Delete a vault with all its backups."""
        row = self._vault(request)
        backups = self._backups.of(vault_id=row["id"])
        if running := [backup for backup in backups if self._backups.is_running(backup)]:
            raise refusal("6203", running[0]["id"])
        details = {"vault_delete": {"fail_count": 0, "total_count": len(backups)}}
        self._logs.add("vault_delete", row, self._state.started("cbr.deletion"), details=details)
        self._vaults.remove(row["id"])
        return web.Response(status=204)

    async def associate_policy(self, request: web.Request) -> web.Response:
        """Bind a policy; it replaces another of its type unless several are given in the newer form."""
        row = self._vault(request)
        association = checked(PolicyAssociation, await json_object(request, code=INVALID), code=INVALID)
        policy_ids = [association.policy_id] if association.policy_id is not None else association.add_policy_ids or []
        for policy_id in policy_ids:
            self._check_binding(row, policy_id, association.destination_vault_id)
        for policy_id in policy_ids:
            self._bind(row, policy_id, association.destination_vault_id, replace=association.policy_id is not None)
        answer = {"vault_id": row["id"], "policy_id": policy_ids[0]}
        if association.destination_vault_id is not None:
            answer["destination_vault_id"] = association.destination_vault_id
        return web.json_response({"associate_policy": answer})

    async def dissociate_policy(self, request: web.Request) -> web.Response:
        """Take a policy off."""
        row = self._vault(request)
        policy_id = checked(PolicyDissociation, await json_object(request, code=INVALID), code=INVALID).policy_id
        if policy_id not in self._state.table("cbr.policies"):
            raise refusal("6000", policy_id)
        if not _is_bound(row, policy_id):
            raise refusal("6002", policy_id, row["id"])
        row["bindings"] = [binding for binding in row["bindings"] if binding["policy_id"] != policy_id]
        return web.json_response({"dissociate_policy": {"vault_id": row["id"], "policy_id": policy_id}})

    async def update_all(self, request: web.Request) -> web.Response:
        """Change the messages of all vaults."""
        content = await json_object(request, code=INVALID, envelope="vault")
        sent = checked(VaultBatchUpdate, content, code=INVALID).to_wire()
        rows = self._vaults.all()
        for row in rows:
            row.update(sent)
        return web.json_response({"updated_vaults_id": [row["id"] for row in rows]})

    async def change_expiration(self, request: web.Request) -> web.Response:
        """Change the day on which the good backups of a vault expire."""
        row = self._vault(request)
        body = await json_object(request, code=INVALID)
        refuse_incomplete(body, EXPIRATION_UPDATE)
        change = checked(ExpirationUpdate, body, code=INVALID)
        midnight = datetime.combine(change.expect_expiration_date, time(), read_time_zone(change.time_zone))
        if midnight <= self._state.now():
            raise refusal("9900", "expect_expiration_date: must be a day to come")
        backups = [each for each in self._backups.of(vault_id=row["id"]) if self._backups.status(each) == "available"]
        for backup in backups:
            backup["expired_at"] = midnight.astimezone(UTC).isoformat()
        return web.json_response(
            {
                "affected_backups_count": len(backups),
                "new_expiration_day": change.expect_expiration_date.isoformat(),
                # What kind of log there is of it is not documented.
                "operation_log_id": None,
            }
        )

    def _vault(self, request: web.Request) -> Row:
        return self._vaults.get(request.match_info["vault_id"])

    def _answer(self, request: web.Request, row: Row) -> web.Response:
        return web.json_response({"vault": self._vaults.view(row, request.match_info["project_id"])})

    def _check_binding(self, vault: Row, policy_id: str, destination_vault_id: str | None) -> Row:
        policy = self._state.table("cbr.policies").get(policy_id)
        if policy is None:
            raise refusal("6000", policy_id)
        if vault["billing"]["protect_type"] == "replication":
            raise refusal("6127", policy_id, vault["id"])
        if (policy["operation_type"] == "replication") != (destination_vault_id is not None):
            raise refusal("9900", "destination_vault_id: goes with replication policies, and only with them")
        return policy

    def _bind(self, vault: Row, policy_id: str, destination_vault_id: str | None, *, replace: bool) -> None:
        policy = self._check_binding(vault, policy_id, destination_vault_id)
        policies: dict[str, Any] = self._state.table("cbr.policies")
        vault["bindings"] = [
            binding
            for binding in vault["bindings"]
            if binding["policy_id"] != policy_id
            and not (replace and policies[binding["policy_id"]]["operation_type"] == policy["operation_type"])
        ]
        vault["bindings"].append({"policy_id": policy_id, "destination_vault_id": destination_vault_id})


def _is_bound(vault: Row, policy_id: str) -> bool:
    return any(binding["policy_id"] == policy_id for binding in vault["bindings"])

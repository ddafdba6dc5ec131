"""Policies (CBR section 4).

Rows of ``cbr.policies``: ``id``, ``name``, ``enabled``, ``operation_type``, ``operation_definition`` and
``properties`` (the trigger's, as they were sent), ``start_time``, ``trigger_id``.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import PolicyCreate, PolicyQuery, PolicyUpdate
from airflow_provider_backup.emulator.core.service import checked, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.lists import asked, matches
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.schema import POLICY_CREATE, POLICY_UPDATE, refuse_incomplete
from airflow_provider_backup.emulator.services.cbr.vaults import Vaults

MOST_POLICIES = 32
"""Policies of one type (CBR section 13)."""


class PolicyRoutes:
    """The routes below ``/policies``; what runs by their schedules is in ``schedules.py``.

    :param state: keeps the policies.
    :param vaults: knows what they are bound to.
    """

    def __init__(self, state: CloudState, vaults: Vaults) -> None:
        self._state = state
        self._vaults = vaults

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.post("/v3/{project_id}/policies", self.create_policy),
            web.get("/v3/{project_id}/policies", self.list_policies),
            web.get("/v3/{project_id}/policies/{policy_id}", self.get_policy),
            web.put("/v3/{project_id}/policies/{policy_id}", self.update_policy),
            web.delete("/v3/{project_id}/policies/{policy_id}", self.delete_policy),
        ]

    async def create_policy(self, request: web.Request) -> web.Response:
        """Create a policy; its name need not be unique."""
        body = await json_object(request, code=INVALID, envelope="policy")
        refuse_incomplete(body, POLICY_CREATE)
        policy = checked(PolicyCreate, body, code=INVALID)
        table = self._state.table("cbr.policies")
        if sum(row["operation_type"] == policy.operation_type for row in table.values()) >= MOST_POLICIES:
            raise refusal("6001", MOST_POLICIES)
        sent = policy.to_wire()
        row: Row = {
            "id": self._state.new_uuid(),
            "name": policy.name,
            "enabled": policy.enabled is not False,
            "operation_type": policy.operation_type,
            "operation_definition": sent["operation_definition"],
            "properties": sent["trigger"]["properties"],
            "start_time": f"{self._state.now():%Y-%m-%d %H:%M:%S}",
            "trigger_id": self._state.new_uuid(),
        }
        table[row["id"]] = row
        self._state.schedule("cbr", row["id"])
        return web.json_response({"policy": {**self._view(row), "associated_vaults": None}})

    async def list_policies(self, request: web.Request) -> web.Response:
        """List the policies that match, all at once."""
        query = asked(PolicyQuery, request)
        policies = [
            view
            for view in map(self._view, self._state.table("cbr.policies").values())
            if matches(view, operation_type=query.operation_type)
            and (query.vault_id is None or query.vault_id in [vault["vault_id"] for vault in view["associated_vaults"]])
        ]
        return web.json_response({"policies": policies, "count": len(policies)})

    async def get_policy(self, request: web.Request) -> web.Response:
        """Read a policy."""
        return web.json_response({"policy": self._view(self._policy(request))})

    async def update_policy(self, request: web.Request) -> web.Response:
        """Change a policy: what is left out keeps its value, a definition is replaced as a whole."""
        row = self._policy(request)
        body = await json_object(request, code=INVALID, envelope="policy")
        refuse_incomplete(body, POLICY_UPDATE)
        changes = checked(PolicyUpdate, body, code=INVALID)
        sent = changes.to_wire()
        if "operation_definition" in sent:
            region = sent["operation_definition"].get("destination_region")
            moved = region != row["operation_definition"].get("destination_region")
            if row["operation_type"] == "replication" and moved and self._vaults.bound_to(row["id"]):
                raise refusal("6003")
        row.update({name: sent[name] for name in ("name", "enabled", "operation_definition") if name in sent})
        row["properties"] = row["properties"] | sent.get("trigger", {}).get("properties", {})
        self._state.schedule("cbr", row["id"])
        return web.json_response({"policy": self._view(row)})

    async def delete_policy(self, request: web.Request) -> web.Response:
        """Delete a policy and take it off its vaults; the backups that it made stay."""
        policy_id = self._policy(request)["id"]
        self._vaults.unbind(policy_id)
        del self._state.table("cbr.policies")[policy_id]
        return web.Response(status=204)

    def _policy(self, request: web.Request) -> Row:
        policy_id = request.match_info["policy_id"]
        row = self._state.table("cbr.policies").get(policy_id)
        if row is None:
            raise refusal("6000", policy_id)
        return row

    def _view(self, row: Row) -> dict[str, Any]:
        return {
            "id": row["id"],
            "name": row["name"],
            "enabled": row["enabled"],
            "operation_type": row["operation_type"],
            "operation_definition": row["operation_definition"],
            "trigger": {
                "id": row["trigger_id"],
                "name": "default",
                "type": "time",
                "properties": {**row["properties"], "start_time": row["start_time"]},
            },
            "associated_vaults": self._vaults.bound_to(row["id"]),
        }

"""Policies: create, read, list, change, delete (CSBS section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from airflow_provider_backup.cloud.schema.fields import format_utc
from airflow_provider_backup.cloud.services.csbs.models import (
    OperationDefinition,
    PolicyCreate,
    PolicyServer,
    PolicyUpdate,
    ScheduledOperationUpdate,
    Trigger,
)
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import ServiceError, in_order, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.csbs.refusals import refusal
from airflow_provider_backup.emulator.services.csbs.requests import INVALID, lenient, linked_page

MOST_POLICIES = 32
"""Policies of one user (CSBS section 3.1, limits)."""

_SORT_KEYS = ("created_at", "id", "name", "status")


class PolicyRoutes:
    """The routes below ``/policies``.

    :param state: keeps the policies in ``csbs.policies``, as they go over the wire.
    :param inventory: knows the servers.
    """

    def __init__(self, state: CloudState, inventory: Inventory) -> None:
        self._state = state
        self._inventory = inventory

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.post("/v1/{project_id}/policies", self.create_policy),
            web.get("/v1/{project_id}/policies", self.list_policies),
            web.get("/v1/{project_id}/policies/{policy_id}", self.get_policy),
            web.put("/v1/{project_id}/policies/{policy_id}", self.update_policy),
            web.delete("/v1/{project_id}/policies/{policy_id}", self.delete_policy),
        ]

    async def create_policy(self, request: web.Request) -> web.Response:
        """Create a policy; a server that is bound already is refused, as the API does (the console moves it)."""
        body = await json_object(request, code=INVALID, envelope="policy")
        _refuse_other_types(body)
        policy = lenient(PolicyCreate, body)
        if len(self._rows) >= MOST_POLICIES:
            raise refusal("CSBS.0001")
        self._refuse_taken_name(policy.name)
        self._refuse_unknown_or_bound(policy.resources)
        operation = policy.scheduled_operations[0]
        policy_id, trigger_id = self._state.new_uuid(), self._state.new_uuid()
        row: Row = {
            "id": policy_id,
            "name": policy.name,
            "description": policy.description or "",
            "status": "suspended",
            "project_id": request.match_info["project_id"],
            "provider_id": policy.provider_id,
            "created_at": format_utc(self._state.now(), suffix="", timespec="microseconds"),
            "parameters": policy.parameters.to_wire(),
            "resources": _servers(policy.resources),
            "scheduled_operations": [
                {
                    "id": self._state.new_uuid(),
                    "name": operation.name or "default",
                    "description": operation.description or "",
                    "enabled": operation.enabled,
                    "operation_type": operation.operation_type,
                    "operation_definition": {
                        **_retention({}, operation.operation_definition),
                        "plan_id": policy_id,
                        "provider_id": policy.provider_id,
                    },
                    "trigger": {
                        "id": trigger_id,
                        "name": "default",
                        "type": "time",
                        "properties": self._trigger_properties(operation.trigger),
                    },
                    "trigger_id": trigger_id,
                }
            ],
            "tags": [tag.to_wire() for tag in policy.tags or ()],
        }
        self._rows[policy_id] = row
        self._state.schedule("csbs", policy_id)
        return web.json_response({"policy": row})

    async def get_policy(self, request: web.Request) -> web.Response:
        """Read a policy."""
        return web.json_response({"policy": self._row(request)})

    async def list_policies(self, request: web.Request) -> web.Response:
        """List policies, newest first; ``name`` is exact."""
        name = request.query.get("name")
        rows = [row for row in self._rows.values() if not name or row["name"] == name]
        rows = in_order(rows, request.query.get("sort"), keys=_SORT_KEYS, code=INVALID)
        return web.json_response(linked_page(rows, request, "policies"))

    async def update_policy(self, request: web.Request) -> web.Response:
        """Change what is given, keep the rest; the answer is barer than that of a read (CSBS section 3.2)."""
        row = self._row(request)
        body = await json_object(request, code=INVALID, envelope="policy")
        _refuse_other_types(body)
        changes = lenient(PolicyUpdate, body)
        operation = row["scheduled_operations"][0]
        change = changes.scheduled_operations[0] if changes.scheduled_operations else None
        if change is not None and change.id != operation["id"]:
            raise ServiceError(
                400, INVALID, f"scheduled_operations.0.id: the period of this policy is {operation['id']}."
            )
        if changes.name is not None and changes.name != row["name"]:
            self._refuse_taken_name(changes.name)
        if changes.resources is not None:
            self._refuse_unknown_or_bound(changes.resources, policy_id=row["id"])
            row["resources"] = _servers(changes.resources)
        row.update(changes.model_dump(mode="json", include={"name", "description", "parameters"}, exclude_none=True))
        if change is not None:
            self._change_operation(operation, change)
        self._state.schedule("csbs", row["id"])
        answered = {**operation, "trigger": {"properties": operation["trigger"]["properties"]}}
        policy = {name: value for name, value in row.items() if name != "tags"}
        return web.json_response({"policy": {**policy, "scheduled_operations": [answered]}})

    async def delete_policy(self, request: web.Request) -> web.Response:
        """Delete a policy at once; its backups stay."""
        del self._rows[self._row(request)["id"]]
        return web.Response()

    @property
    def _rows(self) -> dict[str, Row]:
        return self._state.table("csbs.policies")

    def _row(self, request: web.Request) -> Row:
        row = self._rows.get(request.match_info["policy_id"])
        if row is None:
            raise refusal("CSBS.3000")
        return row

    def _refuse_taken_name(self, name: str) -> None:
        if any(row["name"] == name for row in self._rows.values()):
            raise refusal("CSBS.9007")

    def _refuse_unknown_or_bound(self, servers: Sequence[PolicyServer], policy_id: str | None = None) -> None:
        bound = {server["id"] for row in self._rows.values() if row["id"] != policy_id for server in row["resources"]}
        for server in servers:
            if server.id not in self._inventory.servers:
                raise refusal("CSBS.6000")
            if server.id in bound:
                raise refusal("CSBS.6004", server.id)

    def _trigger_properties(self, trigger: Trigger) -> dict[str, Any]:
        # Here, and only here, the service writes a blank instead of the T (CSBS section 11, row 6).
        start = format_utc(self._state.now(), suffix="").replace("T", " ")
        return {"pattern": trigger.properties.pattern, "start_time": start, "format": "ical"}

    def _change_operation(self, operation: Row, change: ScheduledOperationUpdate) -> None:
        operation.update(change.model_dump(mode="json", include={"name", "description", "enabled"}, exclude_none=True))
        if change.operation_definition is not None:
            definition = operation["operation_definition"]
            definition.update(_retention(definition, change.operation_definition))
        if change.trigger is not None:
            operation["trigger"]["properties"] = self._trigger_properties(change.trigger)


def _servers(servers: Sequence[PolicyServer]) -> list[dict[str, Any]]:
    return [{"extra_info": {}, **server.to_wire()} for server in servers]


def _refuse_other_types(policy: dict[str, Any]) -> None:
    servers = policy.get("resources")
    for server in servers if isinstance(servers, list) else ():
        if isinstance(server, dict) and server.get("type") not in ("OS::Nova::Server", None):
            raise refusal("CSBS.6003", str(server.get("id")), str(server["type"]))


def _retention(stored: Row, given: OperationDefinition) -> dict[str, str]:
    """Return the retention as the service answers it: as text, without the long-term numbers (CSBS section 3.2)."""
    numbers = given.model_dump(include={"max_backups", "retention_duration_days"}, exclude_none=True)
    permanent = given.permanent
    if permanent is None:
        permanent = not numbers and stored.get("permanent", "True") == "True"
    return {
        "max_backups": str(numbers.get("max_backups", stored.get("max_backups", -1))),
        "retention_duration_days": str(
            numbers.get("retention_duration_days", stored.get("retention_duration_days", -1))
        ),
        "permanent": str(permanent),
    }

"""Taking and deleting backups, and what can be backed up or restored (CSBS sections 4 and 6.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from airflow_provider_backup.cloud.schema.fields import format_utc
from airflow_provider_backup.cloud.services.csbs.models import (
    CheckpointCreate,
    ProtectableQuestion,
    Protection,
    RestorableQuestion,
)
from airflow_provider_backup.emulator.core.service import ServiceError, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.csbs.backups import SERVER_TYPE, Backups, Order
from airflow_provider_backup.emulator.services.csbs.refusals import refusal
from airflow_provider_backup.emulator.services.csbs.requests import INVALID, lenient, refuse_other_provider
from airflow_provider_backup.emulator.services.csbs.restores import Restores


class CheckpointRoutes:
    """The routes below ``/providers/{provider_id}``.

    :param state: keeps the policies.
    :param backups: keeps the backups.
    :param restores: knows what can be restored.
    """

    def __init__(self, state: CloudState, backups: Backups, restores: Restores) -> None:
        self._state = state
        self._backups = backups
        self._restores = restores

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        provider = "/v1/{project_id}/providers/{provider_id}"
        return [
            web.post(f"{provider}/checkpoints", self.execute_policy),
            web.delete(f"{provider}/checkpoints/{{checkpoint_id}}", self.delete_backups),
            web.post(f"{provider}/resources/action", self.check),
            web.post(f"{provider}/resources/{{server_id}}/action", self.protect_server),
        ]

    async def execute_policy(self, request: web.Request) -> web.Response:
        """Back up a policy's servers, or some of them; those that cannot be backed up now are left out."""
        refuse_other_provider(request)
        order = lenient(CheckpointCreate, await json_object(request, code=INVALID, envelope="checkpoint"))
        policy = self._state.table("csbs.policies").get(order.plan_id)
        if policy is None:
            raise refusal("CSBS.3000")
        if running := self._backups.running(policy["id"]):
            raise refusal("CSBS.6030" if running[0]["auto_trigger"] else "CSBS.1001")
        servers = _chosen(policy, order.parameters.resources)
        possible = [server for server in servers if self._backups.obstacle(server["id"]) is None]
        if not possible:
            raise refusal("CSBS.6032")
        auto_trigger = bool(order.parameters.auto_trigger)
        checkpoint_id = self._state.new_uuid()
        self._backups.start(
            checkpoint_id,
            possible,
            Order(policy_id=policy["id"], auto_trigger=auto_trigger, tags=policy["tags"]),
        )
        plan = {"id": policy["id"], "name": policy["name"], "resources": servers}
        extra_info = json.dumps({"created_by": "auto" if auto_trigger else "manual"})
        return self._answer(request, checkpoint_id, plan, extra_info)

    async def protect_server(self, request: web.Request) -> web.Response:
        """Back up one server."""
        refuse_other_provider(request)
        order = lenient(Protection, await json_object(request, code=INVALID, envelope="protect"))
        server_id = request.match_info["server_id"]
        if obstacle := self._backups.obstacle(server_id, order.resource_type or SERVER_TYPE):
            raise obstacle
        checkpoint_id = self._state.new_uuid()
        self._backups.start(
            checkpoint_id,
            [{"id": server_id, "extra_info": order.extra_info or {}}],
            Order(
                name=order.backup_name,
                description=order.description or "",
                incremental=order.incremental is not False,
                tags=[tag.to_wire() for tag in order.tags or ()],
            ),
        )
        name = self._backups.server_name(server_id)
        plan = {
            "id": f"fake_{self._state.new_uuid()}",
            "name": f"server protect plan for {server_id}",
            "resources": [{"id": server_id, "type": SERVER_TYPE, "name": name, "extra_info": "{}"}],
        }
        return self._answer(request, checkpoint_id, plan, None)

    async def check(self, request: web.Request) -> web.Response:
        """Report for each server whether it can be backed up, or for each backup whether it can be restored."""
        refuse_other_provider(request)
        body = await json_object(request, code=INVALID)
        servers, backups = body.get("check_protectable"), body.get("check_restorable")
        if isinstance(servers, list):
            return web.json_response({"protectable": [self._protectable(each) for each in servers]})
        if isinstance(backups, list):
            return web.json_response({"restorable": [self._restorable(each) for each in backups]})
        raise ServiceError(400, INVALID, "The request body has no list check_protectable or check_restorable.")

    def _protectable(self, question: Any) -> dict[str, Any]:
        asked = lenient(ProtectableQuestion, question)
        obstacle = self._backups.obstacle(asked.resource_id, asked.resource_type)
        return {**asked.to_wire(), **_result(obstacle)}

    def _restorable(self, question: Any) -> dict[str, Any]:
        asked = lenient(RestorableQuestion, question)
        target = asked.target
        obstacle = self._restores.obstacle(
            asked.checkpoint_item_id, target.resource_id, target.resource_type, target.volumes
        )
        return {"resource_id": target.resource_id, "resource_type": target.resource_type, **_result(obstacle)}

    async def delete_backups(self, request: web.Request) -> web.Response:
        """Begin to delete a checkpoint's backups, or those that the query names, separated by commas."""
        refuse_other_provider(request)
        checkpoint_id = request.match_info["checkpoint_id"]
        rows = {row["id"]: row for row in self._backups.items() if row["checkpoint_id"] == checkpoint_id}
        if not rows:
            raise refusal("CSBS.3001", checkpoint_id)
        named = [item_id for text in request.query.getall("checkpoint_items", []) for item_id in text.split(",")]
        for item_id in named:
            if item_id not in rows:
                raise refusal("CSBS.3001", item_id)
        chosen = [rows[item_id] for item_id in dict.fromkeys(named or rows)]
        if any(self._backups.status(row) not in ("available", "error") for row in chosen):
            raise refusal("CSBS.2003")
        policy_id = chosen[0]["policy_id"]
        if policy_id is not None and self._backups.running(policy_id):
            raise refusal("CSBS.2004")
        self._backups.delete(chosen)
        return web.json_response({})

    def _answer(
        self, request: web.Request, checkpoint_id: str, plan: Mapping[str, Any], extra_info: str | None
    ) -> web.Response:
        return web.json_response(
            {
                "checkpoint": {
                    "id": checkpoint_id,
                    "status": "protecting",
                    "created_at": format_utc(self._state.now(), suffix="", timespec="microseconds"),
                    "project_id": request.match_info["project_id"],
                    "resource_graph": None,
                    "protection_plan": plan,
                    "extra_info": extra_info,
                }
            }
        )


def _result(obstacle: ServiceError | None) -> dict[str, Any]:
    return {
        "result": obstacle is None,
        "error_code": obstacle.code if obstacle else "",
        "error_msg": obstacle.message if obstacle else "",
    }


def _chosen(policy: Row, server_ids: Sequence[str] | None) -> list[Row]:
    servers = {server["id"]: server for server in policy["resources"]}
    if server_ids is None:
        return list(servers.values())
    for server_id in server_ids:
        if server_id not in servers:
            raise ServiceError(400, INVALID, f"parameters.resources: server {server_id} is not bound to the policy.")
    return [servers[server_id] for server_id in dict.fromkeys(server_ids)]

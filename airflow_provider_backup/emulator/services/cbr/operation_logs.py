"""Operation logs: one for each resource that something is done to (CBR section 8).

Rows of ``cbr.operation_logs``: ``id``, ``operation_type``, ``vault_id``, ``vault_name``, ``provider_id``,
``enterprise_project_id``, ``policy_id``, ``checkpoint_id``, ``resource`` (none, or ``id``, ``type`` and ``name``),
``details`` (the part of ``extra_info`` that belongs to the operation), ``request_id`` (of the request that began it),
``task_id``, and the members of :meth:`CloudState.started`.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import OperationLogQuery
from airflow_provider_backup.emulator.core.service import REQUEST_ID
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import wire_time
from airflow_provider_backup.emulator.services.cbr.lists import (
    asked,
    begun_between,
    in_enterprise_project,
    listed,
    matches,
    ordered,
)
from airflow_provider_backup.emulator.services.cbr.refusals import refusal
from airflow_provider_backup.emulator.services.cbr.vaults import provider_id

FAILED = "BackupService.9910"
"""The code that a failure is logged with: no cause is documented better."""


class OperationLogs:
    """All operation logs of the service, with the routes below ``/operation-logs``.

    :param state: keeps them, and gives the time.
    """

    def __init__(self, state: CloudState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.get("/v3/{project_id}/operation-logs", self.list_logs),
            web.get("/v3/{project_id}/operation-logs/{operation_log_id}", self.get_log),
        ]

    def add(
        self,
        operation_type: str,
        vault: Row,
        times: Row,
        *,
        details: Row,
        backup: Row | None = None,
        policy_id: str | None = None,
    ) -> str:
        """Log an operation.

        :param operation_type: such as ``backup``.
        :param vault: the vault that it happens in.
        :param times: the members of :meth:`CloudState.started` that tell how it goes.
        :param details: the part of ``extra_info`` that belongs to it.
        :param backup: the backup that it is about.
        :param policy_id: the policy that it is done for.
        :return: the log's id.
        """
        row: Row = {
            "id": self._state.new_uuid(),
            "operation_type": operation_type,
            "vault_id": vault["id"],
            "vault_name": vault["name"],
            "provider_id": provider_id(vault),
            "enterprise_project_id": vault["enterprise_project_id"],
            "policy_id": policy_id,
            "checkpoint_id": backup["checkpoint_id"] if backup else None,
            "resource": {name: backup[f"resource_{name}"] for name in ("id", "type", "name")} if backup else None,
            "details": details,
            "request_id": REQUEST_ID.get(),
            "task_id": self._state.new_uuid(),
            **{name: times[name] for name in ("started_at", "ready_at", "failure")},
        }
        self._state.table("cbr.operation_logs")[row["id"]] = row
        return str(row["id"])

    async def list_logs(self, request: web.Request) -> web.Response:
        """List the logs that match, newest first."""
        query = asked(OperationLogQuery, request)
        views = [
            view
            for row in self._state.table("cbr.operation_logs").values()
            if begun_between(row, query.start_time, query.end_time)
            and in_enterprise_project(row, query.enterprise_project_id)
            and matches(row["resource"] or {}, id=query.resource_id, name=query.resource_name)
            for view in [self._view(row, request.match_info["project_id"])]
            if matches(
                view,
                operation_type=query.operation_type,
                status=query.status,
                provider_id=query.provider_id,
                vault_id=query.vault_id,
                vault_name=query.vault_name,
            )
        ]
        return listed(request, "operation_logs", ordered(views, None))

    async def get_log(self, request: web.Request) -> web.Response:
        """Read a log."""
        log_id = request.match_info["operation_log_id"]
        row = self._state.table("cbr.operation_logs").get(log_id)
        if row is None:
            raise refusal("6500", log_id)
        return web.json_response({"operation_log": self._view(row, request.match_info["project_id"])})

    def _view(self, row: Row, project_id: str) -> dict[str, Any]:
        is_over = self._state.is_ready(row)
        failure = row["failure"] if is_over else None
        started_at, ready_at = wire_time(row["started_at"]), wire_time(row["ready_at"])
        return {
            "id": row["id"],
            "project_id": project_id,
            "operation_type": row["operation_type"],
            "status": ("failed" if failure else "success") if is_over else "running",
            "vault_id": row["vault_id"],
            "vault_name": row["vault_name"],
            "policy_id": row["policy_id"],
            "provider_id": row["provider_id"],
            "checkpoint_id": row["checkpoint_id"],
            "created_at": started_at,
            "started_at": started_at,
            "updated_at": ready_at if is_over else started_at,
            "ended_at": ready_at if is_over else None,
            "error_info": {"code": FAILED, "message": failure} if failure else {"code": "", "message": ""},
            "extra_info": {
                "common": {
                    "progress": self._state.progress(row) if not row["failure"] else 0,
                    # Rows of an earlier release have none.
                    "request_id": row.get("request_id"),
                    "task_id": row["task_id"],
                },
                "resource": {**row["resource"], "extra_info": {}} if row["resource"] else None,
                **row["details"],
            },
        }

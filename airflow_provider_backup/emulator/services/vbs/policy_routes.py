"""The calls for policies, for the disks under them, and for their runs (VBS section 3)."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from airflow_provider_backup.cloud.services.vbs.models import PolicyCreate, PolicyUpdate
from airflow_provider_backup.emulator.core.service import ServiceError, page
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.vbs.policies import Policies
from airflow_provider_backup.emulator.services.vbs.refusals import policy_refusal, refusal
from airflow_provider_backup.emulator.services.vbs.requests import wire_values

_TASKS_PER_PAGE = 20
_HOST = "pod01"


class PolicyRoutes:
    """The calls for policies.

    :param policies: the policies.
    """

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        policies, policy = "/v2/{project_id}/backuppolicy", "/v2/{project_id}/backuppolicy/{policy_id}"
        resources = "/v2/{project_id}/backuppolicyresources"
        return [
            web.post(policies, self.create),
            web.get(policies, self.list),
            web.put(policy, self.update),
            web.delete(policy, self.delete),
            web.post(f"{policy}/action", self.execute),
            web.get(f"{policy}/backuptasks", self.list_tasks),
            web.post(resources, self.associate),
            web.post(f"{resources}/{{policy_id}}/deleted_resources", self.disassociate),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Create a policy."""
        body = await _body(request)
        scheduled_policy = body.get("scheduled_policy")
        if not scheduled_policy or not isinstance(scheduled_policy, dict):
            raise refusal("AutoBackup.0001")
        _check_words(scheduled_policy)
        try:
            policy = PolicyCreate.model_validate(wire_values(PolicyCreate, _settled(body)))
        except ValidationError as error:
            raise policy_refusal(error) from None
        if scheduled_policy.get("status") is None:
            raise refusal("AutoBackup.0104")
        return web.json_response({"backup_policy_id": self._policies.create(policy.to_wire())})

    async def list(self, request: web.Request) -> web.Response:
        """Answer with all policies."""
        return web.json_response({"backup_policies": [self._policies.view(row) for row in self._policies.rows()]})

    async def update(self, request: web.Request) -> web.Response:
        """Change a policy; what the request leaves out stays."""
        policy_id = request.match_info["policy_id"]
        self._policies.get(policy_id)
        body = await _body(request)
        _check_words(body.get("scheduled_policy"))
        try:
            change = PolicyUpdate.model_validate(wire_values(PolicyUpdate, _settled(body)))
        except ValidationError as error:
            raise policy_refusal(error) from None
        self._policies.update(policy_id, change.to_wire())
        return web.json_response({"backup_policy_id": policy_id})

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a policy."""
        self._policies.delete(request.match_info["policy_id"])
        return web.Response(status=204)

    async def execute(self, request: web.Request) -> web.Response:
        """Start a run of a policy."""
        self._policies.execute(request.match_info["policy_id"])
        return web.Response(status=204)

    async def list_tasks(self, request: web.Request) -> web.Response:
        """Answer with what the runs of a policy did, newest first unless asked otherwise."""
        query = request.query
        tasks = self._policies.tasks(request.match_info["policy_id"])
        if query.get("sort_key", "created_at") != "created_at" or query.get("sort_dir", "desc") not in ("asc", "desc"):
            raise refusal("AutoBackup.0222")
        if query.get("sort_dir", "desc") == "desc":
            tasks.reverse()
        found = [
            task for task in tasks if all(query.get(name, task[name]) == task[name] for name in ("status", "job_id"))
        ]
        # Markers are ids, and the id of a task is called job_id.
        rows = [{"id": task["job_id"], "task": task} for task in found]
        part = page(rows, request, code="AutoBackup.0222", default_limit=_TASKS_PER_PAGE)
        return web.json_response({"tasks": [row["task"] for row in part], "count": len(found)})

    async def associate(self, request: web.Request) -> web.Response:
        """Put disks under a policy; says for each whether that worked."""
        body = await _body(request)
        policy_id = body.get("backup_policy_id")
        if not policy_id:
            raise refusal("AutoBackup.0006")
        self._policies.get(str(policy_id))
        resources = _resources(body)
        if any(resource.get("resource_type") != "volume" for resource in resources):
            raise refusal("AutoBackup.0211")
        worked, failed = [], []
        for resource in resources:
            item = {"resource_id": resource["resource_id"], "resource_type": "volume"}
            try:
                volume = self._policies.associate(policy_id, resource["resource_id"])
            except ServiceError as error:
                failed.append({**item, "code": error.code, "message": error.message})
            else:
                zone = volume["availability_zone"]
                worked.append({**item, "availability_zone": zone, "os_vol_host_attr": f"{_HOST}.{zone}"})
        return web.json_response({"success_resources": worked, "fail_resources": failed})

    async def disassociate(self, request: web.Request) -> web.Response:
        """Take disks from a policy; says for each whether that worked."""
        policy_id = request.match_info["policy_id"]
        self._policies.get(policy_id)
        worked, failed = [], []
        for resource in _resources(await _body(request)):
            item = {"resource_id": resource["resource_id"]}
            try:
                self._policies.disassociate(policy_id, resource["resource_id"])
            except ServiceError as error:
                failed.append({**item, "code": error.code, "message": error.message})
            else:
                worked.append(item)
        return web.json_response({"success_resources": worked, "fail_resources": failed})


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    if not text.strip():
        raise refusal("AutoBackup.0000")
    if "<" in text or ">" in text:
        raise refusal("AutoBackup.0221")
    try:
        body = json.loads(text)
    except ValueError:
        raise refusal("AutoBackup.0008") from None
    if not isinstance(body, dict):
        raise refusal("AutoBackup.0008")
    if not body:
        raise refusal("AutoBackup.0000")
    return body


def _check_words(scheduled_policy: Any) -> None:
    """Refuse truth values as text: our models take them from templates, the service does not."""
    if not isinstance(scheduled_policy, dict):
        return
    if scheduled_policy.get("status") not in ("ON", "OFF", None):
        raise refusal("AutoBackup.0104")
    if scheduled_policy.get("remain_first_backup_of_curMonth") not in ("Y", "N", True, False, None):
        raise refusal("AutoBackup.0105")


def _settled(body: dict[str, Any]) -> dict[str, Any]:
    """Drop what loses when both of a pair are sent: the interval and the number win (VBS section 3.1)."""
    scheduled_policy = body.get("scheduled_policy")
    if not isinstance(scheduled_policy, dict):
        return body
    losers = {
        loser
        for winner, loser in (("frequency", "week_frequency"), ("rentention_num", "rentention_day"))
        if scheduled_policy.get(winner) is not None
    }
    return {**body, "scheduled_policy": {name: value for name, value in scheduled_policy.items() if name not in losers}}


def _resources(body: dict[str, Any]) -> list[Row]:
    resources = body.get("resources")
    if not resources or not isinstance(resources, list):
        raise refusal("AutoBackup.0207")
    if any(
        not isinstance(each, dict) or not isinstance(each.get("resource_id"), str) or not each["resource_id"]
        for each in resources
    ):
        raise refusal("AutoBackup.0209")
    return resources

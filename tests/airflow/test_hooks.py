"""Hooks in plain code: lists, single reads, policies, and requests that the package has no call for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, NotFoundError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.operators.cbr import CbrCreatePolicyOperator
from airflow_provider_backup.operators.vbs import VbsCreatePolicyOperator
from tests.airflow.conftest import CONNECTION
from tests.airflow.service_matrix import CASES, DATABASES, SERVICES, csbs_policy, resources, taken
from tests.airflow.task_runs import TaskRun


@pytest.mark.parametrize("service", SERVICES)
def test_backups_are_listed_and_read_without_async_code(cloud: RunningCloud, service: str) -> None:
    result = taken(cloud, service, wait=True)
    filters = {"instance_id": result["instance_id"]} if service in DATABASES else {}
    of_instance = {"instance_id": result["instance_id"]} if CASES[service].reads_need_instance else {}

    listed = CASES[service].hook().list_backups(**filters)

    assert set(result["backup_ids"]) <= {backup.id for backup in listed}
    for backup_id in result["backup_ids"]:
        assert CASES[service].hook().get_backup(backup_id, **of_instance).id == backup_id


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_is_not_there_is_reported(cloud: RunningCloud, service: str) -> None:
    of_instance = {"instance_id": CASES[service].target(cloud)} if CASES[service].reads_need_instance else {}

    with pytest.raises(NotFoundError):
        CASES[service].hook().get_backup("0f7c1c4e-0000-4000-8000-000000000000", **of_instance)


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize("service", SERVICES)
def test_no_id_at_all_is_refused_before_anything_is_sent(
    cloud: RunningCloud, service: str, nothing: str | None
) -> None:
    of_instance = {"instance_id": CASES[service].target(cloud)} if CASES[service].reads_need_instance else {}

    with pytest.raises(InvalidRequestError, match="nothing was sent: .*id: "):
        CASES[service].hook().get_backup(nothing, **of_instance)


@pytest.mark.parametrize("service", ["vbs", "csbs", "cbr"])
def test_policies_are_listed_and_read_without_async_code(cloud: RunningCloud, service: str) -> None:
    schedule: dict[str, Any] = {"task_id": "policy", "name": "nightly", "schedule": "daily at 02:00"}
    if service == "csbs":
        policy_id = csbs_policy(cloud)
    elif service == "cbr":
        policy_id = TaskRun(CbrCreatePolicyOperator(**schedule, max_backups=3)).execute()["policy_id"]
    else:
        policy_id = TaskRun(VbsCreatePolicyOperator(**schedule, retention_num=3)).execute()["policy_id"]
    hook = CASES[service].hook()

    assert [policy.id for policy in hook.list_policies()] == [policy_id]
    assert hook.get_policy(policy_id).id == policy_id
    with pytest.raises(NotFoundError):
        hook.get_policy("0f7c1c4e-0000-4000-8000-000000000000")


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("service", ["vbs", "csbs", "cbr"])
def test_a_list_of_policies_refuses_an_unknown_filter_by_name(service: str) -> None:
    with pytest.raises(InvalidRequestError, match="nothing was sent: colour: "):
        CASES[service].hook().list_policies(colour="red")


@pytest.mark.parametrize("service", DATABASES)
def test_the_backup_policy_of_an_instance_is_read_without_async_code(cloud: RunningCloud, service: str) -> None:
    instance_id = resources(cloud, f"{service}_instances")[0]

    assert CASES[service].hook().get_policy(instance_id).keep_days is not None


@pytest.mark.parametrize("with_access_key", [False, True])
@pytest.mark.parametrize("service", SERVICES)
def test_a_request_by_its_documented_path_reaches_the_service(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str, with_access_key: bool
) -> None:
    monkeypatch.setenv(CONNECTION, cloud.connection_json(with_access_key=with_access_key))

    answer = CASES[service].hook().request("GET", CASES[service].list_path, query={"limit": 10})

    assert isinstance(answer, dict)


def test_a_request_may_have_a_body_and_its_refusal_is_typed(cloud: RunningCloud) -> None:
    policy_id = TaskRun(
        CbrCreatePolicyOperator(task_id="policy", name="nightly", schedule="daily at 02:00", max_backups=3)
    ).execute()["policy_id"]

    hook = CbrHook()
    hook.request("PUT", f"/v3/{{project_id}}/policies/{policy_id}", body={"policy": {"enabled": False}})
    assert hook.get_policy(policy_id).enabled is False
    assert hook.request("DELETE", f"/v3/{{project_id}}/policies/{policy_id}") is None
    with pytest.raises(NotFoundError):
        hook.request("GET", f"/v3/{{project_id}}/policies/{policy_id}")


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("get", "/v3/x", None, "method: must be one of GET"),
        ("GET", "v3/{project_id}/backups", None, "path: must begin with /"),
        ("GET", "https://cbr.example/v3", None, "path: must begin with /"),
        ("GET", "/v3/{project_id}/backups?limit=1", None, "a query is an argument"),
        ("GET", "/v3/{project_id}/backups/", None, "no empty piece"),
        ("GET", "/v3/{project_id}/../x", None, r"no \. or \.\."),
        ("GET", "/v3/{project_id}/backups/{backup_id}", None, r"only \{project_id\} is filled in"),
        ("GET", 5, None, "path: must begin with /"),
        ("POST", "/v3/{project_id}/backups", {"a": object()}, "body: must be what JSON can say"),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused_with_the_rule(
    cloud: RunningCloud, method: str, path: Any, body: Any, text: str
) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        CbrHook().request(method, path, body=body)
    assert not [key for key in cloud.requests if key[0] == "cbr"]


async def test_get_conn_gives_a_client_of_ones_own(cloud: RunningCloud) -> None:
    async with CbrHook().get_conn() as client, CbrHook().get_conn() as other:
        assert client is not other
        assert [policy async for policy in client.cbr.policies.list()] == []
        assert await client.request("rds", "GET", "/v3/{project_id}/instances")


def test_get_conn_of_a_connection_that_cannot_work_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION, json.dumps({"conn_type": "huaweicloud_backup", "login": "AK", "password": "SK"}))

    with pytest.raises(BackupError, match="No region is set. Connection: huaweicloud_backup_default"):
        BackupCloudHook().get_conn()

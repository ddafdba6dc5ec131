"""A checkpoint that lacks a backup of a requested resource never counts as complete, for any waiter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import ServerError
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupPartialError
from tests.airflow.service_matrix import (
    SENSORS,
    cbr_vault,
    create_operator,
    csbs_policy,
    finish_backups,
    resources,
    rows,
)
from tests.airflow.task_runs import Deferred, Rescheduled, TaskRun, TaskStateStore

CHECKPOINT_SERVICES = ("cbr", "csbs")
_TABLES = {"cbr": "cbr.backups", "csbs": "csbs.items"}


def of_two_servers(cloud: RunningCloud, service: str) -> dict[str, str]:
    """Return the arguments of an operator that backs up two servers."""
    if service == "cbr":
        return {"vault_id": cbr_vault(cloud, servers=2)}
    return {"policy_id": csbs_policy(cloud, servers=2)}


def lose_second_backup(
    cloud: RunningCloud, service: str, *, seconds_ago: float = Limits().longest_listing_delay + 10
) -> str:
    """Let all backups have ended, without a backup of the second server and without a word about it; return its id."""
    lost = resources(cloud, "servers")[1]
    cloud.state.table("cbr.operation_logs").clear()
    table = cloud.state.table(_TABLES[service])
    for row in rows(cloud, service):
        row["ready_at"] = (cloud.state.now() - timedelta(seconds=seconds_ago)).isoformat()
        if row["resource_id"] == lost:
            del table[row["id"]]
    return lost


def begun(cloud: RunningCloud, service: str, **arguments: Any) -> tuple[TaskRun, Any]:
    """Begin a backup of two servers that takes an hour."""
    cloud.set_backup_seconds(3600)
    store = arguments.pop("store", None)
    run = TaskRun(create_operator(cloud, service, **of_two_servers(cloud, service), **arguments), store=store)
    return run, run.execute()


@pytest.mark.parametrize("service", CHECKPOINT_SERVICES)
def test_a_deferred_task_fails_when_a_resource_has_no_backup_and_the_reason_is_unknown(
    cloud: RunningCloud, service: str
) -> None:
    run, ended = begun(cloud, service)
    lost = lose_second_backup(cloud, service)

    with pytest.raises(BackupPartialError, match=rf"{lost} \(no backup of it is listed, and .* no reason\)"):
        run.finish(ended)


@pytest.mark.parametrize("service", CHECKPOINT_SERVICES)
def test_a_partial_backup_is_accepted_on_request_and_the_result_names_what_is_missing(
    cloud: RunningCloud, service: str
) -> None:
    run, ended = begun(cloud, service, fail_on_skipped=False)
    lost = lose_second_backup(cloud, service)

    result = run.finish(ended)

    assert [skipped["resource_id"] for skipped in result["skipped"]] == [lost]
    assert sorted(result["expected_ids"]) == sorted(resources(cloud, "servers")[:2])


@pytest.mark.parametrize("service", CHECKPOINT_SERVICES)
@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_retry_refuses_the_partial_checkpoint_as_the_first_try_does(
    cloud: RunningCloud, service: str, is_recorded: bool
) -> None:
    run, _ = begun(cloud, service, deferrable=True, store=TaskStateStore() if is_recorded else None)
    lost = lose_second_backup(cloud, service)
    run.retry()

    with pytest.raises(BackupPartialError, match=lost):
        run.execute()
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", CHECKPOINT_SERVICES)
@pytest.mark.parametrize("mode", ["poke", "reschedule", "deferred"])
def test_a_sensor_with_a_result_refuses_a_partial_checkpoint(cloud: RunningCloud, service: str, mode: str) -> None:
    _, backup = begun(cloud, service, wait_for_completion=False)
    lost = lose_second_backup(cloud, service)

    with pytest.raises(BackupPartialError, match=lost):
        TaskRun(_sensor(service, mode, backup=backup)).run()


@pytest.mark.parametrize("mode", ["poke", "reschedule", "deferred"])
def test_a_sensor_with_only_the_id_of_a_cbr_checkpoint_goes_by_what_the_checkpoint_names(
    cloud: RunningCloud, mode: str
) -> None:
    _, backup = begun(cloud, "cbr", wait_for_completion=False)
    lost = lose_second_backup(cloud, "cbr")

    with pytest.raises(BackupPartialError, match=lost):
        TaskRun(_sensor("cbr", mode, checkpoint_id=backup["backup_id"])).run()


@pytest.mark.parametrize("service", CHECKPOINT_SERVICES)
@pytest.mark.parametrize("mode", ["poke", "reschedule", "deferred"])
def test_a_backup_that_is_listed_late_is_waited_for(cloud: RunningCloud, service: str, mode: str) -> None:
    _, backup = begun(cloud, service, wait_for_completion=False)
    table = cloud.state.table(_TABLES[service])
    before = {identifier: dict(row) for identifier, row in table.items()}
    lose_second_backup(cloud, service, seconds_ago=1)
    sensor = TaskRun(_sensor(service, mode, backup=backup, timeout=0.3))

    if mode == "poke":
        assert not sensor.operator.poke(sensor.context)
    else:
        assert isinstance(sensor.execute(), Deferred | Rescheduled)
    table.update({key: row | {"ready_at": cloud.state.now().isoformat()} for key, row in before.items()})
    result = sensor.run()
    assert (result["status"], len(result["backup_ids"]), result["skipped"]) == ("available", 2, [])


def test_a_policy_that_cannot_be_read_is_not_executed(cloud: RunningCloud) -> None:
    what = of_two_servers(cloud, "csbs")
    route = "/v1/{project_id}/policies/{policy_id}"
    cloud.misbehave("server_error", service="csbs", route=route, status=503)

    with pytest.raises(ServerError):
        TaskRun(create_operator(cloud, "csbs", **what)).execute()
    assert not rows(cloud, "csbs")


def test_a_policy_that_cannot_be_read_is_executed_for_servers_that_are_named(cloud: RunningCloud) -> None:
    what: dict[str, Any] = of_two_servers(cloud, "csbs")
    servers = resources(cloud, "servers")[:2]
    route = "/v1/{project_id}/policies/{policy_id}"
    cloud.misbehave("refuse", service="csbs", route=route, status=403, code="CSBS.9998")

    result = TaskRun(create_operator(cloud, "csbs", server_ids=servers, **what)).run()

    assert sorted(result["expected_ids"]) == sorted(servers)


def test_a_retry_of_a_whole_policy_prefers_the_checkpoint_of_all_its_servers(cloud: RunningCloud) -> None:
    run, whole = begun(cloud, "csbs", wait_for_completion=False)
    finish_backups(cloud)
    first = resources(cloud, "servers")[:1]
    other = create_operator(
        cloud, "csbs", task_id="other", policy_id=run.operator.policy_id, server_ids=first, wait_for_completion=False
    )
    TaskRun(other).execute()
    run.retry()

    assert run.execute()["backup_id"] == whole["backup_id"]


def _sensor(service: str, mode: str, **arguments: Any) -> Any:
    usual = {"task_id": "sensor", "poke_interval": 0.05, "timeout": 20}
    how: dict[str, Any] = {"deferrable": True} if mode == "deferred" else {"mode": mode, "deferrable": False}
    return SENSORS[service](**{**usual, **how, **arguments})

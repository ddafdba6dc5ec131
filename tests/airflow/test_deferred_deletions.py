"""Deletions that are waited for in the triggerer: none holds a worker, and all of them share the polls."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import ApiError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError, BackupTimeoutError
from airflow_provider_backup.tasks.deferred_wait import MOST_TRIGGER_FAILURES, WAIT_XCOM
from airflow_provider_backup.triggers.backup import BackupTrigger
from airflow_provider_backup.triggers.conflict import ConflictTrigger
from tests.airflow.killed_triggers import end_from_outside, is_deleted
from tests.airflow.recording_proxy import Wire
from tests.airflow.restorable import Restorable
from tests.airflow.service_matrix import (
    CASES,
    DELETE,
    SENSORS,
    SERVICES,
    cbr_vault,
    csbs_policy,
    finish_backups,
    let_time_pass,
    rows,
    taken,
)
from tests.airflow.task_runs import Deferred, TaskRun, event_of

LISTED = [service for service in SERVICES if not CASES[service].reads_need_instance]


def deleting(cloud: RunningCloud, service: str, **arguments: Any) -> TaskRun:
    """Return a task that deletes a backup; the deletion takes an hour (databases: a second)."""
    backup = taken(cloud, service, wait=True)
    cloud.set_backup_seconds(3600)
    usual = {"task_id": "delete", "backup": backup, "deferrable": True, "poll_interval": 0.05}
    return TaskRun(DELETE[service](**{**usual, **arguments}))


def deferred(run: TaskRun) -> Deferred:
    """Run a task until it is put aside."""
    ended = run.execute()
    assert isinstance(ended, Deferred)
    return ended


def deleted_by(wire: Wire, service: str) -> int:
    """Return how many requests for a deletion came."""
    return len(wire.sent_to(service, "DELETE"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_deletion_is_waited_for_in_the_triggerer(cloud: RunningCloud, service: str) -> None:
    run = deleting(cloud, service)
    ended = deferred(run)
    let_time_pass(cloud)
    result = run.finish(ended)
    backup = run.operator.backup
    assert result == OperationReference.from_dict(backup).to_dict()
    assert rows(cloud, service) == [] or is_deleted(backup)


@pytest.mark.parametrize("service", SERVICES)
def test_the_result_is_the_same_whether_the_task_deferred_or_not(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    on_the_worker = TaskRun(DELETE[service](task_id="delete", backup=backup, deferrable=False, poll_interval=0.05))
    assert on_the_worker.execute() == OperationReference.from_dict(backup).to_dict()


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_is_gone_at_once_is_not_deferred_for(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    cloud.set_backup_seconds(0)
    operator = DELETE[service](task_id="delete", backup=backup, deferrable=True)
    assert TaskRun(operator).execute()["backup_id"] == backup["backup_id"]


def test_deferral_follows_the_configuration_of_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert DELETE["cbr"](task_id="delete", backup_id="b").deferrable is True
    assert DELETE["cbr"](task_id="delete", backup_id="b", deferrable=False).deferrable is False


@pytest.mark.parametrize("service", SERVICES)
def test_the_log_names_each_deleted_backup_after_a_deferral(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    run = deleting(cloud, service)
    ended = deferred(run)
    let_time_pass(cloud)
    run.finish(ended)
    backup = run.operator.backup
    told = [line for line in logged().splitlines() if f"Deleted: {service} backup" in line]
    assert all(text in told[0] for text in (*backup["backup_ids"], backup["name"], *backup["resource_ids"]))


@pytest.mark.parametrize("service", ["csbs", "cbr"])
def test_a_checkpoint_is_waited_for_with_all_its_backups(cloud: RunningCloud, service: str) -> None:
    what = (
        {"policy_id": csbs_policy(cloud, servers=2)} if service == "csbs" else {"vault_id": cbr_vault(cloud, servers=2)}
    )
    backup = taken(cloud, service, wait=True, **what)
    cloud.set_backup_seconds(3600)
    operator = DELETE[service](task_id="delete", backup=backup, deferrable=True, poll_interval=0.05)
    run = TaskRun(operator)
    ended = deferred(run)
    assert set(ended.trigger_arguments["reference"]["parts"]) == set(backup["backup_ids"])
    let_time_pass(cloud)
    assert run.finish(ended) == OperationReference.from_dict(backup).to_dict()
    assert rows(cloud, service) == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_adopts_the_deletion_that_is_under_way(
    wire: Wire, backup_cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    run = deleting(backup_cloud, service)
    deferred(run)
    run.retry()
    ended = deferred(run)
    assert deleted_by(wire, service) == 1
    assert "is running already; adopting it" in logged()
    let_time_pass(backup_cloud)
    assert run.finish(ended)["backup_id"] == run.operator.backup["backup_id"]


def test_the_deletion_that_others_began_is_adopted(wire: Wire, backup_cloud: RunningCloud) -> None:
    run = deleting(backup_cloud, "vbs")
    TaskRun(DELETE["vbs"](task_id="other", backup=run.operator.backup, wait_for_completion=False)).execute()
    deferred(run)
    assert deleted_by(wire, "vbs") == 1


def test_the_rest_of_a_checkpoint_is_deleted_when_one_of_its_backups_is_being_deleted(cloud: RunningCloud) -> None:
    backup = taken(cloud, "cbr", wait=True, vault_id=cbr_vault(cloud, servers=2))
    cloud.set_backup_seconds(3600)
    first = backup["backup_ids"][0]
    TaskRun(DELETE["cbr"](task_id="one", backup_id=first, wait_for_completion=False)).execute()
    deferred(TaskRun(DELETE["cbr"](task_id="delete", backup=backup, deferrable=True)))
    assert all(is_deleted({"service": "cbr", "backup_id": each}) for each in backup["backup_ids"])


@pytest.mark.parametrize("service", ["vbs", "csbs", "cbr"])
def test_a_deletion_that_fails_while_it_is_deferred_fails_the_task(cloud: RunningCloud, service: str) -> None:
    cloud.plan_outcome(f"{service}.deletion", reason="the array is on fire")
    run = deleting(cloud, service)
    ended = deferred(run)
    let_time_pass(cloud)
    with pytest.raises(BackupFailedError, match=f"deletion of {service} .*on fire.*requests its deletion again"):
        run.finish(ended)


@pytest.mark.parametrize("service", ["vbs", "csbs", "cbr"])
def test_a_retry_submits_a_failed_deletion_again(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    cloud.plan_outcome(f"{service}.deletion", reason="the array is on fire")
    run = TaskRun(DELETE[service](task_id="delete", backup=backup, deferrable=True, poll_interval=0.05))
    with pytest.raises(BackupFailedError):
        run.run()
    run.retry()
    assert run.run()["backup_id"] == backup["backup_id"]
    assert rows(cloud, service) == []


@pytest.mark.parametrize("service", ["vbs", "csbs", "cbr"])
def test_a_deletion_that_fails_again_fails_the_retry_before_its_timeout(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    cloud.plan_outcome(f"{service}.deletion", reason="the array is on fire", count=2)
    cloud.set_backup_seconds(0.5)
    run = TaskRun(DELETE[service](task_id="delete", backup=backup, poll_interval=0.05, timeout=20))
    with pytest.raises(BackupFailedError):
        run.execute()
    run.retry()
    with pytest.raises(BackupFailedError, match="on fire"):
        run.execute()


# ----------------------------------------------------------------------------------------------------- busy backups


@pytest.mark.parametrize("service", SERVICES)
def test_a_running_backup_is_waited_for_in_the_triggerer_and_then_deleted(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, service)
    run = TaskRun(DELETE[service](task_id="delete", backup=backup, deferrable=True, poll_interval=0.05))
    waiting = deferred(run)
    assert waiting.is_for_conflict
    finish_backups(cloud)
    cloud.set_backup_seconds(0.05)
    assert run.finish(waiting)["service"] == service
    assert all(row.get("gone_at") for row in rows(cloud, service)) or is_deleted(backup)


def test_a_backup_that_is_restored_from_is_deleted_afterwards(cloud: RunningCloud) -> None:
    made = Restorable(cloud, "cbr")
    cloud.set_backup_seconds(3600)
    made.run(wait_for_completion=False).execute()
    run = TaskRun(DELETE["cbr"](task_id="delete", backup=made.backup, deferrable=True, poll_interval=0.05))
    waiting = deferred(run)
    assert waiting.is_for_conflict
    cloud.state.advance_clock(3600)
    cloud.set_backup_seconds(0.05)
    assert run.finish(waiting)["backup_id"] == made.backup["backup_id"]
    assert made.content == 1


def test_a_backup_that_others_delete_while_it_was_busy_counts_as_deleted(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, "rds")
    run = TaskRun(DELETE["rds"](task_id="delete", backup=backup, deferrable=True, poll_interval=0.05))
    waiting = deferred(run)
    del cloud.state.table("rds.backups")[backup["backup_id"]]
    assert run.resume(waiting.method_name, event={"outcome": "over"})["backup_id"] == backup["backup_id"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_cannot_be_read_because_it_is_busy_is_deleted_when_it_can_be(
    cloud: RunningCloud, service: str
) -> None:
    run = deleting(cloud, service)
    cloud.misbehave("refuse", service=service, method="GET", status=409, code="Any.0001", count=1)

    ended = deferred(run)

    assert ended.is_for_conflict
    assert isinstance(ended.trigger, ConflictTrigger)
    again = run.resume(ended.method_name, event=event_of(ended.rebuilt()))
    assert isinstance(again, Deferred)
    assert not again.is_for_conflict


def test_the_deadline_stays_the_same_through_the_wait_for_a_busy_backup(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, "rds")
    run = TaskRun(DELETE["rds"](task_id="delete", backup=backup, deferrable=True, poll_interval=0.05, timeout=600))
    deadline = deferred(run).trigger_arguments["deadline"]
    finish_backups(cloud)
    now = cloud.state.now()
    # The deletion of a database's backup takes a second.
    cloud.state.now = lambda: now
    again = run.resume("submit_again", event={"outcome": "over"})
    assert again.trigger_arguments["deadline"] == deadline


# ------------------------------------------------------------------------------------------------------------ sharing


@pytest.mark.parametrize("service", LISTED)
def test_many_deletions_share_the_polls(wire: Wire, backup_cloud: RunningCloud, service: str) -> None:
    run = deleting(backup_cloud, service)
    arguments = deferred(run).trigger_arguments
    wire.requests.clear()

    async def first_event(trigger: BackupTrigger) -> Any:
        async for event in trigger.run():
            return event.payload

    async def together() -> list[Any]:
        triggers = [BackupTrigger(**{**arguments, "poll_interval": 0.2}) for _ in range(40)]
        waits = [asyncio.create_task(first_event(trigger)) for trigger in triggers]
        began = time.monotonic()
        while len(wire.sent_to(service, "GET")) < 4:
            await asyncio.sleep(0.01)
        cycles = (time.monotonic() - began) / (0.9 * 0.2) + 1
        # CSBS lists one status at a time.
        assert len(wire.sent_to(service, "GET")) <= cycles * (2 if service == "csbs" else 1)
        let_time_pass(backup_cloud)
        return await asyncio.gather(*waits)

    now = backup_cloud.state.now()
    # The deletion of a database's backup takes a second.
    backup_cloud.state.now = lambda: now
    events = asyncio.run(together())
    ends = {(event["outcome"], event["phase"], event["operation"]) for event in events}
    assert ends == {("over", "good", "deletion")}


# ------------------------------------------------------------------------------------------ errors, timeouts, outcomes


@pytest.mark.parametrize("service", SERVICES)
def test_the_deadline_is_counted_from_the_start_of_the_task(cloud: RunningCloud, service: str) -> None:
    began = time.time()
    ended = deferred(deleting(cloud, service, timeout=600))
    assert ended.trigger_arguments["deadline"] == pytest.approx(began + 600, abs=5)
    assert ended.timeout.total_seconds() == pytest.approx(600 + 120, abs=5)


def test_a_deletion_that_takes_too_long_times_out_and_continues_in_the_cloud(cloud: RunningCloud) -> None:
    run = deleting(cloud, "cbr", timeout=1)
    with pytest.raises(BackupTimeoutError, match=r"deletion of cbr .* deleting.*continues in the cloud.*adopts it"):
        run.run()
    assert is_deleted(run.operator.backup)


def test_a_deletion_that_ended_with_its_deadline_is_done(cloud: RunningCloud) -> None:
    run = deleting(cloud, "cbr", timeout=1)
    event = event_of(BackupTrigger(**deferred(run).trigger_arguments))
    assert event["outcome"] == "timeout"
    let_time_pass(cloud)
    assert run.resume("execute_complete", event=event)["backup_id"] == run.operator.backup["backup_id"]


def test_transient_errors_that_last_longer_than_tolerated_end_the_task(wire: Wire, backup_cloud: RunningCloud) -> None:
    run = deleting(backup_cloud, "vbs", tolerance=0.5)
    ended = deferred(run)
    with wire.failing(lambda request: request.service == "vbs"):
        event = event_of(BackupTrigger(**ended.trigger_arguments))
        assert event["outcome"] == "trouble"
        with pytest.raises(ApiError):
            run.resume(ended.method_name, event=event)


def test_a_trigger_that_died_has_the_task_look_before_it_waits_again(cloud: RunningCloud) -> None:
    run = deleting(cloud, "cbr")
    deferred(run)
    again = run.resume_after_failure()
    assert isinstance(again, Deferred)
    let_time_pass(cloud)
    assert run.resume_after_failure()["backup_id"] == run.operator.backup["backup_id"]


def test_a_deletion_continues_when_its_task_is_killed_in_the_triggerer(
    cloud: RunningCloud, logged: Callable[[], str]
) -> None:
    ended = deferred(deleting(cloud, "cbr", poll_interval=60))
    trigger = BackupTrigger(**ended.trigger_arguments | {"delete_on_kill": True})
    end_from_outside(trigger)
    assert f"the deletion of cbr checkpoint {trigger.reference['backup_id']} continues in the cloud" in logged()


# ----------------------------------------------------------------------- triggerers and arguments of other versions


def event_of_an_older_triggerer(run: TaskRun, phase: str) -> dict[str, Any]:
    """Return what a triggerer reports that knows no deletions, and so waits for the backup."""
    return {"outcome": "over", "phase": phase, "reason": None, "result": run.operator.backup}


@pytest.mark.parametrize("phase", ["good", "going", "gone"])
def test_a_triggerer_that_knows_no_deletions_is_not_believed(cloud: RunningCloud, phase: str) -> None:
    run = deleting(cloud, "cbr")
    ended = deferred(run)
    again = run.resume(ended.method_name, event=event_of_an_older_triggerer(run, phase))
    assert isinstance(again, Deferred)
    assert rows(cloud, "cbr") != []


def test_the_task_waits_on_the_worker_when_triggerers_know_no_deletions(cloud: RunningCloud) -> None:
    run = deleting(cloud, "cbr", timeout=1)
    ended: Any = deferred(run)
    for _ in range(MOST_TRIGGER_FAILURES - 1):
        ended = run.resume(ended.method_name, event=event_of_an_older_triggerer(run, "going"))
        assert isinstance(ended, Deferred)
    with pytest.raises(BackupTimeoutError):
        run.resume(ended.method_name, event=event_of_an_older_triggerer(run, "going"))


@pytest.mark.parametrize("service", SERVICES)
def test_the_event_is_enough_for_the_result_when_the_xcoms_are_gone(cloud: RunningCloud, service: str) -> None:
    run = deleting(cloud, service)
    ended = deferred(run)
    let_time_pass(cloud)
    event = event_of(BackupTrigger(**ended.trigger_arguments))
    run.ti.xcoms.clear()
    result = run.resume(ended.method_name, event=event)
    assert result == OperationReference.from_dict(run.operator.backup).to_dict()


def test_what_the_log_says_of_the_backups_is_not_handed_to_the_trigger(cloud: RunningCloud) -> None:
    run = deleting(cloud, "cbr")
    ended = deferred(run)
    (text,) = json.loads(run.ti.xcoms[WAIT_XCOM])["backups"]
    assert text not in json.dumps(ended.trigger_arguments)


@pytest.mark.parametrize("parts", [["b"], 5])
def test_a_sensor_waits_for_the_backup_whatever_operation_its_argument_names(cloud: RunningCloud, parts: Any) -> None:
    backup = taken(cloud, "cbr", wait=True)
    given = {**backup, "operation": "deletion", "parts": parts, "was_failed": True}
    result = TaskRun(SENSORS["cbr"](task_id="wait", backup=given, deferrable=True)).execute()
    assert result["status"] == "available"

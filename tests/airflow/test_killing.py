"""What becomes of the backup when a task is ended while it waits in the triggerer."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.triggers import cancellation as killing
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.killed_triggers import TASK, Logged, TaskState, Triggerer, end_from_outside, is_deleted, settle
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import SERVICES, finish_backups, rows, started, taken

KEEPING_STATES = (
    "deferred",
    "running",
    "scheduled",
    "queued",
    "restarting",
    "up_for_retry",
    "up_for_reschedule",
    "upstream_failed",
    "removed",
    "success",
    None,
    "a state of a later Airflow",
)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> TaskState:
    return TaskState(monkeypatch)


def waiting(cloud: RunningCloud, service: str = "rds", **arguments: Any) -> BackupTrigger:
    """Begin a backup and return its trigger as the triggerer rebuilds it."""
    return BackupTrigger(**started(cloud, service, **{"delete_on_kill": True, **arguments}).trigger_arguments)


def finish_soon(cloud: RunningCloud, seconds: float = 0.7) -> threading.Timer:
    """Let the backup be over after a while."""
    timer = threading.Timer(seconds, finish_backups, [cloud])
    timer.start()
    return timer


async def first_event(trigger: BackupTrigger) -> Any:
    """Run a trigger until its event."""
    async for event in trigger.run():
        return event.payload


async def killed(trigger: BackupTrigger) -> None:
    """Begin the work of an ended trigger that did not get to wait, and wait for its end."""
    trigger._clean_up()
    await settle()


@pytest.mark.parametrize("ended", ["failed", "skipped"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_in_progress_is_deleted_when_it_is_over(
    cloud: RunningCloud, state: TaskState, service: str, ended: str
) -> None:
    trigger = waiting(cloud, service)
    state.is_now(ended)
    timer = finish_soon(cloud)
    end_from_outside(trigger)
    timer.join()
    assert is_deleted(trigger.reference)


@pytest.mark.parametrize("service", SERVICES)
def test_a_good_backup_that_was_not_read_yet_is_deleted_at_once(
    cloud: RunningCloud, state: TaskState, service: str
) -> None:
    trigger = waiting(cloud, service, poll_interval=60)
    state.is_now("failed")
    finish_backups(cloud)
    end_from_outside(trigger)
    assert is_deleted(trigger.reference)


def test_nothing_is_deleted_while_the_backup_is_in_progress(
    wire: Wire, backup_cloud: RunningCloud, state: TaskState
) -> None:
    trigger = waiting(backup_cloud, "cbr")
    state.is_now("failed")
    timer = finish_soon(backup_cloud)
    end_from_outside(trigger)
    timer.join()
    assert len([request for request in wire.requests if request.method == "DELETE"]) == 1


def test_without_the_argument_the_backup_stays(cloud: RunningCloud, state: TaskState, logged: Logged) -> None:
    trigger = waiting(cloud, delete_on_kill=False, poll_interval=60)
    state.is_now("failed")
    finish_backups(cloud)
    end_from_outside(trigger)
    assert not is_deleted(trigger.reference)
    assert f"rds backup {trigger.reference['backup_id']} is left alone" in logged()


@pytest.mark.parametrize("kept", KEEPING_STATES)
def test_the_backup_stays_unless_the_task_was_ended(
    cloud: RunningCloud, state: TaskState, logged: Logged, kept: str | None
) -> None:
    trigger = waiting(cloud, poll_interval=60)
    state.is_now(kept)
    finish_backups(cloud)
    end_from_outside(trigger)
    assert state.asked >= 1
    assert not is_deleted(trigger.reference)
    assert f"{trigger.reference['backup_id']} is left alone" in logged()


def test_the_backup_stays_when_the_state_cannot_be_read(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    def unreadable(_: Any) -> str:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(killing, "state_of", unreadable)
    trigger = waiting(cloud, poll_interval=60)
    finish_backups(cloud)
    end_from_outside(trigger)
    assert not is_deleted(trigger.reference)
    assert "the database is away" in logged()


def test_the_backup_stays_when_the_task_is_not_known(cloud: RunningCloud, state: TaskState) -> None:
    trigger = waiting(cloud, poll_interval=60)
    state.is_now("failed")
    finish_backups(cloud)
    end_from_outside(trigger, task_instance=None)
    assert not is_deleted(trigger.reference)


def test_only_the_own_backup_is_deleted(cloud: RunningCloud, state: TaskState) -> None:
    others = taken(cloud, "vbs", wait=True, task_id="other")
    trigger = waiting(cloud, "vbs", poll_interval=60)
    state.is_now("failed")
    finish_backups(cloud)
    end_from_outside(trigger)
    assert is_deleted(trigger.reference)
    assert not is_deleted(others)


def test_a_task_that_is_cleared_before_the_backup_is_over_keeps_it(
    cloud: RunningCloud, state: TaskState, logged: Logged
) -> None:
    trigger = waiting(cloud)
    state.is_now("failed", "deferred")
    timer = finish_soon(cloud)
    end_from_outside(trigger)
    timer.join()
    assert not is_deleted(trigger.reference)
    assert "is left alone" in logged()


def test_nothing_is_deleted_after_the_event(cloud: RunningCloud, state: TaskState) -> None:
    trigger = waiting(cloud)
    state.is_now("failed")
    finish_backups(cloud)
    triggerer = Triggerer(trigger)
    asyncio.run(triggerer.run())
    assert [event["outcome"] for event in triggerer.events] == ["over"]
    assert not is_deleted(trigger.reference)


def test_the_backup_stays_when_its_task_times_out(cloud: RunningCloud, state: TaskState) -> None:
    trigger = waiting(cloud, poll_interval=60)
    trigger.task_instance = TASK
    trigger.deadline = time.time()
    state.is_now("failed")
    finish_backups(cloud)
    asyncio.run(killed(trigger))
    assert not is_deleted(trigger.reference)


def test_a_backup_that_is_not_over_in_time_stays(cloud: RunningCloud, state: TaskState, logged: Logged) -> None:
    trigger = waiting(cloud)
    trigger.deadline = time.time() + 1
    state.is_now("failed")
    end_from_outside(trigger)
    assert not is_deleted(trigger.reference)
    assert f"{trigger.reference['backup_id']} could not be deleted and is kept" in logged()


def test_a_failed_backup_stays_because_the_task_may_have_failed_for_it(cloud: RunningCloud, state: TaskState) -> None:
    cloud.fail_next_backup("rds", "the array is on fire")
    trigger = waiting(cloud, poll_interval=60)
    state.is_now("failed")
    finish_backups(cloud)
    end_from_outside(trigger)
    assert not is_deleted(trigger.reference)


def test_transient_errors_while_deleting_are_tolerated(cloud: RunningCloud, state: TaskState) -> None:
    trigger = waiting(cloud)
    trigger.task_instance = TASK
    state.is_now("failed")
    finish_backups(cloud)
    fault = cloud.misbehave("server_error", service="rds", method="DELETE", status=503, count=5)
    asyncio.run(killed(trigger))
    assert cloud.hits(fault) == 5
    assert is_deleted(trigger.reference)


def test_a_refused_deletion_says_that_the_backup_stays(cloud: RunningCloud, state: TaskState, logged: Logged) -> None:
    trigger = waiting(cloud, poll_interval=60)
    state.is_now("failed")
    finish_backups(cloud)
    cloud.misbehave("refuse", service="rds", method="DELETE", status=403, code="DBS.200001")
    end_from_outside(trigger)
    assert not is_deleted(trigger.reference)
    assert f"{trigger.reference['backup_id']} could not be deleted and is kept" in logged()


@pytest.mark.parametrize("service", SERVICES)
def test_a_project_that_is_unknown_says_that_the_backup_stays_and_not_that_it_is_gone(
    cloud: RunningCloud, state: TaskState, logged: Logged, service: str
) -> None:
    trigger = waiting(cloud, service)
    state.is_now("failed")
    finish_backups(cloud)
    trigger.task_instance = TASK
    cloud.misbehave("refuse", service="iam", status=400, code="IAM.1109", message="project not found")
    asyncio.run(killed(trigger))
    cloud.behave()
    assert not is_deleted(trigger.reference)
    assert "could not be deleted and is kept" in logged()
    assert "is deleted already" not in logged()


@pytest.mark.parametrize("service", SERVICES)
def test_the_log_names_the_deleted_backup_of_an_ended_task_with_its_resource(
    cloud: RunningCloud, state: TaskState, logged: Logged, service: str
) -> None:
    trigger = waiting(cloud, service, poll_interval=60)
    state.is_now("failed")
    finish_backups(cloud)
    end_from_outside(trigger)
    assert "requested the deletion of " in logged()
    assert ": backup " in logged()


def test_a_connection_that_is_gone_says_that_the_backup_stays(
    cloud: RunningCloud, state: TaskState, logged: Logged
) -> None:
    trigger = waiting(cloud, poll_interval=60)
    trigger.task_instance = TASK
    state.is_now("failed")
    trigger.huaweicloud_conn_id = "gone"
    asyncio.run(killed(trigger))
    assert not is_deleted(trigger.reference)
    assert f"{trigger.reference['backup_id']} could not be deleted and is kept" in logged()


def test_asking_twice_deletes_once(wire: Wire, backup_cloud: RunningCloud, state: TaskState) -> None:
    trigger = waiting(backup_cloud, poll_interval=60)
    trigger.task_instance = TASK
    state.is_now("failed")
    finish_backups(backup_cloud)

    async def end_twice() -> None:
        await asyncio.gather(trigger.on_kill(), trigger.on_kill())
        await trigger.on_kill()

    asyncio.run(end_twice())
    assert len([request for request in wire.requests if request.method == "DELETE"]) == 1


def test_the_end_of_one_trigger_does_not_disturb_the_others(cloud: RunningCloud, state: TaskState) -> None:
    ended = waiting(cloud, "rds")
    others = [waiting(cloud, service) for service in ("vbs", "cbr")]
    state.is_now("failed")

    async def run() -> list[Any]:
        tasks = [asyncio.create_task(first_event(other)) for other in others]
        work = asyncio.create_task(Triggerer(ended).run())
        await asyncio.sleep(0.6)
        finish_backups(cloud)
        ends = await asyncio.gather(*tasks)
        await work
        return ends

    assert [end["phase"] for end in asyncio.run(run())] == ["good", "good"]


def test_a_triggerer_that_shuts_down_leaves_the_backup_alone(cloud: RunningCloud, state: TaskState) -> None:
    trigger = waiting(cloud, poll_interval=60)
    state.is_now("deferred")
    finish_backups(cloud)
    end_from_outside(trigger, user_action=False)
    assert not is_deleted(trigger.reference)


def test_a_triggerer_that_ends_before_the_backup_is_over_says_that_it_stays(
    cloud: RunningCloud, state: TaskState, logged: Logged
) -> None:
    trigger = waiting(cloud)
    trigger.task_instance = TASK
    state.is_now("failed")

    async def begin() -> None:
        work = trigger._clean_up()
        assert work
        await asyncio.sleep(0.3)
        work.cancel()
        await settle()

    asyncio.run(begin())
    assert not is_deleted(trigger.reference)
    assert f"{trigger.reference['backup_id']} is kept" in logged()


def test_a_row_of_an_older_version_leaves_the_backup_alone(cloud: RunningCloud, state: TaskState) -> None:
    arguments = started(cloud, "rds", poll_interval=60).trigger_arguments
    assert "delete_on_kill" not in arguments
    finish_backups(cloud)
    state.is_now("failed")
    end_from_outside(BackupTrigger(**arguments))
    assert len(rows(cloud, "rds")) == 1


def test_the_wish_survives_the_database(cloud: RunningCloud) -> None:
    arguments = started(cloud, "rds", delete_on_kill=True).trigger_arguments
    assert arguments["delete_on_kill"] is True
    assert BackupTrigger(**arguments).serialize()[1] == arguments

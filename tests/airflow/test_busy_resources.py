"""A task that waits for a busy resource holds no worker, and submits again when the resource may be free."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BackupError, ServerError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupTimeoutError
from airflow_provider_backup.tasks.deferred_wait import MOST_TRIGGER_FAILURES
from airflow_provider_backup.triggers.backup import BackupTrigger
from airflow_provider_backup.triggers.conflict import ConflictTrigger
from tests.airflow.service_matrix import (
    NAMED,
    SERVICES,
    create_operator,
    finish_backups,
    rows,
    taken,
    target,
)
from tests.airflow.task_runs import Deferred, TaskRun, event_of

LONG = 3600


@pytest.fixture(autouse=True)
def _long_backups(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(LONG)


def busy(cloud: RunningCloud, service: str) -> dict[str, Any]:
    """Let another task begin a backup, and return the arguments that say of what."""
    what: dict[str, Any] = target(cloud, service)
    taken(cloud, service, task_id="other", **what)
    return what


def waiting(run: TaskRun) -> Deferred:
    """Run a task until it waits for its busy resource."""
    ended = run.execute()
    assert isinstance(ended, Deferred)
    assert ended.is_for_conflict
    return ended


def resumed(run: TaskRun, deferred: Deferred) -> Any:
    """Let the trigger of a task end, and the task continue."""
    return run.resume(deferred.method_name, event=event_of(deferred.rebuilt()))


def cannot_be_seen(cloud: RunningCloud) -> None:
    """Let RDS refuse backups for a reason that no list shows."""
    cloud.misbehave("refuse", service="rds", method="POST", status=409, code="DBS.201205")


@pytest.mark.parametrize("service", SERVICES)
def test_a_task_waits_in_the_triggerer_for_the_backup_that_keeps_its_resource_busy(
    cloud: RunningCloud, service: str
) -> None:
    what = busy(cloud, service)
    run = TaskRun(create_operator(cloud, service, timeout=60, **what))
    deferred = waiting(run)
    assert isinstance(deferred.trigger, BackupTrigger)
    finish_backups(cloud)

    ended = resumed(run, deferred)

    assert isinstance(ended, Deferred)
    assert not ended.is_for_conflict
    finish_backups(cloud)
    assert run.finish(ended)["status"].lower() in ("available", "completed")
    assert len(rows(cloud, service)) == 2


@pytest.mark.parametrize("service", NAMED)
def test_a_cleared_task_waits_in_the_triggerer_for_its_earlier_backup(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, timeout=60))
    earlier = run.execute()
    run.clear()

    deferred = waiting(run)

    assert isinstance(earlier, Deferred)
    finish_backups(cloud)
    assert not resumed(run, deferred).is_for_conflict
    assert len(rows(cloud, service)) == 2


def test_five_mapped_backups_of_one_instance_hold_no_worker_and_are_all_taken(cloud: RunningCloud) -> None:
    what = target(cloud, "rds")
    runs = [TaskRun(create_operator(cloud, "rds", timeout=60, **what), map_index=index) for index in range(5)]
    began = time.monotonic()
    waits = {run.map_index: (run, run.execute()) for run in runs}
    assert time.monotonic() - began < 10
    results = []
    while waits:
        finish_backups(cloud)
        for index, (run, deferred) in list(waits.items()):
            assert isinstance(deferred, Deferred)
            ended = resumed(run, deferred)
            if isinstance(ended, Deferred):
                waits[index] = (run, ended)
            else:
                results.append(ended["backup_id"])
                del waits[index]

    assert len(set(results)) == len(rows(cloud, "rds")) == 5


def test_all_tasks_that_wait_for_one_instance_wait_for_the_same_backup(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")

    waits = [waiting(TaskRun(create_operator(cloud, "rds", **what), map_index=index)) for index in range(3)]

    assert len({str(each.trigger_arguments["reference"]) for each in waits}) == 1


def test_a_free_resource_is_noticed_within_the_poll_interval(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    deferred = waiting(TaskRun(create_operator(cloud, "rds", poll_interval=0.2, **what)))
    finish_backups(cloud)
    began = time.monotonic()

    event_of(deferred.rebuilt())

    assert time.monotonic() - began < 2


def test_what_keeps_a_resource_busy_is_never_deleted_with_the_task(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")

    deferred = waiting(TaskRun(create_operator(cloud, "rds", delete_on_kill=True, **what)))

    assert not deferred.trigger.delete_on_kill


def test_a_reason_that_cannot_be_seen_is_waited_out_for_the_poll_interval(cloud: RunningCloud) -> None:
    run = TaskRun(create_operator(cloud, "rds", timeout=60, poll_interval=10, **target(cloud, "rds")))
    cannot_be_seen(cloud)

    deferred = waiting(run)

    assert isinstance(deferred.trigger, ConflictTrigger)
    assert time.time() + 4 < deferred.trigger.wake_at <= time.time() + 10
    cloud.behave()
    assert not run.resume(deferred.method_name, event={"outcome": "over"}).is_for_conflict


def test_tasks_that_were_refused_together_do_not_return_together(cloud: RunningCloud) -> None:
    what = target(cloud, "rds")
    cannot_be_seen(cloud)

    waits = [
        waiting(TaskRun(create_operator(cloud, "rds", poll_interval=LONG, **what), map_index=index))
        for index in range(3)
    ]

    moments = sorted(each.trigger.wake_at for each in waits)
    assert moments[-1] - moments[0] > 1


def test_the_deadline_goes_through_all_deferrals(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    run = TaskRun(create_operator(cloud, "rds", timeout=60, **what))
    deferred = waiting(run)
    deadline = deferred.trigger_arguments["deadline"]
    time.sleep(0.3)
    again = run.resume(deferred.method_name, event={"outcome": "over"})
    assert again.is_for_conflict
    finish_backups(cloud)

    own = run.resume(again.method_name, event={"outcome": "over"})

    assert not own.is_for_conflict
    assert own.trigger_arguments["deadline"] == deadline


@pytest.mark.parametrize("is_seen", [True, False], ids=["seen", "not seen"])
def test_at_the_deadline_the_task_fails_and_says_for_how_long_its_resource_was_busy(
    cloud: RunningCloud, is_seen: bool
) -> None:
    what = busy(cloud, "rds") if is_seen else target(cloud, "rds")
    if not is_seen:
        cannot_be_seen(cloud)
    run = TaskRun(create_operator(cloud, "rds", timeout=1.2, poll_interval=0.5, **what))
    began = time.monotonic()

    with pytest.raises(BackupTimeoutError, match=rf"instance_id {what['instance_id']} was busy for 1 s.*DBS\.201205"):
        run.run()

    assert 1.1 <= time.monotonic() - began < 3


def test_after_the_death_of_its_trigger_a_task_submits_again(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    run = TaskRun(create_operator(cloud, "rds", timeout=60, **what))
    waiting(run)
    finish_backups(cloud)

    ended = run.resume_after_failure()

    assert isinstance(ended, Deferred)
    assert not ended.is_for_conflict
    assert len(rows(cloud, "rds")) == 2


def test_after_the_deaths_of_many_triggers_a_task_waits_on_the_worker(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    run = TaskRun(create_operator(cloud, "rds", timeout=1.5, **what))
    waiting(run)
    for _ in range(MOST_TRIGGER_FAILURES - 1):
        assert run.resume_after_failure().is_for_conflict

    with pytest.raises(BackupTimeoutError, match="was busy for"):
        run.resume_after_failure()


def test_a_task_whose_xcom_is_gone_fails_and_says_so(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    run = TaskRun(create_operator(cloud, "rds", **what))
    deferred = waiting(run)
    run.ti.xcoms.clear()

    with pytest.raises(BackupError, match="Cannot continue the wait"):
        run.resume(deferred.method_name, event={"outcome": "over"})


def test_an_outage_during_the_wait_is_waited_out(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    run = TaskRun(create_operator(cloud, "rds", timeout=60, **what))
    deferred = waiting(run)
    outage = cloud.misbehave("server_error", service="rds", status=503)
    during = run.resume(deferred.method_name, event={"outcome": "over"})
    assert during.is_for_conflict
    assert isinstance(during.trigger, ConflictTrigger)
    assert cloud.hits(outage)
    cloud.behave()
    finish_backups(cloud)

    assert not run.resume(during.method_name, event={"outcome": "over"}).is_for_conflict
    assert len(rows(cloud, "rds")) == 2


def test_an_outage_that_lasts_until_the_deadline_is_named(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    run = TaskRun(create_operator(cloud, "rds", timeout=1.5, poll_interval=0.5, **what))
    deferred = waiting(run)
    cloud.misbehave("server_error", service="rds", status=503)
    during = run.resume(deferred.method_name, event={"outcome": "over"})
    assert during.is_for_conflict

    with pytest.raises(BackupTimeoutError, match=r"was busy for .*Last error: rds answered 503"):
        run.finish(during)


def test_an_outage_that_lasts_longer_than_the_tolerance_fails_the_task_with_its_error(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    run = TaskRun(create_operator(cloud, "rds", timeout=60, tolerance=5, **what))
    deferred = waiting(run)
    cloud.misbehave("server_error", service="rds", status=503)

    with pytest.raises(ServerError, match="503"):
        run.resume(deferred.method_name, event={"outcome": "trouble", "message": "rds answered 503"})


def test_a_lost_answer_before_the_wait_is_found_after_it(cloud: RunningCloud) -> None:
    # The request had its effect, no list shows it yet, and sending it once more is refused: the resource is busy.
    run = TaskRun(create_operator(cloud, "cbr", timeout=60, delete_on_kill=True))
    cloud.misbehave("stale_read", service="cbr", method="GET", writes=1)
    cloud.misbehave("close_after", service="cbr", method="POST", count=1)
    ended = run.execute()
    cloud.behave()
    assert isinstance(ended, Deferred)
    assert ended.is_for_conflict

    own = run.resume(ended.method_name, event={"outcome": "over"})

    assert not own.is_for_conflict
    assert own.trigger_arguments["delete_on_kill"]
    assert len(rows(cloud, "cbr")) == 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_timeout_after_a_lost_answer_does_not_say_that_nothing_was_started(
    cloud: RunningCloud, deferrable: bool
) -> None:
    run = TaskRun(create_operator(cloud, "cbr", timeout=1.5, poll_interval=0.5, deferrable=deferrable))
    cloud.misbehave("stale_read", service="cbr", method="GET", writes=1)
    cloud.misbehave("close_after", service="cbr", method="POST", count=1)

    with pytest.raises(BackupTimeoutError, match="a backup may have been started"):
        run.run()

    assert len(rows(cloud, "cbr")) == 1


def test_a_lost_answer_is_found_where_airflow_tells_a_later_start_after_a_deferral(cloud: RunningCloud) -> None:
    # Some versions of Airflow 3 tell the moment of the resumption. CSBS backups are found by their time.
    run = TaskRun(create_operator(cloud, "csbs", timeout=60))
    cloud.misbehave("stale_read", service="csbs", method="GET", writes=1)
    cloud.misbehave("close_after", service="csbs", method="POST", count=1)
    ended = run.execute()
    cloud.behave()
    assert ended.is_for_conflict
    run.ti.start_date += timedelta(seconds=30)

    assert not run.resume(ended.method_name, event={"outcome": "over"}).is_for_conflict
    assert len(rows(cloud, "csbs")) == 1


def test_a_lost_answer_is_found_where_the_start_of_the_dag_run_is_unknown(cloud: RunningCloud) -> None:
    # ``dag.test()`` stores the logical date there; then only the start of the task tells which backups may be its own.
    run = TaskRun(create_operator(cloud, "cbr", timeout=60))
    run.dag_run.logical_date = run.dag_run.start_date
    cloud.misbehave("stale_read", service="cbr", method="GET", writes=1)
    cloud.misbehave("close_after", service="cbr", method="POST", count=1)
    ended = run.execute()
    cloud.behave()
    assert ended.is_for_conflict
    run.ti.start_date += timedelta(seconds=30)

    assert not run.resume(ended.method_name, event={"outcome": "over"}).is_for_conflict
    assert len(rows(cloud, "cbr")) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_task_that_may_not_read_what_keeps_its_resource_busy_waits_all_the_same(
    cloud: RunningCloud, status: int
) -> None:
    run = TaskRun(create_operator(cloud, "cbr", timeout=60))
    cloud.misbehave("refuse", service="cbr", method="POST", status=409, code="BackupService.6309")
    denied = cloud.misbehave(
        "refuse", service="cbr", route="/v3/{project_id}/operation-logs", status=status, code="BackupService.0014"
    )

    deferred = waiting(run)

    assert cloud.hits(denied)
    assert isinstance(deferred.trigger, ConflictTrigger)


def test_a_task_that_is_not_deferrable_waits_on_the_worker(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(0.5)
    what = busy(cloud, "rds")
    cloud.set_backup_seconds(0.05)

    result = TaskRun(create_operator(cloud, "rds", deferrable=False, **what)).execute()

    assert result["status"] == "COMPLETED"
    assert len(rows(cloud, "rds")) == 2


def test_the_trigger_of_a_pause_is_rebuilt_from_its_row() -> None:
    trigger = ConflictTrigger(wake_at=1.5)
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_backup.triggers.conflict.ConflictTrigger"
    assert ConflictTrigger(**arguments).wake_at == 1.5

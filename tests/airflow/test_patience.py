"""How long a task waits, and for what: a busy resource, transient errors, one timeout through retries."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_backup.cloud.errors import InvalidRequestError, ResourceBusyError, ServerError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupTimeoutError
from airflow_provider_backup.tasks.submission_record import RECORD_KEY
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.recording_proxy import Wire, WireRequest
from tests.airflow.service_matrix import create_operator, finish_backups, rows, taken
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore, event_of


def test_a_busy_instance_is_waited_for(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(0.5)
    other = taken(cloud, "rds", task_id="other")
    cloud.set_backup_seconds(0.05)

    result = TaskRun(create_operator(cloud, "rds")).run()

    assert result["status"] == "COMPLETED"
    assert result["backup_id"] != other["backup_id"]
    assert len(rows(cloud, "rds")) == 2


def test_a_busy_instance_fails_the_task_at_once_when_that_is_asked_for(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(60)
    taken(cloud, "rds", task_id="other")

    with pytest.raises(ResourceBusyError, match=r"DBS\.201205"):
        TaskRun(create_operator(cloud, "rds", on_conflict="fail")).run()


def test_waiting_for_a_busy_instance_ends_with_the_time_and_says_what_was_busy_for_how_long(
    cloud: RunningCloud,
) -> None:
    cloud.set_backup_seconds(60)
    instance_id = taken(cloud, "rds", task_id="other")["instance_id"]
    began = time.monotonic()

    with pytest.raises(BackupTimeoutError, match=rf"instance_id {instance_id} was busy for 1 s.*DBS\.201205"):
        TaskRun(create_operator(cloud, "rds", timeout=1)).run()

    assert 1 <= time.monotonic() - began < 3


def test_a_backup_that_had_to_wait_for_its_instance_gets_the_time_that_is_left(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(0.7)
    taken(cloud, "rds", task_id="other")
    began = time.time()

    run = TaskRun(create_operator(cloud, "rds", timeout=60))
    busy = run.execute()
    assert isinstance(busy, Deferred)
    ended = run.resume(busy.method_name, event=event_of(busy.rebuilt()))

    assert isinstance(ended, Deferred)
    assert not ended.is_for_conflict
    assert time.time() - began > 0.5
    assert ended.trigger_arguments["deadline"] == pytest.approx(began + 60, abs=0.3)


def test_the_log_reports_now_and_then_that_a_resource_is_busy(cloud: RunningCloud, logged: Callable[[], str]) -> None:
    cloud.set_backup_seconds(0.5)
    taken(cloud, "rds", task_id="other")

    TaskRun(create_operator(cloud, "rds", deferrable=False)).run()

    # Not at each of the ten times that it asks; 2.11 logs to two places.
    assert 1 <= logged().count("is busy (for 0 s so far); retrying every 0.05 s until ") <= 2


def test_an_outage_while_a_resource_is_busy_is_outlived_with_pauses_between_the_looks(
    wire: Wire, backup_cloud: RunningCloud, logged: Callable[[], str]
) -> None:
    backup_cloud.set_backup_seconds(0.5)
    taken(backup_cloud, "rds", task_id="other")
    backup_cloud.set_backup_seconds(0.05)
    failed: list[float] = []

    def while_it_is_busy(request: WireRequest) -> bool:
        if request.method != "GET" or len(wire.sent_to("rds", "POST")) < 2 or len(failed) == 6:
            return False
        failed.append(time.monotonic())
        return True

    with wire.failing(while_it_is_busy):
        operator = create_operator(backup_cloud, "rds", poll_interval=0.3, deferrable=False)
        assert TaskRun(operator).run()["status"] == "COMPLETED"

    # Two tries each.
    assert min(failed[2] - failed[1], failed[4] - failed[3]) >= 0.3
    assert 1 <= logged().count("Could not read what is running on instance_id") <= 2 * 3
    assert len(rows(backup_cloud, "rds")) == 2


def test_a_cleared_task_adopts_its_backup_when_that_is_asked_for(cloud: RunningCloud) -> None:
    task = TaskRun(create_operator(cloud, "rds", on_clear="adopt"))
    first = task.run()
    task.clear()

    assert task.run()["backup_id"] == first["backup_id"]
    assert len(rows(cloud, "rds")) == 1


def test_a_choice_that_does_not_exist_is_refused_while_the_dag_is_parsed(cloud: RunningCloud) -> None:
    with pytest.raises(InvalidRequestError, match="on_conflict: must be one of wait, adopt, fail"):
        create_operator(cloud, "rds", on_conflict="queue")


def test_a_retry_that_finds_its_backup_again_gets_no_more_time(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(60)
    task = TaskRun(create_operator(cloud, "rds", timeout=30))
    first = task.execute()
    assert isinstance(first, Deferred)
    row = rows(cloud, "rds")[0]
    task.dag_run.start_date -= timedelta(minutes=1)
    earlier = time.time() - 20
    row["started_at"] = datetime.fromtimestamp(earlier, UTC).isoformat()
    task.retry()

    second = task.execute()

    assert isinstance(second, Deferred)
    deadline = second.trigger_arguments["deadline"]
    assert deadline == pytest.approx(earlier + 30, abs=2)


@pytest.mark.parametrize("is_recorded", [False, True], ids=["by its name", "by its record"])
def test_a_retry_that_fails_with_a_transient_error_after_the_search_gets_no_more_time(
    wire: Wire, backup_cloud: RunningCloud, is_recorded: bool
) -> None:
    store = TaskStateStore() if is_recorded else None
    backup_cloud.set_backup_seconds(60)
    task = TaskRun(create_operator(backup_cloud, "rds", timeout=30), store=store)
    first = task.execute()
    assert isinstance(first, Deferred)
    task.dag_run.start_date -= timedelta(minutes=1)
    earlier = time.time() - 20
    rows(backup_cloud, "rds")[0]["started_at"] = datetime.fromtimestamp(earlier, UTC).isoformat()
    if store:
        record = json.loads(store.values[RECORD_KEY])
        store.values[RECORD_KEY] = json.dumps({**record, "noted_at": earlier})
    task.retry()
    before = len(wire.requests)
    task.execute()
    task.retry()
    # The same again, but for the last look; where a record replaces the search there is no other one.
    last = 2 * len(wire.requests) - before

    def comes_after_the_search(request: WireRequest) -> bool:
        return request.service == "rds" and len(wire.requests) >= last

    with wire.failing(comes_after_the_search):
        second = task.execute()

    assert isinstance(second, Deferred)
    assert second.trigger_arguments["deadline"] == pytest.approx(earlier + 30, abs=2)


def test_consecutive_transient_errors_end_the_wait_after_the_tolerance_with_the_last_error(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(60)
    task = TaskRun(create_operator(cloud, "rds", tolerance=0.3))
    ended = task.execute()
    assert isinstance(ended, Deferred)
    cloud.misbehave("server_error", service="rds", status=503)

    event = event_of(BackupTrigger(**ended.trigger_arguments))

    assert event["outcome"] == "trouble"
    assert "could not be read since" in event["message"]
    with pytest.raises(ServerError, match="503"):
        task.resume(ended.method_name, event=event)


def test_transient_errors_that_end_within_the_tolerance_do_not_matter(cloud: RunningCloud) -> None:
    task = TaskRun(create_operator(cloud, "rds", tolerance=30))
    cloud.set_backup_seconds(0.3)
    ended = task.execute()
    cloud.misbehave("server_error", service="rds", status=503, count=6)

    assert task.finish(ended)["status"] == "COMPLETED"


def test_a_timed_out_task_looks_once_more_on_its_retry(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    task = TaskRun(create_operator(cloud, "rds", timeout=1.5, deferrable=False))
    with pytest.raises(BackupTimeoutError):
        task.execute()
    finish_backups(cloud)
    task.retry()

    assert task.execute()["status"] == "COMPLETED"
    assert len(rows(cloud, "rds")) == 1

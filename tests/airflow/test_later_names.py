"""The names after the first: where names are unique, a failed backup keeps its name and the task takes the next."""

from __future__ import annotations

import threading

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError
from tests.airflow.service_matrix import DATABASES, create_operator, finish_backups, rows
from tests.airflow.task_runs import Deferred, TaskRun


@pytest.mark.parametrize("service", DATABASES)
def test_no_next_name_is_taken_while_the_list_does_not_show_the_tasks_own_backup_yet(
    cloud: RunningCloud, service: str
) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, service, on_conflict="wait"))
    cloud.misbehave("stale_read", service=service, route="^/v3/[^/]*/backups$", writes=1, count=3)
    run.execute()
    run.retry()
    # When the first backup is over, nothing keeps the instance busy any more.
    ending = threading.Timer(0.5, finish_backups, [cloud])
    ending.start()

    ended = run.execute()

    ending.join()
    assert len(rows(cloud, service)) == 1
    assert isinstance(ended, Deferred)
    assert run.finish(ended)["backup_ids"] == [rows(cloud, service)[0]["id"]]


@pytest.mark.parametrize("service", DATABASES)
def test_the_backup_with_the_next_name_is_found_when_the_failed_one_was_removed(
    cloud: RunningCloud, service: str
) -> None:
    cloud.fail_next_backup(service, "the array is on fire")
    run = TaskRun(create_operator(cloud, service, deferrable=False))
    with pytest.raises(BackupFailedError):
        run.execute()
    failed = rows(cloud, service)[0]
    run.retry()
    good = run.execute()
    del cloud.state.table(f"{service}.backups")[failed["id"]]
    run.retry()

    assert run.execute()["backup_id"] == good["backup_id"]
    assert len(rows(cloud, service)) == 1

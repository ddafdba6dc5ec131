"""Lists that are behind: a backup that a list does not show yet is not taken twice."""

from __future__ import annotations

import threading

import pytest

from airflow_provider_backup.emulator.running import RunningCloud
from tests.airflow.backups import DATABASES, create_operator, finish_backups, rows
from tests.airflow.task_runs import Deferred, TaskRun


@pytest.mark.parametrize("service", DATABASES)
def test_a_name_that_the_tasks_own_unlisted_backup_has_is_not_left_for_the_next_name(
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

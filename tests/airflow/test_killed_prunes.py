"""Kill -9 of a task that prunes backups, while the cloud has the request for a deletion and the answer has not come."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.prune_backups import PruneBackupsOperator
from tests.airflow.killed_processes import kill_when
from tests.airflow.service_matrix import PRUNE, SERVICES
from tests.airflow.stored_backups import StoredDays
from tests.airflow.task_runs import TaskRun

AT_ONCE = ("taurusdb",)
"""Services that delete all backups of a prune with one request."""


class KilledPrune:
    """A prune of five backups that keeps two, and deletes the oldest first.

    :param cloud: the local cloud.
    :param service: name of the service.
    """

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        self.cloud = cloud
        self.service = service
        self.stored = StoredDays(cloud, service, range(5))
        # What is being deleted is still there when the next try looks.
        cloud.set_backup_seconds(0.5)
        operator: type[PruneBackupsOperator] = PRUNE[service]  # type: ignore[assignment]
        arguments: dict[str, Any] = {
            operator.targets_argument: [self.stored.target_id],
            "keep_last": 2,
            "scope": "manual",
            "poll_interval": 0.05,
            "timeout": 60,
            "deferrable": False,
            "retries": 1,
        }
        self.run = TaskRun(operator(task_id="prune", **arguments))

    @property
    def deletions(self) -> int:
        """How many requests for deletions came."""
        return sum(
            count
            for (service, method, path), count in self.cloud.requests.items()
            if service == self.service and (method == "DELETE" or path.endswith("batch-delete"))
        )

    def delay_deletions(self, seconds: float, *, after_effect: bool) -> None:
        """Let the next request for a deletion wait."""
        for method in ("DELETE", "POST"):
            self.cloud.misbehave(
                "delay", service=self.service, method=method, seconds=seconds, after_effect=after_effect, count=1
            )


@pytest.fixture(params=SERVICES)
def killed(cloud: RunningCloud, request: pytest.FixtureRequest) -> KilledPrune:
    return KilledPrune(cloud, request.param)


def test_after_a_kill_between_request_and_answer_nothing_is_deleted_twice_and_what_is_kept_stays(
    killed: KilledPrune,
) -> None:
    killed.delay_deletions(60, after_effect=True)
    kill_when(killed.run, lambda: killed.stored.left != [0, 1, 2, 3, 4])
    left = [0, 1] if killed.service in AT_ONCE else [0, 1, 2, 3]
    assert killed.stored.left == left

    killed.run.retry()
    result = killed.run.run()

    assert killed.stored.left == [0, 1]
    assert killed.stored.days(result["kept"]) == [0, 1]
    assert result["refused"] == []
    assert killed.deletions == (1 if killed.service in AT_ONCE else 3)


def test_a_deletion_that_takes_effect_after_the_kill_deletes_nothing_that_is_kept(killed: KilledPrune) -> None:
    # The deletions of the retry last longer than the delay, so that both meet.
    killed.cloud.set_backup_seconds(2)
    killed.delay_deletions(1, after_effect=False)
    kill_when(killed.run, lambda: killed.deletions == 1)
    assert killed.stored.left == [0, 1, 2, 3, 4]

    killed.run.retry()
    result = killed.run.run()

    assert killed.stored.left == [0, 1]
    assert killed.stored.days(result["kept"]) == [0, 1]
    assert result["refused"] == []


def test_a_backup_that_is_taken_between_kill_and_retry_counts_as_the_newest(killed: KilledPrune) -> None:
    killed.delay_deletions(60, after_effect=True)
    kill_when(killed.run, lambda: killed.stored.left != [0, 1, 2, 3, 4])
    killed.stored.add(-0.25)

    killed.run.retry()
    result = killed.run.run()

    assert killed.stored.left == [-0.25, 0]
    assert killed.stored.days(result["kept"]) == [-0.25, 0]

"""Hundreds of backups at once at a cloud that lets only some through per window: all get there, few are refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.bulk import submit, submit_in_a_process

BACKUPS = "/v3/{project_id}/backups"


@pytest.fixture
def cloud() -> Iterator[RunningCloud]:
    """A cloud with 300 instances, whose backups take an hour."""
    with RunningCloud(3600, extra_resources=300) as running:
        yield running


def instances_of(cloud: RunningCloud, count: int) -> list[str]:
    instances: list[str] = cloud.describe()["resources"]["rds_instances"]
    return instances[-count:]


def throttle(cloud: RunningCloud, limit: int, window: float, retry_after: int | None) -> str:
    return cloud.misbehave(
        "throttle", service="rds", route=BACKUPS, limit=limit, window=window, retry_after=retry_after
    )


# When each of the 300 finds out for itself, some 240 and 700 are refused.
@pytest.mark.parametrize(("limit", "window", "retry_after", "most_refused"), [(60, 1.0, 1, 100), (60, 1.0, None, 150)])
async def test_300_backups_get_through_a_throttled_gateway_with_one_client(
    cloud: RunningCloud,
    limit: int,
    window: float,
    retry_after: int | None,
    most_refused: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fault = throttle(cloud, limit, window, retry_after)
    instances = instances_of(cloud, 300)

    backups = await submit(cloud.describe(), instances, attempts=1, retry_wait=0.1)

    assert len(set(backups)) == 300
    assert cloud.hits(fault) < most_refused
    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert len(warnings) == 1


@pytest.mark.parametrize("retry_after", [1, None])
async def test_clients_that_know_nothing_of_each_other_get_through_as_well(
    cloud: RunningCloud, retry_after: int | None
) -> None:
    fault = throttle(cloud, 30, 1.0, retry_after)
    instances = instances_of(cloud, 120)

    # As many workers would: one client for each backup.
    backups = await asyncio.gather(
        *(submit(cloud.describe(), [each], attempts=1, retry_wait=0.25) for each in instances)
    )

    assert len({backup for [backup] in backups}) == 120
    assert cloud.hits(fault) < 120 * 5


async def test_processes_get_through_as_well(cloud: RunningCloud) -> None:
    fault = throttle(cloud, 40, 1.0, None)
    instances = instances_of(cloud, 200)

    backups = await asyncio.gather(
        *(submit_in_a_process(cloud.describe(), instances[first::4], attempts=1, retry_wait=0.25) for first in range(4))
    )

    assert len({backup for part in backups for backup in part}) == 200
    assert cloud.hits(fault) < 200

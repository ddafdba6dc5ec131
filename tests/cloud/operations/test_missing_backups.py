"""How long backups that should be listed are waited for: bounded, and by the cloud's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.operations.missing_backups import MissingBackups
from tests.virtual_clock import SteppingClock

NOW = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)
LATENESS = timedelta(seconds=Limits().longest_listing_delay)


def waiting(*moments: datetime) -> MissingBackups:
    return MissingBackups(CloudClock(SteppingClock(*moments or (NOW,))))


@pytest.mark.parametrize(("age", "may_show_up"), [(LATENESS * 0.9, True), (LATENESS, False), (LATENESS * 99, False)])
def test_a_backup_is_waited_for_from_the_end_of_its_checkpoint_on(age: timedelta, may_show_up: bool) -> None:
    assert waiting().may_show_up("c", NOW - age) is may_show_up


@pytest.mark.parametrize("ended_at", [None, NOW + timedelta(days=1)])
def test_without_a_believable_end_the_time_counts_from_the_first_look(ended_at: datetime | None) -> None:
    moments = (NOW, NOW + LATENESS * 0.9, NOW + LATENESS)
    missing = waiting(*moments)
    assert [missing.may_show_up("c", ended_at) for _ in moments] == [True, True, False]


def test_another_checkpoint_has_a_time_of_its_own() -> None:
    missing = waiting(NOW, NOW + LATENESS)
    assert missing.may_show_up("c", None)
    assert missing.may_show_up("d", None)


@pytest.mark.parametrize("minutes", [-30, 30])
def test_the_end_is_compared_with_the_cloud_s_clock(minutes: int) -> None:
    clock = CloudClock(SteppingClock(NOW, NOW))
    cloud_time = NOW + timedelta(minutes=minutes)
    clock.learn({"Date": format_datetime(cloud_time, usegmt=True)}, NOW, NOW)
    missing = MissingBackups(clock)
    assert missing.may_show_up("c", cloud_time - LATENESS * 0.9)
    assert not missing.may_show_up("c", cloud_time - LATENESS - timedelta(seconds=2))

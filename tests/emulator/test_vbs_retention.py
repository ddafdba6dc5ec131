"""Which automatic backups of VBS policies expire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.vbs.retention import expired

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


def backup(days_ago: float, *, policy_id: str | None = "p", volume_id: str = "v") -> Row:
    began = NOW - timedelta(days=days_ago)
    return {"policy_id": policy_id, "volume_id": volume_id, "started_at": began.isoformat()}


def policies(**scheduled_policy: Any) -> dict[str, Row]:
    return {"p": {"scheduled_policy": scheduled_policy}}


def ages(backups: list[Row]) -> list[int]:
    return sorted((NOW - datetime.fromisoformat(each["started_at"])).days for each in backups)


def test_the_newest_backups_of_each_disk_are_kept_by_number() -> None:
    backups = [backup(days) for days in (3, 1, 2)] + [backup(days, volume_id="w") for days in (5, 4)]
    assert ages(expired(backups, policies(rentention_num=2), NOW)) == [3]


def test_backups_are_kept_for_a_number_of_days() -> None:
    backups = [backup(days) for days in (1, 2, 3.1)]
    assert ages(expired(backups, policies(rentention_day=3), NOW)) == [3]


def test_the_first_backup_of_the_month_is_kept_when_wanted() -> None:
    backups = [backup(days) for days in (1, 2, 18, 19, 40)]  # 18 and 19 days ago: the 2nd and the 1st of May
    schedule = {"rentention_num": 2, "remain_first_backup_of_curMonth": "Y"}
    assert ages(expired(backups, policies(**schedule), NOW)) == [18, 40]
    assert ages(expired(backups, policies(**schedule | {"remain_first_backup_of_curMonth": "N"}), NOW)) == [18, 19, 40]


def test_manual_backups_and_those_of_deleted_policies_never_expire() -> None:
    backups = [backup(days, policy_id=policy_id) for days in range(5) for policy_id in (None, "deleted")]
    assert expired(backups, policies(rentention_num=2), NOW) == []


@given(days=st.lists(st.floats(min_value=0, max_value=100), max_size=20), number=st.integers(min_value=2, max_value=10))
def test_exactly_the_surplus_expires_and_nothing_newer_than_what_is_kept(days: list[float], number: int) -> None:
    backups = [backup(each) for each in days]
    gone = expired(backups, policies(rentention_num=number), NOW)
    kept = [each for each in backups if not any(each is other for other in gone)]
    assert len(kept) == min(number, len(backups))
    assert all(old["started_at"] <= new["started_at"] for old in gone for new in kept)

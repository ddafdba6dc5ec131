"""Which automatic backups policies no longer keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from airflow_provider_backup.emulator.core.automatic_backups import Period, Retention

NOW = datetime(2031, 3, 20, 12, tzinfo=UTC)
NIGHTS = [NOW - timedelta(days=days) for days in range(60)]


def kept(retention: Retention, backups: list[datetime] = NIGHTS) -> list[int]:
    """Return how many days old what is kept is."""
    return sorted((NOW - moment).days for moment in set(backups) - retention.outlived(backups, NOW))


def test_without_limits_everything_is_kept() -> None:
    assert kept(Retention()) == list(range(60))


def test_the_newest_backups_are_kept_by_number() -> None:
    assert kept(Retention(number=3)) == [0, 1, 2]


def test_backups_are_kept_for_a_number_of_days() -> None:
    assert kept(Retention(days=3)) == [0, 1, 2, 3]


def test_the_newest_backup_of_each_period_is_kept_beyond_the_number() -> None:
    periods = [Period(3, "%Y-%m"), Period(2, "%G-%V")]

    # The last Sunday was 4 days ago, February ended 20 days ago, January 48.
    assert kept(Retention(number=1, periods=periods)) == [0, 4, 20, 48]


def test_days_begin_in_the_zone_of_the_policy() -> None:
    late = [datetime(2031, 3, 19, 23, tzinfo=UTC), datetime(2031, 3, 19, 12, tzinfo=UTC)]

    assert kept(Retention(number=1, periods=[Period(9, "%Y-%m-%d")]), late) == [0]
    zone = timezone(timedelta(hours=2))
    assert kept(Retention(number=1, periods=[Period(9, "%Y-%m-%d")], zone=zone), late) == [0, 1]

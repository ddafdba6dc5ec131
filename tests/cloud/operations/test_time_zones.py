"""Time zones as authors write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_backup.cloud.operations.time_zones import read_time_zone

SUMMER = datetime(2031, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hours"), [("UTC", 0.0), ("UTC+02:00", 2.0), ("UTC-05:30", -5.5), ("Europe/Berlin", 2.0)]
)
def test_a_zone_is_utc_an_offset_or_a_name(text: str, hours: float) -> None:
    assert SUMMER.astimezone(read_time_zone(text)).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "Mars/Olympus", "UTC+15:00", "UTC+01:60", "../etc/passwd", "+2"])
def test_what_names_no_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be UTC|an offset lies between"):
        read_time_zone(text)

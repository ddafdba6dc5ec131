"""The iCalendar text of a CSBS policy: what is accepted, what is refused, what is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule
from airflow_provider_backup.cloud.operations.schedules import Weekday
from airflow_provider_backup.cloud.services.csbs.pattern import calendar_text, rule_in

VENDOR_SAMPLE = (
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:FREQ=WEEKLY;BYDAY=TU,FR;BYHOUR=3;BYMINUTE=15\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def rule(text: str) -> str:
    return f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:{text}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


patterns = st.builds(
    RecurrenceRule,
    frequency=st.just("DAILY"),
    hours=st.sets(st.integers(0, 23)).map(lambda hours: tuple(sorted(hours))),
    minute=st.none() | st.integers(0, 59),
    interval=st.integers(1, 30),
) | st.builds(
    RecurrenceRule,
    frequency=st.just("WEEKLY"),
    weekdays=st.sets(st.sampled_from(Weekday)).map(lambda days: tuple(sorted(days))),
    hours=st.sets(st.integers(0, 23)).map(lambda hours: tuple(sorted(hours))),
    minute=st.none() | st.integers(0, 59),
)


def test_the_vendors_sample_is_read() -> None:
    assert rule_in(VENDOR_SAMPLE) == RecurrenceRule(
        frequency="WEEKLY", weekdays=(Weekday.TUE, Weekday.FRI), hours=(3,), minute=15
    )


def test_the_vendors_sample_is_written_byte_for_byte() -> None:
    assert calendar_text(rule_in(VENDOR_SAMPLE)) == VENDOR_SAMPLE


@given(patterns)
def test_what_is_written_is_read_back_the_same(pattern: RecurrenceRule) -> None:
    assert rule_in(calendar_text(pattern)) == pattern


def test_a_text_without_the_calendar_and_with_plain_line_ends_is_read() -> None:
    text = "BEGIN:VEVENT\nRRULE:FREQ=DAILY;BYHOUR=1,13;BYMINUTE=0\nEND:VEVENT\n"

    assert rule_in(text) == RecurrenceRule(frequency="DAILY", hours=(1, 13), minute=0)


def test_every_third_day_is_read_although_one_page_denies_it() -> None:
    assert rule_in(rule("FREQ=DAILY;INTERVAL=3;BYHOUR=1;BYMINUTE=0")).interval == 3


def test_hours_come_out_in_order_and_once() -> None:
    assert rule_in(rule("FREQ=DAILY;BYHOUR=13,1,13;BYMINUTE=0")).hours == (1, 13)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must hold one RRULE, not 0"),
        (VENDOR_SAMPLE + VENDOR_SAMPLE, "must hold one RRULE, not 2"),
        (rule("FREQ=HOURLY;BYMINUTE=0"), "FREQ"),
        (rule("BYHOUR=1;BYMINUTE=0"), "FREQ"),
        (rule("FREQ=WEEKLY;BYDAY=XX;BYHOUR=1;BYMINUTE=0"), "BYDAY"),
        (rule("FREQ=DAILY;BYHOUR=24;BYMINUTE=0"), "BYHOUR"),
        (rule("FREQ=DAILY;BYHOUR=-1;BYMINUTE=0"), "BYHOUR"),
        (rule("FREQ=DAILY;BYHOUR=1;BYMINUTE=60"), "BYMINUTE"),
        (rule("FREQ=DAILY;BYHOUR=1;BYMINUTE=0,30"), "at least 1 hour apart"),
        (rule("FREQ=DAILY;INTERVAL=31;BYHOUR=1;BYMINUTE=0"), "INTERVAL"),
        (rule("FREQ=DAILY;INTERVAL=1,2;BYHOUR=1;BYMINUTE=0"), "INTERVAL"),
        (rule("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=1;BYMINUTE=0"), "only possible with FREQ=DAILY"),
        (rule("FREQ=DAILY;BYMONTH=1;BYHOUR=1"), "BYMONTH=1"),
        (rule("FREQ=DAILY;FREQ=WEEKLY"), "FREQ stands twice"),
        (rule("FREQ=DAILY;nonsense"), "NONSENSE"),
    ],
)
def test_a_broken_rule_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rule_in(text)


@given(st.text(max_size=200).map(rule) | st.text(max_size=200))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    try:
        pattern = rule_in(text)
    except ValueError:
        return
    assert rule_in(calendar_text(pattern)) == pattern

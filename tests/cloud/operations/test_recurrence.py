"""Recurrence rules: every part of the grammar, and what they mean by the standard's own reckoning."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.recurrence import LONGEST_INTERVAL, RecurrenceRule
from airflow_provider_backup.cloud.operations.schedules import Weekday

daily = st.builds(
    RecurrenceRule,
    frequency=st.just("DAILY"),
    interval=st.none() | st.integers(1, LONGEST_INTERVAL),
    hours=st.lists(st.integers(0, 23), unique=True).map(tuple),
    minute=st.none() | st.integers(0, 59),
)
weekly = st.builds(
    RecurrenceRule,
    frequency=st.just("WEEKLY"),
    weekdays=st.lists(st.sampled_from(Weekday), unique=True).map(tuple),
    hours=st.lists(st.integers(0, 23), unique=True).map(tuple),
    minute=st.none() | st.integers(0, 59),
)


@given(daily | weekly)
def test_what_is_written_reads_the_same(pattern: RecurrenceRule) -> None:
    assert RecurrenceRule.parse(pattern.to_text()) == pattern


def test_a_daily_rule_is_written_as_other_clients_write_it() -> None:
    pattern = RecurrenceRule("DAILY", interval=1, hours=(6,), minute=0)
    assert pattern.to_text() == "FREQ=DAILY;INTERVAL=1;BYHOUR=6;BYMINUTE=00"


def test_a_weekly_rule_is_written_as_other_clients_write_it() -> None:
    pattern = RecurrenceRule("WEEKLY", weekdays=(Weekday.MON, Weekday.SUN), hours=(14,), minute=5)
    assert pattern.to_text() == "FREQ=WEEKLY;BYDAY=MO,SU;BYHOUR=14;BYMINUTE=05"


def test_the_parts_may_stand_in_any_order() -> None:
    expected = RecurrenceRule("WEEKLY", weekdays=(Weekday.TUE,), hours=(3,), minute=4)
    assert RecurrenceRule.parse("BYMINUTE=4;BYHOUR=3;BYDAY=TU;FREQ=WEEKLY") == expected


def test_several_hours_may_stand_in_one_rule() -> None:
    assert RecurrenceRule.parse("FREQ=DAILY;BYHOUR=0,12,23;BYMINUTE=30").hours == (0, 12, 23)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "FREQ, BYDAY, INTERVAL, BYHOUR, BYMINUTE only, as KEY=VALUE joined by ';', not ''"),
        ("FREQ=DAILY;", "not ''"),
        ("FREQ=DAILY; BYHOUR=1", "not ' BYHOUR=1'"),
        ("freq=daily", "not 'freq=daily'"),
        ("FREQ=DAILY;COUNT=3", "not 'COUNT=3'"),
        ("FREQ=DAILY;UNTIL=20310101T000000Z", "not 'UNTIL=20310101T000000Z'"),
        ("FREQ=DAILY;BYMONTH=1", "not 'BYMONTH=1'"),
        ("FREQ=DAILY;BYSECOND=1", "not 'BYSECOND=1'"),
        ("FREQ=DAILY;BYHOUR", "not 'BYHOUR'"),
        ("BYHOUR=1;BYMINUTE=0", "FREQ must be given, as DAILY or WEEKLY"),
        ("FREQ=MONTHLY", "FREQ must be given, as DAILY or WEEKLY"),
        ("FREQ=SECONDLY", "FREQ must be given, as DAILY or WEEKLY"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ stands twice"),
        ("FREQ=DAILY;BYDAY=MO", "BYDAY is only possible with FREQ=WEEKLY"),
        ("FREQ=WEEKLY;INTERVAL=1", "INTERVAL is only possible with FREQ=DAILY"),
        ("FREQ=WEEKLY;BYDAY=MON", "BYDAY must be a list of MO, TU, WE, TH, FR, SA, SU, not 'MON'"),
        ("FREQ=WEEKLY;BYDAY=", "BYDAY must be a list of MO, TU, WE, TH, FR, SA, SU, not ''"),
        ("FREQ=WEEKLY;BYDAY=MO,MO", "BYDAY names a value twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be 1 to 30, not '0'"),
        ("FREQ=DAILY;INTERVAL=31", "INTERVAL must be 1 to 30, not '31'"),
        ("FREQ=DAILY;INTERVAL=1,2", "INTERVAL must be one number"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR must be 0 to 23, not '24'"),
        ("FREQ=DAILY;BYHOUR=-1", "BYHOUR must be 0 to 23, not '-1'"),
        ("FREQ=DAILY;BYHOUR=1,1", "BYHOUR names a value twice"),
        ("FREQ=DAILY;BYHOUR=²", "BYHOUR must be 0 to 23, not '²'"),
        ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE must be 0 to 59, not '60'"),
        ("FREQ=DAILY;BYMINUTE=0,30", "BYMINUTE must be one number, as points of time must be at least 1 hour apart"),
        ("FREQ=DAILY;BYMINUTE=000", "BYMINUTE must be 0 to 59, not '000'"),
    ],
)
def test_a_rule_that_breaks_the_grammar_is_refused(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(rule) + "$"):
        RecurrenceRule.parse(text)


@given(st.text())
def test_any_other_text_is_refused_in_words(text: str) -> None:
    if "FREQ=" not in text:
        with pytest.raises(ValueError, match=r"may hold FREQ|FREQ must be given|stands twice"):
            RecurrenceRule.parse(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("freq=daily;byhour=1", RecurrenceRule("DAILY", hours=(1,))),
        (" FREQ = WEEKLY ; BYDAY = MO , TU ", RecurrenceRule("WEEKLY", weekdays=(Weekday.MON, Weekday.TUE))),
        ("FREQ=DAILY;BYHOUR=13,1,13;BYMINUTE=0;", RecurrenceRule("DAILY", hours=(1, 13), minute=0)),
        ("FREQ=DAILY;BYDAY=FR,MO", RecurrenceRule("DAILY", weekdays=(Weekday.MON, Weekday.FRI))),
    ],
)
def test_a_lenient_reading_takes_what_means_the_same(text: str, rule: RecurrenceRule) -> None:
    assert RecurrenceRule.parse(text, lenient=True) == rule


@pytest.mark.parametrize("text", ["FREQ=DAILY;BYHOUR=1 3", "FREQ=DAILY;BYHOUR=1;COUNT=3", "FREQ=DAILY;BYHOUR=24", ";"])
def test_a_lenient_reading_takes_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="must be 0 to 23|may hold FREQ"):
        RecurrenceRule.parse(text, lenient=True)


@given(daily | weekly)
def test_a_rule_means_what_the_standard_says(rule: RecurrenceRule) -> None:
    start = datetime(2031, 4, 7, tzinfo=UTC)
    runs = rrulestr(rule.to_text(), dtstart=start).between(start, start + timedelta(days=61), inc=True)

    assert all(
        run.hour in (rule.hours or (0,))
        and run.minute == (rule.minute or 0)
        and (not rule.weekdays or run.weekday() in rule.weekdays)
        for run in runs
    )
    days = sorted({run.date() for run in runs})
    if rule.frequency == "DAILY":
        gaps = {(later - earlier).days for earlier, later in pairwise(days)}
        assert gaps == {rule.interval or 1}
    assert all(sum(run.date() == day for run in runs) == max(1, len(rule.hours)) for day in days[:-1])

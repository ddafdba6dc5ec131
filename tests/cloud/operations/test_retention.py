"""Which backups stay: rule by rule, and the whole choice against an independent model."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from dateutil import tz
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.retention import (
    RetentionDecision,
    RetentionPeriod,
    RetentionRule,
    StoredBackup,
    decide,
)
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.schema.fields import EARLIEST

NOW = datetime(2031, 11, 30, 12, tzinfo=UTC)
GOOD, FAILED, RUNNING, DELETING, DELETED = (
    Phase.SUCCEEDED,
    Phase.FAILED,
    Phase.IN_PROGRESS,
    Phase.DELETING,
    Phase.DELETED,
)


def backup(
    backup_id: str,
    begun: datetime | str | None,
    phase: Phase = GOOD,
    *,
    resource_id: str = "r",
    is_automatic: bool | None = False,
    in_use: tuple[str, ...] = (),
) -> StoredBackup:
    """Return a manual backup of ``r``, unless said otherwise."""
    moment = datetime.fromisoformat(begun) if isinstance(begun, str) else begun
    state = OperationState(OperationReference("cbr", backup_id), phase.name, phase, created_at=moment)
    return StoredBackup(resource_id, state, is_automatic, in_use)


def rule(**values: Any) -> RetentionRule:
    """Return a rule."""
    return validated(RetentionRule, "rule", values)


def kept(decisions: Iterable[RetentionDecision]) -> dict[str, list[str]]:
    """Return what is kept, with the rules, in the order of the decisions."""
    return {each.backup.state.reference.backup_id: list(each.rules) for each in decisions if each.is_kept}


def gone(decisions: Iterable[RetentionDecision]) -> list[str]:
    """Return what goes."""
    return [each.backup.state.reference.backup_id for each in decisions if not each.is_kept]


def days(*numbers: int, **members: Any) -> list[StoredBackup]:
    """Return good backups of noon of some days of November, named after the days."""
    return [backup(str(number), datetime(2031, 11, number, 12, tzinfo=UTC), **members) for number in numbers]


def test_keep_last_keeps_the_newest() -> None:
    decisions = decide(days(27, 30, 29, 28), rule(keep_last=2), NOW)

    assert kept(decisions) == {"30": ["keep_last", "minimum"], "29": ["keep_last"]}
    assert gone(decisions) == ["28", "27"]


def test_keep_daily_keeps_the_newest_of_each_of_the_last_days_that_have_one() -> None:
    backups = [
        backup("30 morning", "2031-11-30T06:00+00:00"),
        backup("30 noon", "2031-11-30T12:00+00:00"),
        backup("20 night", "2031-11-20T23:59+00:00"),
        backup("20 morning", "2031-11-20T00:00+00:00"),
        backup("19", "2031-11-19T12:00+00:00"),
    ]

    assert kept(decide(backups, rule(keep_daily=2), NOW)) == {
        "30 noon": ["keep_daily", "minimum"],
        "20 night": ["keep_daily"],
    }


def test_the_oldest_is_kept_as_long_as_the_number_is_not_used_up() -> None:
    backups = [
        backup("new", "2031-11-30T12:00+00:00"),
        backup("middle", "2031-11-20T12:00+00:00"),
        backup("old", "2031-11-10T12:00+00:00"),
    ]

    assert kept(decide(backups, rule(keep_monthly=2), NOW)) == {
        "new": ["keep_monthly", "minimum"],
        "old": ["keep_monthly oldest"],
    }
    assert gone(decide(backups, rule(keep_monthly=1), NOW)) == ["middle", "old"]


@pytest.mark.parametrize(
    ("name", "newer", "older"),
    [
        ("keep_hourly", "2031-11-30T11:59+00:00", "2031-11-30T11:00+00:00"),
        ("keep_daily", "2031-11-30T11:59+00:00", "2031-11-30T00:00+00:00"),
        ("keep_weekly", "2031-11-30T11:59+00:00", "2031-11-24T00:00+00:00"),
        ("keep_monthly", "2031-11-30T11:59+00:00", "2031-11-01T00:00+00:00"),
        ("keep_yearly", "2031-11-30T11:59+00:00", "2031-01-01T00:00+00:00"),
    ],
)
def test_a_period_begins_where_the_calendar_says(name: str, newer: str, older: str) -> None:
    before = datetime.fromisoformat(older) - timedelta(seconds=1)
    backups = [backup("newer", newer), backup("same period", older), backup("before", before)]

    assert gone(decide(backups, rule(**{name: 2}), NOW)) == ["same period"]


def test_a_number_of_minus_one_keeps_one_of_every_period() -> None:
    assert gone(decide(days(1, 2, 3, 4, 5), rule(keep_daily=-1), NOW)) == []


def test_the_days_are_those_of_the_time_zone() -> None:
    backups = [backup("late", "2031-11-29T23:30+00:00"), backup("early", "2031-11-29T22:30+00:00")]

    assert gone(decide(backups, rule(keep_daily=1, time_zone="UTC"), NOW)) == ["early"]
    assert gone(decide(backups, rule(keep_daily=2, time_zone="Europe/Berlin"), NOW)) == []


def test_the_hour_that_comes_twice_when_summer_time_ends_is_one_hour() -> None:
    backups = [
        backup("before", "2031-10-25T23:30+00:00"),
        backup("first", "2031-10-26T00:30+00:00"),
        backup("second", "2031-10-26T01:30+00:00"),
    ]

    assert gone(decide(backups, rule(keep_hourly=2, time_zone="Europe/Berlin"), NOW)) == ["first"]


def test_keep_within_counts_from_the_newest_good_backup_and_not_from_now() -> None:
    backups = [*days(9, 10, 11, 20), backup("failed", "2031-11-29T12:00+00:00", FAILED)]

    assert kept(decide(backups, rule(keep_within="10d"), NOW)) == {
        "failed": ["failed"],
        "20": ["keep_within", "minimum"],
        "11": ["keep_within"],
    }


def test_a_backup_from_the_future_does_not_make_the_others_old() -> None:
    decisions = decide([*days(28, 29), backup("future", "2051-01-01T00:00+00:00")], rule(keep_within="2d"), NOW)

    assert gone(decisions) == []


def test_days_of_keep_within_have_the_length_that_the_calendar_gives_them() -> None:
    # The night before lost an hour.
    moment = datetime.fromisoformat("2031-03-30T12:00+02:00")
    zone = tz.gettz("Europe/Berlin")
    assert zone is not None

    assert RetentionPeriod.read("1d").before(moment, zone) == moment - timedelta(hours=23)
    assert RetentionPeriod.read(timedelta(days=1)).before(moment, zone) == moment - timedelta(hours=24)


def test_a_day_that_a_month_lacks_is_its_last_one() -> None:
    moment = datetime(2031, 3, 31, 12, tzinfo=UTC)

    assert RetentionPeriod.read("1m").before(moment, UTC) == datetime(2031, 2, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize("value", ["9999y", "99999m", "999999d", timedelta.max, 1e13])
def test_a_period_from_before_the_calendar_reaches_its_beginning(value: Any) -> None:
    assert RetentionPeriod.read(value).before(NOW, UTC) == EARLIEST


def test_the_newest_good_backup_stays_whatever_the_rules_say() -> None:
    backups = [*days(10, 11), backup("failed", NOW, FAILED)]

    assert kept(decide(backups, rule(keep_within="1h", failed_older_than="1h"), NOW))["11"] == [
        "keep_within",
        "minimum",
    ]
    assert gone(decide(backups, rule(keep_last=1, minimum=2), NOW)) == []


def test_only_failed_backups_that_are_old_enough_go_when_no_rule_keeps_good_ones() -> None:
    backups = [*days(1, 2), backup("old", "2031-11-23T11:00+00:00", FAILED), backup("new", NOW, FAILED)]

    decisions = decide(backups, rule(failed_older_than=timedelta(days=7)), NOW)

    assert gone(decisions) == ["old"]
    assert kept(decisions) == {"new": ["failed"], "2": ["minimum", "no keep rule"], "1": ["no keep rule"]}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"is_automatic": True}, "automatic"),
        ({"is_automatic": None}, "unknown type"),
        ({"phase": RUNNING}, "running"),
        ({"phase": DELETING}, "deleting"),
        ({"begun": None}, "unknown begin"),
        ({"in_use": ("shared",)}, "shared"),
        ({"in_use": ("replicated",)}, "replicated"),
        ({"in_use": ("image",)}, "image"),
    ],
)
def test_what_must_not_be_touched_stays(members: dict[str, Any], reason: str) -> None:
    old = backup(**{"backup_id": "old", "begun": "2001-01-01T00:00+00:00"} | members)

    assert kept(decide([*days(29, 30), old], rule(keep_last=1), NOW))["old"] == [reason]


@pytest.mark.parametrize("members", [{"is_automatic": True}, {"phase": FAILED}, {"phase": RUNNING}])
def test_only_good_manual_backups_fill_a_rule(members: dict[str, Any]) -> None:
    newer = backup("newer", NOW, **members)

    assert "keep_last" in kept(decide([*days(28, 29), newer], rule(keep_last=1), NOW))["29"]


def test_a_backup_in_use_fills_a_rule() -> None:
    assert gone(decide([*days(28), *days(29, in_use=("shared",))], rule(keep_last=1), NOW)) == ["28"]


def test_a_deleted_backup_is_left_out() -> None:
    assert decide([backup("gone", NOW, DELETED)], rule(keep_last=1), NOW) == []


def test_a_row_that_was_read_twice_counts_once() -> None:
    assert gone(decide([*days(28, 29), *days(29)], rule(keep_last=2), NOW)) == []


def test_each_resource_is_decided_by_itself_whatever_the_case_of_its_id() -> None:
    backups = [*days(28), *days(29, resource_id="other"), *days(30, resource_id="R")]

    assert gone(decide(backups, rule(keep_last=1), NOW)) == ["28"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "give at least one of the keep rules"),
        ({"keep_last": 0}, "give at least one of the keep rules"),
        ({"keep_last": -2}, "keep_last"),
        ({"keep_daily": True}, "keep_daily"),
        ({"keep_daily": "seven"}, "keep_daily"),
        ({"keep_within": "0d"}, "keep_within"),
        ({"keep_within": "7 days"}, "keep_within"),
        ({"keep_within": -5}, "keep_within"),
        ({"keep_within": float("nan")}, "keep_within"),
        ({"keep_within": True}, "keep_within"),
        ({"keep_last": 1, "minimum": 0}, "minimum"),
        ({"keep_last": 1, "failed_older_than": ""}, "failed_older_than"),
        ({"keep_last": 1, "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"keep_last": 1, "time_zone": 5}, "time_zone"),
    ],
)
def test_a_wrong_rule_is_refused_and_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        rule(**values)


# The model: it is written from restic's documentation, groups instead of counting, and has its own calendar.

LABELS = {
    "keep_hourly": "%Y-%m-%d %H",
    "keep_daily": "%Y-%m-%d",
    "keep_weekly": "%G-%V",
    "keep_monthly": "%Y-%m",
    "keep_yearly": "%Y",
}
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]


def expected_to_stay(backups: list[StoredBackup], values: dict[str, Any]) -> set[str]:
    """Return the ids of the good manual backups that must stay."""
    zone = tz.gettz(values["time_zone"])
    ordered = sorted(backups, key=lambda each: (each.begun, each.state.reference.backup_id))
    ids = [each.state.reference.backup_id for each in ordered]
    stay = set(ids[-values["minimum"] :])
    for name, number in values.items():
        if not number:
            continue
        if name == "keep_last":
            stay.update(ids if number == -1 else ids[-number:])
        elif name in LABELS:
            labels = [each.begun.astimezone(zone).strftime(LABELS[name]) for each in ordered]
            newest = [list(group)[-1][1] for _, group in groupby(zip(labels, ids, strict=True), key=lambda one: one[0])]
            stay.update(newest if number == -1 else newest[-number:])
            # The oldest one takes what is left of the number.
            if number == -1 or len(set(labels[1:])) < number:
                stay.update(ids[:1])
        elif name == "keep_within":
            limit = ordered[-1].begun.astimezone(zone) - relativedelta(days=number) if ordered else None
            stay.update(
                each.state.reference.backup_id for each in ordered if limit and each.begun > limit.astimezone(UTC)
            )
    return stay


numbers = st.sampled_from([None, 0, 1, 2, 3, 7, -1])
near_clock_changes = st.sampled_from(
    [
        datetime(2030, 3, 31, 1, tzinfo=UTC),
        datetime(2030, 10, 27, 1, tzinfo=UTC),
        datetime(2030, 11, 3, 6, tzinfo=UTC),
        datetime(2030, 4, 6, 15, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),
        datetime(2030, 12, 31, 23, tzinfo=UTC),
    ]
)
moments = st.one_of(
    st.builds(lambda hours: datetime(2009, 1, 1, tzinfo=UTC) + timedelta(hours=hours), st.floats(0, 200_000)),
    st.builds(
        lambda moment, minutes: moment + timedelta(minutes=minutes), near_clock_changes, st.integers(-4320, 4320)
    ),
)
rules = st.fixed_dictionaries(
    {
        **dict.fromkeys(("keep_last", *LABELS), numbers),
        "minimum": st.integers(1, 4),
        "time_zone": st.sampled_from(ZONES),
    }
)


@given(st.lists(moments, max_size=40), rules, st.none() | st.integers(1, 400))
def test_the_choice_is_that_of_an_independent_model(
    begun: list[datetime], values: dict[str, Any], within_days: int | None
) -> None:
    backups = [backup(f"{number:02}", moment) for number, moment in enumerate(begun)]
    values = values | {"keep_within": within_days}
    asked = values | ({"keep_within": f"{within_days}d"} if within_days else {})
    if not within_days and not any(values[name] for name in ("keep_last", *LABELS)):
        asked["keep_last"] = values["keep_last"] = 1

    decisions = decide(backups, rule(**asked), NOW)

    assert set(kept(decisions)) == expected_to_stay(backups, values)
    assert len(decisions) == len(backups)


@given(
    st.lists(st.tuples(moments | st.none(), st.sampled_from(Phase), st.sampled_from([True, False, None]))),
    rules,
    st.none() | st.integers(1, 400),
)
def test_no_choice_touches_what_must_stay(
    histories: list[tuple[datetime | None, Phase, bool | None]], values: dict[str, Any], failed_days: int | None
) -> None:
    backups = [
        backup(f"{number:02}", begun, phase, is_automatic=is_automatic)
        for number, (begun, phase, is_automatic) in enumerate(histories)
    ]
    older_than = f"{failed_days}d" if failed_days else None
    asked = rule(**values | {"keep_last": 1, "failed_older_than": older_than})

    leaving = [each.backup for each in decide(backups, asked, NOW) if not each.is_kept]

    assert all(each.is_automatic is False and each.state.created_at is not None for each in leaving)
    assert all(each.state.phase in (GOOD, FAILED) for each in leaving)
    assert failed_days or all(each.state.phase is GOOD for each in leaving)
    good = [
        each for each in backups if each.state.phase is GOOD and each.is_automatic is False and each.begun > EARLIEST
    ]
    if good:
        assert max(good, key=lambda each: (each.begun, each.state.reference.backup_id)) not in leaving


@given(st.lists(moments, max_size=30), rules)
def test_to_choose_again_after_the_deletions_deletes_no_more(begun: list[datetime], values: dict[str, Any]) -> None:
    backups = [backup(f"{number:02}", moment) for number, moment in enumerate(begun)]
    asked = rule(**values | {"keep_last": 1})

    staying = [each.backup for each in decide(backups, asked, NOW) if each.is_kept]

    assert gone(decide(staying, asked, NOW)) == []


@given(st.lists(moments, max_size=30), rules, st.data())
def test_after_some_of_the_deletions_the_same_backups_stay(
    begun: list[datetime], values: dict[str, Any], data: st.DataObject
) -> None:
    backups = [backup(f"{number:02}", moment) for number, moment in enumerate(begun)]
    asked = rule(**values | {"keep_last": 1})
    decisions = decide(backups, asked, NOW)
    done = data.draw(st.sets(st.sampled_from(gone(decisions))) if gone(decisions) else st.just(set()))

    left = [each for each in backups if each.state.reference.backup_id not in done]

    assert kept(decide(left, asked, NOW)) == kept(decisions)

"""One round of questions: who is told what by a list, and who is looked at by himself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import (
    AuthenticationError,
    BackupError,
    BadRequestError,
    CloudConnectionError,
    ConfigurationError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.polling import list_poller as module
from airflow_provider_backup.cloud.polling.list_poller import (
    FEW_READS,
    LONGEST_TRUST,
    LONGEST_TRUST_IN_BUSY,
    ListPoller,
)
from airflow_provider_backup.cloud.polling.waiter import Waiter
from tests.cloud.polling.fake_service import Service

REFUSALS = [
    PermissionDeniedError(service="cbr", status=403, code="403", detail="no"),
    BadRequestError(service="cbr", status=400, code="400", detail="no such filter"),
    UnexpectedResponseError("The answer has no list"),
]
PASSING = [
    ServerError(service="cbr", status=503, code="503", detail="down"),
    RateLimitedError(service="cbr", status=429, code="429", detail="slow down"),
    CloudConnectionError("cut", request_sent=True),
]


def seats_of(names: Sequence[str], **arguments: Any) -> list[Waiter]:
    """Return a seat for each backup; all are due."""
    return [
        Waiter(OperationReference("cbr", name), **{"poll_interval": 1.0, "started_at": time.time(), **arguments})
        for name in names
    ]


def told_good(seats: Sequence[Waiter]) -> set[str]:
    return {seat.reference.backup_id for seat in seats if seat.is_over}


def names(seats: Sequence[Waiter]) -> set[str]:
    return {seat.reference.backup_id for seat in seats}


async def test_what_is_in_the_list_goes_on_and_is_not_looked_at() -> None:
    service = Service(dict.fromkeys("abc", "protecting"))
    seats = seats_of("abc")
    assert await ListPoller(service.lists).ask(seats, seats) == []
    assert [seat.last_status for seat in seats] == ["protecting"] * 3
    assert service.requests == {"running": 1}


async def test_who_left_the_list_is_looked_at_before_anybody_is_told() -> None:
    service = Service({"a": "available", "b": "protecting", "c": "protecting"})
    seats = seats_of("abc")
    assert await ListPoller(service.lists).ask(seats, seats) == seats[:1]
    assert told_good(seats) == set()


async def test_many_who_leave_are_told_good_by_the_list_of_what_began_lately() -> None:
    service = Service({**dict.fromkeys("abcd", "available"), "e": "protecting"})
    seats = seats_of("abcde")
    assert await ListPoller(service.lists).ask(seats, seats) == []
    assert told_good(seats) == set("abcd")
    assert service.requests == {"running": 1, "recent": 1}


@pytest.mark.parametrize("status", ["error", "deleting", "deleted", "a new word", "", None, 7, {"a": 1}])
async def test_only_good_ones_are_told_by_a_list(status: Any) -> None:
    service = Service(dict.fromkeys("abcd", "protecting"))
    service.rows = {"running": [], "recent": [{"id": name, "status": "available"} for name in "abc"]}
    service.rows["recent"] = [*service.rows["recent"], {"id": "d", "status": status}]
    seats = seats_of("abcd")
    assert names(await ListPoller(service.lists).ask(seats, seats)) == {"d"}
    assert told_good(seats) == set("abc")


async def test_what_no_list_shows_is_looked_at() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), rows={"running": [], "recent": []})
    seats = seats_of("abcd")
    assert names(await ListPoller(service.lists).ask(seats, seats)) == set("abcd")


ODD_ROWS = ["text", 7, None, [], {}, {"id": None}, {"id": 7, "status": "protecting"}, {"id": {"a": 1}}, {"status": "x"}]


async def test_rows_that_are_no_backups_are_passed_over() -> None:
    good = [{"id": name, "status": "protecting"} for name in "ab"]
    service = Service(rows={"running": [*ODD_ROWS, *good], "recent": ODD_ROWS})
    seats = seats_of("abc")
    assert names(await ListPoller(service.lists).ask(seats, seats)) == {"c"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "status", "x"]), inner),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.lists(json_values, max_size=8), st.lists(json_values, max_size=8))
async def test_whatever_lists_answer_nobody_is_told_good_without_a_row_that_says_so(
    running: list[Any], recent: list[Any]
) -> None:
    service = Service(rows={"running": running, "recent": recent})
    seats = seats_of("abcd")
    left = await ListPoller(service.lists).ask(seats, seats)
    good = {row["id"] for row in recent if isinstance(row, dict) and row.get("status") == "available" and "id" in row}
    assert told_good(seats) <= {each for each in good if isinstance(each, str)}
    on = {seat for seat in seats if seat.last_status == "protecting"}
    assert set(left) | on | {seat for seat in seats if seat.is_over} == set(seats)


async def test_a_job_is_looked_at_beside_what_the_list_tells_of_others() -> None:
    service = Service(dict.fromkeys("abc", "protecting"))
    seats = [*seats_of("abc"), Waiter(OperationReference("vbs", "job", "job"), poll_interval=1)]
    assert names(await ListPoller(service.lists).ask(seats, seats)) == {"job"}


async def test_a_backup_whose_beginning_is_unknown_is_looked_at_when_it_leaves() -> None:
    service = Service(dict.fromkeys("abcd", "available"))
    seats = [*seats_of("abc"), *seats_of("d", started_at=None)]
    assert names(await ListPoller(service.lists).ask(seats, seats)) == {"d"}


async def test_a_row_tells_an_unknown_beginning() -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    service.rows["running"] = [
        {"id": name, "status": "protecting", "created_at": "2031-04-02T09:15:07Z"} for name in "ab"
    ]
    seats = seats_of("ab", started_at=None)
    await ListPoller(service.lists).ask(seats, seats)
    assert all(seat.begun_at is not None and seat.begun_at.year == 2031 for seat in seats)


async def test_who_need_not_be_looked_at_hears_the_news_too() -> None:
    service = Service({**dict.fromkeys("abc", "protecting"), "d": "available"})
    seats = seats_of("abcd")
    asking = ListPoller(service.lists)
    left = await asking.ask(seats, seats[:3])
    assert names(left) == {"d"}


async def test_who_need_not_be_looked_at_and_is_missing_is_confirmed_once_only() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), has_recent=False)
    service.rows["running"] = [{"id": name, "status": "protecting"} for name in "abc"]
    seats = seats_of("abcd")
    asking = ListPoller(service.lists)
    assert names(await asking.ask(seats, seats[:3])) == {"d"}
    assert names(await asking.ask(seats, seats[:3])) == set()


async def test_who_need_not_be_looked_at_and_is_not_in_the_list_of_what_began_lately_is_confirmed_once_only() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), has_running=False)
    service.rows["recent"] = [{"id": name, "status": "protecting"} for name in "abc"]
    seats = seats_of("abcd")
    asking = ListPoller(service.lists)
    assert names(await asking.ask(seats, seats[:3])) == {"d"}
    assert names(await asking.ask(seats, seats[:3])) == set()


@pytest.mark.parametrize("begun_at", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
async def test_a_beginning_that_cannot_be_is_nobodys_trouble(begun_at: str) -> None:
    service = Service(dict.fromkeys("abcd", "available"), has_running=False)
    seats = seats_of("abcd")
    for seat in seats:
        seat.begun_at = datetime.fromisoformat(begun_at)
    assert await ListPoller(service.lists).ask(seats, seats) == []


@pytest.mark.parametrize("off", [timedelta(minutes=30), -timedelta(minutes=30)], ids=["ahead", "behind"])
async def test_what_began_lately_is_asked_for_by_the_clouds_clock(off: timedelta) -> None:
    service = Service(dict.fromkeys("abcd", "available"), has_running=False)
    now, clock = datetime.now(UTC), CloudClock()
    clock.learn({"Date": format_datetime(now + off, usegmt=True)}, now, now)
    seats = seats_of("abcd")
    await ListPoller(service.lists, clock).ask(seats, seats)
    [since] = service.windows
    assert since is not None
    assert timedelta(0) < now + off - since < timedelta(minutes=10)


async def test_before_the_clouds_clock_is_known_much_more_is_asked_for() -> None:
    service = Service(dict.fromkeys("abcd", "available"), has_running=False)
    seats = seats_of("abcd")
    await ListPoller(service.lists).ask(seats, seats)
    [since] = service.windows
    assert since is not None
    assert datetime.now(UTC) - since > timedelta(hours=1)


# --------------------------------------------------------------------------------------------- backups of several parts


def checkpoint_rows(*statuses: str) -> list[dict[str, Any]]:
    return [{"id": "whole", "part": number, "status": status} for number, status in enumerate(statuses)]


def checkpoint_seat(parts: int) -> Waiter:
    expected = tuple(str(number) for number in range(parts))
    reference = OperationReference("cbr", "whole", "checkpoint", expected_ids=expected)
    return Waiter(reference, poll_interval=1, started_at=time.time())


async def test_a_part_that_left_the_list_is_confirmed_while_others_go_on() -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    others = seats_of("ab")
    seat = checkpoint_seat(2)
    seats = [*others, seat]
    asking = ListPoller(service.lists)
    protecting = [{"id": name, "status": "protecting"} for name in "ab"]
    service.rows["running"] = [*protecting, *checkpoint_rows("protecting", "protecting")]
    assert await asking.ask(seats, seats) == []
    service.rows["running"] = [*protecting, *checkpoint_rows("protecting")]
    assert await asking.ask(seats, seats) == [seat]
    # It is confirmed once: the other part may go on for hours.
    assert await asking.ask(seats, seats) == []


async def test_a_part_that_never_was_in_the_list_is_confirmed_at_first() -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    seats = [*seats_of("ab"), checkpoint_seat(2)]
    protecting = [{"id": name, "status": "protecting"} for name in "ab"]
    service.rows["running"] = [*protecting, *checkpoint_rows("protecting")]
    assert await ListPoller(service.lists).ask(seats, seats) == seats[2:]


async def test_a_part_that_failed_is_looked_at_though_another_goes_on() -> None:
    service = Service(dict.fromkeys("ab", "protecting"), has_running=False)
    protecting = [{"id": name, "status": "protecting"} for name in "ab"]
    service.rows["recent"] = [*protecting, *checkpoint_rows("protecting", "error")]
    seats = [*seats_of("ab"), checkpoint_seat(2)]
    assert await ListPoller(service.lists).ask(seats, seats) == seats[2:]


async def test_parts_with_different_statuses_are_logged_as_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    service = Service(dict.fromkeys("ab", "protecting"))
    seats = [*seats_of("ab"), checkpoint_seat(2)]
    protecting = [{"id": name, "status": "protecting"} for name in "ab"]
    service.rows["running"] = [*protecting, *checkpoint_rows("protecting", "protecting")]
    asking = ListPoller(service.lists)
    for _ in range(3):
        await asking.ask(seats, seats)
    assert len([record for record in caplog.records if "whole" in record.getMessage()]) == 1


async def test_a_whole_that_spreads_over_pages_is_told_when_all_its_parts_were_read() -> None:
    service = Service(dict.fromkeys("abcd", "available"), page_size=5, has_running=False)
    seats = [*seats_of("abcd"), checkpoint_seat(2)]
    available = [{"id": name, "status": "available"} for name in "abcd"]
    first, second = checkpoint_rows("available", "available")
    service.rows["recent"] = [first, *available, second]
    assert await ListPoller(service.lists).ask(seats, seats) == []
    assert "whole" in told_good(seats)
    assert service.requests == {"recent": 2}


async def test_a_whole_with_a_part_missing_is_looked_at() -> None:
    service = Service(dict.fromkeys("abcd", "available"), has_running=False)
    seats = [*seats_of("abcd"), checkpoint_seat(2)]
    available = [{"id": name, "status": "available"} for name in "abcd"]
    service.rows["recent"] = [*available, *checkpoint_rows("available")]
    assert await ListPoller(service.lists).ask(seats, seats) == seats[4:]


# ----------------------------------------------------------------------------------------------------- lists in trouble


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
async def test_a_list_that_refuses_for_good_is_replaced_and_tried_again_later(
    error: BackupError, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(dict.fromkeys("abc", "protecting"), has_recent=False, troubles={"running": error})
    seats = seats_of("abc")
    asking = ListPoller(service.lists)
    for _ in range(3):
        assert await asking.ask(seats, seats) == seats
    assert service.requests == {"running": 1}
    monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + module.MEMORY)
    service.troubles.clear()
    assert await asking.ask(seats, seats) == []


async def test_a_list_that_refuses_is_replaced_by_another_one() -> None:
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": REFUSALS[0]})
    seats = seats_of("abc")
    assert await ListPoller(service.lists).ask(seats, seats) == []
    assert service.requests == {"running": 1, "recent": 1}


async def test_a_list_that_cannot_confirm_is_replaced_by_single_looks() -> None:
    service = Service(dict.fromkeys("abc", "available"), troubles={"recent": REFUSALS[0]})
    seats = seats_of("abc")
    assert await ListPoller(service.lists).ask(seats, seats) == seats


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
async def test_passing_trouble_of_a_list_is_everybodys(error: BackupError) -> None:
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": error})
    seats = seats_of("abc")
    with pytest.raises(type(error)):
        await ListPoller(service.lists).ask(seats, seats)


@pytest.mark.parametrize("title", ["running", "recent"])
@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError(service="iam", status=401, code="IAM.0101", detail="wrong password"),
        ConfigurationError("The certificate is not trusted"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_wrong_credentials_are_not_tried_once_more_for_each_backup(error: BackupError, title: str) -> None:
    service = Service(dict.fromkeys("abc", "available"), troubles={title: error})
    seats = seats_of("abc")
    with pytest.raises(type(error)):
        await ListPoller(service.lists).ask(seats, seats)


async def test_a_list_that_grows_too_long_is_given_up_and_not_tried_again() -> None:
    service = Service(dict.fromkeys("abc", "protecting"), has_recent=False, page_size=2)
    service.rows["running"] = [{"id": str(number), "status": "protecting"} for number in range(20)]
    seats = seats_of("abc")
    asking = ListPoller(service.lists)
    for _ in range(3):
        assert await asking.ask(seats, seats) == seats
    # One page more than there are backups to look at tells that it is too long.
    assert service.requests == {"running": 4}


async def test_a_long_list_is_tried_again_when_more_people_wait() -> None:
    backups = [f"backup-{number}" for number in range(20)]
    service = Service(dict.fromkeys(backups, "protecting"), has_recent=False, page_size=2)
    service.rows["running"] = [{"id": str(number), "status": "protecting"} for number in range(20)]
    asking = ListPoller(service.lists)
    few, many = seats_of(backups[:3]), seats_of(backups)
    await asking.ask(few, few)
    service.rows["running"] = [{"id": name, "status": "protecting"} for name in backups[:10]]
    assert len(await asking.ask(many, many)) == 10


async def test_a_long_list_of_what_began_lately_does_not_confirm() -> None:
    service = Service(dict.fromkeys("abc", "available"), page_size=1)
    service.rows["recent"] = [{"id": str(number), "status": "available"} for number in range(20)]
    seats = seats_of("abc")
    assert set(await ListPoller(service.lists).ask(seats, seats)) == set(seats)


async def test_a_list_that_showed_nobody_once_is_tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(dict.fromkeys("abc", "protecting"), has_recent=False, rows={"running": []})
    seats = seats_of("abc")
    asking = ListPoller(service.lists)
    for _ in range(3):
        assert await asking.ask(seats, seats) == seats
    assert service.requests == {"running": 1}
    service.rows.clear()
    for seat in seats:
        seat.missed_at -= 60
    assert await asking.ask(seats, seats) == []


async def test_those_who_were_cancelled_are_not_counted_as_ended() -> None:
    service = Service({**dict.fromkeys("abcdef", "protecting")}, has_recent=False)
    seats = seats_of("abcdef")
    asking = ListPoller(service.lists)
    for seat in seats[:3]:
        seat.end.cancel()
    await asking.ask(seats, seats)
    await asking.ask(seats[3:], seats[3:])
    assert service.requests == {"running": 2}


async def test_many_that_ended_in_one_round_do_not_change_the_question_for_ever() -> None:
    service = Service(dict.fromkeys("abcdef", "available"))
    first, others = seats_of("abcdef"), seats_of("gh")
    asking = ListPoller(service.lists)
    await asking.ask(first, first)
    service.statuses = dict.fromkeys("gh", "protecting")
    service.requests.clear()
    for _ in range(3):
        await asking.ask(others, others)
    assert service.requests["running"] >= 2


# -------------------------------------------------------------------------------- lists of what the backups are made of


MANY = [f"backup-{number}" for number in range(FEW_READS + 10)]


async def test_few_are_looked_at_themselves_where_a_list_shows_only_what_is_busy() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), has_recent=False, shows_backups=False)
    seats = seats_of("abcd")
    assert await ListPoller(service.lists).ask(seats, seats) == seats
    assert service.requests == {}


async def test_what_is_busy_for_long_is_looked_at_some_time_as_it_may_be_another_backup() -> None:
    service = Service(dict.fromkeys(MANY, "protecting"), has_recent=False, shows_backups=False)
    seats = seats_of(MANY)
    asking = ListPoller(service.lists)
    assert await asking.ask(seats, seats) == []
    for number, seat in enumerate(seats[: FEW_READS + 1]):
        seat.seen_at -= LONGEST_TRUST_IN_BUSY + 1 + number
    # A few in each round, those that were not seen for the longest time first.
    assert await asking.ask(seats, seats) == seats[FEW_READS:0:-1]


async def test_when_a_newer_backup_is_waited_for_a_busy_instance_says_nothing_about_the_older_one() -> None:
    service = Service(dict.fromkeys(MANY, "protecting"), has_recent=False, shows_backups=False)
    service.instances = {"newer": MANY[0]}
    seats = seats_of(MANY, started_at=time.time() - 60)
    asking = ListPoller(service.lists)
    assert await asking.ask(seats, seats) == []
    newer = seats_of(["newer"])
    assert await asking.ask([*seats, *newer], [*seats, *newer]) == seats[:1]


async def test_a_busy_instance_says_nothing_about_a_backup_of_others_that_was_never_seen() -> None:
    service = Service(dict.fromkeys(MANY, "protecting"), has_recent=False, shows_backups=False)
    seats = [*seats_of(MANY[1:]), *seats_of(MANY[:1], started_at=None)]
    assert await ListPoller(service.lists).ask(seats, seats) == seats[-1:]


async def test_a_busy_instance_does_not_tell_the_status_of_a_backup() -> None:
    service = Service(dict.fromkeys(MANY, "protecting"), has_recent=False, shows_backups=False)
    seats = seats_of(MANY)
    await ListPoller(service.lists).ask(seats, seats)
    assert {seat.last_status for seat in seats} == {None}


async def test_a_list_that_shows_the_backups_themselves_is_trusted() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), has_recent=False)
    seats = seats_of("abcd")
    for seat in seats:
        seat.seen_at -= LONGEST_TRUST + 1
    assert await ListPoller(service.lists).ask(seats, seats) == []

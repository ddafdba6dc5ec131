"""One poll cycle: what the listings report of each backup, and which ones need a single read."""

from __future__ import annotations

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
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.polling.list_poller import FEW_READS
from airflow_provider_backup.cloud.polling.waiter import Waiter
from tests.cloud.polling.fake_service import Service, list_poller_of, waiter_of
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

LIMITS = Limits()
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


def waiters_of(names: Sequence[str], **arguments: Any) -> list[Waiter]:
    """Return a waiter for each backup; all are due."""
    return [waiter_of(OperationReference("cbr", name), **arguments) for name in names]


def succeeded(waiters: Sequence[Waiter]) -> set[str]:
    return {waiter.reference.backup_id for waiter in waiters if waiter.is_finished}


def names(waiters: Sequence[Waiter]) -> set[str]:
    return {waiter.reference.backup_id for waiter in waiters}


async def test_a_listed_backup_is_running_and_is_not_read() -> None:
    service = Service(dict.fromkeys("abc", "protecting"))
    waiters = waiters_of("abc")
    assert await list_poller_of(service).poll(waiters, waiters) == []
    assert [waiter.last_status for waiter in waiters] == ["protecting"] * 3
    assert service.requests == {"running": 1}


async def test_a_backup_that_left_the_listing_is_read_before_its_wait_ends() -> None:
    service = Service({"a": "available", "b": "protecting", "c": "protecting"})
    waiters = waiters_of("abc")
    assert await list_poller_of(service).poll(waiters, waiters) == waiters[:1]
    assert succeeded(waiters) == set()


async def test_many_that_leave_are_confirmed_by_the_listing_of_recent_backups() -> None:
    service = Service({**dict.fromkeys("abcd", "available"), "e": "protecting"})
    waiters = waiters_of("abcde")
    assert await list_poller_of(service).poll(waiters, waiters) == []
    assert succeeded(waiters) == set("abcd")
    assert service.requests == {"running": 1, "recent": 1}


@pytest.mark.parametrize("status", ["error", "deleting", "deleted", "a new word", "", None, 7, {"a": 1}])
async def test_only_successes_are_taken_from_a_listing(status: Any) -> None:
    service = Service(dict.fromkeys("abcd", "protecting"))
    service.rows = {"running": [], "recent": [{"id": name, "status": "available"} for name in "abc"]}
    service.rows["recent"] = [*service.rows["recent"], {"id": "d", "status": status}]
    waiters = waiters_of("abcd")
    assert names(await list_poller_of(service).poll(waiters, waiters)) == {"d"}
    assert succeeded(waiters) == set("abc")


async def test_a_backup_that_no_listing_shows_is_read() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), rows={"running": [], "recent": []})
    waiters = waiters_of("abcd")
    assert names(await list_poller_of(service).poll(waiters, waiters)) == set("abcd")


ODD_ROWS = ["text", 7, None, [], {}, {"id": None}, {"id": 7, "status": "protecting"}, {"id": {"a": 1}}, {"status": "x"}]


async def test_rows_that_are_no_backups_are_skipped() -> None:
    good = [{"id": name, "status": "protecting"} for name in "ab"]
    service = Service(rows={"running": [*ODD_ROWS, *good], "recent": ODD_ROWS})
    waiters = waiters_of("abc")
    assert names(await list_poller_of(service).poll(waiters, waiters)) == {"c"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "status", "x"]), inner),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.lists(json_values, max_size=8), st.lists(json_values, max_size=8))
async def test_no_wait_succeeds_without_a_row_that_says_so(running: list[Any], recent: list[Any]) -> None:
    service = Service(rows={"running": running, "recent": recent})
    waiters = waiters_of("abcd")
    left = await list_poller_of(service).poll(waiters, waiters)
    good = {row["id"] for row in recent if isinstance(row, dict) and row.get("status") == "available" and "id" in row}
    assert succeeded(waiters) <= {each for each in good if isinstance(each, str)}
    on = {waiter for waiter in waiters if waiter.last_status == "protecting"}
    assert set(left) | on | {waiter for waiter in waiters if waiter.is_finished} == set(waiters)


async def test_a_job_is_read_while_the_listing_answers_for_the_others() -> None:
    service = Service(dict.fromkeys("abc", "protecting"))
    waiters = [*waiters_of("abc"), waiter_of(OperationReference("vbs", "job", "job"), started_at=None)]
    assert names(await list_poller_of(service).poll(waiters, waiters)) == {"job"}


async def test_a_backup_of_unknown_creation_time_is_read_when_it_leaves() -> None:
    service = Service(dict.fromkeys("abcd", "available"))
    waiters = [*waiters_of("abc"), *waiters_of("d", started_at=None)]
    assert names(await list_poller_of(service).poll(waiters, waiters)) == {"d"}


async def test_an_unknown_creation_time_is_taken_from_a_row() -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    service.rows["running"] = [
        {"id": name, "status": "protecting", "created_at": "2031-04-02T09:15:07Z"} for name in "ab"
    ]
    waiters = waiters_of("ab", started_at=None)
    await list_poller_of(service).poll(waiters, waiters)
    assert all(waiter.created_at is not None and waiter.created_at.year == 2031 for waiter in waiters)


async def test_a_waiter_that_is_not_due_is_updated_as_well() -> None:
    service = Service({**dict.fromkeys("abc", "protecting"), "d": "available"})
    waiters = waiters_of("abcd")
    list_poller = list_poller_of(service)
    left = await list_poller.poll(waiters, waiters[:3])
    assert names(left) == {"d"}


async def test_a_missing_backup_that_is_not_due_is_confirmed_once() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), has_recent=False)
    service.rows["running"] = [{"id": name, "status": "protecting"} for name in "abc"]
    waiters = waiters_of("abcd")
    list_poller = list_poller_of(service)
    assert names(await list_poller.poll(waiters, waiters[:3])) == {"d"}
    assert names(await list_poller.poll(waiters, waiters[:3])) == set()


async def test_a_backup_that_is_not_due_and_missing_among_the_recent_ones_is_confirmed_once() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), has_running=False)
    service.rows["recent"] = [{"id": name, "status": "protecting"} for name in "abc"]
    waiters = waiters_of("abcd")
    list_poller = list_poller_of(service)
    assert names(await list_poller.poll(waiters, waiters[:3])) == {"d"}
    assert names(await list_poller.poll(waiters, waiters[:3])) == set()


@pytest.mark.parametrize("begun_at", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
async def test_an_implausible_creation_time_breaks_nothing(begun_at: str) -> None:
    service = Service(dict.fromkeys("abcd", "available"), has_running=False)
    waiters = waiters_of("abcd")
    for waiter in waiters:
        waiter.created_at = datetime.fromisoformat(begun_at)
    assert await list_poller_of(service).poll(waiters, waiters) == []


@pytest.mark.parametrize("off", [timedelta(minutes=30), -timedelta(minutes=30)], ids=["ahead", "behind"])
async def test_recent_backups_are_listed_by_the_clouds_clock(off: timedelta) -> None:
    service = Service(dict.fromkeys("abcd", "available"), has_running=False)
    now, clock = datetime.now(UTC), CloudClock()
    clock.learn({"Date": format_datetime(now + off, usegmt=True)}, now, now)
    waiters = waiters_of("abcd")
    await list_poller_of(service, clock).poll(waiters, waiters)
    [since] = service.windows
    assert since is not None
    assert timedelta(0) < now + off - since < timedelta(minutes=10)


async def test_before_the_clouds_clock_is_known_the_time_window_is_wider() -> None:
    service = Service(dict.fromkeys("abcd", "available"), has_running=False)
    waiters = waiters_of("abcd")
    await list_poller_of(service).poll(waiters, waiters)
    [since] = service.windows
    assert since is not None
    assert datetime.now(UTC) - since > timedelta(hours=1)


# --------------------------------------------------------------------------------------------- backups of several parts


def checkpoint_rows(*statuses: str) -> list[dict[str, Any]]:
    return [{"id": "whole", "part": number, "status": status} for number, status in enumerate(statuses)]


def checkpoint_waiter(parts: int) -> Waiter:
    expected = tuple(str(number) for number in range(parts))
    reference = OperationReference("cbr", "whole", "checkpoint", expected_ids=expected)
    return waiter_of(reference)


async def test_a_part_that_left_the_listing_is_confirmed_while_others_run() -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    others = waiters_of("ab")
    waiter = checkpoint_waiter(2)
    waiters = [*others, waiter]
    list_poller = list_poller_of(service)
    protecting = [{"id": name, "status": "protecting"} for name in "ab"]
    service.rows["running"] = [*protecting, *checkpoint_rows("protecting", "protecting")]
    assert await list_poller.poll(waiters, waiters) == []
    service.rows["running"] = [*protecting, *checkpoint_rows("protecting")]
    assert await list_poller.poll(waiters, waiters) == [waiter]
    # It is confirmed once: the other part may go on for hours.
    assert await list_poller.poll(waiters, waiters) == []


async def test_a_part_that_was_never_listed_is_confirmed_at_first() -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    waiters = [*waiters_of("ab"), checkpoint_waiter(2)]
    protecting = [{"id": name, "status": "protecting"} for name in "ab"]
    service.rows["running"] = [*protecting, *checkpoint_rows("protecting")]
    assert await list_poller_of(service).poll(waiters, waiters) == waiters[2:]


async def test_a_failed_part_is_read_although_another_one_is_running() -> None:
    service = Service(dict.fromkeys("ab", "protecting"), has_running=False)
    protecting = [{"id": name, "status": "protecting"} for name in "ab"]
    service.rows["recent"] = [*protecting, *checkpoint_rows("protecting", "error")]
    waiters = [*waiters_of("ab"), checkpoint_waiter(2)]
    assert await list_poller_of(service).poll(waiters, waiters) == waiters[2:]


async def test_parts_with_different_statuses_are_logged_as_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    service = Service(dict.fromkeys("ab", "protecting"))
    waiters = [*waiters_of("ab"), checkpoint_waiter(2)]
    protecting = [{"id": name, "status": "protecting"} for name in "ab"]
    service.rows["running"] = [*protecting, *checkpoint_rows("protecting", "protecting")]
    list_poller = list_poller_of(service)
    for _ in range(3):
        await list_poller.poll(waiters, waiters)
    assert len([record for record in caplog.records if "whole" in record.getMessage()]) == 1


async def test_a_checkpoint_on_two_pages_succeeds_when_both_were_read() -> None:
    service = Service(dict.fromkeys("abcd", "available"), page_size=5, has_running=False)
    waiters = [*waiters_of("abcd"), checkpoint_waiter(2)]
    available = [{"id": name, "status": "available"} for name in "abcd"]
    first, second = checkpoint_rows("available", "available")
    service.rows["recent"] = [first, *available, second]
    assert await list_poller_of(service).poll(waiters, waiters) == []
    assert "whole" in succeeded(waiters)
    assert service.requests == {"recent": 2}


async def test_a_checkpoint_with_a_missing_part_is_read() -> None:
    service = Service(dict.fromkeys("abcd", "available"), has_running=False)
    waiters = [*waiters_of("abcd"), checkpoint_waiter(2)]
    available = [{"id": name, "status": "available"} for name in "abcd"]
    service.rows["recent"] = [*available, *checkpoint_rows("available")]
    assert await list_poller_of(service).poll(waiters, waiters) == waiters[4:]


# ----------------------------------------------------------------------------------------------------- lists in trouble


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
async def test_a_listing_with_a_permanent_error_is_replaced_and_retried_later(error: BackupError) -> None:
    service = Service(dict.fromkeys("abc", "protecting"), has_recent=False, troubles={"running": error})
    waiters = waiters_of("abc")
    list_poller = list_poller_of(service)
    for _ in range(3):
        assert await list_poller.poll(waiters, waiters) == waiters
    assert service.requests == {"running": 1}
    await VIRTUAL_CLOCK.sleep(LIMITS.listing_memory + 1)
    service.troubles.clear()
    assert await list_poller.poll(waiters, waiters) == []


async def test_a_listing_with_a_permanent_error_is_replaced_by_another_one() -> None:
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": REFUSALS[0]})
    waiters = waiters_of("abc")
    assert await list_poller_of(service).poll(waiters, waiters) == []
    assert service.requests == {"running": 1, "recent": 1}


async def test_a_listing_that_cannot_confirm_is_replaced_by_single_reads() -> None:
    service = Service(dict.fromkeys("abc", "available"), troubles={"recent": REFUSALS[0]})
    waiters = waiters_of("abc")
    assert await list_poller_of(service).poll(waiters, waiters) == waiters


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
async def test_a_transient_error_of_a_listing_is_raised_for_all_waiters(error: BackupError) -> None:
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": error})
    waiters = waiters_of("abc")
    with pytest.raises(type(error)):
        await list_poller_of(service).poll(waiters, waiters)


@pytest.mark.parametrize("title", ["running", "recent"])
@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError(service="iam", status=401, code="IAM.0101", detail="wrong password"),
        ConfigurationError("The certificate is not trusted"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_invalid_credentials_are_not_retried_for_each_backup(error: BackupError, title: str) -> None:
    service = Service(dict.fromkeys("abc", "available"), troubles={title: error})
    waiters = waiters_of("abc")
    with pytest.raises(type(error)):
        await list_poller_of(service).poll(waiters, waiters)


async def test_a_listing_that_is_too_long_is_abandoned_and_not_retried() -> None:
    service = Service(dict.fromkeys("abc", "protecting"), has_recent=False, page_size=2)
    service.rows["running"] = [{"id": str(number), "status": "protecting"} for number in range(20)]
    waiters = waiters_of("abc")
    list_poller = list_poller_of(service)
    for _ in range(3):
        assert await list_poller.poll(waiters, waiters) == waiters
    # One page more than there are backups to read shows that it is too long.
    assert service.requests == {"running": 4}


async def test_a_long_listing_is_retried_when_there_are_more_waiters() -> None:
    backups = [f"backup-{number}" for number in range(20)]
    service = Service(dict.fromkeys(backups, "protecting"), has_recent=False, page_size=2)
    service.rows["running"] = [{"id": str(number), "status": "protecting"} for number in range(20)]
    list_poller = list_poller_of(service)
    few, many = waiters_of(backups[:3]), waiters_of(backups)
    await list_poller.poll(few, few)
    service.rows["running"] = [{"id": name, "status": "protecting"} for name in backups[:10]]
    assert len(await list_poller.poll(many, many)) == 10


async def test_a_long_listing_of_recent_backups_does_not_confirm() -> None:
    service = Service(dict.fromkeys("abc", "available"), page_size=1)
    service.rows["recent"] = [{"id": str(number), "status": "available"} for number in range(20)]
    waiters = waiters_of("abc")
    assert set(await list_poller_of(service).poll(waiters, waiters)) == set(waiters)


async def test_a_listing_that_showed_no_backup_once_is_retried_soon() -> None:
    service = Service(dict.fromkeys("abc", "protecting"), has_recent=False, rows={"running": []})
    waiters = waiters_of("abc")
    list_poller = list_poller_of(service)
    for _ in range(3):
        assert await list_poller.poll(waiters, waiters) == waiters
    assert service.requests == {"running": 1}
    service.rows.clear()
    await VIRTUAL_CLOCK.sleep(LIMITS.missing_for)
    assert await list_poller.poll(waiters, waiters) == []


async def test_cancelled_waits_are_not_counted_as_ended() -> None:
    service = Service({**dict.fromkeys("abcdef", "protecting")}, has_recent=False)
    waiters = waiters_of("abcdef")
    list_poller = list_poller_of(service)
    for waiter in waiters[:3]:
        waiter.done.cancel()
    await list_poller.poll(waiters, waiters)
    await list_poller.poll(waiters[3:], waiters[3:])
    assert service.requests == {"running": 2}


async def test_many_that_ended_in_one_poll_cycle_do_not_change_the_query_for_ever() -> None:
    service = Service(dict.fromkeys("abcdef", "available"))
    first, others = waiters_of("abcdef"), waiters_of("gh")
    list_poller = list_poller_of(service)
    await list_poller.poll(first, first)
    service.statuses = dict.fromkeys("gh", "protecting")
    service.requests.clear()
    for _ in range(3):
        await list_poller.poll(others, others)
    assert service.requests["running"] >= 2


# -------------------------------------------------------------------------------- lists of what the backups are made of


MANY = [f"backup-{number}" for number in range(FEW_READS + 10)]


async def test_a_few_backups_are_read_where_a_listing_shows_only_busy_resources() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), has_recent=False, shows_backups=False)
    waiters = waiters_of("abcd")
    assert await list_poller_of(service).poll(waiters, waiters) == waiters
    assert service.requests == {}


async def test_a_backup_of_a_resource_that_is_busy_for_long_is_read_after_a_while() -> None:
    service = Service(dict.fromkeys(MANY, "protecting"), has_recent=False, shows_backups=False)
    waiters = waiters_of(MANY)
    list_poller = list_poller_of(service)
    assert await list_poller.poll(waiters, waiters) == []
    for number, waiter in enumerate(waiters[: FEW_READS + 1]):
        waiter.seen_at -= LIMITS.longest_unseen_while_busy + 1 + number
    # A few in each poll cycle, the longest unseen first.
    assert await list_poller.poll(waiters, waiters) == waiters[FEW_READS:0:-1]


async def test_a_busy_instance_proves_nothing_about_the_older_of_two_backups() -> None:
    service = Service(dict.fromkeys(MANY, "protecting"), has_recent=False, shows_backups=False)
    service.instances = {"newer": MANY[0]}
    waiters = waiters_of(MANY, started_at=VIRTUAL_CLOCK.time() - 60)
    list_poller = list_poller_of(service)
    assert await list_poller.poll(waiters, waiters) == []
    newer = waiters_of(["newer"])
    assert await list_poller.poll([*waiters, *newer], [*waiters, *newer]) == waiters[:1]


async def test_a_busy_instance_proves_nothing_about_a_backup_that_was_never_seen() -> None:
    service = Service(dict.fromkeys(MANY, "protecting"), has_recent=False, shows_backups=False)
    waiters = [*waiters_of(MANY[1:]), *waiters_of(MANY[:1], started_at=None)]
    assert await list_poller_of(service).poll(waiters, waiters) == waiters[-1:]


async def test_a_busy_instance_does_not_tell_the_status_of_a_backup() -> None:
    service = Service(dict.fromkeys(MANY, "protecting"), has_recent=False, shows_backups=False)
    waiters = waiters_of(MANY)
    await list_poller_of(service).poll(waiters, waiters)
    assert {waiter.last_status for waiter in waiters} == {None}


async def test_a_listing_that_shows_the_backups_themselves_is_trusted() -> None:
    service = Service(dict.fromkeys("abcd", "protecting"), has_recent=False)
    waiters = waiters_of("abcd")
    await VIRTUAL_CLOCK.sleep(LIMITS.longest_unseen + 1)
    assert await list_poller_of(service).poll(waiters, waiters) == []

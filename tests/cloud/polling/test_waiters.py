"""One who waits: what is noted, what is told, and to whose log."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from airflow_provider_backup.cloud.errors import (
    ApiNotFoundError,
    BackupError,
    CloudConnectionError,
    PermissionDeniedError,
    ServerError,
)
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.deadlines import Deadlines
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError
from airflow_provider_backup.cloud.polling.waiter import MISSING_FOR, NEW_BACKUP_GRACE, Waiter

REFERENCE = OperationReference("cbr", "backup")
NOT_FOUND = ApiNotFoundError(service="cbr", status=404, code="BackupService.6200", detail="no such backup")
DOWN = ServerError(service="cbr", status=503, code="503", detail="down")
CUT = CloudConnectionError("cut", request_sent=True)


def observed(phase: Phase, status: str = "protecting", **members: object) -> OperationState:
    return OperationState(reference=REFERENCE, status=status, phase=phase, **members)  # type: ignore[arg-type]


def ages(seat: Waiter, seconds: float) -> None:
    """Let the seat's trouble have begun earlier."""
    seat.trouble_since -= seconds


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.is_terminal])
async def test_an_end_is_told(phase: Phase) -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    seat.observed(observed(phase))
    assert seat.result().phase is phase
    assert seat.is_over


async def test_a_backup_in_progress_is_no_end() -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    seat.observed(observed(Phase.IN_PROGRESS, progress=40))
    assert not seat.end.done()
    assert (seat.last_status, seat.progress) == ("protecting", 40)


async def test_only_the_first_end_counts() -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    seat.observed(observed(Phase.SUCCEEDED))
    seat.observed(observed(Phase.FAILED))
    seat.give_up(CUT)
    assert seat.result().phase is Phase.SUCCEEDED


async def test_whoever_has_left_is_told_nothing() -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    seat.end.cancel()
    seat.observed(observed(Phase.SUCCEEDED))
    seat.met(PermissionDeniedError(service="cbr", status=403, code="403", detail="no"))
    assert seat.end.cancelled()
    assert not seat.is_over


async def test_the_reference_gets_sharper_and_the_beginning_known() -> None:
    seat = Waiter(OperationReference("vbs", "job", "job"), poll_interval=1)
    begun_at = datetime(2031, 4, 2, tzinfo=UTC)
    seat.observed(observed(Phase.IN_PROGRESS, created_at=begun_at))
    assert (seat.reference, seat.begun_at) == (REFERENCE, begun_at)


async def test_a_beginning_that_is_not_told_stays_what_it_was() -> None:
    seat = Waiter(REFERENCE, poll_interval=1, started_at=0.0)
    seat.observed(observed(Phase.IN_PROGRESS))
    assert seat.begun(CloudClock()) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("off", [timedelta(minutes=30), -timedelta(minutes=30)])
async def test_a_beginning_that_only_we_know_is_told_by_the_clouds_clock(off: timedelta) -> None:
    started_at = datetime(2031, 4, 2, 12, tzinfo=UTC)
    seat = Waiter(REFERENCE, poll_interval=1, started_at=started_at.timestamp())
    clock = CloudClock()
    clock.learn({"Date": format_datetime(started_at + off, usegmt=True)}, started_at, started_at)
    assert abs(seat.begun(clock) - (started_at + off)) <= timedelta(seconds=1)  # type: ignore[operator]


@pytest.mark.parametrize("error", [DOWN, CUT])
async def test_passing_trouble_is_outlived_without_a_tolerance(error: BackupError) -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    seat.met(error)
    ages(seat, 1e6)
    seat.met(error)
    assert not seat.end.done()


async def test_trouble_beyond_the_tolerance_is_told_with_its_cause() -> None:
    seat = Waiter(REFERENCE, poll_interval=1, tolerance=60)
    seat.met(CUT)
    ages(seat, 59)
    seat.met(CUT)
    assert not seat.end.done()
    ages(seat, 2)
    seat.met(DOWN)
    with pytest.raises(WaitTroubleError, match="could not be seen since .* 503"):
        seat.result()


@pytest.mark.parametrize("is_silent", [False, True])
async def test_only_a_service_that_answers_nobody_is_silent(is_silent: bool) -> None:
    waits, answered = (Waiter(REFERENCE, poll_interval=1, tolerance=60) for _ in range(2))
    waits.answered_at -= 1000
    if not is_silent:
        answered.goes_on("protecting", was_seen=True)
    deadlines = Deadlines([waits, answered])
    deadlines.watch(waits)
    await asyncio.sleep(0.01)
    deadlines.close()
    assert waits.end.done() is is_silent


async def test_a_good_look_ends_the_trouble() -> None:
    seat = Waiter(REFERENCE, poll_interval=1, tolerance=60)
    seat.met(CUT)
    ages(seat, 61)
    seat.goes_on("protecting", was_seen=True)
    seat.met(CUT)
    assert not seat.end.done()


async def test_a_refusal_is_told_at_once() -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    seat.met(PermissionDeniedError(service="cbr", status=403, code="403", detail="no"))
    with pytest.raises(PermissionDeniedError):
        seat.result()


async def test_a_backup_that_cannot_be_found_is_told_at_once() -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    seat.met(NOT_FOUND)
    with pytest.raises(ApiNotFoundError):
        seat.result()


async def test_a_backup_that_was_just_started_may_be_unknown_for_a_while() -> None:
    seat = Waiter(REFERENCE, poll_interval=1, started_at=time.time())
    seat.met(NOT_FOUND)
    assert not seat.end.done()
    seat.started_at = time.time() - NEW_BACKUP_GRACE
    seat.met(NOT_FOUND)
    with pytest.raises(ApiNotFoundError):
        seat.result()


@pytest.mark.parametrize(("until", "is_due"), [(0.9, False), (1.0, True), (5.0, True)])
async def test_a_seat_is_due_when_its_interval_is_over_before_it_can_be_looked_at_again(
    until: float, is_due: bool
) -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    seat.looked_at = 0.0
    assert seat.is_due(until) is is_due


async def test_a_list_that_did_not_show_a_backup_is_given_another_chance_later() -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    found = [seat.was_missing]
    seat.was_listed(is_listed=False)
    found.append(seat.was_missing)
    seat.missed_at -= MISSING_FOR
    found.append(seat.was_missing)
    assert found == [False, True, False]


async def test_a_list_that_shows_a_backup_again_is_trusted_at_once() -> None:
    seat = Waiter(REFERENCE, poll_interval=1)
    seat.was_listed(is_listed=False)
    seat.was_listed(is_listed=True)
    assert not seat.was_missing


async def test_each_status_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    seat = Waiter(REFERENCE, poll_interval=1)
    for status in ("waiting_protect", "protecting", "protecting"):
        seat.goes_on(status, was_seen=True)
    assert [record.getMessage() for record in caplog.records] == [
        "cbr backup backup is waiting_protect.",
        "cbr backup backup is protecting.",
    ]


async def test_trouble_is_logged_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    seat = Waiter(REFERENCE, poll_interval=1)
    for _ in range(3):
        seat.met(CUT)
    seat.goes_on("protecting", was_seen=True)
    seat.met(CUT)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert lines == [
        "cbr backup backup could not be seen, asking again: cut",
        "cbr backup backup is seen again after 0 s; failures: 3.",
        "cbr backup backup is protecting.",
    ]


async def test_after_trouble_a_backup_is_not_due_before_its_interval_is_nearly_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seat, now = Waiter(REFERENCE, poll_interval=10), time.monotonic()
    seat.met(CUT)
    monkeypatch.setattr(time, "monotonic", lambda: now + 5)
    assert not seat.is_due(now + 15)
    monkeypatch.setattr(time, "monotonic", lambda: now + 9)
    assert seat.is_due(now + 19)


async def test_what_is_said_about_a_seat_goes_to_the_log_of_whoever_took_it() -> None:
    whose: contextvars.ContextVar[str] = contextvars.ContextVar("whose", default="nobody")
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(whose.get())

    logger = logging.getLogger("airflow_provider_backup.cloud.polling.waiter")
    ear = Ear()
    logger.addHandler(ear)
    logger.setLevel(logging.INFO)
    try:
        whose.set("mine")
        seat = Waiter(REFERENCE, poll_interval=1)
        whose.set("another")
        seat.goes_on("protecting", was_seen=True)
        seat.met(CUT)
    finally:
        logger.removeHandler(ear)
        logger.setLevel(logging.NOTSET)
    assert heard == ["mine", "mine"]

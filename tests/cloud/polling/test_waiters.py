"""A waiter: what it records, when its wait ends, and where it logs."""

from __future__ import annotations

import contextvars
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    ApiNotFoundError,
    BackupError,
    CloudConnectionError,
    PermissionDeniedError,
    ServerError,
)
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.deadlines import Deadlines
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError
from airflow_provider_backup.cloud.polling.waiter import Waiter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

REFERENCE = OperationReference("cbr", "backup")
NOT_FOUND = ApiNotFoundError(service="cbr", status=404, code="BackupService.6200", detail="no such backup")
DOWN = ServerError(service="cbr", status=503, code="503", detail="down")
CUT = CloudConnectionError("cut", request_sent=True)
LIMITS = Limits()


def observed(phase: Phase, status: str = "protecting", **members: object) -> OperationState:
    return OperationState(reference=REFERENCE, status=status, phase=phase, **members)  # type: ignore[arg-type]


def waiter_of(reference: OperationReference = REFERENCE, **arguments: Any) -> Waiter:
    """Return a waiter in virtual time."""
    return Waiter(reference, **{"poll_interval": 1, "clock": VIRTUAL_CLOCK, **arguments})


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.is_terminal])
async def test_a_terminal_state_ends_the_wait(phase: Phase) -> None:
    waiter = waiter_of()
    waiter.on_observed(observed(phase))
    assert waiter.result().phase is phase
    assert waiter.is_finished


async def test_a_running_backup_does_not_end_the_wait() -> None:
    waiter = waiter_of()
    waiter.on_observed(observed(Phase.IN_PROGRESS, progress=40))
    assert not waiter.done.done()
    assert (waiter.last_status, waiter.progress) == ("protecting", 40)


async def test_only_the_first_outcome_counts() -> None:
    waiter = waiter_of()
    waiter.on_observed(observed(Phase.SUCCEEDED))
    waiter.on_observed(observed(Phase.FAILED))
    waiter.fail(CUT)
    assert waiter.result().phase is Phase.SUCCEEDED


async def test_a_cancelled_wait_gets_no_outcome() -> None:
    waiter = waiter_of()
    waiter.done.cancel()
    waiter.on_observed(observed(Phase.SUCCEEDED))
    waiter.on_error(PermissionDeniedError(service="cbr", status=403, code="403", detail="no"))
    assert waiter.done.cancelled()
    assert not waiter.is_finished


async def test_reference_and_creation_time_are_taken_from_the_state() -> None:
    waiter = waiter_of(OperationReference("vbs", "job", "job"))
    begun_at = datetime(2031, 4, 2, tzinfo=UTC)
    waiter.on_observed(observed(Phase.IN_PROGRESS, created_at=begun_at))
    assert (waiter.reference, waiter.created_at) == (REFERENCE, begun_at)


async def test_a_state_without_creation_time_keeps_the_known_one() -> None:
    waiter = waiter_of(started_at=0.0)
    waiter.on_observed(observed(Phase.IN_PROGRESS))
    assert waiter.creation_time(CloudClock()) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("off", [timedelta(minutes=30), -timedelta(minutes=30)])
async def test_our_start_time_is_converted_to_the_clouds_clock(off: timedelta) -> None:
    started_at = datetime(2031, 4, 2, 12, tzinfo=UTC)
    waiter = waiter_of(started_at=started_at.timestamp())
    clock = CloudClock()
    clock.learn({"Date": format_datetime(started_at + off, usegmt=True)}, started_at, started_at)
    assert abs(waiter.creation_time(clock) - (started_at + off)) <= timedelta(seconds=1)  # type: ignore[operator]


@pytest.mark.parametrize("error", [DOWN, CUT])
async def test_without_a_tolerance_transient_errors_do_not_end_the_wait(error: BackupError) -> None:
    waiter = waiter_of()
    waiter.on_error(error)
    await VIRTUAL_CLOCK.sleep(1e6)
    waiter.on_error(error)
    assert not waiter.done.done()


async def test_errors_beyond_the_tolerance_end_the_wait_with_their_cause() -> None:
    waiter = waiter_of(tolerance=60)
    waiter.on_error(CUT)
    await VIRTUAL_CLOCK.sleep(59)
    waiter.on_error(CUT)
    assert not waiter.done.done()
    await VIRTUAL_CLOCK.sleep(2)
    waiter.on_error(DOWN)
    with pytest.raises(WaitTroubleError, match="could not be read since .* 503"):
        waiter.result()


@pytest.mark.parametrize("is_silent", [False, True])
async def test_a_service_is_silent_only_if_it_answers_no_waiter(is_silent: bool) -> None:
    waits, answered = (waiter_of(tolerance=60) for _ in range(2))
    await VIRTUAL_CLOCK.sleep(1000)
    if not is_silent:
        answered.on_running("protecting", was_seen=True)
    deadlines = Deadlines([waits, answered], VIRTUAL_CLOCK, LIMITS)
    deadlines.watch(waits)
    await VIRTUAL_CLOCK.sleep(0.01)
    deadlines.close()
    assert waits.done.done() is is_silent


async def test_a_successful_read_resets_the_tolerance() -> None:
    waiter = waiter_of(tolerance=60)
    waiter.on_error(CUT)
    await VIRTUAL_CLOCK.sleep(61)
    waiter.on_running("protecting", was_seen=True)
    waiter.on_error(CUT)
    assert not waiter.done.done()


async def test_a_permanent_error_ends_the_wait_at_once() -> None:
    waiter = waiter_of()
    waiter.on_error(PermissionDeniedError(service="cbr", status=403, code="403", detail="no"))
    with pytest.raises(PermissionDeniedError):
        waiter.result()


async def test_a_backup_that_cannot_be_found_ends_the_wait_at_once() -> None:
    waiter = waiter_of()
    waiter.on_error(NOT_FOUND)
    with pytest.raises(ApiNotFoundError):
        waiter.result()


async def test_a_backup_that_was_just_started_may_be_unknown_for_a_short_time() -> None:
    waiter = waiter_of(started_at=VIRTUAL_CLOCK.time())
    waiter.on_error(NOT_FOUND)
    assert not waiter.done.done()
    waiter.started_at = VIRTUAL_CLOCK.time() - LIMITS.new_backup_grace
    waiter.on_error(NOT_FOUND)
    with pytest.raises(ApiNotFoundError):
        waiter.result()


@pytest.mark.parametrize(("until", "is_due"), [(0.9, False), (1.0, True), (5.0, True)])
async def test_a_waiter_is_due_when_its_interval_ends_before_the_next_opportunity(until: float, is_due: bool) -> None:
    waiter = waiter_of()
    waiter.polled_at = 0.0
    assert waiter.is_due(until) is is_due


async def test_a_backup_is_expected_in_a_listing_again_after_a_while() -> None:
    waiter = waiter_of()
    found = [waiter.was_missing]
    waiter.on_listed(is_listed=False)
    found.append(waiter.was_missing)
    await VIRTUAL_CLOCK.sleep(LIMITS.missing_for)
    found.append(waiter.was_missing)
    assert found == [False, True, False]


async def test_a_listing_that_shows_a_backup_again_is_trusted_at_once() -> None:
    waiter = waiter_of()
    waiter.on_listed(is_listed=False)
    waiter.on_listed(is_listed=True)
    assert not waiter.was_missing


async def test_each_status_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    waiter = waiter_of()
    for status in ("waiting_protect", "protecting", "protecting"):
        waiter.on_running(status, was_seen=True)
    assert [record.getMessage() for record in caplog.records] == [
        "cbr backup backup is waiting_protect.",
        "cbr backup backup is protecting.",
    ]


async def test_transient_errors_are_logged_once_until_they_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    waiter = waiter_of()
    for _ in range(3):
        waiter.on_error(CUT)
    waiter.on_running("protecting", was_seen=True)
    waiter.on_error(CUT)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert lines == [
        "The status of cbr backup backup could not be read, retrying: cut",
        "The status of cbr backup backup can be read again after 0 s; failures: 3.",
        "cbr backup backup is protecting.",
    ]


async def test_after_an_error_a_waiter_is_not_due_before_most_of_its_interval_has_passed() -> None:
    waiter, now = waiter_of(poll_interval=10), VIRTUAL_CLOCK.monotonic()
    waiter.on_error(CUT)
    await VIRTUAL_CLOCK.sleep(5)
    assert not waiter.is_due(now + 15)
    await VIRTUAL_CLOCK.sleep(4)
    assert waiter.is_due(now + 19)


async def test_log_lines_about_a_waiter_go_to_the_context_that_created_it() -> None:
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
        waiter = waiter_of()
        whose.set("another")
        waiter.on_running("protecting", was_seen=True)
        waiter.on_error(CUT)
    finally:
        logger.removeHandler(ear)
        logger.setLevel(logging.NOTSET)
    assert heard == ["mine", "mine"]

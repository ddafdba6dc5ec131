"""Poll cycles, and waiters that come and go meanwhile: with a service in memory, so that any moment can be tested."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import (
    AuthenticationError,
    BackupError,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
)
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.shared_poller import SharedPoller
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError
from tests.cloud.polling.fake_service import Service, poller_of, wait_in, waiter_of
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

DOWN = ServerError(service="cbr", status=503, code="503", detail="down")
SLACK = 0.006
"""Seconds: somewhat more than the steps in which tests look."""


async def wait(poller: SharedPoller, name: str, **arguments: Any) -> OperationState:
    """Wait for a backup that was just started."""
    return await wait_in(poller, waiter_of(OperationReference("cbr", name), **{"poll_interval": 0.02, **arguments}))


def waiting(poller: SharedPoller, name: str, **arguments: Any) -> asyncio.Task[OperationState]:
    return asyncio.create_task(wait(poller, name, **arguments))


async def given_up(*waits: asyncio.Task[OperationState]) -> None:
    """Cancel waits and wait until they have ended."""
    for each in waits:
        each.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


async def until_read(service: Service, number: int) -> None:
    """Wait until so many single reads were sent."""
    async with asyncio.timeout(5):
        while len(service.reads) < number:
            await asyncio.sleep(0.005)


async def a_moment() -> None:
    """Let everything end that is about to end."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def nothing_left(poller: SharedPoller) -> AsyncIterator[None]:
    """Check that afterwards no task goes on, and that asyncio had nothing to complain about."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    loop.set_exception_handler(lambda _, about: complaints.append(about))
    try:
        yield
        await a_moment()
        gc.collect()
        await a_moment()
        assert asyncio.all_tasks() - before == set()
        assert complaints == []
        assert not poller._waiters
    finally:
        loop.set_exception_handler(None)


# ----------------------------------------------------------------------------------------------------------------- time


async def test_the_first_poll_comes_after_the_interval() -> None:
    service = Service({"a": "available"})
    began = VIRTUAL_CLOCK.monotonic()
    await wait(poller_of(service), "a", poll_interval=0.1)
    assert 0.1 <= VIRTUAL_CLOCK.monotonic() - began < 0.1 + SLACK


async def test_a_waiter_with_a_shorter_interval_advances_the_poll_cycle() -> None:
    service = Service({"patient": "protecting", "hasty": "available"}, has_running=False, has_recent=False)
    poller = poller_of(service)
    patient = waiting(poller, "patient", poll_interval=30)
    await asyncio.sleep(0.02)
    began = VIRTUAL_CLOCK.monotonic()
    assert (await wait(poller, "hasty", poll_interval=0.05)).phase is Phase.SUCCEEDED
    assert VIRTUAL_CLOCK.monotonic() - began < 0.05 + SLACK
    await given_up(patient)


async def test_a_waiter_with_a_longer_interval_is_polled_less_often() -> None:
    service = Service(dict.fromkeys(["patient", "hasty"], "protecting"), has_running=False, has_recent=False)
    poller = poller_of(service)
    waits = [waiting(poller, "patient", poll_interval=30), waiting(poller, "hasty")]
    await until_read(service, 5)
    assert "patient" not in service.reads
    await given_up(*waits)


async def test_a_waiter_stays_on_time_when_the_one_with_the_shorter_interval_is_removed() -> None:
    service = Service(dict.fromkeys(["patient", "hasty"], "protecting"), has_running=False, has_recent=False)
    poller = poller_of(service)
    began = VIRTUAL_CLOCK.monotonic()
    patient = waiting(poller, "patient", poll_interval=0.6)
    hasty = waiting(poller, "hasty", poll_interval=0.05)
    await asyncio.sleep(0.3)
    service.statuses["hasty"] = "available"
    await hasty
    service.statuses["patient"] = "available"
    await patient
    assert VIRTUAL_CLOCK.monotonic() - began < 0.6 + SLACK


async def test_a_read_that_hangs_does_not_delay_a_waiter_with_a_shorter_interval() -> None:
    service = Service({"slow": "protecting", "hasty": "available"}, hanging={"slow"}, has_running=False)
    service.lists = Service(has_running=False, has_recent=False).lists
    poller = poller_of(service)
    slow = waiting(poller, "slow", poll_interval=0.3)
    await until_read(service, 1)
    began = VIRTUAL_CLOCK.monotonic()
    await wait(poller, "hasty", poll_interval=0.02)
    assert VIRTUAL_CLOCK.monotonic() - began < 0.02 + SLACK
    await given_up(slow)


async def test_a_read_that_hangs_delays_no_poll_cycle() -> None:
    service = Service(dict.fromkeys(["slow", "a"], "protecting"), hanging={"slow"}, has_running=False, has_recent=False)
    poller = poller_of(service)
    waits = [waiting(poller, name, poll_interval=0.05) for name in ("slow", "a")]
    began = VIRTUAL_CLOCK.monotonic()
    await until_read(service, 6)
    assert service.reads.count("slow") == 1
    assert VIRTUAL_CLOCK.monotonic() - began < 5 * 0.05 + SLACK
    await given_up(*waits)


async def test_an_expected_end_is_polled_before_the_interval_has_passed() -> None:
    service = Service({"a": "protecting"}, has_running=False, has_recent=False)
    poller = poller_of(service)
    for _ in range(3):
        poller._durations.add(1.2)
    began = VIRTUAL_CLOCK.monotonic()
    one = waiting(poller, "a", poll_interval=0.8)
    await until_read(service, 2)
    # At 0.8 by the interval, at 1.2 because backups take so long, else not before 1.52.
    assert VIRTUAL_CLOCK.monotonic() - began < 1.2 + 2 * SLACK
    await given_up(one)


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.floats(0.02, 0.3), st.floats(0.0, 0.2), st.none() | st.floats(0.0, 0.3)), min_size=2, max_size=6
    )
)
async def test_each_waiter_is_polled_within_its_own_interval(
    comers: list[tuple[float, float, float | None]],
) -> None:
    service = Service({str(number): "protecting" for number in range(len(comers))}, has_running=False, has_recent=False)
    poller = poller_of(service)
    late: list[float] = []

    async def come(name: str, interval: float, after: float, leave: float | None) -> None:
        await asyncio.sleep(after)
        waiter = waiter_of(OperationReference("cbr", name), poll_interval=interval, started_at=None)
        one = asyncio.create_task(wait_in(poller, waiter))
        ends = VIRTUAL_CLOCK.monotonic() + (0.4 if leave is None else leave)
        while VIRTUAL_CLOCK.monotonic() < ends:
            late.append(VIRTUAL_CLOCK.monotonic() - waiter.polled_at - interval)
            await asyncio.sleep(0.01)
        await given_up(one)

    await asyncio.gather(*(come(str(number), *comer) for number, comer in enumerate(comers)))
    assert max(late, default=0.0) < SLACK


# -------------------------------------------------------------------------------------------------------------- trouble


async def test_a_deleted_backup_affects_no_other_wait() -> None:
    service = Service({"b": "protecting", "c": "protecting"})
    poller = poller_of(service)
    waits = [waiting(poller, name, started_at=None) for name in "abc"]
    with pytest.raises(NotFoundError):
        await waits[0]
    service.statuses = dict.fromkeys("bc", "available")
    assert {each.phase for each in await asyncio.gather(*waits[1:])} == {Phase.SUCCEEDED}


async def test_an_unknown_status_affects_no_other_wait() -> None:
    service = Service({"a": "a new word", "b": "protecting", "c": "protecting"})
    poller = poller_of(service)
    waits = [waiting(poller, name) for name in "abc"]
    await until_read(service, 2)
    assert not waits[0].done()
    service.statuses = dict.fromkeys("abc", "available")
    assert {each.phase for each in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


async def test_an_unexpected_error_of_a_read_ends_one_wait_only(caplog: pytest.LogCaptureFixture) -> None:
    service = Service({"a": "protecting", "b": "available"}, has_running=False, has_recent=False)
    service.refusals["a"] = ZeroDivisionError()  # type: ignore[assignment]
    poller = poller_of(service)
    waits = [waiting(poller, name) for name in "ab"]
    assert (await waits[1]).phase is Phase.SUCCEEDED
    with pytest.raises(ZeroDivisionError):
        await waits[0]


async def test_an_unexpected_error_of_a_poll_cycle_ends_all_waits(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": ZeroDivisionError()})  # type: ignore[dict-item]
    poller = poller_of(service)
    async with nothing_left(poller):
        ended = await asyncio.gather(*(wait(poller, name) for name in "abc"), return_exceptions=True)
        assert [type(each) for each in ended] == [ZeroDivisionError] * 3
    assert "Polling scripted backups failed" in caplog.text


class Stopwatch(Service):
    """Notes when its requests began and ended."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.times: list[tuple[float, float]] = []

    async def answer(self, what: str) -> None:
        began = VIRTUAL_CLOCK.monotonic()
        await super().answer(what)
        self.times.append((began, VIRTUAL_CLOCK.monotonic()))

    @property
    def pauses(self) -> list[float]:
        """Seconds between the end of a request and the beginning of the next one."""
        return [later[0] - earlier[1] for earlier, later in pairwise(self.times)]


@pytest.mark.parametrize("refusals", [{}, {"a": DOWN}], ids=["slow", "failing"])
async def test_a_read_that_takes_longer_than_the_interval_is_followed_by_a_pause(
    refusals: dict[str, BackupError],
) -> None:
    service = Stopwatch({"a": "protecting"}, seconds=0.1, refusals=refusals, has_running=False, has_recent=False)
    one = waiting(poller_of(service), "a", poll_interval=0.06)
    await until_read(service, 5)
    await given_up(one)
    assert min(service.pauses) >= 0.05


@pytest.mark.parametrize("troubles", [{}, {"running": DOWN}], ids=["slow", "failing"])
async def test_a_listing_that_takes_longer_than_the_interval_is_followed_by_a_pause(
    troubles: dict[str, BackupError],
) -> None:
    service = Stopwatch(dict.fromkeys("abc", "protecting"), seconds=0.1, troubles=troubles)
    poller = poller_of(service)
    waits = [waiting(poller, name, poll_interval=0.06) for name in "abc"]
    async with asyncio.timeout(5):
        while service.requests["running"] < 4:
            await asyncio.sleep(0.01)
    await given_up(*waits)
    assert min(service.pauses) >= 0.06 * 0.25


async def test_failed_poll_cycles_and_their_end_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": DOWN})
    poller = poller_of(service)
    waits = [waiting(poller, name, poll_interval=0.01) for name in "abc"]
    async with asyncio.timeout(5):
        while service.requests["running"] < 4:
            await asyncio.sleep(0.01)
    service.troubles.clear()
    service.statuses = dict.fromkeys("abc", "available")
    await asyncio.gather(*waits)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert sum("Polling scripted backups failed" in line for line in lines) == 1
    assert sum("scripted backups can be polled again" in line for line in lines) == 1
    assert sum("could not be read, retrying" in line for line in lines) == 3


async def test_a_failing_listing_ends_only_the_waits_whose_tolerance_is_used_up() -> None:
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": DOWN, "recent": DOWN})
    poller = poller_of(service)
    waits = [waiting(poller, "a", tolerance=0.05), waiting(poller, "b"), waiting(poller, "c", tolerance=60)]
    with pytest.raises(WaitTroubleError, match="503"):
        await waits[0]
    service.troubles.clear()
    service.statuses = dict.fromkeys("bc", "available")
    assert {each.phase for each in await asyncio.gather(*waits[1:])} == {Phase.SUCCEEDED}


async def test_failing_poll_cycles_back_off() -> None:
    service = Service(dict.fromkeys("ab", "protecting"), troubles={"running": DOWN, "recent": DOWN})
    poller = poller_of(service)
    waits = [waiting(poller, name) for name in "ab"]
    await asyncio.sleep(0.5)
    # At 0.02, 0.06, 0.14, 0.3, 0.62; every 0.02 without backoff.
    assert 2 <= service.requests["running"] <= 6
    await given_up(*waits)


async def test_a_listing_that_hangs_is_a_transient_error() -> None:
    service = Service(dict.fromkeys("ab", "protecting"), seconds=3600)
    poller = poller_of(service)
    waits = [waiting(poller, "a", tolerance=0, limits=Limits(silence_grace=120)), waiting(poller, "b")]
    with pytest.raises(WaitTroubleError, match=r"scripted did not answer within 60 s"):
        await waits[0]
    service.seconds = 0
    service.statuses["b"] = "available"
    assert (await waits[1]).phase is Phase.SUCCEEDED


async def test_invalid_credentials_end_all_waits_after_one_request() -> None:
    refused = AuthenticationError(service="iam", status=401, code="IAM.0101", detail="wrong password")
    service = Service(dict.fromkeys(map(str, range(50)), "protecting"), troubles={"running": refused})
    poller = poller_of(service)
    async with asyncio.timeout(5):
        ended = await asyncio.gather(*(wait(poller, name) for name in service.statuses), return_exceptions=True)
    assert {type(each) for each in ended} == {AuthenticationError}
    assert service.requests == {"running": 1}


async def test_a_forbidden_listing_leaves_single_reads() -> None:
    forbidden = PermissionDeniedError(service="cbr", status=403, code="403", detail="no")
    service = Service(dict.fromkeys("abc", "available"), troubles={"running": forbidden, "recent": forbidden})
    poller = poller_of(service)
    ended = await asyncio.gather(*(wait(poller, name) for name in "abc"))
    assert {each.phase for each in ended} == {Phase.SUCCEEDED}


# ----------------------------------------------------------------------------------------------------- coming and going


async def test_polling_ends_with_the_last_waiter() -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    poller = poller_of(service)
    async with nothing_left(poller):
        waits = [waiting(poller, name) for name in "ab"]
        await asyncio.sleep(0.05)
        await given_up(*waits)
        asked = service.requests.total()
        await asyncio.sleep(0.06)
        assert service.requests.total() <= asked


async def test_a_waiter_added_while_the_last_one_is_removed_gets_its_outcome() -> None:
    service = Service(dict.fromkeys("ab", "protecting"), awaits=3)
    poller = poller_of(service)
    for steps in range(12):
        first = waiting(poller, "a", poll_interval=0.001)
        await asyncio.sleep(0.002)
        for _ in range(steps):
            await asyncio.sleep(0)
        first.cancel()
        service.statuses["b"] = "available"
        async with asyncio.timeout(2):
            assert (await wait(poller, "b", poll_interval=0.001)).phase is Phase.SUCCEEDED
        await asyncio.gather(first, return_exceptions=True)


@pytest.mark.parametrize("has_lists", [True, False])
async def test_a_wait_cancelled_at_any_step_affects_no_other(has_lists: bool) -> None:
    service = Service(awaits=3, has_running=has_lists, has_recent=has_lists)
    poller = poller_of(service)
    async with nothing_left(poller):
        for steps in range(30):
            service.statuses = dict.fromkeys("abc", "available")
            waits = [waiting(poller, name, poll_interval=0.001) for name in "abc"]
            await asyncio.sleep(0.001)
            for _ in range(steps):
                await asyncio.sleep(0)
            waits[0].cancel()
            async with asyncio.timeout(2):
                ended = await asyncio.gather(*waits, return_exceptions=True)
            assert [type(each) for each in ended[1:]] == [OperationState] * 2
            del waits, ended


@pytest.mark.parametrize("has_lists", [True, False])
async def test_waits_cancelled_at_any_step_leave_no_task(has_lists: bool) -> None:
    service = Service(dict.fromkeys("abc", "protecting"), awaits=3, has_running=has_lists, has_recent=has_lists)
    poller = poller_of(service)
    async with nothing_left(poller):
        before = asyncio.all_tasks()
        for steps in range(30):
            waits = [waiting(poller, name, poll_interval=0.001) for name in "abc"]
            await asyncio.sleep(0.001)
            for _ in range(steps):
                await asyncio.sleep(0)
            await given_up(*waits)
            await poller.close()
            # Generators that were left in the middle are closed by the event loop itself.
            await a_moment()
            assert asyncio.all_tasks() - before == set()


async def test_an_error_for_a_waiter_being_removed_is_retrieved() -> None:
    poller = poller_of(Service({"a": "protecting"}))
    async with nothing_left(poller):
        waiter = waiter_of(OperationReference("cbr", "a"), poll_interval=30)
        one = asyncio.create_task(wait_in(poller, waiter))
        await asyncio.sleep(0)
        waiter.fail(DOWN)
        await given_up(one)
        del one, waiter


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.floats(0, 0.02), st.none() | st.floats(0, 0.03)), min_size=1, max_size=10),
    st.integers(0, 4),
    st.booleans(),
)
async def test_whenever_waiters_come_and_go_all_that_stay_get_their_outcome(
    comers: list[tuple[float, float | None]], awaits: int, has_lists: bool
) -> None:
    service = Service(awaits=awaits, has_running=has_lists, has_recent=has_lists, page_size=2)
    service.statuses = {str(number): "protecting" for number in range(len(comers))}
    poller = poller_of(service)

    async def come(name: str, after: float, leave: float | None) -> OperationState | None:
        await asyncio.sleep(after)
        try:
            async with asyncio.timeout(leave):
                return await wait(poller, name, poll_interval=0.002)
        except TimeoutError:
            return None

    async def finish() -> None:
        await asyncio.sleep(0.02)
        for name in service.statuses:
            service.statuses[name] = "available"
            await asyncio.sleep(0)

    async with nothing_left(poller), asyncio.timeout(5):
        ended = await asyncio.gather(finish(), *(come(str(number), *comer) for number, comer in enumerate(comers)))
        for (_, leave), observation in zip(comers, ended[1:], strict=True):
            assert (observation is None and leave is not None) or observation.phase is Phase.SUCCEEDED  # type: ignore[union-attr]


async def test_closing_the_poller_fails_waits_in_progress() -> None:
    poller = poller_of(Service({"a": "protecting"}))
    async with nothing_left(poller):
        one = waiting(poller, "a", poll_interval=30)
        await asyncio.sleep(0)
        await poller.close()
        with pytest.raises(BackupError, match="closed"):
            await one


async def test_closing_waits_for_reads_that_are_being_stopped() -> None:
    service = Service({"a": "protecting"}, hanging={"a"}, has_running=False, has_recent=False)
    poller = poller_of(service)
    before = asyncio.all_tasks()
    one = waiting(poller, "a")
    await until_read(service, 1)
    await given_up(one)
    await poller.close()
    assert asyncio.all_tasks() - before == set()


# ------------------------------------------------------------------------------------------------- logs, the event loop


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str]]]:
    """Who was active when something was logged, and what."""
    found: list[tuple[str, str]] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append((whose.get(), record.getMessage()))

    logger = logging.getLogger("airflow_provider_backup.cloud.polling")
    ear = Ear()
    logger.addHandler(ear)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(ear)
    logger.setLevel(logging.NOTSET)


whose: contextvars.ContextVar[str] = contextvars.ContextVar("whose", default="nobody")


async def wait_as(poller: SharedPoller, name: str) -> None:
    whose.set(name)
    with pytest.raises(WaitTroubleError):
        await wait(poller, name, tolerance=0.1)


async def test_each_log_gets_its_own_backup_and_none_gets_the_poll_cycles(heard: list[tuple[str, str]]) -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    poller = poller_of(service)
    waits = [asyncio.create_task(wait_as(poller, name)) for name in "ab"]
    await asyncio.sleep(0.05)
    service.troubles = {"running": DOWN, "recent": DOWN}
    await asyncio.gather(*waits)
    assert ("a", "cbr backup a is protecting.") in heard
    assert ("b", "cbr backup b is protecting.") in heard
    assert {who for who, text in heard if "Polling" in text} == {"nobody"}
    assert all(f"backup {who}" in text for who, text in heard if who != "nobody")

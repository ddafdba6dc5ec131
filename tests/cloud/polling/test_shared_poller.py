"""Rounds, and who comes and goes while they run: with a service in memory, so that every moment can be met."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
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
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling import shared_poller as module
from airflow_provider_backup.cloud.polling.shared_poller import SharedPoller
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError
from airflow_provider_backup.cloud.polling.waiter import Waiter
from tests.cloud.polling.fake_service import Service, wait_in

DOWN = ServerError(service="cbr", status=503, code="503", detail="down")
SLACK = 0.15
"""Seconds that a busy machine may add."""


async def wait(hub: SharedPoller, name: str, **arguments: Any) -> OperationState:
    """Wait for a backup that was just started."""
    usual: dict[str, Any] = {"poll_interval": 0.02, "started_at": time.time()}
    return await wait_in(hub, Waiter(OperationReference("cbr", name), **{**usual, **arguments}))


def waiting(hub: SharedPoller, name: str, **arguments: Any) -> asyncio.Task[OperationState]:
    return asyncio.create_task(wait(hub, name, **arguments))


async def given_up(*waits: asyncio.Task[OperationState]) -> None:
    """Cancel waits and wait until they have ended."""
    for each in waits:
        each.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


async def until_looked(service: Service, number: int) -> None:
    """Wait until so many looks at single backups were taken."""
    async with asyncio.timeout(5):
        while len(service.looks) < number:
            await asyncio.sleep(0.005)


async def a_moment() -> None:
    """Let everything end that is about to end."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def nothing_left(hub: SharedPoller) -> AsyncIterator[None]:
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
        assert not hub._seats
    finally:
        loop.set_exception_handler(None)


# ----------------------------------------------------------------------------------------------------------------- time


async def test_the_first_look_comes_after_the_interval() -> None:
    service = Service({"a": "available"})
    began = time.monotonic()
    await wait(SharedPoller(service), "a", poll_interval=0.1)
    assert 0.1 <= time.monotonic() - began < 0.1 + SLACK


async def test_who_cannot_wait_so_long_hurries_the_round() -> None:
    service = Service({"patient": "protecting", "hasty": "available"}, has_running=False, has_recent=False)
    hub = SharedPoller(service)
    patient = waiting(hub, "patient", poll_interval=30)
    await asyncio.sleep(0.02)
    began = time.monotonic()
    assert (await wait(hub, "hasty", poll_interval=0.05)).phase is Phase.SUCCEEDED
    assert time.monotonic() - began < 0.05 + SLACK
    await given_up(patient)


async def test_who_can_wait_longer_is_looked_at_less_often() -> None:
    service = Service(dict.fromkeys(["patient", "hasty"], "protecting"), has_running=False, has_recent=False)
    hub = SharedPoller(service)
    waits = [waiting(hub, "patient", poll_interval=30), waiting(hub, "hasty")]
    await until_looked(service, 5)
    assert "patient" not in service.looks
    await given_up(*waits)


async def test_who_waited_for_the_next_round_is_not_forgotten_when_the_one_who_hurried_hears_his_news() -> None:
    service = Service(dict.fromkeys(["patient", "hasty"], "protecting"), has_running=False, has_recent=False)
    hub = SharedPoller(service)
    began = time.monotonic()
    patient = waiting(hub, "patient", poll_interval=0.6)
    hasty = waiting(hub, "hasty", poll_interval=0.05)
    await asyncio.sleep(0.3)
    service.statuses["hasty"] = "available"
    await hasty
    service.statuses["patient"] = "available"
    await patient
    assert time.monotonic() - began < 0.6 + SLACK


async def test_a_look_that_hangs_keeps_nobody_from_hurrying() -> None:
    service = Service({"slow": "protecting", "hasty": "available"}, hanging={"slow"}, has_running=False)
    service.lists = Service(has_running=False, has_recent=False).lists
    hub = SharedPoller(service)
    slow = waiting(hub, "slow", poll_interval=0.3)
    await until_looked(service, 1)
    began = time.monotonic()
    await wait(hub, "hasty", poll_interval=0.02)
    assert time.monotonic() - began < 0.02 + SLACK
    await given_up(slow)


async def test_a_look_that_hangs_makes_no_round_late() -> None:
    service = Service(dict.fromkeys(["slow", "a"], "protecting"), hanging={"slow"}, has_running=False, has_recent=False)
    hub = SharedPoller(service)
    waits = [waiting(hub, name, poll_interval=0.05) for name in ("slow", "a")]
    began = time.monotonic()
    await until_looked(service, 6)
    assert service.looks.count("slow") == 1
    assert time.monotonic() - began < 5 * 0.05 + SLACK
    await given_up(*waits)


async def test_an_expected_end_is_looked_for_before_the_interval_is_over() -> None:
    service = Service({"a": "protecting"}, has_running=False, has_recent=False)
    hub = SharedPoller(service)
    for _ in range(3):
        hub._durations.add(1.2)
    began = time.monotonic()
    one = waiting(hub, "a", poll_interval=0.8)
    await until_looked(service, 2)
    # At 0.8 by the interval, at 1.2 because backups take so long, else not before 1.52.
    assert time.monotonic() - began < 1.2 + 2 * SLACK
    await given_up(one)


@settings(max_examples=5)
@given(
    st.lists(
        st.tuples(st.floats(0.02, 0.3), st.floats(0.0, 0.2), st.none() | st.floats(0.0, 0.3)), min_size=2, max_size=6
    )
)
async def test_whoever_comes_and_goes_each_one_is_looked_at_within_his_own_interval(
    comers: list[tuple[float, float, float | None]],
) -> None:
    service = Service({str(number): "protecting" for number in range(len(comers))}, has_running=False, has_recent=False)
    hub = SharedPoller(service)
    late: list[float] = []

    async def come(name: str, interval: float, after: float, leave: float | None) -> None:
        await asyncio.sleep(after)
        seat = Waiter(OperationReference("cbr", name), poll_interval=interval)
        one = asyncio.create_task(wait_in(hub, seat))
        ends = time.monotonic() + (0.4 if leave is None else leave)
        while time.monotonic() < ends:
            late.append(time.monotonic() - seat.looked_at - interval)
            await asyncio.sleep(0.01)
        await given_up(one)

    await asyncio.gather(*(come(str(number), *comer) for number, comer in enumerate(comers)))
    assert max(late, default=0.0) < SLACK


# -------------------------------------------------------------------------------------------------------------- trouble


async def test_a_backup_that_is_gone_disturbs_nobody_else() -> None:
    service = Service({"b": "protecting", "c": "protecting"})
    hub = SharedPoller(service)
    waits = [waiting(hub, name, started_at=None) for name in "abc"]
    with pytest.raises(NotFoundError):
        await waits[0]
    service.statuses = dict.fromkeys("bc", "available")
    assert {each.phase for each in await asyncio.gather(*waits[1:])} == {Phase.SUCCEEDED}


async def test_an_unknown_status_disturbs_nobody_else() -> None:
    service = Service({"a": "a new word", "b": "protecting", "c": "protecting"})
    hub = SharedPoller(service)
    waits = [waiting(hub, name) for name in "abc"]
    await until_looked(service, 2)
    assert not waits[0].done()
    service.statuses = dict.fromkeys("abc", "available")
    assert {each.phase for each in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


async def test_an_error_nobody_thought_of_ends_the_look_of_one_only(caplog: pytest.LogCaptureFixture) -> None:
    service = Service({"a": "protecting", "b": "available"}, has_running=False, has_recent=False)
    service.refusals["a"] = ZeroDivisionError()  # type: ignore[assignment]
    hub = SharedPoller(service)
    waits = [waiting(hub, name) for name in "ab"]
    assert (await waits[1]).phase is Phase.SUCCEEDED
    with pytest.raises(ZeroDivisionError):
        await waits[0]


async def test_an_error_nobody_thought_of_in_a_round_is_told_to_all(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": ZeroDivisionError()})  # type: ignore[dict-item]
    hub = SharedPoller(service)
    async with nothing_left(hub):
        ended = await asyncio.gather(*(wait(hub, name) for name in "abc"), return_exceptions=True)
        assert [type(each) for each in ended] == [ZeroDivisionError] * 3
    assert "A look at all scripted backups failed" in caplog.text


class Stopwatch(Service):
    """Notes when its requests began and ended."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.times: list[tuple[float, float]] = []

    async def answer(self, what: str) -> None:
        began = time.monotonic()
        await super().answer(what)
        self.times.append((began, time.monotonic()))

    @property
    def pauses(self) -> list[float]:
        """Seconds between the end of a request and the beginning of the next one."""
        return [later[0] - earlier[1] for earlier, later in pairwise(self.times)]


@pytest.mark.parametrize("refusals", [{}, {"a": DOWN}], ids=["slow", "failing"])
async def test_a_look_that_takes_longer_than_the_interval_is_followed_by_a_pause(
    refusals: dict[str, BackupError],
) -> None:
    service = Stopwatch({"a": "protecting"}, seconds=0.1, refusals=refusals, has_running=False, has_recent=False)
    one = waiting(SharedPoller(service), "a", poll_interval=0.06)
    await until_looked(service, 5)
    await given_up(one)
    assert min(service.pauses) >= 0.05


@pytest.mark.parametrize("troubles", [{}, {"running": DOWN}], ids=["slow", "failing"])
async def test_a_list_that_takes_longer_than_the_interval_is_followed_by_a_pause(
    troubles: dict[str, BackupError],
) -> None:
    service = Stopwatch(dict.fromkeys("abc", "protecting"), seconds=0.1, troubles=troubles)
    hub = SharedPoller(service)
    waits = [waiting(hub, name, poll_interval=0.06) for name in "abc"]
    async with asyncio.timeout(5):
        while service.requests["running"] < 4:
            await asyncio.sleep(0.01)
    await given_up(*waits)
    assert min(service.pauses) >= 0.06 * 0.25


async def test_rounds_that_fail_are_told_once_and_their_end_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": DOWN})
    hub = SharedPoller(service)
    waits = [waiting(hub, name, poll_interval=0.01) for name in "abc"]
    async with asyncio.timeout(5):
        while service.requests["running"] < 4:
            await asyncio.sleep(0.01)
    service.troubles.clear()
    service.statuses = dict.fromkeys("abc", "available")
    await asyncio.gather(*waits)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert sum("A look at all scripted backups failed" in line for line in lines) == 1
    assert sum("scripted can be asked for all backups again" in line for line in lines) == 1
    assert sum("could not be seen, asking again" in line for line in lines) == 3


async def test_a_failing_list_is_outlived_by_all_but_those_whose_tolerance_ends() -> None:
    service = Service(dict.fromkeys("abc", "protecting"), troubles={"running": DOWN, "recent": DOWN})
    hub = SharedPoller(service)
    waits = [waiting(hub, "a", tolerance=0.05), waiting(hub, "b"), waiting(hub, "c", tolerance=60)]
    with pytest.raises(WaitTroubleError, match="503"):
        await waits[0]
    service.troubles.clear()
    service.statuses = dict.fromkeys("bc", "available")
    assert {each.phase for each in await asyncio.gather(*waits[1:])} == {Phase.SUCCEEDED}


async def test_failing_rounds_come_less_and_less_often() -> None:
    service = Service(dict.fromkeys("ab", "protecting"), troubles={"running": DOWN, "recent": DOWN})
    hub = SharedPoller(service)
    waits = [waiting(hub, name) for name in "ab"]
    await asyncio.sleep(0.5)
    # At 0.02, 0.06, 0.14, 0.3, 0.62; every 0.02 without backoff.
    assert 2 <= service.requests["running"] <= 6
    await given_up(*waits)


async def test_a_list_that_hangs_is_passing_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_QUESTION", 0.05)
    service = Service(dict.fromkeys("ab", "protecting"), seconds=10)
    hub = SharedPoller(service)
    waits = [waiting(hub, "a", tolerance=0), waiting(hub, "b")]
    with pytest.raises(WaitTroubleError, match=r"did not answer within 0 s"):
        await waits[0]
    service.seconds = 0
    service.statuses["b"] = "available"
    assert (await waits[1]).phase is Phase.SUCCEEDED


async def test_wrong_credentials_are_told_to_all_after_one_request() -> None:
    refused = AuthenticationError(service="iam", status=401, code="IAM.0101", detail="wrong password")
    service = Service(dict.fromkeys(map(str, range(50)), "protecting"), troubles={"running": refused})
    hub = SharedPoller(service)
    async with asyncio.timeout(5):
        ended = await asyncio.gather(*(wait(hub, name) for name in service.statuses), return_exceptions=True)
    assert {type(each) for each in ended} == {AuthenticationError}
    assert service.requests == {"running": 1}


async def test_a_list_that_is_forbidden_leaves_single_looks() -> None:
    forbidden = PermissionDeniedError(service="cbr", status=403, code="403", detail="no")
    service = Service(dict.fromkeys("abc", "available"), troubles={"running": forbidden, "recent": forbidden})
    hub = SharedPoller(service)
    ended = await asyncio.gather(*(wait(hub, name) for name in "abc"))
    assert {each.phase for each in ended} == {Phase.SUCCEEDED}


# ----------------------------------------------------------------------------------------------------- coming and going


async def test_the_last_who_leaves_ends_the_rounds() -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    hub = SharedPoller(service)
    async with nothing_left(hub):
        waits = [waiting(hub, name) for name in "ab"]
        await asyncio.sleep(0.05)
        await given_up(*waits)
        asked = service.requests.total()
        await asyncio.sleep(0.06)
        assert service.requests.total() <= asked


async def test_who_comes_while_the_last_one_leaves_gets_news() -> None:
    service = Service(dict.fromkeys("ab", "protecting"), awaits=3)
    hub = SharedPoller(service)
    for steps in range(12):
        first = waiting(hub, "a", poll_interval=0.001)
        await asyncio.sleep(0.002)
        for _ in range(steps):
            await asyncio.sleep(0)
        first.cancel()
        service.statuses["b"] = "available"
        async with asyncio.timeout(2):
            assert (await wait(hub, "b", poll_interval=0.001)).phase is Phase.SUCCEEDED
        await asyncio.gather(first, return_exceptions=True)


@pytest.mark.parametrize("has_lists", [True, False])
async def test_one_who_is_cancelled_at_any_step_disturbs_nobody(has_lists: bool) -> None:
    service = Service(awaits=3, has_running=has_lists, has_recent=has_lists)
    hub = SharedPoller(service)
    async with nothing_left(hub):
        for steps in range(30):
            service.statuses = dict.fromkeys("abc", "available")
            waits = [waiting(hub, name, poll_interval=0.001) for name in "abc"]
            await asyncio.sleep(0.001)
            for _ in range(steps):
                await asyncio.sleep(0)
            waits[0].cancel()
            async with asyncio.timeout(2):
                ended = await asyncio.gather(*waits, return_exceptions=True)
            assert [type(each) for each in ended[1:]] == [OperationState] * 2
            del waits, ended


@pytest.mark.parametrize("has_lists", [True, False])
async def test_all_who_are_cancelled_at_any_step_leave_nothing(has_lists: bool) -> None:
    service = Service(dict.fromkeys("abc", "protecting"), awaits=3, has_running=has_lists, has_recent=has_lists)
    hub = SharedPoller(service)
    async with nothing_left(hub):
        before = asyncio.all_tasks()
        for steps in range(30):
            waits = [waiting(hub, name, poll_interval=0.001) for name in "abc"]
            await asyncio.sleep(0.001)
            for _ in range(steps):
                await asyncio.sleep(0)
            await given_up(*waits)
            await hub.close()
            # Generators that were left in the middle are closed by the event loop itself.
            await a_moment()
            assert asyncio.all_tasks() - before == set()


async def test_an_error_that_is_told_to_one_who_just_leaves_is_not_complained_about() -> None:
    hub = SharedPoller(Service({"a": "protecting"}))
    async with nothing_left(hub):
        seat = Waiter(OperationReference("cbr", "a"), poll_interval=30)
        one = asyncio.create_task(wait_in(hub, seat))
        await asyncio.sleep(0)
        seat.give_up(DOWN)
        await given_up(one)
        del one, seat


@settings(max_examples=10)
@given(
    st.lists(st.tuples(st.floats(0, 0.02), st.none() | st.floats(0, 0.03)), min_size=1, max_size=10),
    st.integers(0, 4),
    st.booleans(),
)
async def test_whenever_people_come_and_go_all_who_stay_get_their_news(
    comers: list[tuple[float, float | None]], awaits: int, has_lists: bool
) -> None:
    service = Service(awaits=awaits, has_running=has_lists, has_recent=has_lists, page_size=2)
    service.statuses = {str(number): "protecting" for number in range(len(comers))}
    hub = SharedPoller(service)

    async def come(name: str, after: float, leave: float | None) -> OperationState | None:
        await asyncio.sleep(after)
        try:
            async with asyncio.timeout(leave):
                return await wait(hub, name, poll_interval=0.002)
        except TimeoutError:
            return None

    async def finish() -> None:
        await asyncio.sleep(0.02)
        for name in service.statuses:
            service.statuses[name] = "available"
            await asyncio.sleep(0)

    async with nothing_left(hub), asyncio.timeout(5):
        ended = await asyncio.gather(finish(), *(come(str(number), *comer) for number, comer in enumerate(comers)))
        for (_, leave), observation in zip(comers, ended[1:], strict=True):
            assert (observation is None and leave is not None) or observation.phase is Phase.SUCCEEDED  # type: ignore[union-attr]


async def test_a_hub_that_closes_tells_those_who_still_wait() -> None:
    hub = SharedPoller(Service({"a": "protecting"}))
    async with nothing_left(hub):
        one = waiting(hub, "a", poll_interval=30)
        await asyncio.sleep(0)
        await hub.close()
        with pytest.raises(BackupError, match="closed"):
            await one


async def test_closing_waits_for_looks_that_are_being_stopped() -> None:
    service = Service({"a": "protecting"}, hanging={"a"}, has_running=False, has_recent=False)
    hub = SharedPoller(service)
    before = asyncio.all_tasks()
    one = waiting(hub, "a")
    await until_looked(service, 1)
    await given_up(one)
    await hub.close()
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


async def wait_as(hub: SharedPoller, name: str) -> None:
    whose.set(name)
    with pytest.raises(WaitTroubleError):
        await wait(hub, name, tolerance=0.1)


async def test_each_one_hears_about_his_own_backup_and_nobody_about_the_rounds(heard: list[tuple[str, str]]) -> None:
    service = Service(dict.fromkeys("ab", "protecting"))
    hub = SharedPoller(service)
    waits = [asyncio.create_task(wait_as(hub, name)) for name in "ab"]
    await asyncio.sleep(0.05)
    service.troubles = {"running": DOWN, "recent": DOWN}
    await asyncio.gather(*waits)
    assert ("a", "cbr backup a is protecting.") in heard
    assert ("b", "cbr backup b is protecting.") in heard
    assert {who for who, text in heard if "A look at all" in text} == {"nobody"}
    assert all(f"backup {who}" in text for who, text in heard if who != "nobody")


async def turns(work: asyncio.Task[Any]) -> list[float]:
    """Return the seconds of work between one turn of somebody else and the next, as long as a task goes on."""
    found, before = [], time.thread_time()
    while not work.done():
        await asyncio.sleep(0)
        # Not the time on the wall: this machine may have other work.
        now = time.thread_time()
        found.append(now - before)
        before = now
    return found


@pytest.mark.parametrize("news", ["good", "trouble", "good, alone"])
async def test_two_thousand_who_hear_their_news_in_one_round_do_not_hold_up_the_event_loop(news: str) -> None:
    names = [str(number) for number in range(2000)]
    service = Service(dict.fromkeys(names, "available"), page_size=2000)
    if news == "trouble":
        service.troubles = {"running": DOWN}
    if news == "good, alone":
        service.lists = Service(has_running=False, has_recent=False).lists
    hub = SharedPoller(service)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(_ended(hub, name))
                await asyncio.sleep(0)

    # Not the pauses of the garbage collector, which grow with all that the tests have loaded.
    gc.disable()
    try:
        found = await turns(asyncio.create_task(all_of_them()))
    finally:
        gc.enable()

    # A share, as machines differ: it is a tenth.
    assert max(found) < sum(found) / 3


@pytest.mark.parametrize("news", ["good", "in progress", "trouble"])
async def test_others_get_their_turn_while_many_are_told(news: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_backup.cloud.polling.time_slice.LONGEST_TURN", -1.0)
    names = [str(number) for number in range(200)]
    service = Service(dict.fromkeys(names, "available" if news == "good" else "protecting"))
    if news == "trouble":
        service.troubles = {"running": DOWN}
    hub = SharedPoller(service)
    seats = [Waiter(OperationReference("cbr", name), poll_interval=0.05, started_at=time.time()) for name in names]
    waits = [asyncio.create_task(wait_in(hub, seat)) for seat in seats]
    told = [0]
    async with asyncio.timeout(5):
        while told[-1] < len(seats):
            await asyncio.sleep(0)
            told.append(sum(seat.is_over or (seat.last_error or seat.last_status) is not None for seat in seats))
    assert max(after - before for before, after in pairwise(told)) < 10
    await given_up(*waits)


async def _ended(hub: SharedPoller, name: str) -> None:
    with suppress(WaitTroubleError):
        await wait(hub, name, poll_interval=0.2, tolerance=0.0)

"""The line in front of a service: so many at once, one pause for all, and an end to patience."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import pytest

from airflow_provider_backup.cloud.errors import RateLimitedError
from airflow_provider_backup.cloud.http.rate_limiter import Limiter, Ticket
from tests.cloud.clients import network


def refusal(retry_after: float | None = None) -> RateLimitedError:
    return RateLimitedError(service="cbr", status=429, code="APIGW.0308", detail="slower", retry_after=retry_after)


def limiter_of(at_once: int = 2, retry_wait: float = 0.05, throttle_timeout: float = 60.0) -> Limiter:
    settings = network(requests_at_once=at_once, retry_wait=retry_wait, throttle_timeout=throttle_timeout)
    return Limiter("cbr", settings)


async def nothing() -> None:
    """Be done at once."""


async def go(limiter: Limiter, ticket: Ticket | None = None, work: Callable[[], Awaitable[object]] = nothing) -> float:
    """Take a turn, and return when it came."""
    ticket = ticket or Ticket("POST")
    async with limiter.turn(ticket):
        came = time.monotonic()
        await work()
        limiter.answered(ticket)
    return came


async def refuse(limiter: Limiter, method: str = "POST", retry_after: float | None = None) -> Ticket:
    """Take a turn that is refused."""
    ticket = Ticket(method)
    async with limiter.turn(ticket):
        limiter.refused(ticket, refusal(retry_after))
    return ticket


async def pause_after(limiter: Limiter) -> float:
    """Return how long nobody gets a turn after a refusal."""
    await refuse(limiter)
    return limiter.pause_left


@pytest.mark.parametrize("at_once", [1, 3])
async def test_no_more_requests_are_under_way_than_allowed(at_once: int) -> None:
    limiter, under_way, most = limiter_of(at_once), 0, 0

    async def work() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1

    await asyncio.gather(*(go(limiter, work=work) for _ in range(30)))
    assert most == at_once


async def test_turns_come_in_the_order_of_arrival() -> None:
    limiter, order = limiter_of(1), list[int]()

    async def noted(number: int) -> None:
        async with limiter.turn(Ticket("GET")):
            await asyncio.sleep(0)
            order.append(number)

    await asyncio.gather(*(noted(number) for number in range(20)))
    assert order == list(range(20))


async def test_a_refusal_makes_everybody_pause() -> None:
    limiter = limiter_of(4)
    await refuse(limiter, retry_after=0.2)
    began = time.monotonic()
    came = await asyncio.gather(*(go(limiter) for _ in range(10)))
    assert min(came) - began >= 0.19


async def test_who_was_refused_goes_first_after_the_pause() -> None:
    limiter, order = limiter_of(1), list[str]()

    async def noted(name: str, ticket: Ticket) -> None:
        async with limiter.turn(ticket):
            order.append(name)
            await asyncio.sleep(0)

    refused = await refuse(limiter)
    others = [asyncio.create_task(noted("other", Ticket("POST"))) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.gather(noted("refused", refused), *others)
    assert order == ["refused", "other", "other", "other"]


async def test_pauses_double_while_nobody_is_let_through() -> None:
    limiter = limiter_of(1)
    pauses = [await pause_after(limiter) for _ in range(3)]
    for pause, expected in zip(pauses, (0.05, 0.1, 0.2), strict=True):
        assert 0.7 * expected < pause <= 1.25 * expected


async def test_those_under_way_together_make_one_pause() -> None:
    limiter, both_go = limiter_of(2, retry_wait=10), asyncio.Barrier(2)

    async def refused() -> None:
        ticket = Ticket("POST")
        async with limiter.turn(ticket):
            await both_go.wait()
            limiter.refused(ticket, refusal())

    await asyncio.gather(refused(), refused())
    assert limiter.pause_left <= 12.5  # that of a second refusal is 15 or more


async def test_an_answer_begins_the_pauses_anew() -> None:
    limiter = limiter_of(1)
    for _ in range(3):
        await refuse(limiter)
    await go(limiter)
    assert await pause_after(limiter) <= 0.0625


async def test_an_answer_to_a_reader_does_not_shorten_the_pauses_of_a_writer() -> None:
    limiter = limiter_of(1)
    for _ in range(3):
        await refuse(limiter, "POST")
        await go(limiter, Ticket("GET"))
    assert await pause_after(limiter) > 0.25


async def test_fewer_go_at_once_after_a_refusal_and_slowly_more_again() -> None:
    limiter, under_way, most = limiter_of(8, retry_wait=0.001), 0, 0

    async def work() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.002)
        under_way -= 1

    await refuse(limiter)
    await asyncio.gather(*(go(limiter, work=work) for _ in range(8)))
    assert 4 <= most <= 5
    await asyncio.gather(*(go(limiter, work=work) for _ in range(100)))
    assert most == 8


async def test_who_gives_up_in_line_takes_no_turn() -> None:
    limiter = limiter_of(1)
    async with limiter.turn(Ticket("GET")):
        waiting = asyncio.create_task(go(limiter))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(go(limiter), 1)


async def test_a_turn_that_comes_to_somebody_who_just_gave_up_is_the_next_ones() -> None:
    limiter = limiter_of(1)
    async with limiter.turn(Ticket("GET")):
        waiting = asyncio.create_task(go(limiter))
        await asyncio.sleep(0)
    # Its turn has come, but it did not run since.
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(go(limiter), 1)


async def test_an_error_in_a_turn_ends_it() -> None:
    limiter = limiter_of(1)
    with pytest.raises(ZeroDivisionError):
        async with limiter.turn(Ticket("GET")):
            _ = 1 / 0
    await asyncio.wait_for(go(limiter), 1)


async def test_patience_ends_when_nobody_is_let_through_and_all_in_line_are_told() -> None:
    limiter = limiter_of(1, throttle_timeout=0.1)
    first = await refuse(limiter)
    assert (first.refusals, first.gave_up) == (1, False)
    began = time.monotonic()
    async with limiter.turn(first):
        line = [asyncio.create_task(go(limiter)) for _ in range(5)]
        await asyncio.sleep(0.08)
        limiter.refused(first, refusal())
    assert first.gave_up
    told = await asyncio.gather(*line, return_exceptions=True)
    assert [type(each) for each in told] == [RateLimitedError] * 5
    assert len({id(each) for each in told}) == 5
    assert time.monotonic() - began < 1


async def test_patience_does_not_end_while_others_are_let_through() -> None:
    limiter = limiter_of(1, retry_wait=0.02, throttle_timeout=0.1)
    unlucky = Ticket("POST")
    began = time.monotonic()
    while time.monotonic() - began < 0.3:
        async with limiter.turn(unlucky):
            limiter.refused(unlucky, refusal())
        await go(limiter)
    assert not unlucky.gave_up
    assert unlucky.refusals > 3


async def test_the_log_tells_when_requests_are_let_through_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    limiter = limiter_of(1, retry_wait=0.001)
    await refuse(limiter)
    await go(limiter)
    assert "cbr lets requests through again after 0 s; failures: 1." in caplog.text


async def test_there_is_one_line_in_the_log_and_not_one_for_each_refusal(caplog: pytest.LogCaptureFixture) -> None:
    limiter = limiter_of(1, retry_wait=0.001)
    await go(limiter)
    for _ in range(5):
        await refuse(limiter)
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage().startswith("cbr throttles, going on in 0.0 s: 1 requests were let through and 1 refused")
    assert "APIGW.0308: slower" in record.getMessage()

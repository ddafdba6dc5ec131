"""Concurrency slots: so many at once, one pause for all, and an end to retries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from airflow_provider_backup.cloud.errors import RateLimitedError
from airflow_provider_backup.cloud.http.rate_limiter import Limiter, Ticket
from tests.cloud.clients import network
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock


def refusal(retry_after: float | None = None) -> RateLimitedError:
    return RateLimitedError(service="cbr", status=429, code="APIGW.0308", detail="slower", retry_after=retry_after)


def limiter_of(at_once: int = 2, retry_wait: float = 0.05, throttle_timeout: float = 60.0) -> Limiter:
    settings = network(requests_at_once=at_once, retry_wait=retry_wait, throttle_timeout=throttle_timeout)
    return Limiter("cbr", settings, clock=VIRTUAL_CLOCK)


async def nothing() -> None:
    """Be done at once."""


async def go(limiter: Limiter, ticket: Ticket | None = None, work: Callable[[], Awaitable[object]] = nothing) -> float:
    """Take a slot, and return when it was granted."""
    ticket = ticket or Ticket("POST")
    async with limiter.slot(ticket):
        came = VIRTUAL_CLOCK.monotonic()
        await work()
        limiter.accepted(ticket)
    return came


async def refuse(limiter: Limiter, method: str = "POST", retry_after: float | None = None) -> Ticket:
    """Take a slot for a request that is rejected."""
    ticket = Ticket(method)
    async with limiter.slot(ticket):
        limiter.rejected(ticket, refusal(retry_after))
    return ticket


async def pause_after(limiter: Limiter) -> float:
    """Return the pause after a rejection."""
    await refuse(limiter)
    return limiter.pause_left


@pytest.mark.parametrize("at_once", [1, 3])
async def test_no_more_requests_are_in_flight_than_allowed(at_once: int) -> None:
    limiter, under_way, most = limiter_of(at_once), 0, 0

    async def work() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1

    await asyncio.gather(*(go(limiter, work=work) for _ in range(30)))
    assert most == at_once


async def test_slots_are_granted_in_the_order_of_arrival() -> None:
    limiter, order = limiter_of(1), list[int]()

    async def noted(number: int) -> None:
        async with limiter.slot(Ticket("GET")):
            await asyncio.sleep(0)
            order.append(number)

    await asyncio.gather(*(noted(number) for number in range(20)))
    assert order == list(range(20))


async def test_a_rejection_pauses_all_requests() -> None:
    limiter = limiter_of(4)
    await refuse(limiter, retry_after=0.2)
    began = VIRTUAL_CLOCK.monotonic()
    came = await asyncio.gather(*(go(limiter) for _ in range(10)))
    assert min(came) - began >= 0.19


async def test_a_rejected_request_is_first_after_the_pause() -> None:
    limiter, order = limiter_of(1), list[str]()

    async def noted(name: str, ticket: Ticket) -> None:
        async with limiter.slot(ticket):
            order.append(name)
            await asyncio.sleep(0)

    refused = await refuse(limiter)
    others = [asyncio.create_task(noted("other", Ticket("POST"))) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.gather(noted("refused", refused), *others)
    assert order == ["refused", "other", "other", "other"]


async def test_pauses_double_while_all_requests_are_rejected() -> None:
    limiter = limiter_of(1)
    pauses = [await pause_after(limiter) for _ in range(3)]
    for pause, expected in zip(pauses, (0.05, 0.1, 0.2), strict=True):
        assert 0.7 * expected < pause <= 1.25 * expected


async def test_concurrent_rejections_make_one_pause() -> None:
    limiter, both_go = limiter_of(2, retry_wait=10), asyncio.Barrier(2)

    async def refused() -> None:
        ticket = Ticket("POST")
        async with limiter.slot(ticket):
            await both_go.wait()
            limiter.rejected(ticket, refusal())

    await asyncio.gather(refused(), refused())
    assert limiter.pause_left <= 12.5  # that of a second refusal is 15 or more


async def test_an_accepted_request_resets_the_pauses() -> None:
    limiter = limiter_of(1)
    for _ in range(3):
        await refuse(limiter)
    await go(limiter)
    assert await pause_after(limiter) <= 0.0625


async def test_an_accepted_read_does_not_shorten_the_pauses_of_writes() -> None:
    limiter = limiter_of(1)
    for _ in range(3):
        await refuse(limiter, "POST")
        await go(limiter, Ticket("GET"))
    assert await pause_after(limiter) > 0.25


async def test_fewer_run_concurrently_after_a_rejection_and_slowly_more_again() -> None:
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


async def test_a_request_cancelled_in_the_queue_takes_no_slot() -> None:
    limiter = limiter_of(1)
    async with limiter.slot(Ticket("GET")):
        waiting = asyncio.create_task(go(limiter))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(go(limiter), 1)


async def test_a_slot_granted_to_a_request_just_cancelled_is_passed_on() -> None:
    limiter = limiter_of(1)
    async with limiter.slot(Ticket("GET")):
        waiting = asyncio.create_task(go(limiter))
        await asyncio.sleep(0)
    # Its slot is granted, but it has not run since.
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(go(limiter), 1)


async def test_an_error_in_a_slot_frees_it() -> None:
    limiter = limiter_of(1)
    with pytest.raises(ZeroDivisionError):
        async with limiter.slot(Ticket("GET")):
            _ = 1 / 0
    await asyncio.wait_for(go(limiter), 1)


async def test_all_queued_requests_fail_when_all_were_rejected_for_too_long() -> None:
    limiter = limiter_of(1, throttle_timeout=0.1)
    first = await refuse(limiter)
    assert (first.rejections, first.gave_up) == (1, False)
    async with limiter.slot(first):
        line = [asyncio.create_task(go(limiter)) for _ in range(5)]
        await asyncio.sleep(0.08)
        limiter.rejected(first, refusal())
        rejected_at = VIRTUAL_CLOCK.monotonic()
    assert first.gave_up
    told = await asyncio.gather(*line, return_exceptions=True)
    assert [type(each) for each in told] == [RateLimitedError] * 5
    assert len({id(each) for each in told}) == 5
    assert VIRTUAL_CLOCK.monotonic() == rejected_at


async def test_a_request_does_not_give_up_while_others_are_accepted() -> None:
    limiter = limiter_of(1, retry_wait=0.02, throttle_timeout=0.1)
    unlucky = Ticket("POST")
    began = VIRTUAL_CLOCK.monotonic()
    while VIRTUAL_CLOCK.monotonic() - began < 0.3:
        async with limiter.slot(unlucky):
            limiter.rejected(unlucky, refusal())
        await go(limiter)
    assert not unlucky.gave_up
    assert unlucky.rejections > 3


async def test_the_end_of_rate_limiting_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    limiter = limiter_of(1, retry_wait=0.001)
    await refuse(limiter)
    await go(limiter)
    assert "cbr accepts requests again after 0 s; failures: 1." in caplog.text


async def test_rate_limiting_is_logged_once_and_not_for_each_rejection(caplog: pytest.LogCaptureFixture) -> None:
    limiter = limiter_of(1, retry_wait=0.001)
    await go(limiter)
    for _ in range(5):
        await refuse(limiter)
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage().startswith("cbr is rate limiting; resuming in 0.0 s (accepted: 1, rejected: 1, ")
    assert "APIGW.0308: slower" in record.getMessage()

"""The event loop is not blocked while many waiters are updated: in real time, as it is the work that is measured."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import ServerError
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.polling.shared_poller import SharedPoller
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError
from airflow_provider_backup.cloud.polling.waiter import Waiter
from tests.cloud.polling.fake_service import Service, wait_in

DOWN = ServerError(service="cbr", status=503, code="503", detail="down")


async def turns(work: asyncio.Task[Any]) -> list[float]:
    """Return the seconds of work between two turns of another task, until the given one ends."""
    found, before = [], time.thread_time()
    while not work.done():
        await asyncio.sleep(0)
        # Not the time on the wall: this machine may have other work.
        now = time.thread_time()
        found.append(now - before)
        before = now
    return found


@pytest.mark.parametrize("news", ["good", "trouble", "good, alone"])
async def test_two_thousand_outcomes_in_one_poll_cycle_do_not_block_the_event_loop(news: str) -> None:
    names = [str(number) for number in range(2000)]
    service = Service(dict.fromkeys(names, "available"), page_size=2000)
    if news == "trouble":
        service.troubles = {"running": DOWN}
    if news == "good, alone":
        service.lists = Service(has_running=False, has_recent=False).lists
    poller = SharedPoller(service)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(_ended(poller, name))
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
async def test_other_tasks_run_while_many_waiters_are_updated(news: str) -> None:
    names = [str(number) for number in range(200)]
    service = Service(dict.fromkeys(names, "available" if news == "good" else "protecting"))
    if news == "trouble":
        service.troubles = {"running": DOWN}
    poller = SharedPoller(service, limits=Limits(longest_time_slice=-1.0))
    waiters = [Waiter(OperationReference("cbr", name), poll_interval=0.05, started_at=time.time()) for name in names]
    waits = [asyncio.create_task(wait_in(poller, waiter)) for waiter in waiters]
    updated = [0]
    async with asyncio.timeout(5):
        while updated[-1] < len(waiters):
            await asyncio.sleep(0)
            updated.append(sum(is_updated(waiter) for waiter in waiters))
    assert max(after - before for before, after in pairwise(updated)) < 10
    for each in waits:
        each.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


def is_updated(waiter: Waiter) -> bool:
    return waiter.is_finished or waiter.last_error is not None or waiter.last_status is not None


async def _ended(poller: SharedPoller, name: str) -> None:
    with suppress(WaitTroubleError):
        await wait_in(
            poller,
            Waiter(OperationReference("cbr", name), poll_interval=0.2, tolerance=0.0, started_at=time.time()),
        )

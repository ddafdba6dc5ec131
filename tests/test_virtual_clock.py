"""Virtual time: hours pass at once, but not while something is on its way."""

from __future__ import annotations

import asyncio
import time

import pytest

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, current_clock, override_clock
from airflow_provider_backup.cloud.limits import Limits, current_limits, override_limits
from airflow_provider_backup.limits import TaskLimits, override_task_limits, task_limits
from tests.virtual_clock import VIRTUAL_CLOCK


@pytest.mark.virtual_clock
async def test_sleeping_for_a_day_takes_a_day_of_virtual_time() -> None:
    began, began_at = VIRTUAL_CLOCK.monotonic(), VIRTUAL_CLOCK.time()
    await VIRTUAL_CLOCK.sleep(86_400)
    assert VIRTUAL_CLOCK.monotonic() - began == pytest.approx(86_400)
    assert VIRTUAL_CLOCK.time() - began_at == pytest.approx(86_400)


@pytest.mark.virtual_clock
async def test_timers_end_in_the_order_of_their_times() -> None:
    ended: list[int] = []

    async def sleep(seconds: int) -> None:
        await asyncio.sleep(seconds)
        ended.append(seconds)

    await asyncio.gather(*(sleep(seconds) for seconds in (300, 1, 7200)))
    assert ended == [1, 300, 7200]


@pytest.mark.virtual_clock
async def test_time_stands_still_while_a_thread_works() -> None:
    began = VIRTUAL_CLOCK.monotonic()
    async with asyncio.timeout(1):
        # Real time: it is the work of the thread.
        await asyncio.to_thread(time.sleep, 0.05)
    assert VIRTUAL_CLOCK.monotonic() == began


@pytest.mark.virtual_clock
async def test_time_stands_still_while_bytes_are_on_their_way() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        began = VIRTUAL_CLOCK.monotonic()
        for _ in range(100):
            writer.write(b"x" * 10_000 + b"\n")
            async with asyncio.timeout(0.001):
                assert len(await reader.readline()) == 10_001
        assert VIRTUAL_CLOCK.monotonic() == began
        writer.close()


def test_a_clock_is_overridden_inside_a_block_only() -> None:
    with override_clock(VIRTUAL_CLOCK):
        assert current_clock() is VIRTUAL_CLOCK
    assert current_clock() is SYSTEM_CLOCK


def test_limits_are_overridden_inside_a_block_only() -> None:
    with override_limits(final_read=1.0), override_task_limits(earliest_event=0.0):
        assert (current_limits().final_read, task_limits().earliest_event) == (1.0, 0.0)
        with override_limits(missing_for=2.0) as inner:
            assert (inner.final_read, inner.missing_for) == (1.0, 2.0)
    assert (current_limits(), task_limits()) == (Limits(), TaskLimits())


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(TypeError, match="patience"), override_limits(patience=1.0):
        pass

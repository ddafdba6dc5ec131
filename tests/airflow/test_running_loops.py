"""Plain code that something async has called: hooks and operators work inside a running event loop, too."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.hooks.plain_code import run_async
from tests.airflow.service_matrix import SENSORS, SERVICES, create_operator, rows
from tests.airflow.task_runs import TaskRun

MARK: contextvars.ContextVar[str] = contextvars.ContextVar("MARK", default="none")


def inside_a_loop(act: Callable[[], Any]) -> Any:
    """Call plain code from a coroutine."""

    async def call() -> Any:
        return act()

    return asyncio.run(call())


@pytest.mark.parametrize("service", SERVICES)
def test_an_operator_takes_its_backup_and_a_sensor_sees_it_inside_a_running_loop(
    cloud: RunningCloud, service: str
) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False))
    taken = inside_a_loop(run.execute)
    assert taken["status"].lower() in ("available", "completed")
    assert len(rows(cloud, service)) == 1
    sensor = TaskRun(SENSORS[service](task_id="wait", backup=taken, poke_interval=0.05))
    assert inside_a_loop(sensor.execute)["backup_id"] == taken["backup_id"]


def test_a_retry_inside_a_running_loop_finds_its_backup(cloud: RunningCloud) -> None:
    run = TaskRun(create_operator(cloud, "rds", deferrable=False))
    first = inside_a_loop(run.execute)
    run.retry()
    assert inside_a_loop(run.execute)["backup_id"] == first["backup_id"]


def test_a_hook_runs_an_action_inside_a_running_loop(cloud: RunningCloud) -> None:
    async def count(cbr: Any) -> int:
        return len([vault async for vault in cbr.vaults.list()])

    assert inside_a_loop(lambda: CbrHook().run(count)) == 0


def test_the_connection_is_tested_inside_a_running_loop(cloud: RunningCloud) -> None:
    assert inside_a_loop(BackupCloudHook().test_connection)[0] is True


def test_what_the_action_raises_reaches_the_caller_inside_a_running_loop() -> None:
    async def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        inside_a_loop(lambda: run_async(fail))


def test_an_error_of_the_action_does_not_read_as_if_a_missing_loop_had_led_to_it() -> None:
    async def refuse() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        run_async(refuse)
    assert caught.value.__context__ is None


def test_context_variables_of_the_caller_are_seen_inside_a_running_loop() -> None:
    async def look() -> str:
        return MARK.get()

    def call() -> str:
        MARK.set("set by the caller")
        return run_async(look)

    assert inside_a_loop(call) == "set by the caller"


def test_a_caller_that_is_interrupted_inside_a_running_loop_leaves_no_work_behind() -> None:
    ended = threading.Event()

    async def work() -> None:
        try:
            main = threading.main_thread().ident
            assert main is not None
            signal.pthread_kill(main, signal.SIGALRM)
            await asyncio.sleep(3600)
        finally:
            ended.set()

    class TimeIsOverError(Exception):
        pass

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise TimeIsOverError

    before = signal.signal(signal.SIGALRM, interrupt)
    began = time.monotonic()
    try:
        with pytest.raises(TimeIsOverError):
            inside_a_loop(lambda: run_async(work))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ended.is_set()
    assert time.monotonic() - began < 60
    assert "backup-cloud" not in [thread.name for thread in threading.enumerate()]

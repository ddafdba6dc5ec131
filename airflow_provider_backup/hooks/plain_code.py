"""Async work from plain code, also from plain code that something async has called."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_async(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run async work to its end and return what it returns.

    Where an event loop runs in this thread already (a notebook, an async task), the work gets a thread with a loop of
    its own, and the running loop stands still meanwhile. Context variables are those of the caller.

    :param work: makes the coroutine.
    """
    if not _loop_runs_here():
        return asyncio.run(work())
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()

    def serve() -> None:
        # At the end the runner cancels what is left: the caller may have been interrupted.
        with runner:
            loop.run_forever()

    thread = threading.Thread(target=serve, name="backup-cloud", daemon=True)
    thread.start()
    try:
        return asyncio.run_coroutine_threadsafe(work(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _loop_runs_here() -> bool:
    # By itself, so that errors of the work do not read as if this one had led to them.
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

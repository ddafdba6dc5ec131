"""Run async work from synchronous code, also from synchronous code that runs inside an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_async(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run async work to its end and return what it returns.

    If an event loop runs in this thread already (a notebook, an async task), the work gets its own thread and loop, and
    the running loop is blocked meanwhile. Context variables are those of the caller.

    :param work: creates the coroutine.
    :return: its result.
    """
    if not _loop_runs_here():
        return asyncio.run(work())
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()

    def serve() -> None:
        # On exit the runner cancels pending tasks: the caller may have been interrupted.
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
    # A function of its own, so that errors of the work do not have this one as their context.
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

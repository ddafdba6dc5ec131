"""A process that dies in the middle of its work: at any await, and before or after any XCom or submission record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from tests.airflow.task_runs import TaskRun


class ProcessDied(BaseException):
    """The worker or triggerer that did the work is no more."""


class Death:
    """When a process dies.

    :param after: how many points of its work it passes before; ``None`` lets it live.
    """

    def __init__(self, after: int | None) -> None:
        self._left = after
        self.has_come = False

    def comes(self) -> bool:
        """Pass one more point.

        :return: whether the process is dead by then.
        """
        if self._left is not None:
            self.has_come = self.has_come or self._left == 0
            self._left = max(0, self._left - 1)
        return self.has_come

    def pass_point(self) -> None:
        """Pass one more point.

        :raises ProcessDied: it was the last one.
        """
        if self.comes():
            raise ProcessDied


@contextmanager
def dying(death: Death, task: TaskRun | None = None) -> Iterator[None]:
    """Let whatever runs an event loop in this block die when its time has come.

    A request whose bytes left the process before still reaches the cloud, and its answer is lost.

    :param death: when.
    :param task: whose XComs and submission records are points, too; a dead process leaves none.
    :raises ProcessDied: it died.
    """
    run = asyncio.run

    def run_until_death(main: Coroutine[Any, Any, Any], **options: Any) -> Any:
        return run(_until_death(main, death), **options)

    def mortal(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            death.pass_point()
            result = method(*arguments, **options)
            death.pass_point()
            return result

        return call

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(asyncio, "run", run_until_death))
        methods = [] if task is None else [(task.ti, "xcom_push"), (task.store, "set"), (task.store, "delete")]
        for owner, name in methods:
            if owner is not None:
                patches.enter_context(mock.patch.object(owner, name, mortal(getattr(owner, name))))
        yield


async def _until_death(main: Coroutine[Any, Any, Any], death: Death) -> Any:
    try:
        return await _Watched(main, death)
    finally:
        if death.has_come:
            raise ProcessDied


class _Watched:
    """Awaits a coroutine and cancels it at the await that it must not survive."""

    def __init__(self, main: Coroutine[Any, Any, Any], death: Death) -> None:
        self._main = main
        self._death = death

    def __await__(self) -> Generator[Any, Any, Any]:
        awaits = self._main.__await__()
        trouble: BaseException | None = None
        while True:
            try:
                awaited = awaits.send(None) if trouble is None else awaits.throw(trouble)
            except StopIteration as end:
                return end.value
            trouble = None
            is_dead = self._death.has_come
            if self._death.comes() and not is_dead:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield awaited
            except BaseException as error:
                trouble = error

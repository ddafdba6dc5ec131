"""A task in a process of its own that is killed while the cloud has its request, and what outlives it."""

from __future__ import annotations

import json
import multiprocessing
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.airflow.task_runs import TaskRun, TaskStateStore

LONGEST = 30.0
"""Seconds until a process must have come so far."""


class TaskStateFile(TaskStateStore):
    """A task state store that outlives the process, as that of Airflow's API server does.

    :param file: where it keeps its values.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.fails = False

    @property
    def values(self) -> dict[str, str]:  # type: ignore[override]
        """What is kept now, whatever process wrote it."""
        values: dict[str, str] = json.loads(self._file.read_text()) if self._file.exists() else {}
        return values

    def set(self, key: str, value: Any, **options: Any) -> None:
        """Keep a value."""
        kept = TaskStateStore()
        kept.set(key, value, **options)
        self._file.write_text(json.dumps(self.values | kept.values))

    def delete(self, key: str) -> None:
        """Keep a value no longer."""
        self._file.write_text(json.dumps({name: value for name, value in self.values.items() if name != key}))


def kill_when(run: TaskRun, has_come: Callable[[], bool]) -> None:
    """Run a task in another process, and kill that in the middle, with SIGKILL.

    :param run: the task; of what it does in the other process only its store is seen here.
    :param has_come: whether it is time.
    """
    with warnings.catch_warnings():
        # The thread of the local cloud stays behind in this process.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = multiprocessing.get_context("fork").Process(target=run.execute)
        process.start()
    deadline = time.monotonic() + LONGEST
    while not has_come():
        assert process.is_alive(), "the process ended before"
        assert time.monotonic() < deadline, "the process did not come so far"
        time.sleep(0.005)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL

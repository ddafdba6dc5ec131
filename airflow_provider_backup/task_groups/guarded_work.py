"""How the work inside a guard ended, judged by the states of its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

_OVER = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
_RAN = frozenset({"success", "failed"})
MOST_TASKS_IN_A_TEXT = 5


class WorkState(Enum):
    """How the work stands."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """A task failed, or one could not run although others did: the work is done in part."""
    SKIPPED = "skipped"
    NOT_RUN = "not run"
    """No task ran, since something before the work failed."""
    RUNNING = "running"


class GuardedWork:
    """The work inside a guard.

    :param states: the states of its tasks by name.
    """

    def __init__(self, states: Mapping[str, str | None]) -> None:
        self.states = states

    @property
    def state(self) -> WorkState:
        """How the work stands as a whole."""
        seen = set(self.states.values())
        if not seen <= _OVER:
            return WorkState.RUNNING
        if "failed" in seen or ("upstream_failed" in seen and seen & _RAN):
            return WorkState.FAILED
        if "upstream_failed" in seen:
            return WorkState.NOT_RUN
        return WorkState.SUCCEEDED if "success" in seen else WorkState.SKIPPED

    @property
    def failed(self) -> list[str]:
        """Names of the tasks that failed; of those that could not run if none failed."""
        return self._named("failed") or self._named("upstream_failed")

    @property
    def running(self) -> list[str]:
        """Names of the tasks that are not over."""
        return sorted(name for name, state in self.states.items() if state not in _OVER)

    def _named(self, wanted: str) -> list[str]:
        return sorted(name for name, state in self.states.items() if state == wanted)


def task_names(names: list[str]) -> str:
    """Return names of tasks as a text; of many the first few.

    :param names: the names.
    """
    more = len(names) - MOST_TASKS_IN_A_TEXT
    return ", ".join(names[:MOST_TASKS_IN_A_TEXT]) + (f" and {more} more" if more > 0 else "")

"""What the author of a DAG wrote for one task that restores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.airflow.model.times import LONG, SHORT


@dataclass(frozen=True)
class RestoreAuthor:
    """The arguments of the task.

    :param deferrable: whether the task waits in the triggerer.
    :param on_conflict: what a busy resource means.
    :param short: whether the time ends soon.
    :param tolerance: of the task and its trigger.
    :param retry_failed: whether a failed restore is worth another one.
    :param by_id: whether the backup is named by its id, in place of the result of the task that took it.
    """

    deferrable: bool
    on_conflict: str
    short: bool
    tolerance: float | None
    retry_failed: bool
    by_id: bool

    @property
    def timeout(self) -> float:
        """A wait on the worker must come to an end."""
        return SHORT if self.short or not self.deferrable else LONG

    def arguments(self) -> dict[str, Any]:
        """Return the operator's arguments but for backup and target."""
        return {
            "deferrable": self.deferrable,
            "on_conflict": self.on_conflict,
            "timeout": self.timeout,
            "tolerance": self.tolerance,
            "poll_interval": 0.01,
            "retries": 2,
            "retry_failed": self.retry_failed,
        }

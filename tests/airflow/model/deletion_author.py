"""What the author of a DAG wrote for one task that deletes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.airflow.model.times import LONG, SHORT


@dataclass(frozen=True)
class DeletionAuthor:
    """The arguments of the task.

    :param deferrable: whether the task waits in the triggerer.
    :param on_conflict: what a busy resource means.
    :param short: whether the time ends soon.
    :param tolerance: of the task and its trigger.
    :param if_missing: what it means when there is nothing to delete.
    :param by_id: backups only: whether the backup is named by its id, in place of the result of the task that took it.
    :param confirms: instances only: whether the author gives the right name of the instance.
    """

    deferrable: bool
    on_conflict: str
    short: bool
    tolerance: float | None
    if_missing: str
    by_id: bool
    confirms: bool

    @property
    def timeout(self) -> float:
        """A wait on the worker must come to an end."""
        return SHORT if self.short or not self.deferrable else LONG

    def arguments(self) -> dict[str, Any]:
        """Return the operator's arguments but for what is deleted."""
        return {
            "deferrable": self.deferrable,
            "on_conflict": self.on_conflict,
            "timeout": self.timeout,
            "tolerance": self.tolerance,
            "if_missing": self.if_missing,
            "poll_interval": 0.01,
            "retries": 2,
        }

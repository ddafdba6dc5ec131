"""What the author of a DAG wrote for one task that takes a backup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.airflow.model.times import LONG, SHORT
from tests.airflow.service_matrix import NAMED


@dataclass(frozen=True)
class BackupAuthor:
    """What the author of the DAG wrote.

    :param service: name of the service.
    :param two_servers: whether a policy or a vault has two servers in place of one.
    :param deferrable: whether the task waits in the triggerer.
    :param on_clear: where the task makes the name itself.
    :param on_conflict: what a busy resource means.
    :param short: whether the time ends soon.
    :param tolerance: of the task and its trigger.
    :param name: the backup's name; ``None`` for the task's own.
    :param if_exists: only with a name.
    :param retry_failed: whether a failed backup is worth another one.
    """

    service: str
    two_servers: bool
    deferrable: bool
    on_clear: str
    on_conflict: str
    short: bool
    tolerance: float | None
    name: str | None
    if_exists: str
    retry_failed: bool

    @property
    def has_key(self) -> bool:
        """Whether the name distinguishes the backup from all others."""
        return self.service in NAMED and self.name is None

    @property
    def timeout(self) -> float:
        """A wait on the worker must come to an end."""
        return SHORT if self.short or not self.deferrable else LONG

    def arguments(self) -> dict[str, Any]:
        """Return the operator's arguments but for what is backed up."""
        named = {} if self.name is None else {"name": self.name, "if_exists": self.if_exists}
        return {
            "deferrable": self.deferrable,
            "on_clear": self.on_clear if self.has_key else "fresh",
            "on_conflict": self.on_conflict,
            "timeout": self.timeout,
            "tolerance": self.tolerance,
            "poll_interval": 0.01,
            "retries": 2,
            "retry_failed": self.retry_failed,
            **named,
        }

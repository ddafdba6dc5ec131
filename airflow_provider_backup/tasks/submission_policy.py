"""What the author of a task chose about its operation, as the durable core needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IfExists = Literal["new", "adopt", "fail"]
OnConflict = Literal["wait", "adopt", "fail"]
OnClear = Literal["fresh", "adopt"]


@dataclass(frozen=True, slots=True)
class SubmissionPolicy:
    """How a task submits its operation.

    :param timeout: seconds in all, above 0, counted from the start of the task.
    :param poll_interval: seconds between two requests while a resource is busy, above 0.
    :param is_deferrable: whether the task waits for a busy resource in the triggerer.
    :param tolerance: seconds of unbroken transient errors after which to give up, above 0; ``None`` for no such end.
    :param on_conflict: what to do while something keeps the resource busy: ``wait``, ``adopt`` or ``fail``.
    :param if_exists: what to do with a running or good operation that has the author's name: submit a ``new`` one,
        ``adopt`` it or ``fail``.
    :param on_clear: whether a cleared task starts a ``fresh`` operation or may ``adopt`` what it had before.
    :param retry_failed: whether a retry starts another operation after a failed one.
    """

    timeout: float
    poll_interval: float
    is_deferrable: bool = False
    tolerance: float | None = None
    on_conflict: OnConflict = "wait"
    if_exists: IfExists = "new"
    on_clear: OnClear = "fresh"
    retry_failed: bool = True

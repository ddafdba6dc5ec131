"""The arguments of a task that control how it submits its operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IfExists = Literal["new", "adopt", "fail"]
OnConflict = Literal["wait", "adopt", "fail"]
OnClear = Literal["fresh", "adopt"]
OnUncertain = Literal["fail", "repeat"]


@dataclass(frozen=True, slots=True)
class SubmissionPolicy:
    """How a task submits its operation.

    :param timeout: timeout in seconds, above 0, counted from the start of the task.
    :param poll_interval: seconds between two requests while a resource is busy, above 0.
    :param is_deferrable: whether the task waits for a busy resource in the triggerer.
    :param tolerance: seconds of consecutive transient errors after which to give up, above 0; ``None`` for no limit.
    :param on_conflict: what to do while another operation keeps the resource busy: ``wait``, ``adopt`` or ``fail``.
    :param if_exists: what to do with a running or successful operation that has the requested name: submit a ``new``
        one, ``adopt`` it or ``fail``.
    :param on_clear: whether a cleared task starts a ``fresh`` operation or may ``adopt`` what it had before.
    :param retry_failed: whether a retry starts another operation after a failed one.
    :param on_uncertain: what to do when an earlier try may have submitted a destructive operation, and nothing proves
        what became of it: ``fail``, or ``repeat`` it.
    """

    timeout: float
    poll_interval: float
    is_deferrable: bool = False
    tolerance: float | None = None
    on_conflict: OnConflict = "wait"
    if_exists: IfExists = "new"
    on_clear: OnClear = "fresh"
    retry_failed: bool = True
    on_uncertain: OnUncertain = "fail"

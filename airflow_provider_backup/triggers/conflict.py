"""The trigger of tasks whose resource is busy with an operation that the service does not show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.limits import task_limits


class ConflictTrigger(BaseTrigger):
    """Wait in the triggerer until it is worth to submit again; the cloud decides whether the resource is free.

    The constructor only stores: one that raises would end the triggerer for all tasks. The event is
    ``{"outcome": "over"}``.

    :param wake_at: when to end, seconds since the epoch.
    """

    def __init__(self, wake_at: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.wake_at = wake_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments of the constructor."""
        return ("airflow_provider_backup.triggers.conflict.ConflictTrigger", {"wake_at": self.wake_at})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then fire one event."""
        await current_clock().sleep(max(task_limits().earliest_event, self.wake_at - current_clock().time()))
        yield TriggerEvent({"outcome": "over"})  # type: ignore[no-untyped-call,unused-ignore]

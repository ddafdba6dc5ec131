"""A trigger that only sleeps: what 1,000 deferred tasks cost the triggerer in any case."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


class SleepingTrigger(BaseTrigger):
    """Sleeps until a moment.

    :param moment: seconds since the epoch.
    """

    def __init__(self, moment: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.moment = moment

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the argument."""
        return "sleeping_trigger.SleepingTrigger", {"moment": self.moment}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep, then fire."""
        await asyncio.sleep(self.moment - time.time())
        yield TriggerEvent({"moment": self.moment})  # type: ignore[no-untyped-call]

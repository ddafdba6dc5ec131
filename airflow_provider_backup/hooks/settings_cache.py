"""Cache of connection settings: triggers that start at about the same time read a connection once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.limits import task_limits

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.settings import CloudSettings


@dataclass(slots=True)
class _Recent:
    settings: CloudSettings | None = None
    read_at: float = 0.0
    is_read_after_refusal: bool = False
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def settings_since(self, not_older_than: float) -> CloudSettings | None:
        """Return the settings if they are recent enough."""
        limits = task_limits()
        oldest = not_older_than - limits.same_rejection if self.is_read_after_refusal else not_older_than
        is_old = self.read_at < max(oldest, current_clock().monotonic() - limits.connection_memory)
        return None if is_old else self.settings


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, _Recent]] = WeakKeyDictionary()


async def recent_settings(
    key: object, read: Callable[[], Awaitable[CloudSettings]], *, not_older_than: float = 0.0
) -> CloudSettings:
    """Return the settings that were read in this event loop some seconds ago, or read them.

    :param key: what the settings belong to: connection, region and project.
    :param read: reads the connection; if it fails, the next caller tries again.
    :param not_older_than: settings that were read before this time on the monotonic clock are ignored.
    """
    of_loop = _by_loop.setdefault(asyncio.get_running_loop(), {})
    recent = of_loop.get(key) or of_loop.setdefault(key, _Recent())
    # Without the lock, unless newer settings are being read: thousands of triggers may start together.
    if not recent.reading.locked() and (settings := recent.settings_since(not_older_than)) is not None:
        return settings
    async with recent.reading:
        # Another caller may have read them meanwhile.
        settings = recent.settings_since(not_older_than)
        if settings is None:
            settings = recent.settings = await read()
            recent.read_at = current_clock().monotonic()
            recent.is_read_after_refusal = not_older_than > 0
    return settings

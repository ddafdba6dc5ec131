"""A local cloud in a thread of its own, for tests: it serves blocking code and code with loops of its own alike."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any, Self

from airflow_provider_backup.emulator.server import LocalCloud
from airflow_provider_backup.emulator.state import CloudState


class RunningCloud:
    """A local cloud on free ports; use it as a context manager.

    :param backup_seconds: how long a backup takes, in seconds, 0 or more.
    """

    def __init__(self, backup_seconds: float = 0.2) -> None:
        self._cloud = LocalCloud(port=0, backup_seconds=backup_seconds)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local-cloud", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._cloud.start(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._cloud.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def state(self) -> CloudState:
        """What the cloud knows: tables, clock, durations."""
        return self._cloud.state

    @property
    def auth_url(self) -> str:
        """The URL of the identity service, ending in ``/v3``."""
        return self.url("iam") + "/v3"

    def url(self, service: str) -> str:
        """Return the base URL of a service, without version.

        :param service: ``iam``, ``vbs``, ``csbs``, ``cbr``, ``rds``, ``gaussdb`` or ``taurusdb``.
        """
        return self._cloud.url(service)

    def describe(self) -> dict[str, Any]:
        """Return what the command prints when it is ready: URLs, project, credentials, ids of the seeded resources."""
        return self._cloud.describe()

    def fail_next_backup(self, service: str, reason: str) -> None:
        """Let the next backup of a service end failed.

        :param service: name of the service.
        :param reason: what the service will say.
        """
        self.state.plan_failure(service, reason)

    def set_backup_seconds(self, seconds: float) -> None:
        """Set how long backups take that start from now on.

        :param seconds: 0 or more.
        """
        self.state.backup_seconds = seconds

    def revoke_tokens(self) -> None:
        """Let every token die now, as a changed password does."""
        self._cloud.accounts.revoke_all_tokens()

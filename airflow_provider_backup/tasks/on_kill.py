"""Handling of ``on_kill`` on a worker: keep or delete the backup of the task."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.limits import task_limits

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

NOT_KNOWN = "a backup that was perhaps just requested"

Finder = Callable[["BackupCloud"], Awaitable[OperationReference | None]]


class KillHandler:
    """Tracks the backup of a running task, and keeps or deletes it if the task is killed.

    :param task_instance: the running task.
    :param poll_interval: poll interval in seconds, above 0.
    :param timeout: seconds that the backup may take, above 0.
    :param find: finds the backup whose request has no answer yet; ``None`` if the result would be uncertain.
    """

    def __init__(
        self,
        task_instance: Any,
        *,
        poll_interval: float,
        timeout: float,
        find: Finder | None = None,
    ) -> None:
        self._task_instance = task_instance
        self._poll_interval = poll_interval
        self._timeout = timeout
        self._reference: OperationReference | None = None
        self._find = find
        self._is_foreign = False

    def track(self, reference: OperationReference, *, is_own: bool) -> None:
        """Remember the backup.

        :param reference: the backup.
        :param is_own: whether it certainly belongs to this task instance; any other one is never deleted.
        """
        self._reference = reference
        self._is_foreign = not is_own

    @property
    def is_own(self) -> bool:
        """Whether the backup is known and certainly belongs to this task instance."""
        return self._reference is not None and not self._is_foreign

    def on_kill(self, hook: BackupCloudHook, log: Any, *, delete: bool) -> None:
        """Keep or delete the backup when the worker ends the task; may be called in a signal handler.

        :param hook: the account.
        :param log: logger for what is done with the backup.
        :param delete: whether to delete the backup if a user ended the task.
        """
        from airflow_provider_backup.triggers.cancellation import LEFT_ALONE

        if not delete or self._is_foreign:
            log.info(LEFT_ALONE, self._reference or NOT_KNOWN)
            return
        # In a new thread, because the event loop of this one is busy. This one waits, so that it neither continues the
        # task (Airflow 3) nor ends the process (2.11) meanwhile.
        thread = threading.Thread(target=self._delete, args=(hook, log), name="on_kill", daemon=True)
        thread.start()
        thread.join(task_limits().longest_on_kill)
        if thread.is_alive():
            log.warning("There is no more time to delete %s; it is kept.", self._reference or NOT_KNOWN)

    def _delete(self, hook: BackupCloudHook, log: Any) -> None:
        from airflow_provider_backup.triggers.cancellation import LEFT_ALONE, KilledTaskCleanup

        end = KilledTaskCleanup(
            self._task_instance,
            poll_interval=self._poll_interval,
            deadline=current_clock().time() + self._timeout,
            started_at=current_clock().time(),
            log=log,
        )

        async def delete(cloud: BackupCloud) -> None:
            reference = self._reference
            if reference is None and self._find and await end.is_certain():
                with time_limit(task_limits().longest_on_kill):
                    reference = await self._find(cloud)
            if reference is None:
                log.warning(LEFT_ALONE, NOT_KNOWN)
            else:
                await end.delete(cloud, reference)

        try:
            hook.run_in_cloud(delete)
        except Exception:
            # Airflow ignores errors of on_kill, so that only the log shows it.
            log.exception("%s could not be deleted and is kept, because of an error.", self._reference)

"""Clean up after a killed task: keep its backup, or delete it if ``delete_on_kill`` is set.

Airflow calls ``on_kill`` and cancels triggers in many more cases than a user ending a task: a clear, a shutdown of the
worker or triggerer, a trigger moved to another triggerer. So the state of the task decides, and the backup is kept
whenever that is uncertain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError, NotFoundError, ResourceBusyError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.time_limit import time_left, time_limit
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.version_compat import state_of

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

ENDED_STATES = frozenset({"failed", "skipped"})
"""States of a task that a user, or the timeout of its DAG run, ended.

``success`` is not among them: a user who marks a task as a success wants its backup, and a triggerer that was paused
finds the tasks whose triggers it lost in that state. Neither is ``removed``: no user ended that task.
"""

LEFT_ALONE = "The task was killed or interrupted; %s is left alone."

CONTINUES = "The task was killed or interrupted; the %s continues in the cloud."


class KilledTaskCleanup:
    """A task that is being killed, and the deletion of its backup.

    :param task_instance: the task, with ``dag_id``, ``run_id``, ``task_id`` and ``map_index``; ``None`` if Airflow does
        not provide it: then the backup is kept.
    :param poll_interval: poll interval in seconds, above 0.
    :param deadline: when to give up, seconds since the epoch: the deadline of the wait that was ended.
    :param started_at: when the backup was started, seconds since the epoch; ``None`` if unknown.
    :param log: logger for what is done with the backup.
    """

    def __init__(
        self,
        task_instance: Any,
        *,
        poll_interval: float,
        deadline: float,
        started_at: float | None,
        log: Any,
    ) -> None:
        self._task_instance = task_instance
        self._poll_interval = poll_interval
        self._deadline = deadline
        self._started_at = started_at
        self._log = log

    async def is_certain(self) -> bool:
        """Return whether the task was ended by a user or by the timeout of its DAG run."""
        if self._task_instance is None:
            return False
        try:
            state = await sync_to_async(state_of)(self._task_instance)
        except Exception as error:  # whatever the cause, the state is not confirmed
            self._log.warning("The state of the task could not be read: %r", error)
            return False
        self._log.info("The state of the task is %s.", state)
        return state in ENDED_STATES

    async def delete(self, cloud: BackupCloud, reference: OperationReference) -> None:
        """Delete the backup of the killed task, after waiting for a backup in progress, as services require.

        The state of the task is confirmed before each deletion request. The backup is kept if the wait for it had ended
        already, or if it was found failed or partial before: then the task may have failed because of that.

        :param cloud: the open client.
        :param reference: the task's own backup.
        """
        try:
            with time_limit(self._deadline - current_clock().time()):
                deleted = await self._delete(cloud, reference)
        except NotFoundError:
            self._log.info("%s is deleted already.", reference)
            return
        except BackupError as error:
            self._log.error("%s could not be deleted and is kept: %s", reference, error)
            return
        if deleted is None:
            self._log.warning(LEFT_ALONE, reference)
            return
        parts = "; ".join(map(str, deleted.parts)) or "it contains no backup"
        self._log.warning("The task was ended by a user; requested the deletion of %s: %s.", reference, parts)

    async def _delete(self, cloud: BackupCloud, reference: OperationReference) -> OperationState | None:
        if current_clock().time() >= self._deadline or not await self.is_certain():
            return None
        service = cloud.service(reference.service)
        seen = await self._look(cloud, reference)
        if seen is None or seen.phase is Phase.IN_PROGRESS:
            seen = await self._wait_until_terminal(cloud, reference)
        elif seen.phase is Phase.FAILED or seen.skipped:
            return None
        trouble = TransientErrorLog(self._log, f"{reference} can be deleted")
        while await self.is_certain():
            try:
                await service.delete_backup(seen.reference)
            except BackupError as error:
                is_worth_another_try = (is_passing(error) and time_left() > 0) or isinstance(error, ResourceBusyError)
                if not is_worth_another_try or current_clock().time() + self._poll_interval >= self._deadline:
                    raise
                trouble.failed("%s cannot be deleted yet, retrying: %s", reference, error)
                await current_clock().sleep(self._poll_interval)
            else:
                return seen
        return None

    async def _look(self, cloud: BackupCloud, reference: OperationReference) -> OperationState | None:
        try:
            return await cloud.service(reference.service).observe(reference)
        except BackupError:
            # Too new, or a transient error: the waiter handles both.
            return None

    async def _wait_until_terminal(self, cloud: BackupCloud, reference: OperationReference) -> OperationState:
        from airflow_provider_backup.cloud.polling.wait import wait_until_terminal

        self._log.info("%s is still running; it is deleted when it ends, if this process still runs then.", reference)
        return await wait_until_terminal(
            cloud,
            reference,
            poll_interval=self._poll_interval,
            deadline=self._deadline,
            started_at=self._started_at,
        )

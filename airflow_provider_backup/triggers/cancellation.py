"""What becomes of a backup whose task is ended from outside: it stays, or, when the author asked for it, it is deleted.

Airflow tells operators and triggers of far more than a user who ended a task: of clears, of workers and triggerers that
shut down, and of triggers that another triggerer took over. So the state of the task decides, and whatever is not
certain leaves the backup alone.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async

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

``success`` is none of them: who marks a task as a success wants its backup, and a triggerer that was paused finds the
tasks whose triggers it lost in that state. Neither is ``removed``: nobody ended that task.
"""

LEFT_ALONE = "The task was ended or interrupted from outside; %s is left alone."

CONTINUES = "The task was ended or interrupted from outside; the %s continues in the cloud."


class KilledTaskCleanup:
    """A task that is being ended, and the deletion of its backup.

    :param task_instance: the task, with ``dag_id``, ``run_id``, ``task_id`` and ``map_index``; none when Airflow does
        not tell: then nothing is certain.
    :param poll_interval: seconds between two looks, above 0.
    :param deadline: when to give up, seconds since the epoch: the deadline of the wait that was ended.
    :param started_at: when the backup was started, seconds since the epoch; none when that is not known.
    :param log: where to say what becomes of the backup.
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
        """Whether a user, or the timeout of its DAG run, really ended the task."""
        if self._task_instance is None:
            return False
        try:
            state = await sync_to_async(state_of)(self._task_instance)
        except Exception as error:  # whatever keeps Airflow from answering, the answer is not yes
            self._log.warning("The state of the task could not be read: %r", error)
            return False
        self._log.info("The state of the task is %s.", state)
        return state in ENDED_STATES

    async def delete(self, cloud: BackupCloud, reference: OperationReference) -> None:
        """Delete the backup of the ended task; a backup in progress is waited for first, as services demand it.

        The state of the task is confirmed before each request for the deletion. Left alone is a backup whose wait was
        over already, or that was seen to be failed or partial before: then the task may have failed for that.

        :param cloud: the open client.
        :param reference: the task's own backup.
        """
        try:
            with time_limit(self._deadline - time.time()):
                deleted = await self._delete(cloud, reference)
        except NotFoundError:
            self._log.info("%s is gone already.", reference)
            return
        except BackupError as error:
            self._log.error("%s could not be deleted and stays: %s", reference, error)
            return
        if deleted is None:
            self._log.warning(LEFT_ALONE, reference)
            return
        parts = "; ".join(map(str, deleted.parts)) or "no backup in it"
        self._log.warning("The task was ended by a user; the deletion of %s is asked for: %s.", reference, parts)

    async def _delete(self, cloud: BackupCloud, reference: OperationReference) -> OperationState | None:
        if time.time() >= self._deadline or not await self.is_certain():
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
                if not is_worth_another_try or time.time() + self._poll_interval >= self._deadline:
                    raise
                trouble.failed("%s cannot be deleted yet: %s", reference, error)
                await asyncio.sleep(self._poll_interval)
            else:
                return seen
        return None

    async def _look(self, cloud: BackupCloud, reference: OperationReference) -> OperationState | None:
        try:
            return await cloud.service(reference.service).observe(reference)
        except BackupError:
            # Too new, or trouble: the one who waits for it can tell.
            return None

    async def _wait_until_terminal(self, cloud: BackupCloud, reference: OperationReference) -> OperationState:
        from airflow_provider_backup.cloud.polling.wait import wait_until_terminal

        self._log.info("%s is still being made; it is deleted when it is over, if this process lives.", reference)
        return await wait_until_terminal(
            cloud,
            reference,
            poll_interval=self._poll_interval,
            deadline=self._deadline,
            started_at=self._started_at,
        )

"""How tasks end that wait for a restore, the same for resources and database instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.operations.backup import BackupResult, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.exceptions import BackupFailedError, FinalBackupFailedError


class EndsWithRestore:
    """For operators that submit a restore."""

    waits_for = "restore"
    next_step_after_timeout = "Give it more time (timeout); the restore continues in the cloud, and a retry adopts it."

    if TYPE_CHECKING:
        log: Any
        retry_failed: bool

    def next_step_after_failure(self) -> str:
        """Return what the user can do about a restore that failed."""
        return (
            "Check the resource in the cloud: it may be partly overwritten. Clearing the task submits the restore "
            "again."
        )

    def finish(self, plan: dict[str, Any], observation: OperationState) -> BackupResult:
        """Return the result of a restore that succeeded.

        :param plan: the wait, from ``wait_plan``.
        :param observation: the terminal state of the restore.
        :raises BackupFailedError: the restore failed.
        """
        if observation.phase is not Phase.SUCCEEDED:
            error = BackupFailedError if self.retry_failed else FinalBackupFailedError
            raise error(observation, next_step=self.next_step_after_failure())
        self.log.info("%s", observation)
        return observation.to_result()

"""Deleting a backup, the same for every service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.backup_argument import NamesOneBackup
from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference
from airflow_provider_backup.cloud.errors import BackupError, NotFoundError
from airflow_provider_backup.cloud.life_cycle import Phase
from airflow_provider_backup.cloud.retries import is_passing
from airflow_provider_backup.cloud.trouble_log import TroubleLog
from airflow_provider_backup.exceptions import BackupFailedError, BackupTimeoutError
from airflow_provider_backup.operators.base import BackupCloudOperator, in_seconds

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class DeleteBackupOperator(NamesOneBackup, BackupCloudOperator):
    """Delete a backup; one that is gone already counts as deleted.

    :param backup: what a create operator or a sensor returned (templated); in place of the ids.
    :param backup_id: id of the backup (templated).
    :param wait_for_completion: whether the task ends only when the backup is gone; it waits on the worker.
    :param poll_interval: seconds between two looks, or a ``timedelta``, above 0.
    :param timeout: seconds to wait, or a ``timedelta``, above 0; a deletion can take half an hour.
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, "backup", "backup_id")

    def __init__(
        self,
        *,
        backup: dict[str, Any] | None = None,
        backup_id: str | None = None,
        wait_for_completion: bool = True,
        poll_interval: float | timedelta = 10.0,
        timeout: float | timedelta = 60 * 60,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backup = backup
        self.backup_id = backup_id
        self.wait_for_completion = wait_for_completion
        self.poll_interval = in_seconds(self.task_id, "poll_interval", poll_interval)
        self.timeout = in_seconds(self.task_id, "timeout", timeout)

    def perform(self, context: Any) -> dict[str, Any]:
        """Delete the backup.

        :return: the reference of the deleted backup.
        :raises ApiError: the service refuses.
        :raises BackupTimeoutError: it is still there when the time is over.
        """
        reference = self.reference()
        self.act(lambda cloud: self._delete(cloud, reference))
        return reference.to_dict()

    async def _delete(self, cloud: BackupCloud, reference: BackupReference) -> None:
        service = cloud.service(reference.service)
        deadline = time.monotonic() + self.timeout
        try:
            before = await service.observe(reference) if self.wait_for_completion else None
        except NotFoundError:
            before = None
        await service.delete_backup(reference)
        self.log.info("The deletion of %s is asked for.", reference)
        if before is None:
            return
        was_failed = before.phase is Phase.FAILED
        # The single backups, because a failed job or checkpoint stays failed when its backups are gone.
        for backup_id in before.backup_ids:
            backup = replace(reference, backup_id=backup_id, kind="backup")
            await self._wait_until_gone(cloud, backup, deadline, was_failed=was_failed)

    async def _wait_until_gone(
        self, cloud: BackupCloud, backup: BackupReference, deadline: float, *, was_failed: bool
    ) -> None:
        observation: BackupObservation | None = None
        trouble = TroubleLog(self.log, f"{backup} is seen again")
        while True:
            try:
                observation = await cloud.service(backup.service).observe(backup)
            except NotFoundError:
                self.log.info("%s is gone.", backup)
                return
            except BackupError as error:
                if not is_passing(error):
                    raise
                trouble.met("%s could not be seen, asking again: %s", backup, error)
            else:
                trouble.over()
            if observation is not None and observation.phase is Phase.GONE:
                return
            if observation is not None and observation.phase is Phase.FAILED and not was_failed:
                raise BackupFailedError(observation)
            if time.monotonic() >= deadline:
                raise BackupTimeoutError(
                    f"The time is over and {observation or f'{backup} was never seen'}.",
                    next_step="Give it more time (timeout).",
                )
            await asyncio.sleep(self.poll_interval)


class CheckpointDeleteBackupOperator(DeleteBackupOperator):
    """Delete a checkpoint with all its backups, or one backup in it.

    :param checkpoint_id: id of the checkpoint, in place of ``backup_id`` (templated).
    """

    template_fields: Sequence[str] = (*DeleteBackupOperator.template_fields, "checkpoint_id")

    def __init__(self, *, checkpoint_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checkpoint_id = checkpoint_id
        self.check_names_while_parsing()

    def ids(self) -> dict[str, str | None]:
        """Return the ids that name the backup, by kind."""
        return {"backup": self.backup_id, "checkpoint": self.checkpoint_id}

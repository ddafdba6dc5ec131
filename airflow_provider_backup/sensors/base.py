"""Waiting for a backup that another task or user started, in poke, reschedule and deferrable mode alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.sensors.waiting import WaitingSensor
from airflow_provider_backup.tasks.deferral import DeferrableWaitMixin, wait_plan
from airflow_provider_backup.tasks.reference_arguments import BackupReferenceMixin

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState


class BackupSensor(DeferrableWaitMixin, BackupReferenceMixin, WaitingSensor):
    """Wait until a backup has succeeded; a failed one fails the task at once.

    The other arguments are those of :class:`~airflow_provider_backup.sensors.waiting.WaitingSensor`.

    :param backup: the result of a create operator (templated). Mutually exclusive with the ids.
    :param backup_id: id of the backup (templated).
    :param fail_on_skipped: whether a backup that omitted resources counts as failed.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "backup", "backup_id")

    def __init__(
        self,
        *,
        backup: dict[str, Any] | None = None,
        backup_id: str | None = None,
        fail_on_skipped: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backup = backup
        self.backup_id = backup_id
        self.fail_on_skipped = fail_on_skipped

    def subject(self) -> OperationReference:
        """Return the backup."""
        return self.reference()

    def plan(self, subject: OperationReference, poll_interval: float, deadline: float) -> dict[str, Any]:
        """Return what the wait needs to know while it is deferred, as plain JSON."""
        return wait_plan(subject, poll_interval, deadline)

    def text_while_waiting(self, seen: OperationState) -> str:
        """Return how the backup stands."""
        return str(seen)

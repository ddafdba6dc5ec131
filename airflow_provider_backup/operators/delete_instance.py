"""Deleting a database instance, the same for RDS, GaussDB and TaurusDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.databases.instance_deletion import InstanceDeletion, InstanceDeletionRequest
from airflow_provider_backup.exceptions import InstanceMissingError
from airflow_provider_backup.operators.deletion import DeletionOperator

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService


class DatabaseDeleteInstanceOperator(DeletionOperator):
    """Delete a database instance with its data, and wait until it is gone (databases section 11.1).

    Its standby, read replicas and automatic backups go along; manual backups stay. RDS takes a last backup first, which
    is waited for. The instance is read before, and nothing is sent unless ``confirm_name`` fits it. If the task ends
    early, the deletion continues in the cloud.

    :param instance_id: id of the instance (templated).
    :param confirm_name: the name of the instance, so that a wrong id deletes nothing; or ``rehearsal-``, for an
        instance whose name begins with that, as those of rehearsals do (templated).
    :param wait_for_completion: whether the task waits until the instance is gone; otherwise it ends after the request.
    :param deferrable: whether to wait in the triggerer, also for a busy instance; ``None`` follows
        ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0, counted from the start of each try. It includes the
        wait for a busy instance. The deletion continues in the cloud after it.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while another operation keeps the instance busy, such as a backup:

        * ``wait``: request the deletion again when that may be over, until ``timeout``. An instance that is gone by
          then counts as deleted: what kept it busy may be its deletion.
        * ``adopt``: the same, as an instance does not show that it is being deleted.
        * ``fail``: fail the task (retryable).
    :param if_missing: what to do if the service has no such instance. In both cases it counts as deleted on a retry, if
        an earlier try saw it (Airflow 3.3 and later). Other errors always fail the task.

        * ``fail``: fail the task.
        * ``ignore``: count the instance as deleted.
    """

    template_fields: Sequence[str] = (*DeletionOperator.template_fields, "instance_id", "confirm_name")
    waits_for = InstanceDeletion.name
    missing_error = InstanceMissingError
    records_submission = True
    service_name: ClassVar[str]

    def __init__(self, *, instance_id: str, confirm_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id
        self.confirm_name = confirm_name

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: an id or a name is empty or missing, whatever the templates become.
        """
        super().check_arguments()
        self.check_while_parsing(self.request)

    def target(self) -> OperationReference:
        """Return the instance that the arguments name."""
        return OperationReference(self.service_name, "", instance_id=self.instance_id)

    def request(self) -> InstanceDeletionRequest:
        """Build the request of the deletion from the arguments."""
        values = {"instance_id": self.instance_id, "confirm_name": self.confirm_name}
        return validated(InstanceDeletionRequest, f"Deletion of a {self.service_name} instance", values)

    def operation_of(self, cloud: BackupCloud) -> InstanceDeletion:
        """Return the deletion of an instance."""
        service: DatabaseService = getattr(cloud, self.service_name)
        return service.instance_deletion

    def names_of(self, before: OperationState) -> tuple[str, ...]:
        """Return the instance with its name."""
        return (f"{before.reference} {before.name!r}",)

    def result_of(self, target: OperationReference) -> dict[str, Any]:
        """Return service, instance and job; ``None`` for a job that is not known."""
        return {"service": target.service, "instance_id": target.instance_id, "job_id": target.job_id}

"""The deletion of a database instance as a long-running operation (databases sections 10 and 11.1).

Two kinds of evidence must agree before it counts as done: the instance is not listed any more, and its job is not in
progress, or not told by this cloud. The status of the instance proves nothing: it stays ``ACTIVE``, or is ``BACKING
UP`` while RDS takes a last backup.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Protocol

from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError, Violation
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.deletion import DELETED
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.services.databases.conflicts import InstanceInUse, what_runs
from airflow_provider_backup.cloud.services.databases.models import Instance, Job
from airflow_provider_backup.cloud.services.databases.rehearsals import REHEARSAL_PREFIX

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.jobs import Jobs

_NO_REASON = "the service gives no reason; its console and the instance's events may"


class InstanceService(InstanceInUse, Protocol):
    """A service whose instances can be deleted."""

    jobs: Jobs


class InstanceDeletionRequest(RequestModel):
    """An instance to delete.

    :param instance_id: the instance.
    :param confirm_name: its name; or ``rehearsal-``, for an instance whose name begins with that.
    """

    instance_id: Identifier
    confirm_name: Identifier

    def confirms(self, name: str) -> bool:
        """Return whether the instance of this name is meant.

        :param name: the name that the service shows.
        """
        return self.confirm_name == name or (
            self.confirm_name == REHEARSAL_PREFIX and name.startswith(REHEARSAL_PREFIX)
        )


class InstanceDeletion:
    """Delete an instance with its standby, read replicas and automatic backups; manual ones stay.

    :param service: the open client of the service.
    """

    name: ClassVar[str] = "instance_deletion"
    # The id of an instance is never used again: a second request cannot delete another one.
    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False, is_destructive=True, is_idempotent=True)

    def __init__(self, service: InstanceService) -> None:
        self._service = service
        self._before: OperationState | None = None
        # No list of instances shows that a deletion has failed.
        self.lists = BackupLists(reads=lambda reference: 2 if reference.job_id else 1)

    def subject(self, request: InstanceDeletionRequest) -> str:
        """Return which instance is deleted."""
        return f"instance_id {request.instance_id}"

    def name_in(self, request: InstanceDeletionRequest) -> str | None:
        """Return ``None``: a deletion carries no name."""
        return None

    async def prepare(self, request: InstanceDeletionRequest) -> None:
        """Read the instance and check that it is the one that is meant; it is :attr:`before` from then on.

        :param request: the instance.
        :raises NotFoundError: there is no such instance.
        :raises InvalidRequestError: it has another name.
        """
        instance = await self._service.instances.get(request.instance_id)
        if not request.confirms(instance.name):
            rule = (
                f"must be the name of the instance, which is {instance.name!r}; or {REHEARSAL_PREFIX!r}, if its name "
                "begins with that"
            )
            violation = Violation("confirm_name", rule, request.confirm_name)
            raise InvalidRequestError(f"Deletion of {self._service.name} instance {request.instance_id}", [violation])
        reference = OperationReference(self._service.name, "", instance_id=request.instance_id)
        self._before = _state(reference, instance, None, instance.status, Phase.SUCCEEDED)

    @property
    def before(self) -> OperationState:
        """How the instance stood before its deletion was submitted; known after :meth:`prepare`."""
        if self._before is None:
            raise AssertionError("prepare comes first")
        return self._before

    def reference_to(self, before: OperationState) -> OperationReference:
        """Return the reference of the deletion of an instance whose job is not known."""
        return self._reference(before.reference.instance_id or "")

    async def submit(self, request: InstanceDeletionRequest) -> OperationReference:
        """Submit the deletion.

        :param request: the instance.
        :raises NotFoundError: there is no such instance (any more).
        :raises ResourceBusyError: another operation runs on it; that may be its deletion.
        """
        return self._reference(request.instance_id, await self._service.instances.delete(request.instance_id))

    async def find(
        self,
        request: InstanceDeletionRequest,
        *,
        since: datetime | None = None,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return ``None``: an instance does not show that it is being deleted."""
        return None

    async def find_running(self, request: InstanceDeletionRequest) -> OperationReference | None:
        """Return ``None``, see :meth:`find`."""
        return None

    async def find_conflict(self, request: InstanceDeletionRequest) -> OperationReference | None:
        """Look for the backup of the instance that is being made, or the restore to it."""
        return await what_runs(self._service, request.instance_id)

    async def is_running(self, reference: OperationReference) -> bool:
        """Return whether the job of a deletion is known and has not ended.

        :param reference: of a deletion.
        """
        job = await self._service.jobs.find(reference.job_id)
        return job is not None and job.phase is Phase.IN_PROGRESS

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the job of a deletion, if it is known, and the instance.

        :param reference: of a deletion.
        """
        job = await self._service.jobs.find(reference.job_id)
        if job is not None and job.phase is Phase.IN_PROGRESS:
            return _state(reference, None, job, job.status, Phase.IN_PROGRESS)
        try:
            instance = await self._service.instances.get(reference.instance_id or "")
        except NotFoundError:
            return _state(reference, None, job, DELETED, Phase.SUCCEEDED)
        has_failed = job is not None and job.phase is Phase.FAILED
        return _state(reference, instance, job, instance.status, Phase.FAILED if has_failed else Phase.IN_PROGRESS)

    def _reference(self, instance_id: str, job_id: str | None = None) -> OperationReference:
        return OperationReference(
            self._service.name, "", instance_id=instance_id, job_id=job_id, operation=InstanceDeletion.name
        )


def _state(
    reference: OperationReference, instance: Instance | None, job: Job | None, status: str, phase: Phase
) -> OperationState:
    name = instance.name if instance else job.instance.name if job and job.instance else ""
    return OperationState(
        reference,
        status,
        phase,
        name=name or None,
        reason=(job.fail_reason if job else "") or _NO_REASON if phase is Phase.FAILED else None,
        progress=job.progress if job else None,
        resource_ids=(reference.instance_id,) if reference.instance_id else (),
        created_at=job.created if job else None,
        finished_at=job.ended if job and phase.is_terminal else None,
    )

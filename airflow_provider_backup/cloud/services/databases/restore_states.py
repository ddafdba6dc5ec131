"""How the restore of a database instance stands (databases sections 8.3 and 10).

Two kinds of evidence must agree before a restore counts as good. The job must be completed, or unknown to this cloud:
not every cloud tells the jobs of restores, and a new one is visible only after some seconds. And the instance must be
ready *after* it was seen being restored: it is ``ACTIVE`` in the first moments after the request, too. A triggerer that
starts while a restore ends has not seen it; then a bounded time replaces that, counted from the end of the job, or from
the submission where no job is known.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.cloud.operations.backup import (
    BackupResult,
    OperationReference,
    OperationState,
    SingleBackup,
)
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.databases.instance_states import is_restoring, phase_of_instance
from airflow_provider_backup.cloud.services.databases.models import Instance, Job
from airflow_provider_backup.cloud.text import one_line

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.instances import Instances
    from airflow_provider_backup.cloud.services.databases.jobs import Jobs

log = logging.getLogger(__name__)

NOT_BEGUN = "not restoring yet"
"""Status of a restore whose instance is ready, but was not seen being restored."""

_NO_REASON = "the service gives no reason; its console and the instance's events may"


class RestoreSourceResult(TypedDict):
    """What was restored.

    :param instance_id: the instance that was backed up, when known.
    :param backup_id: the backup; ``None`` for the state at a moment.
    :param restore_time: the moment, ISO 8601 in UTC; ``None`` for a backup, and for ``latest`` when the task adopted
        what an earlier try submitted without a record.
    """

    instance_id: str | None
    backup_id: str | None
    restore_time: str | None


class RestoreResult(BackupResult):
    """What operators return that restore a database instance: the usual dict, and what a next task needs to connect.

    ``instance_id`` is the instance that was restored or created; ``resource_ids`` and ``expected_ids`` name the same.
    ``backup_id`` is empty for the state at a moment; ``created_at`` and ``began_at`` are the same time.
    ``backup_first`` is the backup that was taken before an instance was overwritten, if one was asked for.
    """

    operation: str
    source: RestoreSourceResult
    instance_name: str | None
    is_new: bool
    began_at: str | None
    host: str | None
    port: int | None
    backup_first: BackupResult | None


@dataclass(frozen=True, slots=True)
class RestoreState(OperationState):
    """How the restore of a database instance stood when the service was asked.

    :param instance_name: name of the instance, when known.
    :param host: its address, when known.
    :param port: its port, when known.
    """

    instance_name: str | None = None
    host: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        progress = f", {self.progress} %" if self.progress is not None and self.phase is Phase.IN_PROGRESS else ""
        named = f" {self.instance_name!r}" if self.instance_name else ""
        return one_line(f"{self.reference}: instance{named} is {self.status} ({self.phase.value}{progress})")

    def to_result(self) -> RestoreResult:
        """Return the small dict that goes into XCom."""
        reference = self.reference
        usual = OperationState.to_result(self)
        return RestoreResult(
            **usual,
            operation=reference.operation,
            source=RestoreSourceResult(
                instance_id=reference.source_instance_id,
                backup_id=reference.backup_id or None,
                restore_time=reference.restore_time,
            ),
            instance_name=self.instance_name,
            is_new=reference.is_new,
            began_at=usual["created_at"],
            host=self.host,
            port=self.port,
            backup_first=None,
        )


class RestoreObserver:
    """Reads how restores stand.

    :param instances: the instances of the project.
    :param jobs: the jobs of the project.
    :param clock: the cloud's clock.
    """

    def __init__(self, instances: Instances, jobs: Jobs, clock: CloudClock) -> None:
        self._instances = instances
        self._jobs = jobs
        self._clock = clock

    async def observe(self, reference: OperationReference) -> RestoreState:
        """Read the job of a restore, if it is known, and the instance.

        :param reference: of a restore. That of the returned state remembers whether the instance was being restored.
        :raises NotFoundError: there is no such instance (yet, or any more).
        """
        # In this order: an instance that is ready after its job was completed is ready because of it.
        job = await self._jobs.find(reference.job_id)
        try:
            instance = await self._instances.get(reference.instance_id or "")
        except NotFoundError:
            if job is None or job.phase is not Phase.FAILED:
                raise
            # The service may remove what it could not create.
            instance = Instance(id=reference.instance_id or "", status=job.status)
        reference = replace(reference, was_restoring=reference.was_restoring or is_restoring(instance))
        status, phase, reason = self._outcome(reference, job, instance)
        submitted_at = datetime.fromisoformat(reference.submitted_at) if reference.submitted_at else None
        began = (job.created if job else None) or (instance.created if reference.is_new else None) or submitted_at
        ended = (job.ended if job else None) or self._clock.now()
        instance_id = reference.instance_id or instance.id
        return RestoreState(
            reference,
            status,
            phase,
            name=instance.name or None,
            reason=reason,
            progress=job.progress if job and phase is Phase.IN_PROGRESS else None,
            backup_ids=(reference.backup_id,) if reference.backup_id else (),
            resource_ids=(instance_id,),
            created_at=began,
            finished_at=ended if phase.is_terminal else None,
            parts=(SingleBackup(reference.backup_id, None, instance_id, instance.name or None),),
            instance_name=instance.name or None,
            host=next(iter([*instance.private_ips, *instance.public_ips]), None),
            port=instance.port,
        )

    def _outcome(
        self, reference: OperationReference, job: Job | None, instance: Instance
    ) -> tuple[str, Phase, str | None]:
        status, phase = instance.status, phase_of_instance(instance)
        if job is not None and job.phase is Phase.FAILED:
            return status or job.status, Phase.FAILED, job.fail_reason or _NO_REASON
        if job is not None and job.phase is Phase.IN_PROGRESS:
            return status, Phase.IN_PROGRESS, None
        if phase is Phase.FAILED:
            return status, Phase.FAILED, _NO_REASON
        if phase is Phase.SUCCEEDED and not reference.is_new and not self._has_ended(reference, job):
            return NOT_BEGUN, Phase.IN_PROGRESS, None
        return status, phase, None

    def _has_ended(self, reference: OperationReference, job: Job | None) -> bool:
        """Return whether a restore in place is over whose instance is ready."""
        if reference.was_restoring:
            return True
        limits = current_limits()
        submitted_at = datetime.fromisoformat(reference.submitted_at) if reference.submitted_at else EARLIEST
        if job is not None and job.ended is not None:
            return self._clock.now() - job.ended >= timedelta(seconds=limits.longest_status_delay)
        return self._clock.now() - submitted_at >= timedelta(seconds=limits.longest_restore_start)

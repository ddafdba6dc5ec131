"""Disks with VBS: backup policies, backups and restores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.operations.policy import PolicyResult, policy_result
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.vbs.models import BackupCreate, PolicyCreate, RestoreCreate
from airflow_provider_backup.cloud.services.vbs.operations import VbsBackupOperation
from airflow_provider_backup.cloud.services.vbs.restores import VbsRestoreOperation, VbsRestoreRequest
from airflow_provider_backup.cloud.services.vbs.schedule import schedule_fields
from airflow_provider_backup.operators.base import key_value_pairs
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.create_policy import CreatePolicyOperator
from airflow_provider_backup.operators.delete_backup import DeleteBackupOperator
from airflow_provider_backup.operators.latest_backup import GetLatestBackupOperator
from airflow_provider_backup.operators.prune_backups import PruneBackupsOperator
from airflow_provider_backup.operators.restore_backup import RestoreBackupOperator
from airflow_provider_backup.tasks.freshness_targets import VolumeFreshness

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class VbsCreatePolicyOperator(CreatePolicyOperator):
    """Create a backup policy for disks: ``POST /v2/{project_id}/backuppolicy`` (VBS section 3.1).

    Give either ``policy`` or the single arguments.

    :param policy: a :class:`~airflow_provider_backup.cloud.services.vbs.models.PolicyCreate`.
    :param name: 1 to 64 letters, digits, ``_`` or ``-`` (templated).
    :param schedule: when it runs, such as ``daily at 14:00`` or ``Mon,Wed 02:00``; full hours in UTC, every 1 to 30
        days or on days of the week (templated).
    :param time_zone: zone of the schedule: ``UTC``, ``UTC+02:00`` or ``Europe/Berlin``; ``None`` means ``UTC``
        (templated).
    :param retention_num: backups to keep per disk, 2 or more. Mutually exclusive with ``retention_day`` (templated).
    :param retention_day: days to keep a backup, 2 to 99999. Mutually exclusive with ``retention_num`` (templated).
    :param keep_first_backup_of_month: whether the first backup of the current month is kept in addition (templated).
    :param enabled: whether the schedule runs; ``None`` means ``True`` (templated).
    :param tags: at most 10 labels (templated).
    :param if_exists: ``adopt`` or ``fail``, see
        :class:`~airflow_provider_backup.operators.create_policy.CreatePolicyOperator`.
    """

    template_fields: Sequence[str] = (
        *CreatePolicyOperator.template_fields,
        "name",
        "schedule",
        "time_zone",
        "retention_num",
        "retention_day",
        "keep_first_backup_of_month",
        "enabled",
        "tags",
    )
    title = "VBS"
    model = PolicyCreate

    def __init__(
        self,
        *,
        policy: PolicyCreate | None = None,
        name: str | None = None,
        schedule: str | None = None,
        time_zone: str | None = None,
        retention_num: int | None = None,
        retention_day: int | None = None,
        keep_first_backup_of_month: bool | None = None,
        enabled: bool | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(policy=policy, **kwargs)
        self.name = name
        self.schedule = schedule
        self.time_zone = time_zone
        self.retention_num = retention_num
        self.retention_day = retention_day
        self.keep_first_backup_of_month = keep_first_backup_of_month
        self.enabled = enabled
        self.tags = tags

    def from_arguments(self, schedule: str | None, time_zone: str | None) -> PolicyCreate:
        """Build the policy from the single arguments."""
        scheduled: dict[str, Any] = {
            "retention_num": self.retention_num,
            "retention_day": self.retention_day,
            "keep_first_backup_of_month": self.keep_first_backup_of_month,
            "enabled": True if self.enabled is None else self.enabled,
        }
        offset = None
        if schedule is not None:
            fields = schedule_fields(Schedule.parse(schedule, "UTC" if time_zone is None else time_zone))._asdict()
            offset = fields.pop("time_zone")
            scheduled |= fields
        return validated(
            PolicyCreate,
            "VBS policy",
            {
                "name": self.name,
                "scheduled_policy": {key: value for key, value in scheduled.items() if value is not None},
                "time_zone": offset,
                "tags": key_value_pairs(self.tags),
            },
        )

    async def find(self, cloud: BackupCloud, name: str) -> PolicyResult | None:
        """Search the list: VBS has no filter by name."""
        async for policy in cloud.vbs.policies.list():
            if policy.name == name:
                return policy_result("vbs", policy, enabled=policy.scheduled_policy.enabled, created=False)
        return None

    async def create(self, cloud: BackupCloud, policy: PolicyCreate) -> PolicyResult:
        """Create the policy; the service answers with its id only."""
        policy_id = await cloud.vbs.policies.create(policy)
        return PolicyResult(
            service="vbs",
            policy_id=policy_id,
            name=policy.name,
            enabled=policy.scheduled_policy.enabled,
            resource_ids=[],
            created=True,
            policy={"backup_policy_id": policy_id, **policy.to_wire()},
        )


class VbsCreateBackupOperator(CreateBackupOperator):
    """Take a backup of a disk: ``POST /v2/{project_id}/cloudbackups`` (VBS section 4.1).

    The task succeeds when the backup is available. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.create_backup.CreateBackupOperator`.

    :param volume_id: id of the disk, which must be available or in use (templated).
    :param name: 1 to 64 letters, digits, ``_`` or ``-``, not beginning with ``autobk`` (templated). ``None``: generated
        from DAG, task and a key of the task instance.
    :param description: at most 64 characters without ``<`` and ``>`` (templated).
    :param snapshot_id: id of an existing snapshot of the disk to back up, instead of its present state (templated).
    :param full_backup: ``True`` for a full backup; ``None`` for an incremental one (templated).
    :param tags: at most 10 labels (templated).
    """

    operation = VbsBackupOperation

    template_fields: Sequence[str] = (
        *CreateBackupOperator.template_fields,
        "volume_id",
        "name",
        "description",
        "snapshot_id",
        "full_backup",
        "tags",
    )

    def __init__(
        self,
        *,
        volume_id: str,
        name: str | None = None,
        description: str | None = None,
        snapshot_id: str | None = None,
        full_backup: bool | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.volume_id = volume_id
        self.name = name
        self.description = description
        self.snapshot_id = snapshot_id
        self.full_backup = full_backup
        self.tags = tags

    def request(self, name: str) -> BackupCreate:
        """Build the request."""
        return validated(
            BackupCreate,
            "VBS backup",
            {
                "volume_id": self.volume_id,
                "name": name,
                "description": self.description,
                "snapshot_id": self.snapshot_id,
                "tags": key_value_pairs(self.tags),
                "extend_param": None if self.full_backup is None else {"full_backup": self.full_backup},
            },
        )

    def operation_of(self, cloud: BackupCloud) -> VbsBackupOperation:
        """Return the backup of a disk."""
        return VbsBackupOperation(cloud.vbs)


class VbsDeleteBackupOperator(DeleteBackupOperator):
    """Delete a backup of a disk (VBS section 4.5).

    The arguments are those of :class:`~airflow_provider_backup.operators.delete_backup.DeleteBackupOperator`.
    """

    service_name = "vbs"


class VbsRestoreBackupOperator(RestoreBackupOperator):
    """Overwrite a disk with a backup: ``POST /v2/{project_id}/cloudbackups/{backup_id}/restore`` (VBS section 4.2).

    The disk must be detached, and not smaller than the backup. The restore has succeeded when its job reports so and
    the status of the backup is no longer ``restoring``. The service lists no jobs: a retry can adopt a restore only by
    the record of Airflow 3.3 and later. The other arguments are those of
    :class:`~airflow_provider_backup.operators.restore_backup.RestoreBackupOperator`.

    :param job_id: id of the job that took the backup. Mutually exclusive with ``backup_id`` (templated).
    :param volume_id: id of the disk to overwrite; ``None`` for the one that was backed up (templated).
    """

    target_fields = ("volume_id",)
    template_fields: Sequence[str] = (*RestoreBackupOperator.template_fields, "job_id", *target_fields)
    service_name = "vbs"
    operation = VbsRestoreOperation

    def __init__(self, *, job_id: str | None = None, volume_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.volume_id = volume_id

    def ids(self) -> dict[str, str | None]:
        """Return the ids that name the backup, by kind."""
        return {"backup": self.backup_id, "job": self.job_id}

    def target(self) -> RestoreCreate | None:
        """Build the target of the restore; ``None`` for the disk that was backed up."""
        if self.volume_id is None:
            return None
        return validated(RestoreCreate, "VBS restore", {"volume_id": self.volume_id})

    def request(self, name: str) -> VbsRestoreRequest:
        """Build the request."""
        return VbsRestoreRequest(self.reference(), self.target())

    def operation_of(self, cloud: BackupCloud) -> VbsRestoreOperation:
        """Return the restore of a backup."""
        return cloud.vbs.restores


class VbsGetLatestBackupOperator(VolumeFreshness, GetLatestBackupOperator):
    """Return the newest good backup of a disk, or of each of several (VBS section 4.5).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.VolumeFreshness` and
    :class:`~airflow_provider_backup.operators.latest_backup.GetLatestBackupOperator`.
    """

    template_fields: Sequence[str] = (*GetLatestBackupOperator.template_fields, *VolumeFreshness.target_fields)
    service_name = "vbs"


class VbsPruneBackupsOperator(PruneBackupsOperator):
    """Delete the backups of disks that no rule keeps (VBS section 4.5).

    The backups of disks that belong to the backup of a server are left alone. No list tells that an image was made from
    a backup: then the service refuses its deletion.

    The other arguments are those of :class:`~airflow_provider_backup.operators.prune_backups.PruneBackupsOperator`.

    :param volume_ids: ids of one disk or more (templated).
    """

    template_fields: Sequence[str] = (*PruneBackupsOperator.template_fields, "volume_ids")
    service_name = "vbs"
    targets_argument = "volume_ids"

    def __init__(self, *, volume_ids: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.volume_ids = volume_ids

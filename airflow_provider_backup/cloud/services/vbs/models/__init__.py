"""The wire contract of VBS v2: every request with its rules, every answer with its mixed forms.

One file for each resource holds its requests and its answers, ``fields.py`` what several of them share.

Source: VBS sections 3 (policies), 4 (backups and jobs) and 7 (mixed forms). The misspelled names on the wire
(``rentention_num``) are the service's own; the fields here are spelled right.
"""

from __future__ import annotations

from airflow_provider_backup.cloud.services.vbs.models.associations import (
    AssociatedVolume,
    Association,
    AssociationItem,
    AssociationResult,
    DisassociatedVolume,
    Disassociation,
)
from airflow_provider_backup.cloud.services.vbs.models.backups import (
    Backup,
    BackupCreate,
    BackupOptions,
    BackupQuery,
    BackupSummary,
    BackupSummaryQuery,
    BackupTag,
    NativeBackupCreate,
    RestoreCreate,
)
from airflow_provider_backup.cloud.services.vbs.models.fields import MOST_TAGS
from airflow_provider_backup.cloud.services.vbs.models.jobs import Job, JobCreated
from airflow_provider_backup.cloud.services.vbs.models.policies import (
    Policy,
    PolicyCreate,
    PolicyCreated,
    PolicyQuery,
    PolicyTag,
    PolicyUpdate,
)
from airflow_provider_backup.cloud.services.vbs.models.policy_tasks import PolicyTask, PolicyTaskQuery
from airflow_provider_backup.cloud.services.vbs.models.scheduled_policies import (
    LONGEST_INTERVAL,
    PolicySchedule,
    ScheduledPolicy,
    ScheduledPolicyUpdate,
    Weekday,
)
from airflow_provider_backup.cloud.services.vbs.models.shares import Share

__all__ = [
    "LONGEST_INTERVAL",
    "MOST_TAGS",
    "AssociatedVolume",
    "Association",
    "AssociationItem",
    "AssociationResult",
    "Backup",
    "BackupCreate",
    "BackupOptions",
    "BackupQuery",
    "BackupSummary",
    "BackupSummaryQuery",
    "BackupTag",
    "DisassociatedVolume",
    "Disassociation",
    "Job",
    "JobCreated",
    "NativeBackupCreate",
    "Policy",
    "PolicyCreate",
    "PolicyCreated",
    "PolicyQuery",
    "PolicySchedule",
    "PolicyTag",
    "PolicyTask",
    "PolicyTaskQuery",
    "PolicyUpdate",
    "RestoreCreate",
    "ScheduledPolicy",
    "ScheduledPolicyUpdate",
    "Share",
    "Weekday",
]

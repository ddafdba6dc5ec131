"""The wire contract of CSBS v1: every request with its rules, every answer with its mixed forms.

One file for each resource holds its requests and its answers, ``fields.py`` what several of them share.

Source: CSBS sections 3 (policies), 4 (taking backups), 5 (reading backups), 6.4 (restoring), 7.2 (tags)
and 11 (mixed forms).
"""

from __future__ import annotations

from airflow_provider_backup.cloud.services.csbs.models.checkpoint_items import (
    BackupData,
    CheckpointItem,
    CheckpointItemFilter,
    CheckpointItemQuery,
    ExtendInfo,
    FailCode,
    ItemStatus,
    VolumeBackup,
)
from airflow_provider_backup.cloud.services.csbs.models.checkpoints import (
    AnyServerType,
    Checkpoint,
    CheckpointCreate,
    CheckpointParameters,
    Protectability,
    ProtectableAnswer,
    ProtectableQuestion,
    Protection,
    ProtectionPlan,
)
from airflow_provider_backup.cloud.services.csbs.models.fields import PROVIDER_ID, ProviderId
from airflow_provider_backup.cloud.services.csbs.models.policies import (
    MOST_SERVERS,
    Policy,
    PolicyCreate,
    PolicyParameters,
    PolicyQuery,
    PolicyServer,
    PolicyServerView,
    PolicyUpdate,
    ServerType,
)
from airflow_provider_backup.cloud.services.csbs.models.restores import (
    RestorableAnswer,
    RestorableQuestion,
    RestorableTarget,
    RestoreCreate,
    RestoreParameters,
    RestoreTargets,
    RestoreVolume,
)
from airflow_provider_backup.cloud.services.csbs.models.scheduled_operations import (
    OperationDefinition,
    OperationDefinitionView,
    ScheduledOperation,
    ScheduledOperationCreate,
    ScheduledOperationUpdate,
    Trigger,
    TriggerProperties,
    TriggerPropertiesView,
    TriggerView,
)
from airflow_provider_backup.cloud.services.csbs.models.tags import Tag, TagView

__all__ = [
    "MOST_SERVERS",
    "PROVIDER_ID",
    "AnyServerType",
    "BackupData",
    "Checkpoint",
    "CheckpointCreate",
    "CheckpointItem",
    "CheckpointItemFilter",
    "CheckpointItemQuery",
    "CheckpointParameters",
    "ExtendInfo",
    "FailCode",
    "ItemStatus",
    "OperationDefinition",
    "OperationDefinitionView",
    "Policy",
    "PolicyCreate",
    "PolicyParameters",
    "PolicyQuery",
    "PolicyServer",
    "PolicyServerView",
    "PolicyUpdate",
    "Protectability",
    "ProtectableAnswer",
    "ProtectableQuestion",
    "Protection",
    "ProtectionPlan",
    "ProviderId",
    "RestorableAnswer",
    "RestorableQuestion",
    "RestorableTarget",
    "RestoreCreate",
    "RestoreParameters",
    "RestoreTargets",
    "RestoreVolume",
    "ScheduledOperation",
    "ScheduledOperationCreate",
    "ScheduledOperationUpdate",
    "ServerType",
    "Tag",
    "TagView",
    "Trigger",
    "TriggerProperties",
    "TriggerPropertiesView",
    "TriggerView",
    "VolumeBackup",
]

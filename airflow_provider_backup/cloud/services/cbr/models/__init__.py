"""The wire contract of CBR v3: every request with its rules, every answer with its mixed forms.

One file for each resource holds its requests and its answers, ``fields.py`` what several of them share.

Source: CBR sections 3 (statuses), 4 (policies), 5 (vaults), 6 (checkpoints), 7 (backups), 8 (operation logs) and 17
(mixed forms).
"""

from __future__ import annotations

from airflow_provider_backup.cloud.services.cbr.models.backups import (
    Backup,
    BackupExtendInfo,
    BackupQuery,
    BackupStatus,
    Member,
)
from airflow_provider_backup.cloud.services.cbr.models.checkpoints import (
    Checkpoint,
    CheckpointCreate,
    CheckpointExtraInfo,
    CheckpointParameters,
    CheckpointResource,
    CheckpointSkippedResource,
    CheckpointVault,
)
from airflow_provider_backup.cloud.services.cbr.models.fields import OperationType, ResourceType
from airflow_provider_backup.cloud.services.cbr.models.operation_definitions import (
    AdvancedRetentionRules,
    MonthlyRetention,
    OperationDefinition,
    OperationDefinitionView,
    WeeklyRetention,
    YearlyRetention,
)
from airflow_provider_backup.cloud.services.cbr.models.operation_logs import (
    ErrorInfo,
    LogBackup,
    LogCommon,
    LogExtraInfo,
    LogOperationType,
    LogResource,
    LogRestore,
    LogStatus,
    OperationLog,
    OperationLogQuery,
)
from airflow_provider_backup.cloud.services.cbr.models.policies import (
    AssociatedVault,
    Policy,
    PolicyCreate,
    PolicyQuery,
    PolicyUpdate,
)
from airflow_provider_backup.cloud.services.cbr.models.replications import (
    BackupReplication,
    Destination,
    ReplicationCapability,
    ReplicationRecord,
    StartedBackupReplication,
    StartedReplication,
    StartedVaultReplication,
    VaultReplication,
)
from airflow_provider_backup.cloud.services.cbr.models.restores import RestoreCreate, RestoreDetails, RestoreMapping
from airflow_provider_backup.cloud.services.cbr.models.triggers import (
    Trigger,
    TriggerProperties,
    TriggerPropertiesView,
    TriggerView,
)
from airflow_provider_backup.cloud.services.cbr.models.vault_policies import (
    PolicyAssociation,
    PolicyBinding,
    PolicyDissociation,
)
from airflow_provider_backup.cloud.services.cbr.models.vault_resources import (
    MOST_RESOURCES,
    IncludedVolume,
    ResourceAddition,
    ResourceExtraInfo,
    ResourceRemoval,
    VaultResourceCreate,
    VaultResourceView,
)
from airflow_provider_backup.cloud.services.cbr.models.vaults import (
    BillingCreate,
    BillingUpdate,
    BillingView,
    BindRules,
    CloudType,
    ConsistentLevel,
    ObjectType,
    Tag,
    TagView,
    Vault,
    VaultCreate,
    VaultQuery,
    VaultStatus,
    VaultUpdate,
)

__all__ = [
    "MOST_RESOURCES",
    "AdvancedRetentionRules",
    "AssociatedVault",
    "Backup",
    "BackupExtendInfo",
    "BackupQuery",
    "BackupReplication",
    "BackupStatus",
    "BillingCreate",
    "BillingUpdate",
    "BillingView",
    "BindRules",
    "Checkpoint",
    "CheckpointCreate",
    "CheckpointExtraInfo",
    "CheckpointParameters",
    "CheckpointResource",
    "CheckpointSkippedResource",
    "CheckpointVault",
    "CloudType",
    "ConsistentLevel",
    "Destination",
    "ErrorInfo",
    "IncludedVolume",
    "LogBackup",
    "LogCommon",
    "LogExtraInfo",
    "LogOperationType",
    "LogResource",
    "LogRestore",
    "LogStatus",
    "Member",
    "MonthlyRetention",
    "ObjectType",
    "OperationDefinition",
    "OperationDefinitionView",
    "OperationLog",
    "OperationLogQuery",
    "OperationType",
    "Policy",
    "PolicyAssociation",
    "PolicyBinding",
    "PolicyCreate",
    "PolicyDissociation",
    "PolicyQuery",
    "PolicyUpdate",
    "ReplicationCapability",
    "ReplicationRecord",
    "ResourceAddition",
    "ResourceExtraInfo",
    "ResourceRemoval",
    "ResourceType",
    "RestoreCreate",
    "RestoreDetails",
    "RestoreMapping",
    "StartedBackupReplication",
    "StartedReplication",
    "StartedVaultReplication",
    "Tag",
    "TagView",
    "Trigger",
    "TriggerProperties",
    "TriggerPropertiesView",
    "TriggerView",
    "Vault",
    "VaultCreate",
    "VaultQuery",
    "VaultReplication",
    "VaultResourceCreate",
    "VaultResourceView",
    "VaultStatus",
    "VaultUpdate",
    "WeeklyRetention",
    "YearlyRetention",
]

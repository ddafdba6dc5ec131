"""Disks with VBS: backup policies, backups and restores."""

from __future__ import annotations

from airflow_provider_backup.operators.vbs.backups import (
    VbsCreateBackupOperator,
    VbsDeleteBackupOperator,
    VbsGetLatestBackupOperator,
    VbsPruneBackupsOperator,
    VbsRestoreBackupOperator,
)
from airflow_provider_backup.operators.vbs.policies import (
    VbsApplyPolicyOperator,
    VbsCreatePolicyOperator,
    VbsDeletePolicyOperator,
    VbsGetPolicyOperator,
    VbsListPoliciesOperator,
    VbsPolicyDescription,
    VbsUpdatePolicyOperator,
)

__all__ = [
    "VbsApplyPolicyOperator",
    "VbsCreateBackupOperator",
    "VbsCreatePolicyOperator",
    "VbsDeleteBackupOperator",
    "VbsDeletePolicyOperator",
    "VbsGetLatestBackupOperator",
    "VbsGetPolicyOperator",
    "VbsListPoliciesOperator",
    "VbsPolicyDescription",
    "VbsPruneBackupsOperator",
    "VbsRestoreBackupOperator",
    "VbsUpdatePolicyOperator",
]

"""Servers with CSBS: backup policies, their execution, backups and restores."""

from __future__ import annotations

from airflow_provider_backup.operators.csbs.backups import (
    CsbsCreateBackupOperator,
    CsbsDeleteBackupOperator,
    CsbsExecutePolicyOperator,
    CsbsGetLatestBackupOperator,
    CsbsPruneBackupsOperator,
    CsbsRestoreBackupOperator,
)
from airflow_provider_backup.operators.csbs.policies import (
    CsbsApplyPolicyOperator,
    CsbsCreatePolicyOperator,
    CsbsDeletePolicyOperator,
    CsbsGetPolicyOperator,
    CsbsListPoliciesOperator,
    CsbsPolicyDescription,
    CsbsUpdatePolicyOperator,
)

__all__ = [
    "CsbsApplyPolicyOperator",
    "CsbsCreateBackupOperator",
    "CsbsCreatePolicyOperator",
    "CsbsDeleteBackupOperator",
    "CsbsDeletePolicyOperator",
    "CsbsExecutePolicyOperator",
    "CsbsGetLatestBackupOperator",
    "CsbsGetPolicyOperator",
    "CsbsListPoliciesOperator",
    "CsbsPolicyDescription",
    "CsbsPruneBackupsOperator",
    "CsbsRestoreBackupOperator",
    "CsbsUpdatePolicyOperator",
]

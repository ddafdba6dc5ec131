"""Vaults with CBR: vaults, backup policies, backups and restores."""

from __future__ import annotations

from airflow_provider_backup.operators.cbr.backups import (
    CbrCreateBackupOperator,
    CbrDeleteBackupOperator,
    CbrGetLatestBackupOperator,
    CbrPruneBackupsOperator,
    CbrRestoreBackupOperator,
)
from airflow_provider_backup.operators.cbr.copies import CbrReplicateBackupOperator
from airflow_provider_backup.operators.cbr.policies import (
    CbrApplyPolicyOperator,
    CbrCreatePolicyOperator,
    CbrDeletePolicyOperator,
    CbrGetPolicyOperator,
    CbrListPoliciesOperator,
    CbrPolicyArguments,
    CbrUpdatePolicyOperator,
)
from airflow_provider_backup.operators.cbr.vaults import (
    CbrApplyVaultOperator,
    CbrDeleteVaultOperator,
    CbrGetVaultOperator,
    CbrListVaultsOperator,
    CbrVaultArguments,
)

__all__ = [
    "CbrApplyPolicyOperator",
    "CbrApplyVaultOperator",
    "CbrCreateBackupOperator",
    "CbrCreatePolicyOperator",
    "CbrDeleteBackupOperator",
    "CbrDeletePolicyOperator",
    "CbrDeleteVaultOperator",
    "CbrGetLatestBackupOperator",
    "CbrGetPolicyOperator",
    "CbrGetVaultOperator",
    "CbrListPoliciesOperator",
    "CbrListVaultsOperator",
    "CbrPolicyArguments",
    "CbrPruneBackupsOperator",
    "CbrReplicateBackupOperator",
    "CbrRestoreBackupOperator",
    "CbrUpdatePolicyOperator",
    "CbrVaultArguments",
]

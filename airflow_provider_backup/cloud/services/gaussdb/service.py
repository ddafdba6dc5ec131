"""GaussDB (openGauss): what differs from the other database services (databases section 2)."""

from __future__ import annotations

from airflow_provider_backup.cloud.services.databases.backups import Backups
from airflow_provider_backup.cloud.services.databases.policies import BackupPolicies
from airflow_provider_backup.cloud.services.databases.restores import Restores
from airflow_provider_backup.cloud.services.databases.service import DatabaseService
from airflow_provider_backup.cloud.services.gaussdb.models import (
    Backup,
    BackupCreate,
    BackupQuery,
    InstanceQuery,
    Policy,
    PolicyUpdate,
)
from airflow_provider_backup.cloud.services.gaussdb.restore_models import DayQuery, Restore, RestoredInstance


class GaussDbService(DatabaseService):
    """GaussDB (openGauss)."""

    name = "gaussdb"
    title = "GaussDB"
    backup = Backup
    backup_query = BackupQuery
    instance_query = InstanceQuery
    policy = Policy
    restore_window_query = DayQuery
    windows_need_day = True
    backups: Backups[BackupCreate, Backup]
    backup_policies: BackupPolicies[PolicyUpdate, Policy]
    restores: Restores[Restore, RestoredInstance]

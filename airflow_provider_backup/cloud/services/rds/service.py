"""RDS: what differs from the other database services (databases section 2)."""

from __future__ import annotations

from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.batch_deletions import BatchDeletion
from airflow_provider_backup.cloud.services.databases.policies import BackupPolicies
from airflow_provider_backup.cloud.services.databases.restores import Restores
from airflow_provider_backup.cloud.services.databases.service import DatabaseService
from airflow_provider_backup.cloud.services.rds.backups import RdsBackups
from airflow_provider_backup.cloud.services.rds.models import (
    Backup,
    BackupQuery,
    InstanceQuery,
    Policy,
    PolicyUpdate,
)
from airflow_provider_backup.cloud.services.rds.offsite import OffsiteBackups, OffsitePolicies
from airflow_provider_backup.cloud.services.rds.restore_models import Restore, RestoredInstance
from airflow_provider_backup.cloud.services.rds.table_restores import TableRestores


class RdsService(DatabaseService):
    """Relational Database Service, Flexus RDS included.

    :param api: requests to the service.
    """

    name = "rds"
    title = "RDS"
    backup = Backup
    backup_query = BackupQuery
    instance_query = InstanceQuery
    policy = Policy
    # Only this version knows what SQL Server needs.
    restore_version = "v3.1"
    lists_all_instances = False
    backups_type = RdsBackups
    backups: RdsBackups
    backup_policies: BackupPolicies[PolicyUpdate, Policy]
    restores: Restores[Restore, RestoredInstance]

    def __init__(self, api: ServiceApi) -> None:
        super().__init__(api)
        self.table_restores = TableRestores(api)
        self.offsite_policies = OffsitePolicies(api)
        self.offsite_backups = OffsiteBackups(api)

    @property
    def batch_deletion(self) -> BatchDeletion:
        """How several backups are deleted at once: those of SQL Server can be."""
        return BatchDeletion(self.backups.delete_many, frozenset({"sqlserver"}))

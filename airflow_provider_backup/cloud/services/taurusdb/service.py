"""TaurusDB: what differs from the other database services (databases section 2)."""

from __future__ import annotations

from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.batch_deletions import BatchDeletion
from airflow_provider_backup.cloud.services.databases.policies import BackupPolicies
from airflow_provider_backup.cloud.services.databases.restores import Restores
from airflow_provider_backup.cloud.services.databases.service import DatabaseService
from airflow_provider_backup.cloud.services.taurusdb.backups import TaurusDbBackups
from airflow_provider_backup.cloud.services.taurusdb.instance_details import DetailsOfInstances
from airflow_provider_backup.cloud.services.taurusdb.models import (
    Backup,
    BackupQuery,
    InstanceQuery,
    Policy,
    PolicyUpdate,
)
from airflow_provider_backup.cloud.services.taurusdb.restore_models import Restore, RestoredInstance


class TaurusDbService(DatabaseService):
    """TaurusDB, also known as GaussDB for MySQL.

    :param api: requests to the service.
    """

    name = "taurusdb"
    title = "TaurusDB"
    backup = Backup
    backup_query = BackupQuery
    instance_query = InstanceQuery
    policy = Policy
    create_path = ("backups", "create")
    policy_path = ("backups", "policy", "update")
    restore_path = ("instances", "restore")
    backups_type = TaurusDbBackups
    backups: TaurusDbBackups
    backup_policies: BackupPolicies[PolicyUpdate, Policy]
    restores: Restores[Restore, RestoredInstance]

    def __init__(self, api: ServiceApi) -> None:
        super().__init__(api)
        self.instance_details = DetailsOfInstances(api)

    @property
    def batch_deletion(self) -> BatchDeletion:
        """How several backups are deleted at once."""
        return BatchDeletion(self.backups.delete_many)

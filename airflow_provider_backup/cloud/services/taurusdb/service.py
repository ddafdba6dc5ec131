"""TaurusDB: what differs from the other database services (databases section 2)."""

from __future__ import annotations

from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.backup_lists import lists_of_all_instances
from airflow_provider_backup.cloud.services.databases.backups import BackupResource
from airflow_provider_backup.cloud.services.databases.instances import InstanceResource
from airflow_provider_backup.cloud.services.databases.jobs import JobResource
from airflow_provider_backup.cloud.services.databases.policies import BackupPolicyResource
from airflow_provider_backup.cloud.services.databases.service import DatabaseService
from airflow_provider_backup.cloud.services.taurusdb.models import (
    Backup,
    BackupCreate,
    BackupQuery,
    InstanceQuery,
    Policy,
    PolicyUpdate,
)


class TaurusDbService(DatabaseService):
    """TaurusDB, also known as GaussDB for MySQL.

    :param api: the service.
    """

    name = "taurusdb"
    backups: BackupResource[BackupCreate, Backup]
    backup_policies: BackupPolicyResource[PolicyUpdate, Policy]

    def __init__(self, api: ServiceApi) -> None:
        backups: BackupResource[BackupCreate, Backup] = BackupResource(
            api, service=self.name, backup=Backup, query=BackupQuery, create_path=("backups", "create")
        )
        super().__init__(
            backups=backups,
            instances=InstanceResource(api, service=self.name, query=InstanceQuery),
            jobs=JobResource(api),
            backup_policies=BackupPolicyResource(api, policy=Policy, update_path=("backups", "policy", "update")),
            lists=lists_of_all_instances("TaurusDB", backups),
        )

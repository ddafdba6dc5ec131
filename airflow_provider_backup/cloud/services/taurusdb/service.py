"""TaurusDB: what differs from the other database services (databases section 2)."""

from __future__ import annotations

from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.backup_lists import lists_of_all_instances
from airflow_provider_backup.cloud.services.databases.backups import Backups
from airflow_provider_backup.cloud.services.databases.instances import Instances
from airflow_provider_backup.cloud.services.databases.jobs import Jobs
from airflow_provider_backup.cloud.services.databases.policies import BackupPolicies
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
    backups: Backups[BackupCreate, Backup]
    backup_policies: BackupPolicies[PolicyUpdate, Policy]

    def __init__(self, api: ServiceApi) -> None:
        backups: Backups[BackupCreate, Backup] = Backups(
            api, service=self.name, backup=Backup, query=BackupQuery, create_path=("backups", "create")
        )
        super().__init__(
            backups=backups,
            instances=Instances(api, service=self.name, query=InstanceQuery),
            jobs=Jobs(api),
            backup_policies=BackupPolicies(api, policy=Policy, update_path=("backups", "policy", "update")),
            lists=lists_of_all_instances("TaurusDB", backups),
        )

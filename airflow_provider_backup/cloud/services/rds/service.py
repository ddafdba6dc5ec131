"""RDS: what differs from the other database services (databases section 2)."""

from __future__ import annotations

from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.backup_lists import lists_of_busy_instances
from airflow_provider_backup.cloud.services.databases.backups import Backups
from airflow_provider_backup.cloud.services.databases.instances import Instances
from airflow_provider_backup.cloud.services.databases.jobs import Jobs
from airflow_provider_backup.cloud.services.databases.policies import BackupPolicies
from airflow_provider_backup.cloud.services.databases.service import DatabaseService
from airflow_provider_backup.cloud.services.rds.models import (
    Backup,
    BackupCreate,
    BackupQuery,
    InstanceQuery,
    Policy,
    PolicyUpdate,
)


class RdsService(DatabaseService):
    """Relational Database Service, Flexus RDS included.

    :param api: the service.
    """

    name = "rds"
    backups: Backups[BackupCreate, Backup]
    backup_policies: BackupPolicies[PolicyUpdate, Policy]

    def __init__(self, api: ServiceApi) -> None:
        instances = Instances(api, service=self.name, query=InstanceQuery)
        super().__init__(
            backups=Backups(api, service=self.name, backup=Backup, query=BackupQuery),
            instances=instances,
            jobs=Jobs(api),
            backup_policies=BackupPolicies(api, policy=Policy),
            lists=lists_of_busy_instances("RDS", instances),
        )

"""RDS: what differs from the other database services (databases section 2)."""

from __future__ import annotations

from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.backup_lists import lists_of_busy_instances
from airflow_provider_backup.cloud.services.databases.backups import BackupResource
from airflow_provider_backup.cloud.services.databases.instances import InstanceResource
from airflow_provider_backup.cloud.services.databases.jobs import JobResource
from airflow_provider_backup.cloud.services.databases.policies import BackupPolicyResource
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
    backups: BackupResource[BackupCreate, Backup]
    backup_policies: BackupPolicyResource[PolicyUpdate, Policy]

    def __init__(self, api: ServiceApi) -> None:
        instances = InstanceResource(api, service=self.name, query=InstanceQuery)
        super().__init__(
            backups=BackupResource(api, service=self.name, backup=Backup, query=BackupQuery),
            instances=instances,
            jobs=JobResource(api),
            backup_policies=BackupPolicyResource(api, policy=Policy),
            lists=lists_of_busy_instances("RDS", instances),
        )

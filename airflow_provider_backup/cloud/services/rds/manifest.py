"""RDS v3 as others see it (databases section 1)."""

from airflow_provider_backup.cloud.errors import ApiNotFoundError
from airflow_provider_backup.cloud.manifest import ServiceManifest
from airflow_provider_backup.cloud.services.databases.manifest import ERROR_CLASSES, HEADERS, STATUSES

MANIFEST = ServiceManifest(
    name="rds",
    title="Relational Database Service",
    protects="databases",
    version="v3",
    client="airflow_provider_backup.cloud.services.rds.service.RdsService",
    docs="docs/api/database-backups-v3.md",
    abbreviation="RDS",
    catalog_types=("rdsv3",),
    statuses=STATUSES,
    headers=HEADERS,
    error_classes={**ERROR_CLASSES, "DBS.280214": ApiNotFoundError},
)

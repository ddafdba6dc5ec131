"""RDS v3 as the lower layers see it (databases section 1)."""

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.manifest import ServiceManifest
from airflow_provider_backup.cloud.services.databases.manifest import ERROR_CLASSES, HEADERS

MANIFEST = ServiceManifest(
    name="rds",
    title="Relational Database Service",
    version="v3",
    catalog_types=("rdsv3",),
    headers=HEADERS,
    error_classes={**ERROR_CLASSES, "DBS.280214": NotFoundError},
)

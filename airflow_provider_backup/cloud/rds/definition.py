"""RDS v3 as the lower layers see it (databases section 1)."""

from airflow_provider_backup.cloud.databases.definition import ERROR_CLASSES, HEADERS
from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.service_definition import ServiceDefinition

DEFINITION = ServiceDefinition(
    name="rds",
    title="Relational Database Service",
    version="v3",
    catalog_types=("rdsv3",),
    headers=HEADERS,
    error_classes={**ERROR_CLASSES, "DBS.280214": NotFoundError},
)

"""TaurusDB (GaussDB for MySQL) v3 as others see it (databases section 1, access section 3.1)."""

from airflow_provider_backup.cloud.errors import ApiNotFoundError
from airflow_provider_backup.cloud.manifest import ServiceManifest
from airflow_provider_backup.cloud.services.databases.manifest import ERROR_CLASSES, HEADERS, STATUSES

_FORMYSQL_REGIONS = ["tr-west-1", "ap-southeast-1", "ap-southeast-2", "cn-north-11", "me-east-1"]
_MYSQL_REGIONS = ["af-south-1", "cn-east-5", "la-north-2", "cn-southwest-3"]

MANIFEST = ServiceManifest(
    name="taurusdb",
    title="TaurusDB",
    protects="databases",
    version="v3",
    client="airflow_provider_backup.cloud.services.taurusdb.service.TaurusDbService",
    docs="docs/api/database-backups-v3.md",
    catalog_types=("gaussdb-mysql",),
    statuses=STATUSES,
    host_label="gaussdb",
    region_host_labels=dict.fromkeys(_FORMYSQL_REGIONS, "gaussdbformysql")
    | dict.fromkeys(_MYSQL_REGIONS, "gaussdb-mysql"),
    otc_host_label="gaussdb-mysql",
    headers=HEADERS,
    error_classes={**ERROR_CLASSES, "DBS.280214": ApiNotFoundError},
)

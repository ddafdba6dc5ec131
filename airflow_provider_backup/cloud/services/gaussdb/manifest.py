"""GaussDB (openGauss) v3 as others see it (databases section 1, access section 3.1)."""

from airflow_provider_backup.cloud.manifest import ServiceManifest
from airflow_provider_backup.cloud.services.databases.manifest import ERROR_CLASSES, HEADERS, STATUSES

_NEWER_REGIONS = [
    "cn-east-2",
    "cn-east-4",
    "cn-east-5",
    "cn-north-12",
    "ap-southeast-5",
    "tr-west-1",
    "me-east-1",
    "af-north-1",
]

MANIFEST = ServiceManifest(
    name="gaussdb",
    title="GaussDB",
    protects="databases",
    version="v3",
    client="airflow_provider_backup.cloud.services.gaussdb.service.GaussDbService",
    docs="docs/api/database-backups-v3.md",
    catalog_types=("gaussdb-opengauss",),
    statuses=STATUSES,
    host_label="gaussdb-opengauss",
    region_host_labels=dict.fromkeys(_NEWER_REGIONS, "gaussdb"),
    otc_host_label="gaussdb",
    headers=HEADERS,
    error_classes=ERROR_CLASSES,
)

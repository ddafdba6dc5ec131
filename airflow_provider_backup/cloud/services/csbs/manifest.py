"""CSBS v1 as others see it (CSBS sections 1, 6.1 and 10)."""

from airflow_provider_backup.cloud.errors import (
    ApiDuplicateNameError,
    ApiNotFoundError,
    ApiResourceBusyError,
    BadRequestError,
    QuotaExceededError,
)
from airflow_provider_backup.cloud.manifest import ServiceManifest, StatusWords, classify
from airflow_provider_backup.cloud.operations.status import phase_reader

MANIFEST = ServiceManifest(
    name="csbs",
    title="Cloud Server Backup Service",
    protects="servers",
    version="v1",
    client="airflow_provider_backup.cloud.services.csbs.service.CsbsService",
    docs="docs/api/csbs-v1.md",
    abbreviation="CSBS",
    catalog_types=("data-protect",),
    statuses=StatusWords(
        in_progress="protecting waiting_protect",
        succeeded="restoring waiting_restore",
        deleting="waiting_delete",
    ),
    error_classes=classify(
        {
            # The page gives 1001, 1002, 2001 and 6030 the status 500 although nothing failed.
            ApiResourceBusyError: "CSBS.1001 CSBS.1002 CSBS.2001 CSBS.2003 CSBS.2004 CSBS.6005 CSBS.6015 CSBS.6030 "
            "CSBS.6031 BackupService.6125 BackupService.6203",
            # These come with 500 as well, but repeating the same request does not help.
            BadRequestError: "CSBS.6019 CSBS.6023 CSBS.6032 CSBS.8001 CSBS.8008 CSBS.8009",
            ApiNotFoundError: "CSBS.3000 CSBS.3001 CSBS.6000 CSBS.6040 CSBS.7001",
            QuotaExceededError: "CSBS.0001 CSBS.7000 CSBS.9006",
            ApiDuplicateNameError: "CSBS.9007",
        }
    ),
)

phase_of = phase_reader(MANIFEST.statuses)
"""Return the phase of a status of the service."""

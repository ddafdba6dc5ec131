"""CBR v3 as others see it (CBR sections 1, 3 and 14.2)."""

from airflow_provider_backup.cloud.errors import (
    ApiNotFoundError,
    ApiResourceBusyError,
    PermissionDeniedError,
    QuotaExceededError,
)
from airflow_provider_backup.cloud.manifest import ServiceManifest, StatusWords, classify, codes
from airflow_provider_backup.cloud.operations.status import phase_reader

MANIFEST = ServiceManifest(
    name="cbr",
    title="Cloud Backup and Recovery",
    protects="servers, disks and file systems in vaults",
    version="v3",
    client="airflow_provider_backup.cloud.services.cbr.service.CbrService",
    docs="docs/api/cbr-v3.md",
    abbreviation="CBR",
    catalog_types=("cbr",),
    statuses=StatusWords(
        in_progress="protecting waiting_protect",
        succeeded="restoring waiting_restore",
        failed="skipped",
        deleting="waiting_delete",
    ),
    is_com_in_europe=True,  # in the vendor's own region files
    error_classes=classify(
        {
            ApiResourceBusyError: codes("BackupService", "0002 1001 2002 2010 6123 6125 6130 6134 6203 7200 7302"),
            ApiNotFoundError: codes(
                "BackupService", "4001 6000 6002 6105 6200 6217 6302 6500 6501 6601 6705 7000 7100 7202"
            ),
            QuotaExceededError: codes("BackupService", "6001 6100 6114 6129 6133 6142 6600 6701 7303 8300"),
            PermissionDeniedError: codes("BackupService", "8600"),
        }
    ),
)

phase_of = phase_reader(MANIFEST.statuses)
"""Return the phase of a status of the service."""

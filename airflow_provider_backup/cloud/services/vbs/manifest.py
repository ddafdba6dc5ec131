"""VBS v2 as others see it (VBS sections 1, 3.5, 4.4, 4.6 and 6.2)."""

from airflow_provider_backup.cloud.errors import (
    ApiNotFoundError,
    ApiResourceBusyError,
    AuthenticationError,
    PermissionDeniedError,
    QuotaExceededError,
)
from airflow_provider_backup.cloud.manifest import ServiceManifest, StatusWords, classify, codes
from airflow_provider_backup.cloud.operations.status import phase_reader

MANIFEST = ServiceManifest(
    name="vbs",
    title="Volume Backup Service",
    protects="disks",
    version="v2",
    client="airflow_provider_backup.cloud.services.vbs.service.VbsService",
    docs="docs/api/vbs-v2.md",
    abbreviation="VBS",
    catalog_types=("vbsv2", "vbs"),
    statuses=StatusWords(
        in_progress="creating init",
        succeeded="execute_success restoring",
        failed="error_restoring execute_fail execute_timeout skip",
    ),
    error_classes=classify(
        {
            ApiResourceBusyError: codes("VolumeBackup", "0013 0206"),
            ApiNotFoundError: codes("VolumeBackup", "0021 0111 0207"),
            QuotaExceededError: codes(
                "VolumeBackup", "0040 0050 0071 0072 0073 0074 0075 0076 0077 0078 0079 0080 0081 0082 0083 0084"
            ),
            PermissionDeniedError: codes("VolumeBackup", "0041 0042 0044"),
        }
    )
    | classify(
        {
            ApiResourceBusyError: codes("AutoBackup", "0225"),
            ApiNotFoundError: codes("AutoBackup", "0205 0216 1100"),
            QuotaExceededError: codes("AutoBackup", "0203 0204 0215 0217 0218"),
            AuthenticationError: codes("AutoBackup", "0002 0003"),
            PermissionDeniedError: codes("AutoBackup", "0213"),
        }
    )
    | {"common.0011": ApiNotFoundError},
)

phase_of = phase_reader(MANIFEST.statuses)
"""Return the phase of a status of the service."""

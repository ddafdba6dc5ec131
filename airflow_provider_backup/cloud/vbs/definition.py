"""VBS v2 as the lower layers see it (VBS sections 1 and 6.2)."""

from airflow_provider_backup.cloud.errors import (
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.service_definition import ServiceDefinition, classify

DEFINITION = ServiceDefinition(
    name="vbs",
    title="Volume Backup Service",
    version="v2",
    catalog_types=("vbsv2", "vbs"),
    error_classes=classify(
        {
            ResourceBusyError: "VolumeBackup.0013 VolumeBackup.0206 AutoBackup.0225",
            NotFoundError: "VolumeBackup.0021 VolumeBackup.0111 VolumeBackup.0207 AutoBackup.0205 AutoBackup.1100 "
            "AutoBackup.0216 common.0011",
            QuotaExceededError: "VolumeBackup.0040 VolumeBackup.0080 VolumeBackup.0081 VolumeBackup.0084 AutoBackup.0203 "
            "AutoBackup.0204 AutoBackup.0215 AutoBackup.0217 AutoBackup.0218",
            PermissionDeniedError: "VolumeBackup.0041 VolumeBackup.0042 VolumeBackup.0044 AutoBackup.0213",
        }
    ),
)

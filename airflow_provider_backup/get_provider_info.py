"""The provider info that Airflow reads to discover this provider."""

from __future__ import annotations

from typing import Any

from airflow_provider_backup.cloud.services.registry import SERVICES

_PACKAGE = "airflow_provider_backup"


def get_provider_info() -> dict[str, Any]:
    """Return the provider info; the distribution's entry point ``apache_airflow_provider`` names this function."""
    from airflow_provider_backup.hooks.connection_form import conn_fields, ui_field_behaviour

    return {
        "package-name": "airflow-provider-backup",
        "name": "Huawei Cloud Backup",
        "description": "Backups on Huawei Cloud, Open Telekom Cloud and their sister clouds.",
        "integrations": [
            {
                "integration-name": manifest.full_title,
                "external-doc-url": "https://github.com/airflow-provider-backup/airflow-provider-backup#readme",
                "tags": ["service"],
            }
            for manifest in SERVICES.values()
        ],
        "hooks": _modules("hooks"),
        "operators": _modules("operators", "protection_report"),
        "sensors": _modules("sensors"),
        "triggers": [
            {
                "integration-name": manifest.full_title,
                "python-modules": [f"{_PACKAGE}.triggers.{name}" for name in ("backup", "conflict", "fresh_backup")],
            }
            for manifest in SERVICES.values()
        ],
        "connection-types": [
            {
                "connection-type": "huaweicloud_backup",
                "hook-name": "Huawei Cloud Backup",
                "hook-class-name": f"{_PACKAGE}.hooks.base.BackupCloudHook",
                "ui-field-behaviour": ui_field_behaviour(),
                "conn-fields": conn_fields(),
            }
        ],
    }


def _modules(layer: str, *of_all_services: str) -> list[dict[str, Any]]:
    return [
        {
            "integration-name": manifest.full_title,
            "python-modules": [f"{_PACKAGE}.{layer}.{module}" for module in (name, *of_all_services)],
        }
        for name, manifest in SERVICES.items()
    ]

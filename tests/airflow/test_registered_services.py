"""Every service of the registry is complete, and one that is not is reported with what to add."""

from __future__ import annotations

import pytest

from airflow_provider_backup.cloud.manifest import ServiceManifest, StatusWords
from airflow_provider_backup.cloud.services.registry import SERVICES
from tests.airflow.registered_services import missing_parts


@pytest.mark.parametrize("name", SERVICES)
def test_every_registered_service_has_all_its_parts(name: str) -> None:
    assert list(missing_parts(SERVICES[name])) == []


def test_a_service_without_any_part_is_reported_with_everything_that_is_to_be_added() -> None:
    manifest = ServiceManifest(
        name="nothing",
        title="Service of Nothing",
        protects="nothing",
        version="v1",
        client="airflow_provider_backup.cloud.services.nothing.service.NothingService",
        docs="docs/api/nothing.md",
        catalog_types=("nothing",),
        statuses=StatusWords(),
    )

    reported = "\n".join(missing_parts(manifest))

    for part in (
        "airflow_provider_backup/cloud/services/nothing",
        "BackupServiceHook of nothing: add a subclass to airflow_provider_backup/hooks/nothing.py",
        "CreateBackupOperator of nothing: add a subclass to airflow_provider_backup/operators/nothing.py",
        "DeleteBackupOperator of nothing: add a subclass to airflow_provider_backup/operators/nothing.py",
        "BackupSensor of nothing: add a subclass to airflow_provider_backup/sensors/nothing.py",
        "airflow_provider_backup/emulator/services/nothing/__init__.py",
        "tests/airflow/services/nothing.py",
        "docs/api/nothing.md",
    ):
        assert part in reported


def test_modules_that_are_there_without_the_classes_do_not_count() -> None:
    # Modules of shared code exist under this name, but no hook, operator or sensor says that it is a service.
    manifest = ServiceManifest(
        name="databases",
        title="Databases",
        protects="nothing",
        version="v3",
        client="airflow_provider_backup.cloud.services.databases.service.NoSuchService",
        docs="docs/api/database-backups-v3.md",
        catalog_types=("databases",),
        statuses=StatusWords(),
    )

    reported = "\n".join(missing_parts(manifest))

    assert "The client" in reported
    assert "BackupServiceHook of databases" in reported
    assert "The local cloud has no databases" in reported
    assert "Nothing documents" not in reported

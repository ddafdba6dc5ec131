"""The emulated services: the counterpart of each service of the registry, found by its name."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from airflow_provider_backup.cloud.services.registry import SERVICES as REGISTERED
from airflow_provider_backup.emulator.core.catalog import CatalogEntry
from airflow_provider_backup.emulator.core.service import EmulatedBackupService

SERVICES: dict[str, type[EmulatedBackupService]] = {
    name: import_module(f"{__package__}.{name}").SERVICE for name in REGISTERED if find_spec(f"{__package__}.{name}")
}
"""The classes by name, in the order of their ports after the identity service's."""

SECOND_REGION: dict[str, type[EmulatedBackupService]] = {
    service.name: service
    for name in SERVICES
    if (service := getattr(import_module(f"{__package__}.{name}"), "SECOND_REGION_SERVICE", None))
}
"""The services of the second region, whose ports follow those of the first."""


def catalog_entries() -> dict[str, tuple[CatalogEntry, ...]]:
    """Return the entries of each service in the catalog: its own, or the one that its manifest describes."""
    return {name: service.catalog_entries or _entries_of_manifest(name) for name, service in SERVICES.items()}


def _entries_of_manifest(name: str) -> tuple[CatalogEntry, ...]:
    manifest = REGISTERED[name]
    kind = manifest.catalog_types[0]
    return (CatalogEntry(kind, kind, f"/{manifest.version}/{{project_id}}"),)

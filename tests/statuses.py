"""The phases of statuses of any service."""

from __future__ import annotations

from airflow_provider_backup.cloud.operations.status import Phase, phase_reader
from airflow_provider_backup.cloud.services.registry import SERVICES

_READERS = {name: phase_reader(manifest.statuses) for name, manifest in SERVICES.items()}


def phase_of(service: str, status: str | None) -> Phase:
    """Return the phase of a status.

    :param service: name of the service.
    :param status: as the service sent it.
    """
    return _READERS[service](status)

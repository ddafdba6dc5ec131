"""What the statuses of a database instance mean (databases section 11)."""

from __future__ import annotations

from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.databases.models import Instance

_READY = frozenset({"ACTIVE", "NORMAL"})
_BACKING_UP = "BACKING UP"
_RESTORING = "RESTORING"
_FAILED = frozenset({"FAILED", "CREATE FAIL", "CREATEFAIL", "ABNORMAL"})
_BLOCKED = frozenset({"FROZEN", "STORAGE FULL", "SHUTDOWN"})


def _status_of(instance: Instance) -> str:
    return instance.status.strip().upper()


def phase_of_instance(instance: Instance) -> Phase:
    """Return whether an instance can be used, failed, or is being changed.

    An automatic backup follows every restore, so an instance that is backed up can be used.

    :param instance: as a list shows it.
    """
    status = _status_of(instance)
    if status in _READY or status == _BACKING_UP:
        return Phase.SUCCEEDED
    return Phase.FAILED if status in _FAILED else Phase.IN_PROGRESS


def is_restoring(instance: Instance) -> bool:
    """Return whether an instance is being overwritten by a restore.

    :param instance: as a list shows it.
    """
    return _status_of(instance) == _RESTORING


def is_busy(instance: Instance) -> bool:
    """Return whether an operation runs on an instance that ends by itself.

    :param instance: as a list shows it.
    """
    return _status_of(instance) not in _READY | _FAILED | _BLOCKED

"""Automatic backups of instances by their policies, and how long they stay (databases section 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import time

from airflow_provider_backup.emulator.core.run_times import RunTimes
from airflow_provider_backup.emulator.core.service import ServiceError
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.databases.instance_changes import InstanceChanges
from airflow_provider_backup.emulator.services.databases.store import BackupStore


class Schedules:
    """The automatic backups of one service; a policy has the id of its instance.

    :param instances: the instances by id.
    :param policies: their policies by id.
    :param store: takes and keeps the backups.
    :param changes: what happens to the instances.
    :param refuse_busy: raises :class:`ServiceError` when an instance cannot be backed up now.
    :param taken: is called with each automatic backup that began.
    """

    def __init__(
        self,
        instances: Mapping[str, Row],
        policies: Mapping[str, Row],
        store: BackupStore,
        changes: InstanceChanges,
        refuse_busy: Callable[[Row], None],
        taken: Callable[[Row], None],
    ) -> None:
        self._instances = instances
        self._policies = policies
        self._store = store
        self._changes = changes
        self._refuse_busy = refuse_busy
        self._taken = taken

    def run_times(self, policy_id: str) -> Sequence[RunTimes]:
        """Return when an instance is backed up: at the begin of the window of its policy."""
        policy = self._policies.get(policy_id)
        if policy is None or policy_id not in self._instances or not int(policy["keep_days"]):
            return ()
        begin = time.fromisoformat(policy["start_time"].partition("-")[0])
        return [RunTimes((begin,), frozenset(int(day) - 1 for day in policy["period"].split(",") if day))]

    def run(self, policy_id: str) -> None:
        """Take an automatic backup of an instance, unless another operation runs on it."""
        self._changes.forget_deleted()
        instance = self._instances.get(policy_id)
        # Read replicas have none.
        if instance is None or instance["type"] == "Replica":
            return
        with suppress(ServiceError):
            self._refuse_busy(instance)
            self._taken(self._store.start_automatic(instance))

    def expire(self) -> None:
        """Take away automatic backups that are older than their policies say; without a policy they stay."""
        self._store.expire({instance_id: int(policy["keep_days"]) for instance_id, policy in self._policies.items()})

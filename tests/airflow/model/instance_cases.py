"""Restores of database instances for the model: in place, and to a new instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.airflow.model.instance_restore_truth import InstanceRestoreTruth
from tests.airflow.model.restore_case import RestoreCase
from tests.airflow.model.restore_truth import TrueRestore
from tests.airflow.restorable_instances import RestorableInstance


class InPlaceCase(RestoreCase):
    """A database instance that is overwritten with a backup of its own."""

    is_new = False
    shows_begin = False

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        super().__init__(cloud, service)
        self.truth = InstanceRestoreTruth(cloud, service, of_new=self.is_new)
        self._made = RestorableInstance(cloud, service)

    @property
    def backup(self) -> Mapping[str, Any]:
        """The result of the task that took the backup."""
        backup: Mapping[str, Any] = self._made.backup
        return backup

    @property
    def resource_id(self) -> str:
        """What was backed up."""
        return str(self._made.instance_id)

    def operator(self, **arguments: Any) -> Any:
        """Return the operator of the task."""
        return self._made.operator(**arguments)

    def by_id(self) -> dict[str, Any]:
        """Return the arguments that name the backup by its id."""
        return {**super().by_id(), "source_instance_id": self.resource_id}

    def backed_up(self) -> dict[str, str]:
        """Return the argument that names the instance."""
        return {"instance_id": self.resource_id}

    def may_take(self, running: Mapping[str, TrueRestore], restore: TrueRestore) -> bool:
        """Whether the restore was seen running on the instance, which takes no other one while it does."""
        return restore.id in running


class BackupFirstCase(InPlaceCase):
    """A database instance that is backed up before it is overwritten."""

    of_the_task: ClassVar[Mapping[str, Any]] = {"backup_first": True}


class NewInstanceCase(InPlaceCase):
    """A new instance with the content of a backup; the instance that was backed up stays as it is."""

    has_key = True
    is_new = True

    def operator(self, **arguments: Any) -> Any:
        """Return the operator of the task."""
        return super().operator(new_instance_name="rehearsal", **arguments)

    def by_id(self) -> dict[str, Any]:
        """Return the arguments that name the backup by its id."""
        return {**super().by_id(), "like": self.resource_id}

    def may_take(self, running: Mapping[str, TrueRestore], restore: TrueRestore) -> bool:
        """Its name tells it from all others."""
        return False

"""The kinds of restores that the model tries: what overwrites or creates what, and what tells of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.airflow.model.restore_truth import ACCEPTED, RestoreTruth, TrueRestore
from tests.airflow.restorable import Restorable
from tests.airflow.service_matrix import create_operator


class RestoreCase(ABC):
    """One kind of restore in one cloud, with a good backup whose resource has changed since.

    :param cloud: the local cloud.
    :param service: name of the service.
    """

    has_key = False
    """Whether a name tells a restore from all others."""
    shows_begin = True
    """Whether the service shows when a restore began."""
    is_ruined_by_failure = False
    """Whether a backup cannot be restored any more after a restore from it failed."""
    of_the_task: ClassVar[Mapping[str, Any]] = {}
    """Arguments that only the task has that is tried, and none of the other tasks."""
    truth: RestoreTruth

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        self.cloud = cloud
        self.service = service

    @property
    @abstractmethod
    def backup(self) -> Mapping[str, Any]:
        """The result of the task that took the backup."""

    @property
    @abstractmethod
    def resource_id(self) -> str:
        """What was backed up."""

    @abstractmethod
    def operator(self, **arguments: Any) -> Any:
        """Return the operator of the task.

        :param arguments: what its author gives besides.
        """

    @abstractmethod
    def backed_up(self) -> dict[str, str]:
        """Return the argument of the create operator that names what is backed up."""

    @abstractmethod
    def may_take(self, running: Mapping[str, TrueRestore], restore: TrueRestore) -> bool:
        """Whether a try that has no record of its submission may take a restore for its own.

        :param running: the restores that ran when the try began.
        :param restore: the restore.
        """

    def by_id(self) -> dict[str, Any]:
        """Return the arguments that name the backup by its id."""
        return {"backup_id": self.backup["backup_ids"][0]}

    def backup_operator(self, **arguments: Any) -> Any:
        """Return an operator that backs the resource up once more."""
        return create_operator(self.cloud, self.service, **self.backed_up(), **arguments)

    def content_of(self, restore: TrueRestore) -> int:
        """Return the content of what a restore is to."""
        return self.cloud.content(restore.target_id)

    def overwritten(self) -> set[str]:
        """Return the ids of everything that a restore overwrites."""
        servers = self.cloud.state.table("inventory.servers")
        return {self.resource_id, *servers.get(self.resource_id, {"volumes": []})["volumes"]}

    def others(self) -> list[str]:
        """Return the ids of everything that is there and that no restore may touch."""
        kinds = ("servers", "volumes", f"{self.service}_instances")
        seeded = [each for kind in kinds for each in self.cloud.describe()["resources"].get(kind, [])]
        return [each for each in seeded if each not in self.overwritten()]


class BackupCase(RestoreCase):
    """A server or a disk that is overwritten with a backup of CBR, CSBS or VBS."""

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        super().__init__(cloud, service)
        self.truth = RestoreTruth(cloud, ACCEPTED[service], shows_each=service != "csbs")
        self._made = Restorable(cloud, service)
        self.is_ruined_by_failure = service == "vbs"

    @property
    def backup(self) -> Mapping[str, Any]:
        """The result of the task that took the backup."""
        backup: Mapping[str, Any] = self._made.backup
        return backup

    @property
    def resource_id(self) -> str:
        """What was backed up."""
        return self._made.resource_id

    def operator(self, **arguments: Any) -> Any:
        """Return the operator of the task."""
        return self._made.operator(**arguments)

    def backed_up(self) -> dict[str, str]:
        """Return the argument that names the one vault, policy or disk."""
        match self.service:
            case "cbr":
                return {"vault_id": next(iter(self.cloud.state.table("cbr.vaults")))}
            case "csbs":
                return {"policy_id": next(iter(self.cloud.state.table("csbs.policies")))}
            case _:
                return {"volume_id": self.resource_id}

    def may_take(self, running: Mapping[str, TrueRestore], restore: TrueRestore) -> bool:
        """Whether the service lists restores, so that one of the same backup to the same resource is found."""
        return self.service == "cbr"

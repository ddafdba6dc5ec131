"""What is in the servers, disks and database instances of the local cloud: a number that stands for their data.

A maintenance changes it, a backup remembers it, a restore brings it back. Rows of ``contents`` by id of a disk or an
instance: ``version``. Rows of ``contents.history`` by the same id: ``changes``, each with ``at`` and ``version``. Rows
of ``contents.restores``, one for each restore that is not over: ``id``, ``versions`` (what it brings back, by id) and
the members of :meth:`CloudState.started`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter

from airflow_provider_backup.emulator.core.state import CloudState, Row

FIRST_VERSION = 1
"""The content of everything that was not changed yet."""


class Contents:
    """The content versions of everything that is protected.

    The data of a server are on its disks: its version is the highest of theirs, so that a restore of some of its disks
    does not pass for one of the server.

    :param state: keeps them and the inventory, and gives the time.
    """

    def __init__(self, state: CloudState) -> None:
        self._state = state

    def version(self, resource_id: str) -> int:
        """Return the version of a resource now.

        :param resource_id: id of a server, a disk or a database instance.
        """
        return max(self.snapshot(resource_id).values(), default=FIRST_VERSION)

    def change(self, resource_id: str, version: int) -> None:
        """Change the data of a resource, as a maintenance does; those of a server change on all its disks.

        :param resource_id: as for :meth:`version`.
        :param version: the version that it has from now on, 0 or more.
        """
        self._finish_restores()
        for part in self._parts(resource_id):
            self._set(part, version, self._state.now().isoformat())

    def snapshot(self, resource_id: str) -> dict[str, int]:
        """Return what a backup that begins now holds: the version of each disk of a server, or of the resource itself.

        :param resource_id: as for :meth:`version`.
        """
        self._finish_restores()
        return {part: self._rows.get(part, {"version": FIRST_VERSION})["version"] for part in self._parts(resource_id)}

    def version_at(self, instance_id: str, moment: datetime) -> int:
        """Return the version that a database instance had at a moment.

        :param instance_id: id of the instance.
        :param moment: with its zone; not in the future.
        """
        self._finish_restores()
        changes = self._state.table("contents.history").get(instance_id, {"changes": []})["changes"]
        earlier = [change for change in changes if datetime.fromisoformat(change["at"]) <= moment]
        return int(earlier[-1]["version"]) if earlier else FIRST_VERSION

    def restore(self, versions: Mapping[str, int], times: Row) -> None:
        """Bring versions back when a restore ends; one that fails brings none back.

        :param versions: the versions by id of disk or instance.
        :param times: the members of :meth:`CloudState.started` of the restore.
        """
        row = {
            "id": self._state.new_uuid(),
            "versions": dict(versions),
            **{name: times[name] for name in ("started_at", "ready_at", "failure")},
        }
        self._state.table("contents.restores")[row["id"]] = row

    @property
    def _rows(self) -> dict[str, Row]:
        return self._state.table("contents")

    def _set(self, part: str, version: int, at: str) -> None:
        self._rows[part] = {"version": version}
        history = self._state.table("contents.history").setdefault(part, {"changes": []})
        history["changes"].append({"at": at, "version": version})

    def _parts(self, resource_id: str) -> list[str]:
        server = self._state.table("inventory.servers").get(resource_id)
        return list(server["volumes"]) if server else [resource_id]

    def _finish_restores(self) -> None:
        restores = self._state.table("contents.restores")
        for row in sorted(filter(self._state.is_ready, restores.values()), key=itemgetter("ready_at")):
            del restores[row["id"]]
            if not row["failure"]:
                for part, version in row["versions"].items():
                    self._set(part, version, row["ready_at"])

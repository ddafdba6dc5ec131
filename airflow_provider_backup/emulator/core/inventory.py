"""What stands in the local cloud from its first start: servers, their disks, file systems, database instances.

All ids are derived from names, so that they are the same on every machine and can be written into documents.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from airflow_provider_backup.emulator.core.content_store import ContentStore, VersionsOnly
from airflow_provider_backup.emulator.core.regions import HOME
from airflow_provider_backup.emulator.core.state import CloudState, Row

_NAMESPACE = uuid.UUID("5e1f0b6c-0000-4000-8000-00000010ca11")
_CREATED = "2026-01-07T08:15:00+0000"


class _Volume(NamedTuple):
    name: str
    size_gb: int
    zone: str
    server: str | None
    bootable: bool


class SeededInstance(NamedTuple):
    """A database instance of the first start; ``suffix`` ends its id (databases section 1).

    Sizes are in GB, as texts where the services write them so.
    """

    name: str
    suffix: str
    engine: str
    version: str
    type: str
    cpu: str
    memory_gb: str
    size_gb: int
    port: int


_SERVERS = {"web-1": "eu-de-01", "app-1": "eu-de-01", "db-1": "eu-de-02", "batch-1": "eu-de-02"}

_EXTRA_ZONE = "eu-de-01"

_VOLUMES = (
    _Volume("web-1-system", 40, "eu-de-01", "web-1", True),
    _Volume("app-1-system", 40, "eu-de-01", "app-1", True),
    _Volume("app-1-data", 100, "eu-de-01", "app-1", False),
    _Volume("db-1-system", 40, "eu-de-02", "db-1", True),
    _Volume("db-1-data", 500, "eu-de-02", "db-1", False),
    _Volume("batch-1-system", 40, "eu-de-02", "batch-1", True),
    _Volume("archive", 200, "eu-de-01", None, False),
)


_FILE_SYSTEMS = {"shared-data": (500, "eu-de-01"), "home-folders": (1200, "eu-de-02"), "archive": (3600, "eu-de-01")}
"""File systems (SFS Turbo) by name: size in GB and zone."""


def _id(kind: str, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


class Inventory:
    """Servers, disks, file systems and database instances; rows in tables, put there at the first start only.

    The second region has none.

    :param state: the state that holds the rows.
    :param extra: how many further servers, each with a disk, file systems, and instances of each database service there
        are beside those with names of their own, 0 or more.
    :param content_store: where the data of database instances are.
    """

    def __init__(self, state: CloudState, extra: int = 0, content_store: ContentStore | None = None) -> None:
        self.content_store = content_store or VersionsOnly()
        self._state = state
        self._extra = extra
        if state.region != HOME.name:
            return
        if not self.servers:
            self._seed_servers(extra)
        if not self.file_systems:
            self._seed_file_systems(extra)

    @property
    def servers(self) -> dict[str, Row]:
        """Servers by id.

        Rows have ``id``, ``name``, ``volumes`` (ids), ``size_gb``, ``availability_zone``, ``status``.
        """
        return self._state.table("inventory.servers")

    @property
    def volumes(self) -> dict[str, Row]:
        """Disks by id.

        Rows have ``id``, ``name``, ``size_gb``, ``server_id``, ``availability_zone``, ``status``, ``bootable``.
        """
        return self._state.table("inventory.volumes")

    @property
    def file_systems(self) -> dict[str, Row]:
        """File systems (SFS Turbo) by id.

        Rows have ``id``, ``name``, ``size_gb``, ``availability_zone``, ``status``.
        """
        return self._state.table("inventory.file_systems")

    def instances(self, service: str) -> dict[str, Row]:
        """Database instances by id.

        :param service: name of the service, such as ``rds``.
        :return: rows with ``id``, ``name``, ``status``, ``engine``, ``version``, ``type``, ``cpu``, ``memory_gb``,
            ``size_gb``, ``port``, ``created``, ``vpc_id``, ``subnet_id``, ``security_group_id``.
        """
        return self._state.table(f"inventory.{service}_instances")

    def resources(self, kinds: Iterable[str]) -> dict[str, Row]:
        """Return everything of some kinds, by id.

        :param kinds: ``servers``, ``volumes``, ``file_systems``, ``rds_instances`` and the like.
        """
        return {key: row for kind in kinds for key, row in self._state.table(f"inventory.{kind}").items()}

    def forget_addresses(self) -> None:
        """Let no instance have an address that an earlier run has given it: nothing answers there."""
        for name in [table for table in self._state.table_names() if table.startswith("inventory.")]:
            for row in self._state.table(name).values():
                row.pop("address", None)

    def seed_instances(self, service: str, instances: Sequence[SeededInstance]) -> None:
        """Put the instances of a database service there, unless it has some already.

        :param service: name of the service.
        :param instances: those with names of their own; further ones are like the last of them.
        """
        if self.instances(service):
            return
        names = [f"{service}-{number}" for number in range(1, self._extra + 1)]
        for instance in (*instances, *(instances[-1]._replace(name=name) for name in names)):
            identifier = uuid.uuid5(_NAMESPACE, f"{service}/{instance.name}").hex + instance.suffix
            self.instances(service)[identifier] = {
                "id": identifier,
                "name": instance.name,
                "status": "ACTIVE",
                "engine": instance.engine,
                "version": instance.version,
                "type": instance.type,
                "cpu": instance.cpu,
                "memory_gb": instance.memory_gb,
                "size_gb": instance.size_gb,
                "port": instance.port,
                "created": _CREATED,
                "vpc_id": _id("network", "vpc"),
                "subnet_id": _id("network", "subnet"),
                "security_group_id": _id("network", "security-group"),
            }

    def _seed_file_systems(self, extra: int) -> None:
        more = {f"file-system-{number}": (500, _EXTRA_ZONE) for number in range(1, extra + 1)}
        for name, (size_gb, zone) in {**_FILE_SYSTEMS, **more}.items():
            identifier = _id("file-system", name)
            self.file_systems[identifier] = {
                "id": identifier,
                "name": name,
                "size_gb": size_gb,
                "availability_zone": zone,
                "status": "available",
            }

    def _seed_servers(self, extra: int) -> None:
        names = [f"server-{number}" for number in range(1, extra + 1)]
        extra_volumes = [_Volume(f"{name}-system", 40, _EXTRA_ZONE, name, True) for name in names]
        for volume in (*_VOLUMES, *extra_volumes):
            identifier = _id("volume", volume.name)
            self.volumes[identifier] = {
                "id": identifier,
                "name": volume.name,
                "size_gb": volume.size_gb,
                "server_id": _id("server", volume.server) if volume.server else None,
                "availability_zone": volume.zone,
                "status": "in-use" if volume.server else "available",
                "bootable": volume.bootable,
            }
        disks_of: dict[str, list[Row]] = defaultdict(list)
        for row in self.volumes.values():
            disks_of[row["server_id"]].append(row)
        for name, zone in (_SERVERS | dict.fromkeys(names, _EXTRA_ZONE)).items():
            identifier = _id("server", name)
            disks = disks_of[identifier]
            self.servers[identifier] = {
                "id": identifier,
                "name": name,
                "volumes": [disk["id"] for disk in disks],
                "size_gb": sum(disk["size_gb"] for disk in disks),
                "availability_zone": zone,
                "status": "ACTIVE",
            }

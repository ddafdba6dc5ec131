"""Restoring from a backup (CBR section 7.4)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.constraints import Identifier


class RestoreMapping(RequestModel):
    """Which disk the backup of a disk is written to.

    :param backup_id: id of the disk's backup, one of the ``children`` of the server's backup.
    :param volume_id: id of the disk that is overwritten.
    """

    backup_id: Identifier
    volume_id: Identifier


class RestoreDetails(RequestModel):
    """How files are restored.

    :param destination_path: the directory that they are written to, 1 to 255 characters.
    """

    destination_path: Annotated[str, Field(min_length=1, max_length=255)]


class RestoreCreate(RequestModel):
    """What is overwritten with a backup: a server, a disk or another resource, exactly one of them (CBR section 7.4).

    :param server_id: id of the server; it needs ``mappings``.
    :param mappings: one entry for each disk of the server that is overwritten; the service ignores them for a disk.
    :param volume_id: id of the disk.
    :param resource_id: id of another resource, such as a file system.
    :param power_on: whether the server is started afterwards; the service does when it is not given.
    :param details: how files are restored.
    """

    server_id: Identifier | None = None
    mappings: list[RestoreMapping] | None = None
    volume_id: Identifier | None = None
    resource_id: Identifier | None = None
    power_on: bool | None = None
    details: RestoreDetails | None = None

    @property
    def target_id(self) -> str:
        """Id of what is overwritten."""
        return self.server_id or self.volume_id or self.resource_id or ""

    @model_validator(mode="after")
    def _has_one_target(self) -> RestoreCreate:
        targets = [self.server_id, self.volume_id, self.resource_id]
        if sum(target is not None for target in targets) != 1:
            raise ValueError("needs exactly one of server_id, volume_id and resource_id")
        if self.server_id is not None and not self.mappings:
            raise ValueError("a server needs mappings, one for each disk that is overwritten")
        for name in ("backup_id", "volume_id"):
            ids = [getattr(mapping, name) for mapping in self.mappings or ()]
            if len(set(ids)) < len(ids):
                raise ValueError(f"mappings must name each {name} once")
        return self

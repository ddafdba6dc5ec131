"""Restoring servers, and asking whether they can be restored (CSBS sections 4.4 and 6.4)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.services.csbs.models.checkpoints import AnyServerType, Protectability
from airflow_provider_backup.cloud.services.csbs.models.fields import PROVIDER_ID, ProviderId


class RestoreVolume(RequestModel):
    """Which disk the backup of a disk is written to.

    :param backup_id: id of the disk's backup, one of the ``volume_backups`` of the server's backup.
    :param volume_id: id of the disk that is overwritten; it must be attached to the server.
    """

    backup_id: Identifier
    volume_id: Identifier


def _each_once(volumes: list[RestoreVolume]) -> None:
    for name in ("backup_id", "volume_id"):
        if len({getattr(volume, name) for volume in volumes}) < len(volumes):
            raise ValueError(f"volumes must name each {name} once")


class RestoreTargets(RequestModel):
    """The server that is overwritten.

    :param server_id: id of the server.
    :param volumes: one entry for each disk backup of the server's backup, 1 or more.
    """

    server_id: Identifier
    volumes: Annotated[list[RestoreVolume], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_each_disk_once(self) -> RestoreTargets:
        _each_once(self.volumes)
        return self


class RestoreParameters(RequestModel):
    """What is restored and how; all members must be given.

    :param checkpoint_item_id: id of the server's backup.
    :param power_on: whether the server is started afterwards.
    :param targets: what is overwritten.
    """

    checkpoint_item_id: Identifier
    power_on: bool
    targets: RestoreTargets


class RestoreCreate(RequestModel):
    """Overwriting a server with a backup: ``POST /restores`` (CSBS section 6.4).

    :param provider_id: the only one there is.
    :param checkpoint_id: id of the checkpoint that holds the backup.
    :param restore_target: an address that the service does not need.
    :param parameters: must be given.
    """

    provider_id: ProviderId = PROVIDER_ID
    checkpoint_id: Identifier
    restore_target: str | None = None
    parameters: RestoreParameters


class RestorableTarget(RequestModel):
    """What would be overwritten; all members must be given (CSBS section 4.4).

    :param resource_id: id of the server.
    :param resource_type: its type.
    :param volumes: one entry for each disk backup, 1 or more.
    """

    resource_id: Identifier
    resource_type: AnyServerType
    volumes: Annotated[list[RestoreVolume], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_each_disk_once(self) -> RestorableTarget:
        _each_once(self.volumes)
        return self


class RestorableQuestion(RequestModel):
    """One backup in the member ``check_restorable`` (CSBS section 4.4); both members must be given.

    :param checkpoint_item_id: id of the server's backup.
    :param target: what would be overwritten.
    """

    checkpoint_item_id: Identifier
    target: RestorableTarget


class RestorableAnswer(ResponseModel):
    """The answer to ``check_restorable``, whose items are like those of ``check_protectable``."""

    restorable: list[Protectability]

"""What TaurusDB adds to the wire contract of restores (databases sections 8.1 and 8.2).

Open Telekom Cloud has none of it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_serializer

from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.constraints import Identifier, UniqueKeys
from airflow_provider_backup.cloud.services.databases.models import hour_window
from airflow_provider_backup.cloud.services.databases.restore_models import (
    DatabaseNewInstance,
    DatabaseRestorePoint,
    InstanceTag,
)


class RestorePoint(DatabaseRestorePoint):
    """What a new instance holds (databases section 8.2).

    :param source_instance_id: the instance that was backed up.
    """

    source_instance_id: Identifier


class Restore(RestorePoint):
    """A restore that overwrites an existing instance: POST ``/instances/restore`` (databases section 8.1).

    :param target_instance_id: what is overwritten; the source or another instance.
    """

    target_instance_id: Identifier


class NewDatastore(RequestModel):
    """The engine of a new instance.

    :param type: ``gaussdb-mysql``.
    :param version: that of the source, such as ``8.0``.
    :param kernel_version: that of the kernel.
    """

    type: Identifier
    version: Identifier
    kernel_version: Identifier | None = None


class NewBackupStrategy(RequestModel):
    """Automatic backups of a new instance.

    :param start_time: one full hour in UTC, such as ``01:00-02:00``.
    :param keep_days: days that automatic backups stay, 1 to 732; on the wire a text.
    """

    start_time: Annotated[str, AfterValidator(hour_window("00"))]
    keep_days: int | None = Field(default=None, ge=1, le=732)

    @field_serializer("keep_days")
    def _days_as_text(self, days: int | None) -> str | None:
        return None if days is None else str(days)


class ChargeInfo(RequestModel):
    """How the instance is paid for.

    :param charge_mode: ``postPaid``; an instance that is paid in advance is an order and is not created at once.
    """

    charge_mode: Literal["postPaid"]


class RestoredInstance(DatabaseNewInstance):
    """A new instance from a backup or a moment: POST ``/instances`` (databases section 8.2).

    :param region: the region.
    :param datastore: the engine.
    :param mode: such as ``Cluster``; the ``type`` of the source.
    :param availability_zone_mode: ``single`` or ``multi``.
    :param master_availability_zone: the zone of the primary node.
    :param slave_count: how many read replicas it has, 0 or more.
    :param backup_strategy: automatic backups.
    :param charge_info: how it is paid for.
    :param restore_point: the backup or the moment.
    :param configuration_id: the parameter group; a default one without it.
    :param tags: labels with keys of their own.
    :param lower_case_table_names: 0 or 1, that of the source.
    :param dedicated_resource_id: the pool of dedicated resources.
    """

    region: Identifier
    datastore: NewDatastore
    mode: Identifier
    vpc_id: Identifier
    subnet_id: Identifier
    password: SecretStr = Field(min_length=1)
    availability_zone_mode: Literal["single", "multi"]
    master_availability_zone: Identifier | None = None
    slave_count: int = Field(ge=0)
    backup_strategy: NewBackupStrategy
    charge_info: ChargeInfo
    restore_point: RestorePoint
    configuration_id: Identifier | None = None
    tags: Annotated[list[InstanceTag], UniqueKeys] | None = None
    lower_case_table_names: Literal[0, 1] | None = None
    dedicated_resource_id: Identifier | None = None

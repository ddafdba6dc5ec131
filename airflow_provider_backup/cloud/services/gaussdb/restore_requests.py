"""The requests of GaussDB that restore an instance (databases sections 8.1 and 8.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.databases.models import Instance
from airflow_provider_backup.cloud.services.databases.restore_requests import (
    TO_NEW,
    RestoreRequests,
    backup_strategy_of,
    given_members,
    volume_of,
)
from airflow_provider_backup.cloud.services.databases.restore_sources import RestoreSource
from airflow_provider_backup.cloud.services.gaussdb.restore_models import Restore, RestoredInstance

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService

_ZONES = 3


class GaussDbRestoreRequests(RestoreRequests):
    """The requests of GaussDB."""

    title = "GaussDB"
    on_otc = (TO_NEW,)
    new_instance = RestoredInstance
    sample: ClassVar[Mapping[str, Any]] = {
        "name": "instance",
        "flavor_ref": "flavor",
        "volume": {"type": "ULTRAHIGH", "size": 40},
        "availability_zone": "zone,zone,zone",
        "vpc_id": "vpc",
        "subnet_id": "subnet",
        "security_group_id": "group",
        "password": "password",
        "backup_strategy": {"start_time": "00:00-01:00"},
        "restore_point": {"instance_id": "instance", "backup_id": "backup"},
    }

    def to_existing(self, source: RestoreSource, target: Instance, options: Mapping[str, Any]) -> RequestModel:
        """Build the request that overwrites an instance."""
        if violations := self.check_engine(source.datastore, target.datastore):
            raise InvalidRequestError("GaussDB restore", violations)
        point = {"instance_id": source.instance_id, **source.point, **options}
        return validated(Restore, "GaussDB restore", {"source": point, "target": {"instance_id": target.id}})

    def restore_point(self, source: RestoreSource) -> dict[str, Any]:
        """Return what a request for a new instance says of its content."""
        return {"instance_id": source.instance_id, **source.point}

    async def values_like(self, service: DatabaseService, instance: Instance) -> dict[str, Any]:
        """Return the fields that are the same; the list does not show the parameter group.

        Requests take three zones, all equal or all different. Of an instance in two zones it cannot be known which
        three are meant: the author has to give them.
        """
        zones = list(dict.fromkeys(node.availability_zone for node in instance.nodes if node.availability_zone))
        three = zones * _ZONES if len(zones) == 1 else zones[:_ZONES]
        return given_members(
            flavor_ref=instance.flavor_ref,
            volume=volume_of(instance),
            availability_zone=",".join(three),
            vpc_id=instance.vpc_id,
            subnet_id=instance.subnet_id,
            security_group_id=instance.security_group_id,
            port=instance.port,
            time_zone=instance.time_zone,
            disk_encryption_id=instance.disk_encryption_id,
            backup_strategy=await backup_strategy_of(service, instance),
            enterprise_project_id=instance.enterprise_project_id,
        )

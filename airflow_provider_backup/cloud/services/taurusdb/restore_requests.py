"""The requests of TaurusDB that restore an instance (databases sections 8.1 and 8.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.databases.models import Instance
from airflow_provider_backup.cloud.services.databases.restore_requests import (
    RestoreRequests,
    backup_strategy_of,
    given_members,
    tags_of,
)
from airflow_provider_backup.cloud.services.databases.restore_sources import RestoreSource
from airflow_provider_backup.cloud.services.taurusdb.restore_models import Restore, RestoredInstance

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService
    from airflow_provider_backup.cloud.services.taurusdb.service import TaurusDbService


class TaurusDbRestoreRequests(RestoreRequests):
    """The requests of TaurusDB."""

    title = "TaurusDB"
    on_otc = ()
    new_instance = RestoredInstance
    sample: ClassVar[Mapping[str, Any]] = {
        "name": "instance",
        "flavor_ref": "flavor",
        "region": "region",
        "datastore": {"type": "gaussdb-mysql", "version": "8.0"},
        "mode": "Cluster",
        "vpc_id": "vpc",
        "subnet_id": "subnet",
        "password": "password",
        "availability_zone_mode": "single",
        "slave_count": 1,
        "backup_strategy": {"start_time": "00:00-01:00"},
        "charge_info": {"charge_mode": "postPaid"},
        "restore_point": {"source_instance_id": "instance", "backup_id": "backup"},
    }

    def to_existing(self, source: RestoreSource, target: Instance, options: Mapping[str, Any]) -> RequestModel:
        """Build the request that overwrites an instance."""
        if violations := self.check_engine(source.datastore, target.datastore):
            raise InvalidRequestError("TaurusDB restore", violations)
        values = {**self.restore_point(source), "target_instance_id": target.id, **options}
        return validated(Restore, "TaurusDB restore", values)

    def restore_point(self, source: RestoreSource) -> dict[str, Any]:
        """Return what a request for a new instance says of its content."""
        return {"source_instance_id": source.instance_id, **source.point}

    def overridden(self, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a request; ``availability_zone`` is the zone of the primary node."""
        changed = super().overridden(values, given)
        if "availability_zone" in changed:
            changed["master_availability_zone"] = changed.pop("availability_zone")
        return changed

    async def values_like(self, service: DatabaseService, instance: Instance) -> dict[str, Any]:
        """Return the fields that are the same; nodes, zones and parameter group stand in the details of an instance."""
        details = await cast("TaurusDbService", service).instance_details.get(instance.id)
        datastore = instance.datastore or details.datastore
        flavors = [node.flavor_ref for node in details.nodes if node.flavor_ref]
        nodes = details.node_count or len(details.nodes)
        return given_members(
            flavor_ref=instance.flavor_ref or next(iter(flavors), None),
            region=instance.region,
            datastore={"type": datastore.type, "version": datastore.version} if datastore else None,
            mode=instance.type or details.type,
            vpc_id=instance.vpc_id or details.vpc_id,
            subnet_id=instance.subnet_id or details.subnet_id,
            security_group_id=instance.security_group_id or details.security_group_id,
            time_zone=instance.time_zone or details.time_zone,
            availability_zone_mode=details.az_mode,
            master_availability_zone=details.master_az_code,
            slave_count=max(nodes - 1, 0),
            backup_strategy=await backup_strategy_of(service, instance),
            charge_info={"charge_mode": "postPaid"},
            enterprise_project_id=instance.enterprise_project_id,
            configuration_id=details.configuration_id,
            tags=tags_of(instance),
        )

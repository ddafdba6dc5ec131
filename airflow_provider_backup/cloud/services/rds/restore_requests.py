"""The requests of RDS that restore an instance (databases sections 8.1 and 8.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.databases.models import Datastore, Instance
from airflow_provider_backup.cloud.services.databases.restore_requests import (
    RestoreRequests,
    backup_strategy_of,
    given_members,
    tags_of,
    volume_of,
)
from airflow_provider_backup.cloud.services.databases.restore_sources import RestoreSource
from airflow_provider_backup.cloud.services.rds.restore_models import Restore, RestoredInstance

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService


class RdsRestoreRequests(RestoreRequests):
    """The requests of RDS."""

    title = "RDS"
    new_instance = RestoredInstance
    # Open Telekom Cloud requires one; elsewhere the sources disagree.
    needs_password = False
    sample: ClassVar[Mapping[str, Any]] = {
        "name": "instance",
        "flavor_ref": "flavor",
        "volume": {"type": "CLOUDSSD", "size": 40},
        "availability_zone": "zone",
        "backup_strategy": {"start_time": "00:00-01:00"},
        "restore_point": {"instance_id": "instance", "backup_id": "backup"},
    }

    def to_existing(self, source: RestoreSource, target: Instance, options: Mapping[str, Any]) -> RequestModel:
        """Build the request that overwrites an instance; SQL Server needs to know which databases."""
        violations = [
            *self.check_engine(source.datastore, target.datastore),
            *_check_storage(source, target),
            *_check_databases(target.datastore, options),
        ]
        if violations:
            raise InvalidRequestError("RDS restore", violations)
        point = {"instance_id": source.instance_id, **source.point, **options}
        return validated(Restore, "RDS restore", {"source": point, "target": {"instance_id": target.id}})

    def restore_point(self, source: RestoreSource) -> dict[str, Any]:
        """Return what a request for a new instance says of its content."""
        return {"instance_id": source.instance_id, **source.point}

    def overridden(self, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a request; ``ha`` that is ``False`` leaves out the standby and its zone."""
        changed = super().overridden(values, given)
        if changed.get("ha") is False:
            del changed["ha"]
            if "availability_zone" not in given and isinstance(changed.get("availability_zone"), str):
                changed["availability_zone"] = changed["availability_zone"].split(",")[0]
        return changed

    async def values_like(self, service: DatabaseService, instance: Instance) -> dict[str, Any]:
        """Return the fields that are the same; the list does not show the parameter group."""
        nodes = [node for node in instance.nodes if node.role.lower() != "readreplica" and node.availability_zone]
        nodes.sort(key=lambda node: node.role.lower() != "master")
        is_ha = instance.type.lower() == "ha" and instance.ha is not None
        tables = instance.unchangeable_param.get("lower_case_table_names")
        return given_members(
            flavor_ref=instance.flavor_ref,
            volume=volume_of(instance),
            availability_zone=",".join(node.availability_zone for node in nodes),
            ha={"mode": "Ha", "replication_mode": instance.ha.replication_mode} if is_ha and instance.ha else None,
            region=instance.region,
            vpc_id=instance.vpc_id,
            subnet_id=instance.subnet_id,
            security_group_id=instance.security_group_id,
            port=instance.port,
            time_zone=instance.time_zone,
            collation=instance.collation,
            disk_encryption_id=instance.disk_encryption_id,
            backup_strategy=await backup_strategy_of(service, instance),
            enterprise_project_id=instance.enterprise_project_id,
            tags=tags_of(instance),
            unchangeable_param={"lower_case_table_names": str(tables)} if tables is not None else None,
        )


def _is_engine(datastore: Datastore | None, engine: str) -> bool:
    return datastore is not None and datastore.type.lower() == engine


def _check_databases(datastore: Datastore | None, options: Mapping[str, Any]) -> list[Violation]:
    if _is_engine(datastore, "sqlserver"):
        if options.get("database_name") or options.get("restore_all_database"):
            return []
        rule = "SQL Server needs the databases to restore, or restore_all_databases=True"
        return [Violation("databases", rule, options.get("database_name"))]
    if options.get("database_name") and datastore is not None:
        rule = f"only SQL Server restores single databases; {datastore.type} would overwrite all of them"
        return [Violation("databases", rule, options["database_name"])]
    return []


def _check_storage(source: RestoreSource, target: Instance) -> list[Violation]:
    held = source.instance.volume.size if source.instance and source.instance.volume else None
    size = target.volume.size if target.volume else None
    if not (_is_engine(target.datastore, "mysql") and held and size and size < held):
        return []
    rule = f"its storage ({size:g} GB) must not be smaller than that of the instance that was backed up ({held:g} GB)"
    return [Violation("target_instance_id", rule, target.id)]

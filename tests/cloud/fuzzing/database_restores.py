"""Requests for restores of databases that keep every rule, for the calls of the client that are fuzzed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_backup.cloud.services.gaussdb import restore_models as gaussdb
from airflow_provider_backup.cloud.services.rds import restore_models as rds
from airflow_provider_backup.cloud.services.rds import table_restore_models as rds_tables
from airflow_provider_backup.cloud.services.taurusdb import restore_models as taurusdb


def restore_arguments(service: str, instance_id: str, backup_id: str) -> dict[str, Any]:
    """Return the arguments of a service's calls for restores, by the path of the call and the argument's name.

    :param service: name of a database service.
    :param instance_id: the instance that was backed up, and is overwritten.
    :param backup_id: its backup.
    """
    place = {"vpc_id": "v", "subnet_id": "n", "security_group_id": "s", "password": "Secret-1234"}
    point = {"instance_id": instance_id, "backup_id": backup_id}
    match service:
        case "rds":
            return _rds(point, place) | _rds_tables(instance_id)
        case "gaussdb":
            new: dict[str, Any] = {
                "name": "rehearsal-1",
                "flavor_ref": "gaussdb.opengauss.ee.dn.m6.2xlarge.8.in",
                "volume": {"type": "ULTRAHIGH", "size": 160},
                "availability_zone": "eu-de-01,eu-de-02,eu-de-03",
                "restore_point": point,
            }
            restore = gaussdb.Restore.model_validate({"source": point, "target": {"instance_id": instance_id}})
            return {
                "restores.restore": restore,
                "restores.instance": gaussdb.RestoredInstance.model_validate(place | new),
                "restores.date": datetime.now(UTC).date(),
            }
        case _:
            overwritten = {
                "source_instance_id": instance_id,
                "target_instance_id": instance_id,
                "backup_id": backup_id,
            }
            new = {
                "name": "rehearsal-1",
                "flavor_ref": "gaussdb.mysql.xlarge.x86.4",
                "region": "eu-de",
                "datastore": {"type": "gaussdb-mysql", "version": "8.0"},
                "mode": "Cluster",
                "availability_zone_mode": "single",
                "slave_count": 1,
                "backup_strategy": {"start_time": "01:00-02:00", "keep_days": 7},
                "charge_info": {"charge_mode": "postPaid"},
                "restore_point": {"source_instance_id": instance_id, "backup_id": backup_id},
            }
            return {
                "restores.restore": taurusdb.Restore.model_validate(overwritten),
                "restores.instance": taurusdb.RestoredInstance.model_validate(place | new),
            }


def _rds(point: dict[str, str], place: dict[str, str]) -> dict[str, Any]:
    new: dict[str, Any] = {
        "name": "rehearsal-1",
        "flavor_ref": "rds.mysql.x1.xlarge.4",
        "volume": {"type": "CLOUDSSD", "size": 200},
        "availability_zone": "eu-de-01",
        "restore_point": point,
    }
    restore = rds.Restore.model_validate({"source": point, "target": {"instance_id": point["instance_id"]}})
    return {"restores.restore": restore, "restores.instance": rds.RestoredInstance.model_validate(place | new)}


def _rds_tables(instance_id: str) -> dict[str, Any]:
    names = [{"old_name": "orders", "new_name": "orders_old"}]
    moment = {"restore_time": datetime.now(UTC) - timedelta(hours=1)}
    of_instance = moment | {"instance_id": instance_id}
    schemas = [{"database": "shop", "schemas": [{"schema": "public", "tables": names}]}]
    mysql = moment | {"restore_tables": [{"database": "shop", "tables": names}]}
    return {
        "table_restores.restore": rds_tables.MySqlTableRestore.model_validate(mysql),
        "table_restores.postgresql_tables.restores": [
            rds_tables.PostgreSqlTableRestore.model_validate(of_instance | {"databases": schemas})
        ],
        "table_restores.databases.restores": [
            rds_tables.DatabaseRestore.model_validate(of_instance | {"databases": names})
        ],
    }

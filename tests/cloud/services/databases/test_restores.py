"""Restores and deletions of instances through the client, against a local cloud (databases sections 7, 8 and 11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import NotFoundError, ResourceBusyError
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.databases.models import Instance
from airflow_provider_backup.cloud.services.gaussdb import restore_models as gaussdb
from airflow_provider_backup.cloud.services.rds import restore_models as rds
from airflow_provider_backup.cloud.services.taurusdb import restore_models as taurusdb
from tests.cloud.services.databases.database_fixture import Family

NEW_INSTANCES: dict[str, tuple[type[RequestModel], dict[str, Any]]] = {
    "rds": (rds.RestoredInstance, {"availability_zone": "eu-de-01"}),
    "gaussdb": (gaussdb.RestoredInstance, {"availability_zone": "eu-de-01,eu-de-01,eu-de-01"}),
    "taurusdb": (
        taurusdb.RestoredInstance,
        {
            "region": "eu-de",
            "mode": "Cluster",
            "availability_zone_mode": "single",
            "slave_count": 1,
            "charge_info": {"charge_mode": "postPaid"},
        },
    ),
}


def restore_of(family: Family, **point: Any) -> RequestModel:
    """The request that restores the instance in place."""
    own = family.instance_id
    if family.name == "taurusdb":
        values: dict[str, Any] = {"source_instance_id": own, "target_instance_id": own, **point}
        return validated(taurusdb.Restore, "restore", values)
    values = {"source": {"instance_id": own, **point}, "target": {"instance_id": own}}
    return validated(rds.Restore if family.name == "rds" else gaussdb.Restore, "restore", values)


def new_instance_of(family: Family, source: Instance, backup_id: str) -> RequestModel:
    """The request for a new instance like the source."""
    model, values = NEW_INSTANCES[family.name]
    assert source.datastore is not None
    assert source.volume is not None
    if family.name == "taurusdb":
        values = {**values, "datastore": {"type": source.datastore.type, "version": source.datastore.version}}
        values |= {"backup_strategy": {"start_time": "01:00-02:00", "keep_days": 7}}
    else:
        values = {**values, "volume": {"type": source.volume.type, "size": source.volume.size}}
    own = "source_instance_id" if family.name == "taurusdb" else "instance_id"
    common = {
        "name": "rehearsal-1",
        "flavor_ref": source.flavor_ref,
        "vpc_id": source.vpc_id,
        "subnet_id": source.subnet_id,
        "security_group_id": source.security_group_id,
        "password": "Secret-1234",
        "restore_point": {own: source.id, "backup_id": backup_id},
    }
    return validated(model, "instance", {**common, **values})


async def a_good_backup(family: Family) -> str:
    backup = await family.start()
    family.finish_everything()
    return backup.id


async def test_an_instance_gets_the_content_of_the_backup_back(family: Family) -> None:
    backup_id = await a_good_backup(family)
    family.local_cloud.change_content(family.instance_id, 2)

    job_id = await family.service.restores.to_existing(restore_of(family, backup_id=backup_id))

    assert job_id is not None
    assert (await family.service.jobs.get(job_id)).phase is Phase.IN_PROGRESS
    family.local_cloud.state.advance_clock(3601)
    assert (await family.service.jobs.get(job_id)).phase is Phase.SUCCEEDED
    assert (await family.service.instances.get(family.instance_id)).status == "ACTIVE"
    assert family.local_cloud.content(family.instance_id) == 1


async def test_an_instance_gets_the_content_of_a_moment_back(family: Family) -> None:
    now = family.local_cloud.state.now()
    restores = family.service.restores
    windows = [
        window
        for day in (now - timedelta(days=1), now)
        for window in await restores.windows(family.instance_id, date=day.date())
    ]
    family.local_cloud.change_content(family.instance_id, 2)

    await restores.to_existing(restore_of(family, restore_time=windows[-1].end_time))
    family.local_cloud.state.advance_clock(3601)

    assert family.local_cloud.content(family.instance_id) == 1


async def test_an_instance_that_is_restored_is_busy(family: Family) -> None:
    backup_id = await a_good_backup(family)
    request = restore_of(family, backup_id=backup_id)
    await family.service.restores.to_existing(request)

    with pytest.raises(ResourceBusyError):
        await family.service.restores.to_existing(request)


async def test_a_new_instance_like_the_source_has_its_content_and_can_be_deleted(family: Family) -> None:
    backup_id = await a_good_backup(family)
    family.local_cloud.change_content(family.instance_id, 2)
    source = await family.service.instances.get(family.instance_id)

    started = await family.service.restores.to_new(new_instance_of(family, source, backup_id))

    assert (started.name, started.status, started.job_id is not None) == ("rehearsal-1", "BUILD", True)
    family.local_cloud.state.advance_clock(3601)
    found = await family.service.instances.get(started.id)
    assert (found.status, found.flavor_ref, found.vpc_id) == ("ACTIVE", source.flavor_ref, source.vpc_id)
    assert found.private_ips
    assert family.local_cloud.content(started.id) == 1
    await family.service.instances.delete(started.id)
    family.local_cloud.state.advance_clock(3601)
    with pytest.raises(NotFoundError):
        await family.service.instances.get(started.id)


async def test_the_details_of_a_taurusdb_instance_show_its_nodes(cloud: BackupCloud) -> None:
    async for instance in cloud.taurusdb.instances.list():
        details = await cloud.taurusdb.instance_details.get(instance.id)
        assert (details.name, details.node_count, details.az_mode) == (instance.name, 2, "single")
        assert [node.availability_zone for node in details.nodes] == [details.master_az_code] * 2
        assert details.configuration_id
        assert details.private_ips


async def test_an_unknown_taurusdb_instance_has_no_details(cloud: BackupCloud) -> None:
    with pytest.raises(NotFoundError):
        await cloud.taurusdb.instance_details.get("0" * 32 + "in07")

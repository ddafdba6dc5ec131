"""Other people's clients use every route of RDS, GaussDB and TaurusDB of the local cloud, unmodified."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkgaussdb import v3 as taurusdb
from huaweicloudsdkgaussdbforopengauss import v3 as gaussdb
from huaweicloudsdkrds import v3 as rds
from openstack import exceptions

from airflow_provider_backup.emulator.core.accounts import (
    ACCESS_KEY,
    PROJECT_ID,
    SECRET_KEY,
)
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.services.rds import EmulatedRds
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.openstack_connection import otc_connection
from tests.emulator.vendor_schemas import judged_exchanges

UNKNOWN_BACKUP = "0" * 32 + "br01"
UNKNOWN_JOB = "6e7d9a3c-5c7a-4a52-92f6-0e5d0a1b7c11"


@pytest.fixture(autouse=True)
def nothing_of_the_person_who_runs_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The vendor's SDK writes an id into the home directory; openstacksdk reads clouds.yaml and OS_* variables.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def every_exchange_fits_the_vendors_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    faults = judged_exchanges(monkeypatch)
    yield
    assert faults == []


@pytest.fixture
def cloud(backup_cloud: RunningCloud) -> RunningCloud:
    """A local cloud whose backups take an hour unless they are finished by hand."""
    backup_cloud.set_backup_seconds(3600)
    return backup_cloud


def vendor_client(client: Any, cloud: RunningCloud, service: str) -> Any:
    credentials = BasicCredentials(ACCESS_KEY, SECRET_KEY, PROJECT_ID)
    return client.new_builder().with_credentials(credentials).with_endpoint(cloud.url(service)).build()


@pytest.fixture
def rds_client(cloud: RunningCloud) -> Any:
    return vendor_client(rds.RdsClient, cloud, "rds")


@pytest.fixture
def gaussdb_client(cloud: RunningCloud) -> Any:
    return vendor_client(gaussdb.GaussDBforopenGaussClient, cloud, "gaussdb")


@pytest.fixture
def taurusdb_client(cloud: RunningCloud) -> Any:
    return vendor_client(taurusdb.GaussDBClient, cloud, "taurusdb")


@pytest.fixture
def conn(cloud: RunningCloud) -> Iterator[Any]:
    connection = otc_connection(cloud)
    yield connection
    connection.close()


def instance_of(cloud: RunningCloud, service: str, number: int = 0) -> str:
    return str(cloud.describe()["resources"][f"{service}_instances"][number])


def finish(cloud: RunningCloud, service: str) -> None:
    for row in cloud.state.table(f"{service}.backups").values():
        row["ready_at"] = row["started_at"]


def forget_deleted(cloud: RunningCloud, service: str) -> None:
    for row in cloud.state.table(f"{service}.backups").values():
        row["gone_at"] = row["gone_at"] and row["started_at"]


# RDS, the vendor's SDK


def start_rds(client: Any, instance_id: str, name: str = "before-upgrade", **values: Any) -> Any:
    body = rds.CreateManualBackupRequestBody(instance_id=instance_id, name=name, **values)
    return client.create_manual_backup(rds.CreateManualBackupRequest(body=body)).backup


def test_the_vendor_takes_an_rds_backup_and_waits_for_it(cloud: RunningCloud, rds_client: Any) -> None:
    instance_id = instance_of(cloud, "rds")
    started = start_rds(rds_client, instance_id, description="manual copy")
    assert (started.status, started.type, started.description) == ("BUILDING", "manual", "manual copy")
    request = rds.ListBackupsRequest(instance_id=instance_id, backup_id=started.id)
    assert [row.status for row in rds_client.list_backups(request).backups] == ["BUILDING"]
    finish(cloud, "rds")
    (row,) = rds_client.list_backups(request).backups
    assert (row.id, row.status, row.datastore.type) == (started.id, "COMPLETED", "MySQL")
    assert isinstance(row.size, int)
    assert row.end_time


def test_the_vendor_takes_a_partial_rds_backup(cloud: RunningCloud, rds_client: Any) -> None:
    started = start_rds(
        rds_client,
        instance_of(cloud, "rds", 2),
        databases=[rds.BackupDatabase(name="orders")],
        backup_database_individually=True,
    )
    assert [database.name for database in started.databases] == ["orders"]


def test_the_vendor_lists_rds_backups_with_every_filter(cloud: RunningCloud, rds_client: Any) -> None:
    instance_id = instance_of(cloud, "rds", 2)
    start_rds(rds_client, instance_id)
    finish(cloud, "rds")
    answer = rds_client.list_backups(
        rds.ListBackupsRequest(
            x_language="en-us",
            instance_id=instance_id,
            backup_type="manual",
            status="COMPLETED",
            offset=0,
            limit=10,
            begin_time="2026-01-01T00:00:00+0800",
            end_time="2131-01-01T00:00:00+0800",
        )
    )
    assert ([row.name for row in answer.backups], answer.total_count) == (["before-upgrade"], 1)


def test_the_vendor_deletes_an_rds_backup(cloud: RunningCloud, rds_client: Any) -> None:
    instance_id = instance_of(cloud, "rds")
    started = start_rds(rds_client, instance_id)
    finish(cloud, "rds")
    rds_client.delete_manual_backup(rds.DeleteManualBackupRequest(backup_id=started.id))
    request = rds.ListBackupsRequest(instance_id=instance_id, backup_id=started.id)
    assert [row.status for row in rds_client.list_backups(request).backups] == ["DELETING"]
    forget_deleted(cloud, "rds")
    assert rds_client.list_backups(request).total_count == 0


def test_the_vendor_deletes_several_rds_backups(cloud: RunningCloud, rds_client: Any) -> None:
    started = start_rds(rds_client, instance_of(cloud, "rds", 2))
    finish(cloud, "rds")
    body = rds.BatchDeleteBackupRequestBody(backup_ids=[started.id, UNKNOWN_BACKUP])
    answer = rds_client.batch_delete_manual_backup(rds.BatchDeleteManualBackupRequest(body=body))
    assert [result.error_code for result in answer.delete_results] == ["0", "DBS.201010"]


def test_the_vendor_changes_an_rds_policy(cloud: RunningCloud, rds_client: Any) -> None:
    instance_id = instance_of(cloud, "rds")
    policy = rds.BackupPolicy(keep_days=10, start_time="01:15-02:15", period="1,3,5")
    body = rds.SetBackupPolicyRequestBody(backup_policy=policy, reserve_backups=True)
    rds_client.set_backup_policy(rds.SetBackupPolicyRequest(instance_id=instance_id, body=body))
    found = rds_client.show_backup_policy(rds.ShowBackupPolicyRequest(instance_id=instance_id)).backup_policy
    assert (found.keep_days, found.start_time, found.period) == (10, "01:15-02:15", "1,3,5")


def test_the_vendor_has_rds_backups_copied_to_another_region(cloud: RunningCloud, rds_client: Any) -> None:
    instance_id = instance_of(cloud, "rds")
    policy = rds.OffSiteBackupPolicy(
        backup_type="all", keep_days=7, destination_region="eu-nl", destination_project_id=PROJECT_ID
    )
    body = rds.SetOffSiteBackupPolicyRequestBody(policy_para=policy)
    rds_client.set_off_site_backup_policy(rds.SetOffSiteBackupPolicyRequest(instance_id=instance_id, body=body))
    found = rds_client.show_off_site_backup_policy(rds.ShowOffSiteBackupPolicyRequest(instance_id=instance_id))
    assert [(each.backup_type, each.keep_days) for each in found.policy_para] == [("auto", 7), ("incremental", 7)]
    cloud.set_backup_seconds(0)
    schedules = EmulatedRds(cloud.state, Inventory(cloud.state)).schedules
    assert schedules is not None
    schedules.run(instance_id)
    listed = rds_client.list_off_site_backups(rds.ListOffSiteBackupsRequest(instance_id=instance_id, limit=1))
    (copy,) = listed.backups
    assert (copy.instance_id, copy.type, copy.status, listed.total_count) == (instance_id, "auto", "COMPLETED", 1)
    (instance,) = rds_client.list_off_site_instances(rds.ListOffSiteInstancesRequest()).offsite_backup_instances
    assert (instance.id, instance.destination_region, instance.keep_days) == (instance_id, "eu-nl", 7)
    (row,) = cloud.state.table("rds.offsite_backups").values()
    row["ready_at"] = (cloud.state.now() - timedelta(hours=1)).isoformat()
    windows = rds_client.list_off_site_restore_times(rds.ListOffSiteRestoreTimesRequest(instance_id=instance_id))
    assert len(windows.restore_time) == 1


def test_the_vendor_lists_rds_instances(cloud: RunningCloud, rds_client: Any) -> None:
    answer = rds_client.list_instances(rds.ListInstancesRequest(datastore_type="MySQL", limit=1, offset=1))
    (instance,) = answer.instances
    assert (instance.id, instance.name, instance.status) == (instance_of(cloud, "rds", 3), "catalog-mysql", "ACTIVE")
    assert (answer.total_count, instance.datastore.version, instance.volume.size) == (2, "8.0", 40)
    assert [node.role for node in instance.nodes] == ["master"]


def test_the_vendor_learns_that_rds_has_no_job_for_a_backup(rds_client: Any) -> None:
    with pytest.raises(ClientRequestException) as caught:
        rds_client.list_job_info(rds.ListJobInfoRequest(id=UNKNOWN_JOB))
    assert (caught.value.status_code, caught.value.error_code) == (400, "DBS.200543")


def test_the_vendor_learns_why_rds_refuses(cloud: RunningCloud, rds_client: Any) -> None:
    start_rds(rds_client, instance_of(cloud, "rds"))
    with pytest.raises(ClientRequestException) as caught:
        start_rds(rds_client, instance_of(cloud, "rds"), "another")
    error = caught.value
    assert (error.status_code, error.error_code) == (409, "DBS.201205")
    assert error.error_msg
    assert error.request_id


# Restores of RDS, the vendor's SDK and otcextensions


def automatic_backup(client: Any, instance_id: str) -> str:
    request = rds.ListBackupsRequest(instance_id=instance_id, backup_type="auto")
    return str(client.list_backups(request).backups[0].id)


def instance_status(client: Any, instance_id: str) -> str | None:
    rows = client.list_instances(rds.ListInstancesRequest(id=instance_id)).instances
    return rows[0].status if rows else None


def test_the_vendor_reads_the_restore_windows_of_rds(rds_client: Any, cloud: RunningCloud) -> None:
    answer = rds_client.list_restore_times(rds.ListRestoreTimesRequest(instance_id=instance_of(cloud, "rds")))
    (window,) = answer.restore_time
    assert window.start_time < window.end_time


def test_the_vendor_overwrites_an_rds_instance(cloud: RunningCloud, rds_client: Any) -> None:
    cloud.set_backup_seconds(0)
    instance_id = instance_of(cloud, "rds")
    cloud.change_content(instance_id, 2)
    source = rds.RestoreToExistingInstanceRequestBodySource(
        instance_id=instance_id, type="backup", backup_id=automatic_backup(rds_client, instance_id)
    )
    target = rds.RestoreToExistingInstanceRequestBodyTarget(instance_id=instance_id)
    body = rds.RestoreToExistingInstanceRequestBody(source=source, target=target)
    answer = rds_client.restore_to_existing_instance(rds.RestoreToExistingInstanceRequest(body=body))
    job = rds_client.list_job_info(rds.ListJobInfoRequest(id=answer.job_id)).job
    assert (job.status, instance_status(rds_client, instance_id)) == ("Completed", "ACTIVE")
    assert cloud.content(instance_id) == 1


def test_the_vendor_overwrites_an_rds_instance_with_the_newer_call(cloud: RunningCloud, rds_client: Any) -> None:
    instance_id = instance_of(cloud, "rds")
    source = rds.RestoreExistingInstanceRequestBodySource(
        instance_id=instance_id,
        backup_id=automatic_backup(rds_client, instance_id),
        restore_all_database=True,
    )
    target = rds.TargetInstanceRequest(instance_id=instance_id)
    body = rds.RestoreExistingInstanceRequestBody(source=source, target=target)
    assert rds_client.restore_exist_instance(rds.RestoreExistInstanceRequest(body=body)).job_id


def test_the_vendor_restores_rds_to_a_new_instance_and_deletes_it(cloud: RunningCloud, rds_client: Any) -> None:
    cloud.set_backup_seconds(0)
    source = rds_client.list_instances(rds.ListInstancesRequest(id=instance_of(cloud, "rds"))).instances[0]
    body = rds.CreateRestoreInstanceRequestBody(
        name="rehearsal-1",
        flavor_ref=source.flavor_ref,
        volume=rds.Volume(type="CLOUDSSD", size=200),
        availability_zone="eu-de-01,eu-de-02",
        ha=rds.Ha(mode="Ha", replication_mode="async"),
        vpc_id=source.vpc_id,
        subnet_id=source.subnet_id,
        security_group_id=source.security_group_id,
        password="Secret-1234",
        port="3307",
        backup_strategy=rds.BackupStrategy(start_time="01:00-02:00", keep_days=7),
        restore_point=rds.RestorePoint(
            instance_id=source.id, type="backup", backup_id=automatic_backup(rds_client, source.id)
        ),
    )
    answer = rds_client.create_restore_instance(rds.CreateRestoreInstanceRequest(body=body))
    new_id = answer.instance.id
    assert (answer.instance.name, bool(answer.job_id)) == ("rehearsal-1", True)
    (row,) = rds_client.list_instances(rds.ListInstancesRequest(id=new_id)).instances
    assert (row.status, row.type, row.port, len(row.nodes)) == ("ACTIVE", "Ha", 3307, 2)
    assert rds_client.delete_instance(rds.DeleteInstanceRequest(instance_id=new_id)).job_id
    assert instance_status(rds_client, new_id) is None


def test_the_vendor_restores_tables_of_rds(cloud: RunningCloud, rds_client: Any) -> None:
    instance_id = instance_of(cloud, "rds")
    (window,) = rds_client.list_restore_times(rds.ListRestoreTimesRequest(instance_id=instance_id)).restore_time
    table = rds.RestoreTableInfoNew(old_name="orders", new_name="orders_old")
    body = rds.RestoreTablesNewRequestBody(
        restore_time=window.end_time,
        restore_tables=[rds.RestoreDatabasesInfoNew(database="shop", tables=[table])],
    )
    assert rds_client.restore_tables_new(rds.RestoreTablesNewRequest(instance_id=instance_id, body=body)).job_id


def test_otcextensions_overwrites_an_rds_instance(cloud: RunningCloud, conn: Any) -> None:
    instance = conn.rds.find_instance("orders-mysql")
    (backup,) = conn.rds.backups(instance, type="auto")
    assert conn.rds.restore_instance(instance, backup=backup)


def test_otcextensions_deletes_an_rds_instance(cloud: RunningCloud, conn: Any) -> None:
    cloud.set_backup_seconds(0)
    conn.rds.delete_instance(instance_of(cloud, "rds"))
    assert conn.rds.find_instance("orders-mysql") is None


# RDS, otcextensions


def test_otcextensions_takes_an_rds_backup_and_waits_for_it(cloud: RunningCloud, conn: Any) -> None:
    cloud.set_backup_seconds(0.5)
    instance = conn.rds.find_instance("orders-mysql")
    backup = conn.rds.create_backup(instance, name="before-upgrade", description="manual copy")
    assert (backup.status, backup.instance_id) == ("BUILDING", instance.id)
    done = conn.rds.wait_for_backup(backup, interval=0.1, wait=20)
    assert (done.status, done.datastore["type"]) == ("COMPLETED", "MySQL")


def test_otcextensions_takes_a_partial_rds_backup(cloud: RunningCloud, conn: Any) -> None:
    backup = conn.rds.create_backup(instance_of(cloud, "rds", 2), name="partial", databases=[{"name": "orders"}])
    assert backup.databases == [{"name": "orders"}]


@pytest.mark.parametrize("query", [{}, {"limit": 2}, {"limit": 1, "type": "manual"}])
def test_otcextensions_lists_rds_backups_to_the_end(cloud: RunningCloud, conn: Any, query: dict[str, Any]) -> None:
    instance_id = instance_of(cloud, "rds")
    for number in range(3):
        conn.rds.create_backup(instance_id, name=f"copy-{number}")
        finish(cloud, "rds")
    names = [backup.name for backup in conn.rds.backups(instance_id, **query) if backup.type == "manual"]
    assert names == ["copy-2", "copy-1", "copy-0"]


def test_otcextensions_finds_an_rds_backup_by_id_and_by_name(cloud: RunningCloud, conn: Any) -> None:
    instance_id = instance_of(cloud, "rds")
    backup = conn.rds.create_backup(instance_id, name="before-upgrade")
    assert conn.rds.find_backup(backup.id, instance_id).name == "before-upgrade"
    assert conn.rds.find_backup("before-upgrade", instance_id).id == backup.id
    assert conn.rds.find_backup("after-upgrade", instance_id) is None


def test_otcextensions_deletes_an_rds_backup(cloud: RunningCloud, conn: Any) -> None:
    instance_id = instance_of(cloud, "rds")
    backup = conn.rds.create_backup(instance_id, name="before-upgrade")
    finish(cloud, "rds")
    conn.rds.delete_backup(backup)
    assert conn.rds.find_backup(backup.id, instance_id).status == "DELETING"
    forget_deleted(cloud, "rds")
    assert conn.rds.find_backup(backup.id, instance_id) is None


def test_otcextensions_learns_that_a_backup_does_not_exist(conn: Any) -> None:
    assert conn.rds.delete_backup(UNKNOWN_BACKUP) is None
    with pytest.raises(exceptions.NotFoundException, match=r"DBS\.201010"):
        conn.rds.delete_backup(UNKNOWN_BACKUP, ignore_missing=False)


def test_otcextensions_changes_an_rds_policy(cloud: RunningCloud, conn: Any) -> None:
    instance_id = instance_of(cloud, "rds")
    conn.rds.set_instance_backup_policy(instance_id, keep_days=10, start_time="01:15-02:15", period="1,3,5")
    assert conn.rds.get_instance_backup_policy(instance_id) == {
        "keep_days": 10,
        "start_time": "01:15-02:15",
        "period": "1,3,5",
    }
    conn.rds.set_instance_backup_policy(instance_id, keep_days=0)
    assert conn.rds.get_instance_backup_policy(instance_id)["keep_days"] == 0


def test_otcextensions_lists_and_reads_rds_instances(cloud: RunningCloud, conn: Any) -> None:
    assert [row.id for row in conn.rds.instances()] == cloud.describe()["resources"]["rds_instances"]
    instance = conn.rds.get_instance(instance_of(cloud, "rds"))
    assert (instance.name, instance.status, instance.datastore["type"]) == ("orders-mysql", "ACTIVE", "MySQL")
    assert conn.rds.find_instance("orders-mysql").id == instance.id
    assert conn.rds.find_instance("no-such-instance") is None


def test_otcextensions_learns_that_rds_has_no_such_job(conn: Any) -> None:
    with pytest.raises(exceptions.BadRequestException):
        conn.rds.wait_for_job(UNKNOWN_JOB, interval=0.1, wait=1)


def test_otcextensions_learns_why_rds_refuses(cloud: RunningCloud, conn: Any) -> None:
    conn.rds.create_backup(instance_of(cloud, "rds"), name="before-upgrade")
    with pytest.raises(exceptions.ConflictException, match=r"DBS\.201201"):
        conn.rds.create_backup(instance_of(cloud, "rds", 1), name="before-upgrade")


# GaussDB, the vendor's SDK


def start_gaussdb(client: Any, instance_id: str, name: str = "before-upgrade") -> Any:
    body = gaussdb.CreateManualBackupRequestBody(instance_id=instance_id, name=name, description="manual copy")
    return client.create_manual_backup(gaussdb.CreateManualBackupRequest(body=body))


def gaussdb_job(client: Any, job_id: str) -> Any:
    return client.show_job_detail(gaussdb.ShowJobDetailRequest(id=job_id)).job


def test_the_vendor_takes_a_gaussdb_backup_and_waits_for_it(cloud: RunningCloud, gaussdb_client: Any) -> None:
    instance_id = instance_of(cloud, "gaussdb")
    answer = start_gaussdb(gaussdb_client, instance_id)
    assert (answer.backup.status, answer.backup.description) == ("BUILDING", "manual copy")
    job = gaussdb_job(gaussdb_client, answer.job_id)
    assert (job.status, job.progress, job.instance.id) == ("Running", "0%", instance_id)
    for table in ("gaussdb.backups", "gaussdb.jobs"):
        for row in cloud.state.table(table).values():
            row["ready_at"] = row["started_at"]
    assert gaussdb_job(gaussdb_client, answer.job_id).status == "Completed"
    found = gaussdb_client.list_backups(gaussdb.ListBackupsRequest(backup_id=answer.backup.id))
    (row,) = found.backups
    assert (row.status, row.description, row.datastore.type) == ("COMPLETED", "manual copy", "GaussDB")
    assert row.size == pytest.approx(160 * 102.4)


def test_the_vendor_lists_gaussdb_backups_with_every_filter(cloud: RunningCloud, gaussdb_client: Any) -> None:
    instance_id = instance_of(cloud, "gaussdb")
    start_gaussdb(gaussdb_client, instance_id)
    answer = gaussdb_client.list_backups(
        gaussdb.ListBackupsRequest(
            x_language="en-us",
            instance_id=instance_id,
            backup_type="manual",
            offset=0,
            limit=10,
            begin_time="2026-01-01T00:00:00+0800",
            end_time="2131-01-01T00:00:00+0800",
        )
    )
    assert ([row.name for row in answer.backups], answer.total_count) == (["before-upgrade"], 1)


def test_the_vendor_deletes_a_gaussdb_backup(cloud: RunningCloud, gaussdb_client: Any) -> None:
    backup = start_gaussdb(gaussdb_client, instance_of(cloud, "gaussdb")).backup
    finish(cloud, "gaussdb")
    answer = gaussdb_client.delete_manual_backup(gaussdb.DeleteManualBackupRequest(backup_id=backup.id))
    assert answer.status_code == 202
    forget_deleted(cloud, "gaussdb")
    assert gaussdb_client.list_backups(gaussdb.ListBackupsRequest(backup_id=backup.id)).total_count == 0


def test_the_vendor_changes_a_gaussdb_policy(cloud: RunningCloud, gaussdb_client: Any) -> None:
    instance_id = instance_of(cloud, "gaussdb")
    policy = gaussdb.BackupPolicy(
        keep_days=10,
        start_time="01:00-02:00",
        period="1,3,5",
        differential_period="60",
        rate_limit=100,
        prefetch_block=32,
        file_split_size=8,
        enable_standby_backup=True,
    )
    body = gaussdb.SetBackupPolicyRequestBody(backup_policy=policy)
    gaussdb_client.set_backup_policy(gaussdb.SetBackupPolicyRequest(instance_id=instance_id, body=body))
    found = gaussdb_client.show_backup_policy(gaussdb.ShowBackupPolicyRequest(instance_id=instance_id)).backup_policy
    assert (found.keep_days, found.differential_period, found.differential_priod) == (10, 60, "60")
    assert (found.rate_limit, found.prefetch_block, found.file_split_size) == (100, 32, 8)
    assert found.enable_standby_backup is True


def test_the_vendor_lists_gaussdb_instances(cloud: RunningCloud, gaussdb_client: Any) -> None:
    answer = gaussdb_client.list_instances(gaussdb.ListInstancesRequest(name="*ledg"))
    (instance,) = answer.instances
    assert (instance.id, instance.status, answer.total_count) == (instance_of(cloud, "gaussdb"), "ACTIVE", 1)
    assert (instance.created, instance.port) == ("2026-01-07 08:15:00 UTC", 8000)


def test_the_vendor_learns_why_gaussdb_refuses(cloud: RunningCloud, gaussdb_client: Any) -> None:
    start_gaussdb(gaussdb_client, instance_of(cloud, "gaussdb"))
    with pytest.raises(ClientRequestException) as caught:
        start_gaussdb(gaussdb_client, instance_of(cloud, "gaussdb", 1))
    assert (caught.value.status_code, caught.value.error_code) == (409, "DBS.201201")


def test_the_vendor_overwrites_a_gaussdb_instance(cloud: RunningCloud, gaussdb_client: Any) -> None:
    cloud.set_backup_seconds(0)
    instance_id = instance_of(cloud, "gaussdb")
    cloud.change_content(instance_id, 2)
    (backup,) = gaussdb_client.list_backups(gaussdb.ListBackupsRequest(instance_id=instance_id)).backups
    source = gaussdb.RecoveryBackupSource(instance_id=instance_id, type="backup", backup_id=backup.id)
    target = gaussdb.RecoveryBackupTarget(instance_id=instance_id)
    body = gaussdb.RestoreInstanceRequestBody(source=source, target=target)
    answer = gaussdb_client.restore_instance(gaussdb.RestoreInstanceRequest(body=body))
    assert gaussdb_job(gaussdb_client, answer.job_id).name == "RestoreGaussDBV5InInstance"
    assert cloud.content(instance_id) == 1


def test_the_vendor_restores_gaussdb_to_a_new_instance_and_deletes_it(cloud: RunningCloud, gaussdb_client: Any) -> None:
    cloud.set_backup_seconds(0)
    source = gaussdb_client.list_instances(gaussdb.ListInstancesRequest(id=instance_of(cloud, "gaussdb"))).instances[0]
    (backup,) = gaussdb_client.list_backups(gaussdb.ListBackupsRequest(instance_id=source.id)).backups
    body = gaussdb.OpengaussRestoreInstanceRequest(
        name="rehearsal-1",
        availability_zone="eu-de-01,eu-de-02,eu-de-03",
        flavor_ref=source.flavor_ref,
        volume=gaussdb.OpenGaussVolume(type="ULTRAHIGH", size=160),
        vpc_id=source.vpc_id,
        subnet_id=source.subnet_id,
        security_group_id=source.security_group_id,
        password="Secret-1234",
        backup_strategy=gaussdb.OpenGaussBackupStrategy(start_time="01:00-02:00", keep_days=3),
        restore_point=gaussdb.RestorePoint(instance_id=source.id, backup_id=backup.id),
    )
    answer = gaussdb_client.create_restore_instance(gaussdb.CreateRestoreInstanceRequest(body=body))
    request = gaussdb.ListInstancesRequest(id=answer.instance.id)
    (row,) = gaussdb_client.list_instances(request).instances
    assert (row.status, row.name, row.backup_strategy.keep_days) == ("ACTIVE", "rehearsal-1", 3)
    deletion = gaussdb.DeleteInstanceRequest(instance_id=answer.instance.id)
    assert gaussdb_client.delete_instance(deletion).job_id
    assert gaussdb_client.list_instances(request).total_count == 0


def test_the_vendor_reads_the_restore_windows_of_gaussdb(cloud: RunningCloud, gaussdb_client: Any) -> None:
    day = f"{cloud.state.now() - timedelta(days=1):%Y-%m-%d}"
    request = gaussdb.ListRestoreTimesRequest(instance_id=instance_of(cloud, "gaussdb"), date=day)
    (window,) = gaussdb_client.list_restore_times(request).restore_time
    assert window.start_time < window.end_time


# TaurusDB, the vendor's SDK


def start_taurusdb(client: Any, instance_id: str, name: str = "before-upgrade") -> Any:
    body = taurusdb.MysqlCreateBackupRequest(instance_id=instance_id, name=name, description="manual copy")
    return client.create_gauss_my_sql_backup(taurusdb.CreateGaussMySqlBackupRequest(body=body))


def taurusdb_backups(client: Any, **query: Any) -> Any:
    return client.show_gauss_my_sql_backup_list(taurusdb.ShowGaussMySqlBackupListRequest(**query))


def taurusdb_job(client: Any, job_id: str) -> Any:
    return client.show_gauss_my_sql_job_info(taurusdb.ShowGaussMySqlJobInfoRequest(id=job_id)).job


def test_the_vendor_takes_a_taurusdb_backup_and_waits_for_it(cloud: RunningCloud, taurusdb_client: Any) -> None:
    instance_id = instance_of(cloud, "taurusdb")
    answer = start_taurusdb(taurusdb_client, instance_id, "升级之前")
    assert (answer.backup.name, answer.backup.status, answer.status_code) == ("升级之前", "BUILDING", 201)
    job = taurusdb_job(taurusdb_client, answer.job_id)
    assert (job.status, job.process, job.instance.name) == ("Running", "0%", "shop")
    for table in ("taurusdb.backups", "taurusdb.jobs"):
        for row in cloud.state.table(table).values():
            row["ready_at"] = row["started_at"]
    assert taurusdb_job(taurusdb_client, answer.job_id).status == "Completed"
    (row,) = taurusdb_backups(taurusdb_client, backup_id=answer.backup.id).backups
    assert (row.status, row.instance_name, row.datastore.type) == ("COMPLETED", "shop", "gaussdb-mysql")
    assert row.size == pytest.approx(64 * 102.4)


def test_the_vendor_lists_taurusdb_backups_with_every_filter(cloud: RunningCloud, taurusdb_client: Any) -> None:
    instance_id = instance_of(cloud, "taurusdb")
    start_taurusdb(taurusdb_client, instance_id)
    answer = taurusdb_backups(
        taurusdb_client,
        x_language="en-us",
        instance_id=instance_id,
        backup_type="manual",
        offset="0",
        limit="10",
        begin_time="2026-01-01T00:00:00+0800",
        end_time="2131-01-01T00:00:00+0800",
        name="before-upgrade",
        instance_name="shop",
    )
    assert ([row.name for row in answer.backups], answer.total_count) == (["before-upgrade"], 1)


def test_the_vendor_deletes_a_taurusdb_backup(cloud: RunningCloud, taurusdb_client: Any) -> None:
    backup = start_taurusdb(taurusdb_client, instance_of(cloud, "taurusdb")).backup
    finish(cloud, "taurusdb")
    request = taurusdb.DeleteGaussMySqlBackupRequest(backup_id=backup.id)
    answer = taurusdb_client.delete_gauss_my_sql_backup(request)
    assert (answer.backup_id, answer.backup_name) == (backup.id, "before-upgrade")
    forget_deleted(cloud, "taurusdb")
    assert taurusdb_backups(taurusdb_client, backup_id=backup.id).total_count == 0


def test_the_vendor_deletes_several_taurusdb_backups(cloud: RunningCloud, taurusdb_client: Any) -> None:
    backup = start_taurusdb(taurusdb_client, instance_of(cloud, "taurusdb")).backup
    finish(cloud, "taurusdb")
    body = taurusdb.BatchDeleteBackupRequestBody(backup_ids=[backup.id, UNKNOWN_BACKUP])
    answer = taurusdb_client.batch_delete_backup(taurusdb.BatchDeleteBackupRequest(body=body))
    assert (answer.success_count, answer.failed_count) == (1, 1)
    assert [(result.backup_id, result.error_code) for result in answer.failed_results] == [
        (UNKNOWN_BACKUP, "DBS.201203")
    ]


def test_the_vendor_changes_a_taurusdb_policy(cloud: RunningCloud, taurusdb_client: Any) -> None:
    instance_id = instance_of(cloud, "taurusdb")
    policy = taurusdb.MysqlBackupPolicy(
        keep_days=10, start_time="01:00-02:00", period="1,3,5", retention_num_backup_level1=1
    )
    answer = taurusdb_client.update_gauss_my_sql_backup_policy(
        taurusdb.UpdateGaussMySqlBackupPolicyRequest(
            instance_id=instance_id, body=taurusdb.MysqlUpdateBackupPolicyRequest(backup_policy=policy)
        )
    )
    assert (answer.status, answer.instance_id, answer.instance_name) == ("COMPLETED", instance_id, "shop")
    request = taurusdb.ShowGaussMySqlBackupPolicyRequest(instance_id=instance_id)
    found = taurusdb_client.show_gauss_my_sql_backup_policy(request).backup_policy
    assert (found.keep_days, found.start_time, found.period) == (10, "01:00-02:00", "1,3,5")
    assert found.retention_num_backup_level1 == 1


def test_the_vendor_lists_taurusdb_instances(cloud: RunningCloud, taurusdb_client: Any) -> None:
    request = taurusdb.ListGaussMySqlInstancesRequest(type="Cluster", datastore_type="gaussdb-mysql", limit=1)
    answer = taurusdb_client.list_gauss_my_sql_instances(request)
    (instance,) = answer.instances
    assert (instance.id, instance.status, answer.total_count) == (instance_of(cloud, "taurusdb"), "ACTIVE", 3)
    assert (instance.port, instance.backup_strategy.keep_days) == ("3306", "7")


def test_the_vendor_learns_why_taurusdb_refuses(cloud: RunningCloud, taurusdb_client: Any) -> None:
    start_taurusdb(taurusdb_client, instance_of(cloud, "taurusdb"))
    with pytest.raises(ClientRequestException) as caught:
        start_taurusdb(taurusdb_client, instance_of(cloud, "taurusdb", 1))
    assert (caught.value.status_code, caught.value.error_code) == (409, "DBS.201209")


def test_the_vendor_overwrites_a_taurusdb_instance(cloud: RunningCloud, taurusdb_client: Any) -> None:
    cloud.set_backup_seconds(0)
    instance_id = instance_of(cloud, "taurusdb")
    cloud.change_content(instance_id, 2)
    request = taurusdb.ShowGaussMySqlBackupListRequest(instance_id=instance_id)
    (backup,) = taurusdb_client.show_gauss_my_sql_backup_list(request).backups
    body = taurusdb.RestoreRequest(
        source_instance_id=instance_id, target_instance_id=instance_id, type="backup", backup_id=backup.id
    )
    assert taurusdb_client.restore_old_instance(taurusdb.RestoreOldInstanceRequest(body=body)).job_id
    assert cloud.content(instance_id) == 1


def test_the_vendor_restores_taurusdb_to_a_new_instance_and_deletes_it(
    cloud: RunningCloud, taurusdb_client: Any
) -> None:
    cloud.set_backup_seconds(0)
    instance_id = instance_of(cloud, "taurusdb")
    request = taurusdb.ShowGaussMySqlBackupListRequest(instance_id=instance_id)
    (backup,) = taurusdb_client.show_gauss_my_sql_backup_list(request).backups
    body = taurusdb.MysqlInstanceRequest(
        charge_info=taurusdb.MysqlChargeInfo(charge_mode="postPaid"),
        region="eu-de",
        name="rehearsal-1",
        datastore=taurusdb.MysqlDatastoreInReq(type="gaussdb-mysql", version="8.0"),
        mode="Cluster",
        flavor_ref="gaussdb.mysql.xlarge.x86.4",
        vpc_id="v",
        subnet_id="n",
        password="Secret-1234",
        availability_zone_mode="single",
        slave_count=1,
        backup_strategy=taurusdb.MysqlBackupStrategy(start_time="01:00-02:00", keep_days="7"),
        restore_point=taurusdb.MysqlRestorePoint(source_instance_id=instance_id, backup_id=backup.id),
    )
    answer = taurusdb_client.create_gauss_my_sql_instance(taurusdb.CreateGaussMySqlInstanceRequest(body=body))
    new_id = answer.instance.id
    listing = taurusdb.ListGaussMySqlInstancesRequest(id=new_id)
    assert [row.status for row in taurusdb_client.list_gauss_my_sql_instances(listing).instances] == ["ACTIVE"]
    deletion = taurusdb.DeleteGaussMySqlInstanceRequest(instance_id=new_id)
    assert taurusdb_client.delete_gauss_my_sql_instance(deletion).job_id
    assert taurusdb_client.list_gauss_my_sql_instances(listing).instances == []


def test_the_vendor_reads_the_restore_windows_of_taurusdb(cloud: RunningCloud, taurusdb_client: Any) -> None:
    request = taurusdb.ShowBackupRestoreTimeRequest(instance_id=instance_of(cloud, "taurusdb"))
    (window,) = taurusdb_client.show_backup_restore_time(request).restore_times
    assert window.start_time < window.end_time


def test_the_vendor_reads_the_details_of_a_taurusdb_instance(cloud: RunningCloud, taurusdb_client: Any) -> None:
    request = taurusdb.ShowGaussMySqlInstanceInfoRequest(instance_id=instance_of(cloud, "taurusdb"))
    instance = taurusdb_client.show_gauss_my_sql_instance_info(request).instance
    assert (instance.name, len(instance.nodes), instance.az_mode) == ("shop", 2, "single")

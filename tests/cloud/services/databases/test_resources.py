"""Backups, policies, jobs and instances through the client, against the local cloud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import (
    ApiDuplicateNameError,
    ApiError,
    ApiResourceBusyError,
    BadRequestError,
    InvalidRequestError,
    NotFoundError,
    NotListedError,
)
from airflow_provider_backup.cloud.services.gaussdb.models import PolicyUpdate as GaussDbPolicyUpdate
from airflow_provider_backup.cloud.services.rds.models import BackupCreate, BackupDatabase
from airflow_provider_backup.cloud.services.rds.models import PolicyUpdate as RdsPolicyUpdate
from airflow_provider_backup.cloud.services.taurusdb.models import PolicyUpdate as TaurusDbPolicyUpdate
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.services.databases.database_fixture import Family

UNKNOWN_INSTANCE = "0" * 32 + "in01"
UNKNOWN_BACKUP = "0" * 32 + "br01"


async def test_a_backup_begins(family: Family) -> None:
    backup = await family.start("before-upgrade")
    assert (backup.name, backup.status, backup.type) == ("before-upgrade", "BUILDING", "manual")
    assert backup.instance_id == family.instance_id
    assert backup.begin_time is not None
    assert abs(backup.begin_time - datetime.now(UTC)) < timedelta(seconds=10)


async def test_the_job_of_a_new_backup_is_known_where_there_is_one(family: Family) -> None:
    backup = await family.start()
    assert (backup.job_id is None) == (family.name == "rds")


async def test_the_backup_of_single_databases_keeps_their_names(cloud: BackupCloud) -> None:
    instance = await anext(aiter(cloud.rds.instances.list(datastore_type="SQLServer")))
    await cloud.rds.backups.create(
        BackupCreate(
            instance_id=instance.id,
            name="partial",
            databases=(BackupDatabase(name="orders"),),
            backup_database_individually=True,
        )
    )
    backup = await anext(aiter(cloud.rds.backups.list(instance_id=instance.id)))
    assert [database.name for database in backup.databases] == ["orders"]


async def test_a_backup_is_read_by_its_id(family: Family) -> None:
    started = await family.start()
    backup = await family.service.backups.get(started.id, instance_id=family.instance_id)
    assert (backup.id, backup.name, backup.status, backup.end_time) == (started.id, started.name, "BUILDING", None)
    assert backup.begin_time == started.begin_time


async def test_a_good_backup_has_an_end_and_a_size(family: Family) -> None:
    started = await family.start()
    family.finish_everything()
    backup = await family.service.backups.get(started.id, instance_id=family.instance_id)
    assert backup.status == "COMPLETED"
    assert backup.end_time is not None
    size_gb = family.rows[started.id]["size_gb"]
    assert backup.size_mb == pytest.approx(size_gb * 1024 / 10, abs=1)


async def test_the_newest_backup_is_listed_first(family: Family) -> None:
    await family.start("first")
    family.finish_everything()
    await family.start("second")
    names = [backup.name async for backup in family.service.backups.list(instance_id=family.instance_id)]
    assert names[:2] == ["second", "first"]
    assert len(names) == 3


async def test_backups_are_listed_by_type(family: Family) -> None:
    await family.start()
    backups = family.service.backups.list(instance_id=family.instance_id, backup_type="auto")
    assert [backup.type async for backup in backups] == ["auto"]


async def test_backups_are_listed_by_time(family: Family) -> None:
    await family.start()
    now = datetime.now(UTC)
    backups = family.service.backups.list(
        instance_id=family.instance_id, begin_time=now - timedelta(hours=1), end_time=now + timedelta(hours=1)
    )
    assert [backup.type async for backup in backups] == ["manual"]


async def test_a_list_is_read_over_several_pages(family: Family) -> None:
    for number in range(5):
        await family.start(f"copy-{number}")
        family.finish_everything()
    names = [
        backup.name
        async for backup in family.service.backups.list(
            instance_id=family.instance_id, backup_type="manual", page_size=2
        )
    ]
    assert names == [f"copy-{number}" for number in (4, 3, 2, 1, 0)]


async def test_a_list_may_begin_later(family: Family) -> None:
    backups = family.service.backups.list(instance_id=family.instance_id, offset=1)
    assert [backup async for backup in backups] == []


@pytest.mark.parametrize("name", ["gaussdb", "taurusdb"])
async def test_backups_of_all_instances_are_listed(backup_cloud: RunningCloud, cloud: BackupCloud, name: str) -> None:
    instances = backup_cloud.describe()["resources"][f"{name}_instances"]
    found = [backup.instance_id async for backup in getattr(cloud, name).backups.list()]
    assert sorted(found) == sorted(instances)


async def test_taurusdb_lists_backups_by_names(cloud: BackupCloud) -> None:
    instance = await anext(aiter(cloud.taurusdb.instances.list(name="sessions")))
    backups = [backup async for backup in cloud.taurusdb.backups.list(instance_name="sessions")]
    assert [backup.instance_id for backup in backups] == [instance.id]
    same = [backup.id async for backup in cloud.taurusdb.backups.list(name=backups[0].name)]
    assert same == [backups[0].id]


def test_a_filter_that_the_service_lacks_is_refused_before_anything_is_sent(cloud: BackupCloud) -> None:
    with pytest.raises(InvalidRequestError, match="instance_name"):
        cloud.gaussdb.backups.list(instance_name="ledger")


def test_rds_lists_nothing_without_an_instance(cloud: BackupCloud) -> None:
    with pytest.raises(InvalidRequestError, match="instance_id"):
        cloud.rds.backups.list()


async def test_an_unknown_backup_is_not_found(family: Family) -> None:
    with pytest.raises(NotFoundError) as caught:
        await family.service.backups.get(UNKNOWN_BACKUP, instance_id=family.instance_id)
    # The service has no call for one backup, so no service answered that there is none.
    assert isinstance(caught.value, NotListedError)
    assert str(caught.value).startswith(
        f"No {family.name} backup {UNKNOWN_BACKUP} of instance {family.instance_id} was found in the list of backups. "
        "Next step: Check the ids"
    )


async def test_a_backup_is_deleted_after_a_while(family: Family) -> None:
    started = await family.start()
    family.finish_everything()
    family.local_cloud.set_backup_seconds(1)
    await family.service.backups.delete(started.id)
    going = await family.service.backups.get(started.id, instance_id=family.instance_id)
    assert going.status == "DELETING"
    family.rows[started.id]["gone_at"] = family.rows[started.id]["started_at"]
    with pytest.raises(NotFoundError):
        await family.service.backups.get(started.id, instance_id=family.instance_id)


async def test_an_unknown_instance_cannot_be_backed_up(family: Family) -> None:
    with pytest.raises(NotFoundError, match=UNKNOWN_INSTANCE):
        await family.start(instance_id=UNKNOWN_INSTANCE)


async def test_a_used_name_is_a_duplicate(family: Family) -> None:
    await family.start("before-upgrade")
    with pytest.raises(ApiDuplicateNameError) as caught:
        await family.start("before-upgrade", family.other_instance_id)
    assert caught.value.status == 409
    assert caught.value.next_step is not None


async def test_an_instance_that_is_being_backed_up_is_busy(family: Family) -> None:
    await family.start("first")
    with pytest.raises(ApiResourceBusyError) as caught:
        await family.start("second")
    assert caught.value.code == "DBS.201205"
    assert caught.value.request_id


async def test_an_automatic_backup_cannot_be_deleted(family: Family) -> None:
    automatic = await anext(aiter(family.service.backups.list(instance_id=family.instance_id, backup_type="auto")))
    with pytest.raises(BadRequestError) as caught:
        await family.service.backups.delete(automatic.id)
    assert caught.value.code == "DBS.201218"


async def test_the_deletion_of_an_unknown_backup_is_not_found(family: Family) -> None:
    with pytest.raises(NotFoundError):
        await family.service.backups.delete(UNKNOWN_BACKUP)


@pytest.mark.parametrize("family", ["gaussdb", "taurusdb"], indirect=True)
async def test_a_job_shows_how_far_the_backup_is(family: Family) -> None:
    backup = await family.start()
    assert backup.job_id is not None
    job = await family.service.jobs.get(backup.job_id)
    assert (job.status, job.progress, job.fail_reason) == ("Running", 0, "")
    assert job.instance is not None
    assert job.instance.id == family.instance_id
    assert job.ended is None


async def test_an_unknown_job_is_not_found(family: Family) -> None:
    with pytest.raises(NotFoundError) as caught:
        await family.service.jobs.get("6e7d9a3c-5c7a-4a52-92f6-0e5d0a1b7c11")
    assert caught.value.code == "DBS.200543"


async def test_an_rds_policy_is_changed_and_read(cloud: BackupCloud, backup_cloud: RunningCloud) -> None:
    instance_id = backup_cloud.describe()["resources"]["rds_instances"][0]
    await cloud.rds.backup_policies.update(
        instance_id, RdsPolicyUpdate(keep_days=10, start_time="23:15-00:15", period="1,3,5")
    )
    policy = await cloud.rds.backup_policies.get(instance_id)
    assert (policy.keep_days, policy.start_time, policy.period) == (10, "23:15-00:15", "1,3,5")


async def test_switching_rds_policies_off_deletes_automatic_backups_when_asked(
    cloud: BackupCloud, backup_cloud: RunningCloud
) -> None:
    backup_cloud.set_backup_seconds(0)
    first, second, *_ = backup_cloud.describe()["resources"]["rds_instances"]
    await cloud.rds.backup_policies.update(first, RdsPolicyUpdate(keep_days=0))
    await cloud.rds.backup_policies.update(second, RdsPolicyUpdate(keep_days=0, reserve_backups=False))
    assert (await cloud.rds.backup_policies.get(first)).keep_days == 0
    assert len([backup async for backup in cloud.rds.backups.list(instance_id=first)]) == 1
    assert len([backup async for backup in cloud.rds.backups.list(instance_id=second)]) == 0


async def test_a_gaussdb_policy_is_changed_and_read(cloud: BackupCloud, backup_cloud: RunningCloud) -> None:
    instance_id = backup_cloud.describe()["resources"]["gaussdb_instances"][0]
    await cloud.gaussdb.backup_policies.update(
        instance_id,
        GaussDbPolicyUpdate(
            keep_days=10, start_time="01:00-02:00", period="1,3,5", differential_period="60", file_split_size=8
        ),
    )
    policy = await cloud.gaussdb.backup_policies.get(instance_id)
    assert (policy.keep_days, policy.differential_period, policy.file_split_size) == (10, 60, 8)
    assert (policy.rate_limit, policy.prefetch_block, policy.enable_standby_backup) == (75, 64, False)


async def test_a_taurusdb_policy_is_changed_and_read(cloud: BackupCloud, backup_cloud: RunningCloud) -> None:
    instance_id = backup_cloud.describe()["resources"]["taurusdb_instances"][0]
    await cloud.taurusdb.backup_policies.update(
        instance_id,
        TaurusDbPolicyUpdate(keep_days=10, start_time="01:00-02:00", period="1,3,5", retention_num_backup_level1=1),
    )
    policy = await cloud.taurusdb.backup_policies.get(instance_id)
    assert (policy.keep_days, policy.retention_num_backup_level1) == (10, 1)


async def test_the_policy_of_an_unknown_instance_is_not_found(family: Family) -> None:
    with pytest.raises(NotFoundError):
        await family.service.backup_policies.get(UNKNOWN_INSTANCE)


async def test_instances_are_listed(family: Family) -> None:
    found = [instance.id async for instance in family.service.instances.list(page_size=2)]
    assert found == family.local_cloud.describe()["resources"][f"{family.name}_instances"]


async def test_an_instance_is_read_by_its_id(family: Family) -> None:
    instance = await family.service.instances.get(family.instance_id)
    assert (instance.id, instance.status) == (family.instance_id, "ACTIVE")
    assert instance.datastore is not None
    assert instance.created == datetime(2026, 1, 7, 8, 15, tzinfo=UTC)


async def test_an_unknown_instance_is_not_found(family: Family) -> None:
    with pytest.raises(NotListedError) as caught:
        await family.service.instances.get(UNKNOWN_INSTANCE)
    assert str(caught.value).startswith(
        f"No {family.name} instance {UNKNOWN_INSTANCE} was found in the project's list of instances. Next step: Check"
    )


async def test_an_instance_is_found_by_a_part_of_its_name(cloud: BackupCloud) -> None:
    found = [instance.name async for instance in cloud.rds.instances.list(name="*mysql", type="Single")]
    assert found == ["catalog-mysql"]


async def test_an_instance_says_that_it_is_being_backed_up(family: Family) -> None:
    await family.start()
    assert (await family.service.instances.get(family.instance_id)).status == "BACKING UP"
    family.finish_everything()
    assert (await family.service.instances.get(family.instance_id)).status == "ACTIVE"


async def test_an_answer_in_words_comes_with_every_refusal(family: Family) -> None:
    with pytest.raises(ApiError) as caught:
        await family.start(instance_id="not-an-id")
    assert (caught.value.status, caught.value.code) == (400, "DBS.280404")
    assert "not-an-id" in caught.value.detail

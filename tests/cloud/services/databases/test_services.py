"""What operators, sensors and triggers ask of a database service: observe, delete, find (databases sections 2 to 5)."""

from __future__ import annotations

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import (
    ApiResourceBusyError,
    BadRequestError,
    InvalidRequestError,
    NotFoundError,
)
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.rds.models import Backup as RdsBackup
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.services.databases.database_fixture import Family

UNKNOWN_BACKUP = "0" * 32 + "br01"


async def test_a_reference_names_service_backup_instance_and_job(family: Family) -> None:
    backup = await family.start()
    reference = family.service.reference_to(backup)
    assert reference == OperationReference(
        service=family.name, backup_id=backup.id, instance_id=family.instance_id, job_id=backup.job_id
    )


async def test_a_running_backup_is_observed(family: Family) -> None:
    backup = await family.start("before-upgrade")
    reference = family.service.reference_to(backup)
    observation = await family.service.observe(reference)
    assert observation.reference == reference
    assert (observation.status, observation.phase) == ("BUILDING", Phase.IN_PROGRESS)
    assert observation.name == "before-upgrade"
    assert observation.backup_ids == (backup.id,)
    assert observation.resource_ids == (family.instance_id,)
    assert observation.created_at == backup.begin_time
    assert (observation.finished_at, observation.size_mb, observation.reason) == (None, None, None)


async def test_the_progress_of_a_backup_comes_from_its_job(family: Family) -> None:
    observation = await family.service.observe(family.service.reference_to(await family.start()))
    assert observation.progress == (None if family.name == "rds" else 0)


async def test_a_good_backup_is_observed(family: Family) -> None:
    backup = await family.start()
    family.finish_everything()
    observation = await family.service.observe(family.service.reference_to(backup))
    assert (observation.status, observation.phase) == ("COMPLETED", Phase.SUCCEEDED)
    assert observation.size_mb is not None
    assert observation.finished_at is not None
    assert (observation.progress, observation.reason) == (None, None)


async def test_the_reason_of_a_failure_comes_from_the_job_where_there_is_one(family: Family) -> None:
    family.local_cloud.set_backup_seconds(0)
    family.local_cloud.fail_next_backup(family.name, "The storage of backups cannot be reached.")
    observation = await family.service.observe(family.service.reference_to(await family.start()))
    assert observation.phase is Phase.FAILED
    if family.name == "rds":
        assert observation.reason is not None
        assert observation.reason.startswith("The service gives no reason")
    else:
        assert observation.reason == "The storage of backups cannot be reached."


@pytest.mark.parametrize("job_id", [None, "6e7d9a3c-5c7a-4a52-92f6-0e5d0a1b7c11"])
async def test_a_failure_without_a_readable_job_says_that_no_reason_is_given(
    family: Family, job_id: str | None
) -> None:
    family.local_cloud.set_backup_seconds(0)
    family.local_cloud.fail_next_backup(family.name, "The storage of backups cannot be reached.")
    backup = await family.start()
    observation = await family.service.observe(
        OperationReference(service=family.name, backup_id=backup.id, instance_id=family.instance_id, job_id=job_id)
    )
    assert observation.reason is not None
    assert observation.reason.startswith("The service gives no reason")


async def test_a_job_that_is_not_visible_yet_disturbs_nothing(family: Family) -> None:
    backup = await family.start()
    observation = await family.service.observe(
        OperationReference(
            service=family.name,
            backup_id=backup.id,
            instance_id=family.instance_id,
            job_id="6e7d9a3c-5c7a-4a52-92f6-0e5d0a1b7c11",
        )
    )
    assert (observation.phase, observation.progress) == (Phase.IN_PROGRESS, None)


async def test_an_absent_backup_is_not_found(family: Family) -> None:
    reference = OperationReference(service=family.name, backup_id=UNKNOWN_BACKUP, instance_id=family.instance_id)
    with pytest.raises(NotFoundError):
        await family.service.observe(reference)


async def test_rds_needs_the_instance_of_a_backup(cloud: BackupCloud) -> None:
    with pytest.raises(InvalidRequestError, match="instance_id"):
        await cloud.rds.observe(OperationReference(service="rds", backup_id=UNKNOWN_BACKUP))


@pytest.mark.parametrize("name", ["gaussdb", "taurusdb"])
async def test_the_others_find_the_instance_of_a_backup(
    cloud: BackupCloud, backup_cloud: RunningCloud, name: str
) -> None:
    backup = await anext(aiter(getattr(cloud, name).backups.list()))
    observation = await cloud.service(name).observe(OperationReference(service=name, backup_id=backup.id))
    assert observation.resource_ids == (backup.instance_id,)


async def test_a_backup_is_deleted(family: Family) -> None:
    reference = family.service.reference_to(await family.start())
    family.finish_everything()
    await family.service.delete_backup(reference)
    assert (await family.service.observe(reference)).phase is Phase.DELETING


async def test_a_repeated_deletion_counts_as_done(family: Family) -> None:
    reference = family.service.reference_to(await family.start())
    family.finish_everything()
    await family.service.delete_backup(reference)
    await family.service.delete_backup(reference)
    assert (await family.service.observe(reference)).phase is Phase.DELETING


async def test_deleting_a_backup_that_is_not_there_is_reported(family: Family) -> None:
    reference = OperationReference(service=family.name, backup_id=UNKNOWN_BACKUP, instance_id=family.instance_id)
    with pytest.raises(NotFoundError):
        await family.service.delete_backup(reference)


async def test_an_instance_that_does_not_exist_says_nothing_about_its_backup(family: Family) -> None:
    unknown = "0" * 32 + family.instance_id[32:]
    reference = OperationReference(service=family.name, backup_id=UNKNOWN_BACKUP, instance_id=unknown)
    with pytest.raises(BadRequestError, match=f"instance {unknown}.*Check instance_id"):
        await family.service.observe(reference)


async def test_a_running_backup_is_not_deleted(family: Family) -> None:
    reference = family.service.reference_to(await family.start())
    with pytest.raises(ApiResourceBusyError) as caught:
        await family.service.delete_backup(reference)
    assert caught.value.code == "DBS.201208"


async def test_an_automatic_backup_is_not_deleted(family: Family) -> None:
    automatic = await anext(aiter(family.service.backups.list(instance_id=family.instance_id, backup_type="auto")))
    with pytest.raises(BadRequestError):
        await family.service.delete_backup(family.service.reference_to(automatic))


async def test_a_running_backup_is_found_by_its_name(family: Family) -> None:
    backup = await family.start("before-upgrade")
    found = await family.service.find_backup(instance_id=family.instance_id, name="before-upgrade")
    assert found is not None
    assert found.backup_id == backup.id
    assert found.instance_id == family.instance_id


async def test_a_good_backup_is_found_by_its_name(family: Family) -> None:
    backup = await family.start("before-upgrade")
    family.finish_everything()
    found = await family.service.find_backup(instance_id=family.instance_id, name="before-upgrade")
    assert found is not None
    assert found.backup_id == backup.id


@pytest.mark.parametrize("name", ["before-upgrad", "Before-upgrade", "before-upgrade-2"])
async def test_a_similar_name_is_not_found(family: Family, name: str) -> None:
    await family.start("before-upgrade")
    assert await family.service.find_backup(instance_id=family.instance_id, name=name) is None


async def test_a_backup_of_another_instance_is_not_found(family: Family) -> None:
    await family.start("before-upgrade")
    assert await family.service.find_backup(instance_id=family.other_instance_id, name="before-upgrade") is None


async def test_a_failed_backup_is_never_found(family: Family) -> None:
    family.local_cloud.set_backup_seconds(0)
    family.local_cloud.fail_next_backup(family.name, "no")
    await family.start("before-upgrade")
    assert await family.service.find_backup(instance_id=family.instance_id, name="before-upgrade") is None


async def test_a_backup_that_is_being_deleted_is_never_found(family: Family) -> None:
    reference = family.service.reference_to(await family.start("before-upgrade"))
    family.finish_everything()
    await family.service.delete_backup(reference)
    assert await family.service.find_backup(instance_id=family.instance_id, name="before-upgrade") is None


async def test_an_automatic_backup_is_never_found(family: Family) -> None:
    automatic = await anext(aiter(family.service.backups.list(instance_id=family.instance_id, backup_type="auto")))
    assert await family.service.find_backup(instance_id=family.instance_id, name=automatic.name) is None


async def test_of_several_backups_with_the_name_the_newest_is_found(family: Family) -> None:
    older = await family.start("before-upgrade")
    family.finish_everything()
    newer = await family.start("another-name")
    family.rows[newer.id]["name"] = "before-upgrade"
    family.rows[older.id]["started_at"] = "2026-02-01T00:00:00+00:00"
    found = await family.service.find_backup(instance_id=family.instance_id, name="before-upgrade")
    assert found is not None
    assert found.backup_id == newer.id


async def test_the_backup_that_is_being_made_is_found_whatever_its_name(family: Family) -> None:
    backup = await family.start()
    found = await family.service.find_running(instance_id=family.instance_id)
    assert found is not None
    assert (found.backup_id, found.instance_id) == (backup.id, family.instance_id)
    assert await family.service.find_running(instance_id=family.other_instance_id) is None


async def test_a_backup_that_is_over_is_not_being_made(family: Family) -> None:
    await family.start()
    family.finish_everything()
    assert await family.service.find_running(instance_id=family.instance_id) is None


async def test_an_automatic_backup_that_is_being_made_is_found(family: Family) -> None:
    row = next(row for row in family.rows.values() if row["instance_id"] == family.instance_id)
    row["ready_at"] = "2199-01-01T00:00:00+00:00"
    found = await family.service.find_running(instance_id=family.instance_id)
    assert (row["type"], found and found.backup_id) == ("auto", row["id"])


async def test_an_incremental_backup_of_rds_is_no_whole_one(cloud: BackupCloud, backup_cloud: RunningCloud) -> None:
    instance_id = backup_cloud.describe()["resources"]["rds_instances"][0]
    rows = backup_cloud.state.table("rds.backups").values()
    row = next(row for row in rows if row["instance_id"] == instance_id)
    row |= {"ready_at": "2199-01-01T00:00:00+00:00", "type": "incremental"}
    assert await cloud.rds.find_running(instance_id=instance_id) is None


@pytest.mark.parametrize(
    ("running", "wanted", "is_enough"),
    [
        ([], [], True),
        ([], ["orders"], True),
        (["orders"], ["orders"], True),
        (["orders", "stock"], ["orders"], True),
        (["stock"], ["orders"], False),
        (["stock"], ["orders", "stock"], False),
        (["orders"], [], False),
    ],
)
def test_a_backup_of_some_databases_is_enough_only_for_these(
    running: list[str], wanted: list[str], is_enough: bool
) -> None:
    backup = RdsBackup.model_validate({"id": "b", "databases": [{"name": name} for name in running]})
    assert backup.holds(wanted) is is_enough


def test_a_reference_with_a_job_survives_plain_json() -> None:
    reference = OperationReference(service="gaussdb", backup_id="b", instance_id="i", job_id="j")
    assert OperationReference.from_dict(reference.to_dict()) == reference
    assert OperationReference.from_dict({"service": "gaussdb", "backup_id": "b", "new": 1}).job_id is None

"""Copies of RDS backups in another region through the client (databases section 8.6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import BadRequestError, InvalidRequestError, ResourceBusyError, ServerError
from airflow_provider_backup.cloud.services.rds.models import BackupCreate
from airflow_provider_backup.cloud.services.rds.offsite_models import OffsitePolicyUpdate
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.services.databases.recorder import Recorder, cloud_of

INSTANCE = "51c0a3bd7a2f4cc2a2f37c60c44a7c11in01"
ROW = {"backup_type": "auto", "keep_days": "7", "destination_region": "eu-nl", "destination_project_id": "p2"}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder({})


@pytest_asyncio.fixture
async def recorded_cloud(recorder: Recorder) -> AsyncIterator[BackupCloud]:
    async with cloud_of(recorder) as cloud:
        yield cloud


def policy(**values: Any) -> OffsitePolicyUpdate:
    """A policy; full backups for a week, unless something else is given."""
    return OffsitePolicyUpdate.model_validate({**ROW, **values})


async def test_a_policy_is_put_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    await recorded_cloud.rds.offsite_policies.update(INSTANCE, policy(keep_days=0))
    path = f"/v3/project/instances/{INSTANCE}/backups/offsite-policy"
    assert recorder.calls == [("PUT", path, {"policy_para": {**ROW, "keep_days": 0}})]


@pytest.mark.parametrize(
    "answer",
    [{"policy_para": []}, {"policy_para": {"keep_days": 0}}, {"policy_para": [{**ROW, "keep_days": 0}]}],
)
async def test_every_documented_form_of_a_policy_that_is_off_is_read(
    recorded_cloud: BackupCloud, recorder: Recorder, answer: Any
) -> None:
    recorder.answer = answer
    assert await recorded_cloud.rds.offsite_policies.get(INSTANCE) == []


async def test_each_type_that_is_copied_is_read(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.answer = {"policy_para": [ROW, {**ROW, "backup_type": "incremental", "keep_days": 0}]}
    (found,) = await recorded_cloud.rds.offsite_policies.get(INSTANCE)
    assert (found.backup_type, found.keep_days, found.destination_region) == ("auto", 7, "eu-nl")


async def test_an_instance_on_which_something_runs_is_busy(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.status, recorder.answer = 500, {"error_code": "DBS.280228", "error_msg": "Server failure."}
    with pytest.raises(ResourceBusyError, match="another operation runs"):
        await recorded_cloud.rds.offsite_policies.update(INSTANCE, policy())


async def test_another_failure_of_the_service_stays_one(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.status, recorder.answer = 500, {"error_code": "DBS.108000", "error_msg": "Server failure."}
    with pytest.raises(ServerError):
        await recorded_cloud.rds.offsite_policies.update(INSTANCE, policy())


async def test_the_instances_with_copies_are_asked_for_without_a_project(
    recorded_cloud: BackupCloud, recorder: Recorder
) -> None:
    recorder.answer = {"offsite_backup_instances": [{"id": INSTANCE, "keep_days": 7}], "total_count": 1}
    found = [each async for each in recorded_cloud.rds.offsite_backups.instances()]
    assert [call[1].partition("?")[0] for call in recorder.calls] == ["/v3/backups/offsite-backup-instance"]
    assert [(each.id, each.keep_days) for each in found] == [(INSTANCE, 7)]


async def test_the_name_of_the_list_of_instances_may_be_in_the_singular(
    recorded_cloud: BackupCloud, recorder: Recorder
) -> None:
    recorder.answer = {"offsite_backup_instance": [{"id ": INSTANCE}], "total_count": 1}
    assert [each.id async for each in recorded_cloud.rds.offsite_backups.instances()] == [INSTANCE]


def test_the_copies_of_no_instance_are_not_asked_for(recorded_cloud: BackupCloud) -> None:
    with pytest.raises(InvalidRequestError, match="instance_id"):
        recorded_cloud.rds.offsite_backups.list()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"keep_days": 1826}, "keep_days"),
        ({"backup_type": "manual"}, "backup_type"),
        ({"destination_region": ""}, "destination_region"),
        ({"destination_project_id": ""}, "destination_project_id"),
    ],
)
def test_a_policy_that_breaks_a_rule_is_not_built(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        policy(**values)


async def test_a_policy_is_set_and_read_in_the_local_cloud(cloud: BackupCloud, backup_cloud: RunningCloud) -> None:
    instance_id = backup_cloud.describe()["resources"]["rds_instances"][0]
    await cloud.rds.offsite_policies.update(instance_id, policy(backup_type="all"))
    found = await cloud.rds.offsite_policies.get(instance_id)
    assert [(each.backup_type, each.keep_days) for each in found] == [("auto", 7), ("incremental", 7)]
    assert [copy async for copy in cloud.rds.offsite_backups.list(instance_id=instance_id)] == []
    assert [each async for each in cloud.rds.offsite_backups.instances()] == []
    assert await cloud.rds.offsite_backups.windows(instance_id) == []


async def test_incremental_backups_alone_are_refused(cloud: BackupCloud, backup_cloud: RunningCloud) -> None:
    instance_id = backup_cloud.describe()["resources"]["rds_instances"][0]
    with pytest.raises(BadRequestError):
        await cloud.rds.offsite_policies.update(instance_id, policy(backup_type="incremental"))


async def test_a_policy_has_to_wait_for_a_backup(cloud: BackupCloud, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    instance_id = backup_cloud.describe()["resources"]["rds_instances"][0]
    await cloud.rds.backups.create(BackupCreate(instance_id=instance_id, name="before-upgrade"))
    with pytest.raises(ResourceBusyError):
        await cloud.rds.offsite_policies.update(instance_id, policy())

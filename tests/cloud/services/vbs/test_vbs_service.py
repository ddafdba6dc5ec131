"""The client's VBS calls, against the local cloud, and against a server with the oddities of the real one."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    ApiNotFoundError,
    BackupError,
    InvalidRequestError,
    NotFoundError,
    NotListedError,
    QuotaExceededError,
    ResourceBusyError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.vbs.models import (
    BackupCreate,
    NativeBackupCreate,
    PolicyCreate,
    PolicyUpdate,
    ScheduledPolicy,
    ScheduledPolicyUpdate,
)
from tests.cloud.services.vbs.servers import BACKUP_SECONDS, LocalVbs, Script, served

UNKNOWN = "00000000-0000-4000-8000-000000000000"
MISSING = {"itemNotFound": {"code": 404, "message": "Backup b could not be found."}}
NO_JOB = {"error": {"code": "common.0011", "message": "job lookup failed"}}
NIGHTLY = PolicyCreate(
    name="nightly", scheduled_policy=ScheduledPolicy(start_time="01:00", frequency=1, retention_num=7)
)


def job_reference(job_id: str) -> OperationReference:
    return OperationReference("vbs", job_id, "job")


async def started_backup(vbs: LocalVbs, name: str = "before-upgrade", disk: int = 0) -> OperationReference:
    return job_reference(await vbs.service.backups.create(BackupCreate(volume_id=vbs.volumes[disk], name=name)))


async def good_backup(vbs: LocalVbs, name: str = "before-upgrade", disk: int = 0) -> OperationReference:
    job = await started_backup(vbs, name, disk)
    vbs.advance(BACKUP_SECONDS)
    return (await vbs.service.observe(job)).reference


# ----------------------------------------------------------------------------------------------------------- policies


async def test_a_policy_that_was_created_can_be_found(vbs: LocalVbs) -> None:
    policy_id = await vbs.service.policies.create(NIGHTLY)
    found = await vbs.service.policies.find(policy_id)
    assert found is not None
    assert (found.name, found.scheduled_policy.retention_num, found.scheduled_policy.enabled) == ("nightly", 7, True)


async def test_a_policy_that_does_not_exist_is_not_found(vbs: LocalVbs) -> None:
    assert await vbs.service.policies.find(UNKNOWN) is None


async def test_all_policies_are_listed(vbs: LocalVbs) -> None:
    created = {await vbs.service.policies.create(NIGHTLY) for _ in range(3)}
    assert {policy.id async for policy in vbs.service.policies.list()} == created


async def test_a_change_keeps_what_it_does_not_name(vbs: LocalVbs) -> None:
    policy_id = await vbs.service.policies.create(NIGHTLY)
    await vbs.service.policies.update(policy_id, PolicyUpdate(scheduled_policy=ScheduledPolicyUpdate(retention_day=5)))
    found = await vbs.service.policies.find(policy_id)
    assert found is not None
    schedule = found.scheduled_policy
    assert (schedule.start_time, schedule.retention_num, schedule.retention_day) == ("01:00", None, 5)


async def test_a_policy_that_was_deleted_is_gone(vbs: LocalVbs) -> None:
    policy_id = await vbs.service.policies.create(NIGHTLY)
    await vbs.service.policies.delete(policy_id)
    assert await vbs.service.policies.find(policy_id) is None


async def test_an_unknown_policy_is_a_typed_error_with_code_and_request_id(vbs: LocalVbs) -> None:
    with pytest.raises(ApiNotFoundError) as caught:
        await vbs.service.policies.delete(UNKNOWN)
    assert (caught.value.code, caught.value.status) == ("AutoBackup.0205", 404)
    assert caught.value.request_id


async def test_a_policy_that_the_list_lacks_is_not_found_and_no_answer_is_invented(vbs: LocalVbs) -> None:
    with pytest.raises(NotFoundError) as caught:
        await vbs.service.policies.get(UNKNOWN)
    assert isinstance(caught.value, NotListedError)
    assert str(caught.value).startswith(
        f"No vbs policy {UNKNOWN} was found in the project's list of policies. Next step: Check the id"
    )


async def test_one_policy_too_many_is_a_typed_error(vbs: LocalVbs) -> None:
    for _ in range(32):
        await vbs.service.policies.create(NIGHTLY)
    with pytest.raises(QuotaExceededError, match=r"AutoBackup\.0203"):
        await vbs.service.policies.create(NIGHTLY)


async def test_an_execution_makes_a_task_and_a_backup_for_each_disk(vbs: LocalVbs) -> None:
    policy_id = await vbs.service.policies.create(NIGHTLY)
    result = await vbs.service.policies.associate(policy_id, [vbs.volumes[0], vbs.volumes[1], UNKNOWN])
    assert [item.resource_id for item in result.success_resources] == vbs.volumes[:2]
    assert [item.code for item in result.fail_resources] == ["AutoBackup.1400"]
    await vbs.service.policies.execute(policy_id)
    vbs.advance(BACKUP_SECONDS)
    tasks = [task async for task in vbs.service.policies.tasks(policy_id)]
    assert {task.resource_id: task.status for task in tasks} == dict.fromkeys(vbs.volumes[:2], "EXECUTE_SUCCESS")
    names = {backup.name async for backup in vbs.service.backups.list(status="available")}
    assert names == {task.backup_name for task in tasks}
    assert tasks[0].vbs_job_id is not None
    assert (await vbs.service.observe(job_reference(tasks[0].vbs_job_id))).phase is Phase.SUCCEEDED


async def test_an_execution_while_another_runs_is_a_typed_error(vbs: LocalVbs) -> None:
    policy_id = await vbs.service.policies.create(NIGHTLY)
    await vbs.service.policies.associate(policy_id, vbs.volumes[:1])
    await vbs.service.policies.execute(policy_id)
    with pytest.raises(ResourceBusyError, match=r"AutoBackup\.0225"):
        await vbs.service.policies.execute(policy_id)


async def test_tasks_can_be_filtered(vbs: LocalVbs) -> None:
    policy_id = await vbs.service.policies.create(NIGHTLY)
    await vbs.service.policies.associate(policy_id, vbs.volumes[:2])
    await vbs.service.policies.execute(policy_id)
    tasks = [task async for task in vbs.service.policies.tasks(policy_id, status="WAITING")]
    assert len(tasks) == 2
    assert [task async for task in vbs.service.policies.tasks(policy_id, status="EXECUTE_FAIL")] == []
    one = [task.job_id async for task in vbs.service.policies.tasks(policy_id, job_id=tasks[0].job_id)]
    assert one == [tasks[0].job_id]


async def test_a_disk_that_was_taken_from_a_policy_is_not_backed_up_by_it(vbs: LocalVbs) -> None:
    policy_id = await vbs.service.policies.create(NIGHTLY)
    await vbs.service.policies.associate(policy_id, vbs.volumes[:2])
    result = await vbs.service.policies.disassociate(policy_id, vbs.volumes[1:3])
    assert [item.resource_id for item in result.success_resources] == [vbs.volumes[1]]
    assert [item.resource_id for item in result.fail_resources] == [vbs.volumes[2]]
    await vbs.service.policies.execute(policy_id)
    assert [task.resource_id async for task in vbs.service.policies.tasks(policy_id)] == vbs.volumes[:1]


async def test_an_association_without_disks_is_refused_before_anything_is_sent() -> None:
    script = Script({})
    async with served(script) as vbs:
        with pytest.raises(InvalidRequestError, match="resources"):
            await vbs.policies.associate(UNKNOWN, [])
    assert script.requests == []


async def test_tasks_on_several_pages_are_all_read_once_although_new_ones_move_them() -> None:
    def page(first: int, last: int, count: int) -> tuple[int, dict[str, Any]]:
        return 200, {"tasks": [{"job_id": str(number)} for number in range(first, last)], "count": count}

    # One more began between the first page and the second.
    script = Script({"GET backuppolicy/p/backuptasks": [page(0, 3, 6), page(2, 5, 7), page(5, 6, 7)]})
    async with served(script) as vbs:
        assert [task.job_id async for task in vbs.policies.tasks("p")] == ["0", "1", "2", "3", "4", "5"]
    assert [request.rpartition("offset=")[2].partition("&")[0] for request in script.requests] == ["0", "3", "6"]


# ------------------------------------------------------------------------------------------------------------ backups


async def test_a_job_is_observed_until_it_names_its_backup_and_then_the_backup(vbs: LocalVbs) -> None:
    job = await started_backup(vbs)
    first = await vbs.service.observe(job)
    assert (first.reference, first.status, first.phase) == (job, "INIT", Phase.IN_PROGRESS)
    assert first.resource_ids == (vbs.volumes[0],)
    vbs.advance(BACKUP_SECONDS / 2)
    second = await vbs.service.observe(first.reference)
    assert (second.reference.kind, second.status, second.progress) == ("backup", "creating", 50)
    vbs.advance(BACKUP_SECONDS / 2)
    third = await vbs.service.observe(second.reference)
    assert (third.reference, third.phase, third.name) == (second.reference, Phase.SUCCEEDED, "before-upgrade")
    assert third.backup_ids == (second.reference.backup_id,)
    assert third.size_mb == 40 * 1024
    assert third.created_at is not None
    assert third.finished_at is not None
    assert (third.finished_at - third.created_at).total_seconds() == BACKUP_SECONDS


async def test_a_job_that_failed_is_observed_as_failed_with_its_reason_and_stays_the_reference(vbs: LocalVbs) -> None:
    vbs.cloud.state.plan_failure("vbs", "storage pool is full")
    job = await started_backup(vbs)
    vbs.advance(BACKUP_SECONDS)
    observation = await vbs.service.observe(job)
    assert observation.phase is Phase.FAILED
    assert observation.reason == "VolumeBackup.0064: storage pool is full"
    assert observation.reference == job
    assert len(observation.backup_ids) == 1


async def test_a_backup_that_failed_is_observed_with_its_reason(vbs: LocalVbs) -> None:
    vbs.cloud.state.plan_failure("vbs", "storage pool is full")
    job = await started_backup(vbs)
    vbs.advance(BACKUP_SECONDS / 2)
    backup = (await vbs.service.observe(job)).reference
    vbs.advance(BACKUP_SECONDS / 2)
    observation = await vbs.service.observe(backup)
    assert (observation.status, observation.phase) == ("error", Phase.FAILED)
    assert observation.reason == "storage pool is full"


@pytest.mark.parametrize("kind", ["backup", "job"])
async def test_looking_at_what_does_not_exist_raises_not_found(vbs: LocalVbs, kind: Any) -> None:
    with pytest.raises(NotFoundError):
        await vbs.service.observe(OperationReference("vbs", UNKNOWN, kind))


async def test_a_backup_of_an_unknown_disk_is_a_typed_error(vbs: LocalVbs) -> None:
    with pytest.raises(NotFoundError, match=r"VolumeBackup\.0021"):
        await vbs.service.backups.create(BackupCreate(volume_id=UNKNOWN, name="x"))


async def test_a_second_backup_of_a_busy_disk_is_a_typed_error(vbs: LocalVbs) -> None:
    await started_backup(vbs)
    with pytest.raises(ResourceBusyError, match=r"VolumeBackup\.0013"):
        await started_backup(vbs, name="another")


async def test_backups_are_filtered_by_name_status_and_disk(vbs: LocalVbs) -> None:
    first, second = await good_backup(vbs, "a", 0), await good_backup(vbs, "b", 1)
    await started_backup(vbs, "c", 2)
    backups = vbs.service.backups
    assert [backup.id async for backup in backups.list(name="a")] == [first.backup_id]
    assert [backup.id async for backup in backups.list(volume_id=vbs.volumes[1])] == [second.backup_id]
    assert [backup.name async for backup in backups.list(status="creating")] == ["c"]
    assert [backup.name async for backup in backups.list(sort_key="name", sort_dir="asc")] == ["a", "b", "c"]
    assert [summary.name async for summary in backups.summaries()] == ["c", "b", "a"]


async def test_all_pages_of_a_list_are_read_along_the_links_of_the_real_service() -> None:
    # The links lack version and /detail, so that following them as they are ends nowhere.
    link = {"rel": "next", "href": "https://vbs.example/p/backups?limit=2&offset=2&marker=2"}
    pages = [
        (200, {"backups": [{"id": "1", "name": "n"}, {"id": "2", "name": "n"}], "backups_links": [link]}),
        (200, {"backups": [{"id": "3", "name": "n"}]}),
    ]
    script = Script({"GET backups/detail": pages})
    async with served(script) as vbs:
        assert [backup.id async for backup in vbs.backups.list(name="n")] == ["1", "2", "3"]
    first, second = script.requests
    assert "limit=1000" in first
    assert all(piece in second for piece in ("name=n", "limit=2", "offset=2", "marker=2"))


async def test_a_server_that_ignores_the_page_asked_for_does_not_make_an_endless_list() -> None:
    link = {"rel": "next", "href": "https://vbs.example/p/backups?marker=1"}
    same = (200, {"backups": [{"id": "1"}], "backups_links": [link]})
    script = Script({"GET backups/detail": [same, same, same]})
    async with served(script) as vbs:
        assert [backup.id async for backup in vbs.backups.list()] == ["1"]


async def test_a_deletion_is_started_and_ends_with_the_backup_gone(vbs: LocalVbs) -> None:
    backup = await good_backup(vbs)
    await vbs.service.delete_backup(backup)
    assert (await vbs.service.observe(backup)).phase is Phase.DELETING
    vbs.advance(BACKUP_SECONDS)
    with pytest.raises(NotFoundError):
        await vbs.service.observe(backup)


@pytest.mark.parametrize("reference", [OperationReference("vbs", UNKNOWN), job_reference("0" * 32)])
async def test_deleting_a_backup_that_is_not_there_is_reported(vbs: LocalVbs, reference: OperationReference) -> None:
    with pytest.raises(NotFoundError):
        await vbs.service.delete_backup(reference)


async def test_the_older_deletion_names_the_job_that_deletes_the_backup(vbs: LocalVbs) -> None:
    reference = await good_backup(vbs)
    job_id = await vbs.service.backups.delete_by_job(reference.backup_id)
    vbs.advance(BACKUP_SECONDS)
    job = await vbs.service.jobs.get(job_id)
    assert (job.job_type, job.status, job.backup_id) == ("bksDeleteBackup", "SUCCESS", reference.backup_id)
    with pytest.raises(NotFoundError):
        await vbs.service.observe(reference)


async def test_a_backup_of_a_snapshot_can_be_taken_by_openstacks_call(vbs: LocalVbs) -> None:
    snapshot_id = (await vbs.service.backups.get((await good_backup(vbs)).backup_id)).snapshot_id or ""
    request = NativeBackupCreate(volume_id=vbs.volumes[0], snapshot_id=snapshot_id, name="native")
    started = await vbs.service.backups.create_natively(request)
    vbs.advance(BACKUP_SECONDS)
    state = await vbs.service.observe(OperationReference("vbs", started.id))
    assert (state.name, state.phase, state.resource_ids) == ("native", Phase.SUCCEEDED, (vbs.volumes[0],))


async def test_deleting_a_backup_that_is_being_deleted_counts_as_done(vbs: LocalVbs) -> None:
    backup = await good_backup(vbs)
    await vbs.service.delete_backup(backup)
    await vbs.service.delete_backup(backup)
    assert (await vbs.service.observe(backup)).phase is Phase.DELETING


async def test_the_id_of_a_job_is_understood_as_that_of_its_backup(vbs: LocalVbs) -> None:
    job = await started_backup(vbs)
    vbs.advance(BACKUP_SECONDS)
    whole = await vbs.service.observe(job)
    assert await vbs.service.observe(OperationReference("vbs", job.backup_id)) == whole


@pytest.mark.parametrize("answer", [(404, NO_JOB), (400, NO_JOB), (403, None)])
async def test_an_id_that_names_neither_backup_nor_job_is_a_backup_that_is_not_there(answer: tuple[int, Any]) -> None:
    async with served(Script({"GET backups/b": [(404, MISSING)], "GET jobs/b": [answer]})) as vbs:
        with pytest.raises(NotFoundError, match="Backup b could not be found"):
            await vbs.observe(OperationReference("vbs", "b"))


async def test_a_job_that_restores_is_not_taken_for_the_backup_that_it_names() -> None:
    job = {"job_id": "b", "job_type": "bksRestoreBackup", "status": "SUCCESS", "entities": {"backup_id": "c"}}
    async with served(Script({"GET backups/b": [(404, MISSING)], "GET jobs/b": [(200, job)]})) as vbs:
        with pytest.raises(UnexpectedResponseError, match="takes no backup, it is a bksRestoreBackup"):
            await vbs.observe(OperationReference("vbs", "b"))


async def test_deleting_by_the_job_deletes_the_backup_that_it_names(vbs: LocalVbs) -> None:
    job = await started_backup(vbs)
    vbs.advance(BACKUP_SECONDS)
    await vbs.service.delete_backup(job)
    assert [backup.status async for backup in vbs.service.backups.list()] == ["deleting"]


async def test_deleting_by_a_job_that_names_no_backup_yet_is_refused(vbs: LocalVbs) -> None:
    job = await started_backup(vbs)
    with pytest.raises(BackupError, match="does not name its backup yet"):
        await vbs.service.delete_backup(job)


async def test_deleting_a_backup_that_is_being_made_is_a_typed_error(vbs: LocalVbs) -> None:
    job = await started_backup(vbs)
    vbs.advance(BACKUP_SECONDS / 2)
    with pytest.raises(ResourceBusyError, match="is creating: .* Invalid backup"):
        await vbs.service.delete_backup(job)


async def test_deleting_by_a_job_that_failed_without_a_backup_counts_as_done() -> None:
    job = {"job_id": "j", "status": "FAIL", "entities": {"backup_id": ""}}
    async with served(Script({"GET jobs/j": [(200, job)]})) as vbs:
        await vbs.delete_backup(job_reference("j"))


# --------------------------------------------------------------------------------------- jobs between the two worlds


async def test_a_job_that_names_a_backup_that_cannot_be_read_yet_stays_in_progress() -> None:
    job = {"job_id": "j", "status": "RUNNING", "entities": {"backup_id": "b"}}
    script = Script({"GET jobs/j": [(200, job)], "GET backups/b": [(404, MISSING)]})
    async with served(script) as vbs:
        observation = await vbs.observe(job_reference("j"))
    assert (observation.reference, observation.phase) == (job_reference("j"), Phase.IN_PROGRESS)
    assert [request.split("/")[1] for request in script.requests] == ["v1", "v2"]


async def test_a_good_job_whose_backup_is_gone_raises_not_found() -> None:
    job = {"job_id": "j", "status": "SUCCESS", "entities": {"backup_id": "b"}}
    script = Script({"GET jobs/j": [(200, job)], "GET backups/b": [(404, MISSING)]})
    async with served(script) as vbs:
        with pytest.raises(NotFoundError):
            await vbs.observe(job_reference("j"))


async def test_a_good_job_is_not_believed_while_its_backup_is_not_good() -> None:
    job = {"job_id": "j", "status": "SUCCESS", "entities": {"backup_id": "b"}}
    backup = {"backup": {"id": "b", "status": "creating"}}
    script = Script({"GET jobs/j": [(200, job)], "GET backups/b": [(200, backup)]})
    async with served(script) as vbs:
        observation = await vbs.observe(job_reference("j"))
    assert (observation.reference.kind, observation.phase) == ("backup", Phase.IN_PROGRESS)


async def test_a_good_job_that_names_no_backup_is_not_taken_for_a_good_backup() -> None:
    job = {"job_id": "j", "status": "SUCCESS", "entities": {}}
    async with served(Script({"GET jobs/j": [(200, job)]})) as vbs:
        with pytest.raises(UnexpectedResponseError, match="names no backup"):
            await vbs.observe(job_reference("j"))


async def test_an_answer_without_a_job_is_an_unexpected_response() -> None:
    async with served(Script({"POST cloudbackups": [(200, {})]})) as vbs:
        with pytest.raises(UnexpectedResponseError, match="job_id"):
            await vbs.backups.create(BackupCreate(volume_id=UNKNOWN, name="x"))


# ------------------------------------------------------------------------------------------------------- find a backup


async def test_a_backup_in_progress_is_found_by_disk_and_name(vbs: LocalVbs) -> None:
    await started_backup(vbs)
    found = await vbs.service.find_backup(volume_id=vbs.volumes[0], name="before-upgrade")
    assert found is not None
    assert (await vbs.service.observe(found)).status == "creating"


async def test_the_newest_of_several_good_backups_is_found(vbs: LocalVbs) -> None:
    await good_backup(vbs)
    newest = await good_backup(vbs)
    assert await vbs.service.find_backup(volume_id=vbs.volumes[0], name="before-upgrade") == newest


async def test_a_backup_with_another_name_or_of_another_disk_is_not_found(vbs: LocalVbs) -> None:
    await good_backup(vbs)
    assert await vbs.service.find_backup(volume_id=vbs.volumes[0], name="before-upgrad") is None
    assert await vbs.service.find_backup(volume_id=vbs.volumes[1], name="before-upgrade") is None


async def test_a_failed_backup_is_never_found_and_does_not_hide_an_older_good_one(vbs: LocalVbs) -> None:
    good = await good_backup(vbs)
    vbs.cloud.state.plan_failure("vbs", "storage pool is full")
    await started_backup(vbs)
    vbs.advance(BACKUP_SECONDS)
    assert await vbs.service.find_backup(volume_id=vbs.volumes[0], name="before-upgrade") == good


async def test_a_backup_that_is_being_deleted_is_not_found(vbs: LocalVbs) -> None:
    backup = await good_backup(vbs)
    await vbs.service.delete_backup(backup)
    assert await vbs.service.find_backup(volume_id=vbs.volumes[0], name="before-upgrade") is None


async def test_a_server_that_filters_by_a_part_of_the_name_does_not_lead_astray() -> None:
    backups = [
        {"id": "1", "name": "nightly-2", "volume_id": "v", "status": "available"},
        {"id": "2", "name": "nightly", "volume_id": "w", "status": "available"},
        {
            "id": "3",
            "name": "nightly",
            "volume_id": "v",
            "status": "available",
            "created_at": "2026-05-01T00:00:00.000000",
        },
        {
            "id": "4",
            "name": "nightly",
            "volume_id": "v",
            "status": "creating",
            "created_at": "2026-05-02T00:00:00.000000",
        },
    ]
    async with served(Script({"GET backups/detail": [(200, {"backups": backups})]})) as vbs:
        assert await vbs.find_backup(volume_id="v", name="nightly") == OperationReference("vbs", "4")


async def test_the_backup_of_a_disk_that_is_being_made_is_found_whatever_its_name(vbs: LocalVbs) -> None:
    job = await started_backup(vbs)
    found = await vbs.service.find_running(volume_id=vbs.volumes[0])
    assert found is not None
    assert await vbs.service.find_running(volume_id=vbs.volumes[1]) is None
    vbs.advance(BACKUP_SECONDS)
    assert (await vbs.service.observe(job)).reference == found
    assert await vbs.service.find_running(volume_id=vbs.volumes[0]) is None


async def test_of_backups_that_are_used_otherwise_or_are_of_another_snapshot_none_is_found() -> None:
    backups = [
        {"id": "1", "name": "a", "volume_id": "v", "status": "restoring", "snapshot_id": "s"},
        {"id": "2", "name": "b", "volume_id": "v", "status": "creating", "snapshot_id": "t"},
        {"id": "3", "name": "c", "volume_id": "w", "status": "creating", "snapshot_id": "s"},
        {"id": "4", "name": "d", "volume_id": "v", "status": "deleting", "snapshot_id": "s"},
    ]
    async with served(Script({"GET backups/detail": [(200, {"backups": backups})] * 2})) as vbs:
        assert await vbs.find_running(volume_id="v", snapshot_id="s") is None
        assert await vbs.find_running(volume_id="v", snapshot_id="t") == OperationReference("vbs", "2")

"""Looking at backups, finding one that was started before and deleting, against the local cloud and odd answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    BackupError,
    InvalidRequestError,
    NotFoundError,
    NotListedError,
    ResourceBusyError,
    UnreadablePathError,
)
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.missing_backups import MissingBackups
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.cbr.models import Checkpoint, CheckpointCreate, CheckpointParameters, Vault
from airflow_provider_backup.cloud.services.cbr.service import CbrService
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.virtual_clock import SteppingClock

from .conftest import Recorder

LATENESS = Limits().longest_listing_delay


def reference(checkpoint: Checkpoint) -> OperationReference:
    return OperationReference("cbr", checkpoint.id, "checkpoint")


async def back_up(
    cbr: CbrService, vault: Vault, name: str = "nightly", resources: list[str] | None = None
) -> Checkpoint:
    parameters = CheckpointParameters(name=name, resources=resources)
    return await cbr.checkpoints.create(CheckpointCreate(vault_id=vault.id, parameters=parameters))


async def finished(cbr: CbrService, wanted: OperationReference) -> OperationState:
    """Look until the backup is over."""
    for _ in range(200):
        observation = await cbr.observe(wanted)
        if observation.phase.is_terminal:
            return observation
        await asyncio.sleep(0.05)
    pytest.fail(f"{wanted} does not end")


async def gone(cbr: CbrService, wanted: OperationReference) -> None:
    """Look until the backup is deleted."""
    for _ in range(200):
        if (await cbr.observe(wanted)).phase is Phase.DELETED:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{wanted} is still there")


async def test_a_running_checkpoint_is_in_progress(cbr: CbrService, vault: Vault, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    checkpoint = await back_up(cbr, vault)
    observation = await cbr.observe(reference(checkpoint))
    assert (observation.status, observation.phase, observation.progress) == ("protecting", Phase.IN_PROGRESS, 0)
    assert observation.name == "nightly"


async def test_a_checkpoint_becomes_good_with_one_backup_for_each_resource(cbr: CbrService, vault: Vault) -> None:
    checkpoint = await back_up(cbr, vault)
    observation = await finished(cbr, reference(checkpoint))
    assert observation.phase is Phase.SUCCEEDED
    assert set(observation.resource_ids) == {resource.id for resource in vault.resources}
    assert len(observation.backup_ids) == 2
    assert observation.created_at is not None
    assert observation.finished_at is not None
    assert observation.finished_at > observation.created_at


async def test_a_failed_checkpoint_reports_the_reason_of_the_service(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    backup_cloud.fail_next_backup("cbr", "The snapshot could not be made.")
    observation = await finished(cbr, reference(await back_up(cbr, vault)))
    assert (observation.status, observation.phase) == ("error", Phase.FAILED)
    name = vault.resources[0].name
    assert observation.reason == f"{name}: The snapshot could not be made. (BackupService.9910)"


async def test_the_reason_is_that_of_the_checkpoint_and_not_of_an_older_one(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    first, second = "An old trouble.", "A new trouble."
    for text in (first, second):
        backup_cloud.fail_next_backup("cbr", text)
        observation = await finished(cbr, reference(await back_up(cbr, vault, resources=[vault.resources[0].id])))
    assert second in (observation.reason or "")
    assert first not in (observation.reason or "")


async def test_a_single_backup_is_observed(cbr: CbrService, vault: Vault, backup_cloud: RunningCloud) -> None:
    backup_cloud.fail_next_backup("cbr", "The snapshot could not be made.")
    checkpoint = await back_up(cbr, vault)
    await finished(cbr, reference(checkpoint))
    seen = [
        await cbr.observe(OperationReference("cbr", backup.id))
        async for backup in cbr.backups.list(checkpoint_id=checkpoint.id, sort="name:asc")
    ]
    assert [observation.phase for observation in seen] == [Phase.FAILED, Phase.SUCCEEDED]
    assert "The snapshot could not be made." in (seen[0].reason or "")
    assert seen[1].reason is None


@pytest.mark.parametrize("kind", ["checkpoint", "backup"])
async def test_what_does_not_exist_is_not_found(cbr: CbrService, kind: Any) -> None:
    with pytest.raises(NotFoundError):
        await cbr.observe(OperationReference("cbr", "2d9f0c11-0d41-4f0f-9a51-27d1d6a40001", kind))


async def test_a_resource_that_does_not_exist_any_more_is_reported_as_skipped(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    gone = vault.resources[1].id
    del backup_cloud.state.table("inventory.servers")[gone]
    observation = await finished(cbr, reference(await back_up(cbr, vault)))
    assert observation.phase is Phase.SUCCEEDED
    assert [skipped["resource_id"] for skipped in observation.skipped] == [gone]
    assert "BackupService.7100" in observation.skipped[0]["reason"]


async def test_a_checkpoint_that_skips_everything_has_failed(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    backup_cloud.state.table("inventory.servers").clear()
    checkpoint = await back_up(cbr, vault)
    observation = await cbr.observe(reference(checkpoint))
    assert observation.phase is Phase.FAILED
    assert (observation.reason or "").startswith("every resource was skipped")


async def test_a_running_checkpoint_is_found_by_its_name(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    backup_cloud.set_backup_seconds(3600)
    checkpoint = await back_up(cbr, vault)
    assert await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=None) == cbr.reference_to(checkpoint)


async def test_a_checkpoint_of_one_resource_is_found_by_its_name(cbr: CbrService, vault: Vault) -> None:
    checkpoint = await back_up(cbr, vault, resources=[vault.resources[0].id])
    assert await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=None) == cbr.reference_to(checkpoint)


@pytest.mark.parametrize("name", ["night", "nightly2", "ightly", "night.y", "nightly-00011"])
async def test_another_name_finds_nothing(cbr: CbrService, vault: Vault, name: str) -> None:
    await back_up(cbr, vault)
    assert await cbr.find_checkpoint(vault_id=vault.id, name=name, since=None) is None


async def test_the_newest_checkpoint_is_found(cbr: CbrService, vault: Vault) -> None:
    await finished(cbr, reference(await back_up(cbr, vault)))
    second = await back_up(cbr, vault)
    assert await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=None) == cbr.reference_to(second)


async def test_a_failed_checkpoint_is_never_found_even_when_a_part_of_it_is_good(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    backup_cloud.fail_next_backup("cbr", "The snapshot could not be made.")
    await finished(cbr, reference(await back_up(cbr, vault)))
    assert await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=None) is None


async def test_an_older_good_checkpoint_is_found_behind_a_failed_one(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    good = cbr.reference_to(await back_up(cbr, vault))
    await finished(cbr, good)
    backup_cloud.fail_next_backup("cbr", "The snapshot could not be made.")
    await finished(cbr, reference(await back_up(cbr, vault)))
    assert await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=None) == good


async def test_a_checkpoint_that_is_being_deleted_is_not_found(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    checkpoint = reference(await back_up(cbr, vault))
    await finished(cbr, checkpoint)
    backup_cloud.set_backup_seconds(3600)
    await cbr.delete_backup(checkpoint)
    assert await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=None) is None


async def test_only_checkpoints_since_a_moment_are_found(cbr: CbrService, vault: Vault) -> None:
    checkpoint = cbr.reference_to(await back_up(cbr, vault))
    now = datetime.now(UTC)
    earlier, later = now - timedelta(minutes=5), now + timedelta(minutes=5)
    assert await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=earlier) == checkpoint
    assert await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=later) is None


async def test_a_checkpoint_is_looked_for_by_its_name_alone_and_with_a_number(recorder: Recorder) -> None:
    since = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)
    assert await recorder.cbr.find_checkpoint(vault_id="v", name="nightly", since=since) is None
    assert [path for _, path, _ in recorder.requests] == [
        f"/backups?limit=1000&name={name}&start_time=2031-04-02T09:15:07Z&vault_id=v"
        for name in ("nightly", "nightly-0001")
    ]


async def test_a_checkpoint_that_vanishes_while_it_is_looked_at_is_not_found(recorder: Recorder) -> None:
    row = {"id": "b", "name": "nightly", "checkpoint_id": "c"}
    gone = {"error_code": "BackupService.6217", "error_msg": "no"}
    recorder.answers = [(200, {"backups": [row], "count": 1}), (200, {"backups": []}), (404, gone)]
    assert await recorder.cbr.find_checkpoint(vault_id="v", name="nightly", since=None) is None


async def test_a_moment_without_a_time_zone_is_refused(cbr: CbrService, vault: Vault) -> None:
    naive = datetime(2031, 4, 2)  # noqa: DTZ001
    with pytest.raises(InvalidRequestError, match="start_time"):
        await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=naive)


async def test_deleting_a_checkpoint_deletes_all_its_backups(cbr: CbrService, vault: Vault) -> None:
    checkpoint = reference(await back_up(cbr, vault))
    await finished(cbr, checkpoint)
    await cbr.delete_backup(checkpoint)
    assert (await cbr.observe(checkpoint)).phase is Phase.DELETING
    await gone(cbr, checkpoint)
    assert [backup async for backup in cbr.backups.list()] == []


async def test_deleting_twice_is_no_error(cbr: CbrService, vault: Vault) -> None:
    checkpoint = reference(await back_up(cbr, vault))
    backup_id = (await finished(cbr, checkpoint)).backup_ids[0]
    await cbr.delete_backup(checkpoint)
    await cbr.delete_backup(checkpoint)
    await cbr.delete_backup(OperationReference("cbr", backup_id))
    assert (await cbr.observe(checkpoint)).phase is Phase.DELETING


async def test_deleting_what_is_gone_is_reported(cbr: CbrService, vault: Vault) -> None:
    checkpoint = reference(await back_up(cbr, vault))
    backup_id = (await finished(cbr, checkpoint)).backup_ids[0]
    await cbr.delete_backup(checkpoint)
    await gone(cbr, checkpoint)
    for nothing in (checkpoint, OperationReference("cbr", backup_id)):
        with pytest.raises(NotFoundError):
            await cbr.delete_backup(nothing)


async def test_a_checkpoint_whose_backups_are_gone_is_not_found_and_no_answer_is_invented(
    cbr: CbrService, vault: Vault
) -> None:
    checkpoint = reference(await back_up(cbr, vault))
    await finished(cbr, checkpoint)
    await cbr.delete_backup(checkpoint)
    await gone(cbr, checkpoint)

    with pytest.raises(NotListedError) as caught:
        await cbr.delete_backup(checkpoint)

    assert str(caught.value).startswith(
        f"No cbr backup of checkpoint {checkpoint.backup_id}, which is deleted, was found in the project's list of "
        "backups. Next step: "
    )


async def test_the_id_of_a_checkpoint_is_understood_as_a_backups(cbr: CbrService, vault: Vault) -> None:
    checkpoint = reference(await back_up(cbr, vault))
    whole = await finished(cbr, checkpoint)
    assert await cbr.observe(OperationReference("cbr", checkpoint.backup_id)) == whole


async def test_an_id_that_names_nothing_is_that_of_a_missing_backup(recorder: Recorder) -> None:
    recorder.answers = [
        (404, {"error_code": "BackupService.6200", "error_msg": "no backup"}),
        (404, {"error_code": "BackupService.6217", "error_msg": "no restore point"}),
    ]
    with pytest.raises(NotFoundError, match="no backup"):
        await recorder.cbr.observe(OperationReference("cbr", "x"))
    assert [path for _, path, _ in recorder.requests] == ["/backups/x", "/checkpoints/x"]


MALFORMED = (401, {"unauthorized": {"code": "401", "message": "Malformed request url"}})


async def test_an_id_that_cannot_be_read_is_missing_where_the_project_can_be_read(recorder: Recorder) -> None:
    recorder.answers = [MALFORMED, (200, {"vaults": []}), (404, {"error_code": "BackupService.6217"})]
    with pytest.raises(NotFoundError, match="Malformed request url"):
        await recorder.cbr.observe(OperationReference("cbr", "x"))


async def test_a_project_that_cannot_be_read_says_nothing_about_a_backup(recorder: Recorder) -> None:
    recorder.answers = [MALFORMED, MALFORMED]
    with pytest.raises(UnreadablePathError, match="project_id"):
        await recorder.cbr.observe(OperationReference("cbr", "x"))


async def test_a_checkpoint_that_shows_no_backup_yet_is_not_deleted(recorder: Recorder) -> None:
    recorder.answers = [(200, {"backups": []}), (200, {"checkpoint": CHECKPOINT | {"status": "protecting"}})]
    with pytest.raises(BackupError, match="shows no backup yet"):
        await recorder.cbr.delete_backup(OperationReference("cbr", "c", "checkpoint"))


async def test_there_is_nothing_to_delete_of_a_checkpoint_that_failed_without_a_backup(recorder: Recorder) -> None:
    recorder.answers = [(200, {"backups": []}), (200, {"checkpoint": CHECKPOINT | {"status": "error"}})]
    await recorder.cbr.delete_backup(OperationReference("cbr", "c", "checkpoint"))
    assert [method for method, _, _ in recorder.requests] == ["GET", "GET"]


async def test_a_running_backup_is_not_deleted(cbr: CbrService, vault: Vault, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    with pytest.raises(ResourceBusyError, match=r"BackupService\.6203"):
        await cbr.delete_backup(reference(await back_up(cbr, vault)))


CHECKPOINT = {
    "id": "c",
    "status": "error",
    "created_at": "2031-04-02T09:15:07.500000",
    "vault": {"id": "v", "resources": [{"id": "r"}]},
}
BACKUPS = {"backups": [{"id": "b", "status": "error", "resource_id": "r", "checkpoint_id": "c"}], "count": 1}


async def test_the_reason_is_looked_for_in_the_logs_of_the_vault_and_time(recorder: Recorder) -> None:
    logs = [
        {"id": "1", "status": "failed", "checkpoint_id": "other", "error_info": {"message": "not mine"}},
        {"id": "2", "status": "failed", "checkpoint_id": "c", "error_info": {"message": "mine"}},
    ]
    recorder.answers = [(200, {"checkpoint": CHECKPOINT}), (200, BACKUPS), (200, {"operation_logs": logs, "count": 2})]
    observation = await recorder.cbr.observe(OperationReference("cbr", "c", "checkpoint"))
    assert observation.reason == "mine"
    assert [path for _, path, _ in recorder.requests] == [
        "/checkpoints/c",
        "/backups?checkpoint_id=c&limit=1000",
        "/operation-logs?limit=1000&operation_type=backup&start_time=2031-04-02T09:14:07Z&vault_id=v",
    ]


async def test_a_failure_stays_a_failure_when_the_logs_may_not_be_read(recorder: Recorder) -> None:
    refused = {"error_code": "BackupService.8600", "error_msg": "no"}
    recorder.answers = [(200, {"checkpoint": CHECKPOINT}), (200, BACKUPS), (403, refused)]
    observation = await recorder.cbr.observe(OperationReference("cbr", "c", "checkpoint"))
    assert (observation.phase, observation.reason) == (Phase.FAILED, None)


async def test_a_running_checkpoint_costs_two_requests(recorder: Recorder) -> None:
    recorder.answers = [(200, {"checkpoint": CHECKPOINT | {"status": "protecting"}}), (200, {"backups": []})]
    assert (await recorder.cbr.observe(OperationReference("cbr", "c", "checkpoint"))).phase is Phase.IN_PROGRESS
    assert len(recorder.requests) == 2


async def test_the_log_of_a_backup_is_found_by_resource_when_it_names_no_backup(recorder: Recorder) -> None:
    logs = [
        {
            "id": "1",
            "status": "failed",
            "checkpoint_id": "c",
            "extra_info": {"resource": {"id": resource_id, "name": resource_id}},
            "error_info": {"message": "no"},
        }
        for resource_id in ("other", "r")
    ]
    recorder.answers = [(200, {"backup": BACKUPS["backups"][0]}), (200, {"operation_logs": logs[1:], "count": 1})]  # type: ignore[index]
    assert (await recorder.cbr.observe(OperationReference("cbr", "b"))).reason == "r: no"
    recorder.answers = [(200, {"backup": BACKUPS["backups"][0]}), (200, {"operation_logs": logs[:1], "count": 1})]  # type: ignore[index]
    assert (await recorder.cbr.observe(OperationReference("cbr", "b"))).reason is None


async def test_the_checkpoint_that_is_being_made_is_found(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    backup_cloud.set_backup_seconds(3600)
    checkpoint = await back_up(cbr, vault)
    resource_ids = await cbr.resources_of(vault.id)
    found = await cbr.find_running(vault_id=vault.id, resource_ids=resource_ids)
    assert found == cbr.reference_to(checkpoint)
    assert set(resource_ids) == set(found.expected_ids)
    assert await cbr.find_running(vault_id=vault.id, resource_ids=resource_ids[1:]) == found


async def test_a_good_checkpoint_is_not_being_made(cbr: CbrService, vault: Vault) -> None:
    await finished(cbr, reference(await back_up(cbr, vault)))
    assert await cbr.find_running(vault_id=vault.id, resource_ids=await cbr.resources_of(vault.id)) is None


async def test_a_checkpoint_of_other_resources_is_not_meant(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    backup_cloud.set_backup_seconds(3600)
    first, second = (resource.id for resource in vault.resources)
    await back_up(cbr, vault, resources=[first])
    for meant in ([second], [first, second]):
        assert await cbr.find_running(vault_id=vault.id, resource_ids=meant) is None
        assert await cbr.find_checkpoint(vault_id=vault.id, name="nightly", since=None, resource_ids=meant) is None


@pytest.mark.parametrize("status", ["restoring", "waiting_restore", "deleting"])
async def test_other_work_on_a_backup_is_not_its_making(recorder: Recorder, status: str) -> None:
    # A service that does not know the filter.
    recorder.answers.append((200, {"backups": [{"id": "b", "checkpoint_id": "c", "status": status}], "count": 1}))
    assert await recorder.cbr.find_running(vault_id="v", resource_ids=["r"]) is None
    assert len(recorder.requests) == 1


# ------------------------------------------------------------------------------------------- backups that are missing


def lose_backup(cloud: RunningCloud, resource_id: str, *, ended_seconds_ago: float) -> None:
    """Let the backup of a resource vanish from the list, and the others have ended some time ago."""
    backups = cloud.state.table("cbr.backups")
    for row in [*backups.values(), *cloud.state.table("cbr.operation_logs").values()]:
        row["ready_at"] = (datetime.now(UTC) - timedelta(seconds=ended_seconds_ago)).isoformat()
        if row.get("resource_id") == resource_id:
            del backups[row["id"]]


def forbid_logs(cloud: RunningCloud) -> None:
    cloud.misbehave("refuse", service="cbr", route=LOGS, status=403, code="BackupService.8600")


def hide_logs(cloud: RunningCloud) -> None:
    cloud.misbehave("refuse", service="cbr", route=LOGS, status=404, code="APIGW.0101")


def empty_logs(cloud: RunningCloud) -> None:
    cloud.state.table("cbr.operation_logs").clear()


LOGS = "/v3/{project_id}/operation-logs"


@pytest.mark.parametrize("spoil", [forbid_logs, hide_logs, empty_logs, lambda cloud: None])
async def test_a_resource_without_a_backup_is_waited_for_and_then_reported_as_skipped_whatever_the_log_says(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud, spoil: Callable[[RunningCloud], None]
) -> None:
    checkpoint = await back_up(cbr, vault)
    kept, lost = (resource.id for resource in vault.resources)
    spoil(backup_cloud)

    for wanted in (reference(checkpoint), cbr.reference_to(checkpoint)):
        lose_backup(backup_cloud, lost, ended_seconds_ago=LATENESS / 2)
        assert (await cbr.observe(wanted)).phase is Phase.IN_PROGRESS
        lose_backup(backup_cloud, lost, ended_seconds_ago=LATENESS + 5)
        observation = await cbr.observe(wanted)
        assert (observation.phase, observation.resource_ids) == (Phase.SUCCEEDED, (kept,))
        assert [skipped["resource_id"] for skipped in observation.skipped] == [lost]
        assert observation.skipped[0]["reason"].startswith("no backup of it is listed, and the operation log ")


async def test_a_checkpoint_all_of_whose_backups_are_missing_fails_in_the_end(recorder: Recorder) -> None:
    good = CHECKPOINT | {"status": "available"}
    recorder.cbr._missing_backups = MissingBackups(CloudClock(SteppingClock(*MOMENTS)))
    recorder.answers = [(200, {"checkpoint": good}), (200, {"backups": []}), (200, {"operation_logs": []})] * 2
    wanted = OperationReference("cbr", "c", "checkpoint")
    assert (await recorder.cbr.observe(wanted)).phase is Phase.IN_PROGRESS
    observation = await recorder.cbr.observe(wanted)
    assert observation.phase is Phase.FAILED
    assert observation.reason == (
        "every resource was skipped: r: no backup of it is listed, and the operation log gives no reason"
    )


async def test_an_old_checkpoint_without_any_backup_fails_at_the_first_look_of_each_client(recorder: Recorder) -> None:
    old = CHECKPOINT | {"status": "available", "created_at": "2025-04-02T09:15:07.500000"}
    recorder.answers = [(200, {"checkpoint": old}), (200, {"backups": []}), (200, {"operation_logs": []})]
    observation = await recorder.cbr.observe(OperationReference("cbr", "c", "checkpoint"))
    assert observation.phase is Phase.FAILED


MOMENTS = [datetime(2031, 4, 2, tzinfo=UTC) + timedelta(seconds=LATENESS * number) for number in range(9)]


async def test_what_was_asked_for_counts_and_not_what_else_the_checkpoint_names(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    checkpoint = await back_up(cbr, vault)
    kept, lost = (resource.id for resource in vault.resources)
    lose_backup(backup_cloud, lost, ended_seconds_ago=LATENESS * 2)
    empty_logs(backup_cloud)
    observation = await cbr.observe(cbr.reference_to(checkpoint, [kept]))
    assert (observation.phase, observation.skipped) == (Phase.SUCCEEDED, ())
    observation = await cbr.observe(cbr.reference_to(checkpoint, [kept, "never-named"]))
    assert [skipped["resource_id"] for skipped in observation.skipped] == ["never-named"]


async def test_a_checkpoint_that_left_out_a_wanted_resource_is_not_taken_for_one_of_it(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud
) -> None:
    backup_cloud.set_backup_seconds(3600)
    del backup_cloud.state.table("inventory.servers")[vault.resources[1].id]
    await back_up(cbr, vault)
    wanted = [resource.id for resource in vault.resources]
    assert await cbr.find_running(vault_id=vault.id, resource_ids=wanted) is None
    assert await cbr.find_running(vault_id=vault.id, resource_ids=wanted[:1]) is not None


async def test_a_log_that_cannot_be_read_is_reported_when_the_checkpoint_is_judged(
    cbr: CbrService, vault: Vault, backup_cloud: RunningCloud, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = reference(await back_up(cbr, vault))
    forbid_logs(backup_cloud)
    for seconds_ago, warnings in ((1.0, 0), (1.0, 0), (LATENESS * 2, 1)):
        lose_backup(backup_cloud, vault.resources[1].id, ended_seconds_ago=seconds_ago)
        await cbr.observe(checkpoint)
        told = [each for each in caplog.records if "operation log" in each.message and each.levelname == "WARNING"]
        assert len(told) == warnings

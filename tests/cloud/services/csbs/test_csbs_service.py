"""Looking at backups, finding a lost one and deleting, against the local cloud and against odd answers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    ApiNotFoundError,
    InvalidRequestError,
    NotFoundError,
    NotListedError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.csbs.models import Checkpoint, Policy, PolicyCreate, Protection
from airflow_provider_backup.cloud.services.csbs.service import CsbsService
from airflow_provider_backup.emulator.threaded import RunningCloud

from .conftest import Recorder


def checkpoint(identifier: str) -> OperationReference:
    return OperationReference("csbs", identifier, "checkpoint")


def backup(identifier: str) -> OperationReference:
    return OperationReference("csbs", identifier)


def item(number: int, status: str, **changes: Any) -> dict[str, Any]:
    """Return a backup as the service may send it."""
    return {
        "id": f"item-{number}",
        "checkpoint_id": "checkpoint",
        "name": "nightly",
        "status": status,
        "resource_id": f"server-{number}",
        "created_at": f"2026-05-02T10:21:5{number}.000000",
        **changes,
    }


async def create_policy(csbs: CsbsService, cloud: RunningCloud, servers: int = 2) -> Policy:
    """Create a policy with the first servers of the local cloud."""
    pattern = "RRULE:FREQ=DAILY;BYHOUR=3;BYMINUTE=15"
    values = {
        "name": "nightly",
        "resources": [
            {"id": server_id, "name": "server"} for server_id in cloud.describe()["resources"]["servers"][:servers]
        ],
        "scheduled_operations": [
            {"enabled": False, "operation_definition": {}, "trigger": {"properties": {"pattern": pattern}}}
        ],
    }
    return await csbs.policies.create(PolicyCreate.model_validate(values))


async def finished(csbs: CsbsService, reference: OperationReference) -> OperationState:
    """Look until the backup is over."""
    while True:
        observation = await csbs.observe(reference)
        if observation.phase.is_terminal:
            return observation
        await asyncio.sleep(0.05)


async def execute(csbs: CsbsService, policy: Policy) -> Checkpoint:
    return await csbs.checkpoints.execute_policy(policy.id)


async def test_a_running_checkpoint_is_in_progress(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    policy = await create_policy(csbs, backup_cloud)
    started = await execute(csbs, policy)

    observation = await csbs.observe(checkpoint(started.id))

    assert (observation.status, observation.phase, observation.progress) == ("protecting", Phase.IN_PROGRESS, 0)
    assert sorted(observation.resource_ids) == sorted(policy.server_ids)
    assert len(observation.backup_ids) == 2
    assert observation.created_at is not None
    assert (observation.size_mb, observation.finished_at, observation.reason) == (None, None, None)


async def test_a_finished_checkpoint_is_good_and_reports_all_that_is_known(
    csbs: CsbsService, backup_cloud: RunningCloud
) -> None:
    started = await execute(csbs, await create_policy(csbs, backup_cloud))

    observation = await finished(csbs, checkpoint(started.id))

    assert (observation.status, observation.phase, observation.progress) == ("available", Phase.SUCCEEDED, 100)
    assert observation.name is not None
    assert observation.name.startswith("manualbk_")
    assert observation.size_mb is not None
    assert observation.size_mb > 0
    assert observation.created_at is not None
    assert observation.finished_at is not None
    assert observation.finished_at > observation.created_at
    assert observation.skipped == ()


async def test_one_failed_backup_makes_the_whole_checkpoint_failed_with_its_reason(
    csbs: CsbsService, backup_cloud: RunningCloud
) -> None:
    backup_cloud.fail_next_backup("csbs", "the agent is silent")
    started = await execute(csbs, await create_policy(csbs, backup_cloud))

    observation = await finished(csbs, checkpoint(started.id))

    assert (observation.status, observation.phase) == ("error", Phase.FAILED)
    assert observation.reason is not None
    assert "the agent is silent (code CSBS.9999) during backup" in observation.reason
    assert observation.reason.startswith("web-1: ")


async def test_a_single_backup_of_a_checkpoint_can_be_looked_at(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    started = await execute(csbs, await create_policy(csbs, backup_cloud))
    whole = await finished(csbs, checkpoint(started.id))

    observation = await csbs.observe(backup(whole.backup_ids[0]))

    assert (observation.phase, observation.backup_ids) == (Phase.SUCCEEDED, whole.backup_ids[:1])


async def test_an_unknown_backup_is_not_found_in_the_words_of_the_service(csbs: CsbsService) -> None:
    with pytest.raises(ApiNotFoundError, match="unknown") as caught:
        await csbs.observe(backup("unknown"))

    assert (caught.value.status, caught.value.code, caught.value.service) == (404, "CSBS.3001", "csbs")


async def test_a_checkpoint_without_listed_backups_is_not_found_and_no_answer_is_invented(csbs: CsbsService) -> None:
    with pytest.raises(NotFoundError) as caught:
        await csbs.observe(checkpoint("unknown"))

    assert isinstance(caught.value, NotListedError)
    assert str(caught.value).startswith(
        "No csbs backup of checkpoint unknown was found in the project's list of backups. Next step: Check the id"
    )


async def test_a_reference_of_another_kind_is_refused(csbs: CsbsService) -> None:
    job = OperationReference("csbs", "1", "job")

    with pytest.raises(InvalidRequestError, match="kind: must be checkpoint or backup"):
        await csbs.observe(job)
    with pytest.raises(InvalidRequestError, match="kind: must be checkpoint or backup"):
        await csbs.delete_backup(job)


@pytest.mark.parametrize(
    ("statuses", "phase", "status"),
    [
        (("available", "available"), Phase.SUCCEEDED, "available"),
        (("available", "protecting"), Phase.IN_PROGRESS, "protecting"),
        (("available", "waiting_protect"), Phase.IN_PROGRESS, "waiting_protect"),
        (("protecting", "error"), Phase.FAILED, "error"),
        (("available", "deleting"), Phase.DELETING, "deleting"),
        (("available", "brand-new"), Phase.IN_PROGRESS, "brand-new"),
    ],
)
async def test_a_checkpoint_is_what_its_least_good_backup_is(
    recorder: Recorder, statuses: tuple[str, ...], phase: Phase, status: str
) -> None:
    items = [item(number, each) for number, each in enumerate(statuses)]
    recorder.answers.append((200, {"checkpoint_items": items}))

    observation = await recorder.csbs.observe(checkpoint("checkpoint"))

    assert (observation.phase, observation.status) == (phase, status)
    assert recorder.requests == [("GET", "/checkpoint_items?checkpoint_id=checkpoint&limit=1000", None)]


async def test_the_backups_of_all_pages_count(recorder: Recorder) -> None:
    links = [{"rel": "next", "href": "http://somewhere/else"}]
    recorder.answers += [
        (200, {"checkpoint_items": [item(1, "available")], "checkpoint_items_links": links}),
        (200, {"checkpoint_items": [item(2, "error", extend_info={"fail_reason": "disk full"})]}),
    ]

    observation = await recorder.csbs.observe(checkpoint("checkpoint"))

    assert (observation.phase, observation.reason) == (Phase.FAILED, "server-2: disk full")


async def test_progress_is_the_average_and_sizes_are_summed(recorder: Recorder) -> None:
    items = [
        item(1, "available", extend_info={"size": "20480", "finished_at": "2026-05-02T10:29:38.675478"}),
        item(2, "protecting", extend_info={"progress": "30", "size": None}),
        item(3, "protecting", progress=20, name="other"),
    ]
    recorder.answers.append((200, {"checkpoint_items": items}))

    observation = await recorder.csbs.observe(checkpoint("checkpoint"))

    assert (observation.progress, observation.size_mb) == (50, 20480.0)
    assert (observation.finished_at, observation.name) == (None, None)
    assert observation.created_at == datetime(2026, 5, 2, 10, 21, 51, tzinfo=UTC)


# ------------------------------------------------------------------------------------------------ finding a lost one


def just_now() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)


async def test_the_running_checkpoint_of_a_policy_is_found(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    policy = await create_policy(csbs, backup_cloud)
    before = just_now()
    started = await execute(csbs, policy)

    found = await csbs.find_checkpoint(policy_id=policy.id, started_after=before, server_ids=policy.server_ids)

    assert found == OperationReference("csbs", started.id, "checkpoint", expected_ids=tuple(policy.server_ids))


async def test_the_newest_checkpoint_of_a_policy_is_found(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    policy = await create_policy(csbs, backup_cloud)
    before = just_now()
    await finished(csbs, checkpoint((await execute(csbs, policy)).id))
    newest = await execute(csbs, policy)

    found = await csbs.find_checkpoint(policy_id=policy.id, started_after=before)

    assert found == checkpoint(newest.id)


async def test_a_checkpoint_that_began_earlier_is_not_found(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    policy = await create_policy(csbs, backup_cloud)
    await execute(csbs, policy)

    # More than what clocks that are the same may differ.
    later = datetime.now(UTC) + timedelta(seconds=7)
    assert await csbs.find_checkpoint(policy_id=policy.id, started_after=later) is None


async def test_a_failed_checkpoint_is_never_found(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    backup_cloud.fail_next_backup("csbs", "the agent is silent")
    policy = await create_policy(csbs, backup_cloud)
    before = just_now()
    await finished(csbs, checkpoint((await execute(csbs, policy)).id))

    assert await csbs.find_checkpoint(policy_id=policy.id, started_after=before) is None


async def test_a_vanishing_checkpoint_is_never_found(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    policy = await create_policy(csbs, backup_cloud)
    before = just_now()
    reference = checkpoint((await execute(csbs, policy)).id)
    await finished(csbs, reference)
    backup_cloud.set_backup_seconds(3600)
    await csbs.delete_backup(reference)

    assert await csbs.find_checkpoint(policy_id=policy.id, started_after=before) is None


async def test_a_checkpoint_of_other_servers_is_not_found(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    policy = await create_policy(csbs, backup_cloud)
    before = just_now()
    await csbs.checkpoints.execute_policy(policy.id, server_ids=policy.server_ids[:1])

    found = await csbs.find_checkpoint(policy_id=policy.id, started_after=before, server_ids=policy.server_ids)

    assert found is None


async def test_a_scheduled_checkpoint_is_found_only_when_the_request_said_so(
    csbs: CsbsService, backup_cloud: RunningCloud
) -> None:
    policy = await create_policy(csbs, backup_cloud)
    before = just_now()
    started = await csbs.checkpoints.execute_policy(policy.id, auto_trigger=True)

    manual = await csbs.find_checkpoint(policy_id=policy.id, started_after=before)
    scheduled = await csbs.find_checkpoint(policy_id=policy.id, started_after=before, auto_trigger=True)

    assert (manual, scheduled) == (None, checkpoint(started.id))


async def test_the_backup_of_one_server_is_found_by_its_exact_name(
    csbs: CsbsService, backup_cloud: RunningCloud
) -> None:
    server_ids = backup_cloud.describe()["resources"]["servers"]
    wanted = await csbs.checkpoints.protect(server_ids[0], Protection(backup_name="key-1"))
    await csbs.checkpoints.protect(server_ids[1], Protection(backup_name="key-12"))

    found = await csbs.find_backup(server_id=server_ids[0], name="key-1")

    assert found == OperationReference("csbs", wanted.id, "checkpoint", expected_ids=(server_ids[0],))


@pytest.mark.parametrize(("number", "name"), [(0, "key"), (1, "key-1")])
async def test_the_backup_of_another_server_or_name_is_not_found(
    csbs: CsbsService, backup_cloud: RunningCloud, number: int, name: str
) -> None:
    server_ids = backup_cloud.describe()["resources"]["servers"]
    await csbs.checkpoints.protect(server_ids[0], Protection(backup_name="key-1"))

    assert await csbs.find_backup(server_id=server_ids[number], name=name) is None


async def test_a_failed_backup_of_one_server_is_found_only_when_asked_for(
    csbs: CsbsService, backup_cloud: RunningCloud
) -> None:
    backup_cloud.fail_next_backup("csbs", "the agent is silent")
    server_id = backup_cloud.describe()["resources"]["servers"][0]
    started = await csbs.checkpoints.protect(server_id, Protection(backup_name="key-1"))
    await finished(csbs, checkpoint(started.id))

    assert await csbs.find_backup(server_id=server_id, name="key-1") is None
    failed = await csbs.find_backup(server_id=server_id, name="key-1", phases={Phase.FAILED})
    assert failed == OperationReference("csbs", started.id, "checkpoint", expected_ids=(server_id,))


async def test_a_backup_that_does_not_tell_when_it_began_is_not_taken_for_ours(recorder: Recorder) -> None:
    recorder.answers.append((200, {"checkpoint_items": [item(1, "available", created_at=None)]}))

    found = await recorder.csbs.find_checkpoint(policy_id="policy", started_after=datetime(2026, 5, 2, tzinfo=UTC))

    assert found is None
    # An hour earlier: the service's clock may be another, and is told by its answer only.
    assert recorder.requests[0][1] == (
        "/checkpoint_items?limit=1000&policy_id=policy&start_time=2026-05-01T23:00:00.000000"
    )


# ---------------------------------------------------------------------------------------------------------- deleting


async def test_a_checkpoint_is_deleted_with_all_its_backups(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    reference = checkpoint((await execute(csbs, await create_policy(csbs, backup_cloud))).id)
    await finished(csbs, reference)
    backup_cloud.set_backup_seconds(0)

    await csbs.delete_backup(reference)

    with pytest.raises(NotFoundError):
        await csbs.observe(reference)


async def test_a_single_backup_is_deleted_and_the_others_stay(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    reference = checkpoint((await execute(csbs, await create_policy(csbs, backup_cloud))).id)
    gone, kept = (await finished(csbs, reference)).backup_ids
    backup_cloud.set_backup_seconds(0)

    await csbs.delete_backup(backup(gone))

    assert (await csbs.observe(reference)).backup_ids == (kept,)


@pytest.mark.parametrize("reference", [checkpoint("unknown"), backup("unknown")])
async def test_deleting_what_is_not_there_is_reported(csbs: CsbsService, reference: OperationReference) -> None:
    with pytest.raises(NotFoundError):
        await csbs.delete_backup(reference)


async def test_the_id_of_a_checkpoint_is_understood_as_a_backups(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    reference = checkpoint((await execute(csbs, await create_policy(csbs, backup_cloud))).id)
    whole = await finished(csbs, reference)

    assert await csbs.observe(backup(reference.backup_id)) == whole


async def test_deleting_what_is_being_deleted_counts_as_done(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    reference = checkpoint((await execute(csbs, await create_policy(csbs, backup_cloud))).id)
    await finished(csbs, reference)
    backup_cloud.set_backup_seconds(3600)
    await csbs.delete_backup(reference)

    await csbs.delete_backup(reference)

    assert (await csbs.observe(reference)).phase is Phase.DELETING


async def test_deleting_a_running_backup_is_refused_as_busy(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    reference = checkpoint((await execute(csbs, await create_policy(csbs, backup_cloud))).id)

    with pytest.raises(ResourceBusyError, match=r"CSBS\.2003"):
        await csbs.delete_backup(reference)


# ------------------------------------------------------------------------------------------- finding what is being made


async def test_the_checkpoint_that_is_being_made_of_the_servers_is_found(
    csbs: CsbsService, backup_cloud: RunningCloud
) -> None:
    backup_cloud.set_backup_seconds(3600)
    policy = await create_policy(csbs, backup_cloud)
    started = await execute(csbs, policy)

    found = await csbs.find_running(server_ids=policy.server_ids)

    assert found == OperationReference("csbs", started.id, "checkpoint", expected_ids=tuple(policy.server_ids))
    assert (await csbs.find_running(server_ids=policy.server_ids[1:])) is not None


async def test_a_good_checkpoint_is_not_being_made(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    policy = await create_policy(csbs, backup_cloud)
    await finished(csbs, checkpoint((await execute(csbs, policy)).id))

    assert await csbs.find_running(server_ids=policy.server_ids) is None


async def test_a_checkpoint_of_fewer_servers_is_not_meant(csbs: CsbsService, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    policy = await create_policy(csbs, backup_cloud)
    await csbs.checkpoints.execute_policy(policy.id, server_ids=policy.server_ids[:1])

    assert await csbs.find_running(server_ids=policy.server_ids) is None


@pytest.mark.parametrize("status", ["restoring", "waiting_restore", "deleting"])
async def test_other_work_on_a_backup_is_not_its_making(recorder: Recorder, status: str) -> None:
    # A service that does not know the filter.
    recorder.answers += [(200, {"checkpoint_items": [item(1, status)]})] * 2

    assert await recorder.csbs.find_running(server_ids=["server-1"]) is None

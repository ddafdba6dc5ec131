"""Outcomes of many waits in the local cloud: the same as of a single one, whatever goes wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import AuthenticationError, NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError
from tests.cloud.polling.populated_cloud import Place, VirtualCloud, open_client
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

LIST_ROUTES = {
    "cbr": "/v3/{project_id}/backups",
    "csbs": "/v1/{project_id}/checkpoint_items",
    "vbs": "/v2/{project_id}/backups/detail",
    "rds": "/v3/{project_id}/instances",
    "gaussdb": "/v3/{project_id}/backups",
    "taurusdb": "/v3/{project_id}/backups",
}
TROUBLES: dict[str, dict[str, Any]] = {
    "server_error": {"status": 503},
    "close_before": {},
    "half_body": {},
    "throttle": {"retry_after": 0},
}
SLACK = 0.01
"""Seconds: somewhat more than the steps in which tests look."""
CHECKPOINTS = ("cbr checkpoint", "csbs checkpoint")


async def read_once(client: BackupCloud, reference: OperationReference) -> OperationState:
    return await client.service(reference.service).observe(reference)


def comparable(observation: OperationState) -> dict[str, Any]:
    assert observation.created_at is not None
    # A checkpoint begins a moment before its backups, of which lists tell.
    begun = observation.created_at.replace(second=0, microsecond=0)
    return {**observation.to_result(), "created_at": begun, "reason": observation.reason, "phase": observation.phase}


async def test_a_listing_and_a_single_read_return_the_same_state(place: Place) -> None:
    references = await place.start(4)
    waits = [place.wait(reference) for reference in references]
    place.end(references)
    for reference, ended in zip(references, await asyncio.gather(*waits), strict=True):
        assert comparable(ended) == comparable(await read_once(place.client, reference))


async def test_a_failure_is_reported_with_its_reason_while_the_others_run(place: Place) -> None:
    references = await place.start(4)
    waits = [place.wait(reference) for reference in references]
    place.end(references[:1], failure="the disk is full")
    failed = await waits[0]
    assert failed.phase is Phase.FAILED
    if place.service in ("cbr", "csbs", "vbs"):
        assert "the disk is full" in str(failed.reason)
    place.end(references[1:])
    assert {each.phase for each in await asyncio.gather(*waits[1:])} == {Phase.SUCCEEDED}


async def test_a_deleted_backup_is_reported_while_the_others_run(place: Place) -> None:
    references = await place.start(4)
    waits = [place.wait(reference, started_at=VIRTUAL_CLOCK.time() - 3600) for reference in references]
    for part in place.parts_of(references[0]):
        del place.rows[part["id"]]
    if place.kind == "cbr checkpoint":
        assert (await waits[0]).phase is Phase.DELETED
    else:
        with pytest.raises(NotFoundError):
            await waits[0]
    place.end(references[1:])
    assert {each.phase for each in await asyncio.gather(*waits[1:])} == {Phase.SUCCEEDED}


@pytest.mark.parametrize("kind", ["cbr backup", "rds"])
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_transient_errors_end_only_the_waits_whose_tolerance_is_used_up(place: Place, trouble: str) -> None:
    references = await place.start(4)
    place.running.misbehave(trouble, service=place.service, **TROUBLES[trouble])  # type: ignore[arg-type]
    waits = [place.wait(reference, poll_interval=0.03) for reference in references[1:]]
    impatient = place.wait(references[0], poll_interval=0.03, tolerance=0.03)
    with pytest.raises(WaitTroubleError):
        await impatient
    place.running.behave()
    place.end(references)
    assert {each.phase for each in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


@pytest.mark.parametrize("kind", ["cbr backup", "csbs backup", "vbs backup", "rds"])
@pytest.mark.parametrize("status", [400, 403])
async def test_a_listing_with_a_permanent_error_leaves_single_reads(place: Place, status: int) -> None:
    references = await place.start(4)
    place.running.misbehave(
        "refuse", service=place.service, route=LIST_ROUTES[place.service], status=status, code="X.1"
    )
    waits = [place.wait(reference) for reference in references]
    place.end(references)
    assert {each.phase for each in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


async def test_a_stale_listing_delays_outcomes_and_invents_none(place: Place) -> None:
    references = await place.start(4)
    place.running.misbehave("stale_read", service=place.service, route=LIST_ROUTES[place.service], seconds=3600)
    waits = [place.wait(reference, poll_interval=0.05) for reference in references]
    place.end(references[:2])
    await asyncio.sleep(0.3)
    reported = [wait.result().phase for wait in waits if wait.done()]
    assert set(reported) <= {Phase.SUCCEEDED}
    assert not any(wait.done() for wait in waits[2:])
    place.running.behave()
    place.end(references)
    assert {each.phase for each in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


async def test_invalid_credentials_end_all_waits_after_one_request_to_the_cloud() -> None:
    async with VirtualCloud() as running, open_client(running) as client:
        place = Place(running, client, "vbs backup")
        references = await place.start(30)
        running.misbehave("refuse", service="vbs", status=401, code="APIGW.0301")
        ended = await asyncio.gather(*map(place.wait, references), return_exceptions=True)
        assert {type(each) for each in ended} == {AuthenticationError}
        assert place.requests.total() == 1


@pytest.mark.parametrize("kind", CHECKPOINTS)
async def test_a_failed_part_is_reported_while_the_other_one_runs(place: Place) -> None:
    whole = await place.start_checkpoint(2)
    wait = place.wait(whole, poll_interval=0.05)
    await place.requests_reach(3)
    place.end_parts(place.parts_of(whole)[:1], failure="the disk is full")
    async with asyncio.timeout(5):
        ended = await wait
    assert ended.phase is Phase.FAILED
    assert "the disk is full" in str(ended.reason)


@pytest.mark.parametrize("kind", CHECKPOINTS)
async def test_a_checkpoint_of_unknown_resources_is_confirmed_by_a_single_read(place: Place) -> None:
    references = [replace(reference, expected_ids=()) for reference in await place.start(4)]
    waits = [place.wait(reference) for reference in references]
    place.end(references)
    for reference, ended in zip(references, await asyncio.gather(*waits), strict=True):
        assert comparable(ended) == comparable(await read_once(place.client, reference))
    single = "{checkpoint_id}" if place.kind == "cbr checkpoint" else "checkpoint_items"
    assert place.requests[single] >= 4


@pytest.mark.parametrize("kind", CHECKPOINTS)
async def test_a_checkpoint_that_skipped_a_resource_is_reported_as_a_single_read_does(place: Place) -> None:
    whole = [replace(each, expected_ids=(*each.expected_ids, "left-out")) for each in await place.start(4)]
    if place.kind == "cbr checkpoint":
        skipped = {"id": "left-out", "type": "OS::Nova::Server", "name": "x", "code": "1", "reason": "it is off"}
        for row in place.running.state.table("cbr.checkpoints").values():
            row["skipped"] = [skipped]
    waits = [place.wait(reference, poll_interval=10) for reference in whole]
    place.end(whole)
    for ended in await asyncio.gather(*waits):
        assert (ended.phase, [each["resource_id"] for each in ended.skipped]) == (Phase.SUCCEEDED, ["left-out"])


@pytest.mark.parametrize("kind", ["vbs job"])
async def test_a_job_is_followed_to_its_backup_which_the_listing_covers_afterwards(place: Place) -> None:
    references = await place.start(4)
    for row in (*place.rows.values(), *place.running.state.table("vbs.jobs").values()):
        # A job names its backup when it is some way on.
        row["started_at"] = "2026-01-01T00:00:00+00:00"
    waits = [place.wait(reference, poll_interval=0.05) for reference in references]
    async with asyncio.timeout(10):
        # The last looks at jobs end one by one; from the second list on all are in step.
        while place.requests["{backup_id}"] < 4 or place.requests["detail"] < 2:
            await asyncio.sleep(0.01)
    place.forget_requests()
    await asyncio.sleep(0.2)
    assert set(place.requests) == {"detail"}
    place.end(references)
    ended = await asyncio.gather(*waits)
    assert {(each.phase, each.reference.kind) for each in ended} == {(Phase.SUCCEEDED, "backup")}


@pytest.mark.parametrize("kind", ["rds"])
async def test_an_outcome_is_on_time_although_the_next_backup_of_its_instance_started_at_once(
    place: Place,
) -> None:
    references = await place.start(3)
    waits = [place.wait(reference, poll_interval=0.2) for reference in references]
    await place.requests_reach(3)
    began = VIRTUAL_CLOCK.monotonic()
    begin_next(place, references[0])

    assert (await waits[0]).phase is Phase.SUCCEEDED
    assert VIRTUAL_CLOCK.monotonic() - began < 0.2 + SLACK
    assert not any(wait.done() for wait in waits[1:])
    place.end(references)
    await asyncio.gather(*waits)


@pytest.mark.parametrize("kind", ["rds"])
async def test_among_many_an_outcome_is_on_time_when_the_next_backup_is_waited_for_as_well(
    kind: str,
) -> None:
    async with VirtualCloud(extra_resources=60) as running, open_client(running) as client:
        place = Place(running, client, kind)
        references = await place.start(60)
        waits = [
            place.wait(reference, poll_interval=0.3, started_at=VIRTUAL_CLOCK.time() - 60) for reference in references
        ]
        await place.requests_reach(2)
        place.forget_requests()
        began = VIRTUAL_CLOCK.monotonic()
        following = place.wait(begin_next(place, references[0]), poll_interval=0.3)

        assert (await waits[0]).phase is Phase.SUCCEEDED
        assert VIRTUAL_CLOCK.monotonic() - began < 0.3 + SLACK
        assert place.requests["backups"] <= 3
        place.end(references)
        following.cancel()
        await asyncio.gather(*waits)


def begin_next(place: Place, reference: OperationReference) -> OperationReference:
    """End a backup, and begin another one of its instance in the same moment."""
    place.end([reference])
    [row] = place.parts_of(reference)
    place.rows["next"] = {**row, "id": "next", "name": "next", "ready_at": "2099-01-01T00:00:00+00:00"}
    return replace(reference, backup_id="next")


@pytest.mark.parametrize("kind", ["cbr checkpoint", "csbs backup", "vbs backup", "gaussdb"])
@pytest.mark.parametrize("hours", [-2, 2])
async def test_a_clock_that_differs_loses_no_outcome(place: Place, hours: int) -> None:
    references = await place.start(4)
    waits = [place.wait(reference, started_at=VIRTUAL_CLOCK.time() + hours * 3600) for reference in references]
    place.end(references)
    assert {each.phase for each in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


@pytest.mark.parametrize("kind", ["cbr backup", "csbs checkpoint", "rds", "taurusdb"])
async def test_backups_that_others_started_can_be_waited_for(place: Place) -> None:
    references = await place.start(4)
    waits = [place.wait(reference, started_at=None, poll_interval=0.05) for reference in references]
    await place.requests_reach(5)
    place.end(references)
    assert {each.phase for each in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


@pytest.mark.parametrize("kind", ["cbr checkpoint", "rds", "gaussdb"])
async def test_one_backup_may_be_waited_for_by_many(place: Place) -> None:
    [reference] = await place.start(1)
    waits = [place.wait(reference) for _ in range(5)]
    place.end([reference])
    assert {each.phase for each in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}

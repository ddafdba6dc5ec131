"""The restore as an operation: what is sent, what refuses it, and what proves it (CSBS sections 4.4, 6.1 and 6.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.errors import (
    BadRequestError,
    InvalidRequestError,
    NotFoundError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.limits import override_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.csbs.restores import CsbsRestoreRequest, RestoreTarget
from airflow_provider_backup.cloud.services.csbs.service import CsbsService
from airflow_provider_backup.emulator.threaded import RunningCloud

from .conftest import Recorder

ROUTE = ("csbs", "POST", "/v1/{project_id}/restores")
HOUR = 3600


class Restorable:
    """A server of two disks with a good backup, whose content has changed since from 1 to 2.

    :param csbs: the client.
    :param cloud: the local cloud behind it.
    """

    def __init__(self, csbs: CsbsService, cloud: RunningCloud) -> None:
        self.csbs = csbs
        self.cloud = cloud
        servers = cloud.state.table("inventory.servers")
        self.server_id, row = next((each, row) for each, row in servers.items() if len(row["volumes"]) > 1)
        self.disks: list[str] = row["volumes"]
        self.backup = OperationReference("csbs", "")
        self.checkpoint = OperationReference("csbs", "", "checkpoint")

    async def back_up(self) -> None:
        checkpoint = await self.csbs.checkpoints.protect(self.server_id)
        self.checkpoint = OperationReference("csbs", checkpoint.id, "checkpoint")
        self.pass_an_hour()
        (item,) = [item async for item in self.csbs.checkpoint_items.list(checkpoint_id=checkpoint.id)]
        self.backup = OperationReference("csbs", item.id)
        self.cloud.change_content(self.server_id, 2)

    def pass_an_hour(self) -> None:
        self.cloud.state.advance_clock(HOUR)

    def request(self, backup: OperationReference | None = None, **target: Any) -> CsbsRestoreRequest:
        return CsbsRestoreRequest(backup or self.backup, RestoreTarget(**target))

    @property
    def content(self) -> int:
        return self.cloud.content(self.server_id)

    @property
    def requests(self) -> int:
        return self.cloud.requests[ROUTE]


@pytest_asyncio.fixture
async def made(csbs: CsbsService, backup_cloud: RunningCloud) -> Restorable:
    backup_cloud.set_backup_seconds(HOUR)
    made = Restorable(csbs, backup_cloud)
    await made.back_up()
    return made


# ------------------------------------------------------------------------------------------------------------ evidence


@pytest.mark.parametrize("kind", ["backup", "checkpoint"])
async def test_a_restore_overwrites_the_server_that_was_backed_up(made: Restorable, kind: str) -> None:
    operation = made.csbs.restores

    reference = await operation.submit(made.request(made.backup if kind == "backup" else made.checkpoint))

    assert (await operation.observe(reference)).phase is Phase.IN_PROGRESS
    made.pass_an_hour()
    state = await operation.observe(reference)
    assert (state.phase, state.status, state.resource_ids) == (Phase.SUCCEEDED, "available", (made.server_id,))
    assert OperationReference.from_dict(reference.to_dict()) == reference
    assert made.content == 1


async def test_a_failed_restore_that_leaves_its_backup_available_gives_the_reason(made: Restorable) -> None:
    made.cloud.state.plan_failure("csbs.restore", "the disk cannot be written")
    operation = made.csbs.restores
    reference = await operation.submit(made.request())
    made.pass_an_hour()

    state = await operation.observe(reference)

    assert (state.phase, state.reason) == (
        Phase.FAILED,
        "the disk cannot be written (code CSBS.9999) during restore",
    )
    assert made.content == 2


def answered(recorder: Recorder, **members: Any) -> None:
    item = {"id": "item", "checkpoint_id": "checkpoint", "status": "available", **members}
    recorder.answers = [(200, {"checkpoint_item": item})]


RESTORE = OperationReference(
    "csbs", "item", expected_ids=("server",), operation="restore", submitted_at="2026-05-02T10:00:00+00:00"
)


@pytest.mark.parametrize(
    ("members", "phase"),
    [
        ({"status": "available", "updated_at": "2026-05-02T09:59:59.999999"}, Phase.IN_PROGRESS),
        ({"status": "available", "updated_at": "2026-05-02T10:20:00.000000"}, Phase.SUCCEEDED),
        ({"status": "waiting_restore", "updated_at": "2026-05-02T10:20:00.000000"}, Phase.IN_PROGRESS),
        ({"status": "restoring"}, Phase.IN_PROGRESS),
        ({"status": "error", "updated_at": "2026-05-02T10:20:00.000000"}, Phase.FAILED),
        ({"status": "deleting", "updated_at": "2026-05-02T10:20:00.000000"}, Phase.FAILED),
        ({"status": "new word", "updated_at": "2026-05-02T10:20:00.000000"}, Phase.FAILED),
    ],
)
async def test_a_good_backup_proves_a_restore_only_if_it_changed_since_the_submission(
    recorder: Recorder, members: dict[str, Any], phase: Phase
) -> None:
    answered(recorder, **members)

    assert (await recorder.csbs.restores.observe(RESTORE)).phase is phase


@pytest.mark.parametrize(("seconds", "phase"), [(0.0, Phase.SUCCEEDED), (1e9, Phase.IN_PROGRESS)])
async def test_where_no_change_is_shown_a_restore_counts_after_the_time_in_which_it_may_begin(
    recorder: Recorder, seconds: float, phase: Phase
) -> None:
    answered(recorder)

    with override_limits(longest_restore_start=seconds):
        assert (await recorder.csbs.restores.observe(RESTORE)).phase is phase


async def test_a_change_that_was_seen_before_the_submission_proves_nothing(made: Restorable) -> None:
    operation = made.csbs.restores
    row = made.cloud.state.table("csbs.items")[made.backup.backup_id]
    reference = await operation.submit(made.request())

    row["restore"] = None  # a stale read: the backup looks as it did before

    state = await operation.observe(reference)
    assert (state.phase, state.status) == (Phase.IN_PROGRESS, "not begun yet")


# ------------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("mappings", "rule"),
    [
        (lambda disks: {disks[0]: disks[0]}, "must name every disk that was backed up"),
        (lambda disks: {disks[0]: disks[0], disks[1]: disks[1], "unknown": "disk"}, "must name disks of the backup"),
        (lambda disks: {disks[0]: disks[0], disks[1]: disks[0]}, "volumes must name each volume_id once"),
    ],
)
async def test_mappings_that_do_not_fit_the_backup_are_refused_before_anything_is_sent(
    made: Restorable, mappings: Any, rule: str
) -> None:
    with pytest.raises(InvalidRequestError, match=rule):
        await made.csbs.restores.submit(made.request(mappings=mappings(made.disks)))

    assert (made.requests, made.content) == (0, 2)


async def test_a_disk_that_is_named_by_itself_and_by_its_backup_is_refused(made: Restorable) -> None:
    item = await made.csbs.checkpoint_items.get(made.backup.backup_id)
    backups = [str(disk.id) for disk in item.extend_info.volume_backups]
    mappings = {made.disks[0]: made.disks[0], backups[0]: made.disks[0], made.disks[1]: made.disks[1]}

    with pytest.raises(InvalidRequestError, match="must name each disk that was backed up once"):
        await made.csbs.restores.submit(made.request(mappings=mappings))


async def test_disks_may_be_named_by_their_backups(made: Restorable) -> None:
    item = await made.csbs.checkpoint_items.get(made.backup.backup_id)
    mappings = {str(disk.id): str(disk.source_volume_id) for disk in item.extend_info.volume_backups}

    await made.csbs.restores.submit(made.request(mappings=mappings))

    assert made.requests == 1


async def test_another_server_needs_mappings(made: Restorable) -> None:
    with pytest.raises(InvalidRequestError, match="must be given when the server is not the one that was backed up"):
        await made.csbs.restores.submit(made.request(server_id="another"))


async def test_a_checkpoint_without_a_backup_of_the_server_is_refused(made: Restorable) -> None:
    with pytest.raises(InvalidRequestError, match="must name one backup: 0 of"):
        await made.csbs.restores.submit(made.request(made.checkpoint, server_id="another"))


async def test_a_deleted_backup_is_refused_before_anything_is_sent(made: Restorable) -> None:
    await made.csbs.delete_backup(made.backup)
    made.pass_an_hour()

    with pytest.raises(NotFoundError):
        await made.csbs.restores.prepare(made.request())


async def test_what_the_service_finds_not_restorable_is_not_sent(made: Restorable) -> None:
    made.cloud.state.table("inventory.volumes")[made.disks[0]]["size_gb"] = 1

    with pytest.raises(BadRequestError, match=r"CSBS\.6024.*small than.*Nothing was sent"):
        await made.csbs.restores.submit(made.request())

    assert (made.requests, made.content) == (0, 2)


async def test_a_server_that_the_service_finds_busy_is_reported_as_busy_and_nothing_is_sent(made: Restorable) -> None:
    await made.csbs.restores.submit(made.request())
    operation = made.csbs.restores
    request = made.request()
    await operation.prepare(request)

    with pytest.raises(ResourceBusyError, match=r"CSBS\.6015"):
        await operation.submit(request)

    assert made.requests == 1
    made.pass_an_hour()
    await operation.submit(request)
    assert made.requests == 2


async def test_a_backup_that_began_to_be_restored_after_the_question_is_busy(
    made: Restorable, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = made.csbs.restores
    request = made.request()
    checkpoints = made.csbs.checkpoints
    check = checkpoints.check_restorable

    async def checked(questions: Any) -> Any:
        answers = await check(questions)
        monkeypatch.setattr(checkpoints, "check_restorable", check)
        await made.csbs.restores.submit(made.request())
        return answers

    monkeypatch.setattr(checkpoints, "check_restorable", checked)
    await operation.prepare(request)

    with pytest.raises(ResourceBusyError, match="is restoring"):
        await operation.submit(request)

    assert made.requests == 1


# --------------------------------------------------------------------------------------------------------------- found


async def test_no_restore_is_found_again_as_nothing_shows_which_server_is_overwritten(made: Restorable) -> None:
    request = made.request()
    operation = made.csbs.restores
    reference = await operation.submit(request)
    submitted_at = made.csbs._clock.now() - timedelta(hours=1)

    assert reference.operation == "restore"
    assert await operation.find(request, since=submitted_at, by_anyone=True) is None
    assert await operation.find_running(request) is None


async def test_the_restore_that_keeps_a_server_busy_is_waited_for_until_it_ends(made: Restorable) -> None:
    request = made.request()
    await made.csbs.restores.submit(request)
    operation = made.csbs.restores

    conflict = await operation.find_conflict(request)

    assert conflict is not None
    assert (conflict.operation, conflict.backup_id) == ("restore", made.backup.backup_id)
    assert (await operation.observe(conflict)).phase is Phase.IN_PROGRESS
    made.pass_an_hour()
    assert (await operation.observe(conflict)).phase is Phase.SUCCEEDED


async def test_the_backup_that_keeps_a_server_busy_is_waited_for(made: Restorable) -> None:
    await made.csbs.checkpoints.protect(made.server_id)

    conflict = await made.csbs.restores.find_conflict(made.request())

    assert conflict is not None
    assert (conflict.operation, (await made.csbs.observe(conflict)).status) == ("backup", "protecting")


async def test_nothing_keeps_an_idle_server_busy(made: Restorable) -> None:
    assert await made.csbs.restores.find_conflict(made.request()) is None

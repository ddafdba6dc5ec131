"""The restore as an operation: what is sent, found and proved (CBR sections 7.4 and 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, NotFoundError, ResourceBusyError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import LIVE, LOST, Phase
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate, VaultCreate
from airflow_provider_backup.cloud.services.cbr.restores import NOT_LOGGED, CbrRestoreRequest, RestoreTarget
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.faults.specs import read_faults
from airflow_provider_backup.emulator.server import LocalCloud
from tests.cloud.services.cbr.conftest import _settings

BACKUP_SECONDS = 100
SERVER, DISK, FILE_SYSTEM = "OS::Nova::Server", "OS::Cinder::Volume", "OS::Sfs::Turbo"
OBJECT_TYPES = {SERVER: "server", DISK: "disk", FILE_SYSTEM: "turbo"}
RESTORE_ROUTE = "/v3/{project_id}/backups/{backup_id}/restore"


class Restorable:
    """A server with two disks, or a disk, with a good backup in a local cloud whose clock the test moves.

    :param local: the local cloud.
    :param cloud: the client.
    :param clock: the local cloud's time, as the only item.
    """

    def __init__(self, local: LocalCloud, cloud: BackupCloud, clock: list[datetime]) -> None:
        self.local = local
        self.cloud = cloud
        self.clock = clock
        self.contents = Contents(local.state)
        self.resource_id = ""
        self.checkpoint = OperationReference("cbr", "")
        self.backup = OperationReference("cbr", "")

    @property
    def operation(self) -> Any:
        # A new one each time, as each attempt of a task has one.
        return self.cloud.cbr.restores

    @property
    def disks(self) -> list[str]:
        disks: list[str] = self.local.state.table("inventory.servers")[self.resource_id]["volumes"]
        return disks

    def request(self, **members: Any) -> CbrRestoreRequest:
        return CbrRestoreRequest(self.backup, RestoreTarget(**members))

    async def back_up(self, kind: str = SERVER, count: int = 1) -> None:
        """Back up the first resources of a kind that can be restored."""
        tables = {SERVER: "inventory.servers", DISK: "inventory.volumes", FILE_SYSTEM: "inventory.file_systems"}
        rows = self.local.state.table(tables[kind]).values()
        found = [row["id"] for row in rows if kind != SERVER and row["status"] == "available"]
        found = found or [row["id"] for row in rows if kind == SERVER and len(row["volumes"]) == 2]
        self.resource_id = found[0]
        vault = VaultCreate.model_validate(
            {
                "name": "app",
                "billing": {
                    "consistent_level": "crash_consistent",
                    "object_type": OBJECT_TYPES[kind],
                    "protect_type": "backup",
                    "size": 500,
                },
                "resources": [{"id": each, "type": kind} for each in found[:count]],
            }
        )
        vault_id = (await self.cloud.cbr.vaults.create(vault)).id
        checkpoint = await self.cloud.cbr.checkpoints.create(CheckpointCreate(vault_id=vault_id))
        self.later(BACKUP_SECONDS)
        self.checkpoint = self.cloud.cbr.reference_to(checkpoint)
        backups = [each async for each in self.cloud.cbr.backups.list(resource_id=self.resource_id)]
        self.backup = OperationReference("cbr", backups[0].id)

    def later(self, seconds: float) -> None:
        self.clock[0] += timedelta(seconds=seconds)

    def two_restores_ago(self) -> datetime:
        """Return a time of this machine's clock, beside which the cloud's clock is ahead by what :meth:`later` adds."""
        return datetime.now(UTC) - timedelta(seconds=2 * BACKUP_SECONDS)

    def misbehave(self, kind: str, **parameters: Any) -> None:
        self.local.faults.arm(read_faults({"kind": kind, "service": "cbr", **parameters}))


@pytest.fixture
async def made() -> AsyncIterator[Restorable]:
    clock = [datetime.now(UTC)]
    local = LocalCloud(port=0, backup_seconds=BACKUP_SECONDS, now=lambda: clock[0])
    await local.start()
    try:
        about = local.describe()
        async with BackupCloud(_settings(about["ak"], about["sk"], about["project_id"], about["cbr"])) as cloud:
            made = Restorable(local, cloud, clock)
            await made.back_up()
            made.contents.change(made.resource_id, 2)
            yield made
    finally:
        await local.stop()


async def test_a_restore_of_a_server_overwrites_each_disk_that_was_backed_up(made: Restorable) -> None:
    reference = await made.operation.submit(made.request())

    assert (await made.operation.observe(reference)).phase is Phase.IN_PROGRESS
    made.later(BACKUP_SECONDS)
    state = await made.operation.observe(reference)
    assert (state.phase, state.status, state.resource_ids) == (Phase.SUCCEEDED, "success", (made.resource_id,))
    assert state.backup_ids == (made.backup.backup_id,)
    assert made.contents.version(made.resource_id) == 1


async def test_the_reference_survives_json(made: Restorable) -> None:
    reference = await made.operation.submit(made.request())

    assert OperationReference.from_dict(reference.to_dict()) == reference
    assert reference.operation == "restore"


@pytest.mark.parametrize("by", ["disk", "backup"])
async def test_a_mapping_that_leaves_disks_out_leaves_them_alone(made: Restorable, by: str) -> None:
    system, data = made.disks
    child = next(
        child
        for child in (await made.cloud.cbr.backups.get(made.backup.backup_id)).children
        if child.resource_id == data
    )
    named = data if by == "disk" else child.id

    await made.operation.submit(made.request(mappings={named: data}))
    made.later(BACKUP_SECONDS)

    assert (made.contents.version(system), made.contents.version(data)) == (2, 1)


async def test_the_backup_of_a_disk_overwrites_the_disk(made: Restorable) -> None:
    await made.back_up(DISK)
    made.contents.change(made.resource_id, 2)

    reference = await made.operation.submit(made.request())
    made.later(BACKUP_SECONDS)

    assert (await made.operation.observe(reference)).phase is Phase.SUCCEEDED
    assert made.contents.version(made.resource_id) == 1


async def test_a_server_is_left_off_when_asked(made: Restorable) -> None:
    await made.operation.submit(made.request(power_on=False))

    assert made.local.state.table("inventory.servers")[made.resource_id]["status"] == "SHUTOFF"


async def test_the_checkpoint_stands_for_the_backup_of_the_server(made: Restorable) -> None:
    await made.operation.submit(CbrRestoreRequest(made.checkpoint, RestoreTarget(server_id=made.resource_id)))
    made.later(BACKUP_SECONDS)

    assert made.contents.version(made.resource_id) == 1


async def test_a_checkpoint_of_several_servers_needs_the_server(made: Restorable) -> None:
    made.local.state.table("cbr.vaults").clear()
    await made.back_up(count=2)

    with pytest.raises(InvalidRequestError, match="must name one backup: 2 of cbr checkpoint"):
        await made.operation.submit(CbrRestoreRequest(made.checkpoint, RestoreTarget()))


async def test_a_file_system_is_overwritten_by_its_own_backup(made: Restorable) -> None:
    await made.back_up(FILE_SYSTEM)
    made.contents.change(made.resource_id, 2)
    operation, request = made.operation, made.request()

    await operation.prepare(request)
    reference = await operation.submit(request)

    assert reference.expected_ids == (made.resource_id,)
    made.later(BACKUP_SECONDS)
    assert (await operation.observe(reference)).phase is Phase.SUCCEEDED
    assert made.contents.version(made.resource_id) == 1


async def test_another_file_system_is_overwritten_by_its_id(made: Restorable) -> None:
    await made.back_up(FILE_SYSTEM)
    _, other, *_ = made.local.state.table("inventory.file_systems")
    operation, request = made.operation, made.request(resource_id=other)

    await operation.prepare(request)

    assert (await operation.submit(request)).expected_ids == (other,)


@pytest.mark.parametrize(
    "members", [{"server_id": "server"}, {"volume_id": "disk"}, {"mappings": {"disk": "disk"}}], ids=str
)
async def test_what_does_not_fit_the_backup_of_a_file_system_is_refused_before_it_is_sent(
    made: Restorable, members: dict[str, Any]
) -> None:
    await made.back_up(FILE_SYSTEM)

    with pytest.raises(InvalidRequestError, match="the backup is one of a file system"):
        await made.operation.prepare(made.request(**members))


@pytest.mark.parametrize(
    "members",
    [
        {"volume_id": "disk", "server_id": "server"},
        {"volume_id": "disk", "mappings": {"disk": "disk"}},
        {"volume_id": "disk", "resource_id": "file system"},
        {"resource_id": "file system", "server_id": "server"},
        {"resource_id": "file system", "mappings": {"disk": "disk"}},
    ],
)
def test_a_target_is_a_server_a_disk_or_a_file_system(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="volume_id is for the backup of a disk"):
        validated(RestoreTarget, "restore", members)


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"volume_id": "disk"}, "the backup is one of a server"),
        ({"resource_id": "file system"}, "the backup is one of a server"),
        ({"mappings": {"nope": "disk"}}, "must name disks of the backup"),
    ],
)
async def test_what_does_not_fit_the_backup_of_a_server_is_refused_before_it_is_sent(
    made: Restorable, members: dict[str, Any], rule: str
) -> None:
    with pytest.raises(InvalidRequestError, match=rule):
        await made.operation.prepare(made.request(**members))


@pytest.mark.parametrize("members", [{"server_id": "server"}, {"mappings": {"disk": "disk"}}, {"resource_id": "x"}])
async def test_what_does_not_fit_the_backup_of_a_disk_is_refused_before_it_is_sent(
    made: Restorable, members: dict[str, Any]
) -> None:
    await made.back_up(DISK)

    with pytest.raises(InvalidRequestError, match="the backup is one of a disk"):
        await made.operation.prepare(made.request(**members))


async def test_an_unknown_backup_is_reported(made: Restorable) -> None:
    with pytest.raises(NotFoundError):
        await made.operation.prepare(CbrRestoreRequest(OperationReference("cbr", "nope"), RestoreTarget()))


async def test_a_failed_restore_gives_the_reason(made: Restorable) -> None:
    made.local.state.plan_failure("cbr.restore", "the disk cannot be written")

    reference = await made.operation.submit(made.request())
    made.later(BACKUP_SECONDS)

    state = await made.operation.observe(reference)
    assert state.phase is Phase.FAILED
    assert state.reason == "the disk cannot be written (BackupService.9910)"
    assert made.contents.version(made.resource_id) == 2


async def test_a_log_that_says_success_is_not_believed_while_the_backup_is_restored_from(made: Restorable) -> None:
    reference = await made.operation.submit(made.request())
    (log,) = [row for row in made.local.state.table("cbr.operation_logs").values() if row["id"] == reference.job_id]
    log["ready_at"] = log["started_at"]

    state = await made.operation.observe(reference)

    assert (state.phase, state.status) == (Phase.IN_PROGRESS, "restoring")


async def test_a_restore_to_another_disk_is_not_one_to_the_disk_that_was_backed_up(made: Restorable) -> None:
    since = made.two_restores_ago()
    await made.back_up(DISK)
    volumes = made.local.state.table("inventory.volumes").values()
    other = next(row for row in volumes if row["id"] != made.resource_id)
    other.update(status="available", size_gb=10_000)
    await made.operation.submit(made.request(volume_id=other["id"]))

    assert await made.operation.find_running(made.request()) is None
    assert await made.operation.find(made.request(), since=since) is None
    for written in (other["id"], other["id"].upper()):
        assert await made.operation.find_running(made.request(volume_id=written)) is not None


async def test_a_busy_resource_refuses_the_restore(made: Restorable) -> None:
    await made.operation.submit(made.request())

    with pytest.raises(ResourceBusyError):
        await made.operation.submit(made.request())


class WithoutJobId:
    """Where the answer to a restore has no body."""

    @pytest.fixture(autouse=True)
    def no_body(self, made: Restorable) -> None:
        made.misbehave("no_body", method="POST", route=RESTORE_ROUTE)


class TestWithoutJobId(WithoutJobId):
    async def test_the_log_is_found_by_backup_resource_and_time(self, made: Restorable) -> None:
        reference = await made.operation.submit(made.request())

        assert reference.job_id is None
        assert (await made.operation.observe(reference)).phase is Phase.IN_PROGRESS
        made.later(BACKUP_SECONDS)
        assert (await made.operation.observe(reference)).phase is Phase.SUCCEEDED

    async def test_the_log_of_an_earlier_restore_proves_nothing(self, made: Restorable) -> None:
        await made.operation.submit(made.request())
        made.later(BACKUP_SECONDS)
        reference = await made.operation.submit(made.request())
        # The log of this restore is late.
        logs = made.local.state.table("cbr.operation_logs")
        late = list(logs)[-1]
        row = logs.pop(late)

        state = await made.operation.observe(reference)

        assert (state.phase, state.status) == (Phase.IN_PROGRESS, NOT_LOGGED)
        logs[late] = row
        made.later(BACKUP_SECONDS)
        state = await made.operation.observe(reference)
        assert (state.phase, state.reference.job_id) == (Phase.SUCCEEDED, late)


class TestFinding:
    """What a retry finds."""

    async def test_a_running_restore_of_the_backup_to_the_resource_is_found(self, made: Restorable) -> None:
        began = datetime.now(UTC)
        reference = await made.operation.submit(made.request())

        found = await made.operation.find(made.request(), since=began)

        assert found.job_id == reference.job_id
        assert (await made.operation.find_running(made.request())).job_id == reference.job_id

    async def test_a_good_one_is_found_and_does_not_run(self, made: Restorable) -> None:
        began = made.two_restores_ago()
        reference = await made.operation.submit(made.request())
        made.later(BACKUP_SECONDS)

        assert (await made.operation.find(made.request(), since=began)).job_id == reference.job_id
        assert await made.operation.find_running(made.request()) is None

    async def test_one_from_before_is_not_found(self, made: Restorable) -> None:
        await made.operation.submit(made.request())
        made.later(BACKUP_SECONDS)

        assert await made.operation.find(made.request(), since=datetime.now(UTC)) is None

    async def test_a_failed_one_is_found_only_when_asked_for(self, made: Restorable) -> None:
        made.local.state.plan_failure("cbr.restore", "the disk cannot be written")
        began = made.two_restores_ago()
        reference = await made.operation.submit(made.request())
        made.later(BACKUP_SECONDS)

        assert await made.operation.find(made.request(), since=began, phases=LIVE) is None
        assert (await made.operation.find(made.request(), since=began, phases=LOST)).job_id == reference.job_id

    async def test_one_of_another_backup_is_not_found(self, made: Restorable) -> None:
        began, earlier = made.two_restores_ago(), made.backup
        await made.operation.submit(made.request())
        made.later(BACKUP_SECONDS)
        made.local.state.table("cbr.vaults").clear()
        await made.back_up()

        assert made.backup != earlier
        assert await made.operation.find(made.request(), since=began) is None


async def test_nothing_is_overwritten_when_the_logs_cannot_be_read(made: Restorable) -> None:
    made.misbehave("refuse", method="GET", route="/v3/{project_id}/operation-logs", status=403, code="APIGW.0302")

    with pytest.raises(BackupError, match=r"APIGW\.0302"):
        await made.operation.submit(made.request())

    made.later(BACKUP_SECONDS)
    assert made.contents.version(made.resource_id) == 2


async def test_a_restore_is_polled_with_the_others(made: Restorable) -> None:
    reference = await made.operation.submit(made.request())
    made.later(BACKUP_SECONDS)

    assert (await made.cloud.observe(reference)).phase is Phase.SUCCEEDED


async def test_one_list_shows_every_restore_that_runs(made: Restorable) -> None:
    listing = made.operation.lists.running
    reference = await made.operation.submit(made.request())

    (page,) = [page async for page in listing.pages(None)]

    (row,) = page.rows
    assert listing.key_of(reference) in listing.keys_of(row)
    assert (listing.running_status(row), listing.started_at(row)) == ("restoring", None)
    made.later(BACKUP_SECONDS)
    assert [row async for page in listing.pages(None) for row in page.rows] == []

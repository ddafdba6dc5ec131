"""The restore as an operation: what is sent and what proves it (VBS sections 4.2 and 4.4)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.vbs.models import BackupCreate
from airflow_provider_backup.cloud.services.vbs.restores import VbsRestoreRequest
from airflow_provider_backup.emulator.core.contents import Contents
from tests.cloud.services.vbs.servers import BACKUP_SECONDS, LocalVbs


class Restorable:
    """A detached disk with a good backup, whose content has changed since.

    :param vbs: the client with the local cloud behind it.
    """

    def __init__(self, vbs: LocalVbs) -> None:
        self.vbs = vbs
        self.contents = Contents(vbs.cloud.state)
        self.volume_id = vbs.volumes[-1]
        self.job = OperationReference("vbs", "", "job")
        self.backup = OperationReference("vbs", "")

    async def back_up(self) -> None:
        order = BackupCreate(volume_id=self.volume_id, name="before-upgrade")
        self.job = OperationReference("vbs", await self.vbs.service.backups.create(order), "job")
        self.vbs.advance(BACKUP_SECONDS)
        self.backup = (await self.vbs.service.observe(self.job)).reference
        self.contents.change(self.volume_id, 2)

    @property
    def content(self) -> int:
        return self.contents.version(self.volume_id)


@pytest.fixture
async def made(vbs: LocalVbs) -> Restorable:
    made = Restorable(vbs)
    await made.back_up()
    return made


@pytest.mark.parametrize("kind", ["backup", "job"])
async def test_a_restore_overwrites_the_disk_that_was_backed_up(made: Restorable, kind: str) -> None:
    operation = made.vbs.service.restores
    request = VbsRestoreRequest(made.backup if kind == "backup" else made.job)

    reference = await operation.submit(request)

    assert (await operation.observe(reference)).phase is Phase.IN_PROGRESS
    made.vbs.advance(BACKUP_SECONDS)
    state = await operation.observe(reference)
    assert (state.phase, state.name, state.resource_ids) == (Phase.SUCCEEDED, "before-upgrade", (made.volume_id,))
    assert OperationReference.from_dict(reference.to_dict()) == reference
    assert made.content == 1


async def test_a_failed_restore_gives_the_reason(made: Restorable) -> None:
    made.vbs.cloud.state.plan_failure("vbs.restore", "the disk cannot be written")
    operation = made.vbs.service.restores

    reference = await operation.submit(VbsRestoreRequest(made.backup))
    made.vbs.advance(BACKUP_SECONDS)

    state = await operation.observe(reference)
    assert (state.phase, state.reason) == (Phase.FAILED, "VolumeBackup.0200: the disk cannot be written")
    assert made.content == 2


async def test_a_job_that_says_success_is_not_believed_while_the_backup_is_restored_from(made: Restorable) -> None:
    operation = made.vbs.service.restores
    reference = await operation.submit(VbsRestoreRequest(made.backup))
    job = made.vbs.cloud.state.table("vbs.jobs")[reference.job_id or ""]
    job["ready_at"] = job["started_at"]

    state = await operation.observe(reference)

    assert (state.phase, state.status) == (Phase.IN_PROGRESS, "restoring")


async def test_a_restore_without_its_job_cannot_be_found(made: Restorable) -> None:
    request = VbsRestoreRequest(made.backup)
    await made.vbs.service.restores.submit(request)

    assert await made.vbs.service.restores.find(request, since=datetime.now(UTC)) is None
    assert await made.vbs.service.restores.find_running(request) is None


async def test_an_unknown_backup_is_reported(made: Restorable) -> None:
    with pytest.raises(NotFoundError):
        await made.vbs.service.restores.prepare(VbsRestoreRequest(OperationReference("vbs", "nope")))


async def test_a_job_that_names_no_backup_is_refused(made: Restorable) -> None:
    made.vbs.advance(1)
    job_id = await made.vbs.service.backups.create(BackupCreate(volume_id=made.vbs.volumes[0], name="running"))

    with pytest.raises(InvalidRequestError, match="names none"):
        await made.vbs.service.restores.prepare(VbsRestoreRequest(OperationReference("vbs", job_id, "job")))


async def test_a_backup_that_is_restored_from_is_still_good(made: Restorable) -> None:
    await made.vbs.service.restores.submit(VbsRestoreRequest(made.backup))

    state = await made.vbs.service.observe(made.backup)

    assert (state.status, state.phase) == ("restoring", Phase.SUCCEEDED)


async def test_one_list_shows_every_restore_that_runs(made: Restorable) -> None:
    operation = made.vbs.service.restores
    listing = operation.lists.running
    assert listing is not None
    reference = await operation.submit(VbsRestoreRequest(made.backup))

    (row,) = [row async for page in listing.pages(None) for row in page.rows]

    assert listing.key_of(reference) in listing.keys_of(row)
    assert listing.running_status(row) == "restoring"
    made.vbs.advance(BACKUP_SECONDS)
    assert [row async for page in listing.pages(None) for row in page.rows] == []

"""Restoring with the client (VBS section 4.2)."""

from __future__ import annotations

import pytest

from airflow_provider_backup.cloud.errors import BadRequestError, InvalidRequestError, NotFoundError
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.vbs.models import BackupCreate, RestoreCreate
from airflow_provider_backup.emulator.core.contents import Contents
from tests.cloud.services.vbs.servers import BACKUP_SECONDS, LocalVbs

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def good_backup(vbs: LocalVbs, volume_id: str) -> str:
    job_id = await vbs.service.backups.create(BackupCreate(volume_id=volume_id, name="before-upgrade"))
    vbs.advance(BACKUP_SECONDS)
    return str((await vbs.service.jobs.get(job_id)).backup_id)


async def test_a_restore_is_answered_with_a_job_that_ends_well(vbs: LocalVbs) -> None:
    detached, contents = vbs.volumes[-1], Contents(vbs.cloud.state)
    backup_id = await good_backup(vbs, detached)
    contents.change(detached, 2)

    job_id = await vbs.service.backups.restore(backup_id, RestoreCreate(volume_id=detached))
    vbs.advance(BACKUP_SECONDS)

    job = await vbs.service.jobs.get(job_id)
    assert (job.job_type, job.status, job.backup_id) == ("bksRestoreBackup", "SUCCESS", backup_id)
    assert contents.version(detached) == 1


async def test_a_restore_to_an_attached_disk_is_refused(vbs: LocalVbs) -> None:
    attached = vbs.volumes[0]
    backup_id = await good_backup(vbs, attached)

    with pytest.raises(BadRequestError, match=r"VolumeBackup\.0205"):
        await vbs.service.backups.restore(backup_id, RestoreCreate(volume_id=attached))


async def test_a_backup_that_does_not_exist_is_not_restored(vbs: LocalVbs) -> None:
    with pytest.raises(NotFoundError):
        await vbs.service.backups.restore(UNKNOWN, RestoreCreate(volume_id=vbs.volumes[-1]))


@pytest.mark.parametrize("values", [{}, {"volume_id": ""}, {"volume_id": None}])
def test_a_restore_needs_a_disk(values: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError, match="volume_id"):
        validated(RestoreCreate, "restore", values)

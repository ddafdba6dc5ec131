"""Restoring in the emulated VBS: jobs, content, refusals (VBS sections 4.2, 4.4 and 4.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from airflow_provider_backup.emulator.core.contents import Contents
from tests.emulator.vbs_calls import BACKUP_SECONDS, UNKNOWN, VbsCalls, vbs_calls


@pytest.fixture
async def vbs() -> AsyncIterator[VbsCalls]:
    async with vbs_calls() as vbs:
        yield vbs


class Disk:
    """A detached disk with a good backup.

    :param vbs: the calls.
    :param number: of the disk among all.
    :param backup_id: id of the backup.
    """

    def __init__(self, vbs: VbsCalls, number: int, backup_id: str) -> None:
        self.vbs = vbs
        self.number = number
        self.id = vbs.volume_ids[number]
        self.backup_id = backup_id
        self._contents = Contents(vbs.cloud.state)

    @property
    def content(self) -> int:
        return self._contents.version(self.id)

    @content.setter
    def content(self, version: int) -> None:
        self._contents.change(self.id, version)

    @property
    def call(self) -> str:
        return f"POST /v2/cloudbackups/{self.backup_id}/restore"

    async def restore(self, volume_id: str | None = None) -> str:
        status, answer = await self.vbs(self.call, {"restore": {"volume_id": volume_id or self.id}})
        assert status == 200, answer
        return str(answer["job_id"])

    async def refusal(self, volume_id: str | None = None) -> tuple[int, str]:
        return await self.vbs.refused(self.call, {"restore": {"volume_id": volume_id or self.id}})

    async def backup(self) -> dict[str, Any]:
        backup: dict[str, Any] = (await self.vbs(f"GET /v2/backups/{self.backup_id}"))[1]["backup"]
        return backup

    async def job(self, job_id: str) -> dict[str, Any]:
        job: dict[str, Any] = (await self.vbs(f"GET /v1/jobs/{job_id}"))[1]
        return job


@pytest.fixture
async def disk(vbs: VbsCalls) -> Disk:
    number = next(number for number, row in enumerate(vbs.volumes.values()) if row["status"] == "available")
    job_id = await vbs.new_backup(disk=number)
    vbs.advance(BACKUP_SECONDS)
    job = (await vbs(f"GET /v1/jobs/{job_id}"))[1]
    return Disk(vbs, number, job["entities"]["backup_id"])


async def test_a_restore_brings_the_content_back_when_its_job_is_over(vbs: VbsCalls, disk: Disk) -> None:
    disk.content = 2

    job_id = await disk.restore()

    assert (await disk.backup())["status"] == "restoring"
    assert (await disk.job(job_id))["status"] == "INIT"
    vbs.advance(BACKUP_SECONDS)
    job = await disk.job(job_id)
    assert (job["job_type"], job["status"]) == ("bksRestoreBackup", "SUCCESS")
    assert job["entities"] == {"backup_id": disk.backup_id, "volume_id": disk.id}
    assert (await disk.backup())["status"] == "available"
    assert disk.content == 1


async def test_a_restore_that_fails_gives_its_reason_and_leaves_the_content(vbs: VbsCalls, disk: Disk) -> None:
    disk.content = 2
    vbs.cloud.state.plan_failure("vbs.restore", "the disk cannot be written")

    job_id = await disk.restore()
    vbs.advance(BACKUP_SECONDS)

    job = await disk.job(job_id)
    assert (job["status"], job["error_code"]) == ("FAIL", "VolumeBackup.0200")
    assert job["fail_reason"] == "the disk cannot be written"
    backup = await disk.backup()
    assert (backup["status"], backup["fail_reason"]) == ("error_restoring", "the disk cannot be written")
    assert disk.content == 2


async def test_a_restore_that_is_stuck_never_ends(vbs: VbsCalls, disk: Disk) -> None:
    vbs.cloud.state.plan_outcome("vbs.restore", stuck=True)

    job_id = await disk.restore()
    vbs.advance(10 * BACKUP_SECONDS)

    assert (await disk.job(job_id))["status"] == "RUNNING"


async def test_a_disk_that_is_being_restored_is_neither_backed_up_nor_restored_again(disk: Disk) -> None:
    await disk.restore()

    body = {"backup": {"volume_id": disk.id, "name": "again"}}
    assert await disk.vbs.refused("POST /v2/cloudbackups", body) == (400, "VolumeBackup.0012")
    assert await disk.refusal() == (400, "VolumeBackup.0089")


async def test_a_backup_that_is_restored_from_is_not_deleted(vbs: VbsCalls, disk: Disk) -> None:
    await disk.restore()

    assert (await vbs(f"DELETE /v2/backups/{disk.backup_id}"))[0] == 400


async def test_a_disk_that_is_being_backed_up_is_not_restored(vbs: VbsCalls, disk: Disk) -> None:
    await vbs.new_backup("second", disk.number)

    assert await disk.refusal() == (400, "VolumeBackup.0206")


async def test_the_target_must_exist_be_detached_and_be_large_enough(vbs: VbsCalls, disk: Disk) -> None:
    smaller = [row for row in vbs.volumes.values() if row["size_gb"] < vbs.volumes[disk.id]["size_gb"]]
    attached, small, failed, *_ = smaller
    small["status"], failed["status"] = "available", "error"

    assert await disk.refusal(UNKNOWN) == (404, "VolumeBackup.0207")
    assert await disk.refusal("no-id") == (400, "VolumeBackup.0208")
    assert await disk.refusal(attached["id"]) == (400, "VolumeBackup.0205")
    assert await disk.refusal(failed["id"]) == (400, "VolumeBackup.0202")
    assert await disk.refusal(small["id"]) == (400, "VolumeBackup.0209")


async def test_a_malformed_request_and_an_unknown_backup_are_refused(vbs: VbsCalls, disk: Disk) -> None:
    assert await vbs.refused(disk.call, {}) == (400, "VolumeBackup.0210")
    body = {"restore": {"volume_id": disk.id}}
    assert await vbs.refused(f"POST /v2/cloudbackups/{UNKNOWN}/restore", body) == (404, "VolumeBackup.0111")


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_openstacks_own_call_restores_as_well(vbs: VbsCalls, disk: Disk, version: str) -> None:
    disk.content = 2
    body = {"restore": {"volume_id": disk.id}}

    status, answer = await vbs(f"POST /{version}/backups/{disk.backup_id}/restore", body)

    assert (status, answer["restore"]) == (
        202,
        {"backup_id": disk.backup_id, "volume_id": disk.id, "volume_name": "archive"},
    )
    vbs.advance(BACKUP_SECONDS)
    assert disk.content == 1

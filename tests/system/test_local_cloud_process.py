from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.services.vbs.models import BackupCreate
from airflow_provider_backup.emulator.services.registry import SERVICES
from tests.system.local_cloud_process import LocalCloudProcess
from tests.system.ports import free_ports_in_a_row

pytestmark = pytest.mark.system


async def test_a_cloud_that_was_killed_comes_back_with_what_it_knew(tmp_path: Path) -> None:
    cloud = LocalCloudProcess(tmp_path / "cloud", port=free_ports_in_a_row(1 + len(SERVICES)), extra_resources=2)
    try:
        process = cloud.start()
        before = cloud.description
        volume_id = before["resources"]["volumes"][-1]
        async with BackupCloud(cloud.settings) as client:
            await client.vbs.backups.create(BackupCreate(volume_id=volume_id, name="kept"))

        process.kill()
        cloud.start()

        assert cloud.description == before
        async with BackupCloud(cloud.settings) as client:
            assert [backup.name async for backup in client.vbs.backups.list()] == ["kept"]
    finally:
        cloud.stop()

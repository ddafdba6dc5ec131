"""The backups of the benchmarks are copies of a real one: the cloud must not be able to tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.settings import CloudSettings, PasswordCredentials
from airflow_provider_backup.emulator.server import LocalCloud
from benchmarks.server.backups import SERVICES, seeded_backups

COUNT = 20


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    cloud = LocalCloud(port=0, backup_seconds=0.0, extra_resources=COUNT + 1)
    await cloud.start()
    yield cloud
    await cloud.stop()


@pytest.fixture
async def client(cloud: LocalCloud) -> AsyncIterator[BackupCloud]:
    told = cloud.describe()
    credentials = PasswordCredentials(told["user"], told["password"], told["domain"])
    async with BackupCloud(CloudSettings(credentials, told["region"], cloud="custom", auth_url=told["iam"])) as client:
        yield client


@pytest.mark.parametrize("service", SERVICES)
async def test_each_copy_runs_until_it_is_asked_to_finish(cloud: LocalCloud, client: BackupCloud, service: str) -> None:
    now = datetime.now(UTC)
    _, backups = await seeded_backups(cloud, client, service, COUNT, now - timedelta(minutes=1))

    async def seen() -> list[tuple[Phase, tuple[str, ...], tuple[str, ...]]]:
        references = [OperationReference.from_dict(backup.reference) for backup in backups]
        looks = [await client.service(service).observe(reference) for reference in references]
        return [(look.phase, look.backup_ids, look.resource_ids) for look in looks]

    running = await seen()
    for backup in backups[::2]:
        backup.finish_at(now)
    ended = await seen()

    assert {phase for phase, _, _ in running} == {Phase.IN_PROGRESS}
    assert [phase for phase, _, _ in ended] == [Phase.SUCCEEDED, Phase.IN_PROGRESS] * (COUNT // 2)
    assert len({backup_ids for _, backup_ids, _ in ended}) == COUNT
    assert [resources for _, _, resources in ended] == [(backup.resource_id,) for backup in backups]

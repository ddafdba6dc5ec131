"""The three database services of a local cloud, for tests that are the same for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.settings import AccessKeyCredentials, CloudSettings, NetworkSettings
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.services.databases.database_fixture import CREATE_MODELS, Family


@pytest_asyncio.fixture
async def cloud(backup_cloud: RunningCloud) -> AsyncIterator[BackupCloud]:
    """A client of a fresh local cloud."""
    place = backup_cloud.describe()
    settings = CloudSettings(
        AccessKeyCredentials(place["ak"], place["sk"]),
        region=place["region"],
        project_id=place["project_id"],
        auth_url=place["iam"],
        endpoints=CloudSettings.endpoint_pairs({name: place[name] for name in CREATE_MODELS}),
        network=NetworkSettings(attempts=2, retry_wait=0.01),
    )
    async with BackupCloud(settings) as client:
        yield client


@pytest.fixture(params=list(CREATE_MODELS))
def family(request: pytest.FixtureRequest, backup_cloud: RunningCloud, cloud: BackupCloud) -> Family:
    """Each of the three services in turn; backups take an hour unless they are finished by hand."""
    backup_cloud.set_backup_seconds(3600)
    name: str = request.param
    first, second, *_ = backup_cloud.describe()["resources"][f"{name}_instances"]
    return Family(name, getattr(cloud, name), first, second, backup_cloud)

"""Method, path and body of every call that changes something, as a server sees them (databases sections 2, 3, 5, 6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import CloudConnectionError, UnexpectedResponseError
from airflow_provider_backup.cloud.services.gaussdb import models as gaussdb
from airflow_provider_backup.cloud.services.rds import models as rds
from airflow_provider_backup.cloud.services.taurusdb import models as taurusdb
from tests.cloud.services.databases.recorder import Recorder, cloud_of

INSTANCE = "51c0a3bd7a2f4cc2a2f37c60c44a7c11in01"
STARTED = {"backup": {"id": "b", "instance_id": INSTANCE, "name": "before-upgrade", "status": "BUILDING"}}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(STARTED)


@pytest_asyncio.fixture
async def recorded_cloud(recorder: Recorder) -> AsyncIterator[BackupCloud]:
    async with cloud_of(recorder) as cloud:
        yield cloud


async def test_an_rds_backup_is_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    backup = await recorded_cloud.rds.backups.create(
        rds.BackupCreate(instance_id=INSTANCE, name="before-upgrade", description="manual copy")
    )
    assert recorder.calls == [
        (
            "POST",
            "/v3/project/backups",
            {"instance_id": INSTANCE, "name": "before-upgrade", "description": "manual copy"},
        )
    ]
    assert recorder.content_types == {"application/json"}
    assert (backup.id, backup.job_id) == ("b", None)


async def test_a_partial_rds_backup_is_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    await recorded_cloud.rds.backups.create(
        rds.BackupCreate(
            instance_id=INSTANCE,
            name="before-upgrade",
            databases=(rds.BackupDatabase(name="orders"),),
            backup_database_individually=False,
        )
    )
    assert recorder.calls[0][2] == {
        "instance_id": INSTANCE,
        "name": "before-upgrade",
        "databases": [{"name": "orders"}],
        "backup_database_individually": False,
    }


async def test_a_gaussdb_backup_is_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.status, recorder.answer = 202, {**STARTED, "job_id": "j"}
    backup = await recorded_cloud.gaussdb.backups.create(gaussdb.BackupCreate(instance_id=INSTANCE, name="nightly"))
    assert recorder.calls == [("POST", "/v3/project/backups", {"instance_id": INSTANCE, "name": "nightly"})]
    assert backup.job_id == "j"


async def test_a_taurusdb_backup_is_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.status, recorder.answer = 201, {**STARTED, "job_id": "j"}
    backup = await recorded_cloud.taurusdb.backups.create(
        taurusdb.BackupCreate(instance_id=INSTANCE, name="升级之前", description="")
    )
    assert recorder.calls == [
        ("POST", "/v3/project/backups/create", {"instance_id": INSTANCE, "name": "升级之前", "description": ""})
    ]
    assert backup.job_id == "j"


@pytest.mark.parametrize("answer", [None, {}, {"backup": None}, {"backup": {}}, [], {"backup": {"id": None}}])
async def test_an_answer_without_a_backup_is_reported(
    recorded_cloud: BackupCloud, recorder: Recorder, answer: Any
) -> None:
    recorder.answer = answer
    with pytest.raises(UnexpectedResponseError):
        await recorded_cloud.rds.backups.create(rds.BackupCreate(instance_id=INSTANCE, name="before-upgrade"))


async def test_a_backup_whose_answer_gets_lost_is_not_posted_again(
    recorded_cloud: BackupCloud, recorder: Recorder
) -> None:
    recorder.cuts_connections = True
    with pytest.raises(CloudConnectionError) as caught:
        await recorded_cloud.rds.backups.create(rds.BackupCreate(instance_id=INSTANCE, name="before-upgrade"))
    assert caught.value.request_sent
    assert len(recorder.calls) == 1


@pytest.mark.parametrize("name", ["rds", "gaussdb", "taurusdb"])
@pytest.mark.parametrize("answer", [None, {}, {"backup_id": "b", "backup_name": "nightly"}])
async def test_every_documented_answer_to_a_deletion_is_read(
    recorded_cloud: BackupCloud, recorder: Recorder, name: str, answer: Any
) -> None:
    recorder.answer = answer
    await getattr(recorded_cloud, name).backups.delete("b")
    assert recorder.calls == [("DELETE", "/v3/project/backups/b", None)]


@pytest.mark.parametrize(
    ("name", "policy", "path"),
    [
        ("rds", rds.PolicyUpdate(keep_days=0), "backups/policy"),
        (
            "gaussdb",
            gaussdb.PolicyUpdate(keep_days=1, start_time="01:00-02:00", period="1", differential_period="15"),
            "backups/policy",
        ),
        (
            "taurusdb",
            taurusdb.PolicyUpdate(keep_days=1, start_time="01:00-02:00", period="1"),
            "backups/policy/update",
        ),
    ],
)
async def test_a_policy_is_put_where_the_service_wants_it(
    recorded_cloud: BackupCloud, recorder: Recorder, name: str, policy: Any, path: str
) -> None:
    recorder.answer = None
    await getattr(recorded_cloud, name).backup_policies.update(INSTANCE, policy)
    assert recorder.calls == [("PUT", f"/v3/project/instances/{INSTANCE}/{path}", policy.to_body())]

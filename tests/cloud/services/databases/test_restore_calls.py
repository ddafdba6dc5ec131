"""Method, path and body of restores and deletions of instances, as a server sees them (databases sections 7, 8, 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import (
    CloudConnectionError,
    InvalidRequestError,
    NotFoundError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.gaussdb import restore_models as gaussdb
from airflow_provider_backup.cloud.services.rds import restore_models as rds
from airflow_provider_backup.cloud.services.taurusdb import restore_models as taurusdb
from tests.cloud.services.databases.recorder import Recorder, cloud_of

INSTANCE = "51c0a3bd7a2f4cc2a2f37c60c44a7c11in01"
BACKUP = "2f4ddb93b9014f0db2e3bfb0d3b7f5c1br01"
MOMENT = datetime(2031, 4, 2, 11, 15, 7, 250000, tzinfo=timezone(timedelta(hours=2)))
MILLISECONDS = 1932887707250


@pytest.fixture
def recorder() -> Recorder:
    return Recorder({"job_id": "j"})


@pytest_asyncio.fixture
async def recorded_cloud(recorder: Recorder) -> AsyncIterator[BackupCloud]:
    async with cloud_of(recorder) as cloud:
        yield cloud


def rds_restore(**source: Any) -> rds.Restore:
    values = {"source": {"instance_id": INSTANCE, **source}, "target": {"instance_id": INSTANCE}}
    return validated(rds.Restore, "RDS restore", values)


def rds_instance(**values: Any) -> rds.RestoredInstance:
    first = {
        "name": "rehearsal-1",
        "flavor_ref": "rds.mysql.x1.xlarge.4",
        "volume": {"type": "CLOUDSSD", "size": 200},
        "availability_zone": "eu-de-01",
        "restore_point": {"instance_id": INSTANCE, "backup_id": BACKUP},
    }
    return validated(rds.RestoredInstance, "RDS instance", {**first, **values})


async def test_an_rds_instance_is_overwritten_with_a_backup_as_documented(
    recorded_cloud: BackupCloud, recorder: Recorder
) -> None:
    recorder.status = 202

    job_id = await recorded_cloud.rds.restores.to_existing(rds_restore(backup_id=BACKUP, restore_all_database=True))

    source = {"type": "backup", "backup_id": BACKUP, "instance_id": INSTANCE, "restore_all_database": True}
    body = {"source": source, "target": {"instance_id": INSTANCE}}
    assert recorder.calls == [("POST", "/v3.1/project/instances/recovery", body)]
    assert job_id == "j"


async def test_a_moment_is_sent_to_rds_in_milliseconds(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    await recorded_cloud.rds.restores.to_existing(rds_restore(restore_time=MOMENT))

    assert recorder.calls[0][2]["source"] == {
        "type": "timestamp",
        "restore_time": MILLISECONDS,
        "instance_id": INSTANCE,
    }


async def test_an_accepted_restore_without_a_job_is_no_error(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.answer = None

    assert await recorded_cloud.rds.restores.to_existing(rds_restore(backup_id=BACKUP)) is None


async def test_a_restore_whose_answer_gets_lost_is_not_posted_again(
    recorded_cloud: BackupCloud, recorder: Recorder
) -> None:
    recorder.cuts_connections = True

    with pytest.raises(CloudConnectionError):
        await recorded_cloud.rds.restores.to_existing(rds_restore(backup_id=BACKUP))
    with pytest.raises(CloudConnectionError):
        await recorded_cloud.rds.restores.to_new(rds_instance())

    assert len(recorder.calls) == 2


async def test_a_new_rds_instance_is_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.status = 202
    recorder.answer = {"instance": {"id": "i", "name": "rehearsal-1", "status": "BUILD"}, "job_id": "j"}

    started = await recorded_cloud.rds.restores.to_new(
        rds_instance(
            password="Secret-1234",
            port=3307,
            ha={"mode": "Ha", "replication_mode": "async"},
            backup_strategy={"start_time": "01:15-02:15", "keep_days": 7},
            tags=[{"key": "purpose", "value": "rehearsal"}],
            unchangeable_param={"lower_case_table_names": "1"},
        )
    )

    assert recorder.calls == [
        (
            "POST",
            "/v3/project/instances",
            {
                "name": "rehearsal-1",
                "flavor_ref": "rds.mysql.x1.xlarge.4",
                "password": "Secret-1234",
                "volume": {"type": "CLOUDSSD", "size": 200},
                "availability_zone": "eu-de-01",
                "restore_point": {"type": "backup", "backup_id": BACKUP, "instance_id": INSTANCE},
                "ha": {"mode": "Ha", "replication_mode": "async"},
                "port": "3307",
                "backup_strategy": {"start_time": "01:15-02:15", "keep_days": 7},
                "tags": [{"key": "purpose", "value": "rehearsal"}],
                "unchangeable_param": {"lower_case_table_names": "1"},
            },
        )
    ]
    assert (started.id, started.status, started.job_id) == ("i", "BUILD", "j")


@pytest.mark.parametrize("answer", [None, {}, {"job_id": "j"}, {"instance": {}}])
async def test_an_answer_without_the_new_instance_is_reported(
    recorded_cloud: BackupCloud, recorder: Recorder, answer: Any
) -> None:
    recorder.answer = answer

    with pytest.raises(UnexpectedResponseError):
        await recorded_cloud.rds.restores.to_new(rds_instance())


async def test_restore_windows_are_read_in_order(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    hour = 3_600_000
    later = {"start_time": MILLISECONDS, "end_time": MILLISECONDS + hour}
    recorder.answer = {"restore_time": [later, {"start_time": MILLISECONDS - hour, "end_time": MILLISECONDS - 1000}]}

    first, last = await recorded_cloud.rds.restores.windows(INSTANCE, date=date(2031, 4, 2))

    path = f"/v3/project/instances/{INSTANCE}/restore-time?date=2031-04-02"
    assert recorder.calls == [("GET", path, None)]
    assert (last.start_time, first.end_time) == (MOMENT, MOMENT - timedelta(seconds=1))
    assert last.start_time is not None
    assert last.start_time.tzinfo is UTC


@pytest.mark.parametrize("name", ["rds", "gaussdb", "taurusdb"])
@pytest.mark.parametrize(("answer", "job_id"), [(None, None), ({}, None), ({"job_id": "j"}, "j")])
async def test_every_documented_answer_to_the_deletion_of_an_instance_is_read(
    recorded_cloud: BackupCloud, recorder: Recorder, name: str, answer: Any, job_id: str | None
) -> None:
    recorder.answer = answer

    assert await getattr(recorded_cloud, name).instances.delete(INSTANCE) == job_id
    assert recorder.calls == [("DELETE", f"/v3/project/instances/{INSTANCE}", None)]


# GaussDB and TaurusDB


async def test_an_answer_with_an_empty_id_means_that_there_is_no_such_instance(
    recorded_cloud: BackupCloud, recorder: Recorder
) -> None:
    recorder.answer = {"instance": {"id": ""}}

    with pytest.raises(NotFoundError):
        await recorded_cloud.taurusdb.instance_details.get("i")
    assert recorder.calls == [("GET", "/v3/project/instances/i", None)]


GAUSSDB_INSTANCE = {
    "name": "rehearsal-1",
    "flavor_ref": "gaussdb.opengauss.ee.dn.m6.2xlarge.8.in",
    "volume": {"type": "ULTRAHIGH", "size": 160},
    "availability_zone": "eu-de-01,eu-de-02,eu-de-03",
    "vpc_id": "v",
    "subnet_id": "n",
    "security_group_id": "s",
    "password": "Secret-1234",
    "restore_point": {"instance_id": "i", "backup_id": "b"},
}
TAURUSDB_INSTANCE = {
    "name": "rehearsal-1",
    "flavor_ref": "gaussdb.mysql.xlarge.x86.4",
    "region": "eu-de",
    "datastore": {"type": "gaussdb-mysql", "version": "8.0"},
    "mode": "Cluster",
    "vpc_id": "v",
    "subnet_id": "n",
    "password": "Secret-1234",
    "availability_zone_mode": "single",
    "slave_count": 1,
    "backup_strategy": {"start_time": "01:00-02:00", "keep_days": 7},
    "charge_info": {"charge_mode": "postPaid"},
    "restore_point": {"source_instance_id": "i", "backup_id": "b"},
}


async def test_a_moment_is_sent_to_gaussdb_as_a_text(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    values = {"source": {"instance_id": "i", "restore_time": MOMENT}, "target": {"instance_id": "t"}}

    job_id = await recorded_cloud.gaussdb.restores.to_existing(validated(gaussdb.Restore, "restore", values))

    source = {"type": "timestamp", "restore_time": str(MILLISECONDS), "instance_id": "i"}
    body = {"source": source, "target": {"instance_id": "t"}}
    assert recorder.calls == [("POST", "/v3/project/instances/recovery", body)]
    assert job_id == "j"


async def test_a_taurusdb_restore_is_posted_without_source_and_target_objects(
    recorded_cloud: BackupCloud, recorder: Recorder
) -> None:
    values = {"source_instance_id": "i", "target_instance_id": "t", "restore_time": MOMENT}

    await recorded_cloud.taurusdb.restores.to_existing(validated(taurusdb.Restore, "restore", values))

    body = {**values, "type": "timestamp", "restore_time": MILLISECONDS}
    assert recorder.calls == [("POST", "/v3/project/instances/restore", body)]


async def test_a_new_gaussdb_instance_is_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.status, recorder.answer = 202, {"instance": {"id": "i"}, "job_id": "j"}
    instance = validated(gaussdb.RestoredInstance, "instance", {**GAUSSDB_INSTANCE, "port": 8000})

    started = await recorded_cloud.gaussdb.restores.to_new(instance)

    point = {"type": "backup", "instance_id": "i", "backup_id": "b"}
    body = {**GAUSSDB_INSTANCE, "port": "8000", "restore_point": point}
    assert recorder.calls == [("POST", "/v3/project/instances", body)]
    assert (started.id, started.job_id) == ("i", "j")


async def test_a_new_taurusdb_instance_is_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.status, recorder.answer = 201, {"instance": {"id": "i"}, "job_id": "j"}

    await recorded_cloud.taurusdb.restores.to_new(validated(taurusdb.RestoredInstance, "instance", TAURUSDB_INSTANCE))

    body = {
        **TAURUSDB_INSTANCE,
        "backup_strategy": {"start_time": "01:00-02:00", "keep_days": "7"},
        "restore_point": {"type": "backup", "source_instance_id": "i", "backup_id": "b"},
    }
    assert recorder.calls == [("POST", "/v3/project/instances", body)]


async def test_gaussdb_windows_need_a_day(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    with pytest.raises(InvalidRequestError, match="date"):
        await recorded_cloud.gaussdb.restores.windows("i")
    assert recorder.calls == []


async def test_the_windows_of_taurusdb_have_a_name_of_their_own(
    recorded_cloud: BackupCloud, recorder: Recorder
) -> None:
    recorder.answer = {"restore_times": [{"start_time": MILLISECONDS, "end_time": MILLISECONDS + 1000}]}

    (window,) = await recorded_cloud.taurusdb.restores.windows("i")

    assert window.start_time == MOMENT


@pytest.mark.parametrize(
    ("model", "whole", "field", "value"),
    [
        (gaussdb.RestoredInstance, GAUSSDB_INSTANCE, "availability_zone", "eu-de-01"),
        (gaussdb.RestoredInstance, GAUSSDB_INSTANCE, "availability_zone", "eu-de-01,eu-de-01,eu-de-02"),
        (gaussdb.RestoredInstance, GAUSSDB_INSTANCE, "volume", {"type": "ULTRAHIGH", "size": 50}),
        (gaussdb.RestoredInstance, GAUSSDB_INSTANCE, "password", ""),
        (gaussdb.RestoredInstance, GAUSSDB_INSTANCE, "vpc_id", None),
        (gaussdb.RestoredInstance, GAUSSDB_INSTANCE, "backup_strategy", {"start_time": "01:15-02:15"}),
        (gaussdb.RestoredInstance, GAUSSDB_INSTANCE, "restore_point", {"instance_id": "i"}),
        (taurusdb.RestoredInstance, TAURUSDB_INSTANCE, "availability_zone_mode", "both"),
        (taurusdb.RestoredInstance, TAURUSDB_INSTANCE, "slave_count", -1),
        (taurusdb.RestoredInstance, TAURUSDB_INSTANCE, "charge_info", {"charge_mode": "prePaid"}),
        (taurusdb.RestoredInstance, TAURUSDB_INSTANCE, "backup_strategy", None),
        (taurusdb.RestoredInstance, TAURUSDB_INSTANCE, "backup_strategy", {"start_time": "01:30-02:30"}),
        (taurusdb.RestoredInstance, TAURUSDB_INSTANCE, "lower_case_table_names", 2),
        (taurusdb.RestoredInstance, TAURUSDB_INSTANCE, "region", None),
    ],
)
def test_every_rule_of_new_instances_of_the_others_is_kept(
    model: type[RequestModel], whole: dict[str, Any], field: str, value: Any
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validated(model, "instance", {**whole, field: value})
    assert [violation.field.split(".")[0] for violation in caught.value.violations] == [field]
    assert "Secret-1234" not in str(caught.value)

"""Restores of tables and databases of RDS, as a server sees them (databases section 8.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import CloudConnectionError, InvalidRequestError, UnexpectedResponseError
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.rds import table_restore_models as rds
from tests.cloud.services.databases.recorder import Recorder, cloud_of

MOMENT = datetime(2031, 4, 2, 11, 15, 7, 250000, tzinfo=timezone(timedelta(hours=2)))
MILLISECONDS = 1932887707250
NAMES = [{"old_name": "orders", "new_name": "orders_old"}]
MYSQL = {"restore_time": MOMENT, "restore_tables": [{"database": "shop", "tables": NAMES}]}
POSTGRESQL = {
    "instance_id": "i",
    "restore_time": MOMENT,
    "databases": [{"database": "shop", "schemas": [{"schema": "public", "tables": NAMES}]}],
}
DATABASES = {"instance_id": "i", "restore_time": MOMENT, "databases": NAMES}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder({"restore_result": [{"instance_id": "i", "job_id": "j"}], "job_id": "j"})


@pytest_asyncio.fixture
async def recorded_cloud(recorder: Recorder) -> AsyncIterator[BackupCloud]:
    async with cloud_of(recorder) as cloud:
        yield cloud


async def test_tables_of_mysql_are_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    restore = validated(rds.MySqlTableRestore, "restore", {**MYSQL, "is_fast_restore": True})

    assert await recorded_cloud.rds.table_restores.mysql_tables("i", restore) == "j"

    body = {**MYSQL, "restore_time": MILLISECONDS, "is_fast_restore": True}
    assert recorder.calls == [("POST", "/v3.1/project/instances/i/restore/tables", body)]


async def test_tables_of_postgresql_are_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    restore = validated(rds.PostgreSqlTableRestore, "restore", POSTGRESQL)

    (started,) = await recorded_cloud.rds.table_restores.postgresql_tables([restore])

    body = {"instances": [{**POSTGRESQL, "restore_time": MILLISECONDS}]}
    assert recorder.calls == [("POST", "/v3/project/instances/batch/restore/tables", body)]
    assert (started.instance_id, started.job_id) == ("i", "j")


async def test_databases_are_posted_as_documented(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    restore = validated(rds.DatabaseRestore, "restore", DATABASES)

    (started,) = await recorded_cloud.rds.table_restores.databases([restore])

    body = {"instances": [{**DATABASES, "restore_time": MILLISECONDS}]}
    assert recorder.calls == [("POST", "/v3/project/instances/batch/restore/databases", body)]
    assert started.job_id == "j"


async def test_an_answer_without_results_is_reported(recorded_cloud: BackupCloud, recorder: Recorder) -> None:
    recorder.answer = {}

    with pytest.raises(UnexpectedResponseError):
        await recorded_cloud.rds.table_restores.databases([validated(rds.DatabaseRestore, "restore", DATABASES)])


async def test_a_restore_of_tables_whose_answer_gets_lost_is_not_posted_again(
    recorded_cloud: BackupCloud, recorder: Recorder
) -> None:
    recorder.cuts_connections = True

    with pytest.raises(CloudConnectionError):
        await recorded_cloud.rds.table_restores.mysql_tables("i", validated(rds.MySqlTableRestore, "restore", MYSQL))
    assert len(recorder.calls) == 1


@pytest.mark.parametrize(
    ("model", "whole", "field", "value"),
    [
        (rds.MySqlTableRestore, MYSQL, "restore_time", None),
        (rds.MySqlTableRestore, MYSQL, "restore_time", "2031-04-02T09:15:07"),
        (rds.MySqlTableRestore, MYSQL, "restore_tables", []),
        (rds.MySqlTableRestore, MYSQL, "restore_tables", [{"database": "shop", "tables": []}]),
        (rds.PostgreSqlTableRestore, POSTGRESQL, "databases", [{"database": "shop", "schemas": []}]),
        (rds.PostgreSqlTableRestore, POSTGRESQL, "instance_id", ""),
        (rds.DatabaseRestore, DATABASES, "databases", [{"old_name": "shop"}]),
        (rds.DatabaseRestore, DATABASES, "databases", [{"old_name": "shop", "new_name": "shop"}]),
    ],
)
def test_every_rule_is_kept(model: type[RequestModel], whole: dict[str, Any], field: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validated(model, "restore", {**whole, field: value})
    assert [violation.field.split(".")[0] for violation in caught.value.violations] == [field]

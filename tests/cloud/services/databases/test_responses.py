"""Answers of the database services in every form that the sources show (databases section 14)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackup, Instance, Job
from airflow_provider_backup.cloud.services.gaussdb import models as gaussdb
from airflow_provider_backup.cloud.services.rds import models as rds
from airflow_provider_backup.cloud.services.taurusdb import models as taurusdb

BACKUPS = pytest.mark.parametrize("model", [rds.Backup, gaussdb.Backup, taurusdb.Backup])


@BACKUPS
@pytest.mark.parametrize(
    "text",
    [
        "2031-04-02T09:15:07",
        "2031-04-02T09:15:07Z",
        "2031-04-02T17:15:07+0800",
        "2031-04-02T09:15:07+0000",
        "2031-04-02T17:15:07_0800",
        "2031 - 04 - 02 T17: 15: 07 + 0800",
        "2031-04-002T09:15:07Z",
        "2031-04-02 09:15:07 UTC",
    ],
)
def test_every_documented_form_of_a_time_is_read(model: type[DatabaseBackup], text: str) -> None:
    backup = parsed(model, {"id": "b", "begin_time": text})
    assert backup.begin_time == datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)


@BACKUPS
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_running_backup_has_no_end(model: type[DatabaseBackup], nothing: str | None) -> None:
    assert parsed(model, {"id": "b", "end_time": nothing}).end_time is None


@BACKUPS
@given(
    status=st.one_of(st.none(), st.text()),
    size=st.one_of(st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    begin_time=st.one_of(st.none(), st.text()),
    unknown=st.dictionaries(st.text(), st.none() | st.text() | st.integers(), max_size=3),
)
def test_a_strange_backup_is_read_all_the_same(
    model: type[DatabaseBackup],
    status: str | None,
    size: float | str | None,
    begin_time: str | None,
    unknown: dict[str, Any],
) -> None:
    row = {**{f"x-{key}": value for key, value in unknown.items()}, "id": "b"}
    assert parsed(model, {**row, "status": status, "size": size, "begin_time": begin_time}).id == "b"


@BACKUPS
@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("BUILDING", Phase.IN_PROGRESS),
        ("building", Phase.IN_PROGRESS),
        ("COMPLETED", Phase.SUCCEEDED),
        ("AVAILABLE", Phase.SUCCEEDED),
        ("FAILED", Phase.FAILED),
        ("DELETING", Phase.DELETING),
        ("SOMETHING NEW", Phase.IN_PROGRESS),
    ],
)
def test_a_status_has_its_place_in_the_life_cycle(model: type[DatabaseBackup], status: str, phase: Phase) -> None:
    assert parsed(model, {"id": "b", "status": status}).phase is phase


@BACKUPS
def test_a_key_with_a_trailing_blank_is_tolerated(model: type[DatabaseBackup]) -> None:
    assert parsed(model, {"id ": "b"}).id == "b"


@BACKUPS
def test_unknown_members_survive(model: type[DatabaseBackup]) -> None:
    assert parsed(model, {"id": "b", "new_member": [1]}).model_extra == {"new_member": [1]}


def test_the_size_of_an_rds_backup_is_given_in_kb() -> None:
    assert parsed(rds.Backup, {"id": "b", "size": 4096}).size_mb == 4.0


@pytest.mark.parametrize("model", [gaussdb.Backup, taurusdb.Backup])
@pytest.mark.parametrize("size", [4096.5, "4096.5"])
def test_the_size_of_other_backups_is_given_in_mb(model: type[DatabaseBackup], size: float | str) -> None:
    assert parsed(model, {"id": "b", "size": size}).size_mb == 4096.5


@BACKUPS
def test_a_size_that_is_not_given_is_not_known(model: type[DatabaseBackup]) -> None:
    assert parsed(model, {"id": "b"}).size_mb is None


def test_the_databases_of_an_rds_backup_are_read() -> None:
    backup = parsed(rds.Backup, {"id": "b", "databases": [{"name": "orders"}], "associated_with_ddm": "false"})
    assert [database.name for database in backup.databases] == ["orders"]
    assert backup.associated_with_ddm is False


@pytest.mark.parametrize("key", ["process", "progress"])
@pytest.mark.parametrize(("text", "progress"), [("60%", 60), ("", None), (60, 60), (None, None)])
def test_the_progress_of_a_job_is_read_under_both_names(key: str, text: Any, progress: int | None) -> None:
    assert parsed(Job, {"id": "j", key: text}).progress == progress


@pytest.mark.parametrize("reason", [None, ""])
def test_a_job_without_a_reason_has_none(reason: str | None) -> None:
    job = parsed(Job, {"id": "j", "status": "Completed", "fail_reason": reason, "entities": None})
    assert (job.fail_reason, job.phase) == ("", Phase.SUCCEEDED)


def test_keep_days_with_a_stray_comma_are_read() -> None:
    assert parsed(taurusdb.Policy, {"keep_days": "7,"}).keep_days == 7


@pytest.mark.parametrize("name", ["retention_num_backup_level1", "retention_num_backup_level-1"])
def test_the_misprint_of_level_1_backups_is_read(name: str) -> None:
    assert parsed(taurusdb.Policy, {name: "1"}).retention_num_backup_level1 == 1


@pytest.mark.parametrize("body", [{"differential_period": 60}, {"differential_priod": "60"}])
def test_the_differential_period_is_read_under_both_spellings(body: dict[str, Any]) -> None:
    assert parsed(gaussdb.Policy, body).differential_period == 60


@pytest.mark.parametrize("name", ["file_split_size", "filesplit_size"])
def test_the_size_of_split_files_is_read_under_both_names(name: str) -> None:
    assert parsed(gaussdb.Policy, {name: 4}).file_split_size == 4


def test_an_instance_with_numbers_as_texts_is_read() -> None:
    instance = parsed(
        Instance,
        {
            "id": "i",
            "port": "3306",
            "volume": {"type": "DL6", "size": "64"},
            "backup_strategy": {"start_time": "01:00-02:00", "keep_days": "7"},
            "created": "2021-01-15 01:46:40 UTC",
        },
    )
    assert instance.port == 3306
    assert instance.volume is not None
    assert instance.volume.size == 64
    assert instance.backup_strategy is not None
    assert instance.backup_strategy.keep_days == 7
    assert instance.created == datetime(2021, 1, 15, 1, 46, 40, tzinfo=UTC)

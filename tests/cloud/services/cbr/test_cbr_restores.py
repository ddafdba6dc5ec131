"""Restoring with the client, against the local cloud and odd answers (CBR section 7.4)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import ResourceBusyError
from airflow_provider_backup.cloud.services.cbr.models import RestoreCreate

from .conftest import Recorder

ORDER = RestoreCreate(volume_id="disk-1")


async def test_a_restore_is_sent_in_its_envelope(recorder: Recorder) -> None:
    await recorder.cbr.backups.restore("backup-1", ORDER)

    assert recorder.requests == [("POST", "/backups/backup-1/restore", {"restore": {"volume_id": "disk-1"}})]


@pytest.mark.parametrize(
    ("answer", "job_id"),
    [({"job_id": "log-1"}, "log-1"), ({}, None), ({"job_id": None}, None), ({"job_id": ""}, None), ([], None)],
)
async def test_the_answer_may_name_the_operation_log(recorder: Recorder, answer: Any, job_id: str | None) -> None:
    recorder.answers = [(202, answer)]

    assert await recorder.cbr.backups.restore("backup-1", ORDER) == job_id


async def test_an_answer_without_a_body_names_no_operation_log(recorder: Recorder) -> None:
    recorder.answers = [(204, None)]

    assert await recorder.cbr.backups.restore("backup-1", ORDER) is None


@pytest.mark.parametrize("code", ["2002", "2010"])
async def test_a_busy_resource_refuses_the_restore(recorder: Recorder, code: str) -> None:
    recorder.answers = [(400, {"error_code": f"BackupService.{code}", "error_msg": "busy"})]

    with pytest.raises(ResourceBusyError):
        await recorder.cbr.backups.restore("backup-1", ORDER)


async def test_a_restore_without_a_clear_answer_is_not_sent_again(recorder: Recorder) -> None:
    recorder.answers = [(502, {}), (202, {"job_id": "log-1"})]

    with pytest.raises(Exception, match="502"):
        await recorder.cbr.backups.restore("backup-1", ORDER)

    assert len(recorder.requests) == 1

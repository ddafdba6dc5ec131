"""What lists of VBS tell: what is asked for, what a row says, and what only a look can tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.vbs.backup_lists import VbsBackupList, backup_lists
from tests.cloud.polling.list_answers import SINCE, lists_of, pages_of, queries
from tests.cloud.unruly_server import UnrulyServer, answer

LIST = VbsBackupList("backups", None)  # type: ignore[arg-type]
BACKUP = OperationReference("vbs", "b1")
JOB = OperationReference("vbs", "j1", "job")
NEXT = [{"rel": "next", "href": "http://vbs/project/backups?limit=1000&marker=last"}]


def row(number: int, **changes: Any) -> dict[str, Any]:
    created_at = f"2026-04-02T09:15:0{number}.000000"
    return {"id": f"b{number}", "status": "available", "volume_id": "v", "created_at": created_at, **changes}


async def test_what_is_in_progress_is_asked_for_in_pages_as_large_as_there_are(unruly: UnrulyServer) -> None:
    unruly.then(answer({"backups": []}))
    async with lists_of("vbs", unruly) as lists:
        assert await pages_of(lists.running) == [[]]
    assert queries(unruly) == [{"status": ["creating"], "limit": ["1000"]}]
    assert "/backups/detail?" in unruly.received[0].target


async def test_what_began_lately_ends_where_older_backups_begin(unruly: UnrulyServer) -> None:
    older = row(1, created_at="2026-04-02T09:15:06.000000")
    unruly.then(
        answer({"backups": [row(9)], "backups_links": NEXT}),
        answer({"backups": [row(8), older], "backups_links": NEXT}),
        answer({"backups": [row(0)], "backups_links": NEXT}),
    )
    async with lists_of("vbs", unruly) as lists:
        assert len(await pages_of(lists.recent, SINCE)) == 2


@pytest.mark.parametrize("last", ["text", None, {}, {"created_at": "soon"}, {"created_at": 2**80}])
async def test_rows_that_do_not_tell_when_they_began_do_not_end_the_list(unruly: UnrulyServer, last: Any) -> None:
    unruly.then(answer({"backups": [row(9), last], "backups_links": NEXT}), answer({"backups": [row(8)]}))
    async with lists_of("vbs", unruly) as lists:
        assert len(await pages_of(lists.recent, SINCE)) == 2


async def test_a_page_that_repeats_ends_the_list(unruly: UnrulyServer) -> None:
    unruly.then(*[answer({"backups": [row(1)], "backups_links": NEXT})] * 3)
    async with lists_of("vbs", unruly) as lists:
        assert [len(page) for page in await pages_of(lists.running)] == [1, 0]


def test_a_look_at_a_job_takes_two_requests() -> None:
    reads = backup_lists(None).reads  # type: ignore[arg-type]
    assert (reads(JOB), reads(BACKUP)) == (2, 1)


def test_a_job_is_in_no_list() -> None:
    assert (LIST.key_of(JOB), LIST.key_of(BACKUP)) == (None, "b1")


@pytest.mark.parametrize("status", ["available", "error", "restoring", "a new word", None, 7, {}])
def test_only_what_is_being_made_is_in_progress(status: Any) -> None:
    assert LIST.running_status(row(1, status=status)) is None
    assert LIST.running_status(row(1, status="creating")) == "creating"


def test_a_row_tells_when_its_backup_began() -> None:
    assert LIST.begun_at(row(1)) == datetime(2026, 4, 2, 9, 15, 1, tzinfo=UTC)


def test_a_good_backup_is_told() -> None:
    observation = LIST.good(BACKUP, [row(1)])
    assert observation is not None
    assert (observation.phase, observation.reference) == (Phase.SUCCEEDED, BACKUP)


@pytest.mark.parametrize("status", ["error", "deleting", "creating", "restoring", "a new word", None])
def test_a_backup_that_is_not_good_is_left_to_a_look(status: str | None) -> None:
    assert LIST.good(BACKUP, [row(1, status=status)]) is None

"""Listings of VBS: what is requested, what a row shows, and what needs a single read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.vbs.backup_lists import backup_lists
from tests.cloud.polling.list_answers import SINCE, lists_of, pages_of, queries
from tests.cloud.unruly_server import UnrulyServer, answer

LISTS = backup_lists(None)  # type: ignore[arg-type]
assert LISTS.recent is not None
LIST = LISTS.recent
BACKUP = OperationReference("vbs", "b1")
JOB = OperationReference("vbs", "j1", "job")
NEXT = [{"rel": "next", "href": "http://vbs/project/backups?limit=1000&marker=last"}]


def row(number: int, **changes: Any) -> dict[str, Any]:
    created_at = f"2026-04-02T09:15:0{number}.000000"
    return {"id": f"b{number}", "status": "available", "volume_id": "v", "created_at": created_at, **changes}


async def test_running_backups_are_listed_in_the_largest_pages(unruly: UnrulyServer) -> None:
    unruly.then(answer({"backups": []}))
    async with lists_of("vbs", unruly) as lists:
        assert await pages_of(lists.running) == [[]]
    assert queries(unruly) == [{"status": ["creating"], "limit": ["1000"]}]
    assert "/backups/detail?" in unruly.received[0].target


async def test_the_listing_of_recent_backups_stops_at_the_first_older_one(unruly: UnrulyServer) -> None:
    older = row(1, created_at="2026-04-02T09:15:06.000000")
    unruly.then(
        answer({"backups": [row(9)], "backups_links": NEXT}),
        answer({"backups": [row(8), older], "backups_links": NEXT}),
        answer({"backups": [row(0)], "backups_links": NEXT}),
    )
    async with lists_of("vbs", unruly) as lists:
        assert len(await pages_of(lists.recent, SINCE)) == 2


@pytest.mark.parametrize("last", ["text", None, {}, {"created_at": "soon"}, {"created_at": 2**80}])
async def test_rows_without_a_creation_time_do_not_end_the_listing(unruly: UnrulyServer, last: Any) -> None:
    unruly.then(answer({"backups": [row(9), last], "backups_links": NEXT}), answer({"backups": [row(8)]}))
    async with lists_of("vbs", unruly) as lists:
        assert len(await pages_of(lists.recent, SINCE)) == 2


async def test_a_repeated_page_ends_the_listing(unruly: UnrulyServer) -> None:
    unruly.then(*[answer({"backups": [row(1)], "backups_links": NEXT})] * 3)
    async with lists_of("vbs", unruly) as lists:
        assert [len(page) for page in await pages_of(lists.running)] == [1, 0]


def test_reading_a_job_takes_two_requests() -> None:
    assert (LISTS.reads(JOB), LISTS.reads(BACKUP)) == (2, 1)


def test_a_job_is_in_no_list() -> None:
    assert (LIST.key_of(JOB), LIST.key_of(BACKUP)) == (None, "b1")


@pytest.mark.parametrize("status", ["available", "error", "restoring", "a new word", None, 7, {}])
def test_only_backups_being_created_are_running(status: Any) -> None:
    assert LIST.running_status(row(1, status=status)) is None
    assert LIST.running_status(row(1, status="creating")) == "creating"


def test_the_creation_time_is_taken_from_a_row() -> None:
    assert LIST.started_at(row(1)) == datetime(2026, 4, 2, 9, 15, 1, tzinfo=UTC)


def test_a_succeeded_backup_is_recognised() -> None:
    observation = LIST.succeeded_state(BACKUP, [row(1)])
    assert observation is not None
    assert (observation.phase, observation.reference) == (Phase.SUCCEEDED, BACKUP)


@pytest.mark.parametrize("status", ["error", "deleting", "creating", "a new word", None])
def test_a_backup_that_did_not_succeed_needs_a_single_read(status: str | None) -> None:
    assert LIST.succeeded_state(BACKUP, [row(1, status=status)]) is None


async def test_what_is_being_deleted_is_asked_for_by_status(unruly: UnrulyServer) -> None:
    unruly.then(answer({"backups": []}))
    async with lists_of("vbs", unruly) as lists:
        await pages_of(lists.existing)
    assert [query["status"] for query in queries(unruly)] == [["deleting"]]

"""Listings of CBR: what is requested, what a row shows, and what needs a single read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.cbr.backup_lists import backup_lists
from tests.cloud.polling.list_answers import SINCE, lists_of, pages_of, queries
from tests.cloud.unruly_server import UnrulyServer, answer

LISTS = backup_lists(None)  # type: ignore[arg-type]
assert LISTS.recent is not None
LIST = LISTS.recent
BACKUP = OperationReference("cbr", "b1")


def checkpoint(*expected_ids: str) -> OperationReference:
    return OperationReference("cbr", "c1", "checkpoint", expected_ids=expected_ids)


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"b{number}",
        "checkpoint_id": "c1",
        "name": f"n{number}",
        "status": "available",
        "resource_id": f"r{number}",
        "parent_id": None,
        "created_at": f"2031-04-02T09:15:0{number}.000000",
        "updated_at": f"2031-04-02T09:25:0{number}.000000",
        **changes,
    }


async def test_running_backups_are_listed_in_the_largest_pages(unruly: UnrulyServer) -> None:
    unruly.then(answer({"backups": [], "count": 0}))
    async with lists_of("cbr", unruly) as lists:
        assert await pages_of(lists.running) == [[]]
    assert queries(unruly) == [{"status": ["protecting", "waiting_protect"], "limit": ["1000"]}]


async def test_recent_backups_are_listed_by_time(unruly: UnrulyServer) -> None:
    unruly.then(answer({"backups": [], "count": 0}))
    async with lists_of("cbr", unruly) as lists:
        await pages_of(lists.recent, SINCE)
    assert queries(unruly) == [{"start_time": ["2026-04-02T09:15:07Z"], "limit": ["1000"]}]


async def test_rows_that_move_to_the_next_page_are_returned_once(unruly: UnrulyServer) -> None:
    unruly.then(
        answer({"backups": [row(1), row(2)], "count": 4, "limit": 2}),
        answer({"backups": [row(2), row(3)], "count": 4, "limit": 2}),
        answer({"backups": []}),
    )
    async with lists_of("cbr", unruly) as lists:
        pages = await pages_of(lists.running)
    assert [[each["id"] for each in page] for page in pages] == [["b1", "b2"], ["b3"], []]


async def test_a_repeated_page_ends_the_listing(unruly: UnrulyServer) -> None:
    unruly.then(*[answer({"backups": [row(1)], "count": 99, "limit": 1})] * 3)
    async with lists_of("cbr", unruly) as lists:
        assert [len(page) for page in await pages_of(lists.running)] == [1, 0]


def test_reading_a_checkpoint_takes_two_requests() -> None:
    assert (LISTS.reads(checkpoint()), LISTS.reads(BACKUP)) == (2, 1)


def test_a_row_belongs_to_its_backup_and_to_its_checkpoint() -> None:
    assert set(LIST.keys_of(row(1))) == {"b1", "c1"}
    assert (LIST.key_of(BACKUP), LIST.key_of(checkpoint())) == ("b1", "c1")


@pytest.mark.parametrize(
    ("status", "running"),
    [("protecting", "protecting"), ("waiting_protect", "waiting_protect")]
    + [(status, None) for status in ("available", "error", "restoring", "a new word", None, 7)],
)
def test_only_backups_being_created_are_running(status: Any, running: str | None) -> None:
    assert LIST.running_status(row(1, status=status)) == running


def test_the_creation_time_is_taken_from_a_row() -> None:
    assert LIST.started_at(row(1)) == datetime(2031, 4, 2, 9, 15, 1, tzinfo=UTC)
    assert LIST.started_at({"created_at": "soon"}) is None


def test_a_succeeded_backup_is_recognised() -> None:
    observation = LIST.succeeded_state(BACKUP, [row(1)])
    assert observation is not None
    assert (observation.phase, observation.backup_ids, observation.resource_ids) == (Phase.SUCCEEDED, ("b1",), ("r1",))


def test_a_checkpoint_succeeded_when_all_its_resources_have_a_backup() -> None:
    observation = LIST.succeeded_state(checkpoint("r1", "r2"), [row(2), row(1)])
    assert observation is not None
    assert observation.backup_ids == ("b1", "b2")
    assert observation.created_at == datetime(2031, 4, 2, 9, 15, 1, tzinfo=UTC)
    assert observation.finished_at == datetime(2031, 4, 2, 9, 25, 2, tzinfo=UTC)


def test_backups_of_single_disks_inside_that_of_a_server_do_not_count() -> None:
    disk = row(3, parent_id="b1", resource_id="disk")
    observation = LIST.succeeded_state(checkpoint("r1"), [disk, row(1)])
    assert observation is not None
    assert observation.backup_ids == ("b1",)
    assert LIST.succeeded_state(checkpoint("disk"), [disk]) is None


@pytest.mark.parametrize(
    ("expected", "rows"),
    [
        ((), [row(1)]),
        (("r1", "r2"), [row(1)]),
        (("r1", "r2"), [row(1), row(2, status="protecting")]),
        (("r1", "r2"), [row(1), row(2, status="error")]),
        (("r1",), [row(1), row(2, status="a new word")]),
    ],
    ids=["unknown", "one left out", "one in progress", "one failed", "one unknown"],
)
def test_an_incomplete_checkpoint_needs_a_single_read(expected: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    assert LIST.succeeded_state(checkpoint(*expected), rows) is None


@pytest.mark.parametrize("status", ["error", "deleting", "protecting", "a new word", None])
def test_a_backup_that_did_not_succeed_needs_a_single_read(status: str | None) -> None:
    assert LIST.succeeded_state(BACKUP, [row(1, status=status)]) is None


def test_one_backup_does_not_prove_a_checkpoint_whose_id_is_given_as_a_backups() -> None:
    assert LIST.succeeded_state(OperationReference("cbr", "c1"), [row(1)]) is None


def test_the_row_of_a_backup_with_the_same_id_proves_nothing_about_a_checkpoint() -> None:
    assert LIST.succeeded_state(OperationReference("cbr", "b1", "checkpoint", expected_ids=("r1",)), [row(1)]) is None


async def test_what_is_being_deleted_is_asked_for_in_one_list(unruly: UnrulyServer) -> None:
    unruly.then(answer({"backups": [], "count": 0}))
    async with lists_of("cbr", unruly) as lists:
        await pages_of(lists.existing)
    assert queries(unruly) == [{"status": ["deleting", "waiting_delete"], "limit": ["1000"]}]

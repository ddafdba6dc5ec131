"""Listings of CSBS: what is requested, what a row shows, and what needs a single read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.csbs.backup_lists import backup_lists
from tests.cloud.polling.list_answers import SINCE, lists_of, pages_of, queries
from tests.cloud.unruly_server import UnrulyServer, answer

LISTS = backup_lists(None)  # type: ignore[arg-type]
assert LISTS.recent is not None
LIST = LISTS.recent
BACKUP = OperationReference("csbs", "i1")


def checkpoint(*expected_ids: str) -> OperationReference:
    return OperationReference("csbs", "c1", "checkpoint", expected_ids=expected_ids)


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"i{number}",
        "checkpoint_id": "c1",
        "status": "available",
        "resource_id": f"s{number}",
        "created_at": f"2031-04-02T09:15:0{number}.000000",
        **changes,
    }


async def test_running_backups_are_listed_in_the_largest_pages(unruly: UnrulyServer) -> None:
    unruly.then(answer({"checkpoint_items": []}))
    async with lists_of("csbs", unruly) as lists:
        assert await pages_of(lists.running) == [[]]
    assert queries(unruly) == [{"status": ["protecting"], "limit": ["1000"]}]


async def test_recent_backups_are_listed_by_time(unruly: UnrulyServer) -> None:
    unruly.then(answer({"checkpoint_items": []}))
    async with lists_of("csbs", unruly) as lists:
        await pages_of(lists.recent, SINCE)
    assert queries(unruly)[0]["start_time"][0].startswith("2026-04-02T09:15:07")


async def test_a_repeated_page_ends_the_listing(unruly: UnrulyServer) -> None:
    links = [{"rel": "next", "href": "x"}]
    unruly.then(*[answer({"checkpoint_items": [row(1)], "checkpoint_items_links": links})] * 3)
    async with lists_of("csbs", unruly) as lists:
        assert len(await pages_of(lists.running)) == 2


def test_a_row_belongs_to_its_backup_and_to_its_checkpoint() -> None:
    assert set(LIST.keys_of(row(1))) == {"i1", "c1"}
    assert (LIST.key_of(BACKUP), LIST.key_of(checkpoint())) == ("i1", "c1")


@pytest.mark.parametrize("status", ["available", "waiting_protect", "error", "restoring", "a new word", None, 7, {}])
def test_only_backups_being_created_are_running(status: Any) -> None:
    assert LIST.running_status(row(1, status=status)) is None
    assert LIST.running_status(row(1, status="protecting")) == "protecting"


def test_the_creation_time_is_taken_from_a_row() -> None:
    assert LIST.started_at(row(1)) == datetime(2031, 4, 2, 9, 15, 1, tzinfo=UTC)
    assert LIST.started_at({"protected_at": "2031-04-02T09:15:01"}) == datetime(2031, 4, 2, 9, 15, 1, tzinfo=UTC)
    assert LIST.started_at({}) is None


def test_a_succeeded_backup_is_recognised() -> None:
    observation = LIST.succeeded_state(BACKUP, [row(1)])
    assert observation is not None
    assert (observation.phase, observation.backup_ids) == (Phase.SUCCEEDED, ("i1",))


def test_a_checkpoint_succeeded_when_all_its_servers_have_a_backup() -> None:
    observation = LIST.succeeded_state(checkpoint("s1", "s2"), [row(1), row(2)])
    assert observation is not None
    assert (observation.phase, observation.resource_ids, observation.skipped) == (Phase.SUCCEEDED, ("s1", "s2"), ())


@pytest.mark.parametrize(
    ("expected", "rows"),
    [
        ((), [row(1)]),
        (("s1", "s2"), [row(1)]),
        (("s1", "s2"), [row(1), row(2, status="protecting")]),
        (("s1", "s2"), [row(1), row(2, status="error")]),
        (("s1",), [row(1), row(2, status="a new word")]),
    ],
    ids=["unknown", "one left out", "one in progress", "one failed", "one unknown"],
)
def test_an_incomplete_checkpoint_needs_a_single_read(expected: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    assert LIST.succeeded_state(checkpoint(*expected), rows) is None


def test_one_backup_does_not_prove_a_checkpoint_whose_id_is_given_as_a_backups() -> None:
    assert LIST.succeeded_state(OperationReference("csbs", "c1"), [row(1)]) is None


def test_the_row_of_a_backup_with_the_same_id_proves_nothing_about_a_checkpoint() -> None:
    assert LIST.succeeded_state(OperationReference("csbs", "b1", "checkpoint", expected_ids=("s1",)), [row(1)]) is None


async def test_what_is_being_deleted_is_asked_for_by_one_status_after_the_other(unruly: UnrulyServer) -> None:
    unruly.then(*[answer({"checkpoint_items": []})] * 2)
    async with lists_of("csbs", unruly) as lists:
        await pages_of(lists.existing)
    assert [query["status"] for query in queries(unruly)] == [["waiting_delete"], ["deleting"]]

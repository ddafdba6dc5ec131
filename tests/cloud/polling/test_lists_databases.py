"""Listings of database services: what is requested, what a row shows, and what needs a single read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.databases.backup_lists import BusyInstanceList
from tests.cloud.polling.list_answers import SINCE, lists_of, pages_of, queries
from tests.cloud.unruly_server import UnrulyServer, answer

ALL_INSTANCES = ("gaussdb", "taurusdb")
INSTANCES = BusyInstanceList("instances", None)  # type: ignore[arg-type]


def reference(service: str, **members: Any) -> OperationReference:
    return OperationReference(service, "b1", instance_id="in01", **members)


def row(**changes: Any) -> dict[str, Any]:
    return {
        "id": "b1",
        "name": "nightly",
        "instance_id": "in01",
        "status": "COMPLETED",
        "type": "manual",
        "size": 4096,
        "begin_time": "2031-04-02T09:15:07+0000",
        "end_time": "2031-04-02T09:18:44+0000",
        **changes,
    }


@pytest.mark.parametrize("service", ALL_INSTANCES)
async def test_recent_backups_of_all_instances_are_listed_with_both_times(service: str, unruly: UnrulyServer) -> None:
    unruly.then(answer({"backups": [], "total_count": 0}))
    async with lists_of(service, unruly) as lists:
        assert await pages_of(lists.recent, SINCE) == [[]]
        assert lists.running is None
    [query] = queries(unruly)
    assert (query["backup_type"], query["limit"], query["begin_time"]) == (
        ["manual"],
        ["100"],
        ["2026-04-02T09:15:07+0000"],
    )
    assert "end_time" in query
    assert "instance_id" not in query


@pytest.mark.parametrize("service", ALL_INSTANCES)
async def test_without_a_creation_time_all_backups_are_listed(service: str, unruly: UnrulyServer) -> None:
    unruly.then(answer({"backups": [], "total_count": 0}))
    async with lists_of(service, unruly) as lists:
        await pages_of(lists.recent)
    assert not queries(unruly)[0].keys() & {"begin_time", "end_time"}


async def test_rds_lists_instances(unruly: UnrulyServer) -> None:
    unruly.then(answer({"instances": [{"id": "in01"}], "total_count": 1}))
    async with lists_of("rds", unruly) as lists:
        assert await pages_of(lists.running) == [[{"id": "in01"}]]
        assert lists.recent is None
    assert queries(unruly) == [{"limit": ["100"], "offset": ["0"]}]


@pytest.mark.parametrize("service", ALL_INSTANCES)
async def test_rows_that_move_to_the_next_page_are_returned_once(service: str, unruly: UnrulyServer) -> None:
    unruly.then(
        answer({"backups": [{"id": "1"}, {"id": "2"}], "total_count": 4}),
        answer({"backups": [{"id": "2"}, {"id": "3"}], "total_count": 4}),
    )
    async with lists_of(service, unruly) as lists:
        assert await pages_of(lists.recent, SINCE) == [[{"id": "1"}, {"id": "2"}], [{"id": "3"}]]


@pytest.mark.parametrize("service", ALL_INSTANCES)
async def test_a_repeated_page_and_an_empty_one_end_the_listing(service: str, unruly: UnrulyServer) -> None:
    page = {"backups": [{"id": "1"}], "total_count": 99}
    unruly.then(answer(page), answer(page), answer({"backups": [], "total_count": 99}))
    async with lists_of(service, unruly) as lists:
        assert await pages_of(lists.recent, SINCE) == [[{"id": "1"}], []]
        assert await pages_of(lists.recent, SINCE) == [[]]


@pytest.mark.parametrize("service", ["rds", *ALL_INSTANCES])
async def test_reading_a_backup_with_a_job_takes_two_requests(service: str, unruly: UnrulyServer) -> None:
    async with lists_of(service, unruly) as lists:
        assert (lists.reads(reference(service, job_id="j")), lists.reads(reference(service))) == (2, 1)


@pytest.mark.parametrize("service", ALL_INSTANCES)
async def test_what_a_row_of_a_backup_says(service: str, unruly: UnrulyServer) -> None:
    async with lists_of(service, unruly) as lists:
        listed = lists.recent
        assert listed is not None
        assert listed.shows_backups
        assert list(listed.keys_of(row())) == ["b1"]
        assert listed.running_status(row(status="BUILDING")) == "BUILDING"
        assert listed.running_status(row(status="a new word")) == "a new word"
        assert listed.running_status(row()) is None
        assert listed.started_at(row()) == datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)
        observation = listed.succeeded_state(reference(service), [row()])
        assert observation is not None
        assert (observation.phase, observation.resource_ids) == (Phase.SUCCEEDED, ("in01",))
        for status in ("BUILDING", "FAILED", "DELETING", "a new word", None):
            assert listed.succeeded_state(reference(service), [row(status=status)]) is None


def test_an_instance_shows_that_a_backup_is_running_and_never_its_outcome() -> None:
    backup = reference("rds")
    assert INSTANCES.key_of(backup) == "in01"
    assert INSTANCES.keys_of({"id": "in01"}) == ("in01",)
    assert INSTANCES.running_status({"status": "BACKING UP"}) == "BUILDING"
    assert INSTANCES.succeeded_state(backup, [{"id": "in01", "status": "ACTIVE"}]) is None
    assert INSTANCES.started_at({"created": "2031-04-02T09:15:07+0000"}) is None
    assert not INSTANCES.shows_backups


@pytest.mark.parametrize("status", ["ACTIVE", "FAILED", "MODIFYING", "backing up ", None, 7, {}])
def test_an_instance_with_any_other_status_is_not_running_a_backup(status: Any) -> None:
    assert INSTANCES.running_status({"status": status}) is None


def test_a_reference_without_an_instance_is_in_no_list_of_instances() -> None:
    assert INSTANCES.key_of(OperationReference("rds", "b1")) is None


@pytest.mark.parametrize("service", ALL_INSTANCES)
async def test_a_row_of_another_instance_proves_nothing(service: str, unruly: UnrulyServer) -> None:
    async with lists_of(service, unruly) as lists:
        assert lists.recent is not None
        assert lists.recent.succeeded_state(reference(service), [row(instance_id="in02")]) is None
        assert lists.recent.succeeded_state(reference(service), [row(instance_id="IN01")]) is not None

"""The cheapest query: each decision by example, and what must hold for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.polling.query_planner import (
    QueryCosts,
    QueryStrategy,
    cheapest_query,
    confirmation_cost,
    pages_of,
)

numbers = st.integers(0, 20_000)
pages = st.none() | st.integers(1, 200)


@pytest.mark.parametrize(
    ("rows", "page_size", "requests"),
    [(0, 1000, 1), (1, 1000, 1), (1000, 1000, 1), (1001, 1000, 2), (5000, 1000, 5), (5000, 100, 50)],
)
def test_a_listing_costs_its_pages_and_an_empty_one_costs_one(rows: int, page_size: int, requests: int) -> None:
    assert pages_of(rows, page_size) == requests


@given(st.integers(0, 100_000), st.integers(1, 1000))
def test_pages_hold_all_rows_and_none_is_empty_but_the_only_one(rows: int, page_size: int) -> None:
    assert (
        (pages_of(rows, page_size) - 1) * page_size < max(rows, 1) <= max(rows, pages_of(rows, page_size) * page_size)
    )


def test_one_backup_is_read() -> None:
    assert cheapest_query(QueryCosts(single_reads=1, running=1, recent=1)) is QueryStrategy.SINGLE


def test_two_backups_use_the_listing_of_running_backups() -> None:
    assert cheapest_query(QueryCosts(single_reads=2, running=1, recent=1)) is QueryStrategy.RUNNING


def test_one_backup_whose_read_takes_two_requests_uses_the_listing() -> None:
    assert cheapest_query(QueryCosts(single_reads=2, running=1, recent=None)) is QueryStrategy.RUNNING


def test_two_backups_use_the_listing_of_recent_backups_where_there_is_no_other() -> None:
    assert cheapest_query(QueryCosts(single_reads=2, running=None, recent=1)) is QueryStrategy.RECENT


def test_a_listing_with_more_pages_than_waiters_is_not_used() -> None:
    assert cheapest_query(QueryCosts(single_reads=40, running=41, recent=50)) is QueryStrategy.SINGLE


def test_the_shorter_listing_is_used() -> None:
    assert cheapest_query(QueryCosts(single_reads=400, running=9, recent=3)) is QueryStrategy.RECENT


def test_without_listings_each_backup_is_read() -> None:
    assert cheapest_query(QueryCosts(single_reads=5000, running=None, recent=None)) is QueryStrategy.SINGLE


def test_a_listing_that_showed_no_backup_is_not_used_beside_single_reads() -> None:
    assert (
        cheapest_query(QueryCosts(single_reads=300, running=3, recent=None, missing_reads=300)) is QueryStrategy.SINGLE
    )


def test_missing_backups_cost_no_more_than_the_listing_that_confirms_them() -> None:
    assert cheapest_query(QueryCosts(single_reads=300, running=1, recent=2, missing_reads=300)) is QueryStrategy.RUNNING


def test_as_many_backups_are_expected_to_end_as_in_the_last_poll_cycle() -> None:
    costs = {"single_reads": 1000, "running": 5, "recent": 6}
    assert cheapest_query(QueryCosts(**costs)) is QueryStrategy.RUNNING
    assert cheapest_query(QueryCosts(**costs, ended_reads=1000)) is QueryStrategy.RECENT


def test_listings_are_not_used_for_backups_that_none_shows() -> None:
    assert cheapest_query(QueryCosts(single_reads=301, running=1, recent=1, unlisted_reads=300)) is QueryStrategy.SINGLE
    assert (
        cheapest_query(QueryCosts(single_reads=350, running=1, recent=1, unlisted_reads=300)) is QueryStrategy.RUNNING
    )


def test_while_nearly_all_are_running_the_listing_of_terminal_backups_is_used() -> None:
    costs = {"single_reads": 5000, "running": 5, "recent": 5}
    assert cheapest_query(QueryCosts(**costs, terminal=1)) is QueryStrategy.TERMINAL
    assert cheapest_query(QueryCosts(**costs, terminal=5)) is not QueryStrategy.TERMINAL


def test_the_listing_of_terminal_backups_is_not_used_when_another_is_as_short() -> None:
    assert cheapest_query(QueryCosts(single_reads=300, running=1, recent=1, terminal=1)) is QueryStrategy.RUNNING
    assert cheapest_query(QueryCosts(single_reads=300, running=None, recent=1, terminal=1)) is QueryStrategy.RECENT
    assert cheapest_query(QueryCosts(single_reads=1, running=None, recent=2, terminal=1)) is QueryStrategy.SINGLE


def test_backups_that_were_never_seen_count_as_reads_beside_the_terminal_ones() -> None:
    costs = {"single_reads": 5000, "running": 5, "recent": 5, "terminal": 1}
    assert cheapest_query(QueryCosts(**costs, unseen_reads=3)) is QueryStrategy.TERMINAL
    assert cheapest_query(QueryCosts(**costs, unseen_reads=4)) is QueryStrategy.RECENT


def test_backups_of_unknown_creation_time_count_as_reads_beside_the_recent_ones() -> None:
    assert (
        cheapest_query(QueryCosts(single_reads=300, running=None, recent=1, undated_reads=300)) is QueryStrategy.SINGLE
    )
    assert cheapest_query(QueryCosts(single_reads=300, running=None, recent=1, undated_reads=3)) is QueryStrategy.RECENT


def test_single_reads_confirm_where_there_is_no_listing_of_recent_backups() -> None:
    assert confirmation_cost(7, None) == 7


def test_the_cheaper_query_confirms() -> None:
    assert (confirmation_cost(7, 3), confirmation_cost(2, 3)) == (3, 2)


@given(numbers, pages, pages, pages, numbers, numbers, numbers, numbers, numbers)
def test_a_listing_is_never_used_that_costs_more_than_single_reads(
    single: int,
    running: int | None,
    recent: int | None,
    terminal: int | None,
    missing: int,
    ended: int,
    unlisted: int,
    undated: int,
    unseen: int,
) -> None:
    query = cheapest_query(
        QueryCosts(
            single_reads=single,
            running=running,
            recent=recent,
            terminal=terminal,
            missing_reads=missing,
            ended_reads=ended,
            unlisted_reads=unlisted,
            undated_reads=undated,
            unseen_reads=unseen,
        )
    )
    least = {
        QueryStrategy.SINGLE: single,
        QueryStrategy.RUNNING: running,
        QueryStrategy.RECENT: recent,
        QueryStrategy.TERMINAL: terminal,
    }[query]
    assert least is not None
    assert least <= single


@given(numbers, st.integers(1, 200), st.integers(1, 200), st.integers(1, 200))
def test_no_query_costs_more_because_a_listing_exists(single: int, running: int, recent: int, terminal: int) -> None:
    by_strategy = {
        QueryStrategy.SINGLE: single,
        QueryStrategy.RUNNING: running,
        QueryStrategy.RECENT: recent,
        QueryStrategy.TERMINAL: terminal,
    }
    query = cheapest_query(QueryCosts(single_reads=single, running=running, recent=recent, terminal=terminal))
    assert by_strategy[query] == min(by_strategy.values())

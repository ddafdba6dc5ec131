"""The cheapest question: each decision by example, and what must hold for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.polling.query_planner import (
    QueryStrategy,
    cheapest_question,
    confirmation_cost,
    pages_of,
)

numbers = st.integers(0, 20_000)
pages = st.none() | st.integers(1, 200)


@pytest.mark.parametrize(
    ("rows", "page_size", "requests"),
    [(0, 1000, 1), (1, 1000, 1), (1000, 1000, 1), (1001, 1000, 2), (5000, 1000, 5), (5000, 100, 50)],
)
def test_a_list_costs_its_pages_and_an_empty_one_costs_one(rows: int, page_size: int, requests: int) -> None:
    assert pages_of(rows, page_size) == requests


@given(st.integers(0, 100_000), st.integers(1, 1000))
def test_pages_hold_all_rows_and_none_is_empty_but_the_only_one(rows: int, page_size: int) -> None:
    assert (
        (pages_of(rows, page_size) - 1) * page_size < max(rows, 1) <= max(rows, pages_of(rows, page_size) * page_size)
    )


def test_one_is_looked_at_by_itself() -> None:
    assert cheapest_question(single_reads=1, running=1, recent=1) is QueryStrategy.SINGLE


def test_two_ask_the_list_of_what_is_in_progress() -> None:
    assert cheapest_question(single_reads=2, running=1, recent=1) is QueryStrategy.RUNNING


def test_one_whose_look_takes_two_requests_asks_the_list() -> None:
    assert cheapest_question(single_reads=2, running=1, recent=None) is QueryStrategy.RUNNING


def test_two_ask_what_began_lately_where_nothing_else_is_listed() -> None:
    assert cheapest_question(single_reads=2, running=None, recent=1) is QueryStrategy.RECENT


def test_nobody_asks_a_list_that_has_more_pages_than_backups_are_waited_for() -> None:
    assert cheapest_question(single_reads=40, running=41, recent=50) is QueryStrategy.SINGLE


def test_the_shorter_list_is_asked() -> None:
    assert cheapest_question(single_reads=400, running=9, recent=3) is QueryStrategy.RECENT


def test_without_lists_each_is_looked_at_by_itself() -> None:
    assert cheapest_question(single_reads=5000, running=None, recent=None) is QueryStrategy.SINGLE


def test_a_list_that_showed_nobody_the_last_time_is_not_asked_in_addition_to_single_reads() -> None:
    assert cheapest_question(single_reads=300, running=3, recent=None, missing_reads=300) is QueryStrategy.SINGLE


def test_what_a_list_did_not_show_costs_no_more_than_the_list_that_confirms_it() -> None:
    assert cheapest_question(single_reads=300, running=1, recent=2, missing_reads=300) is QueryStrategy.RUNNING


def test_what_ended_in_the_last_round_is_expected_to_end_in_this_one() -> None:
    asked = {"single_reads": 1000, "running": 5, "recent": 6}
    assert cheapest_question(**asked) is QueryStrategy.RUNNING
    assert cheapest_question(**asked, ended_reads=1000) is QueryStrategy.RECENT


def test_backups_that_no_list_shows_are_not_asked_for_in_lists() -> None:
    assert cheapest_question(single_reads=301, running=1, recent=1, unlisted_reads=300) is QueryStrategy.SINGLE
    assert cheapest_question(single_reads=350, running=1, recent=1, unlisted_reads=300) is QueryStrategy.RUNNING


def test_while_nearly_all_go_on_the_list_of_what_is_over_is_asked() -> None:
    asked = {"single_reads": 5000, "running": 5, "recent": 5}
    assert cheapest_question(**asked, over=1) is QueryStrategy.OVER
    assert cheapest_question(**asked, over=5) is not QueryStrategy.OVER


def test_what_is_over_is_not_asked_for_when_another_list_is_as_short() -> None:
    assert cheapest_question(single_reads=300, running=1, recent=1, over=1) is QueryStrategy.RUNNING
    assert cheapest_question(single_reads=300, running=None, recent=1, over=1) is QueryStrategy.RECENT
    assert cheapest_question(single_reads=1, running=None, recent=2, over=1) is QueryStrategy.SINGLE


def test_backups_that_were_never_seen_are_not_believed_to_go_on() -> None:
    asked = {"single_reads": 5000, "running": 5, "recent": 5, "over": 1}
    assert cheapest_question(**asked, unseen_reads=3) is QueryStrategy.OVER
    assert cheapest_question(**asked, unseen_reads=4) is QueryStrategy.RECENT


def test_backups_without_a_known_beginning_are_not_looked_for_in_what_began_lately() -> None:
    assert cheapest_question(single_reads=300, running=None, recent=1, undated_reads=300) is QueryStrategy.SINGLE
    assert cheapest_question(single_reads=300, running=None, recent=1, undated_reads=3) is QueryStrategy.RECENT


def test_single_reads_confirm_where_there_is_no_list_of_what_began_lately() -> None:
    assert confirmation_cost(7, None) == 7


def test_the_cheaper_of_both_confirms() -> None:
    assert (confirmation_cost(7, 3), confirmation_cost(2, 3)) == (3, 2)


@given(numbers, pages, pages, pages, numbers, numbers, numbers, numbers, numbers)
def test_a_list_is_never_asked_that_costs_more_than_single_reads(
    single: int,
    running: int | None,
    recent: int | None,
    over: int | None,
    missing: int,
    ended: int,
    unlisted: int,
    undated: int,
    unseen: int,
) -> None:
    question = cheapest_question(
        single_reads=single,
        running=running,
        recent=recent,
        over=over,
        missing_reads=missing,
        ended_reads=ended,
        unlisted_reads=unlisted,
        undated_reads=undated,
        unseen_reads=unseen,
    )
    least = {
        QueryStrategy.SINGLE: single,
        QueryStrategy.RUNNING: running,
        QueryStrategy.RECENT: recent,
        QueryStrategy.OVER: over,
    }[question]
    assert least is not None
    assert least <= single


@given(numbers, st.integers(1, 200), st.integers(1, 200), st.integers(1, 200))
def test_nobody_pays_more_because_a_list_exists(single: int, running: int, recent: int, over: int) -> None:
    costs = {
        QueryStrategy.SINGLE: single,
        QueryStrategy.RUNNING: running,
        QueryStrategy.RECENT: recent,
        QueryStrategy.OVER: over,
    }
    question = cheapest_question(single_reads=single, running=running, recent=recent, over=over)
    assert costs[question] == min(costs.values())

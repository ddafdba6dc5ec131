"""How lists are asked for their next page: one strategy for each form that services have."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.pagination import LinkPages, MarkerPages, OffsetPages
from airflow_provider_backup.cloud.service_api import Query

ROWS = [{"id": "a"}, {"id": "b"}]
COUNTED = OffsetPages(page_size=2, total_member="total_count")
SHORT_PAGE_IS_LAST = OffsetPages(page_size=2, total_member="count", short_page_is_last=True)


@pytest.mark.parametrize(
    ("body", "following"),
    [
        ({"total_count": 3}, {"name": "n", "limit": 2, "offset": 2}),
        ({"total_count": "3"}, {"name": "n", "limit": 2, "offset": 2}),
        ({}, {"name": "n", "limit": 2, "offset": 2}),
        ({"total_count": 2}, None),
        ({"total_count": "2"}, None),
    ],
)
def test_a_list_with_a_total_is_read_until_as_many_rows_were_read(body: dict[str, Any], following: Any) -> None:
    assert COUNTED.following({"name": "n", "limit": 2}, body, "backups", ROWS) == following


@pytest.mark.parametrize(
    ("body", "rows", "offset"),
    [
        ({}, ROWS, 7),
        ({}, ROWS[:1], None),
        ({"count": 9}, ROWS[:1], 6),
        ({"count": 6}, ROWS[:1], None),
        ({"count": 6}, ROWS, 7),
        ({"count": 6, "limit": 1}, ROWS[:1], 6),
    ],
)
def test_a_list_without_a_reliable_total_ends_with_a_page_that_is_not_full(
    body: dict[str, Any], rows: list[Any], offset: int | None
) -> None:
    following = SHORT_PAGE_IS_LAST.following({"limit": 2, "offset": 5}, body, "vaults", rows)
    assert (None if following is None else following["offset"]) == offset


@pytest.mark.parametrize("links", [None, [], [{"rel": "previous", "href": "x?y=z"}], ["next"], 7])
def test_a_list_with_markers_ends_with_a_short_page_without_a_link(links: Any) -> None:
    query = {"limit": 3, "offset": 1}
    assert MarkerPages(page_size=3).following(query, {"items_links": links}, "items", ROWS) is None


@pytest.mark.parametrize("limit", [2, 3])
def test_a_marker_is_the_id_of_the_last_row_and_takes_the_place_of_an_offset(limit: int) -> None:
    body = {"items_links": [{"rel": "next", "href": "https://elsewhere.example"}]}
    query: Query = {"limit": limit, "offset": 1, "sort": "name"}
    following = MarkerPages(page_size=3).following(query, body, "items", ROWS)
    assert following == {"limit": limit, "marker": "b", "sort": "name"}


def test_of_a_link_to_the_next_page_only_the_query_counts() -> None:
    href = "https://vbs.example/p/backups?limit=1&offset=1&marker=b%201"
    answer = {"backups": [], "backups_links": [{"rel": "previous", "href": "x?y=z"}, {"rel": "next", "href": href}]}
    following = LinkPages(page_size=1000).following({"limit": 1000, "name": "n"}, answer, "backups", ROWS)
    assert following == {"limit": "1", "offset": "1", "marker": "b 1", "name": "n"}


@pytest.mark.parametrize("links", [None, [], [{"rel": "previous", "href": "x?y=z"}], ["next"]])
def test_without_a_link_there_is_no_next_page(links: Any) -> None:
    assert LinkPages(page_size=2).following({"limit": 2}, {"backups_links": links}, "backups", ROWS) is None

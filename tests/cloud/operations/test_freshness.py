"""The judgement of backups as such: which is the newest good one, is it fresh, and what is said of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.freshness import (
    Freshness,
    FreshnessRule,
    ListedBackup,
    duration_text,
    read_freshness,
    stale_text,
)
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.status import Phase

NOW = datetime(2031, 4, 2, 12, tzinfo=UTC)
GOOD, FAILED, RUNNING, DELETING = Phase.SUCCEEDED, Phase.FAILED, Phase.IN_PROGRESS, Phase.DELETING


def backup(hours: float | None, phase: Phase = GOOD, resource_id: str = "r", **members: Any) -> ListedBackup:
    """Return a backup that began some hours before now."""
    begun = None if hours is None else NOW - timedelta(hours=hours)
    reference = OperationReference("cbr", f"{resource_id}-{hours}")
    is_automatic = members.pop("is_automatic", None)
    state = OperationState(reference, phase.name, phase, created_at=begun, **members)
    return ListedBackup(resource_id, state, is_automatic)


class Pages:
    """A list in pages, which counts those that were read."""

    def __init__(self, *pages: Sequence[ListedBackup]) -> None:
        self._pages = pages
        self.read = 0

    async def __call__(self) -> AsyncIterator[RowPage]:
        for page in self._pages:
            self.read += 1
            yield RowPage(page)


async def judged(pages: Pages, rule: FreshnessRule, *resource_ids: str) -> list[Freshness]:
    """Judge resources, ``r`` unless said otherwise."""
    return await read_freshness(pages(), lambda row: row, resource_ids or ("r",), rule, lambda: NOW)


async def one(rule: FreshnessRule, *backups: ListedBackup) -> Freshness:
    """Judge one resource by a list of one page."""
    (found,) = await judged(Pages(backups), rule)
    return found


DAY = FreshnessRule(max_age=timedelta(hours=24))


async def test_the_newest_good_backup_counts_in_whatever_order_they_are_listed() -> None:
    found = await one(DAY, backup(30), backup(2), backup(5))

    assert found.is_fresh
    assert found.to_result()["backup_id"] == "r-2"
    assert found.to_result()["age_seconds"] == 7200


@pytest.mark.parametrize(("hours", "is_fresh"), [(24, True), (24.01, False)])
async def test_a_backup_is_fresh_up_to_its_greatest_age(hours: float, is_fresh: bool) -> None:
    assert (await one(DAY, backup(hours))).is_fresh is is_fresh


async def test_both_limits_must_be_kept() -> None:
    rule = FreshnessRule(timedelta(hours=24), after=NOW - timedelta(hours=3))

    assert (await one(rule, backup(2))).is_fresh
    assert not (await one(rule, backup(4))).is_fresh


async def test_a_backup_that_does_not_tell_its_begin_is_good_and_keeps_no_limit() -> None:
    assert (await one(FreshnessRule(), backup(None))).is_fresh
    found = await one(DAY, backup(None))
    assert not found.is_fresh
    assert found.reason == "last good at an unknown time"


async def test_failed_running_and_vanishing_backups_never_count() -> None:
    assert (await one(FreshnessRule(), backup(1, DELETING))).reason == "no good backup"
    found = await one(DAY, backup(1, RUNNING), backup(2, FAILED, reason="disk full."), backup(26))
    assert not found.is_fresh
    assert found.reason == "last good 26 h ago; newest failed: disk full; one is running, begun 60 min ago"


async def test_a_failure_before_the_last_good_backup_is_not_named() -> None:
    found = await one(DAY, backup(26), backup(27, FAILED, reason="disk full"))

    assert found.reason == "last good 26 h ago"


@pytest.mark.parametrize(("kind", "hours"), [("automatic", "5"), ("manual", "2"), ("any", "1")])
async def test_only_backups_of_the_type_count_and_those_that_do_not_tell_it_are_of_none(kind: str, hours: str) -> None:
    backups = [backup(1), backup(2, is_automatic=False), backup(5, is_automatic=True)]

    found = await one(FreshnessRule(backup_type=kind), *backups)

    assert found.to_result()["backup_id"] == f"r-{hours}"


async def test_reading_ends_with_the_page_after_which_every_resource_has_a_good_backup() -> None:
    pages = Pages([backup(1), backup(2, resource_id="s")], [backup(3)], [backup(4)])

    assert all(each.is_fresh for each in await judged(pages, DAY, "r", "s"))
    assert pages.read == 1


async def test_reading_ends_with_the_page_after_which_all_is_too_old() -> None:
    pages = Pages([backup(1)], [backup(23), backup(25)], [backup(50, resource_id="s")])

    _, missing = await judged(pages, DAY, "r", "s")

    assert pages.read == 2
    assert missing.reason == f"no good backup since {(NOW - timedelta(hours=25)).isoformat()}"


async def test_a_list_in_another_order_is_read_to_its_end() -> None:
    pages = Pages([backup(5), backup(3)], [backup(1)])

    (found,) = await judged(pages, DAY)

    assert (pages.read, found.to_result()["backup_id"]) == (2, "r-1")


async def test_ids_are_the_same_in_upper_and_lower_case_and_each_is_judged_once() -> None:
    assert len(await judged(Pages([backup(1)]), DAY, "R", "r")) == 1
    assert (await judged(Pages([backup(1)]), DAY, "R"))[0].is_fresh


async def test_the_clock_of_a_service_may_be_a_moment_ahead() -> None:
    assert (await one(DAY, backup(-0.01))).to_result()["age_seconds"] == 0


async def test_of_many_stale_resources_the_first_ones_are_named() -> None:
    found = await judged(Pages([]), DAY, "a", "b", "c")

    assert stale_text(found, 2) == "a (no good backup); b (no good backup); and 1 more"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (26 * 3600, "26 h"), (3e5, "3 d")]
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text


def test_an_age_from_before_the_calendar_limits_nothing() -> None:
    assert FreshnessRule(max_age=timedelta.max).earliest(NOW) is None

"""Waiting for fresh backups in virtual time: looks at intervals, shared by all who ask the same question."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.operations.freshness import FreshnessRule
from airflow_provider_backup.cloud.operations.freshness_question import FreshnessAnswer, FreshnessQuestion
from airflow_provider_backup.cloud.polling.fresh_wait import wait_until_fresh
from airflow_provider_backup.cloud.services.vbs.service import VbsService
from tests.cloud.polling.populated_cloud import Place, VirtualCloud, open_client
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

HOUR = 3600.0
log = logging.getLogger(__name__)


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Place]:
    """A local cloud with a client."""
    async with VirtualCloud() as running, open_client(running) as client:
        yield Place(running, client, "vbs backup")


def question(place: Place, **rule: Any) -> FreshnessQuestion:
    """Return the question about the first disk."""
    volume_id = place.running.describe()["resources"]["volumes"][0]
    return FreshnessQuestion("vbs", FreshnessRule(**rule), {"resource_ids": [volume_id]}, is_single=True)


def wait(place: Place, asked: FreshnessQuestion, **times: float) -> asyncio.Task[FreshnessAnswer | None]:
    """Begin to wait; the interval is a minute and the time an hour unless others are given."""
    usual = {"poll_interval": 60.0, "deadline": VIRTUAL_CLOCK.time() + HOUR}
    return asyncio.create_task(wait_until_fresh(place.client, asked, log=log, **{**usual, **times}))


def looks(place: Place) -> int:
    """Return how many requests came to the service."""
    return sum(place.requests.values())


async def take(place: Place, seconds: float) -> None:
    """Start the backup of the first disk, which takes so long."""
    await place.start(1)
    place.end_parts(place.rows.values())
    for row in place.rows.values():
        row["ready_at"] = place.at(seconds)


async def test_a_wait_ends_within_an_interval_after_the_backup(place: Place) -> None:
    await take(place, 600)
    began = VIRTUAL_CLOCK.monotonic()

    answer = await wait(place, question(place))

    assert answer is not None
    assert answer.is_fresh
    assert 600 <= VIRTUAL_CLOCK.monotonic() - began <= 661


async def test_a_wait_ends_at_its_deadline(place: Place) -> None:
    began = VIRTUAL_CLOCK.monotonic()

    assert await wait(place, question(place)) is None
    assert VIRTUAL_CLOCK.monotonic() - began == pytest.approx(HOUR, abs=1)
    assert 59 <= looks(place) <= 61


async def test_a_result_is_held_back_until_the_task_can_have_been_deferred(place: Place) -> None:
    await take(place, 0)
    began = VIRTUAL_CLOCK.monotonic()

    assert await wait(place, question(place), poll_interval=1, earliest_result=5) is not None
    assert VIRTUAL_CLOCK.monotonic() - began == pytest.approx(5, abs=0.1)


async def test_those_who_ask_the_same_share_their_looks(place: Place) -> None:
    waits = [wait(place, question(place, backup_type="manual")) for _ in range(500)]

    assert await asyncio.gather(*waits) == [None] * 500
    assert 59 <= looks(place) <= 65


async def test_those_who_begin_at_other_times_look_together_in_the_end(place: Place) -> None:
    waits = []
    for _ in range(6):
        waits.append(wait(place, question(place)))
        await VIRTUAL_CLOCK.sleep(7)
    await VIRTUAL_CLOCK.sleep(120)
    place.forget_requests()
    await VIRTUAL_CLOCK.sleep(600)

    assert looks(place) == 10
    for each in waits:
        each.cancel()


async def test_other_questions_have_looks_of_their_own(place: Place) -> None:
    first, second = wait(place, question(place)), wait(place, question(place, backup_type="automatic"))

    await asyncio.gather(first, second)

    assert looks(place) >= 118


async def test_a_cancelled_wait_disturbs_no_other(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = question(place)
    original, began = VbsService.latest_backups, asyncio.Event()

    async def slow(self: VbsService, *arguments: Any, **named: Any) -> Any:
        began.set()
        await VIRTUAL_CLOCK.sleep(30)
        return await original(self, *arguments, **named)

    monkeypatch.setattr(VbsService, "latest_backups", slow)
    await take(place, 0)
    first, second = wait(place, asked, poll_interval=10), wait(place, asked, poll_interval=10)
    await began.wait()
    await VIRTUAL_CLOCK.sleep(11)
    first.cancel()

    answer = await second

    assert answer is not None
    assert answer.is_fresh
    assert looks(place) == 1


async def test_a_look_that_no_waiter_needs_any_more_is_cancelled(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(VbsService, "latest_backups", endless)

    assert await wait(place, question(place), poll_interval=10, deadline=VIRTUAL_CLOCK.time() + 100) is None
    await VIRTUAL_CLOCK.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "SharedLook._look" in repr(task)]


async def test_transient_errors_are_retried_with_the_next_look(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    await take(place, 0)
    place.running.misbehave("server_error", service="vbs", count=5)

    assert await wait(place, question(place)) is not None
    assert sum("could not be read, retrying" in record.getMessage() for record in caplog.records) == 1


async def test_a_refusal_ends_the_wait(place: Place) -> None:
    asked = FreshnessQuestion("cbr", FreshnessRule(), {"vault_id": "missing"}, is_single=False)

    with pytest.raises(NotFoundError):
        await wait(place, asked)


async def test_what_is_missing_is_logged_from_time_to_time(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    await wait(place, question(place), poll_interval=20)

    lines = [record for record in caplog.records if "No fresh backup yet" in record.getMessage()]
    assert 11 <= len(lines) <= 13


def test_a_question_survives_json() -> None:
    rule = FreshnessRule.from_dict({"max_age": 90.5, "after": "2026-11-30T22:00:00+01:00", "backup_type": "automatic"})
    asked = FreshnessQuestion("cbr", rule, {"vault_id": "v"}, is_single=False)

    assert FreshnessQuestion.from_dict(asked.to_dict()) == asked

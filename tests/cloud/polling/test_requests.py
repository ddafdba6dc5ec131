"""What waiting costs at the service: counted requests of the local cloud, for every kind of backup."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.operations.status import Phase
from tests.cloud.polling.populated_cloud import DATABASES, KINDS, Place, VirtualCloud, open_client
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

MANY = 300
PAGES = {kind: 3 if kind in DATABASES else 1 for kind in KINDS}
POLL_INTERVAL = 0.25


@pytest_asyncio.fixture
async def large_place(kind: str) -> AsyncIterator[Place]:
    """A local cloud with as many instances as there are backups: three have names of their own."""
    extra_resources = MANY - 3 if kind in DATABASES else 0
    async with VirtualCloud(extra_resources=extra_resources) as running, open_client(running) as client:
        yield Place(running, client, kind)


async def test_three_hundred_backups_cost_the_pages_of_a_listing_in_each_poll_cycle(
    large_place: Place, kind: str
) -> None:
    references = await large_place.start(MANY)
    began = VIRTUAL_CLOCK.monotonic()
    waits = [large_place.wait(reference, poll_interval=POLL_INTERVAL) for reference in references]

    await large_place.requests_reach(2 * PAGES[kind])

    cycles = (VIRTUAL_CLOCK.monotonic() - began) / (0.9 * POLL_INTERVAL) + 1
    assert large_place.requests.total() <= cycles * PAGES[kind]
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


@pytest.mark.parametrize("kind", ["cbr checkpoint", "csbs backup", "vbs backup", "rds", "taurusdb"])
async def test_three_hundred_backups_that_end_together_cost_the_pages_of_two_listings(
    large_place: Place, kind: str
) -> None:
    references = await large_place.start(MANY)
    waits = [large_place.wait(reference, poll_interval=POLL_INTERVAL) for reference in references]
    large_place.end(references)

    ended = await asyncio.gather(*waits)

    assert {observation.phase for observation in ended} == {Phase.SUCCEEDED}
    assert [observation.reference for observation in ended] == references
    # Two lists: of what is in progress, and of what began lately. RDS has no such list for all instances.
    single_looks = MANY if kind == "rds" else 0
    # The instances may be listed once more, until all backups have been read.
    assert large_place.requests.total() <= single_looks + (4 if single_looks else 2) * PAGES[kind]


SINGLE_LOOKS = {
    "cbr backup": "{backup_id}",
    "csbs backup": "{item_id}",
    "csbs checkpoint": "checkpoint_items",
    "vbs backup": "{backup_id}",
    "rds": "backups",
    "gaussdb": "backups",
    "taurusdb": "backups",
}


@pytest.mark.parametrize("kind", SINGLE_LOOKS)
async def test_one_backup_is_polled_by_single_reads(place: Place, kind: str) -> None:
    [reference] = await place.start(1)
    wait = place.wait(reference)
    await place.requests_reach(1)
    place.end([reference])

    assert (await wait).phase is Phase.SUCCEEDED
    assert set(place.requests) == {SINGLE_LOOKS[kind]}


@pytest.mark.parametrize("kind", ["cbr checkpoint"])
async def test_a_single_checkpoint_of_cbr_is_polled_by_listings(place: Place) -> None:
    [reference] = await place.start(1)
    wait = place.wait(reference)
    place.end([reference])

    assert (await wait).phase is Phase.SUCCEEDED
    assert place.requests == {"backups": 2}


@pytest.mark.parametrize("kind", ["cbr backup", "csbs checkpoint", "vbs backup", "gaussdb"])
async def test_three_backups_are_polled_by_a_listing(place: Place) -> None:
    references = await place.start(3)
    waits = [place.wait(reference, poll_interval=0.1) for reference in references]
    began = VIRTUAL_CLOCK.monotonic()

    await place.requests_reach(2)

    assert place.requests.total() <= (VIRTUAL_CLOCK.monotonic() - began) / (0.9 * 0.1) + 1
    place.end(references)
    assert {observation.phase for observation in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


@pytest.mark.parametrize("kind", ["cbr backup", "rds"])
async def test_a_few_that_end_among_many_are_confirmed_by_single_reads(large_place: Place, kind: str) -> None:
    references = await large_place.start(MANY)
    waits = [large_place.wait(reference, poll_interval=POLL_INTERVAL) for reference in references]
    await large_place.requests_reach(PAGES[kind])
    large_place.end(references[:1])

    assert (await waits[0]).phase is Phase.SUCCEEDED

    assert not any(wait.done() for wait in waits[1:])
    assert 1 <= large_place.requests[SINGLE_LOOKS[kind]] <= 4
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)

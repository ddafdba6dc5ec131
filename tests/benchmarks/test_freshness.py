"""What one look at the fresh backups of 1,000 resources costs, in requests."""

from __future__ import annotations

import pytest

from benchmarks.criteria import MOST_LOOK_REQUESTS
from benchmarks.freshness import measured_look


@pytest.mark.parametrize("service", [name for name in MOST_LOOK_REQUESTS if name != "rds"])
async def test_a_look_at_a_thousand_resources_reads_pages_of_one_list(service: str) -> None:
    row = await measured_look(service, 1_000)

    assert (row["resources"], row["fresh"]) == (1_000, 1_000)
    assert row["requests"] <= MOST_LOOK_REQUESTS[service]


async def test_a_look_at_rds_reads_one_list_for_each_instance() -> None:
    row = await measured_look("rds", 50)

    assert (row["fresh"], row["requests"]) == (50, 50)

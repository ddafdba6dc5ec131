"""What one report on the protection of 1,000 resources with 10,000 backups costs, in requests and CPU."""

from __future__ import annotations

import pytest

from benchmarks.criteria import MOST_REPORT_CPU, MOST_REPORT_REQUESTS
from benchmarks.protection import measured_report
from benchmarks.server.backups import SERVICES


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "rds"])
def test_a_report_on_a_thousand_resources_reads_pages_and_finds_the_one_without_a_backup(service: str) -> None:
    row = measured_report(service, 1_000)

    assert row["backups"] >= 9_990
    assert (row["resources"], row["found"], row["others"]) == (1_000, 1, 0)
    assert row["requests"] <= MOST_REPORT_REQUESTS
    # Other tests have the machine at the same time: twice what the benchmark allows.
    assert row["cpu_seconds"] <= 2 * MOST_REPORT_CPU


def test_a_report_on_every_server_of_a_project_reads_pages_and_finds_the_one_without_a_backup() -> None:
    row = measured_report("cbr", 400, protectables=["server"])

    assert (row["service"], row["found"], row["others"]) == ("cbr, every server", 1, 0)
    # Pages of 50 servers and of 1,000 backups, and one each of policies, vaults and the operation log.
    assert row["requests"] <= 9 + 2 + 3

"""What stands in the local cloud from the start."""

from __future__ import annotations

import re

import pytest

from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.services.registry import SERVICES


def seeded(service: str, extra: int = 0) -> Inventory:
    """Return an inventory that a service has put its resources into."""
    state = CloudState()
    inventory = Inventory(state, extra)
    SERVICES[service](state, inventory)
    return inventory


def test_every_server_has_disks_that_know_their_server() -> None:
    inventory = Inventory(CloudState())
    assert len(inventory.servers) >= 3
    for server in inventory.servers.values():
        disks = [inventory.volumes[identifier] for identifier in server["volumes"]]
        assert disks
        assert {disk["server_id"] for disk in disks} == {server["id"]}
        assert server["size_gb"] == sum(disk["size_gb"] for disk in disks)
        assert sum(disk["bootable"] for disk in disks) == 1


def test_one_disk_hangs_on_no_server() -> None:
    volumes = Inventory(CloudState()).volumes
    assert [row["status"] for row in volumes.values() if row["server_id"] is None] == ["available"]


@pytest.mark.parametrize(("service", "suffixes"), [("rds", "01|03|04"), ("gaussdb", "14"), ("taurusdb", "07")])
def test_the_ids_of_instances_end_as_those_of_their_service_do(service: str, suffixes: str) -> None:
    instances = seeded(service).instances(service)
    assert len(instances) >= 3
    assert all(re.fullmatch(rf"[0-9a-f]{{32}}in({suffixes})", identifier) for identifier in instances)


def test_the_first_rds_instance_is_mysql_and_all_engines_are_there() -> None:
    engines = [row["engine"] for row in seeded("rds").instances("rds").values()]
    assert engines[0] == "MySQL"
    assert {"MySQL", "PostgreSQL", "SQLServer"} == set(engines)


def test_ids_are_the_same_at_every_first_start() -> None:
    assert list(Inventory(CloudState()).servers) == list(Inventory(CloudState()).servers)
    assert "61302bca-203a-57af-95b5-01782f5bd9b9" in Inventory(CloudState()).servers


def test_an_inventory_that_was_changed_is_not_seeded_again() -> None:
    state = CloudState()
    first = Inventory(state)
    next(iter(first.volumes.values()))["name"] = "renamed"
    assert next(iter(Inventory(state).volumes.values()))["name"] == "renamed"


def test_further_resources_come_after_the_named_ones() -> None:
    few, many = Inventory(CloudState()), Inventory(CloudState(), extra=3)

    for resources in ("servers", "volumes"):
        names = list(getattr(few, resources))
        assert list(getattr(many, resources))[: len(names)] == names
        assert len(getattr(many, resources)) == len(names) + 3


def test_further_instances_come_after_the_named_ones() -> None:
    few, many = (list(seeded("gaussdb", extra=extra).instances("gaussdb")) for extra in (0, 3))

    assert many[: len(few)] == few
    assert len(many) == len(few) + 3


def test_instances_that_are_there_already_stay_as_they_are() -> None:
    state = CloudState()
    SERVICES["rds"](state, Inventory(state))
    first = list(Inventory(state).instances("rds"))

    SERVICES["rds"](state, Inventory(state, extra=3))

    assert list(Inventory(state).instances("rds")) == first


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_protects_something_that_is_there(service: str) -> None:
    inventory = seeded(service)

    assert len(inventory.resources(SERVICES[service].protects)) >= 3


def test_each_further_server_has_a_disk_that_it_starts_from() -> None:
    inventory = Inventory(CloudState(), extra=1)

    *_, server = inventory.servers.values()
    [disk] = [inventory.volumes[identifier] for identifier in server["volumes"]]
    assert disk["server_id"] == server["id"]
    assert disk["bootable"]

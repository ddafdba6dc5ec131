"""otcextensions, unmodified, against every route of the emulated CSBS: its proxy is a bare REST adapter."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openstack import exceptions

from airflow_provider_backup.cloud.services.csbs.models import PROVIDER_ID
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.services.csbs import EmulatedCsbs
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.openstack_connection import otc_connection

PATTERN = (
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:FREQ=WEEKLY;BYDAY=TU;BYHOUR=3;BYMINUTE=15\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
PROVIDER = f"/providers/{PROVIDER_ID}"


class Client:
    """``connection.csbs`` of otcextensions, and the things that the calls need.

    :param cloud: where to log in, with user and password; the endpoint comes from the catalog.
    """

    def __init__(self, cloud: RunningCloud) -> None:
        connection = otc_connection(cloud)
        self.csbs: Any = getattr(connection, "csbs")  # noqa: B009 - put there at run time, unknown to mypy
        self.server_id = cloud.describe()["resources"]["servers"][0]

    def body(self, response: Any) -> Any:
        """Return the body of an answer that must be 200."""
        exceptions.raise_from_response(response)
        assert response.status_code == 200
        return response.json()

    def create_policy(self) -> dict[str, Any]:
        operation = {
            "name": "weekly",
            "enabled": True,
            "operation_type": "backup",
            "operation_definition": {"max_backups": 20, "permanent": False},
            "trigger": {"properties": {"pattern": PATTERN}},
        }
        policy = {
            "name": "srv-weekly",
            "description": "",
            "provider_id": PROVIDER_ID,
            "parameters": {"common": {}},
            "resources": [{"id": self.server_id, "type": "OS::Nova::Server", "name": "app01"}],
            "scheduled_operations": [operation],
        }
        created: dict[str, Any] = self.body(self.csbs.post("/policies", json={"policy": policy}))["policy"]
        return created

    def protect(self) -> str:
        """Back up a server and wait for it; return the checkpoint's id."""
        path = f"{PROVIDER}/resources/{self.server_id}/action"
        checkpoint = self.body(self.csbs.post(path, json={"protect": {"backup_name": "before-upgrade"}}))["checkpoint"]
        checkpoint_id: str = checkpoint["id"]
        while self.items(checkpoint_id)[0]["status"] == "protecting":
            time.sleep(0.05)
        return checkpoint_id

    def restore_parameters(self) -> dict[str, Any]:
        """Back up a server, and return what restores it."""
        (item,) = self.items(self.protect())
        volumes = [
            {"backup_id": disk["id"], "volume_id": disk["source_volume_id"]}
            for disk in item["extend_info"]["volume_backups"]
        ]
        targets = {"server_id": self.server_id, "volumes": volumes}
        return {"checkpoint_item_id": item["id"], "power_on": True, "targets": targets}

    def items(self, checkpoint_id: str) -> list[dict[str, Any]]:
        path = "/checkpoint_items"
        found: list[dict[str, Any]] = self.body(self.csbs.get(path, params={"checkpoint_id": checkpoint_id}))[
            "checkpoint_items"
        ]
        return found


def creates_a_policy(client: Client) -> None:
    policy = client.create_policy()
    assert (policy["name"], policy["status"]) == ("srv-weekly", "suspended")


def lists_policies(client: Client) -> None:
    policy = client.create_policy()
    assert client.body(client.csbs.get("/policies", params={"limit": 10})) == {"policies": [policy]}


def reads_a_policy(client: Client) -> None:
    policy = client.create_policy()
    assert client.body(client.csbs.get(f"/policies/{policy['id']}")) == {"policy": policy}


def changes_a_policy(client: Client) -> None:
    policy = client.create_policy()
    changed = client.body(client.csbs.put(f"/policies/{policy['id']}", json={"policy": {"name": "renamed"}}))
    assert changed["policy"]["name"] == "renamed"


def deletes_a_policy(client: Client) -> None:
    policy = client.create_policy()
    assert client.csbs.delete(f"/policies/{policy['id']}").status_code == 200
    with pytest.raises(exceptions.NotFoundException, match=r"CSBS\.3000"):
        exceptions.raise_from_response(client.csbs.get(f"/policies/{policy['id']}"))


def executes_a_policy(client: Client) -> None:
    policy = client.create_policy()
    body = {"checkpoint": {"plan_id": policy["id"], "parameters": {"auto_trigger": False, "resources": None}}}
    checkpoint = client.body(client.csbs.post(f"{PROVIDER}/checkpoints", json=body))["checkpoint"]
    assert checkpoint["protection_plan"]["name"] == "srv-weekly"
    assert [item["resource_id"] for item in client.items(checkpoint["id"])] == [client.server_id]


def protects_a_server(client: Client) -> None:
    (item,) = client.items(client.protect())
    assert (item["name"], item["status"]) == ("before-upgrade", "available")


def asks_what_can_be_backed_up(client: Client) -> None:
    question = {"resource_id": client.server_id, "resource_type": "OS::Nova::Server"}
    answer = client.body(client.csbs.post(f"{PROVIDER}/resources/action", json={"check_protectable": [question]}))
    assert answer["protectable"] == [{**question, "result": True, "error_code": "", "error_msg": ""}]


def asks_what_can_be_restored(client: Client) -> None:
    parameters = client.restore_parameters()
    target = {"resource_id": client.server_id, "resource_type": "OS::Nova::Server"}
    question = {
        "checkpoint_item_id": parameters["checkpoint_item_id"],
        "target": {**target, "volumes": parameters["targets"]["volumes"]},
    }
    answer = client.body(client.csbs.post(f"{PROVIDER}/resources/action", json={"check_restorable": [question]}))
    assert answer["restorable"] == [{**target, "result": True, "error_code": "", "error_msg": ""}]


def restores_a_backup(client: Client) -> None:
    parameters = client.restore_parameters()
    (item,) = client.items("")
    order = {"provider_id": PROVIDER_ID, "checkpoint_id": item["checkpoint_id"], "parameters": parameters}
    restore = client.body(client.csbs.post("/restores", json={"restore": order}))["restore"]
    assert (restore["status"], restore["parameters"]) == ("in_progress", parameters)
    while (status := client.items(item["checkpoint_id"])[0]["status"]) == "restoring":
        time.sleep(0.05)
    assert status == "available"


def lists_backups(client: Client) -> None:
    checkpoint_id = client.protect()
    found = client.body(client.csbs.get("/checkpoint_items", params={"status": "available"}))["checkpoint_items"]
    assert [item["checkpoint_id"] for item in found] == [checkpoint_id]


def counts_backups(client: Client) -> None:
    client.protect()
    assert client.body(client.csbs.get("/checkpoint_items/count")) == {"count": 1}


def reads_a_backup(client: Client) -> None:
    (item,) = client.items(client.protect())
    assert client.body(client.csbs.get(f"/checkpoint_items/{item['id']}")) == {"checkpoint_item": item}


def deletes_backups(client: Client) -> None:
    checkpoint_id = client.protect()
    assert client.body(client.csbs.delete(f"{PROVIDER}/checkpoints/{checkpoint_id}")) == {}
    while client.items(checkpoint_id):
        time.sleep(0.05)


CALLS: dict[str, Callable[[Client], None]] = {
    "POST /policies": creates_a_policy,
    "GET /policies": lists_policies,
    "GET /policies/{policy_id}": reads_a_policy,
    "PUT /policies/{policy_id}": changes_a_policy,
    "DELETE /policies/{policy_id}": deletes_a_policy,
    "POST /providers/{provider_id}/checkpoints": executes_a_policy,
    "DELETE /providers/{provider_id}/checkpoints/{checkpoint_id}": deletes_backups,
    "POST /providers/{provider_id}/resources/action": asks_what_can_be_backed_up,
    "POST /providers/{provider_id}/resources/{server_id}/action": protects_a_server,
    "POST /restores": restores_a_backup,
    "GET /checkpoint_items": lists_backups,
    "GET /checkpoint_items/count": counts_backups,
    "GET /checkpoint_items/{item_id}": reads_a_backup,
}


def test_every_served_route_has_a_call() -> None:
    state = CloudState()
    served = EmulatedCsbs(state, Inventory(state)).routes()

    assert {f"{route.method} {route.path.removeprefix('/v1/{project_id}')}" for route in served} == set(CALLS)


@pytest.fixture(autouse=True)
def nothing_of_the_person_who_runs_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("call", [*CALLS.values(), asks_what_can_be_restored], ids=lambda call: call.__name__)
def test_otcextensions(call: Callable[[Client], None], backup_cloud: RunningCloud) -> None:
    call(Client(backup_cloud))


def test_otcextensions_shows_the_services_code_on_a_refusal(backup_cloud: RunningCloud) -> None:
    client = Client(backup_cloud)
    client.create_policy()
    body = {"checkpoint": {"plan_id": "unknown", "parameters": {}}}

    with pytest.raises(exceptions.NotFoundException, match=r"CSBS\.3000"):
        exceptions.raise_from_response(client.csbs.post(f"{PROVIDER}/checkpoints", json=body))

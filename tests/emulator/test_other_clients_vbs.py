"""Other people's clients take, read and delete VBS backups in the local cloud, unmodified.

otcextensions has policies, openstacksdk has the native calls for backups. Calls that neither of them has, or that are
broken inside otcextensions (tasks and jobs, VBS section 8), go through otcextensions' own plain requests.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack import exceptions
from openstack.block_storage.v2.backup import Backup as BackupOfVersion2

from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.openstack_connection import otc_connection

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SCHEDULE = {
    "start_time": "01:00",
    "frequency": 1,
    "rentention_num": 3,
    "remain_first_backup_of_curMonth": "N",
    "status": "ON",
}


@pytest.fixture(autouse=True)
def nothing_of_the_person_who_runs_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def connection(backup_cloud: RunningCloud) -> Iterator[openstack.connection.Connection]:
    connection = otc_connection(backup_cloud)
    yield connection
    connection.close()


@pytest.fixture
def volumes(backup_cloud: RunningCloud) -> list[str]:
    found: list[str] = backup_cloud.describe()["resources"]["volumes"]
    return found


def new_policy(connection: Any, name: str = "nightly") -> Any:
    return connection.vbs.create_backup_policy(name=name, scheduled_policy=SCHEDULE)


def policy_now(connection: Any, policy_id: str) -> Any:
    (found,) = [policy for policy in connection.vbs.backup_policies() if policy.id == policy_id]
    return found


def tasks_of(connection: Any, policy_id: str, **query: Any) -> dict[str, Any]:
    response = connection.vbs.get(f"/backuppolicy/{policy_id}/backuptasks", params=query)
    exceptions.raise_from_response(response)
    answer: dict[str, Any] = response.json()
    return answer


def new_backup(connection: Any, volume_id: str, name: str = "by-hand") -> str:
    response = connection.vbs.post("/cloudbackups", json={"backup": {"volume_id": volume_id, "name": name}})
    exceptions.raise_from_response(response)
    return str(response.json()["job_id"])


def finished_job(connection: Any, job_id: str) -> dict[str, Any]:
    endpoint = connection.vbs.get_endpoint().replace("%(project_id)s", connection.current_project_id)
    url = endpoint.replace("/v2", "/v1", 1)
    for _ in range(200):
        response = connection.vbs.get(f"{url}/jobs/{job_id}")
        exceptions.raise_from_response(response)
        job: dict[str, Any] = response.json()
        if job["status"] not in ("INIT", "RUNNING"):
            return job
        time.sleep(0.05)
    pytest.fail(f"job {job_id} does not end")


def good_backup(connection: Any, volume_id: str, name: str = "by-hand") -> str:
    job = finished_job(connection, new_backup(connection, volume_id, name))
    assert job["status"] == "SUCCESS"
    return str(job["entities"]["backup_id"])


# ------------------------------------------------------------------------------------------- policies, by otcextensions


def test_otcextensions_creates_and_lists_a_policy(connection: Any) -> None:
    created = new_policy(connection)
    found = policy_now(connection, created.id)
    assert found.name == "nightly"
    assert found.policy_resource_count == 0
    assert {name: found.scheduled_policy[name] for name in SCHEDULE} == SCHEDULE


def test_otcextensions_passes_on_members_that_it_does_not_know(connection: Any) -> None:
    created = connection.vbs.create_backup_policy(
        name="weekly",
        scheduled_policy={"start_time": "23:00", "week_frequency": ["MON"], "rentention_day": 30, "status": "OFF"},
        time_zone="UTC+02:00",
        tags=[{"key": "team", "value": "billing"}],
    )
    raw = connection.vbs.get("/backuppolicy").json()["backup_policies"]
    assert [policy["backup_policy_id"] for policy in raw] == [created.id]
    assert raw[0]["scheduled_policy"]["week_frequency"] == ["MON"]
    assert raw[0]["scheduled_policy"]["rentention_day"] == 30


def test_otcextensions_reports_that_a_policy_is_wrong(connection: Any) -> None:
    with pytest.raises(exceptions.BadRequestException, match="full hours in UTC"):
        connection.vbs.create_backup_policy(name="n", scheduled_policy={**SCHEDULE, "start_time": "01:30"})


def test_otcextensions_updates_a_policy(connection: Any) -> None:
    created = new_policy(connection)
    connection.vbs.update_backup_policy(created, name="renamed", scheduled_policy={"frequency": 2})
    found = policy_now(connection, created.id)
    assert (found.name, found.scheduled_policy["frequency"]) == ("renamed", 2)
    assert found.scheduled_policy["start_time"] == "01:00"


@pytest.mark.parametrize("by_id", [True, False])
def test_otcextensions_disables_and_enables_a_policy(connection: Any, by_id: bool) -> None:
    created = new_policy(connection)
    connection.vbs.disable_policy(created.id if by_id else created)
    assert policy_now(connection, created.id).scheduled_policy["status"] == "OFF"
    connection.vbs.enable_policy(created.id if by_id else policy_now(connection, created.id))
    assert policy_now(connection, created.id).scheduled_policy["status"] == "ON"


def test_otcextensions_deletes_a_policy(connection: Any) -> None:
    created = new_policy(connection)
    connection.vbs.delete_backup_policy(created)
    assert list(connection.vbs.backup_policies()) == []
    connection.vbs.delete_backup_policy(created.id, ignore_missing=True)
    with pytest.raises(exceptions.NotFoundException):
        connection.vbs.delete_backup_policy(created.id, ignore_missing=False)


def test_otcextensions_distinguishes_disks_that_were_linked_from_those_that_were_not(
    connection: Any, volumes: list[str]
) -> None:
    created = new_policy(connection)
    result = connection.vbs.link_resources_to_policy(created, [*volumes[:2], UNKNOWN])
    assert [resource.resource_id for resource in result.success_resources] == volumes[:2]
    assert [(each.resource_id, each.code) for each in result.fail_resources] == [(UNKNOWN, "AutoBackup.1400")]
    assert policy_now(connection, created.id).policy_resource_count == 2


def test_otcextensions_distinguishes_disks_that_were_unlinked_from_those_that_were_not(
    connection: Any, volumes: list[str]
) -> None:
    created = new_policy(connection)
    connection.vbs.link_resources_to_policy(created, volumes[:2])
    result = connection.vbs.unlink_resources_of_policy(created, volumes[1:3])
    assert [resource.resource_id for resource in result.success_resources] == [volumes[1]]
    assert [resource.resource_id for resource in result.fail_resources] == [volumes[2]]
    assert policy_now(connection, created.id).policy_resource_count == 1


def test_otcextensions_executes_a_policy_and_its_tasks_end_well(connection: Any, volumes: list[str]) -> None:
    created = new_policy(connection)
    connection.vbs.link_resources_to_policy(created, volumes[:2])
    assert connection.vbs.execute_policy(created).status_code == 204
    first = tasks_of(connection, created.id)
    assert first["count"] == 2
    for task in first["tasks"]:
        assert finished_job(connection, task["vbs_job_id"])["status"] == "SUCCESS"
    assert tasks_of(connection, created.id, status="EXECUTE_SUCCESS", limit=1)["count"] == 2
    names = {backup.name for backup in connection.block_storage.backups(details=True)}
    assert names == {task["backup_name"] for task in first["tasks"]}


# --------------------------------------------------------------------------------------------- backups, by openstacksdk


def test_openstacksdk_lists_backups_with_details(connection: Any, volumes: list[str]) -> None:
    backup_id = good_backup(connection, volumes[0])
    (found,) = connection.block_storage.backups(details=True)
    assert (found.id, found.name, found.status, found.size) == (backup_id, "by-hand", "available", 40)
    assert (found.volume_id, found.project_id) == (volumes[0], connection.current_project_id)


def test_openstacksdk_lists_backups_without_details(connection: Any, volumes: list[str]) -> None:
    backup_id = good_backup(connection, volumes[0])
    (found,) = connection.block_storage.backups(details=False)
    assert (found.id, found.name, found.status) == (backup_id, "by-hand", None)


@pytest.mark.parametrize("details", [True, False])
def test_openstacksdk_reads_all_pages(connection: Any, volumes: list[str], details: bool) -> None:
    made = [good_backup(connection, volume) for volume in volumes[:3]]
    found = [backup.id for backup in connection.block_storage.backups(details=details, limit=1)]
    assert found == made[::-1]


def test_openstacksdk_filters_and_sorts_backups(connection: Any, volumes: list[str]) -> None:
    for volume, name in zip(volumes[:3], ["b", "a", "c"], strict=True):
        good_backup(connection, volume, name)
    backups = connection.block_storage.backups
    assert [backup.name for backup in backups(details=True, sort_key="name", sort_dir="asc")] == ["a", "b", "c"]
    assert [backup.name for backup in backups(details=True, name="a", status="available")] == ["a"]
    assert [backup.name for backup in backups(details=True, volume_id=volumes[2])] == ["c"]


def test_openstacksdk_reads_finds_and_waits_for_a_backup(connection: Any, volumes: list[str]) -> None:
    new_backup(connection, volumes[0])
    found = connection.block_storage.find_backup("by-hand", ignore_missing=False)
    assert found.status == "creating"
    connection.block_storage.wait_for_status(found, "available", failures=["error"], interval=0.05, wait=10)
    assert connection.block_storage.get_backup(found.id).status == "available"


def test_openstacksdk_takes_a_backup_of_a_snapshot(connection: Any, volumes: list[str]) -> None:
    first = connection.block_storage.get_backup(good_backup(connection, volumes[0]))
    created = connection.block_storage.create_backup(
        volume_id=volumes[0], snapshot_id=first.snapshot_id, name="native", description="by openstacksdk"
    )
    connection.block_storage.wait_for_status(created, "available", failures=["error"], interval=0.05, wait=10)
    found = connection.block_storage.get_backup(created.id)
    assert (found.name, found.volume_id, found.snapshot_id) == ("native", volumes[0], first.snapshot_id)


def test_openstacksdk_reports_that_a_backup_needs_a_snapshot(connection: Any, volumes: list[str]) -> None:
    with pytest.raises(exceptions.BadRequestException, match="snapshot_id"):
        connection.block_storage.create_backup(volume_id=volumes[0], name="native")


@pytest.mark.parametrize("method", ["post", "delete"])
def test_the_job_of_the_older_deletion_ends_when_the_backup_is_gone(
    connection: Any, volumes: list[str], method: str
) -> None:
    backup_id = good_backup(connection, volumes[0])
    response = getattr(connection.vbs, method)(f"/cloudbackups/{backup_id}")
    exceptions.raise_from_response(response)
    job = finished_job(connection, response.json()["job_id"])
    assert (job["job_type"], job["status"], job["entities"]["backup_id"]) == ("bksDeleteBackup", "SUCCESS", backup_id)
    assert list(connection.block_storage.backups(details=True)) == []


def test_openstacksdk_sees_a_backup_fail(backup_cloud: RunningCloud, connection: Any, volumes: list[str]) -> None:
    backup_cloud.fail_next_backup("vbs", "storage pool is full")
    job = finished_job(connection, new_backup(connection, volumes[0]))
    assert (job["status"], job["fail_reason"]) == ("FAIL", "storage pool is full")
    found = connection.block_storage.get_backup(job["entities"]["backup_id"])
    assert (found.status, found.fail_reason) == ("error", "storage pool is full")


def test_openstacksdk_deletes_a_backup_and_waits_until_it_is_gone(connection: Any, volumes: list[str]) -> None:
    backup = connection.block_storage.get_backup(good_backup(connection, volumes[0]))
    connection.block_storage.delete_backup(backup)
    assert connection.block_storage.get_backup(backup.id).status == "deleting"
    connection.block_storage.wait_for_delete(backup, interval=0.05, wait=10)
    assert list(connection.block_storage.backups(details=True)) == []


def test_openstacksdk_restores_a_disk(backup_cloud: RunningCloud, connection: Any, volumes: list[str]) -> None:
    detached = volumes[-1]
    backup_id = good_backup(connection, detached)
    backup_cloud.change_content(detached, 2)
    backup = connection.block_storage.restore_backup(backup_id, volume=detached)
    connection.block_storage.wait_for_status(backup, status="available", failures=["error"], interval=0.05, wait=10)
    assert backup_cloud.content(detached) == 1


def test_openstacksdk_reports_that_a_backup_does_not_exist(connection: Any) -> None:
    with pytest.raises(exceptions.NotFoundException, match=f"Backup {UNKNOWN} could not be found"):
        connection.block_storage.get_backup(UNKNOWN)
    with pytest.raises(exceptions.NotFoundException):
        connection.block_storage.delete_backup(UNKNOWN, ignore_missing=False)


def test_openstacksdk_lists_reads_and_deletes_backups_with_version_2(connection: Any, volumes: list[str]) -> None:
    made = [good_backup(connection, volume) for volume in volumes[:2]]
    listed = list(BackupOfVersion2.list(connection.vbs, base_path="/backups/detail", limit=1))
    assert [backup.id for backup in listed] == made[::-1]
    assert [backup.id for backup in BackupOfVersion2.list(connection.vbs)] == made[::-1]
    read = BackupOfVersion2.new(id=made[0]).fetch(connection.vbs)
    assert (read.status, read.volume_id) == ("available", volumes[0])
    read.delete(connection.vbs)
    assert BackupOfVersion2.new(id=made[0]).fetch(connection.vbs).status == "deleting"


# ------------------------------------------------------------------------------------------------------ plain requests


def test_a_plain_request_for_a_backup_that_cannot_be_made_is_reported_why(connection: Any) -> None:
    with pytest.raises(exceptions.NotFoundException, match="The disk does not exist"):
        new_backup(connection, UNKNOWN)


def test_a_plain_request_for_an_unknown_job_is_not_found(connection: Any) -> None:
    with pytest.raises(exceptions.NotFoundException, match="The job does not exist"):
        finished_job(connection, UNKNOWN)


def test_the_disk_service_of_the_catalog_leads_to_backups_as_go_clients_expect(
    connection: Any, volumes: list[str]
) -> None:
    # gophertelekomcloud looks for volumev2, and replaces evs by vbs in what it finds (VBS section 1).
    url = connection.session.get_endpoint(service_type="volumev2", interface="public", skip_discovery=True)
    endpoint = url.replace("evs", "vbs", 1)
    backup_id = good_backup(connection, volumes[0])
    assert connection.vbs.get(f"{endpoint}/backups/{backup_id}").json()["backup"]["id"] == backup_id
    job_id = new_backup(connection, volumes[1])
    assert connection.vbs.get(f"{endpoint.replace('v2', 'v1', 1)}/jobs/{job_id}").json()["job_id"] == job_id

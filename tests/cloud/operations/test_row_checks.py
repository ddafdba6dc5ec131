"""What services answer is held against the question: a filter that is ignored, an answer about something else."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.operations.backup import BackupKind, OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate, VaultCreate
from airflow_provider_backup.cloud.services.csbs.models import PolicyCreate
from airflow_provider_backup.cloud.services.gaussdb import models as gaussdb_models
from airflow_provider_backup.cloud.services.rds import models as rds_models
from airflow_provider_backup.cloud.services.taurusdb import models as taurusdb_models
from airflow_provider_backup.cloud.services.vbs.models import BackupCreate
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.polling.populated_cloud import DATABASES, open_client

PAGING = {"limit", "offset", "marker"}


@pytest_asyncio.fixture
async def cloud(backup_cloud: RunningCloud) -> AsyncIterator[BackupCloud]:
    """A client of a local cloud whose backups take an hour."""
    backup_cloud.set_backup_seconds(3600)
    async with open_client(backup_cloud) as client:
        yield client


@dataclass
class Two:
    """Backups of two resources, both called ``nightly`` where the service takes that.

    :param resources: what is backed up, by the id that is asked for.
    :param parts: the single resources that are backed up.
    :param references: the two backups.
    """

    resources: list[str]
    parts: list[str]
    references: list[OperationReference]


async def two_backups(cloud: BackupCloud, running: RunningCloud, service: str) -> Two:
    about = running.describe()["resources"]
    if service == "vbs":
        volumes = about["volumes"][:2]
        for each in volumes:
            await cloud.vbs.backups.create(BackupCreate(volume_id=each, name="nightly"))
        ids = {row["volume_id"]: row["id"] for row in running.state.table("vbs.backups").values()}
        return Two(volumes, volumes, [OperationReference("vbs", ids[each]) for each in volumes])
    servers = about["servers"][:2]
    if service == "cbr":
        vaults = [(await cloud.cbr.vaults.create(VaultCreate.model_validate(_vault(each)))).id for each in servers]
        asked = [{"vault_id": vault, "parameters": {"name": "nightly"}} for vault in vaults]
        taken = [await cloud.cbr.checkpoints.create(CheckpointCreate.model_validate(each)) for each in asked]
        return Two(vaults, servers, [cloud.cbr.reference_to(checkpoint) for checkpoint in taken])
    if service == "csbs":
        policies = [
            (await cloud.csbs.policies.create(PolicyCreate.model_validate(_policy(each)))).id for each in servers
        ]
        made = [await cloud.csbs.checkpoints.execute_policy(policy) for policy in policies]
        return Two(policies, servers, [OperationReference("csbs", each.id, "checkpoint") for each in made])
    databases = getattr(cloud, service)
    instances = about[f"{service}_instances"][:2]
    create = {"rds": rds_models, "gaussdb": gaussdb_models, "taurusdb": taurusdb_models}[service].BackupCreate
    begun = [
        await databases.backups.create(create(instance_id=each, name=f"nightly-{number}"))
        for number, each in enumerate(instances)
    ]
    return Two(instances, instances, [databases.reference_to(each) for each in begun])


def _vault(server: str) -> dict[str, Any]:
    billing = {"consistent_level": "crash_consistent", "object_type": "server", "protect_type": "backup", "size": 500}
    return {"name": "app", "billing": billing, "resources": [{"id": server, "type": "OS::Nova::Server"}]}


def _policy(server: str) -> dict[str, Any]:
    trigger = {"properties": {"pattern": "RRULE:FREQ=DAILY;BYHOUR=3;BYMINUTE=15"}}
    return {
        "name": f"policy-{server}",
        "resources": [{"id": server, "name": "server"}],
        "scheduled_operations": [{"enabled": False, "operation_definition": {}, "trigger": trigger}],
    }


def ignore_filters(monkeypatch: pytest.MonkeyPatch, rds_instances: list[str]) -> None:
    """Let every list answer with all that there is, whatever it is asked for."""
    get = ServiceApi.get

    async def get_all(api: ServiceApi, *segments: str, query: Any = None, **arguments: Any) -> Any:
        kept = {name: value for name, value in (query or {}).items() if name in PAGING}
        if api._definition.name == "rds" and segments == ("backups",):
            answers = [await get(api, *segments, query={**kept, "instance_id": each}) for each in rds_instances]
            for answer in answers[1:]:
                answers[0]["backups"] += answer["backups"]
            return answers[0]
        # One object is asked for by its path; a job by its query.
        return await get(api, *segments, query=query if segments == ("jobs",) else kept, **arguments)

    monkeypatch.setattr(ServiceApi, "get", get_all)


async def found(
    cloud: BackupCloud, service: str, resource: str, part: str, name: str
) -> list[OperationReference | None]:
    """Search for what runs on a resource, and for a backup of it by name (CSBS: by policy)."""
    if service == "vbs":
        vbs = cloud.vbs
        return [await vbs.find_backup(volume_id=resource, name=name), await vbs.find_running(volume_id=resource)]
    if service == "cbr":
        return [
            await cloud.cbr.find_checkpoint(vault_id=resource, name=name, since=None),
            await cloud.cbr.find_running(vault_id=resource, resource_ids=[part]),
        ]
    if service == "csbs":
        since = datetime.now(UTC) - timedelta(minutes=1)
        by_policy = cloud.csbs.find_checkpoint(policy_id=resource, started_after=since, policy_server_ids=[part])
        return [await by_policy, await cloud.csbs.find_running(server_ids=[part])]
    databases = getattr(cloud, service)
    return [
        await databases.find_backup(instance_id=resource, name=name),
        await databases.find_running(instance_id=resource),
    ]


ALL = ("vbs", "csbs", "cbr", *DATABASES)


@pytest.mark.parametrize("service", ALL)
async def test_a_search_finds_its_own_backup_only_when_the_service_ignores_the_filters(
    cloud: BackupCloud, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    two = await two_backups(cloud, backup_cloud, service)
    ignore_filters(monkeypatch, backup_cloud.describe()["resources"]["rds_instances"])

    for number, reference in enumerate(two.references):
        name = f"nightly-{number}" if service in DATABASES else "nightly"
        results = await found(cloud, service, two.resources[number], two.parts[number], name)
        assert [result.backup_id if result else None for result in results] == [reference.backup_id] * 2


@pytest.mark.parametrize("service", ALL)
async def test_a_search_for_a_resource_without_backups_finds_nothing_when_the_service_ignores_the_filters(
    cloud: BackupCloud, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    await two_backups(cloud, backup_cloud, service)
    ignore_filters(monkeypatch, backup_cloud.describe()["resources"]["rds_instances"])
    name = "nightly-0" if service in DATABASES else "nightly"
    other = "6a7b1c22-0d41-4f0f-9a51-27d1d6a40001"

    assert await found(cloud, service, other, other, name) == [None, None]


@pytest.mark.parametrize("service", ["cbr", "csbs"])
async def test_a_checkpoint_is_judged_by_its_own_backups_when_the_service_ignores_the_filters(
    cloud: BackupCloud, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    two = await two_backups(cloud, backup_cloud, service)
    for row in backup_cloud.state.table({"cbr": "cbr.backups", "csbs": "csbs.items"}[service]).values():
        if row["checkpoint_id"] == two.references[0].backup_id:
            row["ready_at"] = row["started_at"]
    ignore_filters(monkeypatch, [])

    seen = [await cloud.service(service).observe(reference) for reference in two.references]

    assert [(each.phase, each.resource_ids) for each in seen] == [
        (Phase.SUCCEEDED, (two.parts[0],)),
        (Phase.IN_PROGRESS, (two.parts[1],)),
    ]


@pytest.mark.parametrize("service", DATABASES)
async def test_the_backup_of_another_instance_is_not_judged(
    cloud: BackupCloud, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    two = await two_backups(cloud, backup_cloud, service)
    ignore_filters(monkeypatch, backup_cloud.describe()["resources"]["rds_instances"])
    wrong = OperationReference(service, two.references[0].backup_id, instance_id=two.resources[1])

    with pytest.raises(UnexpectedResponseError, match=f"the answer describes one of instance {two.resources[0]}"):
        await cloud.service(service).observe(wrong)


READS: dict[str, tuple[str, BackupKind]] = {
    "vbs backup": ("vbs", "backup"),
    "cbr checkpoint": ("cbr", "checkpoint"),
    "cbr backup": ("cbr", "backup"),
    "csbs backup": ("csbs", "backup"),
}


@pytest.mark.parametrize("what", READS)
async def test_an_answer_about_another_backup_is_an_error_and_no_result(
    cloud: BackupCloud, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    service, kind = READS[what]
    references = (await two_backups(cloud, backup_cloud, service)).references
    wanted, other = [await one_backup_of(cloud, reference, kind) for reference in references]
    confuse(monkeypatch, wanted, other)

    with pytest.raises(UnexpectedResponseError, match=f"{wanted} was requested, and the answer describes {other}"):
        await cloud.service(service).observe(OperationReference(service, wanted, kind))


async def one_backup_of(cloud: BackupCloud, reference: OperationReference, kind: BackupKind) -> str:
    if reference.kind == kind:
        return reference.backup_id
    return (await cloud.service(reference.service).observe(reference)).backup_ids[0]


def confuse(monkeypatch: pytest.MonkeyPatch, wanted: str, other: str) -> None:
    """Let the service answer with another object in place of the wanted one."""
    get = ServiceApi.get

    async def get_other(api: ServiceApi, *segments: str, **arguments: Any) -> Any:
        return await get(api, *(other if each == wanted else each for each in segments), **arguments)

    monkeypatch.setattr(ServiceApi, "get", get_other)


POLICIES: dict[str, Callable[[BackupCloud, str], Any]] = {
    "csbs": lambda cloud, policy_id: cloud.csbs.policies.get(policy_id),
    "cbr": lambda cloud, vault_id: cloud.cbr.vaults.get(vault_id),
}


@pytest.mark.parametrize("service", POLICIES)
async def test_an_answer_about_another_policy_or_vault_is_an_error_and_no_result(
    cloud: BackupCloud, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    wanted, other = (await two_backups(cloud, backup_cloud, service)).resources
    confuse(monkeypatch, wanted, other)

    with pytest.raises(UnexpectedResponseError, match=f"{wanted} was requested, and the answer describes {other}"):
        await POLICIES[service](cloud, wanted)


async def test_an_answer_about_another_job_is_an_error_and_no_result(
    cloud: BackupCloud, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes = backup_cloud.describe()["resources"]["volumes"][:2]
    wanted, other = [await cloud.vbs.backups.create(BackupCreate(volume_id=each, name="n")) for each in volumes]
    confuse(monkeypatch, wanted, other)

    with pytest.raises(UnexpectedResponseError, match=f"Job {wanted} was requested, and the answer describes {other}"):
        await cloud.vbs.observe(OperationReference("vbs", wanted, "job"))


async def test_rows_that_were_not_asked_for_are_reported_once(
    cloud: BackupCloud, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    two = await two_backups(cloud, backup_cloud, "vbs")
    ignore_filters(monkeypatch, [])
    for _ in range(3):
        await cloud.vbs.find_running(volume_id=two.resources[0])
    volume = two.resources[0]
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == [f"VBS backups: 1 rows are not of volume_id {volume} and are ignored; the service ignores a filter."]


async def test_upper_and_lower_case_of_an_id_are_the_same(cloud: BackupCloud, backup_cloud: RunningCloud) -> None:
    two = await two_backups(cloud, backup_cloud, "vbs")
    with pytest.MonkeyPatch.context() as monkeypatch:
        ignore_filters(monkeypatch, [])
        running = await cloud.vbs.find_running(volume_id=two.resources[0].upper())
    assert running == two.references[0]


async def test_the_service_s_own_spelling_of_an_id_is_expected(cloud: BackupCloud, backup_cloud: RunningCloud) -> None:
    servers = backup_cloud.describe()["resources"]["servers"][:1]
    vault = await cloud.cbr.vaults.create(VaultCreate.model_validate(_vault(servers[0])))
    checkpoint = await cloud.cbr.checkpoints.create(CheckpointCreate.model_validate({"vault_id": vault.id}))
    assert cloud.cbr.reference_to(checkpoint, [servers[0].upper()]).expected_ids == tuple(servers)

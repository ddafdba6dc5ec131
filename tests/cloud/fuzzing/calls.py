"""Every call of every service of the client, found by looking: with arguments that fit, and what real answers are."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_type_hints
from urllib.parse import urlsplit

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import ApiError, InvalidRequestError, NotListedError
from airflow_provider_backup.cloud.http.transport import Response
from airflow_provider_backup.cloud.operations.backup import BackupKind, OperationReference, OperationState
from airflow_provider_backup.cloud.operations.freshness import Freshness, FreshnessRule
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.protection import ProtectionQuestion, ServiceProtection, findings_of
from airflow_provider_backup.cloud.operations.pruning import DeletionOutcome, described
from airflow_provider_backup.cloud.operations.retention import StoredBackup
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.services.cbr import models as cbr
from airflow_provider_backup.cloud.services.csbs import models as csbs
from airflow_provider_backup.cloud.services.gaussdb import models as gaussdb
from airflow_provider_backup.cloud.services.rds import models as rds
from airflow_provider_backup.cloud.services.rds.offsite_models import OffsitePolicyUpdate
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.services.taurusdb import models as taurusdb
from airflow_provider_backup.cloud.services.vbs import models as vbs
from airflow_provider_backup.cloud.settings import CloudSettings, NetworkSettings, PasswordCredentials
from airflow_provider_backup.emulator.core.accounts import PROJECT_ID
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.fuzzing.database_restores import restore_arguments
from tests.cloud.fuzzing.models import assert_storable, look_at

ID = "01234567-89ab-4def-8123-456789abcdef"
_KINDS: Mapping[str, tuple[BackupKind, ...]] = {
    "vbs": ("backup", "job"),
    "csbs": ("backup", "checkpoint"),
    "cbr": ("backup", "checkpoint"),
}
_DATABASES = {"rds": rds, "gaussdb": gaussdb, "taurusdb": taurusdb}
_WEEKLY = {"keep_days": 7, "start_time": "01:00-02:00", "period": "1,2"}
_DATABASE_POLICIES = {
    "rds": rds.PolicyUpdate.model_validate(_WEEKLY),
    "gaussdb": gaussdb.PolicyUpdate.model_validate(_WEEKLY | {"differential_period": "30"}),
    "taurusdb": taurusdb.PolicyUpdate.model_validate(_WEEKLY),
}
_OFFSITE_POLICY = OffsitePolicyUpdate(
    backup_type="all", keep_days=7, destination_region="eu-nl", destination_project_id=PROJECT_ID
)
_LOOK = ProtectionQuestion(
    (), since=datetime.now(UTC) - timedelta(days=1), max_age=timedelta(days=1), max_copy_age=None, max_used=0.0
)
_LAST = ("delete", "remove", "dissociate", "disassociate")
"""What takes things away comes after what looks at them."""
_NEEDED_ALL_THE_SAME = ("instance_id", "policy_id", "date")
"""Arguments with a default, without which some calls refuse to ask."""

_SERVICES_PACKAGE = "airflow_provider_backup.cloud.services."

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """A call of the client.

    :param service: which service.
    :param path: the attributes that lead to the method, from the service on.
    :param kind: of the reference, for calls that take one.
    """

    service: str
    path: tuple[str, ...]
    kind: BackupKind | None = None

    def __str__(self) -> str:
        return ".".join((self.service, *self.path)) + (f"({self.kind})" if self.kind else "")

    def method(self, cloud: BackupCloud) -> Callable[..., Any]:
        """Return the method of an open client."""
        found: Any = cloud.service(self.service)
        for name in self.path:
            found = getattr(found, name)
        method: Callable[..., Any] = found
        return method

    async def run(self, cloud: BackupCloud, given: Arguments) -> Any:
        """Call, read a list to its end, and return what came.

        :param given: arguments by name; what the method does not take is left out.
        """
        method = self.method(cloud)
        arguments: dict[str, Any] = {}
        for name, parameter in inspect.signature(method).parameters.items():
            if name == "reference":
                own = given.get(f"{'.'.join(self.path)}.reference")
                arguments[name] = own or given[f"{self.kind}_reference"]
            elif parameter.kind is parameter.VAR_KEYWORD:
                (filters,) = get_args(get_type_hints(method)[name])
                if "instance_id" in filters.__annotations__:
                    arguments["instance_id"] = given["instance_id"]
            elif parameter.kind is parameter.VAR_POSITIONAL:
                continue
            elif parameter.default is parameter.empty or name in _NEEDED_ALL_THE_SAME:
                owners = (".".join(self.path), self.path[0])
                known = [given[f"{owner}.{name}"] for owner in owners if f"{owner}.{name}" in given]
                arguments[name] = known[0] if known else given[name]
        came = method(**arguments)
        return [each async for each in came] if hasattr(came, "__aiter__") else await came


@dataclass
class World:
    """A service with something in it.

    :param arguments: of its calls, by name.
    :param answers: what it answered to each call, body by body.
    :param requests: what each call sent: method and path.
    """

    arguments: dict[str, Any]
    answers: dict[str, list[bytes]] = field(default_factory=dict)
    requests: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


def all_calls() -> list[Call]:
    """Return every public call of every service and resource; a new one is found without being named anywhere."""
    cloud = BackupCloud(CloudSettings(PasswordCredentials("u", "p", "d"), region="r", cloud="otc"))
    calls: list[Call] = []
    for name in SERVICES:
        service = cloud.service(name)
        for method in _public_calls(service):
            takes_reference = "reference" in inspect.signature(getattr(service, method)).parameters
            kinds = _KINDS.get(name, ("backup",)) if takes_reference else (None,)
            calls += [Call(name, (method,), kind) for kind in kinds]
        for resource_name, resource in vars(service).items():
            if type(resource).__module__.startswith(_SERVICES_PACKAGE) and not resource_name.startswith("_"):
                calls += [Call(name, (resource_name, method)) for method in _public_calls(resource)]
    return sorted(calls, key=lambda call: (call.service, call.path[-1].startswith(_LAST), str(call)))


def _public_calls(owner: object) -> list[str]:
    methods = [(name, value) for name, value in inspect.getmembers(owner, inspect.ismethod) if not name.startswith("_")]
    return [
        name
        for name, method in methods
        if inspect.iscoroutinefunction(method)
        or inspect.isasyncgenfunction(method)
        or "AsyncIterator" in str(inspect.signature(method).return_annotation)
    ]


def look_at_result(result: Any) -> None:
    """Use what a call returned as operators do."""
    if isinstance(result, list | tuple):
        for each in result:
            look_at_result(each)
    elif isinstance(result, RowPage):
        return  # rows that nobody has looked at yet
    elif isinstance(result, ResponseModel):
        look_at(result)
        assert_storable(result.model_dump(mode="json", by_alias=True))
    elif isinstance(result, Mapping) and any(isinstance(each, ApiError) for each in result.values()):
        assert all(str(refusal).encode() for refusal in result.values())
    elif isinstance(result, StoredBackup):
        assert_storable([described(result), list(result.in_use), result.group])
    elif isinstance(result, DeletionOutcome):
        look_at_result(result.backup)
        assert str(result.refusal).encode()
    elif isinstance(result, ServiceProtection):
        assert_storable(findings_of(result, _LOOK))
    elif isinstance(result, Freshness):
        for state in (result.good, result.failed, result.running):
            look_at_result(state)
    elif isinstance(result, OperationState):
        assert str(result).encode()
        assert_storable([result.to_result(), result.phase.value, result.reason])
        assert OperationReference.from_dict(result.reference.to_dict()) == result.reference
    else:
        assert_storable(result.to_dict() if isinstance(result, OperationReference) else result)


def settings_of(running: RunningCloud) -> CloudSettings:
    """Return how the client reaches a local cloud."""
    place = running.describe()
    return CloudSettings(
        PasswordCredentials(place["user"], place["password"], place["domain"]),
        region=place["region"],
        project_name=place["project_name"],
        cloud="custom",
        auth_url=place["iam"],
        network=NetworkSettings(attempts=1),
    )


@asynccontextmanager
async def _recorded(running: RunningCloud) -> AsyncIterator[tuple[BackupCloud, list[bytes], list[tuple[str, str]]]]:
    """Open the client and keep every request and the body of its answer, but those of tokens."""
    bodies: list[bytes] = []
    requests: list[tuple[str, str]] = []
    async with BackupCloud(settings_of(running)) as cloud:
        send = cloud._transport.send

        async def remember(method: str, url: str, **sent: Any) -> Response:
            response = await send(method, url, **sent)
            if "/auth/tokens" not in url:
                bodies.append(response.body)
                requests.append((method, urlsplit(url).path))
            return response

        cloud._transport.send = remember  # type: ignore[method-assign]
        yield cloud, bodies, requests


async def recorded_worlds() -> dict[str, World]:
    """Make something in every service of a local cloud, call everything, and return what was asked and answered."""
    with RunningCloud(backup_seconds=0) as running:
        async with _recorded(running) as (cloud, bodies, requests):
            worlds = {name: World(await _ARGUMENTS[name](cloud, running)) for name in SERVICES}
            for call in all_calls():
                bodies.clear()
                requests.clear()
                try:
                    await call.run(cloud, worlds[call.service].arguments)
                except (ApiError, NotListedError):
                    assert bodies  # a refusal has a body, too
                except InvalidRequestError:
                    continue  # such as a list of all backups, which RDS has not
                worlds[call.service].answers[str(call)] = list(bodies)
                worlds[call.service].requests[str(call)] = list(requests)
    return worlds


async def _vbs(cloud: BackupCloud, running: RunningCloud) -> dict[str, Any]:
    (volume, other, *_) = running.describe()["resources"]["volumes"]
    policy = vbs.PolicyCreate(
        name="nightly", scheduled_policy=vbs.ScheduledPolicy(start_time="01:00", frequency=1, retention_num=7)
    )
    policy_id = await cloud.vbs.policies.create(policy)
    await cloud.vbs.policies.associate(policy_id, [other])
    await cloud.vbs.policies.execute(policy_id)
    backup = vbs.BackupCreate(volume_id=volume, name="before-upgrade")
    job = OperationReference("vbs", await cloud.vbs.backups.create(backup), "job")
    reference = (await cloud.vbs.observe(job)).reference
    return {
        "policy_id": policy_id,
        "job_id": job.backup_id,
        "backup_id": reference.backup_id,
        "backup_reference": reference,
        "job_reference": job,
        "volume_id": volume,
        "volume_ids": [volume],
        "restore": vbs.RestoreCreate(volume_id=volume),
        "name": "before-upgrade",
        "policy": policy,
        "change": vbs.PolicyUpdate(name="weekly"),
        "backup": backup,
        "native_backup": vbs.NativeBackupCreate(volume_id=volume, snapshot_id="snapshot", name="native"),
        "rule": FreshnessRule(),
        "resource_ids": [volume],
        **await _stored(cloud, "vbs", volume),
    }


async def _csbs(cloud: BackupCloud, running: RunningCloud) -> dict[str, Any]:
    (server, *_) = running.describe()["resources"]["servers"]
    operation = csbs.ScheduledOperationCreate.model_validate(
        {
            "enabled": True,
            "operation_type": "backup",
            "operation_definition": {"max_backups": 7, "provider_id": csbs.PROVIDER_ID},
            "trigger": {
                "properties": {
                    "pattern": "BEGIN:VCALENDAR\nBEGIN:VEVENT\nRRULE:FREQ=DAILY;INTERVAL=1\nEND:VEVENT\nEND:VCALENDAR"
                }
            },
        }
    )
    policy = csbs.PolicyCreate.model_validate(
        {
            "name": "servers",
            "resources": [{"id": server, "name": "app", "type": "OS::Nova::Server"}],
            "scheduled_operations": [operation],
        }
    )
    policy_id = (await cloud.csbs.policies.create(policy)).id
    checkpoint = OperationReference("csbs", (await cloud.csbs.checkpoints.execute_policy(policy_id)).id, "checkpoint")
    (item, *_) = [each async for each in cloud.csbs.checkpoint_items.list(checkpoint_id=checkpoint.backup_id)]
    volumes = [csbs.RestoreVolume(backup_id="disk-backup", volume_id="disk")]
    targets = csbs.RestoreTargets(server_id=server, volumes=volumes)
    parameters = csbs.RestoreParameters(checkpoint_item_id=item.id, power_on=True, targets=targets)
    checked = csbs.RestorableTarget(resource_id=server, resource_type="OS::Nova::Server", volumes=volumes)
    return {
        "policy_id": policy_id,
        "checkpoint_id": checkpoint.backup_id,
        "item_id": item.id,
        "backup_reference": OperationReference("csbs", item.id),
        "checkpoint_reference": checkpoint,
        "server_id": server,
        "server_ids": [server],
        "name": None,
        "started_after": datetime.now(UTC) - timedelta(minutes=5),
        "policy": policy,
        "changes": csbs.PolicyUpdate(name="weekly"),
        "restore": csbs.RestoreCreate(checkpoint_id=checkpoint.backup_id, parameters=parameters),
        "rule": FreshnessRule(),
        "questions": [csbs.RestorableQuestion(checkpoint_item_id=item.id, target=checked)],
        **await _stored(cloud, "csbs", server),
    }


async def _cbr(cloud: BackupCloud, running: RunningCloud) -> dict[str, Any]:
    (server, other, *_) = running.describe()["resources"]["servers"]
    policy = cbr.PolicyCreate(
        name="nightly",
        operation_type="backup",
        operation_definition=cbr.OperationDefinition(max_backups=7),
        trigger=cbr.Trigger(properties=cbr.TriggerProperties(pattern=["FREQ=DAILY;INTERVAL=1;BYHOUR=0;BYMINUTE=30"])),
    )
    vault = cbr.VaultCreate(
        name="vault",
        billing=cbr.BillingCreate(
            consistent_level="crash_consistent", object_type="server", protect_type="backup", size=200
        ),
        resources=[cbr.VaultResourceCreate(id=server, type="OS::Nova::Server")],
    )
    policy_id = (await cloud.cbr.policies.create(policy)).id
    vault_id = (await cloud.cbr.vaults.create(vault)).id
    await cloud.cbr.vaults.associate_policy(vault_id, policy_id)
    new = cbr.CheckpointCreate(vault_id=vault_id, parameters=cbr.CheckpointParameters(name="before-upgrade"))
    checkpoint = OperationReference("cbr", (await cloud.cbr.checkpoints.create(new)).id, "checkpoint")
    (backup, *_) = [each async for each in cloud.cbr.backups.list(checkpoint_id=checkpoint.backup_id)]
    (log, *_) = [each async for each in cloud.cbr.operation_logs.list()]
    shared_with = "10ca1c100d0000000000000000000a08"
    await cloud.cbr.backups.add_members(backup.id, [shared_with])
    destination = {
        "destination_region": "eu-nl",
        "destination_project_id": running.describe()["second_region"]["project_id"],
        "destination_vault_id": ID,
    }
    return {
        "policy_id": policy_id,
        "vault_id": vault_id,
        "checkpoint_id": checkpoint.backup_id,
        "backup_id": backup.id,
        "operation_log_id": log.id,
        "backup_reference": OperationReference("cbr", backup.id),
        "checkpoint_reference": checkpoint,
        "resource_ids": [server],
        "resources": [cbr.VaultResourceCreate(id=other, type="OS::Nova::Server")],
        "name": "before-upgrade",
        "since": None,
        "rule": FreshnessRule(),
        "policy": policy,
        "vault": vault,
        "checkpoint": new,
        "restore": cbr.RestoreCreate(
            server_id=server, mappings=[cbr.RestoreMapping(backup_id=backup.id, volume_id=other)]
        ),
        "backups.replication": cbr.BackupReplication(**destination),
        "checkpoints.replication": cbr.VaultReplication(vault_id=vault_id, **destination),
        "policies.changes": cbr.PolicyUpdate(name="weekly"),
        "vaults.changes": cbr.VaultUpdate(name="other"),
        "vaults.update_all.changes": cbr.VaultBatchUpdate(threshold=70),
        "expiration": cbr.ExpirationUpdate(
            expect_expiration_date=(datetime.now(UTC) + timedelta(days=30)).date(), time_zone="UTC+08:00"
        ),
        "destination_vault_id": (await cloud.cbr.vaults.create(vault.model_copy(update={"resources": []}))).id,
        "protectable_type": "server",
        "instance_id": server,
        "tag": cbr.Tag(key="team", value="a"),
        "vault_tags.put_all.tags": [cbr.Tag(key="stage", value="prod")],
        "tags": [cbr.TagKey(key="stage")],
        "key": "team",
        "project_ids": ["10ca1c100d0000000000000000000a09"],
        "member_id": shared_with,
        "update": cbr.MemberUpdate(status="rejected"),
        "search": cbr.TagSearch(tags=[cbr.TagCondition(key="team", values=[])]),
        **await _stored(cloud, "cbr", vault_id),
    }


def _database(name: str) -> Callable[[BackupCloud, RunningCloud], Any]:
    async def arguments(cloud: BackupCloud, running: RunningCloud) -> dict[str, Any]:
        models: Any = _DATABASES[name]
        (instance, other, *_) = running.describe()["resources"][f"{name}_instances"]
        service: Any = cloud.service(name)
        taken = await service.backups.create(models.BackupCreate(instance_id=instance, name="before-upgrade"))
        return {
            "instance_id": instance,
            "backup_id": taken.id,
            "job_id": taken.job_id or ID,
            "backup_reference": service.reference_to(taken),
            "name": "before-upgrade",
            "backup": models.BackupCreate(instance_id=other, name="before-upgrade-2"),
            "policy": _DATABASE_POLICIES[name],
            "offsite_policies.policy": _OFFSITE_POLICY,
            "rule": FreshnessRule(),
            "resource_ids": [instance],
            "date": None,
            "restores.observe.reference": OperationReference(
                name, taken.id, instance_id=instance, job_id=taken.job_id, operation="restore"
            ),
            "backup_ids": [taken.id, ID],
            **restore_arguments(name, instance, taken.id),
            **await _stored(cloud, name, instance),
        }

    return arguments


async def _stored(cloud: BackupCloud, name: str, target_id: str) -> dict[str, Any]:
    stored = await cloud.service(name).stored_backups.read([target_id])
    return {
        "target_ids": [target_id],
        "backups": stored,
        "stored_backups.backup": stored[0],
        "question": _LOOK,
    }


_ARGUMENTS: Mapping[str, Callable[[BackupCloud, RunningCloud], Any]] = {
    "vbs": _vbs,
    "csbs": _csbs,
    "cbr": _cbr,
    **{name: _database(name) for name in _DATABASES},
}


def decoded(body: bytes) -> Any:
    """Return what a recorded body says; ``None`` for an empty one."""
    return json.loads(body) if body.strip() else None

"""Local clouds full of backups in progress, of every kind that can be waited for."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.polling.waiter import Waiter
from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate, VaultCreate
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import AccessKeyCredentials, CloudSettings, NetworkSettings
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.faults.registry import RouteKey
from airflow_provider_backup.emulator.server import LocalCloud
from airflow_provider_backup.emulator.services.csbs.backups import Backups as CsbsBackups
from airflow_provider_backup.emulator.services.csbs.backups import Order as CsbsOrder
from airflow_provider_backup.emulator.services.databases.store import BackupStore
from airflow_provider_backup.emulator.services.vbs.backups import Backups as VbsBackups
from airflow_provider_backup.emulator.services.vbs.backups import Order as VbsOrder
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.polling.fake_service import wait_in
from tests.virtual_clock import VIRTUAL_CLOCK

DATABASES = ("rds", "gaussdb", "taurusdb")
KINDS = ("cbr backup", "cbr checkpoint", "csbs backup", "csbs checkpoint", "vbs backup", *DATABASES)
_TABLES = {"cbr": "cbr.backups", "csbs": "csbs.items", "vbs": "vbs.backups"}


class VirtualCloud(RunningCloud):
    """A local cloud in the event loop of the test, in virtual time; use it with ``async with``.

    :param extra_resources: as for :class:`RunningCloud`.
    :param automatic_backups: likewise.
    """

    clock = VIRTUAL_CLOCK

    def __init__(self, *, extra_resources: int = 0, automatic_backups: bool = False) -> None:
        self._cloud = LocalCloud(
            port=0,
            extra_resources=extra_resources,
            now=lambda: datetime.fromtimestamp(self.clock.time(), UTC),
            automatic_backups=automatic_backups,
        )

    async def __aenter__(self) -> Self:
        await self._cloud.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._cloud.stop()


@dataclass
class Place:
    """A local cloud with a client, and what is waited for in it.

    :param running: the local cloud.
    :param client: the client.
    :param kind: one of :data:`KINDS`, or ``vbs job``.
    """

    running: RunningCloud
    client: BackupCloud
    kind: str
    _before: Counter[RouteKey] = field(default_factory=Counter)

    @property
    def clock(self) -> Clock:
        """The clock of client and cloud."""
        return self.running.clock if isinstance(self.running, VirtualCloud) else SYSTEM_CLOCK

    @property
    def service(self) -> str:
        """Name of the service."""
        return self.kind.split()[0]

    @property
    def rows(self) -> dict[str, Row]:
        """The rows of the service's backups in the local cloud."""
        return self.running.state.table(_TABLES.get(self.service, f"{self.service}.backups"))

    async def start(self, count: int) -> list[OperationReference]:
        """Begin so many backups, each of a resource of its own; they end when :meth:`end` says so."""
        self.running.set_backup_seconds(36_000)
        start = getattr(self, f"_start_{'databases' if self.service in DATABASES else self.service}")
        references: list[OperationReference] = await start(count)
        self.forget_requests()
        return references

    async def _start_cbr(self, count: int, resources: int = 1) -> list[OperationReference]:
        servers = self.running.describe()["resources"]["servers"][:resources]
        billing = {
            "consistent_level": "crash_consistent",
            "object_type": "server",
            "protect_type": "backup",
            "size": 500,
        }
        values = {
            "name": "app",
            "billing": billing,
            "resources": [{"id": server, "type": "OS::Nova::Server"} for server in servers],
        }
        cbr = self.client.cbr
        vault = await cbr.vaults.create(VaultCreate.model_validate(values))
        checkpoint = await cbr.checkpoints.create(CheckpointCreate.model_validate({"vault_id": vault.id}))
        references = [cbr.reference_to(checkpoint)]
        checkpoints = self.running.state.table("cbr.checkpoints")
        parts = [row for row in self.rows.values() if row["checkpoint_id"] == checkpoint.id]
        for _ in range(count - 1):
            copy = _copied(checkpoints, checkpoints[checkpoint.id])
            for part in parts:
                _copied(self.rows, part, checkpoint_id=copy["id"])
            references.append(OperationReference("cbr", copy["id"], "checkpoint", expected_ids=tuple(servers)))
        if self.kind == "cbr checkpoint":
            return references
        return [OperationReference("cbr", row["id"]) for row in self.rows.values()]

    async def start_checkpoint(self, resources: int) -> OperationReference:
        """Begin a checkpoint of several resources."""
        self.running.set_backup_seconds(36_000)
        if self.service == "cbr":
            reference = (await self._start_cbr(1, resources))[0]
        else:
            reference = (await self._start_csbs(1, resources))[0]
        self.forget_requests()
        return reference

    async def _start_csbs(self, count: int, resources: int = 1) -> list[OperationReference]:
        state = self.running.state
        backups = CsbsBackups(state, Inventory(state))
        servers = self.running.describe()["resources"]["servers"][:resources]
        checkpoint_id = state.new_uuid()
        backups.start(checkpoint_id, [{"id": server, "extra_info": {}} for server in servers], CsbsOrder(name="n"))
        references = [OperationReference("csbs", checkpoint_id, "checkpoint", expected_ids=tuple(servers))]
        parts = list(self.rows.values())
        for _ in range(count - 1):
            copy_id = state.new_uuid()
            for part in parts:
                _copied(self.rows, part, checkpoint_id=copy_id)
            references.append(OperationReference("csbs", copy_id, "checkpoint", expected_ids=tuple(servers)))
        if self.kind == "csbs checkpoint":
            return references
        return [OperationReference("csbs", row["id"]) for row in self.rows.values()]

    async def _start_vbs(self, count: int) -> list[OperationReference]:
        state = self.running.state
        volume = self.running.describe()["resources"]["volumes"][0]
        job = VbsBackups(state, Inventory(state)).start(VbsOrder(volume_id=volume, name="nightly"))
        first = self.rows[job["backup_id"]]
        jobs = state.table("vbs.jobs")
        for _ in range(count - 1):
            _copied(jobs, job, backup_id=_copied(self.rows, first)["id"])
        if self.kind == "vbs job":
            return [OperationReference("vbs", row["id"], "job") for row in jobs.values()]
        return [OperationReference("vbs", row["id"]) for row in self.rows.values()]

    async def _start_databases(self, count: int) -> list[OperationReference]:
        state = self.running.state
        store = BackupStore(state, self.service)
        instances = list(Inventory(state).instances(self.service).values())[:count]
        assert len(instances) == count
        started = [
            store.start(instance, name=f"nightly-{number}", description=None, databases=[])
            for number, instance in enumerate(instances)
        ]
        return [OperationReference(self.service, row["id"], instance_id=row["instance_id"]) for row in started]

    def end(self, references: Iterable[OperationReference], *, failure: str | None = None) -> None:
        """Let backups end now.

        :param failure: why they failed; ``None`` for successful ones.
        """
        for reference in references:
            self.end_parts(self.parts_of(reference), failure=failure)

    def end_parts(self, parts: Iterable[Row], *, failure: str | None = None) -> None:
        """Let single backups end now; see :meth:`end`."""
        now = self.running.state.now().isoformat()
        jobs = {row["backup_id"]: row for row in self.running.state.table("vbs.jobs").values()}
        logs = self.running.state.table("cbr.operation_logs").values()
        for part in parts:
            of_part = [log for log in logs if log["details"].get("backup", {}).get("backup_id") == part["id"]]
            for row in (part, *of_part, *([jobs[part["id"]]] if part["id"] in jobs else [])):
                row.update(ready_at=now, failure=failure)

    def parts_of(self, reference: OperationReference) -> list[Row]:
        """Return the rows of the single backups that belong to a reference."""
        if reference.kind == "checkpoint":
            return [row for row in self.rows.values() if row["checkpoint_id"] == reference.backup_id]
        if reference.kind == "job":
            return [self.rows[self.running.state.table("vbs.jobs")[reference.backup_id]["backup_id"]]]
        return [self.rows[reference.backup_id]]

    def at(self, seconds: float) -> str:
        """Return when it is so many seconds from now, in the form of the local cloud's rows."""
        return (self.running.state.now() + timedelta(seconds=seconds)).isoformat()

    def forget_requests(self) -> None:
        """Count requests from now on."""
        self._before = self.running.requests

    @property
    def requests(self) -> Counter[str]:
        """How many requests came to the service since, by the last piece of their route."""
        counted: Counter[str] = Counter()
        for (service, _, route), number in (self.running.requests - self._before).items():
            if service == self.service:
                counted[route.rsplit("/", 1)[-1]] += number
        return counted

    def waiter(self, reference: OperationReference, *, poll_interval: float = 0.05, **arguments: Any) -> Waiter:
        """Return a waiter for a backup that was just started."""
        usual: dict[str, Any] = {
            "started_at": self.clock.time(),
            "poll_interval": poll_interval,
            "clock": self.clock,
        }
        return Waiter(reference, **{**usual, **arguments})

    def wait(self, reference: OperationReference, **arguments: Any) -> asyncio.Task[OperationState]:
        """Begin to wait; the arguments are those of :meth:`waiter`."""

        async def waiting() -> OperationState:
            return await wait_in(self.client.poller(self.service), self.waiter(reference, **arguments))

        return asyncio.create_task(waiting())

    async def requests_reach(self, number: int) -> None:
        """Wait until the service has had so many requests."""
        async with asyncio.timeout(10):
            while self.requests.total() < number:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def open_client(running: RunningCloud, **network: Any) -> AsyncIterator[BackupCloud]:
    """Open a client of a local cloud that retries without long pauses."""
    about = running.describe()
    settings = CloudSettings(
        AccessKeyCredentials(about["ak"], about["sk"]),
        region=about["region"],
        project_id=about["project_id"],
        endpoints=CloudSettings.endpoint_pairs({name: about[name] for name in SERVICES}),
        network=NetworkSettings(**{"attempts": 1, "retry_wait": 0.01, "throttle_timeout": 0.1, **network}),
    )
    clock = running.clock if isinstance(running, VirtualCloud) else SYSTEM_CLOCK
    async with BackupCloud(settings, clock=clock) as client:
        yield client


def _copied(table: dict[str, Row], row: Row, **changes: Any) -> Row:
    copy: Row = {**row, "id": str(uuid.uuid4()), **changes}
    table[copy["id"]] = copy
    return copy

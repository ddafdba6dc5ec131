"""The restore of a database instance as a long-running operation: in place, or to a new one (databases section 8)."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import SecretStr

from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError, ResourceBusyError, Violation
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.databases.conflicts import what_runs
from airflow_provider_backup.cloud.services.databases.instance_states import (
    is_busy,
    is_restoring,
    phase_of_instance,
)
from airflow_provider_backup.cloud.services.databases.models import Instance
from airflow_provider_backup.cloud.services.databases.restore_requests import IN_PLACE, TO_NEW, RestoreRequests
from airflow_provider_backup.cloud.services.databases.restore_sources import (
    RestoreFrom,
    RestoreSource,
    resolve_source,
)

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.restore_states import RestoreState
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService

log = logging.getLogger(__name__)

_OTC = ("otc", "otc-swiss")


@dataclass(frozen=True, slots=True)
class InstanceRestoreRequest:
    """What is restored, and which instance is overwritten with it.

    :param source: what is restored.
    :param target_id: the instance that is overwritten.
    :param options: what the service offers besides, by the names of its request.
    """

    source: RestoreFrom
    target_id: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewInstanceRequest:
    """What is restored, and the instance that is created with it.

    :param source: what is restored.
    :param name: name of the new instance.
    :param like: the instance whose fields it takes over; ``None`` for the one that was backed up.
    :param values: fields that differ, by the names of the request.
    :param password: of the administrator.
    :param options: as for :class:`InstanceRestoreRequest`.
    """

    source: RestoreFrom
    name: str
    like: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    password: SecretStr | None = field(default=None, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)


class _Request(Protocol):
    @property
    def source(self) -> RestoreFrom: ...


RequestT = TypeVar("RequestT", bound=_Request)


@dataclass(frozen=True, slots=True)
class _Prepared(Generic[RequestT]):
    """What was read and settled for one request.

    :param request: the request.
    :param source: what is restored.
    :param wire: what is sent.
    :param since: the restore does not begin before, by the cloud's clock.
    :param refusal: why it cannot be sent now; ``None`` when it can.
    """

    request: RequestT
    source: RestoreSource
    wire: Any
    since: datetime
    refusal: ResourceBusyError | None


class _DatabaseRestore(ABC, Generic[RequestT]):
    """What both kinds of restores share.

    :param service: the open client of the service.
    :param requests: how its requests are built.
    :param cloud: name of the cloud, as in ``CloudSettings.cloud``: some offer less.
    """

    name: ClassVar[str] = "restore"
    kind: ClassVar[str]

    def __init__(self, service: DatabaseService, requests: RestoreRequests, *, cloud: str) -> None:
        self._service = service
        self._requests = requests
        self._cloud = cloud
        self._prepared: _Prepared[RequestT] | None = None

    async def prepare(self, request: RequestT) -> None:
        """Read what is restored and where to, and refuse what cannot be.

        :raises NotFoundError: there is no such backup or instance.
        :raises InvalidRequestError: the service does not restore this to that.
        """
        if self._cloud in _OTC and self.kind not in self._requests.on_otc:
            rule = f"Open Telekom Cloud does not restore {self._service.title} {self.kind}"
            raise InvalidRequestError(f"{self._service.title} restore", [Violation("target", rule, self.kind)])
        self._prepared = await self._read(request)

    async def submit(self, request: RequestT) -> OperationReference:
        """Submit the restore, unless a status that was read before shows that it would be refused.

        :raises ResourceBusyError: the backup is still being taken, or something else runs on an instance.
        """
        if self._prepared is None or self._prepared.request is not request:
            await self.prepare(request)
        prepared, self._prepared = self._prepared, None
        if prepared is None:
            raise AssertionError("prepare comes first")
        if prepared.refusal is not None:
            raise prepared.refusal
        return await self._send(prepared)

    async def find_running(self, request: RequestT) -> OperationReference | None:
        """Return ``None``: an instance does not show what it is restored from."""
        return None

    async def observe(self, reference: OperationReference) -> RestoreState:
        """Read the job of a restore, if it is known, and the instance."""
        state: RestoreState = await self._service.restores.observe(reference)
        return state

    @abstractmethod
    async def _read(self, request: RequestT) -> _Prepared[RequestT]:
        """Read and settle what is sent for a request."""

    @abstractmethod
    async def _send(self, prepared: _Prepared[RequestT]) -> OperationReference:
        """Send it."""

    def _busy(self, source: RestoreSource, target: Instance | None) -> ResourceBusyError | None:
        next_step = "Wait until it has ended, then repeat."
        if source.running is not None:
            return ResourceBusyError(f"The {source.running} is still being taken.", next_step=next_step)
        if target is not None and is_busy(target):
            text = f"The {self._service.name} instance {target.id} is {target.status}."
            return ResourceBusyError(text, next_step=next_step)
        return None

    async def _conflict(self, request: RequestT, *instance_ids: str | None) -> OperationReference | None:
        source = await resolve_source(self._service, request.source)
        if source.running is not None:
            return source.running
        for instance_id in dict.fromkeys([*instance_ids, source.instance_id]):
            if instance_id and (running := await what_runs(self._service, instance_id)):
                return running
        return None

    def _reference(
        self, instance_id: str, request: RequestT, since: datetime, *, source: RestoreSource | None = None
    ) -> OperationReference:
        named = request.source
        moment = source.moment if source else (named.moment if isinstance(named.moment, datetime) else None)
        return OperationReference(
            self._service.name,
            named.backup.backup_id if named.backup else "",
            instance_id=instance_id,
            expected_ids=(instance_id,),
            operation=self.name,
            submitted_at=since.isoformat(),
            source_instance_id=source.instance_id if source else named.instance_id,
            restore_time=moment.astimezone(UTC).isoformat() if moment else None,
        )

    def _now(self) -> datetime:
        return self._service.clock.earliest(datetime.now(UTC))


class InstanceRestoreOperation(_DatabaseRestore[InstanceRestoreRequest]):
    """Overwrite an existing instance with a backup or the state at a moment (databases section 8.1)."""

    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False, is_destructive=True)
    kind = IN_PLACE

    def subject(self, request: InstanceRestoreRequest) -> str:
        """Return the instance and what is restored."""
        return f"instance_id {request.target_id} from {request.source}"

    def name_in(self, request: InstanceRestoreRequest) -> str | None:
        """Return ``None``: a restore carries no name."""
        return None

    async def find(
        self,
        request: InstanceRestoreRequest,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return the restore that runs on the instance: while it does, the instance takes no other one.

        What is over left no trace that would tell whose it was.
        """
        if Phase.IN_PROGRESS not in phases or not is_restoring(await self._service.instances.get(request.target_id)):
            return None
        reference = self._reference(request.target_id, request, self._service.clock.earliest(since))
        return replace(reference, was_restoring=True)

    async def find_conflict(self, request: InstanceRestoreRequest) -> OperationReference | None:
        """Look for a backup that is being made, or a restore, of the target or of what was backed up."""
        return await self._conflict(request, request.target_id)

    async def _read(self, request: InstanceRestoreRequest) -> _Prepared[InstanceRestoreRequest]:
        # The backup first: the service answers that it is busy, too, when a backup failed or is being deleted.
        source = await resolve_source(self._service, request.source)
        target = await self._service.instances.get(request.target_id)
        wire: RequestModel = self._requests.to_existing(source, target, request.options)
        self._warn_of_postgresql(source, target)
        return _Prepared(request, source, wire, self._now(), self._busy(source, target))

    async def _send(self, prepared: _Prepared[InstanceRestoreRequest]) -> OperationReference:
        job_id = await self._service.restores.to_existing(prepared.wire)
        request = prepared.request
        reference = self._reference(request.target_id, request, prepared.since, source=prepared.source)
        return replace(reference, job_id=job_id)

    def _warn_of_postgresql(self, source: RestoreSource, target: Instance) -> None:
        if target.datastore and target.datastore.type.lower() == "postgresql" and target.id == source.instance_id:
            log.warning(
                "Instance %s is PostgreSQL and restored to itself: not every cloud offers that. The service decides.",
                target.id,
            )


class NewInstanceOperation(_DatabaseRestore[NewInstanceRequest]):
    """Create an instance with the content of a backup or of a moment (databases section 8.2).

    Its name shows whose it is. RDS for SQL Server takes each name once, also that of an instance that failed.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(names_are_unique=True)
    kind = TO_NEW

    def subject(self, request: NewInstanceRequest) -> str:
        """Return the instance and what is restored."""
        return f"new instance {request.name} from {request.source}"

    def name_in(self, request: NewInstanceRequest) -> str | None:
        """Return the name of the instance."""
        return request.name

    async def prepare(self, request: NewInstanceRequest) -> None:
        """Read what is restored and what the instance is like, and refuse what cannot be.

        :raises NotFoundError: there is no such backup or instance.
        :raises InvalidRequestError: the service does not restore this to that.
        """
        try:
            await super().prepare(request)
        except (InvalidRequestError, NotFoundError):
            # What an earlier try has started needs no backup any more.
            if not await self._named(request.name):
                raise

    async def find(
        self,
        request: NewInstanceRequest,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return the newest instance with the name of the request."""
        found = [each for each in await self._named(request.name) if phase_of_instance(each) in phases]
        newest = max(found, key=lambda each: each.created or EARLIEST, default=None)
        if newest is None:
            return None
        began = newest.created or self._service.clock.earliest(since)
        return replace(self._reference(newest.id, request, began), is_new=True)

    async def find_conflict(self, request: NewInstanceRequest) -> OperationReference | None:
        """Look for a backup that is being made, or a restore, of what was backed up."""
        return await self._conflict(request)

    async def _read(self, request: NewInstanceRequest) -> _Prepared[NewInstanceRequest]:
        if self._cloud in _OTC and request.password is None:
            rule = "must be given: Open Telekom Cloud creates no instance without the password of its administrator"
            raise InvalidRequestError(f"{self._service.title} restore", [Violation("password_conn_id", rule, None)])
        source = await resolve_source(self._service, request.source)
        requests = self._requests
        like = source.instance if request.like is None else await self._service.instances.get(request.like)
        if like is None:
            rule = f"must be given: instance {source.instance_id}, which was backed up, exists no more"
            raise InvalidRequestError(f"{self._service.title} restore", [Violation("like", rule, None)])
        values = requests.overridden(await requests.values_like(self._service, like), request.values)
        wire = requests.to_new(source, values, name=request.name, password=request.password, options=request.options)
        return _Prepared(request, source, wire, self._now(), self._busy(source, None))

    async def _send(self, prepared: _Prepared[NewInstanceRequest]) -> OperationReference:
        started = await self._service.restores.to_new(prepared.wire)
        reference = self._reference(started.id, prepared.request, prepared.since, source=prepared.source)
        return replace(reference, job_id=started.job_id, is_new=True)

    async def _named(self, name: str) -> list[Instance]:
        return [instance async for instance in self._service.instances.list(name=name)]

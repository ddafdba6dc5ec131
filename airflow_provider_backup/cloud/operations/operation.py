"""What the durable core and the poller need to know of a long-running operation; each service describes its own.

An operation is one verb of one service: take a backup, restore, delete. Each has the same life: submitted once, found
again after a crash, observed until it is terminal. The methods hold what differs between services: request models,
rules for finding, tables of statuses. An instance is bound to the open client of its service and lives as long as one
attempt of a task, so it may keep what :meth:`Operation.prepare` read.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import LIVE, Phase

RequestT = TypeVar("RequestT", contravariant=True)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a service can do for an operation.

    :param carries_name: whether the request carries a name, so that the operation can be told from all others.
    :param names_are_unique: whether the service takes each name once, also that of a failed operation.
    :param is_destructive: whether it overwrites or deletes data. A submission of which nothing can be proved is then
        never repeated: the task fails with the next step.
    :param is_idempotent: whether submitting it twice has the effect of once, as for a deletion; then it may be repeated
        also when it is destructive.
    """

    carries_name: bool = True
    names_are_unique: bool = False
    is_destructive: bool = False
    is_idempotent: bool = False

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may be submitted again when nothing proves what became of the last submission."""
        return self.is_idempotent or not self.is_destructive


class Operation(Protocol[RequestT]):
    """One verb of one service, bound to an open client.

    Errors of the service pass through as they are: :class:`~airflow_provider_backup.cloud.errors.BackupError`.
    """

    name: ClassVar[str]
    """``backup``, ``restore``, ``deletion``, ``replication``; the ``operation`` of its references."""
    capabilities: ClassVar[Capabilities]

    def subject(self, request: RequestT) -> str:
        """Return what the operation acts on, for logs and errors: ``vault_id 0123``.

        :param request: the request.
        """
        ...

    def name_in(self, request: RequestT) -> str | None:
        """Return the name that the request carries; ``None`` where it carries none.

        :param request: the request.
        """
        ...

    async def prepare(self, request: RequestT) -> None:
        """Read what has to be known before anything is looked for or submitted.

        :param request: the request.
        """
        ...

    async def submit(self, request: RequestT) -> OperationReference:
        """Submit the operation once; the caller decides whether it may be repeated.

        :param request: the request.
        :raises ResourceBusyError: something else runs on the resource.
        :raises DuplicateNameError: the name is taken.
        """
        ...

    async def find(
        self,
        request: RequestT,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Look for the newest operation that this request already started.

        :param request: the request.
        :param since: when the work began that the request belongs to, by this machine's clock, with a time zone;
            where no name tells operations apart, older ones are not meant.
        :param phases: in progress or good, unless given otherwise.
        :param by_anyone: whether what others submitted under the same name counts as well; then it must be of all the
            resources of the request.
        """
        ...

    async def find_running(self, request: RequestT) -> OperationReference | None:
        """Look for an operation of the same kind that runs now, whatever submitted it, on all resources of the request.

        :param request: the request.
        """
        ...

    async def find_conflict(self, request: RequestT) -> OperationReference | None:
        """Look for what keeps a resource of the request busy: a backup that is being made, or a restore.

        A task that waits for the resource shares one poller with all others that wait for that operation.

        :param request: the request, which was refused.
        :return: the operation; ``None`` when the reason cannot be seen.
        """
        ...

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read once how an operation stands.

        :param reference: from :meth:`submit` or :meth:`find`, of this or an earlier attempt.
        :raises NotFoundError: the service does not know it (yet, or any more).
        """
        ...


AnyOperation = Operation[Any]
"""An operation for callers that only pass its requests through."""

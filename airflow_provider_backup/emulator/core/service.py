"""The shape of an emulated service, and the few things that all of them need.

A service is a class with ``name``, ``routes`` and ``error_body``; the gateway in front of it checks credentials,
adds request ids and turns :class:`ServiceError` into the service's own error body.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar, Protocol, TypeVar

from aiohttp import web
from pydantic import ValidationError

from airflow_provider_backup.cloud.schema.base import RequestModel, violations_of
from airflow_provider_backup.emulator.core.catalog import CatalogEntry
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.run_times import RunTimes
from airflow_provider_backup.emulator.core.state import CloudState, Row

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Id of the request that is being answered; the gateway sets it."""

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound=RequestModel)


class ServiceError(Exception):
    """A refusal with a documented status and code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class EmulatedService(Protocol):
    """One service of the local cloud, on a port of its own."""

    name: ClassVar[str]

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes with full paths, such as ``/v3/{project_id}/policies``."""

    def error_body(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error body in this service's form."""


class ScheduledPolicies(Protocol):
    """The policies of a service that run by their schedules, by the ids that :meth:`CloudState.schedule` was told."""

    def run_times(self, policy_id: str) -> Sequence[RunTimes]:
        """Return when a policy runs; empty when it is switched off, or there is none with this id."""

    def run(self, policy_id: str) -> None:
        """Take the backups of a policy now; what cannot be backed up now is left out."""

    def expire(self) -> None:
        """Take away the automatic backups that policies no longer keep."""


class EmulatedBackupService(EmulatedService, Protocol):
    """A service of the registry: ``emulator/services/<name>`` has it as ``SERVICE``.

    :param state: tables and clock.
    :param inventory: what can be backed up.
    """

    protects: ClassVar[tuple[str, ...]]
    """Kinds of resources that it backs up: ``servers``, ``volumes``, ``file_systems``, ``rds_instances`` and others."""
    operations: ClassVar[tuple[str, ...]] = ()
    """What else than backups takes time and can be planned to end: ``deletion``, ``restore``."""
    path_prefixes: ClassVar[tuple[str, ...]] = ("",)
    """What may stand before its paths."""
    catalog_entries: ClassVar[tuple[CatalogEntry, ...]] = ()
    """Where the catalog of a token shows it; empty for the one entry that its manifest describes."""
    schedules: ScheduledPolicies | None = None
    """Its policies that run by their schedules; ``None`` when nothing runs by itself."""

    @abstractmethod
    def __init__(self, state: CloudState, inventory: Inventory) -> None: ...


async def json_object(request: web.Request, *, code: str, envelope: str | None = None) -> dict[str, Any]:
    """Read the body as a JSON object, or the object that one member of it wraps.

    :param code: the service's code for a malformed request (status 400).
    :param envelope: name of the wrapping member.
    """
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError:
        raise ServiceError(400, code, "The request body is not JSON.") from None
    content = body.get(envelope) if envelope is not None and isinstance(body, dict) else body
    if not isinstance(content, dict):
        raise ServiceError(400, code, f"The request body has no object {envelope or ''}.".replace(" .", "."))
    return content


def checked(model: type[RequestT], values: Any, *, code: str) -> RequestT:
    """Hold a request against the wire contract; a broken rule is refused with status 400.

    :param code: the service's code for a parameter that fails the check.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ServiceError(400, code, "; ".join(map(str, violations_of(error)))) from None


def in_order(rows: Sequence[Row], sort: str | None, *, keys: Collection[str], code: str) -> list[Row]:
    """Order rows by ``key[:asc|desc],key...``, descending when not said; newest first without it.

    :param sort: the query's ``sort``, 255 characters at most; empty counts as not given.
    :param keys: the keys that may be used.
    :param code: the service's code for a bad order (status 400).
    """
    text = sort or "created_at"
    if len(text) > 255:
        raise ServiceError(400, code, "sort must have 255 characters at most.")
    result = list(rows)
    # The first key weighs most: a stable sort has to take it last.
    for part in reversed(text.split(",")):
        key, _, direction = part.strip().partition(":")
        if key not in keys or direction not in ("", "asc", "desc"):
            raise ServiceError(400, code, f"sort must be key[:asc|desc] with one of {', '.join(keys)}, not {part!r}.")
        result.sort(key=lambda row: str(row.get(key) or ""), reverse=direction != "asc")
    return result


def page(
    rows: Sequence[T], request: web.Request, *, code: str, default_limit: int = 1000, maximum: int = 1000
) -> list[T]:
    """Cut one page out of ``rows`` by the query's ``limit``, ``offset`` and ``marker`` (id of the last row seen).

    :param code: the service's code for a bad limit or offset (status 400).
    """
    query = request.query
    try:
        limit = int(query.get("limit") or default_limit)
        offset = int(query.get("offset") or 0)
    except ValueError:
        raise ServiceError(400, code, "limit and offset must be whole numbers.") from None
    if not 1 <= limit <= maximum or offset < 0:
        raise ServiceError(400, code, f"limit must be 1 to {maximum} and offset 0 or more.")
    first = 0
    if marker := query.get("marker"):
        ids = [row["id"] if isinstance(row, dict) else None for row in rows]
        first = ids.index(marker) + 1 if marker in ids else len(ids)
    return list(rows[first + offset : first + offset + limit])

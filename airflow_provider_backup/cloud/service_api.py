"""One service's address with verbs: what resources use to speak to their service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, Self
from urllib.parse import quote

from airflow_provider_backup.cloud.authentication import Account
from airflow_provider_backup.cloud.clock import CloudClock
from airflow_provider_backup.cloud.endpoints import service_url
from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.json_text import read_json
from airflow_provider_backup.cloud.row_reader import Members, row_reader
from airflow_provider_backup.cloud.sender import Request, Sender, encoded_body
from airflow_provider_backup.cloud.service_definition import ServiceDefinition
from airflow_provider_backup.cloud.settings import CloudSettings

QueryValue = str | int | bool | Sequence[str] | None
Query = Mapping[str, QueryValue]
"""Members that are none are left out, a sequence repeats its name, truth values are written in lower case."""


class ServiceApi:
    """Requests to one service of one project.

    :param definition: which service.
    :param settings: cloud, region, explicit endpoints.
    :param account: credentials, project and catalog.
    :param sender: sends the requests.
    """

    def __init__(
        self, definition: ServiceDefinition, settings: CloudSettings, account: Account, sender: Sender
    ) -> None:
        self._definition = definition
        self._settings = settings
        self._account = account
        self._sender = sender
        self._read: Callable[[bytes], Any] = read_json
        self._tries: int | None = None

    def keeping(self, collection: str, members: Members) -> Self:
        """Return the same service, which keeps only some members of each row that it lists.

        :param collection: the member of an answer that holds the rows.
        :param members: what to keep of each.
        """
        other = copy(self)
        other._read = row_reader(collection, members)
        return other

    def with_tries(self, most: int) -> Self:
        """Return the same service for somebody who asks again anyway.

        :param most: tries of a request, 1 or more; never more than the settings allow.
        """
        other = copy(self)
        other._tries = most
        return other

    @property
    def clock(self) -> CloudClock:
        """The cloud's clock, as far as answers have told it."""
        return self._sender.clock

    async def get(self, *segments: str, query: Query | None = None, version: str | None = None) -> Any:
        """Read; repeated on passing trouble. Returns the decoded JSON, or none without a body."""
        return await self._send("GET", segments, query=query, version=version)

    async def post(
        self,
        *segments: str,
        body: Any = None,
        query: Query | None = None,
        version: str | None = None,
        repeatable: bool = False,
    ) -> Any:
        """Create or act; repeated only when the last try surely had no effect, or ``repeatable`` calls it harmless."""
        return await self._send("POST", segments, query=query, body=body, version=version, repeatable=repeatable)

    async def put(
        self, *segments: str, body: Any = None, query: Query | None = None, version: str | None = None
    ) -> Any:
        """Change; repeated on passing trouble."""
        return await self._send("PUT", segments, query=query, body=body, version=version)

    async def delete(
        self, *segments: str, query: Query | None = None, body: Any = None, version: str | None = None
    ) -> Any:
        """Delete; repeated on passing trouble."""
        return await self._send("DELETE", segments, query=query, body=body, version=version)

    async def _send(
        self,
        method: str,
        segments: Sequence[str],
        *,
        query: Query | None,
        body: Any = None,
        version: str | None,
        repeatable: bool = False,
    ) -> Any:
        headers = dict(self._definition.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(
            service=self._definition.name,
            method=method,
            url=await self._url(segments, version or self._definition.version),
            query=query_pairs(query or {}),
            body=encoded_body(body),
            headers=headers,
            repeatable=repeatable,
            error_classes=self._definition.error_classes,
            read=self._read,
            tries=self._tries,
        )
        return (await self._sender.send(request, self._account)).content

    async def _url(self, segments: Sequence[str], version: str) -> str:
        for segment in segments:
            # An empty id would ask for the whole collection, dots for another path.
            if segment in ("", ".", ".."):
                raise InvalidRequestError(
                    f"Request to {self._definition.name}", [Violation("id", "must be an id and not empty", segment)]
                )
        # The catalog costs a token; with an explicit endpoint it is not needed.
        explicit = self._definition.name in dict(self._settings.endpoints)
        base = service_url(self._definition, self._settings, () if explicit else await self._account.catalog())
        project_id = self._settings.project_id or await self._account.project_id()
        return "/".join((base, version, *(quote(segment, safe="") for segment in (project_id, *segments))))


def query_pairs(query: Query) -> list[tuple[str, str]]:
    """Write a query as names and values in plain text."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if value is None:
            continue
        items = [value] if isinstance(value, str | int) else value
        pairs.extend((name, str(item).lower() if isinstance(item, bool) else str(item)) for item in items)
    return pairs

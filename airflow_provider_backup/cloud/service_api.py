"""One service's address with verbs: what resources use to speak to their service."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from copy import copy
from typing import Any, Self
from urllib.parse import quote

from airflow_provider_backup.cloud.auth.credentials import Account
from airflow_provider_backup.cloud.auth.endpoints import service_url
from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.pipeline import Request, RequestPipeline, encoded_body
from airflow_provider_backup.cloud.http.row_reader import row_reader
from airflow_provider_backup.cloud.http.time_limit import Exchange, within_time_limit
from airflow_provider_backup.cloud.manifest import ServiceManifest
from airflow_provider_backup.cloud.schema.json_decoding import read_json
from airflow_provider_backup.cloud.settings import CloudSettings

QueryValue = str | int | bool | Sequence[str] | None
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NO_SEGMENTS: frozenset[str | None] = frozenset((None, "", ".", ".."))

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
        self, definition: ServiceManifest, settings: CloudSettings, account: Account, sender: RequestPipeline
    ) -> None:
        self._definition = definition
        self._settings = settings
        self._account = account
        self._sender = sender
        self._read: Callable[[bytes], Any] = read_json
        self._tries: int | None = None
        self._names_project = True
        self._has_endpoint = definition.name in dict(settings.endpoints)
        # The base URL, and the catalog that it was found in.
        self._found_address: tuple[Sequence[Mapping[str, Any]], str] | None = None

    def keeping(self, collection: str, row: Any) -> Self:
        """Return the same service, which keeps only some members of each row that it lists.

        :param collection: the member of an answer that holds the rows.
        :param row: what to keep of each, as for :func:`~airflow_provider_backup.cloud.http.row_reader.row_reader`.
        """
        other = copy(self)
        other._read = row_reader(collection, row)
        return other

    def with_tries(self, most: int) -> Self:
        """Return the same service for a caller that repeats its requests anyway.

        :param most: tries of a request, 1 or more; never more than the settings allow.
        """
        other = copy(self)
        other._tries = most
        return other

    def without_project(self) -> Self:
        """Return the same service for paths that do not name the project."""
        other = copy(self)
        other._names_project = False
        return other

    @property
    def name(self) -> str:
        """The service's name, such as ``cbr``."""
        return self._definition.name

    @property
    def cloud_clock(self) -> CloudClock:
        """The cloud's clock, as far as answers have shown it."""
        return self._sender.cloud_clock

    def mask(self, secret: str) -> None:
        """Mask a secret from now on wherever an answer repeats it.

        :param secret: what a request sends and nothing may show, such as the password of a new instance.
        """
        self._sender.secrets.know(secret)

    async def get(self, *segments: str, query: Query | None = None, version: str | None = None) -> Any:
        """Read; repeated on transient errors. Returns the decoded JSON, or ``None`` without a body."""
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
        """Change; repeated on transient errors."""
        return await self._send("PUT", segments, query=query, body=body, version=version)

    async def delete(
        self, *segments: str, query: Query | None = None, body: Any = None, version: str | None = None
    ) -> Any:
        """Delete; repeated on transient errors."""
        return await self._send("DELETE", segments, query=query, body=body, version=version)

    async def request(
        self, method: str, path: str, *, query: Query | None = None, body: Any = None, repeatable: bool = False
    ) -> Any:
        """Send a request that this package has no call for.

        It goes the way of all others: credentials, repetition (``GET``, ``PUT`` and ``DELETE`` on transient errors,
        others only when the last try surely had no effect), limits of rates, typed errors.

        :param method: ``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
        :param path: the path as the vendor's reference writes it, plain and not percent-encoded, with its version and
            with ``{project_id}`` where the project's id belongs: ``/v3/{project_id}/instances``. It goes below the
            service's base URL.
        :param query: names and values; ``None`` is left out, a sequence repeats its name.
        :param body: what is sent as JSON; ``None`` for no body.
        :param repeatable: whether the request is harmless to repeat whatever became of it.
        :return: the decoded JSON of the answer; ``None`` without a body.
        :raises InvalidRequestError: method, path or body cannot be sent.
        :raises ApiError: the service refused.
        :raises CloudConnectionError: no usable answer came.
        """
        check_request(self._definition.name, method, path, body)
        async with self._question_for_credentials():
            base = await self._base_url()
            if "{project_id}" in path:
                path = path.replace("{project_id}", await self._project_id())
        url = _joined(base, path.split("/")[1:])
        return await self._send_to(method, url, query=query, body=body, repeatable=repeatable)

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
        for segment in segments:
            # An empty id would ask for the whole collection, dots for another path.
            if segment in _NO_SEGMENTS:
                raise InvalidRequestError(
                    f"Request to {self._definition.name}", [Violation("id", "must be an id and not empty", segment)]
                )
        async with self._question_for_credentials():
            base = await self._base_url()
            # Also without it in the path: access keys send it as a header.
            project_id = await self._project_id()
            project = (project_id,) if self._names_project else ()
            url = _joined(base, (version or self._definition.version, *project, *segments))
        return await self._send_to(method, url, query=query, body=body, repeatable=repeatable)

    async def _send_to(self, method: str, url: str, *, query: Query | None, body: Any, repeatable: bool) -> Any:
        headers = dict(self._definition.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(
            service=self._definition.name,
            method=method,
            url=url,
            query=query_pairs(query or {}),
            body=encoded_body(body),
            headers=headers,
            repeatable=repeatable,
            error_classes=self._definition.error_classes,
            read=self._read,
            tries=self._tries,
        )
        return (await self._sender.send(request, self._account)).content

    def _question_for_credentials(self) -> AbstractAsyncContextManager[Exchange]:
        # It is the identity service that answers late; a token may be under way for another request.
        return within_time_limit("iam", f"the question for credentials and address of {self._definition.name}")

    async def _base_url(self) -> str:
        # The catalog costs a token; with an explicit endpoint it is not needed.
        catalog = () if self._has_endpoint else await self._account.catalog()
        if self._found_address is None or self._found_address[0] is not catalog:
            self._found_address = (catalog, service_url(self._definition, self._settings, catalog))
        return self._found_address[1]

    async def _project_id(self) -> str:
        return self._settings.project_id or await self._account.project_id()


def _joined(base: str, segments: Sequence[str]) -> str:
    return "/".join((base, *(quote(segment, safe="") for segment in segments)))


def check_request(service: str, method: str, path: object, body: object) -> None:
    """Refuse a request that cannot be sent.

    :param service: name of the service, for the message.
    :param method: HTTP method.
    :param path: as for :meth:`ServiceApi.request`.
    :param body: as for :meth:`ServiceApi.request`.
    :raises InvalidRequestError: with each rule that is broken.
    """
    rules = []
    if method not in _METHODS:
        rules.append(Violation("method", f"must be one of {', '.join(_METHODS)}", method))
    if not isinstance(path, str) or not re.fullmatch(r"/[^?#\s]+", path):
        rules.append(Violation("path", "must begin with / and have no blank, ? or #; a query is an argument", path))
    elif _NO_SEGMENTS & set(path.split("/")[1:]):
        rules.append(Violation("path", "must have no empty piece and no . or ..", path))
    elif re.search(r"[{}]", path.replace("{project_id}", "")):
        rules.append(Violation("path", "only {project_id} is filled in; write other ids as they are", path))
    try:
        encoded_body(body)
    except (TypeError, ValueError, RecursionError):
        rules.append(Violation("body", "must be what JSON can say", type(body).__name__))
    if rules:
        raise InvalidRequestError(f"Request to {service}", rules)


def query_pairs(query: Query) -> list[tuple[str, str]]:
    """Write a query as names and values in plain text."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if value is None:
            continue
        items = [value] if isinstance(value, str | int) else value
        pairs.extend((name, str(item).lower() if isinstance(item, bool) else str(item)) for item in items)
    return pairs

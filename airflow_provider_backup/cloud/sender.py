"""Sends one request until it is answered: credentials, retries, typed errors, decoded JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from airflow_provider_backup.cloud.error_mapping import error_from_response, request_id_of
from airflow_provider_backup.cloud.errors import ApiError, AuthenticationError, NotFoundError, UnexpectedResponseError
from airflow_provider_backup.cloud.retries import may_be_repeated, pause_before
from airflow_provider_backup.cloud.settings import NetworkSettings
from airflow_provider_backup.cloud.signing import canonical_query
from airflow_provider_backup.cloud.transport import Response, Transport

log = logging.getLogger(__name__)

_SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it will be sent, without credentials.

    :param service: who is asked, for errors: ``cbr``, ``iam`` ...
    :param method: HTTP method.
    :param url: the URL without a query, percent-encoded.
    :param query: names and values as plain text.
    :param body: the exact bytes; empty for none. Not shown in the repr: one holds a password.
    :param headers: headers beside those of the credentials.
    :param repeatable: whether a POST may be sent again although it may have had its effect.
    :param error_classes: classes of error by the service's code.
    """

    service: str
    method: str
    url: str
    query: Sequence[tuple[str, str]] = ()
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    error_classes: Mapping[str, type[ApiError]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: headers (not in the repr: one is a token), and the decoded JSON or none without a body."""

    headers: Mapping[str, str] = field(repr=False)
    content: Any


class Authenticator(Protocol):
    """Adds credentials to requests."""

    async def headers(self, request: Request) -> dict[str, str]:
        """Return the headers that prove who asks."""

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Get new credentials after a 401; whether another try with them makes sense."""


class Anonymous:
    """No credentials: for the request that asks for a token."""

    async def headers(self, request: Request) -> dict[str, str]:
        """Return no headers."""
        return {}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """There is nothing to renew."""
        return False


def encoded_body(body: Any) -> bytes:
    """Return the bytes of a JSON body; empty for none."""
    return b"" if body is None else json.dumps(body, ensure_ascii=False).encode()


class Sender:
    """Sends requests over one transport.

    :param transport: the session.
    :param settings: number of tries and pauses.
    """

    def __init__(self, transport: Transport, settings: NetworkSettings) -> None:
        self._transport = transport
        self._settings = settings

    async def send(self, request: Request, authenticator: Authenticator) -> Answer:
        """Send a request until it is answered or further tries make no sense.

        :raises ApiError: the service refused; the subclass tells why.
        :raises CloudConnectionError: no usable answer came.
        :raises UnexpectedResponseError: a successful answer is not JSON.
        """
        credentials: Mapping[str, str] = {}

        async def answered() -> Answer:
            nonlocal credentials
            async for attempt in self._tries(request):
                # Outside of the attempt: fetching a token has tries of its own.
                credentials = await authenticator.headers(request)
                with attempt:
                    return await self._send_once(request, credentials, attempt.retry_state.attempt_number)
            raise AssertionError("tenacity ends by returning or raising")

        try:
            return await answered()
        except AuthenticationError:
            # A token may die early (access section 1.2): renewed once, quietly.
            if not credentials or not await authenticator.renew(credentials):
                raise
        return await answered()

    def _tries(self, request: Request) -> AsyncRetrying:
        repeatable = request.repeatable or request.method in _SAFE_TO_REPEAT

        def worth_repeating(error: BaseException) -> bool:
            return may_be_repeated(error, repeatable=repeatable, reading=request.method == "GET")

        return AsyncRetrying(
            stop=stop_after_attempt(self._settings.attempts),
            retry=retry_if_exception(worth_repeating),
            wait=self._pause,
            before_sleep=lambda state: _log_retry(request, state),
            reraise=True,
        )

    async def _send_once(self, request: Request, credentials: Mapping[str, str], number: int) -> Answer:
        query = canonical_query(request.query)
        response = await self._transport.send(
            request.method,
            f"{request.url}?{query}" if query else request.url,
            headers={**request.headers, **credentials},
            body=request.body,
        )
        try:
            return _answer(request, response)
        except NotFoundError:
            if request.method != "DELETE" or number == 1:
                raise
            # An earlier try has deleted it, only its answer got lost (access section 5).
            return Answer(response.headers, None)

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return pause_before(
            state.attempt_number,
            first_wait=self._settings.retry_wait,
            retry_after=error.retry_after if isinstance(error, ApiError) else None,
        )


def _answer(request: Request, response: Response) -> Answer:
    if response.status >= 300:
        raise error_from_response(
            request.service, response.status, response.headers, response.body, request.error_classes
        )
    if not response.body.strip():
        return Answer(response.headers, None)
    try:
        return Answer(response.headers, json.loads(response.body))
    except (ValueError, RecursionError):
        raise UnexpectedResponseError(
            f"{request.service} answered {response.status} to {request.method} {urlsplit(request.url).path} "
            "with something that is not JSON",
            request_id=request_id_of(response.headers),
            next_step="Check that the endpoint is the service itself and not a proxy's page.",
        ) from None


def _log_retry(request: Request, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0.0
    log.warning(
        "%s %s: try %d failed, next in %.1f s: %s",
        request.method,
        urlsplit(request.url).path,
        state.attempt_number,
        pause,
        error,
    )

"""Sends one request until it is answered: credentials, retries, typed errors, decoded JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.errors import (
    ApiError,
    AuthenticationError,
    BackupError,
    NotFoundError,
    RateLimitedError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.error_parsing import error_from_response, request_id_in_headers
from airflow_provider_backup.cloud.http.rate_limiter import Limiter, Ticket
from airflow_provider_backup.cloud.http.retry_policy import may_be_repeated, may_have_taken_effect, pause_before
from airflow_provider_backup.cloud.http.signing import canonical_query
from airflow_provider_backup.cloud.http.time_limit import Exchange, within_time_limit
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.http.transport import Response, Transport
from airflow_provider_backup.cloud.limits import Limits, current_limits
from airflow_provider_backup.cloud.schema.answers import AnswerObject
from airflow_provider_backup.cloud.schema.json_decoding import read_json
from airflow_provider_backup.cloud.settings import NetworkSettings

log = logging.getLogger(__name__)

_troubles: dict[str, TransientErrorLog] = {}
"""By server, for the whole process: sensors and operators open a client for each look, and it is the same error."""

_SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it will be sent, without credentials.

    :param service: name of the service, for errors: ``cbr``, ``iam`` ...
    :param method: HTTP method.
    :param url: the URL without a query, percent-encoded.
    :param query: names and values as plain text.
    :param body: the exact bytes; empty for none. Not shown in the repr: one holds a password.
    :param headers: headers beside those of the credentials.
    :param repeatable: whether a POST may be sent again although it may have had its effect.
    :param error_classes: classes of error by the service's code.
    :param read: decodes the body of a successful answer; fails with ``ValueError`` at what is not JSON.
    :param tries: how often it is sent at most; ``None`` as often as the settings say, and never more often.
    """

    service: str
    method: str
    url: str
    query: Sequence[tuple[str, str]] = ()
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    error_classes: Mapping[str, type[ApiError]] = field(default_factory=dict)
    read: Callable[[bytes], Any] = read_json
    tries: int | None = None

    @property
    def may_be_repeated(self) -> bool:
        """Whether a second effect of the request would do no harm."""
        return self.repeatable or self.method in _SAFE_TO_REPEAT


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: headers (not in the repr: one is a token), and the decoded JSON, ``None`` without a body."""

    headers: Mapping[str, str] = field(repr=False)
    content: Any


class Authenticator(Protocol):
    """Adds credentials to requests."""

    async def headers(self, request: Request) -> dict[str, str]:
        """Return the headers that authenticate the caller."""

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


class RequestPipeline:
    """Sends requests over one transport.

    :param transport: the session.
    :param settings: number of tries, pauses, and how many requests go at once.
    :param clock: where the time comes from, and what retries sleep on.
    :param limits: the longest pauses; ``None`` uses :func:`current_limits`.
    """

    def __init__(
        self,
        transport: Transport,
        settings: NetworkSettings,
        *,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits | None = None,
    ) -> None:
        self._transport = transport
        self._settings = settings
        self.clock = clock
        self.limits = limits or current_limits()
        self.cloud_clock = CloudClock(clock, self.limits)
        self.secrets = transport.secrets
        self._limiters: dict[str, Limiter] = {}

    async def send(self, request: Request, authenticator: Authenticator) -> Answer:
        """Send a request until it is answered or further tries make no sense.

        :raises ApiError: the service refused; the subclass says why.
        :raises CloudConnectionError: no usable answer came.
        :raises OutOfTimeError: the deadline of the work that it belongs to has passed.
        :raises UnexpectedResponseError: a successful answer is not JSON.
        """
        async with within_time_limit(request.service, f"{request.method} {urlsplit(request.url).path}") as exchange:
            return await self._send(request, authenticator, exchange)

    async def _send(self, request: Request, authenticator: Authenticator, exchange: Exchange) -> Answer:
        credentials: Mapping[str, str] = {}
        may_be_done = False

        async def answered() -> Answer:
            nonlocal credentials, may_be_done
            limiter, ticket = self._limiter(request.service), Ticket(request.method)
            async for attempt in self._tries(request, ticket):
                async with limiter.slot(ticket):
                    # Outside of the attempt: fetching a token has tries of its own.
                    credentials = await authenticator.headers(request)
                    with attempt:
                        try:
                            exchange.begins()
                            answer = await self._send_once(request, credentials, may_be_done=may_be_done)
                        except BackupError as error:
                            exchange.failed(error)
                            may_be_done = may_be_done or may_have_taken_effect(error)
                            if isinstance(error, RateLimitedError):
                                limiter.rejected(ticket, error)
                            elif isinstance(error, ApiError):
                                limiter.accepted(ticket)
                            raise
                        exchange.answered()
                        limiter.accepted(ticket)
                        if trouble := _troubles.get(_server_of(request)):
                            trouble.recovered()
                        return answer
            raise AssertionError("tenacity ends by returning or raising")

        try:
            return await answered()
        except AuthenticationError:
            # A token may die early (access section 1.2): renewed once, quietly.
            if not credentials or not await authenticator.renew(credentials):
                raise
        return await answered()

    def _limiter(self, service: str) -> Limiter:
        if service not in self._limiters:
            self._limiters[service] = Limiter(service, self._settings, clock=self.clock, limits=self.limits)
        return self._limiters[service]

    def _tries(self, request: Request, ticket: Ticket) -> AsyncRetrying:
        most = min(self._settings.attempts, request.tries or self._settings.attempts)

        def worth_repeating(error: BaseException) -> bool:
            return may_be_repeated(error, repeatable=request.may_be_repeated, reading=request.method == "GET")

        def is_last(state: RetryCallState) -> bool:
            return ticket.gave_up or _failures(state, ticket) >= most

        def pause(state: RetryCallState) -> float:
            error = _error_of(state)
            if isinstance(error, RateLimitedError):
                # The pause holds for all: the limiter makes it.
                return 0.0
            return pause_before(
                _failures(state, ticket),
                first_wait=self._settings.retry_wait,
                longest=self.limits.longest_retry_pause,
                retry_after=error.retry_after if isinstance(error, ApiError) else None,
            )

        return AsyncRetrying(
            sleep=self.clock.sleep,
            stop=is_last,
            retry=retry_if_exception(worth_repeating),
            wait=pause,
            before_sleep=lambda state: _log_retry(request, state, ticket),
            reraise=True,
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.time(), UTC)

    async def _send_once(self, request: Request, credentials: Mapping[str, str], *, may_be_done: bool) -> Answer:
        query = canonical_query(request.query)
        sent_at = self._now()
        response = await self._transport.send(
            request.method,
            f"{request.url}?{query}" if query else request.url,
            headers={**request.headers, **credentials},
            body=request.body,
            fresh_connection=not request.may_be_repeated,
        )
        self.cloud_clock.learn(response.headers, sent_at, self._now())
        try:
            return _answer(request, response)
        except NotFoundError:
            if request.method != "DELETE" or not may_be_done:
                raise
            # An earlier try that reached the service has deleted it, only its answer got lost (access section 5).
            return Answer(response.headers, None)


def _answer(request: Request, response: Response) -> Answer:
    if response.status >= 300:
        raise error_from_response(
            request.service,
            response.status,
            response.headers,
            response.body,
            request.error_classes,
            response.secrets,
        )
    if not response.body or response.body.isspace():
        return Answer(response.headers, None)
    request_id = request_id_in_headers(response.headers, response.secrets)
    try:
        content = response.secrets.masked_content(request.read(response.body), response.body)
    except ValueError:
        raise UnexpectedResponseError(
            f"{request.service} answered {response.status} to {request.method} {urlsplit(request.url).path} "
            "with something that is not JSON",
            request_id=request_id,
            next_step="Check that the endpoint is the service itself and not a proxy's page.",
        ) from None
    if isinstance(content, dict):
        content = AnswerObject(content)
        content.request_id = request_id
    return Answer(response.headers, content)


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _server_of(request: Request) -> str:
    return urlsplit(request.url).netloc


def _trouble_with(request: Request) -> TransientErrorLog:
    server = _server_of(request)
    if server not in _troubles:
        _troubles[server] = TransientErrorLog(log, f"{request.service} at {server} answers again")
    return _troubles[server]


def _failures(state: RetryCallState, ticket: Ticket) -> int:
    """Count the tries, the present one included, that were not refused for their rate."""
    return state.attempt_number - ticket.rejections


def _log_retry(request: Request, state: RetryCallState, ticket: Ticket) -> None:
    error = _error_of(state)
    if isinstance(error, RateLimitedError):
        # The limiter logs it, once for all.
        return
    pause = state.next_action.sleep if state.next_action else 0.0
    _trouble_with(request).failed(
        "%s %s: try %d failed, next in %.1f s: %s",
        request.method,
        urlsplit(request.url).path,
        _failures(state, ticket),
        pause,
        error,
    )

"""The only place that does network I/O: one session, bounded in time and size, errors typed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_writer import StreamWriter
from yarl import URL

from airflow_provider_backup import __version__
from airflow_provider_backup.cloud.errors import (
    BackupError,
    CloudConnectionError,
    ConfigurationError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.http.known_secrets import NO_SECRETS, KnownSecrets, secrets_of_proxy
from airflow_provider_backup.cloud.http.proxies import proxy_for
from airflow_provider_backup.cloud.http.signing import SECURITY_TOKEN_HEADER
from airflow_provider_backup.cloud.http.tls import has_own_tls, is_refusal_of_client, tls_context, with_file_versions
from airflow_provider_backup.cloud.limits import Limits, current_limits
from airflow_provider_backup.cloud.settings import NetworkSettings

LONGEST_HEADER = 256 * 1024
"""Bytes of one header: tokens of users with many rights have tens of thousands, and the library's limit is 8,190."""

USER_AGENT = f"airflow-provider-backup/{__version__}"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read to its end; only its status is in the repr, because a token may be in headers and body.

    :param status: HTTP status.
    :param headers: a case-insensitive mapping.
    :param body: the bytes, unpacked.
    :param secrets: what must not be repeated from it: the client's secrets and those of the request.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: KnownSecrets = field(default=NO_SECRETS, repr=False)


class Transport:
    """The connections to all services of one account; opened at the first request.

    Servers close idle connections, some without notice. A request that must not be repeated therefore gets a connection
    of its own; all others share some, and are repeated by the caller.

    :param settings: time-outs, proxy and certificates.
    :param limits: the size of answers; ``None`` uses :func:`current_limits`.
    """

    def __init__(self, settings: NetworkSettings, *, limits: Limits | None = None) -> None:
        self._settings = settings
        self._largest = (limits or current_limits()).largest_response
        self._sessions: _Sessions | None = None
        self._outdated: list[_Sessions] = []
        self._opening = asyncio.Lock()
        self.secrets = KnownSecrets([settings.client_key_password])
        """What must not be repeated from answers; callers that know more secrets add them."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; closing twice does nothing."""
        async with self._opening:
            sessions, self._sessions = self._sessions, None
            outdated, self._outdated = self._outdated, []
        for each in (*outdated, *([sessions] if sessions else [])):
            await each.close()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        fresh_connection: bool = False,
    ) -> Response:
        """Send one request once and read the whole answer, whatever its status.

        :param method: HTTP method.
        :param url: the whole URL, already percent-encoded.
        :param headers: the headers to send.
        :param body: the exact bytes to send; empty for none.
        :param fresh_connection: whether to open a connection for this request alone, which no server can have closed.
        :raises CloudConnectionError: no usable answer came.
        :raises ConfigurationError: the server's certificate is not trusted, or the request cannot be written as it is.
        :raises UnexpectedResponseError: the answer is larger than ``largest_response``, or one of its headers than
            :data:`LONGEST_HEADER`.
        """
        sessions = await self._opened()
        try:
            return await self._exchange(
                sessions.fresh if fresh_connection else sessions.shared, method, url, headers=headers, body=body
            )
        except CloudConnectionError:
            await self._is_outdated(sessions)
            raise
        except ConfigurationError as error:
            if not await self._is_outdated(sessions):
                raise
            # A transient error, as the next request reads the files again. What sends requests need not know of files.
            raise CloudConnectionError(
                f"{error.message} Since then ca_bundle, client_certificate or client_key was renewed.",
                request_sent=False,
                next_step=error.next_step,
            ) from None

    async def _is_outdated(self, sessions: _Sessions) -> bool:
        """Return whether files were renewed since sessions were opened; then the next request opens others."""
        if sessions.files and await asyncio.to_thread(with_file_versions, self._settings) != sessions.files:
            async with self._opening:
                if self._sessions is sessions:
                    # Not closed yet, because other requests may be under way in them.
                    self._outdated.append(sessions)
                    self._sessions = None
            return True
        return False

    async def _exchange(
        self, session: aiohttp.ClientSession, method: str, url: str, *, headers: Mapping[str, str], body: bytes
    ) -> Response:
        host = urlsplit(url).netloc
        proxy = proxy_for(url, self._settings.proxy)
        secrets = self._secrets_of(headers, proxy)
        sent = _Sent(method, host, _Body(body) if body else None, secrets)
        try:
            async with session.request(
                method,
                URL(url, encoded=True),
                headers={"User-Agent": USER_AGENT, **headers},
                data=sent.body,
                proxy=proxy,
                allow_redirects=False,
                skip_auto_headers=("Content-Type",),
            ) as response:
                sent.is_answered = True
                self.secrets.know_for_now(response.headers.get("X-Subject-Token"))
                content = BytesIO()
                async for chunk in response.content.iter_any():
                    content.write(chunk)
                    if content.tell() > self._largest:
                        raise UnexpectedResponseError(f"{host} answered with more than {self._largest} bytes")
                # Not copied, and bytes, which JSON readers do not copy either: a page of a list may be megabytes.
                return Response(response.status, response.headers, content.getvalue(), secrets)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = _failure(error, sent)
        # Not inside of the handler: the library's own errors hold the request with its credentials.
        raise failure

    def _secrets_of(self, headers: Mapping[str, str], proxy: str | None) -> KnownSecrets:
        self.secrets.know_for_now(
            headers.get("X-Auth-Token"), headers.get(SECURITY_TOKEN_HEADER), *secrets_of_proxy(proxy)
        )
        # Each request has its own.
        signature = headers.get("Authorization", "").rpartition("Signature=")[2]
        return self.secrets.and_also(signature) if signature else self.secrets

    async def _opened(self) -> _Sessions:
        if self._sessions is not None:
            return self._sessions
        async with self._opening:
            if self._sessions is None:
                settings = self._settings
                # Without settings of its own the library's context serves, made once at import.
                tls: ssl.SSLContext | bool = True
                files = None
                if has_own_tls(settings):
                    # In threads: it reads files, and computes too long for an event loop that others share. Looked at
                    # before they are read: what is renewed in between is found out at the first error.
                    files = await asyncio.to_thread(with_file_versions, settings)
                    tls = await asyncio.to_thread(tls_context, settings)
                self._sessions = _Sessions(
                    shared=_session(settings, tls, force_close=False),
                    fresh=_session(settings, tls, force_close=True),
                    files=files,
                )
            return self._sessions


@dataclass(frozen=True, slots=True)
class _Sessions:
    """Connections that are used again, and those that serve one request."""

    shared: aiohttp.ClientSession
    fresh: aiohttp.ClientSession
    files: NetworkSettings | None
    """The settings with the versions of the files that were read for them; ``None`` without files."""

    async def close(self) -> None:
        await self.shared.close()
        await self.fresh.close()


def _session(settings: NetworkSettings, tls: ssl.SSLContext | bool, *, force_close: bool) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=settings.total_timeout, sock_connect=settings.connect_timeout),
        connector=aiohttp.TCPConnector(ssl=tls, limit=max(32, settings.requests_at_once), force_close=force_close),
        # Cookies of gateways bind to one of their servers, or identify the user; no service needs one.
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
    )
    # The library repeats by itself what lost its connection. A repeated deletion finds nothing, and nothing can tell
    # that it had its effect before. The library's own test client uses this switch.
    session._retry_connection = False
    return session


@dataclass(slots=True)
class _Sent:
    """A request under way."""

    method: str
    host: str
    body: _Body | None
    secrets: KnownSecrets
    is_answered: bool = False


def _failure(error: Exception, sent: _Sent) -> BackupError:
    """Return the typed error for what the library met."""
    host, words = sent.host, sent.secrets.masked(str(error)).rstrip(".") or type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return ConfigurationError(
            f"The certificate of {host} is not trusted: {sent.secrets.masked(str(error.certificate_error))}",
            next_step="Set ca_bundle in the connection to a file with the authority that signed it.",
        )
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return CloudConnectionError(
            f"The proxy opens no connection to {host}: it answered {error.status} "
            f"{sent.secrets.masked(error.message)}.",
            request_sent=False,
            next_step="Check the proxy with its user and password in the connection.",
        )
    # In TLS 1.3 a server looks at the client's certificate only after the client's part is done.
    if is_refusal_of_client(error):
        return ConfigurationError(
            f"{host} does not accept this client's certificate, or misses one: {words}.",
            next_step="Set client_certificate and client_key in the connection to a pair that the server trusts.",
        )
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return CloudConnectionError(
            f"No connection to {host}: {words}.",
            request_sent=False,
            next_step="Check the endpoint, the region, the proxy and the network.",
        )
    if isinstance(error, ValueError):
        return ConfigurationError(
            f"The request to {host} cannot be written: {words}.",
            next_step="Check endpoints, region and credentials of the connection.",
        )
    if _has_too_long_a_header(error):
        return UnexpectedResponseError(
            f"{host} answered {sent.method} with a header of more than {LONGEST_HEADER} bytes, the limit of this "
            "client for one header",
            next_step="Check that the endpoint is the service itself and not another server. When the token is so "
            "long, use an access key in the connection, or a user with fewer rights.",
        )
    is_late = isinstance(error, TimeoutError)
    if sent.body is not None and not sent.body.was_written:
        return CloudConnectionError(
            f"There was no connection to {host} in time for {sent.method}."
            if is_late
            else f"{host} closed the connection before {sent.method} was written.",
            request_sent=False,
            next_step="Retry; if the problem persists, check network and proxy.",
        )
    return CloudConnectionError(
        f"{sent.method} to {host} got an incomplete answer: {words}.",
        request_sent=True,
        connection_lost=not sent.is_answered
        and isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError),
        next_step=("" if sent.method == "GET" else "Check whether it took effect before repeating it. ")
        + "If the problem persists, check network and proxy"
        + (", and give slow answers more time (total_timeout in the connection)." if is_late else "."),
    )


def _has_too_long_a_header(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, LineTooLong):
            return True
        error = error.__cause__
    return False


class _Body(aiohttp.BytesPayload):
    """The body of a request, which knows whether any of it was written: without it no server has the whole request."""

    was_written = False

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write it; older versions of the library call this."""
        self._look_at(writer)
        await super().write(writer)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write it; later versions of the library call this."""
        self._look_at(writer)
        await super().write_with_length(writer, content_length)

    def _look_at(self, writer: AbstractStreamWriter) -> None:
        if isinstance(writer, StreamWriter) and (writer.transport is None or writer.transport.is_closing()):
            return
        self.was_written = True

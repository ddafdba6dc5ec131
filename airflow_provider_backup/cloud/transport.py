"""The only place that does network I/O: one session, bounded in time and size, errors typed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from airflow_provider_backup import __version__
from airflow_provider_backup.cloud.errors import CloudConnectionError, ConfigurationError, UnexpectedResponseError
from airflow_provider_backup.cloud.proxies import proxy_for
from airflow_provider_backup.cloud.settings import NetworkSettings
from airflow_provider_backup.cloud.tls import has_own_tls, is_refusal_of_client, tls_context

LARGEST_RESPONSE = 64 * 1024 * 1024
"""Bytes: a page of 1,000 backups is some 2 MB."""

USER_AGENT = f"airflow-provider-backup/{__version__}"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read to its end; only its status is in the repr, because a token may be in headers and body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport:
    """One HTTP session for all services of one account; opened at the first request.

    :param settings: time-outs, proxy and certificates.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session; closing twice does nothing."""
        async with self._opening:
            session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """Send one request once and read the whole answer, whatever its status.

        :param method: HTTP method.
        :param url: the whole URL, already percent-encoded.
        :param headers: the headers to send.
        :param body: the exact bytes to send; empty for none.
        :raises CloudConnectionError: no usable answer came.
        :raises ConfigurationError: the server's certificate is not trusted, or the request cannot be written as it is.
        :raises UnexpectedResponseError: the answer is larger than :data:`LARGEST_RESPONSE`.
        """
        host = urlsplit(url).netloc
        session = await self._opened()
        try:
            async with session.request(
                method,
                URL(url, encoded=True),
                headers={"User-Agent": USER_AGENT, **headers},
                data=body or None,
                proxy=proxy_for(url, self._settings.proxy),
                allow_redirects=False,
                skip_auto_headers=("Content-Type",),
            ) as response:
                content = BytesIO()
                async for chunk in response.content.iter_any():
                    content.write(chunk)
                    if content.tell() > LARGEST_RESPONSE:
                        raise UnexpectedResponseError(f"{host} answered with more than {LARGEST_RESPONSE} bytes")
                # Not copied, and bytes, which JSON readers do not copy either: a page of a list may be megabytes.
                return Response(response.status, response.headers, content.getvalue())
        # The library's own errors are not chained: they hold the request with its credentials.
        except aiohttp.ClientConnectorCertificateError as error:
            raise ConfigurationError(
                f"The certificate of {host} is not trusted: {error.certificate_error}",
                next_step="Set ca_bundle in the connection to a file with the authority that signed it.",
            ) from None
        except aiohttp.ClientHttpProxyError as error:
            raise CloudConnectionError(
                f"The proxy opens no connection to {host}: it answered {error.status} {error.message}.",
                request_sent=False,
                next_step="Check the proxy with its user and password in the connection.",
            ) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            if is_refusal_of_client(error):
                raise _client_is_refused(host, error) from None
            raise CloudConnectionError(
                f"No connection to {host}: {_words(error)}.",
                request_sent=False,
                next_step="Check the endpoint, the region, the proxy and the network.",
            ) from None
        except ValueError as error:
            raise ConfigurationError(
                f"The request to {host} cannot be written: {_words(error)}.",
                next_step="Check endpoints, region and credentials of the connection.",
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # In TLS 1.3 a server looks at the client's certificate only after the client's part is done.
            if is_refusal_of_client(error):
                raise _client_is_refused(host, error) from None
            raise CloudConnectionError(
                f"{method} to {host} got no whole answer: {_words(error)}.",
                request_sent=True,
                next_step=("" if method == "GET" else "Look whether it took effect before it is repeated. ")
                + "When it stays, check network and proxy, and give slow answers more time (total_timeout in the "
                "connection).",
            ) from None

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is not None:
            return self._session
        async with self._opening:
            if self._session is None:
                settings = self._settings
                # In a thread: it reads files, and computes too long for an event loop that others share. Without
                # settings of its own the library's context serves, made once at import.
                tls = await asyncio.to_thread(tls_context, settings) if has_own_tls(settings) else True
                self._session = aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=settings.total_timeout, sock_connect=settings.connect_timeout),
                    connector=aiohttp.TCPConnector(ssl=tls, limit=max(32, settings.requests_at_once)),
                )
                # The library repeats by itself what lost its connection. A repeated deletion finds nothing, and nobody
                # can tell that it had its effect before. The library's own test client uses this switch.
                self._session._retry_connection = False
            return self._session


def _words(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _client_is_refused(host: str, error: BaseException) -> ConfigurationError:
    return ConfigurationError(
        f"{host} does not accept this client's certificate, or misses one: {_words(error)}.",
        next_step="Set client_certificate and client_key in the connection to a pair that the server trusts.",
    )

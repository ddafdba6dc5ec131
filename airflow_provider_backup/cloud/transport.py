"""The only place that does network I/O: one session, bounded in time and size, errors typed."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from airflow_provider_backup import __version__
from airflow_provider_backup.cloud.errors import CloudConnectionError, ConfigurationError, UnexpectedResponseError
from airflow_provider_backup.cloud.proxies import proxy_for
from airflow_provider_backup.cloud.settings import NetworkSettings

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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session; closing twice does nothing."""
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
        try:
            async with self._opened().request(
                method,
                URL(url, encoded=True),
                headers={"User-Agent": USER_AGENT, **headers},
                data=body or None,
                proxy=proxy_for(url, self._settings.proxy),
                allow_redirects=False,
                skip_auto_headers=("Content-Type",),
            ) as response:
                content = bytearray()
                async for chunk in response.content.iter_any():
                    content += chunk
                    if len(content) > LARGEST_RESPONSE:
                        raise UnexpectedResponseError(f"{host} answered with more than {LARGEST_RESPONSE} bytes")
                return Response(response.status, response.headers, bytes(content))
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
            raise CloudConnectionError(
                f"{method} to {host} got no whole answer: {_words(error)}.", request_sent=True
            ) from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(
                    total=self._settings.total_timeout, sock_connect=self._settings.connect_timeout
                ),
                connector=aiohttp.TCPConnector(ssl=_tls_context(self._settings.ca_bundle), limit=32),
            )
            # The library repeats by itself what lost its connection. A repeated deletion finds nothing, and nobody can
            # tell that it had its effect before. The library's own test client uses this switch.
            self._session._retry_connection = False
        return self._session


def _words(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _tls_context(ca_bundle: str | None) -> ssl.SSLContext | bool:
    if ca_bundle is None:
        # The library's own context: made once, at import.
        return True
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The CA bundle {ca_bundle!r} cannot be read: {error}.", next_step="Give the path of a PEM file."
        ) from None

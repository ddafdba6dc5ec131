"""The only place that does network I/O: one session, bounded in time and size, errors typed."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from airflow_provider_backup import __version__
from airflow_provider_backup.cloud.errors import CloudConnectionError, ConfigurationError, UnexpectedResponseError
from airflow_provider_backup.cloud.settings import NetworkSettings

LARGEST_RESPONSE = 64 * 1024 * 1024
"""Bytes: a page of 1,000 backups is some 2 MB."""

USER_AGENT = f"airflow-provider-backup/{__version__}"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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
        :raises ConfigurationError: the server's certificate is not trusted.
        :raises UnexpectedResponseError: the answer is larger than :data:`LARGEST_RESPONSE`.
        """
        host = urlsplit(url).netloc
        try:
            async with self._opened().request(
                method,
                URL(url, encoded=True),
                headers={"User-Agent": USER_AGENT, **headers},
                data=body or None,
                proxy=self._settings.proxy,
                allow_redirects=False,
                skip_auto_headers=("Content-Type",),
            ) as response:
                content = await response.content.read(LARGEST_RESPONSE + 1)
                while chunk := await response.content.read(LARGEST_RESPONSE + 1 - len(content)):
                    content += chunk
                if len(content) > LARGEST_RESPONSE:
                    raise UnexpectedResponseError(f"{host} answered with more than {LARGEST_RESPONSE} bytes")
                return Response(response.status, response.headers, content)
        except aiohttp.ClientConnectorCertificateError as error:
            raise ConfigurationError(
                f"The certificate of {host} is not trusted: {error.certificate_error}",
                next_step="Set ca_bundle in the connection to a file with the authority that signed it.",
            ) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise CloudConnectionError(
                f"No connection to {host}: {_words(error)}.",
                request_sent=False,
                next_step="Check the endpoint, the region, the proxy and the network.",
            ) from error
        except aiohttp.InvalidURL as error:
            raise ConfigurationError(f"{url!r} is not a web address.") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CloudConnectionError(
                f"{method} to {host} got no whole answer: {_words(error)}.", request_sent=True
            ) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(
                    total=self._settings.total_timeout, sock_connect=self._settings.connect_timeout
                ),
                connector=aiohttp.TCPConnector(ssl=_tls_context(self._settings.ca_bundle), limit=32),
                trust_env=self._settings.proxy is None,
                auto_decompress=True,
            )
        return self._session


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The CA bundle {ca_bundle!r} cannot be read: {error}.", next_step="Give the path of a PEM file."
        ) from None

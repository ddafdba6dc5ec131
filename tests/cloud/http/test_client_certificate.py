"""A certificate that the client shows: to a real server that demands one, and every way in which it can be wrong."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import CloudConnectionError, ConfigurationError
from airflow_provider_backup.cloud.http import transport as transport_module
from airflow_provider_backup.cloud.http.tls import tls_context
from airflow_provider_backup.cloud.http.transport import Transport
from airflow_provider_backup.cloud.settings import NetworkSettings
from tests.cloud.certificates import Certificate, KeyPair, new_certificate, new_key_pair
from tests.cloud.clients import network
from tests.cloud.unruly_server import running

PASSWORD = "VERY-SECRET"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """A client's certificate with its key."""
    return new_key_pair(tmp_path_factory.mktemp("plain"), "client")


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """A client's certificate whose key has a password."""
    return new_key_pair(tmp_path_factory.mktemp("encrypted"), "client", PASSWORD)


def showing(pair: KeyPair, server: Certificate, **more: Any) -> NetworkSettings:
    return network(
        **{"ca_bundle": server.bundle, "client_certificate": pair.certificate, "client_key": pair.key} | more
    )


def in_one_file(pair: KeyPair, folder: Path) -> str:
    both = folder / "both.pem"
    both.write_text(Path(pair.certificate).read_text() + Path(pair.key).read_text())
    return str(both)


async def status_of(url: str, settings: NetworkSettings) -> int:
    async with Transport(settings) as transport:
        return (await transport.send("GET", url, headers={})).status


def refusal_of(settings: NetworkSettings) -> str:
    """Return what making a context says, after a look that no password is in it or in what stands behind it."""
    with pytest.raises(ConfigurationError) as caught:
        tls_context(settings)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


async def test_a_server_that_demands_a_certificate_is_shown_it(certificate: Certificate, plain: KeyPair) -> None:
    async with running(certificate.demanding(plain.certificate)) as server:
        assert await status_of(server.url, showing(plain, certificate)) == 200


async def test_an_encrypted_key_is_opened_with_its_password(certificate: Certificate, encrypted: KeyPair) -> None:
    async with running(certificate.demanding(encrypted.certificate)) as server:
        settings = showing(encrypted, certificate, client_key_password=PASSWORD)
        assert await status_of(server.url, settings) == 200


async def test_certificate_and_key_may_be_in_one_file(certificate: Certificate, plain: KeyPair, tmp_path: Path) -> None:
    both = in_one_file(plain, tmp_path)
    async with running(certificate.demanding(plain.certificate)) as server:
        settings = network(ca_bundle=certificate.bundle, client_certificate=both)
        assert await status_of(server.url, settings) == 200


@contextmanager
def strict_server(tls: ssl.SSLContext) -> Iterator[str]:
    """Run a server that lets nobody in, and says why as OpenSSL does: the one of asyncio just closes the connection."""

    def refuse(listening: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secure:
                with suppress(ssl.SSLError):
                    secure.do_handshake()
                # What was not read would take the reason along when the connection is closed.
                socket.socket.shutdown(secure, socket.SHUT_WR)
                while socket.socket.recv(secure, 4096):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=refuse, args=(listening,))
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("latest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shows", ["nothing", "a stranger's"])
async def test_a_server_that_misses_a_certificate_is_a_matter_of_configuration(
    certificate: Certificate, plain: KeyPair, encrypted: KeyPair, latest: ssl.TLSVersion, shows: str
) -> None:
    settings = (
        network(ca_bundle=certificate.bundle)
        if shows == "nothing"
        else showing(encrypted, certificate, client_key_password=PASSWORD)
    )
    with (
        strict_server(certificate.demanding(plain.certificate, latest)) as url,
        pytest.raises(ConfigurationError, match="does not accept this client's certificate") as caught,
    ):
        await status_of(url, settings)
    assert "Next step: Set client_certificate and client_key in the connection" in str(caught.value)


@pytest.mark.parametrize("field", ["client_certificate", "client_key"])
def test_a_missing_file_is_named(certificate: Certificate, plain: KeyPair, field: str) -> None:
    told = refusal_of(showing(plain, certificate, **{field: "/nowhere/x.pem"}))
    assert f"The {field.replace('_', ' ')} '/nowhere/x.pem' cannot be read: No such file or directory." in told


def test_a_wrong_password_is_reported(certificate: Certificate, encrypted: KeyPair) -> None:
    told = refusal_of(showing(encrypted, certificate, client_key_password="VERY-SECRET-BUT-WRONG"))
    assert f"The password of the client key {encrypted.key!r} is wrong" in told
    assert "Next step: Check client_certificate, client_key and client_key_password" in told


def test_a_password_that_is_too_long_is_reported(certificate: Certificate, encrypted: KeyPair) -> None:
    assert "is wrong" in refusal_of(showing(encrypted, certificate, client_key_password=PASSWORD * 1000))


def test_a_missing_password_is_reported_and_no_prompt_opens_on_the_terminal(
    certificate: Certificate, encrypted: KeyPair
) -> None:
    told = refusal_of(showing(encrypted, certificate))
    assert f"The password of the client key {encrypted.key!r} is missing" in told


def test_a_key_of_another_certificate_is_reported(
    certificate: Certificate, plain: KeyPair, encrypted: KeyPair, tmp_path: Path
) -> None:
    other = new_key_pair(tmp_path, "other")
    told = refusal_of(showing(plain, certificate, client_key=other.key))
    assert f"The client certificate {plain.certificate!r} and its key {other.key!r} are no pair." in told


@pytest.mark.parametrize("field", ["client_certificate", "client_key"])
def test_a_file_that_is_no_pem_is_reported(
    certificate: Certificate, plain: KeyPair, tmp_path: Path, field: str
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate here")
    told = refusal_of(showing(plain, certificate, **{field: str(empty)}))
    assert "There is no readable client certificate with its key in" in told
    assert str(empty) in told


@pytest.mark.parametrize("fields", [{"client_key": "/k.pem"}, {"client_key_password": PASSWORD}])
def test_a_key_without_a_certificate_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="no client certificate"):
        NetworkSettings(**fields)


def test_the_password_is_not_in_the_text_of_the_settings() -> None:
    assert PASSWORD not in repr(NetworkSettings(client_certificate="/c.pem", client_key_password=PASSWORD))


async def test_the_context_is_made_once_for_all_requests_and_off_the_event_loop(
    certificate: Certificate, plain: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def noted(settings: NetworkSettings) -> ssl.SSLContext:
        threads.append(threading.get_ident())
        return tls_context(settings)

    monkeypatch.setattr(transport_module, "tls_context", noted)
    async with running(certificate.server) as server, Transport(showing(plain, certificate)) as transport:
        await asyncio.gather(*(transport.send("GET", server.url, headers={}) for _ in range(10)))
        await transport.send("GET", server.url, headers={})
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


@pytest.mark.parametrize("fresh_connection", [False, True])
async def test_renewed_files_are_read_again_when_a_server_ends_connections_without_a_word(
    certificate: Certificate, plain: KeyPair, tmp_path: Path, fresh_connection: bool
) -> None:
    mine = KeyPair(*(str(shutil.copy(file, tmp_path)) for file in (plain.certificate, plain.key)))
    (tmp_path / "renewed").mkdir()
    renewed = new_key_pair(tmp_path / "renewed", "client")

    async def status(transport: Transport, url: str) -> int:
        return (await transport.send("GET", url, headers={}, fresh_connection=fresh_connection)).status

    async with (
        running(certificate.demanding(plain.certificate)) as before,
        running(certificate.demanding(renewed.certificate)) as after,
        Transport(showing(mine, certificate)) as transport,
    ):
        assert await status(transport, before.url) == 200
        for _ in range(2):
            with pytest.raises(CloudConnectionError):
                await status(transport, after.url)
        shutil.copy(renewed.certificate, mine.certificate)
        shutil.copy(renewed.key, mine.key)
        with pytest.raises(CloudConnectionError):
            await status(transport, after.url)
        assert await status(transport, after.url) == 200


async def test_a_renewed_authority_is_a_transient_error_for_clients_that_still_trust_the_old_one(
    certificate: Certificate, tmp_path: Path
) -> None:
    bundle = shutil.copy(certificate.bundle, tmp_path)
    (tmp_path / "renewed").mkdir()
    renewed = new_certificate(tmp_path / "renewed", "server")
    async with (
        running(certificate.server) as before,
        running(renewed.server) as after,
        Transport(network(ca_bundle=bundle)) as transport,
    ):
        await transport.send("GET", before.url, headers={})
        shutil.copy(renewed.bundle, bundle)
        with pytest.raises(CloudConnectionError, match="is not trusted.*was renewed") as caught:
            await transport.send("GET", after.url, headers={})
        assert not caught.value.request_sent
        assert (await transport.send("GET", after.url, headers={})).status == 200


async def test_a_client_that_is_closed_while_it_opens_leaves_nothing_open(
    certificate: Certificate, plain: KeyPair
) -> None:
    transport = Transport(showing(plain, certificate))
    async with running(certificate.server) as server:
        sending = asyncio.create_task(transport.send("GET", server.url, headers={}))
        await asyncio.sleep(0)
        sending.cancel()
        await transport.close()
        await asyncio.gather(sending, return_exceptions=True)
        assert transport._sessions is None

"""One request over the wire: what comes back, what does not, and what is never sent."""

from __future__ import annotations

import asyncio
import gzip
import socket
import traceback
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from airflow_provider_backup import __version__
from airflow_provider_backup.cloud.errors import (
    BackupError,
    CloudConnectionError,
    ConfigurationError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.http.transport import LONGEST_HEADER, Response, Transport
from airflow_provider_backup.cloud.limits import Limits
from tests.cloud.certificates import Certificate
from tests.cloud.clients import network
from tests.cloud.recording_proxy import running_proxy
from tests.cloud.unruly_server import (
    Behaviour,
    UnrulyServer,
    answer,
    break_off,
    hang_up,
    running,
    slow,
)

SECRETS = {"X-Auth-Token": "VERY-SECRET-TOKEN", "Authorization": "VERY-SECRET-SIGNATURE"}


@pytest_asyncio.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport(network()) as opened:
        yield opened


@asynccontextmanager
async def answering_bytes(content: bytes) -> AsyncIterator[str]:
    """Run a server that answers every request with the same bytes, and return its URL."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(content)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=2 * LONGEST_HEADER)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def get(transport: Transport, url: str) -> Response:
    return await transport.send("GET", url, headers=SECRETS)


async def error_of(transport: Transport, url: str, kind: type[BackupError] = CloudConnectionError) -> BackupError:
    """Return the error that a request meets, after a look that no secret is in it or in what stands behind it."""
    with pytest.raises(kind) as caught:
        await get(transport, url)
    assert "VERY-SECRET" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value


# ------------------------------------------------------------------------------------------------------- what is sent


async def test_headers_and_body_are_sent_as_they_are_given(transport: Transport, unruly: UnrulyServer) -> None:
    await transport.send("POST", f"{unruly.url}/v3/x", headers={"X-Sdk-Date": "now"}, body="{'ä'}".encode())
    (received,) = unruly.received
    assert (received.method, received.headers["X-Sdk-Date"], received.body) == ("POST", "now", "{'ä'}".encode())
    assert "Content-Type" not in received.headers


async def test_the_url_is_sent_as_it_is_encoded(transport: Transport, unruly: UnrulyServer) -> None:
    await get(transport, f"{unruly.url}/v3/a%2Fb%20c/..?x=%2B%20%7E&y=~")
    assert unruly.received[0].target == "/v3/a%2Fb%20c/..?x=%2B%20%7E&y=~"


async def test_the_program_names_itself(transport: Transport, unruly: UnrulyServer) -> None:
    await get(transport, unruly.url)
    assert unruly.received[0].headers["User-Agent"] == f"airflow-provider-backup/{__version__}"


async def test_one_connection_serves_requests_one_after_another(transport: Transport, unruly: UnrulyServer) -> None:
    ports: set[object] = set()

    async def remember(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return web.Response()

    unruly.then(remember, remember, remember)
    for _ in range(3):
        await get(transport, unruly.url)
    assert len(ports) == 1


async def test_the_login_file_of_this_machine_is_left_alone(
    transport: Transport, unruly: UnrulyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    await get(transport, unruly.url)
    await transport.send("GET", unruly.url, headers={})
    assert [each.headers.get("Authorization") for each in unruly.received] == ["VERY-SECRET-SIGNATURE", None]


# --------------------------------------------------------------------------------------------------- what comes back


@pytest.mark.parametrize("status", [200, 204, 302, 404, 500])
async def test_an_answer_of_any_status_is_returned(transport: Transport, unruly: UnrulyServer, status: int) -> None:
    unruly.then(answer(None if status == 204 else b"words", status, X_Request_Id="r-1"))
    response = await get(transport, unruly.url)
    assert (response.status, response.headers["x-request-id"]) == (status, "r-1")
    assert response.body == (b"" if status == 204 else b"words")


async def test_a_compressed_answer_is_unpacked(transport: Transport, unruly: UnrulyServer) -> None:
    unruly.then(answer(gzip.compress(b"words"), Content_Encoding="gzip"))
    assert (await get(transport, unruly.url)).body == b"words"


async def test_an_answer_keeps_tokens_out_of_its_text(transport: Transport, unruly: UnrulyServer) -> None:
    unruly.then(answer(b"VERY-SECRET-BODY", X_Subject_Token="VERY-SECRET-TOKEN"))
    assert repr(await get(transport, unruly.url)) == "Response(status=200)"


async def test_a_redirect_is_not_followed(transport: Transport, unruly: UnrulyServer) -> None:
    async with running() as other:
        unruly.then(answer(None, 302, Location=f"{other.url}/here"))
        assert (await get(transport, unruly.url)).status == 302
        assert not other.received


async def test_a_large_answer_is_read_whole(transport: Transport, unruly: UnrulyServer) -> None:
    unruly.then(answer(b"x" * 5_000_000))
    assert len((await get(transport, unruly.url)).body) == 5_000_000


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_without_end_is_not_read(unruly: UnrulyServer, packed: bool) -> None:
    async with Transport(network(), limits=Limits(largest_response=100_000)) as transport:
        endless = b"x" * 10_000_000
        unruly.then(answer(gzip.compress(endless), Content_Encoding="gzip") if packed else answer(endless))
        with pytest.raises(UnexpectedResponseError, match="answered with more than 100000 bytes"):
            await get(transport, unruly.url)
        assert (await get(transport, unruly.url)).status == 200


async def test_chunks_without_end_are_not_read(unruly: UnrulyServer) -> None:
    async with Transport(network(), limits=Limits(largest_response=1_000_000)) as transport:
        client_left = asyncio.Event()

        async def endless(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            response.enable_chunked_encoding()
            await response.prepare(request)
            try:
                while True:
                    await response.write(b"x" * 10_000)
            finally:
                # The server sees a reset connection, or its end: then it cancels this.
                client_left.set()

        unruly.then(endless)
        with pytest.raises(UnexpectedResponseError, match="answered with more than 1000000 bytes"):
            await get(transport, unruly.url)
        await asyncio.wait_for(client_left.wait(), 5)


async def test_an_answer_that_unpacks_to_a_gigabyte_takes_little_memory(
    transport: Transport, unruly: UnrulyServer
) -> None:
    bomb = gzip.compress(bytes(10_000_000)) * 100
    unruly.then(answer(bomb, Content_Encoding="gzip"))
    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedResponseError, match="answered with more than 67108864 bytes"):
            await get(transport, unruly.url)
        assert tracemalloc.get_traced_memory()[1] < 3 * Limits().largest_response
    finally:
        tracemalloc.stop()


async def test_an_answer_of_just_the_largest_size_is_read(unruly: UnrulyServer) -> None:
    async with Transport(network(), limits=Limits(largest_response=100_000)) as transport:
        unruly.then(answer(b"x" * 100_000))
        assert len((await get(transport, unruly.url)).body) == 100_000


# ------------------------------------------------------------------------------------------------ what does not come


def sent(error: BackupError) -> bool:
    assert isinstance(error, CloudConnectionError)
    return error.request_sent


async def test_a_connection_that_is_closed_without_an_answer_leaves_the_effect_open(
    transport: Transport, unruly: UnrulyServer
) -> None:
    unruly.then(hang_up, hang_up)
    error = await error_of(transport, unruly.url)
    assert sent(error)
    assert "GET to 127.0.0.1" in str(error)
    assert "got an incomplete answer" in str(error)
    assert "Next step: If the problem persists, check network and proxy" in str(error)


async def test_what_may_have_taken_effect_is_to_be_looked_for_first(transport: Transport, unruly: UnrulyServer) -> None:
    unruly.then(hang_up)
    with pytest.raises(CloudConnectionError, match="Next step: Check whether it took effect before repeating it"):
        await transport.send("POST", unruly.url, headers={}, body=b"{}")


async def test_a_connection_that_is_cut_in_the_answer_leaves_the_effect_open(
    transport: Transport, unruly: UnrulyServer
) -> None:
    unruly.then(break_off)
    assert sent(await error_of(transport, unruly.url))


async def test_an_answer_that_takes_too_long_leaves_the_effect_open(unruly: UnrulyServer) -> None:
    unruly.then(slow(5, answer()))
    async with Transport(network(total_timeout=0.2)) as transport:
        error = await error_of(transport, unruly.url)
    assert sent(error)
    assert "TimeoutError" in str(error)


async def test_a_refused_connection_had_no_effect(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = await error_of(transport, f"http://127.0.0.1:{port}")
    assert not sent(error)
    assert f"No connection to 127.0.0.1:{port}" in str(error)
    assert "Next step: Check the endpoint, the region, the proxy and the network." in str(error)


async def test_an_unknown_host_had_no_effect(transport: Transport) -> None:
    error = await error_of(transport, "https://cbr.nowhere.invalid/v3")
    assert not sent(error)
    assert "No connection to cbr.nowhere.invalid" in str(error)


async def test_a_connection_that_does_not_come_about_in_time_had_no_effect() -> None:
    async with Transport(network(connect_timeout=0.2)) as transport:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            # The queue of connections that nobody accepts is full with the first.
            with socket.create_connection(full.getsockname()):
                error = await error_of(transport, f"http://127.0.0.1:{full.getsockname()[1]}")
    assert not sent(error)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: lots\r\n\r\n",
        b"HTTP/1.1 999999 X\r\n\r\n",
        b"\x00" * 99,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nwords",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 100000 + b"\r\n",
    ],
)
async def test_an_answer_that_is_not_http_is_a_connection_error(transport: Transport, garbage: bytes) -> None:
    async with answering_bytes(garbage) as url:
        error = await error_of(transport, url)
    assert sent(error)
    assert "total_timeout" not in str(error)


async def test_a_token_of_64_kib_is_read_and_sent(transport: Transport, unruly: UnrulyServer) -> None:
    token = "t" * 65536
    unruly.then(answer(b"words", X_Subject_Token=token))
    response = await transport.send("GET", unruly.url, headers={})
    assert response.headers["X-Subject-Token"] == token
    async with answering_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as url:
        assert (await transport.send("GET", url, headers={"X-Auth-Token": token})).status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX: VERY-SECRET" + b"x" * LONGEST_HEADER,
        b"HTTP/1.1 200 OK\r\nVERY-SECRET" + b"x" * LONGEST_HEADER + b": 1",
        b"HTTP/1.1 200 VERY-SECRET" + b"x" * LONGEST_HEADER,
    ],
    ids=["value", "name", "status line"],
)
async def test_a_header_beyond_the_limit_is_reported_with_the_limit(transport: Transport, head: bytes) -> None:
    async with answering_bytes(head + b"\r\n\r\n") as url:
        error = await error_of(transport, url, UnexpectedResponseError)
    assert "a header of more than 262144 bytes" in str(error)
    assert "total_timeout" not in str(error)


@pytest.mark.parametrize("body", [b"{}", b"x" * 1_000_000])
async def test_a_request_that_finds_its_connection_closed_was_not_sent(
    transport: Transport, unruly: UnrulyServer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    write = aiohttp.ClientRequest.send

    async def close_first(request: aiohttp.ClientRequest, connection: Any) -> aiohttp.ClientResponse:
        connection.protocol.transport.close()
        return await write(request, connection)

    monkeypatch.setattr(aiohttp.ClientRequest, "send", close_first)
    with pytest.raises(CloudConnectionError, match="closed the connection before POST was written") as caught:
        await transport.send("POST", unruly.url, headers={}, body=body)
    assert not caught.value.request_sent
    assert not caught.value.connection_lost
    assert not unruly.received


@pytest.mark.parametrize(("trouble", "is_lost"), [(hang_up, True), (break_off, False), (slow(5, answer()), False)])
async def test_a_connection_is_lost_when_the_other_side_ended_it_without_an_answer(
    unruly: UnrulyServer, trouble: Behaviour, is_lost: bool
) -> None:
    unruly.then(trouble)
    async with Transport(network(total_timeout=0.5)) as transport:
        error = await error_of(transport, unruly.url)
    assert isinstance(error, CloudConnectionError)
    assert error.connection_lost is is_lost


async def test_cookies_are_neither_kept_nor_complained_about(
    transport: Transport, unruly: UnrulyServer, caplog: pytest.LogCaptureFixture
) -> None:
    unruly.then(
        answer(b"", Set_Cookie="HWWAFSESID=abc; path=/"), answer(b"", Set_Cookie="b\xe4d{cookie}=1"), answer(b"")
    )
    url = unruly.url.replace("127.0.0.1", "localhost")
    for _ in range(3):
        await get(transport, url)
    assert [each.headers.get("Cookie") for each in unruly.received] == [None] * 3
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example"])
async def test_a_host_that_cannot_be_one_is_a_matter_of_configuration(transport: Transport, host: str) -> None:
    error = await error_of(transport, f"https://{host}/v3", ConfigurationError)
    assert "cannot be written" in str(error)
    assert "Next step: Check endpoints, region and credentials of the connection." in str(error)


async def test_a_header_that_cannot_be_written_is_a_matter_of_configuration(
    transport: Transport, unruly: UnrulyServer
) -> None:
    secret = "-".join(("VERY", "SECRET"))
    with pytest.raises(ConfigurationError, match="cannot be written") as caught:
        await transport.send("GET", unruly.url, headers={"X-Auth-Token": f"{secret}\r\nX-Evil: 1"})
    assert secret not in "".join(traceback.format_exception(caught.value))
    assert not unruly.received


async def test_a_caller_who_gives_up_is_let_go(transport: Transport, unruly: UnrulyServer) -> None:
    unruly.then(slow(30, answer()))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(get(transport, unruly.url), 0.2)
    assert (await get(transport, unruly.url)).status == 200


# -------------------------------------------------------------------------------------------------------------- TLS


async def test_a_certificate_without_a_signer_is_not_trusted(transport: Transport, certificate: Certificate) -> None:
    async with running(certificate.server) as server:
        error = await error_of(transport, server.url, ConfigurationError)
        assert not server.received
    assert "The certificate of 127.0.0.1" in str(error)
    assert "Next step: Set ca_bundle in the connection" in str(error)


async def test_the_ca_bundle_makes_a_certificate_trusted(certificate: Certificate) -> None:
    async with running(certificate.server) as server, Transport(network(ca_bundle=certificate.bundle)) as transport:
        assert (await get(transport, server.url)).status == 200


async def test_a_trusted_certificate_counts_for_its_own_host_only(certificate: Certificate) -> None:
    async with running(certificate.server) as server, Transport(network(ca_bundle=certificate.bundle)) as transport:
        url = server.url.replace("127.0.0.1", "localhost")
        assert "is not trusted" in str(await error_of(transport, url, ConfigurationError))
        assert not server.received


def _missing(folder: Path) -> Path:
    return folder / "missing.pem"


def _empty(folder: Path) -> Path:
    path = folder / "empty.pem"
    path.write_text("no certificate here")
    return path


def _folder(folder: Path) -> Path:
    return folder


@pytest.mark.parametrize("make", [_missing, _empty, _folder])
async def test_a_ca_bundle_that_cannot_be_read_is_reported(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = str(make(tmp_path))
    async with Transport(network(ca_bundle=path)) as transport:
        error = await error_of(transport, "https://127.0.0.1:1", ConfigurationError)
    assert f"The CA bundle {path!r} cannot be read" in str(error)
    assert "Next step: Give the path of a PEM file." in str(error)


async def test_https_to_a_server_that_speaks_http_had_no_effect(transport: Transport, unruly: UnrulyServer) -> None:
    assert not sent(await error_of(transport, unruly.url.replace("http:", "https:")))
    assert not unruly.received


# ------------------------------------------------------------------------------------------------------------- proxy


async def test_plain_http_goes_through_the_proxy(unruly: UnrulyServer) -> None:
    async with running_proxy(unruly.url) as proxy, Transport(network(proxy=proxy.url)) as transport:
        assert (await get(transport, "http://cbr.example/v3/x")).status == 200
        assert proxy.heads[0].startswith("GET http://cbr.example/v3/x HTTP/1.1\r\n")


async def test_https_goes_through_a_tunnel_that_hides_everything(certificate: Certificate) -> None:
    async with running(certificate.server) as server, running_proxy(server.url) as proxy:
        settings = network(proxy=proxy.url, ca_bundle=certificate.bundle)
        async with Transport(settings) as transport:
            assert (await get(transport, "https://cbr.example/v3/x")).status == 200
        assert server.received[0].headers["X-Auth-Token"] == "VERY-SECRET-TOKEN"
    assert proxy.heads[0].startswith("CONNECT cbr.example:443 HTTP/1.1\r\n")
    assert "VERY-SECRET" not in "".join(proxy.heads)


async def test_the_proxy_of_the_environment_is_used(unruly: UnrulyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_proxy(unruly.url) as proxy, Transport(network()) as transport:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert (await get(transport, "http://cbr.example/v3/x")).status == 200
        assert len(proxy.heads) == 1


async def test_this_machine_is_asked_without_the_proxy(unruly: UnrulyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_proxy(unruly.url) as proxy, Transport(network(proxy=proxy.url)) as transport:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert (await get(transport, unruly.url)).status == 200
        assert not proxy.heads


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_user_and_password_are_shown_to_the_proxy_only(
    scheme: str, certificate: Certificate, unruly: UnrulyServer
) -> None:
    async with running(certificate.server) as tls_server:
        server = tls_server if scheme == "https" else unruly
        async with running_proxy(server.url) as proxy:
            settings = network(proxy=proxy.url.replace("//", "//me:p%40ss@"), ca_bundle=certificate.bundle)
            async with Transport(settings) as transport:
                await get(transport, f"{scheme}://cbr.example/v3/x")
            assert "Proxy-Authorization: Basic bWU6cEBzcw==" in proxy.heads[0]
        if scheme == "https":
            assert "Proxy-Authorization" not in server.received[0].headers


@pytest.mark.parametrize("refusal", ["407 Proxy Authentication Required", "502 Bad Gateway", "403 Forbidden"])
async def test_a_proxy_that_opens_no_tunnel_is_reported_without_its_password(refusal: str) -> None:
    async with running_proxy("http://127.0.0.1:1") as proxy:
        proxy.refusal = refusal
        async with Transport(network(proxy=proxy.url.replace("//", "//me:VERY-SECRET@"))) as transport:
            error = await error_of(transport, "https://cbr.example/v3/x")
    assert not sent(error)
    assert f"The proxy opens no connection to cbr.example: it answered {refusal}." in str(error)


async def test_a_proxy_that_does_not_answer_is_reported_without_its_password() -> None:
    async with Transport(network(proxy="http://me:VERY-SECRET@127.0.0.1:1")) as transport:
        assert not sent(await error_of(transport, "https://cbr.example/v3/x"))


async def test_a_request_that_waits_in_vain_for_a_silent_proxy_is_reported_as_late_and_was_not_sent() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        through = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with Transport(network(proxy=through, total_timeout=0.2)) as transport:
            with pytest.raises(CloudConnectionError, match="no connection to cbr.example in time for POST") as caught:
                await transport.send("POST", "https://cbr.example/v3", headers={}, body=b"{}", fresh_connection=True)
    assert not caught.value.request_sent


# ------------------------------------------------------------------------------------------------------------ closing


async def test_closing_twice_does_nothing(unruly: UnrulyServer) -> None:
    transport = Transport(network())
    await get(transport, unruly.url)
    await transport.close()
    await transport.close()


async def test_a_transport_that_was_never_used_can_be_closed() -> None:
    await Transport(network()).close()

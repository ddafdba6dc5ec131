"""What a web address is, and what stays on this machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.provisional import domains

from airflow_provider_backup.cloud.http.urls import is_loopback, is_web_address


@pytest.mark.parametrize(
    "url",
    [
        "https://cbr.eu-de.otc.t-systems.com",
        "http://127.0.0.1:8780",
        "https://[::1]:8780/prefix",
        "HTTPS://Host/v3",
        "https://bücher.example",
    ],
)
def test_a_web_address_is_recognised(url: str) -> None:
    assert is_web_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host",
        "host:3128",
        "//host",
        "https://",
        "https:///path",
        "ftp://host",
        "socks5://host:1080",
        "https://host:99999",
        "https://host:0",
        "https://host:port",
        "https://[::1",
        "https://ho st",
        "https://host\n",
        " https://host",
        "https://host\\@other",
        "https://host/?query",
        "https://host/#fragment",
        "https://user:password@host",
        "https://user@host",
        "http://127.0.0.1%2eevil.example",
        "http://[::1%2eevil.example]",
        "http://[::1]evil.example",
        "http://evil.example[::1]",
        "http://a:80:b",
    ],
)
def test_anything_else_is_no_web_address(url: str) -> None:
    assert not is_web_address(url)


def test_user_and_password_are_allowed_where_they_may_be() -> None:
    assert is_web_address("http://user:password@proxy:3128", may_hold_user=True)


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert is_web_address(text) in (True, False)
    assert is_web_address(f"https://{text}") in (True, False)
    assert is_loopback(text) in (True, False)


@given(domains(), st.integers(1, 65535))
def test_every_host_with_a_port_is_a_web_address(host: str, port: int) -> None:
    assert is_web_address(f"https://{host}:{port}/v3")


@given(st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_every_loopback_address_stays_here(address: object) -> None:
    assert is_loopback(str(address))
    assert is_loopback(f"::ffff:{address}")


@given(st.ip_addresses(v=4).filter(lambda address: not address.is_loopback) | st.ip_addresses(v=6, network="2000::/3"))
def test_no_other_address_stays_here(address: object) -> None:
    assert not is_loopback(str(address))


@pytest.mark.parametrize(
    ("host", "stays"),
    [
        ("localhost", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::1%lo", False),
        ("::1%2eevil.example", False),
        ("127.0.0.1%2eevil.example", False),
        ("127.0.0.1%", False),
        ("127.0.0.1%00", False),
        ("127.0.0.1.", False),
        ("localhost.", False),
        ("LOCALHOST", False),
        ("\uff4cocalhost", False),
        ("127\u30020\u30020\u30021", False),
        ("127.1", False),
        ("2130706433", False),
        ("0177.0.0.1", False),
        ("user@127.0.0.1", False),
        ("127.0.0.1:80", False),
        (" 127.0.0.1", False),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("0x7f.1", False),
    ],
)
def test_names_and_odd_addresses(host: str, stays: bool) -> None:
    assert is_loopback(host) is stays

"""Which proxy a request goes through."""

from __future__ import annotations

import pytest

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.http.proxies import proxy_for

PROXY = "http://proxy.example:3128"
CLOUD = "https://cbr.example/v3"


def test_without_any_setting_there_is_no_proxy() -> None:
    assert proxy_for(CLOUD, None) is None


def test_the_explicit_proxy_is_used() -> None:
    assert proxy_for(CLOUD, PROXY) == PROXY


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert proxy_for(CLOUD, None) == PROXY
    assert proxy_for("http://cbr.example", None) is None


def test_the_explicit_proxy_goes_before_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://other:1")
    monkeypatch.setenv("no_proxy", "*")
    assert proxy_for(CLOUD, PROXY) == PROXY


def test_the_environment_can_name_hosts_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("no_proxy", "other.example,.example")
    assert proxy_for(CLOUD, None) is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("*", CLOUD),
        ("other.example, *", CLOUD),
        ("cbr.example", CLOUD),
        ("CBR.Example", CLOUD),
        ("cbr.example", "https://CBR.example./v3"),
        ("example", CLOUD),
        (".example", CLOUD),
        ("*.example", CLOUD),
        ("*.example", "https://a.b.example"),
        (".cbr.example", CLOUD),
        ("other.example example", CLOUD),
        ("cbr.example:443", CLOUD),
        ("*.example:443", CLOUD),
        ("cbr.example:8443", "https://cbr.example:8443/v3"),
        ("cbr.example:80", "http://cbr.example"),
        ("10.1.2.3", "https://10.1.2.3"),
        ("10.0.0.0/8", "https://10.1.2.3"),
        ("10.1.0.0/8", "https://10.1.2.3"),
        ("10.1.2.3:8443", "https://10.1.2.3:8443"),
        ("fd00::1", "https://[fd00::1]"),
        ("[fd00::1]", "https://[fd00:0::1]"),
        ("[fd00::1]:8443", "https://[fd00::1]:8443"),
        ("fd00::/8", "https://[fd00::1]:8443"),
    ],
)
def test_what_no_proxy_names_is_asked_without_a_proxy(no_proxy: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", PROXY)
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("no_proxy", no_proxy)
    assert proxy_for(url, None) is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("", CLOUD),
        (",", CLOUD),
        (".", CLOUD),
        ("*.", CLOUD),
        ("br.example", CLOUD),
        ("cbr.exam", CLOUD),
        ("cbr.example:8443", CLOUD),
        ("cbr.example:443", "https://cbr.example:8443"),
        ("10.0.0.0/8", "https://11.1.2.3"),
        ("10.0.0.0/8", "https://10.1.2.3%2eevil.example"),
        ("10.0.0.0/99", "https://10.1.2.3"),
        ("10.0.0.0/8", CLOUD),
        ("1.2.3", "https://10.1.2.3"),
        ("10.1.2.3:443", "https://10.1.2.3:8443"),
        ("fd00::/8", "https://10.1.2.3"),
        ("[fd00::1]:443", "https://[fd00::1]:8443"),
        ("fd00::2", "https://[fd00::1]"),
    ],
)
def test_what_no_proxy_does_not_name_is_asked_through_the_proxy(
    no_proxy: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("no_proxy", no_proxy)
    assert proxy_for(url, None) == PROXY


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.9.10"])
def test_this_machine_is_never_asked_for_through_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", PROXY)
    monkeypatch.setenv("https_proxy", PROXY)
    assert proxy_for(f"http://{host}:8780/v3", None) is None
    assert proxy_for(f"https://{host}:8780/v3", PROXY) is None


def test_a_proxy_without_a_scheme_is_asked_by_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    assert proxy_for(CLOUD, None) == PROXY


@pytest.mark.parametrize(
    "proxy", ["socks5://me:VERY-SECRET@proxy:1080", "http://me:VERY-SECRET@", "http://:VERY-SECRET"]
)
def test_a_proxy_that_is_no_web_address_is_refused_without_repeating_it(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a web address\. Next step: Write it as http://") as caught:
        proxy_for(CLOUD, proxy)
    assert "VERY-SECRET" not in str(caught.value)
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(ConfigurationError, match="is not a web address"):
        proxy_for(CLOUD, None)

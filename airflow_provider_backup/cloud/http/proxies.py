"""Which proxy a request goes through."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.http.urls import is_loopback, is_web_address

_DEFAULT_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str, explicit: str | None) -> str | None:
    """Return the URL of the proxy for a request, or none.

    This machine is never asked for through a proxy: plain http to it is allowed because nothing leaves it.

    :param url: where the request goes.
    :param explicit: the proxy of the settings; ``None`` follows the environment (``HTTPS_PROXY``, ``NO_PROXY``).
    :raises ConfigurationError: the proxy is not a web address.
    """
    parts = urlsplit(url)
    if is_loopback(parts.hostname or ""):
        return None
    proxy = explicit
    if not proxy:
        environment = getproxies()
        if not is_exempt(parts, environment.get("no", "")):
            proxy = environment.get(parts.scheme)
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not is_web_address(proxy, may_hold_user=True):
        # Its text is not repeated: it may hold a password.
        raise ConfigurationError(
            "The proxy of the connection, or of the environment, is not a web address.",
            next_step="Write it as http://[user:password@]host:port.",
        )
    return proxy


def is_exempt(url: SplitResult, no_proxy: str) -> bool:
    """Return whether ``NO_PROXY`` names the host of a URL.

    :param url: where the request goes.
    :param no_proxy: entries between commas or blanks, in any case of letters: a host or domain (``example.com``,
        ``.example.com`` and ``*.example.com`` all mean the domain with everything below it), an IP address, a network
        (``10.0.0.0/8``), and ``*`` for everything; a port after it (``example.com:8443``, ``[::1]:8443``) must be that
        of the URL.
    """
    host = (url.hostname or "").rstrip(".").lower()
    port = url.port or _DEFAULT_PORTS.get(url.scheme)
    return any(_names(entry, host, port) for entry in re.split(r"[\s,]+", no_proxy.lower()) if entry)


def _names(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    with_port = re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", entry)
    if with_port:
        if int(with_port[2]) != port:
            return False
        entry = with_port[1]
    entry = entry.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        domain = entry.removeprefix("*").strip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
    try:
        # The library calls an address with bits beyond the mask no network unless it is not strict.
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False

"""Which proxy a request goes through."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from airflow_provider_backup.cloud.addresses import is_loopback, is_web_address
from airflow_provider_backup.cloud.errors import ConfigurationError


def proxy_for(url: str, explicit: str | None) -> str | None:
    """Return the URL of the proxy for a request, or none.

    This machine is never asked for through a proxy: plain http to it is allowed because nothing leaves it.

    :param url: where the request goes.
    :param explicit: the proxy of the settings; none follows the environment (``HTTPS_PROXY``, ``NO_PROXY``).
    :raises ConfigurationError: the proxy is not a web address.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host):
        return None
    proxy = explicit
    if not proxy and not proxy_bypass(host):
        proxy = getproxies().get(parts.scheme)
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

"""What a web address is, and whether it stays on this machine: pure judgements."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

# Each reader takes other characters, such as a % or what follows a bracket, for another host.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:%@]+)(:\d*)?")


def is_web_address(url: str, *, may_hold_user: bool = False) -> bool:
    """Return whether a text has the form ``http[s]://host[:port][/path]``.

    :param url: the text.
    :param may_hold_user: whether ``user:password@`` may stand before the host.
    """
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    host = parts.netloc.rpartition("@")[2]
    return (
        known
        and not re.search(r"[\s\\?#]", url)
        and (may_hold_user or "@" not in parts.netloc)
        and _HOST.fullmatch(host) is not None
    )


@lru_cache(maxsize=100)
def is_loopback(host: str) -> bool:
    """Return whether nothing but this machine can be reached by an address, or be behind it.

    :param host: an IP address in its usual form, or the name ``localhost``; any other text counts as another machine,
        whatever a resolver would make of it.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    if getattr(address, "scope_id", None) is not None:
        # What follows the % may be anything, and loopback needs no zone.
        return False
    # Sockets for both families show IPv4 addresses inside IPv6 ones.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback

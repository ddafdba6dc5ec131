"""Whether an address belongs to this machine alone."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether nothing but this machine can be reached by an address, or be behind it.

    :param host: an IP address, or the name ``localhost``; any other text counts as another machine.
    """
    try:
        # A zone index (fe80::1%eth0) is no part of an address.
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    # Sockets for both families show IPv4 addresses inside IPv6 ones.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback

"""Ports of the loopback interface."""

from __future__ import annotations

import socket

ADDRESS = "127.0.0.1"


def free_port() -> int:
    """Return a port that is free."""
    with socket.create_server((ADDRESS, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Return whether a port is free."""
    try:
        with socket.create_server((ADDRESS, port)):
            return True
    except OSError:
        return False


def free_ports_in_a_row(count: int) -> int:
    """Return the first of several ports, one after the other, that are free.

    :param count: how many, 1 or more.
    """
    while True:
        first = free_port()
        if first + count <= 65536 and all(map(is_free, range(first, first + count))):
            return first

"""Limits of this process."""

from __future__ import annotations

import resource


def allow_many_sockets() -> None:
    """Allow as many open sockets as the machine lets us have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

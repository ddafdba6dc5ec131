"""A certificate authority and a server certificate, made anew for each run."""

from __future__ import annotations

import ssl
from pathlib import Path


def make_certificates(folder: Path) -> None:
    """Write the files for :func:`server_context` and :func:`ca_file`."""
    # Here, because most runs need none.
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file(folder))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(_server_file(folder))


def server_context(folder: Path) -> ssl.SSLContext:
    """Return what the server answers with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_server_file(folder))
    return context


def ca_file(folder: Path) -> Path:
    """Return where the authority's certificate is, which clients have to trust."""
    return folder / "ca.pem"


def _server_file(folder: Path) -> Path:
    return folder / "server.pem"

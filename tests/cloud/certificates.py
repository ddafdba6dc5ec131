"""Certificates that nobody trusts unless told to."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Certificate:
    """A certificate that signed itself.

    :param bundle: file to trust it by.
    :param server: what a server needs to show it.
    """

    bundle: str
    server: ssl.SSLContext

    def demanding(self, clients: str, latest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        """Return what a server needs that shows this certificate and talks only to clients with one that it trusts.

        :param clients: file of the certificates to trust.
        :param latest: the newest version of TLS that it speaks.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients)
        context.load_cert_chain(self.bundle, Path(self.bundle).with_name("key.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = latest
        return context


@dataclass(frozen=True)
class KeyPair:
    """A certificate that signed itself, and its key, as files."""

    certificate: str
    key: str


def new_certificate(folder: Path, host: str) -> Certificate:
    """Make a certificate for 127.0.0.1 and a host."""
    pair = new_key_pair(folder, host)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pair.certificate, pair.key)
    return Certificate(pair.certificate, server)


def new_key_pair(folder: Path, host: str, password: str | None = None) -> KeyPair:
    """Make a certificate for 127.0.0.1 and a host, and encrypt its key with a password when one is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    encryption = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    return KeyPair(*map(str, files))

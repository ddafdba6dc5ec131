"""How https is made: whom the client trusts, and the certificate by which it shows who it is. Reads files."""

from __future__ import annotations

import os
import ssl
from dataclasses import replace

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.settings import FileVersion, NetworkSettings

_NEXT_STEP = "Check client_certificate, client_key and client_key_password in the connection; the files are PEM."


def has_own_tls(settings: NetworkSettings) -> bool:
    """Whether these settings need a context of their own, which costs some 20 ms of computing."""
    return bool(settings.ca_bundle or settings.client_certificate)


def tls_context(settings: NetworkSettings) -> ssl.SSLContext:
    """Return the context that these settings ask for; it blocks, so call it in a thread.

    :param settings: authorities and client certificate.
    :raises ConfigurationError: a file cannot be read, the password is wrong, or certificate and key are no pair.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The CA bundle {settings.ca_bundle!r} cannot be read: {error}.", next_step="Give the path of a PEM file."
        ) from None
    if settings.client_certificate:
        _show(context, settings.client_certificate, settings.client_key, settings.client_key_password)
    return context


def with_file_versions(settings: NetworkSettings) -> NetworkSettings:
    """Return settings that differ from those of before when one of their files was renewed; it asks the file system.

    :param settings: authorities and client certificate.
    """
    paths = (settings.ca_bundle, settings.client_certificate, settings.client_key)
    return replace(settings, file_versions=tuple(_version_of(path) for path in paths if path))


def _version_of(path: str) -> FileVersion:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        # The code that opens it reports what is wrong.
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def is_refusal_of_client(error: BaseException | None) -> bool:
    """Whether a server ended the connection because of the certificate that the client showed, or showed not.

    :param error: what the connection met; the causes behind it are looked at too.
    """
    while error is not None:
        # The library's own errors are of this class too, without a reason. What the server says itself is called an
        # alert; what this side finds wrong with the server is not.
        reason = str(getattr(error, "reason", None)) if isinstance(error, ssl.SSLError) else ""
        if "ALERT" in reason:
            return any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "ACCESS_DENIED"))
        error = error.__cause__ or error.__context__
    return False


def _show(context: ssl.SSLContext, certificate: str, key: str | None, password: str | None) -> None:
    for name, path in (("client certificate", certificate), ("client key", key)):
        _look_at(name, path)
    asked = False

    def tell() -> str:
        nonlocal asked
        asked = True
        return password or ""

    try:
        # Always with an answer to the question for a password: without one it would be asked for on the terminal.
        context.load_cert_chain(certificate, key, tell)
    except (OSError, ValueError) as error:
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            problem = f"The client certificate {certificate!r} and its key {key or certificate!r} are no pair."
        elif asked:
            wrong = "is wrong" if password else "is missing"
            problem = f"The password of the client key {key or certificate!r} {wrong}, or the key cannot be read."
        else:
            where = f"{certificate!r} and {key!r}" if key else repr(certificate)
            problem = f"There is no readable client certificate with its key in {where}."
        raise ConfigurationError(problem, next_step=_NEXT_STEP) from None


def _look_at(name: str, path: str | None) -> None:
    # The library does not say which of its files it could not read.
    if path is None:
        return
    try:
        with open(path, "rb"):
            pass
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"The {name} {path!r} cannot be read: {reason}.", next_step=_NEXT_STEP) from None

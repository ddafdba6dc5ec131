"""Account, place and limits: everything that a client needs, in frozen values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Literal

from airflow_provider_backup.cloud.errors import ConfigurationError

FileVersion = tuple[int, int, int] | None
"""Inode, size and time of change (ns) of a file; ``None`` for a file that cannot be looked at."""

CloudName = Literal["huaweicloud", "otc", "otc-swiss", "flexibleengine", "custom"]


@dataclass(frozen=True, slots=True)
class PasswordCredentials:
    """An IAM user with a password; requests carry a token (access section 1.1).

    :param user: name of the IAM user.
    :param password: the password; not shown in the repr.
    :param domain: name of the account that the user belongs to.
    """

    user: str
    password: str = field(repr=False)
    domain: str


@dataclass(frozen=True, slots=True)
class AccessKeyCredentials:
    """A permanent or temporary access key; requests are signed (access section 2).

    :param access_key: the access key id (AK).
    :param secret_key: the secret access key (SK); not shown in the repr.
    :param security_token: the token that belongs to a temporary key; not shown in the repr.
    """

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, value in zip(("access key", "secret key", "security token"), astuple(self), strict=True):
            # They go into headers, and a line break that was copied along makes every signature wrong.
            if value is not None and not re.fullmatch(r"[!-~]+", value):
                raise ConfigurationError(
                    f"The {name} is empty, or holds a blank, a line break or a letter that no key has.",
                    next_step=f"Copy the {name} into the connection again.",
                )


Credentials = PasswordCredentials | AccessKeyCredentials


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How requests travel.

    :param total_timeout: seconds for one request with its answer, above 0.
    :param connect_timeout: seconds to get a connection, above 0.
    :param attempts: how often a request that is safe to repeat is tried, 1 or more.
    :param retry_wait: seconds before the first repetition; it doubles each time, with jitter, up to 60.
    :param requests_at_once: how many requests to one service may be under way, 1 or more.
    :param throttle_timeout: seconds to bear with a service that refuses all requests for their rate, 0 or more; such
        tries do not count as ``attempts``.
    :param proxy: URL of a proxy; ``None`` follows the environment (``HTTPS_PROXY``, ``NO_PROXY``). It may hold a
        password, so it is not shown in the repr. This machine is never asked for through a proxy.
    :param ca_bundle: path of a file with the certificate authorities to trust instead of the system's.
    :param client_certificate: path of a PEM file with the certificate to show to servers that ask who connects, with
        those of the authorities between.
    :param client_key: path of the PEM file with its private key; ``None`` when it is in the same file.
    :param client_key_password: the password of an encrypted key; not shown in the repr.
    :param allow_plain_http: whether ``http://`` is allowed to hosts other than this machine.
    :param file_versions: identifies the contents of the files, so that renewed files make
        other settings, and so another client; see :func:`~airflow_provider_backup.cloud.http.tls.with_file_versions`.
    """

    total_timeout: float = 60.0
    connect_timeout: float = 10.0
    attempts: int = 7
    retry_wait: float = 1.0
    requests_at_once: int = 20
    throttle_timeout: float = 1800.0
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    client_key_password: str | None = field(default=None, repr=False)
    allow_plain_http: bool = False
    file_versions: tuple[FileVersion, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if (self.client_key or self.client_key_password) and not self.client_certificate:
            raise ConfigurationError(
                "There is a client key but no client certificate.",
                next_step="Set client_certificate in the connection to the path of its PEM file.",
            )


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """One account in one region of one cloud. Equal settings may share a client.

    :param credentials: of the account.
    :param region: region id such as ``eu-de``; it also names the project when neither project argument is given.
    :param project_id: id of the project, 32 hex digits; looked up by name when not given.
    :param project_name: name of the project, when it is not the region's own.
    :param cloud: which cloud the host names follow: ``huaweicloud``, ``otc``, ``otc-swiss``, ``flexibleengine``, or
        ``custom`` (only ``auth_url``, the catalog and ``endpoints`` count).
    :param auth_url: URL of the identity service, when it is not the cloud's usual one.
    :param endpoints: explicit base URLs by service name, as pairs; see :meth:`endpoint_pairs`.
    :param network: time-outs, retries, proxy and certificates.
    :param installation: name of this Airflow among others with the same DAGs in the same project; no service sees it.
    """

    credentials: Credentials
    region: str
    project_id: str | None = None
    project_name: str | None = None
    cloud: CloudName = "huaweicloud"
    auth_url: str | None = None
    endpoints: tuple[tuple[str, str], ...] = ()
    network: NetworkSettings = NetworkSettings()
    installation: str = ""

    def __post_init__(self) -> None:
        if not self.region:
            raise ConfigurationError("No region is set.", next_step="Set the region, for example eu-de.")
        # Both become part of addresses.
        if not re.fullmatch(r"[\w.-]+", self.region, re.ASCII):
            raise ConfigurationError(f"{self.region!r} is not a region.", next_step="Set its id, for example eu-de.")
        if self.project_id is not None and not re.fullmatch(r"[\w-]+", self.project_id, re.ASCII):
            raise ConfigurationError(
                f"{self.project_id!r} is not the id of a project.",
                next_step="Set its id (32 hex digits), or leave it out and set project_name.",
            )

    def impatient(self) -> CloudSettings:
        """Return the same for a user who waits in front of a screen: errors are reported after some seconds."""
        network = self.network
        return replace(
            self,
            network=replace(
                network,
                total_timeout=min(network.total_timeout, 15.0),
                attempts=min(network.attempts, 2),
                throttle_timeout=min(network.throttle_timeout, 10.0),
            ),
        )

    @staticmethod
    def endpoint_pairs(endpoints: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Return ``endpoints`` in the form that :class:`CloudSettings` stores: sorted pairs."""
        return tuple(sorted(endpoints.items()))

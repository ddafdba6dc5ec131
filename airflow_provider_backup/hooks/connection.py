"""The Airflow connection of type ``huaweicloud_backup``, read into the client's settings: pure, no I/O."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_backup.cloud.auth.endpoints import with_scheme
from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    CloudSettings,
    Credentials,
    NetworkSettings,
    PasswordCredentials,
)
from airflow_provider_backup.hooks.connection_fields import ConnectionFields, read_fields, read_text

CONNECTION_TYPE = "huaweicloud_backup"
OLDER_TYPE = "huaweicloud"
"""The connection type of other packages for the same cloud; their extra fields are ignored."""


def settings_from_connection(
    *,
    login: str | None,
    password: str | None,
    host: str | None,
    extra: str | None,
    port: int | None = None,
    schema: str | None = None,
    conn_type: str | None = None,
    region: str | None = None,
    project_id: str | None = None,
) -> CloudSettings:
    """Read a connection.

    With the extra field ``domain`` login and password are those of an IAM user; without it they are access key and
    secret key, as in the older connection type ``huaweicloud``.

    :param login: IAM user, or access key.
    :param password: password, or secret key.
    :param host: URL of the identity service; ``None`` for the cloud's own.
    :param extra: JSON text of an object with the extra fields, see ``docs/connection.md``.
    :param port: completes the host, as in a connection that is a URI.
    :param schema: ``http`` or ``https``, or the path of the host's URL, as in a connection that is a URI.
    :param conn_type: the connection's type; ``None`` is not checked.
    :param region: overrides the connection's region; in another region the connection's project is ignored, since it
        belongs to the connection's own region.
    :param project_id: overrides the connection's project.
    :return: the settings of a client.
    :raises ConfigurationError: a field is missing or invalid; the text names it.
    """
    if conn_type and conn_type not in (CONNECTION_TYPE, OLDER_TYPE):
        raise ConfigurationError(
            f"The connection is of type {conn_type!r}.",
            next_step=f"Use a connection of type {CONNECTION_TYPE!r}, or change the type of this one.",
        )
    fields = read_fields(
        {"login": login, "password": password, "host": host, "port": port, "schema": schema},
        extra,
        may_hold_others=conn_type == OLDER_TYPE,
    )
    region = read_text("region", region)
    project_id = read_text("project_id", project_id)
    is_elsewhere = region is not None and fields.region is not None and region != fields.region
    if is_elsewhere:
        _reject_endpoints_of(fields)
        if project_id is None:
            _reject_project_that_cannot_be_found(fields)
    return CloudSettings(
        credentials=_credentials(fields),
        region=region or fields.region or "",
        project_id=project_id or (None if is_elsewhere else fields.project_id),
        # A project from an argument must not be combined with the connection's project name.
        project_name=None if project_id or is_elsewhere else fields.project_name,
        cloud=fields.cloud,
        auth_url=_auth_url(fields),
        endpoints=CloudSettings.endpoint_pairs({name: url for name, url in fields.endpoints.items() if url}),
        network=NetworkSettings(**_network(fields)),
        installation=fields.installation or "",
    )


def _network(fields: ConnectionFields) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(NetworkSettings)}
    return fields.model_dump(include=names)


def _credentials(fields: ConnectionFields) -> Credentials:
    if not fields.login or not fields.password:
        raise ConfigurationError(
            "The connection has no login or no password.",
            next_step="Set access key and secret key, or user, password and the field 'domain'.",
        )
    if not fields.domain:
        return AccessKeyCredentials(fields.login, fields.password, fields.security_token)
    if fields.security_token:
        raise ConfigurationError(
            "The connection has a 'security_token', which belongs to an access key, and a 'domain', which belongs to "
            "an IAM user.",
            next_step="Leave one of them empty.",
        )
    return PasswordCredentials(fields.login, fields.password, fields.domain)


def _auth_url(fields: ConnectionFields) -> str | None:
    url = fields.host or fields.auth_url
    if fields.host and fields.auth_url and fields.host != fields.auth_url:
        raise _contradiction("auth_url", "host")
    if not (fields.port or fields.path):
        return url
    if not fields.host:
        raise ConfigurationError(
            "The connection's fields 'port' and 'schema' belong to a host, but the host is empty.",
            next_step="Set the host to the whole URL of the identity service.",
        )
    parts = urlsplit(with_scheme(fields.host))
    if fields.port and fields.port != parts.port:
        if parts.port:
            raise _contradiction("port", "host")
        parts = parts._replace(netloc=f"{parts.netloc}:{fields.port}")
    if fields.path in ("http", "https"):
        if "://" in fields.host and fields.path != parts.scheme:
            raise _contradiction("schema", "host")
        parts = parts._replace(scheme=fields.path)
    elif fields.path and (path := fields.path.strip("/")) != parts.path.strip("/"):
        if parts.path.strip("/"):
            raise _contradiction("schema", "host")
        parts = parts._replace(path=f"/{path}")
    return parts.geturl()


def _reject_endpoints_of(fields: ConnectionFields) -> None:
    """Reject endpoints whose host contains the connection's own region, if another region is requested."""
    for name, url in fields.endpoints.items():
        if url and fields.region in (urlsplit(with_scheme(url)).hostname or "").split("."):
            raise ConfigurationError(
                f"The connection's endpoint of {name} is one of its region {fields.region!r}, not of the region that "
                "was requested.",
                next_step="Create one connection per region, or leave the field 'endpoints' empty.",
            )


def _reject_project_that_cannot_be_found(fields: ConnectionFields) -> None:
    """Reject another region if its project is neither in the connection nor can be looked up."""
    if fields.project_id and fields.cloud == "custom" and not (_auth_url(fields) or fields.endpoints.get("iam")):
        raise ConfigurationError(
            f"The connection's 'project_id' belongs to its region {fields.region!r}, another region was requested, and "
            "its project cannot be looked up, as the address of the identity service is not set.",
            next_step="Give project_id together with region, or set the host of the connection.",
        )


def _contradiction(name: str, other: str) -> ConfigurationError:
    return ConfigurationError(
        f"The connection's field {name!r} contradicts its {other}.", next_step="Leave one of them empty."
    )

"""The Airflow connection of type ``huaweicloud_backup``, read into the client's settings: pure, no I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, get_args

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.services import SERVICES
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    CloudName,
    CloudSettings,
    Credentials,
    NetworkSettings,
    PasswordCredentials,
)


def settings_from_connection(
    *,
    login: str | None,
    password: str | None,
    host: str | None,
    extra: str | None,
    region: str | None = None,
    project_id: str | None = None,
) -> CloudSettings:
    """Read a connection.

    With the extra field ``domain`` login and password are those of an IAM user; without it they are access key and
    secret key, as in the older connection type ``huaweicloud``.

    :param login: IAM user, or access key.
    :param password: password, or secret key.
    :param host: URL of the identity service; none for the cloud's usual one.
    :param extra: JSON text of an object; see the README for its members.
    :param region: takes the place of the connection's region.
    :param project_id: takes the place of the connection's project.
    :raises ConfigurationError: something is missing or cannot be read; the text names the field.
    """
    fields = _extra_fields(extra)
    return CloudSettings(
        credentials=_credentials(login, password, fields),
        region=region or fields.get("region") or "",
        project_id=project_id or fields.get("project_id") or None,
        # A project given by argument must not meet the connection's project name.
        project_name=None if project_id or region else fields.get("project_name") or None,
        cloud=_cloud(fields.get("cloud") or "huaweicloud"),
        auth_url=host or fields.get("auth_url") or None,
        endpoints=CloudSettings.endpoint_pairs(_endpoints(fields.get("endpoints"))),
        network=_network(fields),
    )


def _extra_fields(extra: str | None) -> dict[str, Any]:
    try:
        fields = json.loads(extra) if extra else {}
    except ValueError:
        raise ConfigurationError(
            "The connection's extra is not JSON.", next_step="Write it as a JSON object."
        ) from None
    if not isinstance(fields, dict):
        raise ConfigurationError("The connection's extra is not a JSON object.")
    return fields


def _cloud(value: Any) -> CloudName:
    clouds: tuple[CloudName, ...] = get_args(CloudName)
    for cloud in clouds:
        if value == cloud:
            return cloud
    raise _field_error("cloud", f"must be one of {', '.join(clouds)}", value)


def _credentials(login: str | None, password: str | None, fields: Mapping[str, Any]) -> Credentials:
    if not login or not password:
        raise ConfigurationError(
            "The connection has no login or no password.",
            next_step="Set access key and secret key, or user, password and the field 'domain'.",
        )
    if fields.get("domain"):
        return PasswordCredentials(login, password, str(fields["domain"]))
    return AccessKeyCredentials(login, password, fields.get("security_token") or None)


def _endpoints(value: Any) -> dict[str, str]:
    if not value:
        return {}
    try:
        endpoints = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        endpoints = None
    if not isinstance(endpoints, dict) or not all(isinstance(url, str) for url in endpoints.values()):
        raise _field_error("endpoints", 'must be a JSON object such as {"cbr": "https://..."}', value)
    unknown = sorted(set(endpoints) - set(SERVICES) - {"iam"})
    if unknown:
        raise _field_error("endpoints", f"may name iam, {', '.join(SERVICES)}, but not {', '.join(unknown)}", value)
    return {name: url for name, url in endpoints.items() if url}


def _network(fields: Mapping[str, Any]) -> NetworkSettings:
    defaults = NetworkSettings()
    return NetworkSettings(
        total_timeout=_number(fields, "total_timeout", defaults.total_timeout, least=0.1),
        connect_timeout=_number(fields, "connect_timeout", defaults.connect_timeout, least=0.1),
        attempts=int(_number(fields, "attempts", defaults.attempts, least=1)),
        retry_wait=_number(fields, "retry_wait", defaults.retry_wait, least=0),
        requests_at_once=int(_number(fields, "requests_at_once", defaults.requests_at_once, least=1)),
        throttle_timeout=_number(fields, "throttle_timeout", defaults.throttle_timeout, least=0),
        proxy=fields.get("proxy") or None,
        ca_bundle=fields.get("ca_bundle") or None,
        client_certificate=fields.get("client_certificate") or None,
        client_key=fields.get("client_key") or None,
        client_key_password=fields.get("client_key_password") or None,
        allow_plain_http=str(fields.get("allow_plain_http", False)).lower() in ("true", "1", "yes"),
    )


def _number(fields: Mapping[str, Any], name: str, default: float, *, least: float) -> float:
    value = fields.get(name)
    if value in (None, ""):
        return default
    try:
        number = float(str(value))
    except ValueError:
        raise _field_error(name, "must be a number", value) from None
    if not math.inf > number >= least:
        raise _field_error(name, f"must be {least} or more", value)
    return number


def _field_error(name: str, rule: str, value: Any) -> ConfigurationError:
    return ConfigurationError(f"The connection's field {name!r} {rule} (given: {value!r}).")

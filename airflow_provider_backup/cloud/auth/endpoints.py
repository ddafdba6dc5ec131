"""Base URL of a service: explicit endpoint, else the token's catalog, else the host pattern (access section 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.http.urls import is_loopback, is_web_address
from airflow_provider_backup.cloud.manifest import ServiceManifest
from airflow_provider_backup.cloud.settings import CloudSettings

_DOMAINS = {
    "huaweicloud": "{region}.myhuaweicloud.com",
    "otc": "{region}.otc.t-systems.com",
    "otc-swiss": "{region}.sc.otc.t-systems.com",
    "flexibleengine": "{region}.prod-cloud-ocb.orange-business.com",
}
_EUROPEAN_REGIONS = ("eu-west-101",)
_IDENTITY_LABELS = {"otc-swiss": "iam-pub"}


def _domain(settings: CloudSettings, service: str, *, is_com_in_europe: bool = False) -> str:
    if settings.cloud == "custom":
        raise ConfigurationError(
            f"The cloud is 'custom' and has no known address of {service}.",
            next_step=f"Set the endpoint of {service} in the connection"
            + (", or the auth URL." if service == "iam" else "."),
        )
    domain = _DOMAINS[settings.cloud].format(region=settings.region)
    if settings.cloud == "huaweicloud" and settings.region in _EUROPEAN_REGIONS and not is_com_in_europe:
        domain = domain.removesuffix(".com") + ".eu"
    return domain


def auth_url(settings: CloudSettings) -> str:
    """Return the URL of the identity service, without a slash at the end, ending in ``/v3``.

    :raises ConfigurationError: its address is unknown, or plain http is not allowed there.
    """
    explicit = settings.auth_url or dict(settings.endpoints).get("iam")
    if explicit:
        url = without_version(with_scheme(explicit))
    else:
        url = f"https://{_IDENTITY_LABELS.get(settings.cloud, 'iam')}.{_domain(settings, 'iam')}"
    return refuse_plain_http(f"{url}/v3", settings)


def service_url(definition: ServiceManifest, settings: CloudSettings, catalog: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the base URL of a service, without version, project and trailing slash.

    :param definition: the service.
    :param settings: explicit endpoints, cloud and region.
    :param catalog: the catalog of a token; empty with access keys.
    :raises ConfigurationError: its address is unknown, or plain http is not allowed there.
    """
    explicit = dict(settings.endpoints).get(definition.name)
    url = explicit or _from_catalog(definition, settings.region, catalog) or _from_pattern(definition, settings)
    return refuse_plain_http(without_version(with_scheme(url)), settings)


def is_offered(definition: ServiceManifest, settings: CloudSettings, catalog: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether an account has a service, as far as that is known.

    :param definition: the service.
    :param settings: explicit endpoints, cloud and region.
    :param catalog: the catalog of a token; empty with access keys, where a service is known by its address only.
    """
    if catalog and definition.name not in dict(settings.endpoints):
        return _from_catalog(definition, settings.region, catalog) is not None
    try:
        service_url(definition, settings, catalog)
    except ConfigurationError:
        return False
    return True


def without_version(url: str) -> str:
    """Cut ``/v3``, ``/v3/PROJECT`` and a trailing slash off an endpoint; a prefix such as ``/mysql`` stays."""
    return re.sub(r"(?<!/)/v\d+(\.\d+)?(/.*)?$", "", url.rstrip("/"))


def refuse_plain_http(url: str, settings: CloudSettings) -> str:
    """Return ``url`` unless it would send credentials unencrypted over a network.

    :raises ConfigurationError: plain http to another machine without permission, or not a web address.
    """
    try:
        check_address(url)
    except ValueError as error:
        raise ConfigurationError(f"An endpoint, or the auth URL, {error}.") from None
    parts = urlsplit(url)
    if parts.scheme == "https" or settings.network.allow_plain_http or is_loopback(parts.hostname or ""):
        return url
    raise ConfigurationError(
        f"{url!r} would send credentials unprotected.",
        next_step="Use https, or set allow_plain_http in the connection.",
    )


def check_address(url: str) -> None:
    """Reject an address that cannot be the URL of a service.

    :raises ValueError: with the rule as its text, but without the URL, which may contain a password.
    """
    if not is_web_address(url):
        raise ValueError("must be a plain web address: https://host[:port][/path], without user, password and query")


def with_scheme(url: str) -> str:
    """Return an address with ``https://`` before it, unless it has a scheme."""
    url = url.strip()
    return url if "://" in url else f"https://{url}"


def _from_catalog(definition: ServiceManifest, region: str, catalog: Sequence[Mapping[str, Any]]) -> str | None:
    for catalog_type in definition.catalog_types:
        for entry in catalog:
            if entry.get("type") != catalog_type:
                continue
            endpoints = entry.get("endpoints")
            for endpoint in endpoints if isinstance(endpoints, list) else ():
                if not isinstance(endpoint, Mapping):
                    continue
                of_region = endpoint.get("region_id") or endpoint.get("region")
                if (
                    endpoint.get("interface") == "public"
                    and of_region in (region, "*", None)
                    and isinstance(url := endpoint.get("url"), str)
                ):
                    return url
    return None


def _from_pattern(definition: ServiceManifest, settings: CloudSettings) -> str:
    label = definition.region_host_labels.get(settings.region) or definition.host_label or definition.name
    if settings.cloud.startswith("otc"):
        label = definition.otc_host_label or definition.name
    domain = _domain(settings, definition.name, is_com_in_europe=definition.is_com_in_europe)
    return f"https://{label}.{domain}"

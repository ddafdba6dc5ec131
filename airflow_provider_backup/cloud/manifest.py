"""What the layers below a service have to know of it: where it lives and how its error codes are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_backup.cloud.errors import ApiError


@dataclass(frozen=True, slots=True)
class ServiceManifest:
    """One cloud service. Each service folder defines its own; ``cloud/services/registry.py`` lists them.

    :param name: our name for it, also the key of an explicit endpoint.
    :param title: what people call it, for messages.
    :param version: the API version in its paths.
    :param catalog_types: its types in the service catalog, the best one first.
    :param host_label: first label of its host name, when that is not ``name``.
    :param region_host_labels: regions of Huawei Cloud where the first label is another one.
    :param otc_host_label: first label of its host name on Open Telekom Cloud, when that is another one.
    :param headers: headers that every request carries.
    :param error_classes: the class of error for each code that the HTTP status alone does not tell.
    """

    name: str
    title: str
    version: str
    catalog_types: tuple[str, ...]
    host_label: str | None = None
    region_host_labels: Mapping[str, str] = field(default_factory=dict)
    otc_host_label: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error_classes: Mapping[str, type[ApiError]] = field(default_factory=dict)


def codes(prefix: str, numbers: str) -> str:
    """Return ``"prefix.number prefix.number ..."`` for numbers that are separated by blanks."""
    return " ".join(f"{prefix}.{number}" for number in numbers.split())


def classify(classes: Mapping[type[ApiError], str]) -> dict[str, type[ApiError]]:
    """Turn ``{error class: "code code ..."}`` into a look-up by code."""
    return {code: error_class for error_class, codes in classes.items() for code in codes.split()}

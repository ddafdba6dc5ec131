"""What others have to know of a service: names, hosts, how its error codes are to be read, where its client lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_backup.cloud.errors import ApiError


@dataclass(frozen=True, slots=True)
class StatusWords:
    """What a service calls the phases of its backups, checkpoints, jobs and logs, beside the words that all share.

    Each is a text of words in lower case that blanks separate.

    :param in_progress: being made.
    :param succeeded: made and good, also while something is restored from it.
    :param failed: over without being good.
    :param deleting: being deleted.
    :param deleted: deleted.
    """

    in_progress: str = ""
    succeeded: str = ""
    failed: str = ""
    deleting: str = ""
    deleted: str = ""


@dataclass(frozen=True, slots=True)
class ServiceManifest:
    """One cloud service. Each service package has its own; ``cloud/services/registry.py`` lists them.

    :param name: our name for it: that of its package, of its modules and of its explicit endpoint.
    :param title: what the vendor calls it.
    :param protects: what it backs up, in a word or two: ``disks``.
    :param version: the API version in its paths.
    :param client: dotted path of its client class, which is imported when it is first used.
    :param docs: page of its API in this repository.
    :param catalog_types: its types in the service catalog, the best one first.
    :param statuses: its statuses.
    :param abbreviation: what the vendor calls it for short, when that is not the title.
    :param host_label: first label of its host name, when that is not ``name``.
    :param region_host_labels: regions of Huawei Cloud where the first label is another one.
    :param otc_host_label: first label of its host name on Open Telekom Cloud, when that is another one.
    :param is_com_in_europe: whether the vendor keeps it under the ``.com`` name in Huawei Cloud Europe.
    :param headers: headers that every request carries.
    :param error_classes: the class of error for each code that the HTTP status alone does not tell.
    """

    name: str
    title: str
    protects: str
    version: str
    client: str
    docs: str
    catalog_types: tuple[str, ...]
    statuses: StatusWords
    abbreviation: str | None = None
    host_label: str | None = None
    region_host_labels: Mapping[str, str] = field(default_factory=dict)
    otc_host_label: str | None = None
    is_com_in_europe: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    error_classes: Mapping[str, type[ApiError]] = field(default_factory=dict)

    @property
    def full_title(self) -> str:
        """The title, with the abbreviation where there is one: ``Cloud Backup and Recovery (CBR)``."""
        return f"{self.title} ({self.abbreviation})" if self.abbreviation else self.title


def codes(prefix: str, numbers: str) -> str:
    """Return ``"prefix.number prefix.number ..."`` for numbers that are separated by blanks."""
    return " ".join(f"{prefix}.{number}" for number in numbers.split())


def classify(classes: Mapping[type[ApiError], str]) -> dict[str, type[ApiError]]:
    """Turn ``{error class: "code code ..."}`` into a look-up by code."""
    return {code: error_class for error_class, codes in classes.items() for code in codes.split()}

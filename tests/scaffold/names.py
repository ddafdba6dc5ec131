"""The names of a service in its three spellings, and texts in which one service's names become another's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from airflow_provider_backup.cloud.manifest import ServiceManifest


@dataclass(frozen=True)
class ServiceNames:
    """How code and texts call a service.

    :param name: in packages, modules and tables: ``gaussdb``.
    :param prefix: in classes: ``GaussDb``.
    :param label: in texts: ``GaussDB``.
    :param title: what the vendor calls it.
    """

    name: str
    prefix: str
    label: str
    title: str

    @classmethod
    def of(cls, manifest: ServiceManifest) -> Self:
        """Return the names of a registered service."""
        prefix = manifest.client.rpartition(".")[2].removesuffix("Service")
        return cls(manifest.name, prefix, manifest.abbreviation or manifest.title, manifest.title)

    def renamed(self, text: str, new: ServiceNames) -> str:
        """Return a text about this service as one about another.

        Citations of API pages stay: what is copied was built from them.

        :param text: code or prose.
        :param new: the other service.
        """
        text = text.replace(self.title, new.title) if self.title != self.label else text
        text = re.sub(rf"{self.prefix}(?![a-z])", new.prefix, text)
        text = re.sub(rf"(?<![A-Za-z]){self.label}(?![A-Za-z])(?!\s+sections?\b)", new.label, text)
        return re.sub(rf"(?<![A-Za-z]){self.name}(?![A-Za-z])", new.name, text)

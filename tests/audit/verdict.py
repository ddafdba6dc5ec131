"""What the findings of pip-audit mean for us: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ACCEPTED: Mapping[str, str] = {}
"""Vulnerabilities by id that do not concern us, each with the reason why."""

CANARY = ("aiohttp", "3.9.0")
"""A version whose vulnerabilities have been known for years: a service that does not know them tells nothing."""


@dataclass(frozen=True)
class Vulnerability:
    """One known vulnerability of an installed version.

    :param package: name of the package.
    :param version: the installed version.
    :param identifier: the id of the vulnerability.
    :param aliases: its other ids.
    :param fixed_in: the versions without it; empty when there is none yet.
    """

    package: str
    version: str
    identifier: str
    aliases: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        ids = ", ".join((self.identifier, *self.aliases))
        fix = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fix yet"
        return f"{self.package} {self.version}: {ids} ({fix})"


def vulnerabilities_in(report: Mapping[str, Any]) -> list[Vulnerability]:
    """Read what pip-audit writes with ``--format json``."""
    return [
        Vulnerability(
            dependency["name"],
            dependency["version"],
            found["id"],
            tuple(found.get("aliases") or ()),
            tuple(found.get("fix_versions") or ()),
        )
        for dependency in report["dependencies"]
        for found in dependency.get("vulns", ())
    ]


def not_audited(report: Mapping[str, Any]) -> list[str]:
    """Return the packages that the service does not know."""
    return [dependency["name"] for dependency in report["dependencies"] if "skip_reason" in dependency]


def knows_the_canary(report: Mapping[str, Any]) -> bool:
    """Whether a service that was asked about :data:`CANARY` is one that knows vulnerabilities."""
    return any(found.package == CANARY[0] for found in vulnerabilities_in(report))


def to_be_repaired(
    found: Iterable[Vulnerability], ours: Collection[str], accepted: Collection[str] = ACCEPTED
) -> list[Vulnerability]:
    """Return what must not stay: known, with a fix, in what we bring along, and not accepted by name."""
    return [
        each
        for each in found
        if each.fixed_in and each.package in ours and not {each.identifier, *each.aliases} & set(accepted)
    ]

"""The question whether resources of one service have fresh backups, and its answer: one look at the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.freshness import (
    FreshBackupResult,
    Freshness,
    FreshnessRule,
    stale_text,
)

MOST_NAMED = 10
"""Resources that a text about stale backups names at most."""


class LatestBackupsClient(Protocol):
    """What a look needs of a client."""

    @property
    def cloud_clock(self) -> CloudClock:
        """The cloud's clock."""

    def service(self, name: str, /) -> Any:
        """Return a service by its name."""


@dataclass(frozen=True, slots=True)
class FreshnessAnswer:
    """What one look has shown.

    :param judged: the resources, one or more.
    :param is_single: whether the question was about one resource.
    """

    judged: Sequence[Freshness]
    is_single: bool

    @property
    def is_fresh(self) -> bool:
        """Whether every resource has a fresh backup."""
        return all(each.is_fresh for each in self.judged)

    def to_result(self) -> FreshBackupResult | list[FreshBackupResult]:
        """Return the newest good backup, or that of each resource when several may be asked for."""
        results = [each.to_result() for each in self.judged]
        return results[0] if self.is_single else results

    @property
    def fresh_text(self) -> str:
        """What is said when every resource has a fresh backup."""
        if len(self.judged) == 1:
            return f"{self.judged[0].good} ({self.judged[0].reason})."
        return f"All {len(self.judged)} resources have a fresh backup."

    def __str__(self) -> str:
        if self.is_single:
            return stale_text(self.judged, MOST_NAMED)
        stale = sum(not each.is_fresh for each in self.judged)
        return f"{stale} of {len(self.judged)} resources without a fresh backup: {stale_text(self.judged, MOST_NAMED)}"


@dataclass(frozen=True, slots=True)
class FreshnessQuestion:
    """What one look is about.

    :param service: name of the service.
    :param rule: which backups are fresh enough; its ``after`` is by this machine's clock.
    :param targets: the arguments of ``latest_backups`` of the service, plain JSON.
    :param is_single: whether the question is about one resource.
    """

    service: str
    rule: FreshnessRule
    targets: dict[str, Any]
    is_single: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the question as plain JSON."""
        return {
            "service": self.service,
            "rule": self.rule.to_dict(),
            "targets": self.targets,
            "is_single": self.is_single,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the question that :meth:`to_dict` returned.

        :param values: what it returned.
        """
        rule = FreshnessRule.from_dict(values["rule"])
        return cls(values["service"], rule, dict(values["targets"]), is_single=values["is_single"])

    async def ask(self, cloud: LatestBackupsClient) -> FreshnessAnswer:
        """Read the lists that answer the question, once.

        :param cloud: the open client.
        :raises BackupError: there is no resource to judge.
        """
        after = self.rule.after
        rule = FreshnessRule(
            self.rule.max_age, None if after is None else cloud.cloud_clock.there(after), self.rule.backup_type
        )
        judged = await cloud.service(self.service).latest_backups(rule, **self.targets)
        if not judged:
            where = " ".join(f"{name} {value}" for name, value in self.targets.items())
            raise BackupError(
                f"There is nothing to judge: {self.service} {where} has no resources.",
                next_step="Check the id; add resources to it, or name them in the task.",
            )
        return FreshnessAnswer(judged, self.is_single)

    def __str__(self) -> str:
        return f"fresh {self.service} backups ({self.rule})"

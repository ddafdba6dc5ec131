"""What operators and sensors of fresh backups are asked: which resources, and which backups count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.freshness import (
    BACKUP_TYPES,
    BackupType,
    FreshBackupResult,
    Freshness,
    FreshnessRule,
    stale_text,
)
from airflow_provider_backup.tasks.argument_check import ChecksArguments
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

MOST_NAMED = 10
"""Resources that a text about stale backups names at most."""


@dataclass(frozen=True, slots=True)
class FreshnessQuestion:
    """What one look is about.

    :param rule: which backups are fresh enough; its ``after`` is by this machine's clock.
    :param targets: the arguments of ``latest_backups`` of a service.
    :param is_single: whether the question is about one resource.
    """

    rule: FreshnessRule
    targets: dict[str, Any]
    is_single: bool


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


class FreshnessArguments(ChecksArguments):
    """The arguments that the operators and sensors of fresh backups share.

    A subclass names the service (``service_name``) and the arguments of which exactly one says what is judged: that of
    one resource, that of several, and those of groups, which ``latest_backups`` of the service takes under their name.

    :param max_age: the backup began at most so long ago, by the cloud's clock: a ``timedelta`` or seconds, above 0;
        ``None`` for any age (templated).
    :param after: the backup began then or later: an ISO 8601 text or a ``datetime``, with a time zone; ``None`` for any
        time (templated).
    :param backup_type: ``automatic`` or ``manual`` counts only backups of which the service tells that; ``any`` counts
        all (templated).
    """

    freshness_fields: ClassVar[Sequence[str]] = ("max_age", "after", "backup_type")
    service_name: ClassVar[str]
    one: ClassVar[str]
    several: ClassVar[str]
    groups: ClassVar[tuple[str, ...]] = ()

    max_age: timedelta | float | None
    after: datetime | str | None
    backup_type: BackupType

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a rule is broken, whatever the templates become.
        """
        super().check_arguments()
        self.check_while_parsing(self.question)

    def question(self) -> FreshnessQuestion:
        """Build the question from the arguments.

        :raises InvalidRequestError: an argument is wrong, or not exactly one says what is judged.
        """
        violations: list[Violation] = []
        rule = FreshnessRule(
            max_age=_duration(self.max_age, violations),
            after=_moment(self.after, violations),
            backup_type=self.backup_type,
        )
        if self.backup_type not in BACKUP_TYPES:
            violations.append(Violation("backup_type", f"must be one of {', '.join(BACKUP_TYPES)}", self.backup_type))
        names = (self.one, self.several, *self.groups)
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        if len(given) != 1:
            violations.append(Violation(" or ".join(names), "must be exactly one of them", list(given)))
        violations += [violation for name in given for violation in self._broken_rules(name, given[name])]
        if violations:
            raise InvalidRequestError("The search for a fresh backup", violations)
        ((name, value),) = given.items()
        if name in self.groups:
            return FreshnessQuestion(rule, {name: value}, is_single=False)
        ids = [value] if name == self.one else list(value)
        return FreshnessQuestion(rule, {"resource_ids": ids}, is_single=name == self.one)

    async def look(self, cloud: BackupCloud) -> FreshnessAnswer:
        """Read the lists that answer the question, once.

        :param cloud: the open client.
        :raises InvalidRequestError: an argument is wrong; nothing was sent.
        :raises BackupError: there is no resource to judge.
        """
        asked = self.question()
        after = asked.rule.after
        rule = FreshnessRule(
            asked.rule.max_age, None if after is None else cloud.cloud_clock.there(after), asked.rule.backup_type
        )
        judged = await cloud.service(self.service_name).latest_backups(rule, **asked.targets)
        if not judged:
            where = " ".join(f"{name} {value}" for name, value in asked.targets.items())
            raise BackupError(
                f"There is nothing to judge: {self.service_name} {where} has no resources.",
                next_step="Check the id; add resources to it, or name them in the task.",
            )
        return FreshnessAnswer(judged, asked.is_single)

    def _broken_rules(self, name: str, value: Any) -> list[Violation]:
        if name != self.several:
            return [] if _is_id(value) else [Violation(name, "must be an id and not empty", value)]
        if has_template(value) or isinstance(value, str) or not isinstance(value, Sequence) or not value:
            return [Violation(name, "must be a list of one id or more", value)]
        return [Violation(name, "must hold ids, none of them empty", each) for each in value if not _is_id(each)]


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and not has_template(value)


def _duration(value: Any, violations: list[Violation]) -> timedelta | None:
    if value is None:
        return None
    try:
        seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
        if not isinstance(value, bool) and 0 < seconds < math.inf:
            return timedelta(seconds=seconds)
    except (TypeError, ValueError, OverflowError):
        pass
    violations.append(Violation("max_age", "must be a timedelta or a number of seconds, above 0", value))
    return None


def _moment(value: Any, violations: list[Violation]) -> datetime | None:
    if value is None:
        return None
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            moment = None
    if isinstance(moment, datetime) and moment.utcoffset() is not None:
        return moment
    violations.append(Violation("after", "must be a time in ISO 8601 with a time zone, or an aware datetime", value))
    return None

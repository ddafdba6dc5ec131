"""What operators and sensors of fresh backups are asked: which resources, and which backups count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.freshness import BACKUP_TYPES, BackupType, FreshnessRule
from airflow_provider_backup.cloud.operations.freshness_question import FreshnessQuestion
from airflow_provider_backup.tasks.argument_check import ChecksArguments
from airflow_provider_backup.tasks.templating import has_template


class FreshnessArguments(ChecksArguments):
    """The arguments that the operators and sensors of fresh backups share; it stands before their other bases.

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
    target_fields: ClassVar[Sequence[str]] = ()
    """The arguments that say what is judged."""
    service_name: ClassVar[str]
    one: ClassVar[str]
    several: ClassVar[str]
    groups: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        *,
        max_age: timedelta | float | None = None,
        after: datetime | str | None = None,
        backup_type: BackupType = "any",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_age = max_age
        self.after = after
        self.backup_type = backup_type

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
            return FreshnessQuestion(self.service_name, rule, {name: value}, is_single=False)
        ids = [value] if name == self.one else list(value)
        return FreshnessQuestion(self.service_name, rule, {"resource_ids": ids}, is_single=name == self.one)

    def _broken_rules(self, name: str, value: Any) -> list[Violation]:
        if name != self.several:
            return [] if is_id(value) else [Violation(name, "must be an id and not empty", value)]
        if has_template(value) or isinstance(value, str) or not isinstance(value, Sequence) or not value:
            return [Violation(name, "must be a list of one id or more", value)]
        return [Violation(name, "must hold ids, none of them empty", each) for each in value if not is_id(each)]


def is_id(value: Any) -> bool:
    """Return whether a value may be an id, or another name: a text that is not empty and no template.

    :param value: an argument.
    """
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

"""Whether there is a good backup that is fresh enough: one judgement for all services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Self, get_args

from airflow_provider_backup.cloud.operations.backup import BackupResult, OperationState
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.text import one_line

BackupType = Literal["any", "automatic", "manual"]
BACKUP_TYPES: tuple[str, ...] = get_args(BackupType)

_LONGEST_IN_SECONDS = timedelta(minutes=2)
_LONGEST_IN_MINUTES = timedelta(hours=2)
_LONGEST_IN_HOURS = timedelta(days=3)


class FreshBackupResult(BackupResult):
    """The newest good backup of one resource.

    :class:`~airflow_provider_backup.cloud.operations.backup.BackupResult` and two more: ``resource_id`` is what is
    backed up, ``age_seconds`` how long ago the backup began, by the cloud's clock; ``None`` when the service does not
    tell its begin.
    """

    resource_id: str
    age_seconds: float | None


@dataclass(frozen=True, slots=True)
class FreshnessRule:
    """Which good backups are fresh enough; without any limit, all are.

    :param max_age: the backup began at most so long ago.
    :param after: the backup began then or later, by the cloud's clock; with a time zone.
    :param backup_type: ``automatic`` or ``manual`` counts only backups of which the service tells that; ``any`` counts
        all.
    """

    max_age: timedelta | None = None
    after: datetime | None = None
    backup_type: str = "any"

    def earliest(self, now: datetime) -> datetime | None:
        """Return the earliest begin of a backup that is fresh enough; ``None`` without a limit.

        :param now: what the cloud's clock shows.
        """
        try:
            limits = [] if self.max_age is None else [now - self.max_age]
        except OverflowError:
            # An age from before the calendar begins limits nothing.
            limits = []
        return max([*limits, *([] if self.after is None else [self.after])], default=None)

    def counts(self, backup: ListedBackup) -> bool:
        """Return whether a backup is of the right type."""
        return self.backup_type == "any" or backup.is_automatic is (self.backup_type == "automatic")

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as plain JSON."""
        return {
            "max_age": None if self.max_age is None else self.max_age.total_seconds(),
            "after": None if self.after is None else self.after.isoformat(),
            "backup_type": self.backup_type,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the rule that :meth:`to_dict` returned.

        :param values: what it returned.
        """
        max_age, after = values["max_age"], values["after"]
        return cls(
            max_age=None if max_age is None else timedelta(seconds=max_age),
            after=None if after is None else datetime.fromisoformat(after),
            backup_type=values["backup_type"],
        )

    def __str__(self) -> str:
        parts = [] if self.max_age is None else [f"at most {duration_text(self.max_age)} old"]
        parts += [] if self.after is None else [f"begun at {self.after.isoformat()} or later"]
        parts += [] if self.backup_type == "any" else [f"of type {self.backup_type}"]
        return ", ".join(parts) or "any good backup"


@dataclass(frozen=True, slots=True)
class ListedBackup:
    """The backup of one resource, as a list shows it.

    :param resource_id: what is backed up.
    :param state: how it stands.
    :param is_automatic: whether a schedule took it; ``None`` when the service does not tell.
    """

    resource_id: str
    state: OperationState
    is_automatic: bool | None = None


@dataclass(slots=True)
class Freshness:
    """What was found of one resource: its newest backups, by phase.

    :param resource_id: the resource.
    :param good: its newest good backup.
    :param failed: its newest failed one.
    :param running: its newest one in progress.
    :param since: older backups were not read; ``None`` when all were.
    :param now: what the cloud's clock showed at the judgement.
    :param is_fresh: whether the good one keeps the rule.
    """

    resource_id: str
    good: OperationState | None = None
    failed: OperationState | None = None
    running: OperationState | None = None
    since: datetime | None = None
    now: datetime = field(default=EARLIEST)
    is_fresh: bool = False

    def add(self, state: OperationState) -> None:
        """Take note of a backup; one that is being deleted, or deleted, counts for nothing."""
        if state.phase is Phase.SUCCEEDED:
            self.good = _newer(self.good, state)
        elif state.phase is Phase.FAILED:
            self.failed = _newer(self.failed, state)
        elif state.phase is Phase.IN_PROGRESS:
            self.running = _newer(self.running, state)

    def judge(self, rule: FreshnessRule, now: datetime) -> None:
        """Settle whether the newest good backup keeps a rule.

        :param rule: the rule.
        :param now: what the cloud's clock shows.
        """
        self.now = now
        earliest = rule.earliest(now)
        begun = self.good.created_at if self.good is not None else None
        self.is_fresh = self.good is not None and (earliest is None or (begun is not None and begun >= earliest))

    @property
    def newer_failure(self) -> OperationState | None:
        """The newest failed backup, unless a good one began after it."""
        return self.failed if self.failed is not None and _is_newer(self.failed, self.good) else None

    @property
    def reason(self) -> str:
        """How the resource stands, such as ``last good 26 h ago; newest failed: disk full``."""
        if self.good is not None:
            age = self._age(self.good)
            parts = [f"last good {duration_text(age)} ago" if age is not None else "last good at an unknown time"]
        else:
            parts = [f"no good backup since {self.since.isoformat()}" if self.since else "no good backup"]
        if (failed := self.newer_failure) is not None:
            parts.append(f"newest failed: {(failed.reason or 'the list of backups gives no reason').rstrip('.')}")
        if self.running is not None and _is_newer(self.running, self.good):
            age = self._age(self.running)
            parts.append("one is running" + (f", begun {duration_text(age)} ago" if age is not None else ""))
        return one_line("; ".join(parts))

    def to_result(self) -> FreshBackupResult:
        """Return the newest good backup as a small dict.

        :raises ValueError: there is none.
        """
        if self.good is None:
            raise ValueError(f"{self.resource_id} has no good backup")
        age = self._age(self.good)
        return FreshBackupResult(
            **self.good.to_result(),
            resource_id=self.resource_id,
            age_seconds=None if age is None else age.total_seconds(),
        )

    def _age(self, state: OperationState) -> timedelta | None:
        # Clocks of services may differ by moments from the one that is known.
        return None if state.created_at is None else max(self.now - state.created_at, timedelta(0))


def duration_text(duration: timedelta) -> str:
    """Return a duration for people, in one unit: ``45 s``, ``90 min``, ``26 h``, ``5 d``."""
    seconds = duration.total_seconds()
    if duration < _LONGEST_IN_SECONDS:
        return f"{seconds:.0f} s"
    if duration < _LONGEST_IN_MINUTES:
        return f"{seconds // 60:.0f} min"
    if duration < _LONGEST_IN_HOURS:
        return f"{seconds // 3600:.0f} h"
    return f"{duration.days} d"


async def read_freshness(
    pages: AsyncIterator[RowPage],
    to_backup: Callable[[Any], ListedBackup | None],
    resource_ids: Iterable[str],
    rule: FreshnessRule,
    now: Callable[[], datetime],
    *,
    back_to: datetime | None = None,
) -> list[Freshness]:
    """Read a list of backups as far as it is needed to judge resources.

    As long as the rows come newest first, reading ends with the page after which every resource has a good backup, or
    all that follows began too early to be fresh enough. A list in another order is read to its end.

    :param pages: the list, newest first if the service can order it.
    :param to_backup: reads a row; ``None`` for one that is not about a whole resource.
    :param resource_ids: what is judged; each once, whatever its case.
    :param rule: the rule.
    :param now: what the cloud's clock shows, which the answers teach.
    :param back_to: backups that began then or later are read in any case; ``None`` for no more than what is needed.
    :return: each resource, in the order of the ids.
    """
    found = {each.lower(): Freshness(each) for each in resource_ids}
    missing = set(found)
    last: datetime | None = None
    is_ordered = True
    async for page in pages:
        for row in page.rows:
            backup = to_backup(row)
            if backup is None:
                continue
            begun = backup.state.created_at
            is_ordered = is_ordered and begun is not None and (last is None or begun <= last)
            last = begun
            judged = found.get(backup.resource_id.lower())
            if judged is None or not rule.counts(backup):
                continue
            judged.add(backup.state)
            if judged.good is not None:
                missing.discard(judged.resource_id.lower())
        if not is_ordered or last is None or (back_to is not None and last >= back_to):
            continue
        earliest = rule.earliest(now())
        if not missing or (earliest is not None and last < earliest):
            for each in found.values():
                each.since = last
            break
    moment = now()
    for each in found.values():
        each.judge(rule, moment)
    return list(found.values())


def stale_text(judged: Sequence[Freshness], most: int) -> str:
    """Return how the resources without a fresh backup stand, in one line.

    :param judged: all resources.
    :param most: how many are named, 1 or more.
    """
    stale = [each for each in judged if not each.is_fresh]
    named = "; ".join(f"{each.resource_id} ({each.reason})" for each in stale[:most])
    return one_line(named + (f"; and {len(stale) - most} more" if len(stale) > most else ""))


def _newer(known: OperationState | None, state: OperationState) -> OperationState:
    return state if known is None or _is_newer(state, known) else known


def _is_newer(state: OperationState, known: OperationState | None) -> bool:
    return known is None or (state.created_at or EARLIEST) > (known.created_at or EARLIEST)

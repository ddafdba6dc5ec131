"""The backups that policies took by their schedules, and which of them a policy no longer keeps.

Rows of ``<service>.automatic`` by id of the backup: ``policy_id``, ``resource_id``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from airflow_provider_backup.emulator.core.state import CloudState, Row


@dataclass(frozen=True, slots=True)
class Period:
    """The newest backup of each of the last periods is kept, whatever else the policy says.

    :param number: how many periods, 1 or more.
    :param key: the format of the day that is the same within one period, such as ``%Y-%m``.
    """

    number: int
    key: str


@dataclass(frozen=True, slots=True)
class Retention:
    """What a policy keeps of each resource; without limits, everything.

    :param number: the newest good backups; ``None`` for any number.
    :param days: good backups that are so old at most; ``None`` for any age.
    :param failed: the newest failed backups; ``None`` for all.
    :param periods: what is kept beyond ``number``.
    :param zone: the one whose days are meant by the periods.
    """

    number: int | None = None
    days: int | None = None
    failed: int | None = None
    periods: Sequence[Period] = ()
    zone: tzinfo = UTC

    def outlived(self, good: Iterable[datetime], now: datetime) -> set[datetime]:
        """Return which good backups of one resource are no longer kept.

        :param good: when they began.
        :param now: the present.
        """
        newest_first = sorted(good, reverse=True)
        old = set() if self.number is None else set(newest_first[self.number :])
        for period in self.periods:
            newest: dict[str, datetime] = {}
            for moment in newest_first:
                newest.setdefault(moment.astimezone(self.zone).strftime(period.key), moment)
            old -= set(list(newest.values())[: period.number])
        if self.days is not None:
            old |= {moment for moment in newest_first if moment < now - timedelta(days=self.days)}
        return old


class AutomaticBackups:
    """The automatic backups of one service.

    :param state: keeps what is known of them.
    :param service: name of the service.
    """

    def __init__(self, state: CloudState, service: str) -> None:
        self._state = state
        self._rows = state.table(f"{service}.automatic")

    def __contains__(self, backup_id: str) -> bool:
        return backup_id in self._rows

    def add(self, backup_id: str, policy_id: str, resource_id: str) -> None:
        """Note that a policy took a backup by its schedule."""
        self._rows[backup_id] = {"policy_id": policy_id, "resource_id": resource_id}

    def expired(
        self,
        backups: dict[str, Row],
        retention_of: Callable[[str], Retention],
        status_of: Callable[[Row], str],
        *,
        good: str,
        failed: str,
    ) -> list[Row]:
        """Return the backups that are no longer kept.

        :param backups: all backups of the service, by id.
        :param retention_of: what a policy keeps, by its id; everything if it is deleted.
        :param status_of: the status of a backup now.
        :param good: the status of good ones.
        :param failed: the status of failed ones; those with other statuses stay.
        """
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for backup_id, row in list(self._rows.items()):
            if backup_id in backups:
                groups[row["policy_id"], row["resource_id"]].append(backups[backup_id])
            else:
                del self._rows[backup_id]
        gone: list[Row] = []
        for (policy_id, _), group in groups.items():
            retention = retention_of(policy_id)
            of_status = {each: [row for row in group if status_of(row) == each] for each in (good, failed)}
            old = retention.outlived(map(_began, of_status[good]), self._state.now())
            gone += [row for row in of_status[good] if _began(row) in old]
            if retention.failed is not None:
                gone += sorted(of_status[failed], key=_began, reverse=True)[retention.failed :]
        return gone


def _began(backup: Row) -> datetime:
    return datetime.fromisoformat(backup["started_at"])

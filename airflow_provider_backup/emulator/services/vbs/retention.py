"""Which automatic backups a policy has outlived (VBS section 3.1). Pure: no clock, no tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_backup.emulator.core.state import Row


def expired(backups: Iterable[Row], policies: Mapping[str, Row], now: datetime) -> list[Row]:
    """Return the backups that their policy no longer keeps.

    :param backups: good backups; manual ones (``policy_id`` none) and those of deleted policies never expire.
    :param policies: the policies by id.
    :param now: the present, aware.
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for backup in backups:
        if backup["policy_id"] in policies:
            groups[backup["policy_id"], backup["volume_id"]].append(backup)
    return [
        backup
        for (policy_id, _), group in groups.items()
        for backup in _expired_of_one_disk(group, policies[policy_id]["scheduled_policy"], now)
    ]


def _expired_of_one_disk(group: list[Row], scheduled_policy: Mapping[str, Any], now: datetime) -> list[Row]:
    newest_first = sorted(group, key=_began, reverse=True)
    if "rentention_num" in scheduled_policy:
        old = newest_first[scheduled_policy["rentention_num"] :]
    else:
        oldest = now - timedelta(days=scheduled_policy["rentention_day"])
        old = [backup for backup in newest_first if _began(backup) < oldest]
    if scheduled_policy.get("remain_first_backup_of_curMonth") == "Y":
        this_month = [backup for backup in newest_first if _began(backup).strftime("%Y-%m") == f"{now:%Y-%m}"]
        old = [backup for backup in old if backup not in this_month[-1:]]
    return old


def _began(backup: Row) -> datetime:
    return datetime.fromisoformat(backup["started_at"])

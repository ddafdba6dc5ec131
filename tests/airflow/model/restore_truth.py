"""The restores that the local cloud really accepted, read from its tables and not through anything of the client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.threaded import RunningCloud

_STUCK = timedelta(days=365)

Accepted = tuple[str, str, Row]
"""Id of the backup, id of what is overwritten, and the row with the times of one restore."""

Rows = Callable[[RunningCloud], dict[str, Accepted]]
"""Finds all restores that the local cloud accepted, by id."""


@dataclass(frozen=True)
class TrueRestore:
    """What one accepted request does; the same one later equals it.

    :param id: id of its log, job or row.
    :param backup_id: the backup that is restored.
    :param target_id: what is overwritten.
    :param phase: how it stands: in progress, good or failed.
    :param is_stuck: whether it never ends.
    :param started_at: when it began.
    :param ready_at: when it ends or ended.
    """

    id: str
    backup_id: str
    target_id: str
    phase: Phase = field(compare=False)
    is_stuck: bool = field(compare=False)
    started_at: datetime = field(compare=False)
    ready_at: datetime = field(compare=False)

    @property
    def is_running(self) -> bool:
        """Whether it is not over."""
        return self.phase is Phase.IN_PROGRESS

    @property
    def is_live(self) -> bool:
        """Whether it runs or is good: what there must not be two of."""
        return self.phase in (Phase.IN_PROGRESS, Phase.SUCCEEDED)


class RestoreTruth:
    """The restores of one service.

    :param cloud: the local cloud.
    :param accepted: finds their rows.
    :param shows_each: whether the service shows each restore; otherwise only how the last one from a backup ended.
    """

    def __init__(self, cloud: RunningCloud, accepted: Rows, *, shows_each: bool = True) -> None:
        self.shows_each = shows_each
        self._cloud = cloud
        self._accepted = accepted

    def restores(self) -> dict[str, TrueRestore]:
        """Return all restores by id, oldest first."""
        accepted = self._accepted(self._cloud)
        return {each: self._restore(each, *of_it) for each, of_it in accepted.items()}

    def named_by(self, reference: Mapping[str, Any]) -> TrueRestore | None:
        """Return the restore that a reference or a result names; ``None`` when there is none."""
        return self.restores().get(reference.get("job_id") or "")

    def alike(self, reference: Mapping[str, Any]) -> list[TrueRestore]:
        """Return all restores of the backup of a reference to a restore, oldest first."""
        return [each for each in self.restores().values() if each.backup_id == reference["backup_id"]]

    def begun(self, *, with_stuck: bool = False, only_first: bool = False) -> set[str]:
        """Return when those restores began that are still running.

        :param with_stuck: those too that would never end.
        :param only_first: only the oldest.
        """
        running = [each for each in self.restores().values() if each.is_running]
        chosen = [each for each in running if with_stuck or not each.is_stuck]
        return {each.started_at.isoformat() for each in chosen[: 1 if only_first else None]}

    def _restore(self, restore_id: str, backup_id: str, target_id: str, row: Row) -> TrueRestore:
        now, ready_at = self._cloud.state.now(), datetime.fromisoformat(row["ready_at"])
        phase = Phase.FAILED if row["failure"] else Phase.SUCCEEDED
        return TrueRestore(
            id=restore_id,
            backup_id=backup_id,
            target_id=target_id,
            phase=Phase.IN_PROGRESS if now < ready_at else phase,
            is_stuck=ready_at - now > _STUCK,
            started_at=datetime.fromisoformat(row["started_at"]),
            ready_at=ready_at,
        )


def _of_cbr(cloud: RunningCloud) -> dict[str, Accepted]:
    logs = list(cloud.state.table("cbr.operation_logs").values())
    details = {row["id"]: (row["details"]["restore"], row) for row in logs if row["operation_type"] == "restore"}
    return {each: (told["backup_id"], told["target_resource_id"], row) for each, (told, row) in details.items()}


def _of_csbs(cloud: RunningCloud) -> dict[str, Accepted]:
    rows = list(cloud.state.table("csbs.restores").values())
    return {row["id"]: (row["item_id"], row["server_id"], row) for row in rows}


def _of_vbs(cloud: RunningCloud) -> dict[str, Accepted]:
    jobs = [row for row in list(cloud.state.table("vbs.jobs").values()) if row["type"] == "bksRestoreBackup"]
    return {row["id"]: (row["backup_id"], row["volume_id"], row) for row in jobs}


ACCEPTED: dict[str, Rows] = {
    "cbr": _of_cbr,
    "csbs": _of_csbs,
    "vbs": _of_vbs,
}
"""How the restores of each service are found."""

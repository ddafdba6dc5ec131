"""What is really in the local cloud, read from its tables and not through anything of the client."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.airflow.service_matrix import rows

_STUCK = timedelta(days=365)


@dataclass(frozen=True)
class TrueBackup:
    """What one request made: a backup, or the backups of a checkpoint together; the same one later equals it.

    :param id: id of the backup or of the checkpoint.
    :param ids: ids of the backups.
    :param phase: how it stands: in progress, good or failed.
    :param is_running: whether any part is still running.
    :param is_stuck: whether any part never ends.
    :param started_at: when it began.
    :param name: its name.
    """

    id: str
    ids: frozenset[str] = field(compare=False)
    phase: Phase = field(compare=False)
    is_running: bool = field(compare=False)
    is_stuck: bool = field(compare=False)
    started_at: datetime = field(compare=False)
    name: str = field(compare=False)

    @property
    def is_live(self) -> bool:
        """Whether it runs or is good: what there must not be two of."""
        return self.phase in (Phase.IN_PROGRESS, Phase.SUCCEEDED)


class BackupTruth:
    """The backups of one service.

    :param cloud: the local cloud.
    :param service: name of the service.
    """

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        self._cloud = cloud
        self._service = service

    def backups(self) -> dict[str, TrueBackup]:
        """Return all manual backups by id, oldest first."""
        wholes: dict[str, list[Row]] = defaultdict(list)
        for row in rows(self._cloud, self._service):
            wholes[row.get("checkpoint_id") or row["id"]].append(row)
        return {whole_id: self._backup(whole_id, parts) for whole_id, parts in wholes.items()}

    def named_by(self, reference: Mapping[str, Any]) -> TrueBackup | None:
        """Return the backup that a reference or a result names; ``None`` when there is none."""
        wanted = reference["backup_id"]
        if reference["kind"] == "job":
            wanted = self._cloud.state.table("vbs.jobs")[wanted]["backup_id"]
        return self.backups().get(wanted)

    def named_in(self, text: str) -> set[str]:
        """Return the ids of the backups that a text names, be it by their jobs."""
        jobs = self._cloud.state.table("vbs.jobs").values()
        named = {job["backup_id"] for job in jobs if job["id"] in text}
        return named | {backup_id for backup_id in self.backups() if backup_id in text}

    def begun(self, *, with_stuck: bool = False, only_first: bool = False) -> set[str]:
        """Return when those backups began that are still running.

        :param with_stuck: those too that would never end.
        :param only_first: only the oldest part.
        """
        running = [row for row in rows(self._cloud, self._service) if self._goes_on(row)]
        chosen = [row for row in running if with_stuck or not self._is_stuck(row)]
        return {row["started_at"] for row in chosen[: 1 if only_first else None]}

    def remove_failed(self) -> None:
        """Delete failed backups, as a user who tidies up does."""
        for backup in self.backups().values():
            if backup.phase is Phase.FAILED and not backup.is_running:
                for name in ("vbs.backups", "csbs.items", "cbr.backups", f"{self._service}.backups"):
                    for row_id in backup.ids:
                        self._cloud.state.table(name).pop(row_id, None)

    def _backup(self, whole_id: str, parts: list[Row]) -> TrueBackup:
        running = [self._goes_on(row) for row in parts]
        if any(row["failure"] and not goes_on for row, goes_on in zip(parts, running, strict=True)):
            phase = Phase.FAILED
        else:
            phase = Phase.IN_PROGRESS if any(running) else Phase.SUCCEEDED
        return TrueBackup(
            id=whole_id,
            ids=frozenset(row["id"] for row in parts),
            phase=phase,
            is_running=any(running),
            is_stuck=any(self._is_stuck(row) for row in parts),
            started_at=min(datetime.fromisoformat(row["started_at"]) for row in parts),
            name=parts[0]["name"],
        )

    def _goes_on(self, row: Row) -> bool:
        return self._cloud.state.now() < datetime.fromisoformat(row["ready_at"])

    def _is_stuck(self, row: Row) -> bool:
        return datetime.fromisoformat(row["ready_at"]) - self._cloud.state.now() > _STUCK

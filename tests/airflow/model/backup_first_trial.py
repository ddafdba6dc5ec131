"""One task that takes a backup before it overwrites an instance: the backup is judged as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from airflow_provider_backup.cloud.errors import DuplicateNameError
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.exceptions import BackupFailedError, FinalBackupFailedError
from airflow_provider_backup.tasks.identity import MOST_NAMES
from tests.airflow.model.attempts import TASK, Owner
from tests.airflow.model.restore_trial import RestoreTrial
from tests.airflow.model.restore_truth import TrueRestore
from tests.airflow.model.times import ROUNDING
from tests.airflow.task_runs import Deferred


class BackupFirstTrial(RestoreTrial):
    """A restore with ``backup_first``.

    A backup belongs to the attempt during which it appeared. With ``on_conflict="adopt"`` one that ran when an attempt
    began may be the first backup, no matter whose it is.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._backup_owners: dict[str, Owner] = {}
        self._adoptable_backups: set[str] = set()
        super().__init__(*arguments, **options)
        self._backup_owners = dict.fromkeys(self._backups(), ("before", 0, 0))

    # The world

    def plan(self, ends: str) -> None:
        """Settle how the next backup ends, and the next restore: ``well``, ``badly`` or ``never``."""
        super().plan(ends)
        self.world.plan(self.case.service, ends)

    # What Airflow does

    def _begin_generation(self) -> None:
        super()._begin_generation()
        self._adoptable_backups.clear()

    def attempt(
        self, death: int | None = None, *, ends_meanwhile: bool = False, go: Callable[[], Any] | None = None
    ) -> Any:
        """Run the task from its beginning, or from the wait for the first backup on, and judge what it says.

        :param death: how many points its process passes before it dies; ``None`` lets it live.
        :param ends_meanwhile: whether backups and restores end in the middle of it.
        :param go: resumes it, in place of the beginning.
        :return: its outcome; ``None`` if its process died.
        """
        if self.author.on_conflict == "adopt":
            self._adoptable_backups |= {row["id"] for row in self._backup_rows() if self._goes_on(row)}
        return super().attempt(death, ends_meanwhile=ends_meanwhile, go=go)

    def resume_wait(
        self, deferred: Deferred, go: Callable[[], Any], death: int | None, *, ends_meanwhile: bool
    ) -> None:
        """Run a task on that waited for its first backup or for its restore, and judge what it says.

        :param deferred: how it waited.
        :param go: as for :meth:`attempt`.
        :param death: likewise.
        :param ends_meanwhile: likewise.
        """
        if not _waits_for_backup(deferred):
            super().resume_wait(deferred, go, death, ends_meanwhile=ends_meanwhile)
            return
        outcome = self.attempt(death, ends_meanwhile=ends_meanwhile, go=go)
        if _waits_for_backup(outcome):
            deadlines = {each.trigger_arguments["deadline"] for each in (deferred, outcome)}
            assert len(deadlines) == 1, "the deadline has moved"

    # What must hold

    def check_what_was_done(self) -> None:
        """Nothing is restored or backed up twice by accident, and nothing else was touched."""
        super().check_what_was_done()
        with self.judging():
            live = Counter(self._backup_owners[row["id"]] for row in self._backup_rows() if not _has_failed(row))
            twice = {owner: count for owner, count in live.items() if owner[0] == TASK and count > 1}
            assert not twice, f"backed up twice before a restore: {twice}"

    def _see_what_is_new(self, owner: Owner) -> list[TrueRestore]:
        new = super()._see_what_is_new(owner)
        for row in self._backup_rows():
            self._backup_owners.setdefault(row["id"], owner)
        if owner[0] == TASK:
            for restore in new:
                good = [row for row in self._first_backups() if self._was_good(row, restore.started_at)]
                assert good, f"{restore} began, and no backup was good before: {self._first_backups()}"
        return new

    def _check_result(self, result: Mapping[str, Any], restore: TrueRestore) -> None:
        super()._check_result(result, restore)
        first = self._row_of(result["backup_first"])
        assert first is not None, f"nothing is {result['backup_first']}"
        assert self._was_good(first, self.world.cloud.state.now()), f"{first} is no good backup"

    def _check_told(self, outcome: Any, before: Mapping[str, TrueRestore]) -> None:
        if not _waits_for_backup(outcome):
            super()._check_told(outcome, before)
            return
        row = self._row_of(outcome.trigger_arguments["reference"])
        assert row is not None, f"the task told of a backup that does not exist: {outcome!r}"
        assert row in self._first_backups(), f"the task waits for the backup of {self._backup_owners[row['id']]}: {row}"

    def _told(self, outcome: Any) -> TrueRestore | None:
        return None if _waits_for_backup(outcome) or _is_of_backup(outcome) else super()._told(outcome)

    def _check_deadline(self, deferred: Deferred) -> None:
        if not _waits_for_backup(deferred):
            super()._check_deadline(deferred)
            return
        row = self._row_of(deferred.trigger_arguments["reference"])
        assert row is not None
        began = datetime.fromisoformat(row["started_at"]).timestamp()
        if self._backup_owners[row["id"]] != self._owner:
            began = max(began, self.began_at)
        deadline, timeout = deferred.trigger_arguments["deadline"], self.run.operator.timeout
        assert deadline <= began + timeout + ROUNDING, f"the deadline has moved: {row}: {deadline=}, {timeout=}"

    def _check_error(self, error: Exception, new: list[TrueRestore], *, is_troubled: bool, was_busy: bool) -> None:
        if _is_of_backup(error):
            assert isinstance(error, FinalBackupFailedError) is not self.author.retry_failed
            first = self._first_backups()
            assert any(map(_has_failed, first)), f"{error!r}, and the first backups are {first}"
            assert not new, f"{error!r}, but {new} was submitted"
        elif not self._cannot_end_well(error):
            super()._check_error(error, new, is_troubled=is_troubled, was_busy=was_busy)

    # How it is done

    def _cannot_end_well(self, outcome: Any) -> bool:
        """Whether failed backups, and those of earlier DAG runs of the same id, have used up the names."""
        used = [row for row in self._backup_rows() if self._backup_owners[row["id"]][0] == TASK]
        return isinstance(outcome, DuplicateNameError) and len(used) >= MOST_NAMES

    def _first_backups(self) -> list[Row]:
        return [
            row
            for row in self._backup_rows()
            if self._backup_owners.get(row["id"]) == self._owner or row["id"] in self._adoptable_backups
        ]

    def _row_of(self, reference: Mapping[str, Any]) -> Row | None:
        return next((row for row in self._backup_rows() if row["id"] == reference["backup_id"]), None)

    def _was_good(self, row: Row, moment: datetime) -> bool:
        return not row["failure"] and datetime.fromisoformat(row["ready_at"]) <= moment


def _waits_for_backup(outcome: Any) -> bool:
    """Whether a task waits for its first backup; not whether a backup of another keeps its instance busy."""
    if not isinstance(outcome, Deferred) or outcome.is_for_conflict:
        return False
    return bool(outcome.trigger_arguments["reference"].get("operation", "backup") == "backup")


def _is_of_backup(outcome: Any) -> bool:
    """Whether a task failed with its first backup."""
    return isinstance(outcome, BackupFailedError) and outcome.observation.reference.operation == "backup"


def _has_failed(row: Row) -> bool:
    return bool(row["failure"])

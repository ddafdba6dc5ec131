"""One task that deletes: what it says is held against what is there in the cloud."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_backup.cloud.errors import BackupError, ResourceBusyError
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.exceptions import (
    BackupFailedError,
    BackupTimeoutError,
    InvalidArgumentError,
    MissingError,
)
from tests.airflow.model.attempts import Awaited, State, TaskAttempts
from tests.airflow.model.deletion_author import DeletionAuthor
from tests.airflow.model.deletion_case import DeletionCase
from tests.airflow.model.times import LONG, SHORT
from tests.airflow.model.world import World
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore

_QUICKLY: dict[str, Any] = {"wait_for_completion": False, "on_conflict": "fail", "deferrable": False}


@dataclass(frozen=True)
class _Awaited:
    """What a trigger waits for, with all that keeps it waiting."""

    is_running: bool
    is_stuck: bool


class DeletionTrial(TaskAttempts):
    """A task that deletes one thing, its cloud and all that is known of both.

    To request a deletion twice harms nothing, so that is not judged. Known exceptions, modelled as they are documented:
    without a record of what an earlier try saw, a retry that finds nothing left fails; a checkpoint of CBR is still
    there when its backups are gone, so that its deletion has nothing left to do; what a service calls busy counts as
    seen; and where nothing tells that a deletion has failed (that of a backup that had failed before, or that of an
    instance whose job is not known), the task waits for it until its deadline.

    :param case: what is deleted, in a local cloud of its own in which everything takes no time yet.
    :param world: the world around it.
    :param author: what the task is.
    :param with_store: whether Airflow has a task state store.
    """

    def __init__(self, case: DeletionCase, world: World, author: DeletionAuthor, *, with_store: bool) -> None:
        operator = case.operator(**author.arguments(), by_id=author.by_id, confirms=author.confirms)
        super().__init__(world, operator, with_store=with_store)
        self.author = author
        self.case = case
        self._others_before = case.others()
        self._backups_ever = {row["id"]: row for row in case.backup_rows}
        self._is_deleted_by_others = False
        self._may_fail = False
        self._was_seen = False
        self._is_recorded = False
        self._others = 0
        world.cloud.set_backup_seconds(LONG)

    # The world

    def end_all(self, *, only_first: bool = False, with_stuck: bool = False) -> None:
        """Let everything be over that runs in the cloud."""
        self.world.lists_are_current()
        begun = self.world.begun(with_stuck=with_stuck)
        self.world.end_now(sorted(begun)[:1] if only_first else begun)
        for row in self.case.backup_rows:
            # Deletions of backups of databases have no other times.
            if row.get("gone_at"):
                row["gone_at"] = self.world.cloud.state.now().isoformat()

    def plan(self, ends: str) -> None:
        """Settle how the next deletion ends: ``well``, ``badly`` or ``never``."""
        if self.case.planned_as is not None:
            self.world.plan(self.case.planned_as, ends)
            self._may_fail |= ends == "badly"

    def delete_in_another_task(self) -> None:
        """Let another task delete the same."""
        self._let_another_task_run(self.case.operator(**_QUICKLY, by_id=True, confirms=True))
        self._is_deleted_by_others |= not self.case.is_there or self.case.is_being_deleted

    def take_backup_in_another_task(self) -> None:
        """Let another task back the resource up."""
        self._let_another_task_run(self.case.backup_operator())
        self._backups_ever |= {row["id"]: row for row in self.case.backup_rows}
        self._others_before |= self.case.others()

    # What Airflow does

    def make_run_again(self) -> None:
        """Prepare the first attempt in a DAG run of the same id, which knows nothing of the one before."""
        super().make_run_again()
        self._was_seen = self._is_recorded = False

    def attempt(
        self, death: int | None = None, *, ends_meanwhile: bool = False, go: Callable[[], Any] | None = None
    ) -> Any:
        """Run the task from its beginning and judge what it says.

        :param death: how many points its process passes before it dies; ``None`` lets it live.
        :param ends_meanwhile: whether deletions end in the middle of it.
        :param go: resumes it, in place of the beginning, when it was deferred before it submitted anything.
        :return: its outcome; ``None`` if its process died.
        """
        hits, was_busy = self.world.hits(), self._is_busy()
        self._was_seen |= self.case.is_there
        must_know = self._is_recorded and self.run.store is not None and not self.run.store.fails
        with self.judging():
            outcome = self.outcome(go or self.run.execute, death, ends_meanwhile)
            self._was_seen |= self.world.may_have_shown_what_is_gone
            self._check_that_only_what_is_confirmed_goes()
            if self.state is State.DEAD:
                return None
            is_troubled = self.world.is_troubled(hits) or self.is_cut_short(outcome) or bool(go and self.xcoms_are_lost)
            self._check_told(outcome, was_busy=was_busy)
            if isinstance(outcome, MissingError):
                self._check_missing(outcome, must_know=must_know)
            elif isinstance(outcome, Exception):
                self._check_error(outcome, is_troubled=is_troubled, was_busy=was_busy)
            self._is_recorded |= isinstance(outcome, Deferred) and self.run.store is not None and not self._store_fails
        return outcome

    def resume_wait(
        self, deferred: Deferred, go: Callable[[], Any], death: int | None, *, ends_meanwhile: bool
    ) -> None:
        """Run a task on that waited for its deletion, and judge what it says.

        :param deferred: how it waited.
        :param go: resumes it.
        :param death: as for :meth:`attempt`.
        :param ends_meanwhile: likewise.
        """
        hits = self.world.hits()
        with self.judging():
            outcome = self.outcome(go, death, ends_meanwhile)
            if self.state is State.DEAD:
                return
            assert not (isinstance(outcome, Deferred) and outcome.is_for_conflict), f"it began anew: {outcome!r}"
            self._check_told(outcome, was_busy=True)
            if isinstance(outcome, Exception):
                is_troubled = self.world.is_troubled(hits) or self.is_cut_short(outcome) or self.xcoms_are_lost
                assert not isinstance(outcome, MissingError), f"it waited for a deletion and came to {outcome!r}"
                self._check_error(outcome, is_troubled=is_troubled, was_busy=False)
            if isinstance(outcome, Deferred):
                deadlines = {each.trigger_arguments["deadline"] for each in (deferred, outcome)}
                assert len(deadlines) == 1, "the deadline has moved"

    def waited_for(self, deferred: Deferred) -> Awaited | None:
        """Return what a trigger waits for: the deletion, or what keeps its object busy."""
        reference = deferred.trigger_arguments["reference"]
        if reference.get("operation", "backup") == "backup":
            names = ("id", "job_id", "checkpoint_id")
            known = [
                row
                for row in self._backups_ever.values()
                if reference["backup_id"] in {row.get(name) for name in names}
            ]
            return _Awaited(any(map(self._goes_on, known)), is_stuck=False) if known else None
        if not self.case.names(reference):
            return None
        if not self.case.is_there:
            return _Awaited(is_running=False, is_stuck=False)
        is_told = self.case.is_being_deleted or (reference.get("job_id") and not reference.get("was_failed"))
        return _Awaited(is_running=True, is_stuck=self.case.is_stuck or not is_told)

    def end_well(self) -> Any:
        """Once all faults have ended, the next attempts end with the deletion, if it may be done at all."""
        if self.run.store:
            self.run.store.fails = False
        outcome = super().end_well()
        if isinstance(outcome, InvalidArgumentError):
            assert self.case.is_there, f"nothing is there, and the task came to {outcome!r}"
        elif isinstance(outcome, MissingError):
            self._check_missing(outcome, must_know=self._is_recorded and self.run.store is not None)
        else:
            assert self.state is State.DONE, f"no trouble is left, and the task came to {outcome!r}"
        self.check_what_is_there()
        return outcome

    # What must hold

    def check_what_is_there(self) -> None:
        """Nothing is deleted that was not named."""
        with self.judging():
            gone = self._others_before - self.case.others()
            assert not gone, f"deleted although it was not named: {gone}"
            self._check_that_only_what_is_confirmed_goes()

    def _check_that_only_what_is_confirmed_goes(self) -> None:
        is_safe = self.case.is_there and not self.case.is_being_deleted
        may_go = self.author.confirms or self._is_deleted_by_others
        assert is_safe or may_go, "it is deleted, and the task has the name of another"

    def _check_told(self, outcome: Any, *, was_busy: bool) -> None:
        if isinstance(outcome, Exception):
            return
        if not isinstance(outcome, Deferred):
            assert not self.case.is_there, f"{outcome!r} was reported, and it is still there"
            is_known = self._was_seen or self.case.is_known_for_good(by_id=self.author.by_id)
            is_right = is_known or self.author.if_missing == "ignore"
            assert is_right, f"nothing was there in any try, and the task came to {outcome!r}"
        elif outcome.is_for_conflict:
            assert self.author.on_conflict != "fail", "the task waits for its resource, and its author wants it to fail"
            is_called_busy = was_busy or self._is_busy() or self.world.may_have_shown_what_is_gone
            assert is_called_busy, "nothing runs, and the task waits for its resource"
        else:
            assert self._was_seen, "nothing was there in any try, and the task waits for a deletion"

    def _check_missing(self, error: MissingError, *, must_know: bool) -> None:
        assert self.author.if_missing == "fail", f"the author wants to ignore it, and the task came to {error!r}"
        assert not self.case.is_there, f"it is there, and the task came to {error!r}"
        assert not must_know, f"an earlier try recorded what it saw, and the task came to {error!r}"

    def _check_error(self, error: Exception, *, is_troubled: bool, was_busy: bool) -> None:
        if isinstance(error, BackupFailedError):
            assert self._may_fail, f"no deletion was to fail, and the task met {error!r}"
        elif isinstance(error, BackupTimeoutError):
            assert self.author.timeout == SHORT, f"an hour is not over: {error!r}"
        elif isinstance(error, InvalidArgumentError):
            assert not self.author.confirms, f"the name is right, and the task came to {error!r}"
        elif not is_troubled:
            is_refused = isinstance(error, ResourceBusyError) and self.author.on_conflict == "fail"
            is_right = is_refused and (was_busy or self._is_busy())
            assert is_right, f"nothing was wrong, and the task met {error!r}"

    # How it is done

    def _let_another_task_run(self, operator: Any) -> None:
        self._others += 1
        with suppress(BackupError):
            TaskRun(operator, run_id=f"other-{self._others}", store=TaskStateStore()).execute()
        self.world.settle()

    @property
    def _store_fails(self) -> bool:
        return self.run.store is not None and self.run.store.fails

    def _is_busy(self) -> bool:
        return bool(self.world.begun(with_stuck=True)) or self.case.is_being_deleted

    def _goes_on(self, row: Row) -> bool:
        return self.world.cloud.state.now() < datetime.fromisoformat(row["ready_at"])

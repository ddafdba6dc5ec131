"""One task that restores: what it says is held against the restores and the contents of the cloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_backup.cloud.errors import BackupError, BadRequestError, ResourceBusyError
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.exceptions import (
    BackupFailedError,
    BackupTimeoutError,
    FinalBackupFailedError,
    UnprovenSubmissionError,
)
from tests.airflow.model.attempts import OTHERS, TASK, Awaited, Owner, State, TaskAttempts
from tests.airflow.model.restore_author import RestoreAuthor
from tests.airflow.model.restore_case import RestoreCase
from tests.airflow.model.restore_truth import TrueRestore
from tests.airflow.model.times import LONG, ROUNDING, SHORT
from tests.airflow.model.world import World
from tests.airflow.service_matrix import rows
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore

_QUICKLY: dict[str, Any] = {"wait_for_completion": False, "on_conflict": "fail"}

WANTED = 1
"""The content that the backup holds."""


@dataclass(frozen=True)
class _Awaited:
    """What a trigger waits for, with all that keeps it waiting."""

    is_running: bool
    is_stuck: bool


class RestoreTrial(TaskAttempts):
    """A task that overwrites a resource, its cloud and all that is known of both.

    A restore belongs to the attempt during which the cloud accepted it. Before each generation the data break, so that
    only a restore of that generation brings the wanted content back. Known exceptions, modelled as they are documented:
    without a record a retry of CBR takes a restore of the same backup to the same resource that began since the DAG run
    did, and one of a database the restore that runs on its instance, of which no job tells how it ends; and
    ``on_conflict="adopt"`` takes one that runs, no matter whose.

    :param case: what is restored, in a local cloud of its own in which everything takes no time yet.
    :param world: the world around it.
    :param author: what the task is.
    :param with_store: whether Airflow has a task state store.
    """

    def __init__(self, case: RestoreCase, world: World, author: RestoreAuthor, *, with_store: bool) -> None:
        named = case.by_id() if author.by_id else {}
        super().__init__(world, case.operator(**author.arguments(), **named, **case.of_the_task), with_store=with_store)
        self.author = author
        self.case = case
        self.truth = case.truth
        self._backups_before = self._backups()
        self._bystanders = {each: world.cloud.content(each) for each in case.others()}
        self._owners: dict[str, Owner] = {}
        self._taken_over: set[str] = set()
        self._ran_before: dict[str, TrueRestore] = {}
        self._is_in_doubt = False
        self._others = 0
        self._version = world.cloud.content(case.resource_id)
        self._changed_at = world.cloud.state.now()
        world.cloud.set_backup_seconds(LONG)

    # The world

    def end_all(self, *, only_first: bool = False, with_stuck: bool = False) -> None:
        """Let restores be over, and the backups that keep the resource busy."""
        self.world.lists_are_current()
        now = self.world.cloud.state.now()
        backups = {row["started_at"] for row in self._backup_rows() if now < datetime.fromisoformat(row["ready_at"])}
        begun = self.truth.begun(only_first=only_first, with_stuck=with_stuck)
        self.world.end_now(begun if only_first and begun else begun | backups)

    def plan(self, ends: str) -> None:
        """Settle how the next restore ends: ``well``, ``badly`` or ``never``."""
        self.world.plan(f"{self.case.service}.restore", ends)

    def break_data(self) -> None:
        """Let the data change: what a restore is needed for."""
        self._version += 1
        self.world.cloud.change_content(self.case.resource_id, self._version)
        self._changed_at = self.world.cloud.state.now()

    def restore_in_another_task(self) -> None:
        """Let another task restore the same backup in the same way."""
        self._let_another_task_run(self.case.operator(**_QUICKLY))

    def take_backup_in_another_task(self) -> None:
        """Let another task back the resource up."""
        self._let_another_task_run(self.case.backup_operator(**_QUICKLY))
        self._backups_before |= self._backups()

    def kill(self) -> None:
        """Let a user end the task in Airflow."""
        self.run.operator.on_kill()

    # What Airflow does

    def _begin_generation(self) -> None:
        super()._begin_generation()
        self._taken_over.clear()
        self._is_in_doubt = False
        self.break_data()

    def attempt(
        self, death: int | None = None, *, ends_meanwhile: bool = False, go: Callable[[], Any] | None = None
    ) -> Any:
        """Run the task from its beginning and judge what it says.

        :param death: how many points its process passes before it dies; ``None`` lets it live.
        :param ends_meanwhile: whether restores end in the middle of it.
        :param go: resumes it, in place of the beginning, when it was deferred before it submitted anything.
        :return: its outcome; ``None`` if its process died.
        """
        before, hits = self.truth.restores(), self.world.hits()
        own = [each for each in self._own() if each.is_live]
        must_find = bool(own) and self._is_found_again()
        self._ran_before = {name: each for name, each in before.items() if each.is_running}
        if self.author.on_conflict == "adopt":
            self._taken_over |= {each.id for each in before.values() if each.is_running}
        was_busy = self._is_kept_busy_by_others()
        with self.judging():
            outcome = self.outcome(go or self.run.execute, death, ends_meanwhile)
            new = self._see_what_is_new(self._owner)
            # One that failed in the meantime is worth another one.
            is_there = any(self.truth.restores()[each.id].is_live for each in own)
            assert not (is_there and new), f"{own} was submitted before, and now {new}"
            if self.state is State.DEAD:
                self._is_in_doubt = True
                return None
            is_troubled = self.world.is_troubled(hits) or self.is_cut_short(outcome) or bool(go and self.xcoms_are_lost)
            self._check_told(outcome, before)
            if must_find and not is_troubled and is_there:
                is_found = self._told(outcome) in own or isinstance(outcome, BackupTimeoutError)
                assert is_found, f"{own} was there already, and the task came to {outcome!r}"
            if isinstance(outcome, Exception):
                self._check_error(outcome, new, is_troubled=is_troubled, was_busy=was_busy)
            elif isinstance(outcome, Deferred) and not is_troubled and not outcome.is_for_conflict:
                self._check_deadline(outcome)
            self._is_in_doubt |= is_troubled or self._store_fails
        return outcome

    def resume_wait(
        self, deferred: Deferred, go: Callable[[], Any], death: int | None, *, ends_meanwhile: bool
    ) -> None:
        """Run a task on that waited for its own operation, and judge what it says.

        :param deferred: how it waited.
        :param go: resumes it.
        :param death: as for :meth:`attempt`.
        :param ends_meanwhile: likewise.
        """
        before, hits = self.truth.restores(), self.world.hits()
        waited_for = self._told(deferred)
        with self.judging():
            outcome = self.outcome(go, death, ends_meanwhile)
            assert not self._see_what_is_new(self._owner), "a second restore was submitted after the deferral"
            if self.state is State.DEAD:
                return
            self._check_told(outcome, before)
            if isinstance(outcome, Exception):
                is_troubled = self.world.is_troubled(hits) or self.is_cut_short(outcome) or self.xcoms_are_lost
                self._check_error(outcome, [], is_troubled=is_troubled, was_busy=False)
            else:
                assert self._told(outcome) == waited_for, f"it told of another restore than {waited_for}: {outcome!r}"
            if isinstance(outcome, Deferred):
                deadlines = {each.trigger_arguments["deadline"] for each in (deferred, outcome)}
                assert len(deadlines) == 1, "the deadline has moved"

    def waited_for(self, deferred: Deferred) -> Awaited | None:
        """Return what a trigger waits for: all restores of one backup, or the backup that keeps the resource busy."""
        reference = deferred.trigger_arguments["reference"]
        if reference.get("operation") == "restore":
            # While another task restores the same, what is read of it proves nothing for this one.
            alike = self.truth.alike(reference)
            running = [each for each in alike if each.is_running]
            return _Awaited(bool(running), any(each.is_stuck for each in running)) if alike else None
        names = ("id", "job_id", "checkpoint_id")
        rows_of_it = [row for row in self._backup_rows() if reference["backup_id"] in {row.get(name) for name in names}]
        return _Awaited(any(map(self._goes_on, rows_of_it)), is_stuck=False) if rows_of_it else None

    def end_well(self) -> Any:
        """Once all faults have ended, the next attempts end with the restore, after a clear if the task asks for it."""
        if self.run.store:
            self.run.store.fails = False
        outcome = super().end_well()
        if isinstance(outcome, UnprovenSubmissionError | FinalBackupFailedError):
            # The next step that the error names; a wait on the worker must end within the author's time.
            self.world.cloud.set_backup_seconds(0.0)
            outcome = self.go_on_until_done(self.clear)
        is_right = self.state is State.DONE or self._cannot_end_well(outcome)
        assert is_right, f"no trouble is left, and the task came to {outcome!r}"
        self.check_what_was_done()
        return outcome

    # What must hold

    def check_what_was_done(self) -> None:
        """No second restore by accident, and nothing else was touched."""
        with self.judging():
            live = Counter(self._owners[each.id] for each in self.truth.restores().values() if each.is_live)
            twice = {owner: count for owner, count in live.items() if owner[0] == TASK and count > 1}
            assert not twice, f"restored twice: {twice}"
            touched = [each for each, was in self._bystanders.items() if self.world.cloud.content(each) != was]
            assert not touched, f"something else was overwritten: {touched}"
            assert self._backups_before <= self._backups(), "a backup is gone"
            if self.case.has_key:
                content = self.world.cloud.content(self.case.resource_id)
                assert content == self._version, "what was backed up is overwritten, but an instance was to be created"

    def _check_result(self, result: Mapping[str, Any], restore: TrueRestore) -> None:
        """The restore is good, and the content is what the backup holds, unless it was changed since."""
        equals = [each for each in self.truth.restores().values() if _is_the_same(each, restore)]
        good = [each for each in equals if each.phase is Phase.SUCCEEDED and each.started_at >= restore.started_at]
        # Where nothing is shown of a restore but the backup, a later one from it counts as well.
        proof = [each for each in good if each == restore or not self.truth.shows_each]
        assert proof or not result["job_id"], f"{result} was reported, but the restore is {restore}"
        if not proof:
            return
        if self.case.has_key or max(each.ready_at for each in proof) > self._changed_at:
            content = self.case.content_of(restore)
            assert content == WANTED, f"{result} was reported, but the content is {content}"
        else:
            # The data may change again after the task's own restore.
            is_right = self._owners[restore.id] == self._owner or self._may_be_taken(restore)
            assert is_right, f"{restore} ended before the data broke, but {result}"
        assert result["resource_ids"] == [restore.target_id]
        assert result["backup_ids"] == self.case.backup["backup_ids"]

    def _check_told(self, outcome: Any, before: Mapping[str, TrueRestore]) -> None:
        if isinstance(outcome, Exception):
            return
        if isinstance(outcome, Deferred) and outcome.is_for_conflict:
            assert self.author.on_conflict != "fail", "the task waits for its resource, and its author wants it to fail"
            return
        told = self._told(outcome)
        assert told is not None, f"the task told of a restore that does not exist: {outcome!r}"
        is_right = self._owners[told.id] == self._owner or told.id in self._taken_over or self._may_be_taken(told)
        assert is_right, f"the task took {told} of {self._owners[told.id]} for its own"
        if not isinstance(outcome, Deferred):
            self._check_result(outcome, told)

    def _check_deadline(self, deferred: Deferred) -> None:
        restore = self._told(deferred)
        assert restore is not None
        began = restore.started_at.timestamp()
        if self._owners[restore.id] != self._owner:
            # The time of what others began counts from this task's own start at the earliest.
            began = max(began, self.began_at)
        deadline, timeout = deferred.trigger_arguments["deadline"], self.run.operator.timeout
        assert deadline <= began + timeout + ROUNDING, f"the deadline has moved: {restore}: {deadline=}, {timeout=}"

    def _check_error(self, error: Exception, new: list[TrueRestore], *, is_troubled: bool, was_busy: bool) -> None:
        if isinstance(error, BackupFailedError):
            assert isinstance(error, FinalBackupFailedError) is not self.author.retry_failed
            told = self._told(error)
            same = [each for each in self.truth.restores().values() if told is None or _is_the_same(each, told)]
            assert any(each.phase is Phase.FAILED for each in same), f"{error!r}, and the truth is {same}"
        elif isinstance(error, BackupTimeoutError):
            assert self.author.timeout == SHORT, f"an hour is not over: {error!r}"
        elif isinstance(error, UnprovenSubmissionError):
            assert not new, f"{error!r}, but {new} was submitted"
            assert not self.is_first_try, f"nothing was sent before, and the task came to {error!r}"
            is_recorded = self.run.store is not None and not self._is_in_doubt and not self._store_fails
            assert not is_recorded, f"all that was sent before is recorded, and the task came to {error!r}"
        elif not is_troubled:
            is_refused_as_busy = isinstance(error, ResourceBusyError) and self.author.on_conflict == "fail"
            is_busy = was_busy or self._is_kept_busy_by_others()
            cannot_record = self._store_fails and "could not be recorded before" in str(error) and not new
            is_ruined = isinstance(error, BadRequestError) and self._is_backup_ruined
            is_right = (is_refused_as_busy and is_busy) or cannot_record or is_ruined
            assert is_right, f"nothing was wrong, and the task met {error!r}"

    # How it is done

    def _cannot_end_well(self, outcome: Any) -> bool:
        """Whether the task is right to fail whatever is done.

        :param outcome: what the last attempt came to.
        """
        return self._is_backup_ruined

    def _let_another_task_run(self, operator: Any) -> None:
        self._others += 1
        with suppress(BackupError):
            TaskRun(operator, run_id=f"other-{self._others}", store=TaskStateStore()).execute()
        self.world.settle()
        self._see_what_is_new((OTHERS, self._others, 0))

    @property
    def _owner(self) -> Owner:
        return TASK, self.dag_runs, self.run.ti.max_tries

    @property
    def _store_fails(self) -> bool:
        return self.run.store is not None and self.run.store.fails

    @property
    def _is_backup_ruined(self) -> bool:
        """Whether the backup cannot be restored any more."""
        last = max(self.truth.restores().values(), key=lambda each: each.started_at, default=None)
        return self.case.is_ruined_by_failure and last is not None and last.phase is Phase.FAILED

    def _own(self) -> list[TrueRestore]:
        return [each for each in self.truth.restores().values() if self._owners[each.id] == self._owner]

    def _see_what_is_new(self, owner: Owner) -> list[TrueRestore]:
        new = [each for each in self.truth.restores().values() if each.id not in self._owners]
        self._owners |= dict.fromkeys((each.id for each in new), owner)
        return new

    def _is_found_again(self) -> bool:
        """Whether the next attempt must find what was submitted before it."""
        if self.case.has_key:
            return True
        return self.run.store is not None and not self._store_fails and not self._is_in_doubt

    def _may_be_taken(self, restore: TrueRestore) -> bool:
        """Whether an attempt may take a restore for its own because nothing tells it from that."""
        if self.case.has_key or self.is_first_try or (self.run.store is not None and not self._is_in_doubt):
            return False
        is_in_time = not self.case.shows_begin or restore.started_at >= self.run.dag_run.start_date
        return is_in_time and self.case.may_take(self._ran_before, restore)

    def _told(self, outcome: Any) -> TrueRestore | None:
        """Return the restore that the task reports."""
        if isinstance(outcome, BackupFailedError):
            return self.truth.named_by(outcome.observation.reference.to_dict())
        if isinstance(outcome, Exception) or (isinstance(outcome, Deferred) and outcome.is_for_conflict):
            return None
        return self.truth.named_by(outcome.trigger_arguments["reference"] if isinstance(outcome, Deferred) else outcome)

    def _is_kept_busy_by_others(self) -> bool:
        others = [each for each in self.truth.restores().values() if self._owners.get(each.id) != self._owner]
        return any(each.is_running for each in others) or any(map(self._goes_on, self._backup_rows()))

    def _goes_on(self, row: Row) -> bool:
        return self.world.cloud.state.now() < datetime.fromisoformat(row["ready_at"])

    def _backup_rows(self) -> list[Row]:
        return rows(self.world.cloud, self.case.service)

    def _backups(self) -> set[str]:
        return {row["id"] for row in self._backup_rows()}


def _is_the_same(one: TrueRestore, other: TrueRestore) -> bool:
    return (one.backup_id, one.target_id) == (other.backup_id, other.target_id)

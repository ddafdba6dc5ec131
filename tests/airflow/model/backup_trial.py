"""One task that takes a backup: what it says is held against what is really in the cloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_backup.cloud.errors import (
    BackupError,
    DuplicateNameError,
    QuotaExceededError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import (
    BackupExistsError,
    BackupFailedError,
    BackupTimeoutError,
    FinalBackupFailedError,
)
from airflow_provider_backup.tasks.identity import MOST_NAMES
from tests.airflow.model.attempts import OTHERS, TASK, Owner, State, TaskAttempts
from tests.airflow.model.backup_author import BackupAuthor
from tests.airflow.model.backup_truth import BackupTruth, TrueBackup
from tests.airflow.model.times import ROUNDING, SHORT
from tests.airflow.model.world import World
from tests.airflow.service_matrix import SERVICE_OF, cbr_vault, create_operator, csbs_policy, target
from tests.airflow.task_runs import Deferred, Rescheduled, TaskRun
from tests.statuses import phase_of

MOST_BACKUPS_OF_A_DISK = 20


class BackupTrial(TaskAttempts):
    """A task, its cloud and all that is known of both.

    A backup belongs to the attempt during which it appeared. Known exceptions, modelled as they are documented: what
    carries no name (CSBS policy executions) or a name of the author's is found by time, so that a retry may take what
    began since its DAG run did; and on 2.11 the clear of a running task looks like a retry.

    :param cloud: a local cloud of its own.
    :param author: what the task is.
    :param with_access_key: how the connection proves who asks.
    :param with_store: whether Airflow has a task state store.
    """

    def __init__(self, cloud: RunningCloud, author: BackupAuthor, *, with_access_key: bool, with_store: bool) -> None:
        world = World(cloud, SERVICE_OF[author.service], with_access_key=with_access_key)
        self.author = author
        self.truth = BackupTruth(cloud, author.service)
        self._what = _target(cloud, author)
        operator = create_operator(cloud, author.service, **author.arguments(), **self._what)
        super().__init__(world, operator, with_store=with_store)
        self.reference: dict[str, Any] | None = None
        self._owners: dict[str, Owner] = {}
        self._taken_over: set[str] = set()
        self._others = 0

    # The world

    def end_all(self, *, only_first: bool = False, with_stuck: bool = False) -> None:
        """Let backups be over."""
        self.world.lists_are_current()
        self.world.end_now(self.truth.begun(only_first=only_first, with_stuck=with_stuck))

    def take_backup_of_another_task(self) -> None:
        """Let another task back the same resource up."""
        operator = create_operator(
            self.world.cloud,
            self.author.service,
            task_id="other",
            wait_for_completion=False,
            on_conflict="fail",
            **self._what,
        )
        self._others += 1
        with suppress(BackupError):
            TaskRun(operator, run_id=f"other-{self._others}").execute()
        self.world.settle()
        self._see_what_is_new((OTHERS, self._others, 0))

    def edit_retries(self, retries: int) -> None:
        """Edit the DAG file; only where the key or nothing tells whose a backup is does that never matter."""
        if self.author.has_key:
            self.run.operator.retries = retries

    # What Airflow does

    def set_aside(self) -> None:
        """Let the present wait be one of an attempt that is over."""
        super().set_aside()
        self.reference = None

    def _begin_generation(self) -> None:
        super()._begin_generation()
        if self.run.operator.on_clear == "fresh":
            self._taken_over.clear()

    def attempt(
        self, death: int | None = None, *, ends_meanwhile: bool = False, go: Callable[[], Any] | None = None
    ) -> Any:
        """Run the task from its beginning and judge what it says.

        :param death: how many points its process passes before it dies; ``None`` lets it live.
        :param ends_meanwhile: whether backups end in the middle of it.
        :param go: resumes it, in place of the beginning, when it was deferred before it submitted anything.
        :return: its outcome; ``None`` if its process died.
        """
        before, hits = self.truth.backups(), self.world.hits()
        adoptable = self._adoptable()
        own = [backup for backup in adoptable if self._owners[backup.id] == self._owner]
        if self.author.on_conflict == "adopt":
            # It adopts what runs on the resource, no matter who started it, and so does its next try.
            self._taken_over |= {backup.id for backup in before.values() if backup.is_running}
        with self.judging():
            outcome = self.outcome(go or self.run.execute, death, ends_meanwhile)
            self._see_what_is_new(self._owner)
            if self.state is State.DEAD:
                return None
            self._check_told(outcome)
            is_troubled = self.world.is_troubled(hits) or self.is_cut_short(outcome) or bool(go and self.xcoms_are_lost)
            # What is there already is found again, when nothing is in the way; it may have failed meanwhile.
            if not is_troubled and any(self.truth.backups()[backup.id].is_live for backup in own):
                named = self.truth.named_in(str(outcome))
                is_found = self._told(outcome) in adoptable or any(backup.id in named for backup in adoptable)
                assert is_found, f"{own} was there already, and the task came to {outcome!r}"
            # A machine that was too slow for the first read of a recorded backup learns only later that it had failed.
            is_slow = self.used_up_its_time
            if isinstance(outcome, BackupFailedError) and self.author.retry_failed and not (is_troubled or is_slow):
                told = self._told(outcome)
                had_failed = told and told.id in before and not before[told.id].is_live
                assert not had_failed, f"{told} had failed before, and the task took it up"
            if isinstance(outcome, Exception):
                self._check_error(outcome, before, is_troubled=is_troubled, own=adoptable)
            elif isinstance(outcome, Deferred) and not is_troubled and not outcome.is_for_conflict:
                self._check_deadline(outcome)
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
        before, hits = self.truth.backups(), self.world.hits()
        waited_for = self._told(deferred)
        with self.judging():
            outcome = self.outcome(go, death, ends_meanwhile)
            assert not self._see_what_is_new(self._owner), "a second backup was taken after the deferral"
            if self.state is State.DEAD:
                return
            self._check_told(outcome)
            if isinstance(outcome, Exception):
                self._check_error(
                    outcome,
                    before,
                    is_troubled=self.world.is_troubled(hits)
                    or self.is_cut_short(outcome)
                    or self.xcoms_are_lost
                    or waited_for is None,
                    own=[waited_for] if waited_for else [],
                )
            else:
                assert self._told(outcome) == waited_for, f"it told of another backup than {waited_for}: {outcome!r}"
            if isinstance(outcome, Deferred):
                deadlines = {each.trigger_arguments["deadline"] for each in (deferred, outcome)}
                assert len(deadlines) == 1, "the deadline has moved"

    # What must hold

    def check_that_nothing_is_there_twice(self) -> None:
        """At most one backup per task, key and generation."""
        with self.judging():
            live = Counter(self._owners[backup.id] for backup in self.truth.backups().values() if backup.is_live)
            twice = {owner: count for owner, count in live.items() if count > 1}
            assert not twice, f"backups taken twice: {twice}"

    def check_result(self, result: Mapping[str, Any]) -> None:
        """A result reports the true state of a successful backup."""
        backup = self.truth.named_by(result)
        assert backup is not None, f"nothing is {result}"
        assert backup.phase is Phase.SUCCEEDED, f"{result} was reported, but the backup is {backup}"
        assert phase_of(result["service"], result["status"]) is Phase.SUCCEEDED
        assert set(result["backup_ids"]) == backup.ids
        assert not result["skipped"]

    def check_sensor(self, sensor: TaskRun) -> None:
        """A sensor waits, succeeds and fails according to the backup that this task reported.

        :param sensor: pokes when it is executed.
        """
        assert self.reference is not None
        backup, hits = self.truth.named_by(self.reference), self.world.hits()
        try:
            seen = sensor.execute()
        except (BackupError, AirflowException) as error:
            seen = error
        is_excused = backup is None or self.world.is_troubled(hits)
        if isinstance(seen, BackupFailedError):
            assert backup is None or not backup.is_live, f"the sensor calls {backup} failed"
        elif isinstance(seen, Exception):
            assert is_excused, f"nothing was wrong, and the sensor met {seen!r}"
        elif isinstance(seen, Rescheduled | Deferred):
            goes_on = backup is not None and backup.phase is Phase.IN_PROGRESS
            assert is_excused or goes_on, f"the sensor waits for {backup}"
        else:
            self.check_result(seen)

    def end_well(self) -> Any:
        """Once all faults have ended, the next attempts end with the one backup."""
        outcome = super().end_well()
        is_refused = isinstance(
            outcome, DuplicateNameError | BackupExistsError | QuotaExceededError | FinalBackupFailedError
        )
        assert self.state is State.DONE or is_refused, f"no trouble is left, and the task came to {outcome!r}"
        self.check_that_nothing_is_there_twice()
        return outcome

    # How it is done

    @property
    def _owner(self) -> Owner:
        return (TASK, 0, 0) if self.run.operator.on_clear == "adopt" else (TASK, self.dag_runs, self.run.ti.max_tries)

    def _see_what_is_new(self, owner: Owner) -> list[TrueBackup]:
        new = [backup for backup in self.truth.backups().values() if backup.id not in self._owners]
        self._owners |= dict.fromkeys((backup.id for backup in new), owner)
        return new

    def _adoptable(self) -> list[TrueBackup]:
        """Return what the next attempt may find again: one backup at the most where there is a key."""
        if self.is_first_try and not self.author.has_key:
            return []
        return [each for each in self.truth.backups().values() if each.is_live and self._may_be_taken_for_own(each)]

    def _may_be_taken_for_own(self, backup: TrueBackup) -> bool:
        if self._owners[backup.id] == self._owner:
            return True
        if self.author.has_key:
            return False
        if self.author.name and self.author.if_exists == "adopt":
            return self._has_the_authors_name(backup)
        began = self.run.ti.start_date if self.is_first_try else self.run.dag_run.start_date
        slack = timedelta(seconds=ROUNDING if self.author.name else 0.0)
        return backup.started_at >= began - slack and self._has_the_authors_name(backup)

    def _has_the_authors_name(self, backup: TrueBackup) -> bool:
        # Backups of several servers have numbers at the end.
        return self.author.name is None or backup.name.startswith(self.author.name)

    def _told(self, outcome: Any) -> TrueBackup | None:
        """Return the backup that the task reports."""
        if isinstance(outcome, BackupFailedError):
            return self.truth.named_by(outcome.observation.reference.to_dict())
        if isinstance(outcome, Exception) or (isinstance(outcome, Deferred) and outcome.is_for_conflict):
            return None
        return self.truth.named_by(outcome.trigger_arguments["reference"] if isinstance(outcome, Deferred) else outcome)

    def waited_for(self, deferred: Deferred) -> TrueBackup | None:
        """Return the backup that a trigger waits for: the task's, or what keeps its resource busy."""
        if not deferred.is_for_conflict:
            return self._told(deferred)
        backup_id = deferred.trigger_arguments["reference"]["backup_id"]
        return next((each for each in self.truth.backups().values() if backup_id in each.ids), None)

    def _check_told(self, outcome: Any) -> None:
        if isinstance(outcome, Exception):
            return
        if isinstance(outcome, Deferred) and outcome.is_for_conflict:
            assert self.author.on_conflict != "fail", "the task waits for its resource, and its author wants it to fail"
            return
        told = self._told(outcome)
        assert told is not None, f"the task told of a backup that does not exist: {outcome!r}"
        is_right = told.id in self._taken_over or self._may_be_taken_for_own(told)
        assert is_right, f"the task took {told} of {self._owners[told.id]} for its own"
        if isinstance(outcome, Deferred):
            self.reference = outcome.trigger_arguments["reference"]
        else:
            self.reference = dict(outcome)
            self.check_result(outcome)

    def _check_deadline(self, deferred: Deferred) -> None:
        backup = self._told(deferred)
        assert backup is not None
        began = backup.started_at.timestamp()
        if self._owners[backup.id] != self._owner or backup.started_at < self.run.dag_run.start_date:
            # The time of what others, or an earlier run, began counts from this task's own start at the earliest.
            began = max(began, self.began_at)
        deadline, timeout = deferred.trigger_arguments["deadline"], self.run.operator.timeout
        assert deadline <= began + timeout + ROUNDING, (
            f"the deadline has moved: {backup} of {self._owners[backup.id]}: {began=}, {timeout=}, {deadline=}"
        )

    def _check_error(
        self, error: Exception, before: Mapping[str, TrueBackup], *, is_troubled: bool, own: list[TrueBackup]
    ) -> None:
        now = self.truth.backups()
        if isinstance(error, BackupFailedError):
            assert isinstance(error, FinalBackupFailedError) is not self.author.retry_failed
            told = self._told(error)
            assert told is None or told.phase is Phase.FAILED, f"{error!r}, and the truth is {told}"
        elif isinstance(error, BackupTimeoutError):
            assert self.author.timeout == SHORT, f"an hour is not over: {error!r}"
            named = self.truth.named_in(str(error))
            # It may have taken a new one, where it need not go on with what was there. What it may not go on with is
            # named, too, where the last request that it sent was about that.
            possible = {each.id for each in own} | (now.keys() - before.keys())
            waited_for = [each for each in now.values() if each.id in named and each.id in possible] or own
            was_good = [each.id in before and before[each.id].phase is Phase.SUCCEEDED for each in waited_for]
            assert is_troubled or not (was_good and all(was_good)), f"{waited_for} was good, but the task timed out"
        elif not is_troubled:
            # What an earlier generation began need not be found again: a record can tell that it is not meant.
            own = [each for each in own if self._owners[each.id] == self._owner]
            busy = any(each.is_running and each not in own for each in (*before.values(), *now.values()))
            used_up = [
                each
                for each in now.values()
                if self._owners[each.id][0] == TASK and (not each.is_live or self._owners[each.id] != self._owner)
            ]
            taken = self.author.name and any(self._has_the_authors_name(each) for each in before.values())
            assert (
                (isinstance(error, ResourceBusyError) and busy)
                or (isinstance(error, DuplicateNameError) and (taken or len(used_up) >= MOST_NAMES))
                or (isinstance(error, BackupExistsError) and taken and self.author.if_exists == "fail")
                or (isinstance(error, QuotaExceededError) and len(before) >= MOST_BACKUPS_OF_A_DISK)
            ), f"nothing was wrong, and the task met {error!r}"


def _target(cloud: RunningCloud, author: BackupAuthor) -> dict[str, str]:
    servers = 2 if author.two_servers else 1
    match author.service:
        case "csbs":
            return {"policy_id": csbs_policy(cloud, servers=servers)}
        case "cbr":
            return {"vault_id": cbr_vault(cloud, servers=servers)}
        case service:
            return target(cloud, service)

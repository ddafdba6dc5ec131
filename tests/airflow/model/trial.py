"""One task in one cloud: it runs each attempt as Airflow does, lets it go wrong, and judges what the task says."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_backup.cloud.errors import (
    BackupError,
    DuplicateNameError,
    OutOfTimeError,
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
from airflow_provider_backup.tasks.deferral import WAIT_XCOM
from airflow_provider_backup.tasks.identity import MOST_NAMES
from airflow_provider_backup.version_compat import AIRFLOW_3
from tests.airflow.conftest import CONNECTION
from tests.airflow.model.cloud_truth import CloudTruth, TrueBackup
from tests.airflow.model.process_death import Death, ProcessDied, dying
from tests.airflow.model.troubles import Trouble
from tests.airflow.service_matrix import NAMED, cbr_vault, create_operator, csbs_policy, target
from tests.airflow.task_runs import Deferred, Rescheduled, TaskRun, TaskStateStore
from tests.statuses import phase_of

LONG = 3600.0
SHORT = 0.12
"""Seconds: a time that ends while the model runs."""

MEANWHILE = 0.004
"""Seconds after which backups are over that end in the middle of an attempt, which takes some 0.01."""

A_MOMENT = 0.06
"""Seconds that a triggerer lives when nothing can come of its trigger."""

HANG = 20.0
"""Seconds after which a trigger whose backup is over counts as one that hangs."""

ROUNDING = 1.0
"""Seconds: databases report times without fractions."""

CLOCKS_DIFFER = 0.01
"""Seconds by which one clock of this machine may go before another."""

MOST_BACKUPS_OF_A_DISK = 20

TASK = "the task"
SOMEBODY_ELSE = "somebody else"
Owner = tuple[str, int, int]
"""Who made a backup, in which DAG run of those with the same id, and in which generation."""

LONG_AGO = timedelta(days=7)


class State(Enum):
    """How the last attempt ended."""

    DEFERRED = "deferred"
    DONE = "done"
    FAILED = "failed"
    DEAD = "its process died"


@dataclass(frozen=True)
class Author:
    """What the author of the DAG wrote.

    :param service: name of the service.
    :param two_servers: whether a policy or a vault has two servers in place of one.
    :param deferrable: whether the task waits in the triggerer.
    :param on_clear: where the task makes the name itself.
    :param on_conflict: what a busy resource means.
    :param short: whether the time ends soon.
    :param tolerance: of the task and its trigger.
    :param name: the backup's name; ``None`` for the task's own.
    :param if_exists: only with a name.
    :param retry_failed: whether a failed backup is worth another one.
    """

    service: str
    two_servers: bool
    deferrable: bool
    on_clear: str
    on_conflict: str
    short: bool
    tolerance: float | None
    name: str | None
    if_exists: str
    retry_failed: bool

    @property
    def has_key(self) -> bool:
        """Whether the name distinguishes the backup from all others."""
        return self.service in NAMED and self.name is None

    @property
    def timeout(self) -> float:
        """A wait on the worker must come to an end."""
        return SHORT if self.short or not self.deferrable else LONG

    def arguments(self) -> dict[str, Any]:
        """Return the operator's arguments but for what is backed up."""
        named = {} if self.name is None else {"name": self.name, "if_exists": self.if_exists}
        return {
            "deferrable": self.deferrable,
            "on_clear": self.on_clear if self.has_key else "fresh",
            "on_conflict": self.on_conflict,
            "timeout": self.timeout,
            "tolerance": self.tolerance,
            "poll_interval": 0.01,
            "retries": 2,
            "retry_failed": self.retry_failed,
            **named,
        }


class Trial:
    """A task, its cloud and all that is known of both.

    A backup belongs to the attempt during which it appeared. Known exceptions, modelled as they are documented: what
    carries no name (CSBS policy executions) or a name of the author's is found by time, so that a retry may take what
    began since its DAG run did; and on 2.11 the clear of a running task looks like a retry.

    :param cloud: a local cloud of its own.
    :param author: what the task is.
    :param with_access_key: how the connection proves who asks.
    :param with_store: whether Airflow has a task state store.
    """

    def __init__(self, cloud: RunningCloud, author: Author, *, with_access_key: bool, with_store: bool) -> None:
        self.cloud = cloud
        self.author = author
        self.truth = CloudTruth(cloud, author.service)
        self.with_access_key = with_access_key
        self.connect()
        self._what = self._target()
        operator = create_operator(cloud, author.service, **author.arguments(), **self._what)
        self.run = TaskRun(operator, store=TaskStateStore() if with_store else None)
        self.state = State.FAILED
        self.deferred: Deferred | None = None
        self.older_deferrals: list[Deferred] = []
        self.reference: dict[str, Any] | None = None
        self.is_judged = True
        """Whether nothing was found wrong so far."""
        self._owners: dict[str, Owner] = {}
        self._taken_over: set[str] = set()
        self._dag_runs = 0
        self._is_first_try = True
        self._began_at = time.time()
        self._armed: list[tuple[str, Trouble]] = []
        self._connection_works = True
        self._xcoms_are_lost = False
        self._others = 0
        self._took = 0.0
        self._settled_hits: Counter[str] = Counter()

    @property
    def trigger_failures(self) -> int:
        """How many triggers died for the present wait."""
        plan = self._plan()
        return int(plan.get("conflict", plan).get("trigger_failures", 0))

    def deadline_of(self, deferred: Deferred) -> float:
        """Return when the task gives up, in seconds since the epoch.

        :param deferred: how it waits.
        """
        in_trigger = deferred.trigger_arguments.get("deadline")
        return float(in_trigger or self._plan().get("conflict", {}).get("deadline", 0))

    def _plan(self) -> dict[str, Any]:
        return self.run.ti.xcom_pull(self.run.operator.task_id, WAIT_XCOM, self.run.map_index) or {}

    # The world

    def connect(self, wrong: str | None = None) -> None:
        """Edit the connection.

        :param wrong: ``unknown user`` or ``nobody listens``; ``None`` for one that works.
        """
        self._connection_works = wrong is None
        connection = self.cloud.connection_json(with_access_key=self.with_access_key, attempts=2, retry_wait=0.005)
        if wrong == "unknown user":
            # Not a wrong password: that locks the account after a few tries.
            for right in (self.cloud.describe()["user"], self.cloud.describe()["ak"]):
                connection = connection.replace(f'"{right}"', '"NOBODY"')
        elif wrong == "nobody listens":
            for service in ("iam", self.author.service):
                connection = connection.replace(self.cloud.url(service), "http://127.0.0.1:9")
        os.environ[CONNECTION] = connection

    def misbehave(self, trouble: Trouble) -> None:
        """Let the cloud misbehave."""
        self._armed.append((self.cloud.misbehave(**trouble), trouble))

    def behave(self) -> None:
        """Let the cloud behave."""
        self.cloud.behave()
        self._armed.clear()

    def plan(self, ends: str) -> None:
        """Settle how the next backup ends: ``well``, ``badly`` or ``never``."""
        if ends != "well":
            never = ends == "never"
            reason = None if never else "the array is on fire"
            self.cloud.plan_outcome(self.author.service, reason=reason, stuck=never)

    def end_backups(self, *, only_first: bool = False, with_stuck: bool = False) -> None:
        """Let backups be over."""
        # Lists are behind by seconds, backups take minutes: what is over is never missing from a list.
        if any(trouble["kind"] == "stale_read" for _, trouble in self._armed):
            self.cloud.behave()
        self.truth.finish(only_first=only_first, with_stuck=with_stuck)

    def lose_xcoms(self) -> None:
        """Let the XComs of a waiting task go away."""
        self.run.ti.xcoms.clear()
        self._xcoms_are_lost = True

    def take_somebody_elses_backup(self) -> None:
        """Let another task back the same resource up."""
        operator = create_operator(
            self.cloud,
            self.author.service,
            task_id="other",
            wait_for_completion=False,
            on_conflict="fail",
            **self._what,
        )
        self._others += 1
        with suppress(BackupError):
            TaskRun(operator, run_id=f"other-{self._others}").execute()
        self._settle()
        self._see_what_is_new((SOMEBODY_ELSE, self._others, 0))

    def edit_retries(self, retries: int) -> None:
        """Edit the DAG file; only where the key or nothing tells whose a backup is does that never matter."""
        if self.author.has_key:
            self.run.operator.retries = retries

    # What Airflow does

    def retry(self, *, xcoms_stay: bool = False) -> None:
        """Prepare the next attempt."""
        self._set_aside()
        xcoms = dict(self.run.ti.xcoms) if xcoms_stay else {}
        self.run.retry()
        self.run.ti.xcoms.update(xcoms)
        self._is_first_try = False

    def clear(self) -> None:
        """Prepare the attempt after a clear; where the process has just died, it was the clear that ended it."""
        if self.state is State.DEAD and not AIRFLOW_3:
            # The clear of a running task looks like a retry there.
            self.retry()
            return
        self._set_aside()
        self.run.clear()
        self._is_first_try = True
        self._began_at = time.time()
        if self.run.operator.on_clear == "fresh":
            self._taken_over.clear()

    def make_run_again(self) -> None:
        """Prepare the first attempt in a DAG run of the same id, made after the one of some days ago was deleted."""
        self._set_aside()
        self.truth.age(LONG_AGO)
        store = self.run.store and TaskStateStore()
        if store and self.run.store:
            store.fails = self.run.store.fails
        self.run = TaskRun(self.run.operator, store=store)
        self._dag_runs += 1
        self._is_first_try = True
        self._began_at = time.time()
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
        before, hits = self.truth.backups(), self._hits()
        adoptable = self._adoptable()
        own = [backup for backup in adoptable if self._owners[backup.id] == self._owner]
        if self.author.on_conflict == "adopt":
            # It adopts what runs on the resource, no matter who started it, and so does its next try.
            self._taken_over |= {backup.id for backup in before.values() if backup.is_running}
        with self._judging():
            outcome = self._outcome(go or self.run.execute, death, ends_meanwhile)
            self._see_what_is_new(self._owner)
            if self.state is State.DEAD:
                return None
            self._check_told(outcome)
            is_troubled = self._is_troubled(hits) or self._is_cut_short(outcome) or bool(go and self._xcoms_are_lost)
            # What is there already is found again, when nothing is in the way; it may have failed meanwhile.
            if not is_troubled and any(self.truth.backups()[backup.id].is_live for backup in own):
                named = self.truth.named_in(str(outcome))
                is_found = self._told(outcome) in adoptable or any(backup.id in named for backup in adoptable)
                assert is_found, f"{own} was there already, and the task came to {outcome!r}"
            # A machine that was too slow for the first read of a recorded backup learns only later that it had failed.
            is_slow = self._took >= self.run.operator.timeout - CLOCKS_DIFFER
            if isinstance(outcome, BackupFailedError) and self.author.retry_failed and not (is_troubled or is_slow):
                told = self._told(outcome)
                had_failed = told and told.id in before and not before[told.id].is_live
                assert not had_failed, f"{told} had failed before, and the task took it up"
            if isinstance(outcome, Exception):
                self._check_error(outcome, before, is_troubled=is_troubled, own=adoptable)
            elif isinstance(outcome, Deferred) and not is_troubled and not outcome.is_for_conflict:
                self._check_deadline(outcome)
        return outcome

    def resume(self, go: Callable[[], Any], death: int | None, *, ends_meanwhile: bool = False) -> None:
        """Run the task from its deferral on and judge what it says.

        :param go: resumes it.
        :param death: as for :meth:`attempt`.
        :param ends_meanwhile: likewise.
        """
        assert self.deferred is not None
        if self.deferred.is_for_conflict:
            deadline = self.deadline_of(self.deferred)
            outcome = self.attempt(death, ends_meanwhile=ends_meanwhile, go=go)
            if isinstance(outcome, Deferred) and outcome.is_for_conflict:
                assert self.deadline_of(outcome) == deadline, "the deadline has moved"
            return
        deferred, before, hits = self.deferred, self.truth.backups(), self._hits()
        waited_for = self._told(deferred)
        with self._judging():
            outcome = self._outcome(go, death, ends_meanwhile)
            assert not self._see_what_is_new(self._owner), "a second backup was taken after the deferral"
            if self.state is State.DEAD:
                return
            self._check_told(outcome)
            if isinstance(outcome, Exception):
                self._check_error(
                    outcome,
                    before,
                    is_troubled=self._is_troubled(hits)
                    or self._is_cut_short(outcome)
                    or self._xcoms_are_lost
                    or waited_for is None,
                    own=[waited_for] if waited_for else [],
                )
            else:
                assert self._told(outcome) == waited_for, f"it told of another backup than {waited_for}: {outcome!r}"
            if isinstance(outcome, Deferred):
                deadlines = {each.trigger_arguments["deadline"] for each in (deferred, outcome)}
                assert len(deadlines) == 1, "the deadline has moved"

    def event(
        self, deferred: Deferred, death: int | None = None, *, ends_meanwhile: bool = False, triggerers: int = 1
    ) -> dict[str, Any] | None:
        """Run a trigger from its row in one or two triggerers at once.

        :param deferred: what put the trigger into the database.
        :param death: how many points the first triggerer passes before it dies; ``None`` lets it live.
        :param ends_meanwhile: whether backups end while it runs.
        :param triggerers: how many, 1 or 2.
        :return: the first event; ``None`` without one.
        """
        is_pause = "reference" not in deferred.trigger_arguments
        backup = None if is_pause else self._waited_for(deferred)
        can_end = is_pause or (backup and (not backup.is_running or (ends_meanwhile and not backup.is_stuck)))
        must_end = self._connection_works and can_end
        events: list[dict[str, Any]] = []
        when = Death(death)

        async def run_trigger() -> None:
            async with asyncio.timeout(HANG if must_end else A_MOMENT):
                trigger = deferred.rebuilt()
                events.extend([event.payload async for event in trigger.run()])

        def triggerer(run: Callable[..., Any]) -> None:
            with suppress(ProcessDied, TimeoutError):
                run(run_trigger())

        with self._judging(), self._backups_ending(ends_meanwhile):
            second = threading.Thread(target=triggerer, args=[asyncio.run]) if triggerers > 1 else None
            if second:
                second.start()
            with dying(when):
                triggerer(asyncio.run)
            if second:
                second.join()
            assert events or not must_end or when.has_come, "the backup is over, and the trigger says nothing"
        return events[0] if events else None

    # What must hold

    def check_that_nothing_is_there_twice(self) -> None:
        """At most one backup per task, key and generation."""
        with self._judging():
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
        backup, hits = self.truth.named_by(self.reference), self._hits()
        try:
            seen = sensor.execute()
        except (BackupError, AirflowException) as error:
            seen = error
        is_excused = backup is None or self._is_troubled(hits)
        if isinstance(seen, BackupFailedError):
            assert backup is None or not backup.is_live, f"the sensor calls {backup} failed"
        elif isinstance(seen, Exception):
            assert is_excused, f"nothing was wrong, and the sensor met {seen!r}"
        elif isinstance(seen, Rescheduled | Deferred):
            goes_on = backup is not None and backup.phase is Phase.IN_PROGRESS
            assert is_excused or goes_on, f"the sensor waits for {backup}"
        else:
            self.check_result(seen)

    def end_well(self) -> None:
        """Once all faults have ended, the next attempts end with the one backup."""
        self.behave()
        self.connect()
        self.cloud.state.table("planned_outcomes").clear()
        tries = 3
        while tries:
            self.end_backups(with_stuck=True)
            self.retry()
            outcome = self.attempt(ends_meanwhile=True)
            # Once for a busy resource, once for the backup; the cloud may be a moment behind.
            for _ in range(5):
                if (deferred := self.deferred) is None:
                    break
                self.end_backups()
                event = self.event(deferred)
                self.resume(lambda d=deferred, e=event: self.run.resume(d.method_name, event=e), None)  # type: ignore[misc]
            if self.state is State.DONE:
                break
            if self._is_cut_short(outcome):
                self._give_more_time()
            else:
                tries -= 1
        is_refused = isinstance(
            outcome, DuplicateNameError | BackupExistsError | QuotaExceededError | FinalBackupFailedError
        )
        assert self.state is State.DONE or is_refused, f"no trouble is left, and the task came to {outcome!r}"
        self.check_that_nothing_is_there_twice()

    # How it is done

    def _target(self) -> dict[str, str]:
        servers = 2 if self.author.two_servers else 1
        match self.author.service:
            case "csbs":
                return {"policy_id": csbs_policy(self.cloud, servers=servers)}
            case "cbr":
                return {"vault_id": cbr_vault(self.cloud, servers=servers)}
            case service:
                return target(self.cloud, service)

    @contextmanager
    def _judging(self) -> Iterator[None]:
        was_judged, self.is_judged = self.is_judged, False
        yield
        self.is_judged = was_judged

    @contextmanager
    def _backups_ending(self, end: bool) -> Iterator[None]:
        ending = threading.Timer(MEANWHILE, self.end_backups) if end else None
        if ending:
            ending.start()
        try:
            yield
        finally:
            if ending:
                ending.join()

    def _hits(self) -> int:
        return sum(self.cloud.hits(fault) for fault, _ in self._armed)

    def _is_troubled(self, hits_before: int) -> bool:
        return not self._connection_works or self._hits() > hits_before

    def _is_cut_short(self, outcome: Any) -> bool:
        """Whether this machine was too slow for the author's times, and the task says so: that is no fault of it.

        Only a try that really took as long may say so.
        """
        # What the task hands to Airflow has no cause any more.
        cut = outcome if isinstance(outcome, OutOfTimeError) else getattr(outcome, "__context__", None)
        if not isinstance(cut, OutOfTimeError):
            return False
        limit = self.run.operator.timeout if cut.is_deadline else self.run.operator.tolerance
        return limit is not None and self._took >= limit - CLOCKS_DIFFER

    def _give_more_time(self) -> None:
        self.run.operator.timeout *= 2
        if self.run.operator.tolerance is not None:
            self.run.operator.tolerance *= 2

    def _settle(self) -> None:
        self.truth.settle()
        hits = Counter({fault: self.cloud.hits(fault) for fault, trouble in self._armed if trouble["kind"] == "delay"})
        # What was sent before may still be held back.
        late = [trouble["seconds"] for fault, trouble in self._armed if hits[fault] > self._settled_hits[fault]]
        self._settled_hits |= hits
        if late:
            time.sleep(sum(late))
            self.truth.settle()

    def _set_aside(self) -> None:
        if self.deferred is not None:
            self.older_deferrals.append(self.deferred)
            self.deferred = None
        self.reference = None
        self._xcoms_are_lost = False

    @property
    def _owner(self) -> Owner:
        return (TASK, 0, 0) if self.run.operator.on_clear == "adopt" else (TASK, self._dag_runs, self.run.ti.max_tries)

    def _see_what_is_new(self, owner: Owner) -> list[TrueBackup]:
        new = [backup for backup in self.truth.backups().values() if backup.id not in self._owners]
        self._owners |= dict.fromkeys((backup.id for backup in new), owner)
        return new

    def _adoptable(self) -> list[TrueBackup]:
        """Return what the next attempt may find again: one backup at the most where there is a key."""
        if self._is_first_try and not self.author.has_key:
            return []
        return [each for each in self.truth.backups().values() if each.is_live and self._may_be_taken_for_own(each)]

    def _may_be_taken_for_own(self, backup: TrueBackup) -> bool:
        if self._owners[backup.id] == self._owner:
            return True
        if self.author.has_key:
            return False
        if self.author.name and self.author.if_exists == "adopt":
            return self._has_the_authors_name(backup)
        began = self.run.ti.start_date if self._is_first_try else self.run.dag_run.start_date
        slack = timedelta(seconds=ROUNDING if self.author.name else 0.0)
        return backup.started_at >= began - slack and self._has_the_authors_name(backup)

    def _has_the_authors_name(self, backup: TrueBackup) -> bool:
        # Backups of several servers have numbers at the end.
        return self.author.name is None or backup.name.startswith(self.author.name)

    def _outcome(self, go: Callable[[], Any], death: int | None, ends_meanwhile: bool) -> Any:
        self.deferred = None
        when = Death(death)
        outcome: Any = None
        began = time.monotonic()
        try:
            with self._backups_ending(ends_meanwhile), dying(when, self.run):
                outcome = go()
                # Between the last word and Airflow's hearing it.
                when.pass_point()
        except ProcessDied:
            outcome, self.state = None, State.DEAD
        except (BackupError, AirflowException) as error:
            outcome, self.state = error, State.FAILED
        else:
            self.state = State.DEFERRED if isinstance(outcome, Deferred) else State.DONE
        self._took = time.monotonic() - began
        if self.state is State.DEFERRED:
            self.deferred = outcome
        # What the dead process sent still takes effect.
        self._settle()
        return outcome

    def _told(self, outcome: Any) -> TrueBackup | None:
        """Return the backup that the task reports."""
        if isinstance(outcome, BackupFailedError):
            return self.truth.named_by(outcome.observation.reference.to_dict())
        if isinstance(outcome, Exception) or (isinstance(outcome, Deferred) and outcome.is_for_conflict):
            return None
        return self.truth.named_by(outcome.trigger_arguments["reference"] if isinstance(outcome, Deferred) else outcome)

    def _waited_for(self, deferred: Deferred) -> TrueBackup | None:
        """Return the backup that a trigger waits for: the task's, or what keeps its resource busy."""
        if not deferred.is_for_conflict:
            return self._told(deferred)
        backup_id = deferred.trigger_arguments["reference"]["backup_id"]
        return next((each for each in self.truth.backups().values() if backup_id in each.ids), None)

    def check_what_is_waited_for(self) -> None:
        """The trigger waits for something that exists, unless it only pauses."""
        if self.deferred is not None and "reference" in self.deferred.trigger_arguments:
            reference = self.deferred.trigger_arguments["reference"]
            assert self._waited_for(self.deferred) is not None, f"nothing is {reference}"

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
            began = max(began, self._began_at)
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
            # What an earlier generation began need not be found again: a note can tell that it is not meant.
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

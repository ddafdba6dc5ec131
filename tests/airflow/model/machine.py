"""The model: one task whose process, triggerer, connection and cloud go wrong in any order, and what must hold then."""

from __future__ import annotations

import time
from typing import Any, ClassVar, get_args

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.tasks.deferral import MOST_TRIGGER_FAILURES
from airflow_provider_backup.tasks.submission_policy import IfExists, OnConflict
from tests.airflow.model.trial import LONG, SHORT, Author, Trial
from tests.airflow.model.troubles import TOLERANCE, troubles
from tests.airflow.secret_masks import forget_masks
from tests.airflow.service_matrix import NAMED, SENSORS
from tests.airflow.task_runs import TaskRun

deaths = st.one_of(st.none(), st.integers(0, 45))
"""How many points a process passes before it dies; most attempts have 10 to 40."""


class OneTask(RuleBasedStateMachine):
    """One task instance, and everything that can happen to it.

    No rule has a precondition: what an attempt comes to may hang on a millisecond, and hypothesis must be able to draw
    the same again. Where there is nothing to wait for, the task is tried again instead.
    """

    service: ClassVar[str]
    trial: Trial

    def __init__(self) -> None:
        super().__init__()
        forget_masks()
        self.cloud = RunningCloud(backup_seconds=LONG).__enter__()

    @initialize(
        author=st.builds(
            dict,
            two_servers=st.booleans(),
            deferrable=st.sampled_from([True, True, True, False]),
            on_clear=st.sampled_from(["fresh", "adopt"]),
            on_conflict=st.sampled_from(["fail", *get_args(OnConflict)]),
            short=st.sampled_from([False, False, False, True]),
            tolerance=st.sampled_from([None, TOLERANCE]),
            name=st.sampled_from([None, None, None, "nightly-copy"]),
            if_exists=st.sampled_from(get_args(IfExists)),
            retry_failed=st.sampled_from([True, True, True, False]),
        ),
        with_access_key=st.booleans(),
        with_store=st.booleans(),
        ends=st.sampled_from(["well", "well", "badly", "never"]),
        death=deaths,
        data=st.data(),
    )
    def begin(
        self,
        author: dict[str, Any],
        with_access_key: bool,
        with_store: bool,
        ends: str,
        death: int | None,
        data: st.DataObject,
    ) -> None:
        """The task is tried for the first time."""
        if self.service not in NAMED:
            author["name"] = None
        self.trial = Trial(
            self.cloud,
            Author(service=self.service, **author),
            with_access_key=with_access_key,
            with_store=with_store,
        )
        self.trial.plan(ends)
        if data.draw(st.booleans(), label="with trouble"):
            self.trouble_begins(data)
        self.trial.attempt(death)

    # ------------------------------------------------------------------------------------------------ the task

    @rule(death=deaths, ends_meanwhile=st.booleans(), xcoms_stay=st.booleans())
    def retry(self, death: int | None, ends_meanwhile: bool, xcoms_stay: bool) -> None:
        """Airflow tries the task once more; also one that waits or is done (races, lost heartbeats)."""
        self.trial.retry(xcoms_stay=xcoms_stay)
        self.trial.attempt(death, ends_meanwhile=ends_meanwhile)

    @rule(death=deaths, ends_meanwhile=st.booleans())
    def clear(self, death: int | None, ends_meanwhile: bool) -> None:
        """Somebody clears the task."""
        self.trial.clear()
        self.trial.attempt(death, ends_meanwhile=ends_meanwhile)

    @rule(death=deaths)
    def run_is_made_again(self, death: int | None) -> None:
        """Somebody deletes the DAG run; some days later there is one with its id."""
        self.trial.make_run_again()
        self.trial.attempt(death)

    @rule(retries=st.integers(0, 4))
    def retries_are_edited(self, retries: int) -> None:
        """Somebody edits the DAG file."""
        self.trial.edit_retries(retries)

    @rule(error=st.sampled_from(["Trigger failure", "Trigger timeout"]), death=deaths, ends_meanwhile=st.booleans())
    def trigger_dies(self, error: str, death: int | None, ends_meanwhile: bool) -> None:
        """Airflow gives the task back because its trigger failed or the deferral took too long."""
        if self.trial.deferred is None:
            self.retry(death, ends_meanwhile, xcoms_stay=False)
            return
        task = self.trial.run
        if self.trial.trigger_failures >= MOST_TRIGGER_FAILURES - 1:
            # It waits on the worker from now on, and might do so for an hour.
            self.trial.behave()
            self.trial.connect()
            self.trial.end_backups(with_stuck=True)
        self.trial.resume(lambda: task.resume_after_failure(error), death, ends_meanwhile=ends_meanwhile)

    # ------------------------------------------------------------------------------------------------ the triggerer

    @rule(
        death_of_triggerer=deaths,
        death=deaths,
        ends_meanwhile=st.booleans(),
        triggerers=st.sampled_from([1, 1, 2]),
    )
    def triggerer_runs(
        self, death_of_triggerer: int | None, death: int | None, ends_meanwhile: bool, triggerers: int
    ) -> None:
        """A triggerer, or two at once, take the trigger from the database; the first event wins."""
        deferred = self.trial.deferred
        if deferred is None:
            self.retry(death, ends_meanwhile, xcoms_stay=True)
            return
        event = self.trial.event(deferred, death_of_triggerer, ends_meanwhile=ends_meanwhile, triggerers=triggerers)
        if event is not None:
            self.trial.resume(lambda: self.trial.run.resume(deferred.method_name, event=event), death)

    @rule(which=st.integers(0, 20), ends_meanwhile=st.booleans())
    def old_trigger_runs(self, which: int, ends_meanwhile: bool) -> None:
        """A triggerer that comes back starts the trigger of an attempt that is over."""
        if self.trial.older_deferrals:
            before = set(self.trial.truth.backups())
            deferred = self.trial.older_deferrals[which % len(self.trial.older_deferrals)]
            self.trial.event(deferred, ends_meanwhile=ends_meanwhile)
            assert set(self.trial.truth.backups()) == before, "the trigger of an earlier attempt has changed the cloud"

    # ------------------------------------------------------------------------------------------------ the world

    @rule(data=st.data())
    def trouble_begins(self, data: st.DataObject) -> None:
        """The cloud misbehaves for some requests."""
        self.trial.misbehave(data.draw(troubles(self.service), label="trouble"))

    @rule(only_first=st.booleans())
    def backups_end(self, only_first: bool) -> None:
        """Backups are over."""
        self.trial.end_backups(only_first=only_first)

    @rule(what=st.sampled_from(["right", "other credentials", "unknown user", "nobody listens"]))
    def connection_is_edited(self, what: str) -> None:
        """Somebody edits the connection."""
        if what == "other credentials":
            self.trial.with_access_key = not self.trial.with_access_key
        self.trial.connect(wrong=what if what in ("unknown user", "nobody listens") else None)

    @rule()
    def somebody_else_takes_a_backup(self) -> None:
        """Another task backs the same resource up."""
        self.trial.take_somebody_elses_backup()

    @rule(
        what=st.sampled_from(
            [
                "trouble ends",
                "the next backup fails late",
                "the next backup never ends",
                "failed backups are removed",
                "tokens die",
                "the XComs of the waiting task get lost",
                "the deadline comes",
                "the task state store goes or comes",
            ]
        )
    )
    def something_happens(self, what: str) -> None:
        """Small things."""
        deferred, store = self.trial.deferred, self.trial.run.store
        match what:
            case "trouble ends":
                self.trial.behave()
            case "the next backup fails late":
                self.trial.plan("badly")
            case "the next backup never ends":
                self.trial.plan("never")
            # A note that is less than a minute old is believed, whatever the cloud says.
            case "failed backups are removed" if deferred is None and store is None:
                self.trial.truth.remove_failed()
            case "tokens die":
                self.cloud.revoke_tokens()
            case "the XComs of the waiting task get lost" if deferred is not None:
                self.trial.lose_xcoms()
            case "the deadline comes" if deferred is not None and self.trial.author.timeout == SHORT:
                time.sleep(max(0.0, self.trial.deadline_of(deferred) - time.time()))
            case "the task state store goes or comes" if store is not None:
                store.fails = not store.fails

    # ------------------------------------------------------------------------------------------------ what must hold

    @rule(deferrable=st.booleans())
    def sensor_looks(self, deferrable: bool) -> None:
        """A sensor of another task waits for the backup that this task reported, and reports its true state."""
        if self.trial.reference is None:
            return
        sensor = SENSORS[self.service](
            task_id="sensor",
            backup=self.trial.reference,
            deferrable=deferrable,
            mode="reschedule",
            poke_interval=0.05,
            timeout=LONG,
        )
        self.trial.check_sensor(TaskRun(sensor))

    @invariant()
    def there_is_at_most_one_backup_per_key_and_generation(self) -> None:
        """No second backup by accident."""
        self.trial.check_that_nothing_is_there_twice()

    @invariant()
    def what_a_waiting_task_told_exists(self) -> None:
        """No id that names nothing."""
        self.trial.check_what_is_waited_for()

    def teardown(self) -> None:
        """Once all faults have ended, the next attempts end with the one backup."""
        try:
            if hasattr(self, "trial") and self.trial.is_judged:
                self.trial.end_well()
        finally:
            self.cloud.__exit__(None, None, None)

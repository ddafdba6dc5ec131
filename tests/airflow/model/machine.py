"""What can happen to any one task: its process, triggerer, connection and cloud go wrong in any order."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.tasks.deferred_wait import MOST_TRIGGER_FAILURES
from tests.airflow.model.attempts import TaskAttempts
from tests.airflow.model.times import LONG, SHORT
from tests.airflow.model.troubles import troubles
from tests.airflow.secret_masks import forget_masks
from tests.airflow.service_matrix import SERVICE_OF

deaths = st.one_of(st.none(), st.integers(0, 45))
"""How many points a process passes before it dies; most attempts have 10 to 40."""


class TaskMachine(RuleBasedStateMachine):
    """One task instance, and everything that can happen to it.

    No rule has a precondition: what an attempt comes to may hang on a millisecond, and hypothesis must be able to draw
    the same again. Where there is nothing to wait for, the task is tried again instead.
    """

    service: ClassVar[str]
    first_seconds: ClassVar[float] = LONG
    """How long operations take in the cloud at first."""
    with_stale_reads: ClassVar[bool] = True
    """Whether services may answer with what was true before, however long ago that is."""
    trial: TaskAttempts

    def __init__(self) -> None:
        super().__init__()
        forget_masks()
        self.cloud = RunningCloud(backup_seconds=self.first_seconds).__enter__()

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

    @rule(error=st.sampled_from(["Trigger failure", "Trigger timeout"]), death=deaths, ends_meanwhile=st.booleans())
    def trigger_dies(self, error: str, death: int | None, ends_meanwhile: bool) -> None:
        """Airflow gives the task back because its trigger failed or the deferral took too long."""
        if self.trial.deferred is None:
            self.retry(death, ends_meanwhile, xcoms_stay=False)
            return
        task = self.trial.run
        if self.trial.trigger_failures >= MOST_TRIGGER_FAILURES - 1:
            # It waits on the worker from now on, and might do so for an hour.
            self.trial.world.behave()
            self.trial.world.connect()
            self.trial.end_all(with_stuck=True)
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
            before = self.there()
            deferred = self.trial.older_deferrals[which % len(self.trial.older_deferrals)]
            self.trial.event(deferred, ends_meanwhile=ends_meanwhile)
            assert self.there() == before, "the trigger of an earlier attempt has changed the cloud"

    # ------------------------------------------------------------------------------------------------ the world

    @rule(data=st.data())
    def trouble_begins(self, data: st.DataObject) -> None:
        """The cloud misbehaves for some requests."""
        self.trial.world.misbehave(
            data.draw(troubles(SERVICE_OF[self.service], with_stale_reads=self.with_stale_reads), label="trouble")
        )

    @rule(what=st.sampled_from(["right", "other credentials", "unknown user", "closed port"]))
    def connection_is_edited(self, what: str) -> None:
        """Somebody edits the connection."""
        if what == "other credentials":
            self.trial.world.with_access_key = not self.trial.world.with_access_key
        self.trial.world.connect(wrong=what if what in ("unknown user", "closed port") else None)

    def happens_to_any_task(self, what: str) -> None:
        """Let a small thing happen that can happen to every kind of task.

        :param what: which; what cannot happen now does not.
        """
        deferred, store = self.trial.deferred, self.trial.run.store
        match what:
            case "trouble ends":
                self.trial.world.behave()
            case "tokens die":
                self.cloud.revoke_tokens()
            case "the XComs of the waiting task get lost" if deferred is not None:
                self.trial.lose_xcoms()
            case "the deadline comes" if deferred is not None and self.trial.run.operator.timeout == SHORT:
                time.sleep(max(0.0, self.trial.deadline_of(deferred) - time.time()))
            case "the task state store goes or comes" if store is not None:
                store.fails = not store.fails

    # ------------------------------------------------------------------------------------------------ what must hold

    @invariant()
    def what_a_waiting_task_told_exists(self) -> None:
        """No id that names nothing."""
        self.trial.check_what_is_waited_for()

    @abstractmethod
    def there(self) -> set[str]:
        """Return the ids of everything in the cloud that tasks of this kind make."""

    def teardown(self) -> None:
        """Once all faults have ended, the next attempts end well."""
        try:
            if hasattr(self, "trial") and self.trial.is_judged:
                self.trial.end_well()
        finally:
            self.cloud.__exit__(None, None, None)

"""The model of a task that takes a backup: what can happen to it, and what must hold then."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from airflow_provider_backup.tasks.submission_policy import IfExists, OnConflict
from tests.airflow.model.backup_author import BackupAuthor
from tests.airflow.model.backup_trial import BackupTrial
from tests.airflow.model.machine import TaskMachine, deaths
from tests.airflow.model.times import LONG
from tests.airflow.model.troubles import TOLERANCE
from tests.airflow.service_matrix import NAMED, SENSORS
from tests.airflow.task_runs import TaskRun


class OneBackupTask(TaskMachine):
    """One task instance that takes a backup, and everything that can happen to it."""

    trial: BackupTrial

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
        self.trial = BackupTrial(
            self.cloud,
            BackupAuthor(service=self.service, **author),
            with_access_key=with_access_key,
            with_store=with_store,
        )
        self.trial.world.plan(self.trial.world.service, ends)
        if data.draw(st.booleans(), label="with trouble"):
            self.trouble_begins(data)
        self.trial.attempt(death)

    # ------------------------------------------------------------------------------------------------ the task

    @rule(retries=st.integers(0, 4))
    def retries_are_edited(self, retries: int) -> None:
        """A user edits the DAG file."""
        self.trial.edit_retries(retries)

    # ------------------------------------------------------------------------------------------------ the world

    @rule(only_first=st.booleans())
    def backups_end(self, only_first: bool) -> None:
        """Backups are over."""
        self.trial.end_all(only_first=only_first)

    @rule()
    def somebody_else_takes_a_backup(self) -> None:
        """Another task backs the same resource up."""
        self.trial.take_backup_of_another_task()

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
            case "the next backup fails late":
                self.trial.world.plan(self.trial.world.service, "badly")
            case "the next backup never ends":
                self.trial.world.plan(self.trial.world.service, "never")
            # A record that is less than a minute old is believed, whatever the cloud says.
            case "failed backups are removed" if deferred is None and store is None:
                self.trial.truth.remove_failed()
            case _:
                self.happens_to_any_task(what)

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

    def there(self) -> set[str]:
        """Return the ids of all backups."""
        return set(self.trial.truth.backups())

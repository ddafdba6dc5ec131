"""The model of a task that restores: what can happen to it, and what must hold then."""

from __future__ import annotations

from typing import Any, ClassVar, get_args

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from airflow_provider_backup.tasks.submission_policy import OnConflict
from tests.airflow.model.machine import TaskMachine, deaths
from tests.airflow.model.restore_author import RestoreAuthor
from tests.airflow.model.restore_case import RestoreCase
from tests.airflow.model.restore_trial import RestoreTrial
from tests.airflow.model.troubles import TOLERANCE
from tests.airflow.model.world import World


class OneRestoreTask(TaskMachine):
    """One task instance that restores, and everything that can happen to it."""

    first_seconds = 0.0
    case: ClassVar[type[RestoreCase]]
    trial_type: ClassVar[type[RestoreTrial]] = RestoreTrial
    trial: RestoreTrial

    @initialize(
        author=st.builds(
            dict,
            deferrable=st.sampled_from([True, True, True, False]),
            on_conflict=st.sampled_from(["fail", *get_args(OnConflict)]),
            short=st.sampled_from([False, False, False, True]),
            tolerance=st.sampled_from([None, TOLERANCE]),
            retry_failed=st.sampled_from([True, True, True, False]),
            by_id=st.booleans(),
        ),
        with_access_key=st.booleans(),
        with_store=st.sampled_from([True, True, True, False]),
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
        # The connection first: the case takes a backup.
        world = World(self.cloud, self.service, with_access_key=with_access_key)
        case = self.case(self.cloud, self.service)
        self.trial = self.trial_type(case, world, RestoreAuthor(**author), with_store=with_store)
        self.trial.plan(ends)
        if data.draw(st.booleans(), label="with trouble"):
            self.trouble_begins(data)
        self.trial.attempt(death)

    # ------------------------------------------------------------------------------------------------ the world

    @rule(only_first=st.booleans())
    def restores_end(self, only_first: bool) -> None:
        """Restores are over."""
        self.trial.end_all(only_first=only_first)

    @rule()
    def somebody_else_restores(self) -> None:
        """Another task restores the same backup in the same way."""
        self.trial.restore_in_another_task()

    @rule()
    def somebody_else_takes_a_backup(self) -> None:
        """Another task backs the same resource up."""
        self.trial.take_backup_in_another_task()

    @rule(
        what=st.sampled_from(
            [
                "trouble ends",
                "the data change",
                "the task is ended",
                "the next restore fails late",
                "the next restore never ends",
                "tokens die",
                "the XComs of the waiting task get lost",
                "the deadline comes",
                "the task state store goes or comes",
            ]
        )
    )
    def something_happens(self, what: str) -> None:
        """Small things."""
        match what:
            case "the data change":
                self.trial.break_data()
            case "the task is ended":
                self.trial.kill()
            case "the next restore fails late":
                self.trial.plan("badly")
            case "the next restore never ends":
                self.trial.plan("never")
            case _:
                self.happens_to_any_task(what)

    # ------------------------------------------------------------------------------------------------ what must hold

    @invariant()
    def the_data_are_restored_once_and_nothing_else_is_touched(self) -> None:
        """No second restore by accident, nothing overwritten that was not named, no backup gone."""
        self.trial.check_what_was_done()

    def there(self) -> set[str]:
        """Return the ids of all restores."""
        return set(self.trial.truth.restores())

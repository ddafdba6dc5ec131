"""The model of a task that deletes: what can happen to it, and what must hold then."""

from __future__ import annotations

from typing import Any, ClassVar, get_args

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from airflow_provider_backup.operators.deletion import IfMissing
from airflow_provider_backup.tasks.submission_policy import OnConflict
from tests.airflow.model.deletion_author import DeletionAuthor
from tests.airflow.model.deletion_case import DeletionCase
from tests.airflow.model.deletion_trial import DeletionTrial
from tests.airflow.model.machine import TaskMachine, deaths
from tests.airflow.model.troubles import TOLERANCE
from tests.airflow.model.world import World


class OneDeletionTask(TaskMachine):
    """One task instance that deletes, and everything that can happen to it."""

    first_seconds = 0.0
    case: ClassVar[type[DeletionCase]]
    trial: DeletionTrial

    @initialize(
        author=st.builds(
            dict,
            deferrable=st.sampled_from([True, True, True, False]),
            on_conflict=st.sampled_from(["fail", *get_args(OnConflict)]),
            short=st.sampled_from([False, False, False, True]),
            tolerance=st.sampled_from([None, TOLERANCE]),
            if_missing=st.sampled_from(["fail", *get_args(IfMissing)]),
            by_id=st.booleans(),
            confirms=st.sampled_from([True, True, True, False]),
        ),
        with_access_key=st.booleans(),
        with_store=st.sampled_from([True, True, True, False]),
        ends=st.sampled_from(["well", "well", "badly", "never"]),
        before=st.sampled_from(["nothing", "nothing", "a backup begins", "it is deleted", "its deletion begins"]),
        death=deaths,
        data=st.data(),
    )
    def begin(
        self,
        author: dict[str, Any],
        with_access_key: bool,
        with_store: bool,
        ends: str,
        before: str,
        death: int | None,
        data: st.DataObject,
    ) -> None:
        """The task is tried for the first time."""
        # The connection first: the case takes backups.
        world = World(self.cloud, self.service, with_access_key=with_access_key)
        case = self.case(self.cloud, self.service)
        if not case.needs_name:
            author["confirms"] = True
        self.trial = DeletionTrial(case, world, DeletionAuthor(**author), with_store=with_store)
        if before == "a backup begins":
            self.trial.take_backup_in_another_task()
        elif before != "nothing":
            self.trial.delete_in_another_task()
            if before == "it is deleted":
                self.trial.end_all()
        self.trial.plan(ends)
        if data.draw(st.booleans(), label="with trouble"):
            self.trouble_begins(data)
        self.trial.attempt(death)

    # ------------------------------------------------------------------------------------------------ the world

    @rule(only_first=st.booleans())
    def what_runs_ends(self, only_first: bool) -> None:
        """Deletions and backups are over."""
        self.trial.end_all(only_first=only_first)

    @rule()
    def somebody_else_deletes(self) -> None:
        """Another task deletes the same."""
        self.trial.delete_in_another_task()

    @rule()
    def somebody_else_takes_a_backup(self) -> None:
        """Another task backs the same resource up."""
        self.trial.take_backup_in_another_task()

    @rule(
        what=st.sampled_from(
            [
                "trouble ends",
                "the next deletion fails late",
                "the next deletion never ends",
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
            case "the next deletion fails late":
                self.trial.plan("badly")
            case "the next deletion never ends":
                self.trial.plan("never")
            case _:
                self.happens_to_any_task(what)

    # ------------------------------------------------------------------------------------------------ what must hold

    @invariant()
    def only_what_is_named_is_deleted(self) -> None:
        """Everything else stays, and so does what the author does not confirm."""
        self.trial.check_what_is_there()

    def there(self) -> set[str]:
        """Return how many requests the service got that may change something."""
        changes = sum(
            count
            for (service, method, _), count in self.cloud.requests.items()
            if service == self.service and method != "GET"
        )
        return {f"{changes} requests"}

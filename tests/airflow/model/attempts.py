"""One task instance as Airflow runs it: attempts, deferrals, triggers, retries, clears; any of them may die."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any, Protocol

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from airflow_provider_backup.version_compat import AIRFLOW_3
from tests.airflow.model.process_death import Death, ProcessDied, dying
from tests.airflow.model.times import A_MOMENT, CLOCKS_DIFFER, HANG, LONG_AGO, MEANWHILE
from tests.airflow.model.world import World
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore

TASK = "the task"
OTHERS = "another task"
Owner = tuple[str, int, int]
"""Who submitted an operation, in which DAG run of those with the same id, and in which generation."""


class State(Enum):
    """How the last attempt ended."""

    DEFERRED = "deferred"
    DONE = "done"
    FAILED = "failed"
    DEAD = "its process died"


class Awaited(Protocol):
    """What a trigger waits for."""

    @property
    def is_running(self) -> bool:
        """Whether it is not over."""

    @property
    def is_stuck(self) -> bool:
        """Whether it never ends."""


class TaskAttempts(ABC):
    """The attempts of one task instance.

    :param world: where it works.
    :param operator: the task.
    :param with_store: whether Airflow has a task state store.
    """

    def __init__(self, world: World, operator: Any, *, with_store: bool) -> None:
        self.world = world
        self.run = TaskRun(operator, store=TaskStateStore() if with_store else None)
        self.state = State.FAILED
        self.deferred: Deferred | None = None
        self.older_deferrals: list[Deferred] = []
        self.is_judged = True
        """Whether nothing was found wrong so far."""
        self.dag_runs = 0
        self.is_first_try = True
        self.began_at = time.time()
        self.xcoms_are_lost = False
        self._took = 0.0

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

    def lose_xcoms(self) -> None:
        """Let the XComs of a waiting task go away."""
        self.run.ti.xcoms.clear()
        self.xcoms_are_lost = True

    def retry(self, *, xcoms_stay: bool = False) -> None:
        """Prepare the next attempt."""
        self.set_aside()
        xcoms = dict(self.run.ti.xcoms) if xcoms_stay else {}
        self.run.retry()
        self.run.ti.xcoms.update(xcoms)
        self.is_first_try = False

    def clear(self) -> None:
        """Prepare the attempt after a clear; where the process has just died, it was the clear that ended it."""
        if self.state is State.DEAD and not AIRFLOW_3:
            # The clear of a running task looks like a retry there.
            self.retry()
            return
        self.set_aside()
        self.run.clear()
        self._begin_generation()

    def make_run_again(self) -> None:
        """Prepare the first attempt in a DAG run of the same id, made after the one of some days ago was deleted."""
        self.set_aside()
        self.world.age(LONG_AGO)
        store = self.run.store and TaskStateStore()
        if store and self.run.store:
            store.fails = self.run.store.fails
        self.run = TaskRun(self.run.operator, store=store)
        self.dag_runs += 1
        self._begin_generation()

    def set_aside(self) -> None:
        """Let the present wait be one of an attempt that is over."""
        if self.deferred is not None:
            self.older_deferrals.append(self.deferred)
            self.deferred = None
        self.xcoms_are_lost = False

    def outcome(self, go: Callable[[], Any], death: int | None, ends_meanwhile: bool) -> Any:
        """Run a part of the task.

        :param go: runs it.
        :param death: how many points its process passes before it dies; ``None`` lets it live.
        :param ends_meanwhile: whether what runs in the cloud ends in the middle of it.
        :return: its result, its deferral or its error; ``None`` if its process died.
        """
        self.deferred = None
        when = Death(death)
        outcome: Any = None
        began = time.monotonic()
        try:
            with self._all_ending(ends_meanwhile), dying(when, self.run):
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
        self.world.settle()
        return outcome

    def event(
        self, deferred: Deferred, death: int | None = None, *, ends_meanwhile: bool = False, triggerers: int = 1
    ) -> dict[str, Any] | None:
        """Run a trigger from its row in one or two triggerers at once.

        :param deferred: what put the trigger into the database.
        :param death: how many points the first triggerer passes before it dies; ``None`` lets it live.
        :param ends_meanwhile: whether what runs in the cloud ends while it runs.
        :param triggerers: how many, 1 or 2.
        :return: the first event; ``None`` without one.
        """
        is_pause = "reference" not in deferred.trigger_arguments
        awaited = None if is_pause else self.waited_for(deferred)
        can_end = is_pause or (awaited and (not awaited.is_running or (ends_meanwhile and not awaited.is_stuck)))
        must_end = self.world.connection_works and can_end
        events: list[dict[str, Any]] = []
        when = Death(death)

        async def run_trigger() -> None:
            async with asyncio.timeout(HANG if must_end else A_MOMENT):
                trigger = deferred.rebuilt()
                events.extend([event.payload async for event in trigger.run()])

        def triggerer(run: Callable[..., Any]) -> None:
            with suppress(ProcessDied, TimeoutError):
                run(run_trigger())

        with self.judging(), self._all_ending(ends_meanwhile):
            second = threading.Thread(target=triggerer, args=[asyncio.run]) if triggerers > 1 else None
            if second:
                second.start()
            with dying(when):
                triggerer(asyncio.run)
            if second:
                second.join()
            assert events or not must_end or when.has_come, "what is waited for is over, and the trigger says nothing"
        return events[0] if events else None

    def check_what_is_waited_for(self) -> None:
        """The trigger waits for something that exists, unless it only pauses."""
        if self.deferred is not None and "reference" in self.deferred.trigger_arguments:
            reference = self.deferred.trigger_arguments["reference"]
            assert self.waited_for(self.deferred) is not None, f"nothing is {reference}"

    def end_well(self) -> Any:
        """End all faults, and try the task until it is done.

        :return: what it came to.
        """
        self.world.behave()
        self.world.connect()
        self.world.cloud.state.table("planned_outcomes").clear()
        return self.go_on_until_done(self.retry)

    def go_on_until_done(self, prepare: Callable[[], None]) -> Any:
        """Try the task until it is done, its triggers included.

        :param prepare: prepares each attempt: :meth:`retry` or :meth:`clear`.
        :return: what the last attempt came to.
        """
        tries = 3
        while tries:
            self.end_all(with_stuck=True)
            prepare()
            outcome = self.attempt(ends_meanwhile=True)
            # Once for a busy resource, once for the operation; the cloud may be a moment behind.
            for _ in range(5):
                if (deferred := self.deferred) is None:
                    break
                self.end_all()
                event = self.event(deferred)
                self.resume(lambda d=deferred, e=event: self.run.resume(d.method_name, event=e), None)  # type: ignore[misc]
            if self.state is State.DONE:
                break
            if self.is_cut_short(outcome):
                self._give_more_time()
            else:
                tries -= 1
        return outcome

    # What differs between kinds of tasks

    @abstractmethod
    def attempt(
        self, death: int | None = None, *, ends_meanwhile: bool = False, go: Callable[[], Any] | None = None
    ) -> Any:
        """Run the task from its beginning and judge what it says.

        :param death: as for :meth:`outcome`.
        :param ends_meanwhile: likewise.
        :param go: resumes it, in place of the beginning, when it was deferred before it submitted anything.
        :return: its outcome; ``None`` if its process died.
        """

    def resume(self, go: Callable[[], Any], death: int | None, *, ends_meanwhile: bool = False) -> None:
        """Run the task from its deferral on and judge what it says.

        :param go: resumes it.
        :param death: as for :meth:`outcome`.
        :param ends_meanwhile: likewise.
        """
        assert self.deferred is not None
        if self.deferred.is_for_conflict:
            deadline = self.deadline_of(self.deferred)
            outcome = self.attempt(death, ends_meanwhile=ends_meanwhile, go=go)
            if isinstance(outcome, Deferred) and outcome.is_for_conflict:
                assert self.deadline_of(outcome) == deadline, "the deadline has moved"
            return
        self.resume_wait(self.deferred, go, death, ends_meanwhile=ends_meanwhile)

    @abstractmethod
    def resume_wait(
        self, deferred: Deferred, go: Callable[[], Any], death: int | None, *, ends_meanwhile: bool
    ) -> None:
        """Run a task on that waited for its own operation, and judge what it says.

        :param deferred: how it waited.
        :param go: as for :meth:`resume`.
        :param death: likewise.
        :param ends_meanwhile: likewise.
        """

    @abstractmethod
    def waited_for(self, deferred: Deferred) -> Awaited | None:
        """Return what a trigger waits for: the task's operation, or what keeps its resource busy."""

    @abstractmethod
    def end_all(self, *, only_first: bool = False, with_stuck: bool = False) -> None:
        """Let what runs in the cloud be over.

        :param only_first: only what began first.
        :param with_stuck: also what would never end.
        """

    # How it is done

    def is_cut_short(self, outcome: Any) -> bool:
        """Whether this machine was too slow for the author's times, and the task says so: that is no fault of it.

        Only a try that really took as long may say so.
        """
        # What the task hands to Airflow has no cause any more.
        cut = outcome if isinstance(outcome, OutOfTimeError) else getattr(outcome, "__context__", None)
        if not isinstance(cut, OutOfTimeError):
            return False
        limit = self.run.operator.timeout if cut.is_deadline else self.run.operator.tolerance
        return limit is not None and self._took >= limit - CLOCKS_DIFFER

    @property
    def used_up_its_time(self) -> bool:
        """Whether the last attempt took all the time that the author gave it."""
        return bool(self._took >= self.run.operator.timeout - CLOCKS_DIFFER)

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Remember what is found wrong inside."""
        was_judged, self.is_judged = self.is_judged, False
        yield
        self.is_judged = was_judged

    def _begin_generation(self) -> None:
        self.is_first_try = True
        self.began_at = time.time()

    def _plan(self) -> dict[str, Any]:
        return self.run.ti.xcom_pull(self.run.operator.task_id, WAIT_XCOM, self.run.map_index) or {}

    def _give_more_time(self) -> None:
        self.run.operator.timeout *= 2
        if self.run.operator.tolerance is not None:
            self.run.operator.tolerance *= 2

    @contextmanager
    def _all_ending(self, end: bool) -> Iterator[None]:
        ending = threading.Timer(MEANWHILE, self.end_all) if end else None
        if ending:
            # What is over in a moment began minutes ago: no list is so far behind as not to show it by now.
            self.world.lists_are_current()
            ending.start()
        try:
            yield
        finally:
            if ending:
                ending.join()

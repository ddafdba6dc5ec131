"""What is done to the cluster while it works, when, and how long it takes to recover."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from tests.cluster.cluster import CLOUD, DATABASE, TRIGGERERS, Cluster
from tests.cluster.metadata import Snapshot

Condition = Callable[[Snapshot], bool]

_AWAY_FROM_WORKERS = frozenset({"deferred", "success"})


@dataclass(frozen=True)
class Blow:
    """One thing that is done to the cluster.

    :param title: what it is.
    :param is_due: when it is time for it.
    :param strike: does it; returns what tells that all is well again.
    :param recovery: what "all is well again" means, in words.
    """

    title: str
    is_due: Condition
    strike: Callable[[Snapshot], Condition]
    recovery: str


@dataclass
class Landed:
    """A blow that was struck.

    :param blow: which one.
    :param at: seconds since the run began.
    :param states: how many tasks were in each state.
    :param is_over: what tells that all is well again.
    :param recovered_after: seconds; none as long as all is not well.
    """

    blow: Blow
    at: float
    states: str
    is_over: Condition
    recovered_after: float | None = None


class Chaos:
    """The blows of one run, one after the other; a blow does not wait for the recovery from the one before.

    :param blows: what to do, in order.
    :param report: told what happens, a line at a time.
    """

    def __init__(self, blows: Sequence[Blow], report: Callable[[str], None]) -> None:
        self.landed: list[Landed] = []
        self._coming = list(blows)
        self._report = report
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def missing(self) -> list[str]:
        """Blows that were not struck."""
        return [blow.title for blow in self._coming]

    def look(self, snapshot: Snapshot) -> None:
        """Strike when it is time, and take note of recoveries; call this often."""
        for landed in self.landed:
            if landed.recovered_after is None and landed.is_over(snapshot):
                landed.recovered_after = self.seconds - landed.at
                self._report(f"RECOVERED after {landed.recovered_after:.0f} s: {landed.blow.title}")
        if self._coming and self._coming[0].is_due(snapshot):
            blow = self._coming.pop(0)
            self._report(f"BLOW: {blow.title}")
            at = self.seconds
            self.landed.append(Landed(blow, at, described(snapshot), blow.strike(snapshot)))


def described(snapshot: Snapshot) -> str:
    """Say how many task instances are in each state."""
    return ", ".join(f"{count} {state}" for state, count in snapshot.states.most_common())


def blows_against(cluster: Cluster) -> list[Blow]:
    """Return what the cluster test does, in order."""
    blows = Blows(cluster)
    return [
        Blow(
            "worker 1 killed, with the tasks on it",
            lambda snapshot: submitted(snapshot) >= 30,
            lambda snapshot: blows.kill_worker("worker-1", snapshot),
            "all tasks that it had are waiting or done",
        ),
        Blow(
            "local cloud killed",
            lambda snapshot: submitted(snapshot) >= 70,
            blows.kill_cloud,
            "a worker has started another backup",
        ),
        Blow(
            "scheduler killed",
            lambda snapshot: submitted(snapshot) >= 110,
            blows.kill_scheduler,
            "a new one has handed a task to a worker",
        ),
        Blow(
            "all tokens revoked",
            lambda snapshot: submitted(snapshot) >= 150,
            blows.revoke_tokens,
            "a worker has started another backup",
        ),
        Blow(
            "triggerer 1 killed",
            lambda snapshot: submitted(snapshot) == len(snapshot.tasks),
            blows.kill_triggerer,
            "another one has all its triggers",
        ),
        Blow(
            "all database connections cut",
            blows.previous_is_over,
            blows.cut_connections,
            "all components have reported to it again",
        ),
        Blow(
            "PostgreSQL killed",
            blows.previous_is_over,
            blows.kill_database,
            "all components have reported to it again",
        ),
        Blow(
            "worker 2 killed, with the tasks on it",
            lambda snapshot: snapshot.states["success"] >= 30,
            lambda snapshot: blows.kill_worker("worker-2", snapshot),
            "all tasks that it had are waiting or done",
        ),
    ]


def submitted(snapshot: Snapshot) -> int:
    """Count the tasks that have started their backup."""
    return sum(snapshot.states[state] for state in _AWAY_FROM_WORKERS)


class Blows:
    """How each blow is struck.

    :param cluster: who gets it.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._previous: Condition = lambda _: True

    def previous_is_over(self, snapshot: Snapshot) -> bool:
        """Whether the cluster has recovered from the blow before."""
        return self._previous(snapshot)

    def kill_worker(self, name: str, snapshot: Snapshot) -> Condition:
        """Kill a Celery worker with the processes of its tasks."""
        self._cluster.supervisor.kill(name)
        victims = [task.key for task in snapshot.tasks.values() if task.state == "running" and task.host == name]
        return self._remember(lambda now: all(now.tasks[key].state in _AWAY_FROM_WORKERS for key in victims))

    def kill_scheduler(self, snapshot: Snapshot) -> Condition:
        """Kill the scheduler."""
        self._cluster.supervisor.kill("scheduler")
        before = submitted(snapshot)
        latest = max(job.job_id for job in snapshot.jobs)
        return self._remember(
            lambda now: (
                submitted(now) > before and any(job.kind == "SchedulerJob" and job.job_id > latest for job in now.jobs)
            )
        )

    def kill_triggerer(self, snapshot: Snapshot) -> Condition:
        """Kill a triggerer."""
        name = TRIGGERERS[0]
        job_id = max(job.job_id for job in snapshot.jobs if job.kind == "TriggererJob" and job.host == name)
        self._cluster.supervisor.kill(name)
        return self._remember(lambda now: all(task.triggerer != job_id for task in now.tasks.values()))

    def kill_cloud(self, snapshot: Snapshot) -> Condition:
        """Kill the local cloud; it comes back with the state that it had saved."""
        before = submitted(snapshot)
        self._cluster.supervisor.kill(CLOUD)
        return self._remember(lambda now: submitted(now) > before)

    def revoke_tokens(self, snapshot: Snapshot) -> Condition:
        """Let every token die."""
        before = submitted(snapshot)
        iam = self._cluster.cloud.description["iam"].removesuffix("/v3")
        httpx.post(f"{iam}/_control/tokens/revoke", trust_env=False).raise_for_status()
        return self._remember(lambda now: submitted(now) > before)

    def cut_connections(self, snapshot: Snapshot) -> Condition:
        """Cut all connections to the database."""
        self._cluster.metadata.cut_connections()
        return self._remember(self._all_report_after(time.time()))

    def kill_database(self, snapshot: Snapshot) -> Condition:
        """Kill PostgreSQL."""
        self._cluster.supervisor.kill(DATABASE)
        return self._remember(self._all_report_after(time.time()))

    def _all_report_after(self, moment: float) -> Condition:
        expected = {"scheduler", "dag-processor", *TRIGGERERS}

        def is_over(now: Snapshot) -> bool:
            reported = {job.host for job in now.jobs if job.heartbeat > moment}
            return expected <= reported and self._cluster.api_answers()

        return is_over

    def _remember(self, condition: Condition) -> Condition:
        self._previous = condition
        return condition

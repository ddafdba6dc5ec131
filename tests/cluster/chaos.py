"""What is done to the cluster while it works, when, and how long it takes to recover."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from tests.cluster.cluster import API_SERVER, BROKER, CLOUD, DATABASE, TRIGGERERS, Cluster
from tests.cluster.metadata import Snapshot
from tests.cluster.verdict import TaskKey

Condition = Callable[[Snapshot], bool]

_AWAY_FROM_WORKERS = frozenset({"deferred", "success", "failed"})
"""A restore whose submission cannot be proved fails, as it should."""


class Struck(NamedTuple):
    """What a blow did.

    :param hit: what it met, in words.
    :param is_over: tells that all is well again.
    """

    hit: str
    is_over: Condition


@dataclass(frozen=True)
class FaultEffect:
    """One thing that is done to the cluster.

    :param title: what it is.
    :param is_due: when it is time for it.
    :param strike: does it.
    :param recovery: what "all is well again" means, in words.
    """

    title: str
    is_due: Condition
    strike: Callable[[Snapshot], Struck]
    recovery: str


@dataclass
class Landed:
    """A blow that was struck.

    :param blow: which one.
    :param at: seconds since the run began.
    :param states: how many tasks were in each state.
    :param struck: what it did.
    :param recovered_after: seconds; none as long as all is not well.
    """

    blow: FaultEffect
    at: float
    states: str
    struck: Struck
    recovered_after: float | None = None


class Chaos:
    """The blows of one run, one after the other; a blow does not wait for the recovery from the one before.

    :param blows: what to do, in order.
    :param report: told what happens, a line at a time.
    """

    def __init__(self, blows: Sequence[FaultEffect], report: Callable[[str], None]) -> None:
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
            if landed.recovered_after is None and landed.struck.is_over(snapshot):
                landed.recovered_after = self.seconds - landed.at
                self._report(f"RECOVERED after {landed.recovered_after:.0f} s: {landed.blow.title}")
        if self._coming and self._coming[0].is_due(snapshot):
            blow = self._coming.pop(0)
            self._report(f"BLOW: {blow.title}")
            at = self.seconds
            landed = Landed(blow, at, described(snapshot), blow.strike(snapshot))
            self._report(landed.struck.hit)
            self.landed.append(landed)


def described(snapshot: Snapshot) -> str:
    """Say how many task instances are in each state."""
    return ", ".join(f"{count} {state}" for state, count in snapshot.states.most_common())


def blows_against(cluster: Cluster, run_id: str) -> list[FaultEffect]:
    """Return what the cluster test does, in order.

    :param cluster: who gets it.
    :param run_id: the run that it works on.
    """
    blows = Blows(cluster, run_id)
    return [
        FaultEffect(
            "worker 1 killed",
            lambda now: submitted(now) >= 25 and running_on("worker-1", now) >= 3,
            lambda _: blows.kill_worker("worker-1"),
            "all tasks that it had are waiting or over",
        ),
        FaultEffect(
            "local cloud killed",
            lambda now: submitted(now) >= 60 and now.states["running"] >= 4,
            blows.kill_cloud,
            "a worker has started another operation",
        ),
        FaultEffect(
            "Redis killed, with its queue",
            lambda now: submitted(now) >= 75 and now.states["queued"] >= 3,
            lambda _: blows.kill_broker(),
            "all tasks that were queued are waiting or over",
        ),
        FaultEffect(
            "scheduler killed",
            lambda now: submitted(now) >= 95,
            blows.kill_scheduler,
            "a new one has handed out tasks",
        ),
        FaultEffect(
            "all database connections cut",
            lambda now: submitted(now) >= 120,
            blows.cut_connections,
            "all components have reported to it again",
        ),
        FaultEffect(
            "API server killed",
            lambda now: submitted(now) >= 140,
            blows.kill_api_server,
            "a worker has started another operation",
        ),
        FaultEffect(
            "all tokens revoked",
            lambda now: submitted(now) >= 170,
            blows.revoke_tokens,
            "a worker has started another operation",
        ),
        FaultEffect(
            "triggerer 1 killed",
            lambda now: submitted(now) == len(now.tasks) or now.states["success"] > 0,
            blows.kill_triggerer,
            "another one has all its triggers",
        ),
        FaultEffect(
            "PostgreSQL killed",
            blows.previous_is_over,
            blows.kill_database,
            "all components have reported to it again",
        ),
        FaultEffect(
            "worker 2 killed",
            lambda now: now.states["success"] >= 20 and running_on("worker-2", now) >= 1,
            lambda _: blows.kill_worker("worker-2"),
            "all tasks that it had are waiting or over",
        ),
    ]


def submitted(snapshot: Snapshot) -> int:
    """Count the tasks that have started their work in the cloud."""
    return sum(snapshot.states[state] for state in _AWAY_FROM_WORKERS)


def running_on(host: str, snapshot: Snapshot) -> int:
    """Count the tasks that run on a worker."""
    return sum(task.state == "running" and task.host == host for task in snapshot.tasks.values())


class Blows:
    """How each blow is struck.

    :param cluster: who gets it.
    :param run_id: the run that it works on.
    """

    def __init__(self, cluster: Cluster, run_id: str) -> None:
        self._cluster = cluster
        self._run_id = run_id
        self._previous: Condition = lambda _: True

    def previous_is_over(self, snapshot: Snapshot) -> bool:
        """Whether the cluster has recovered from the blow before."""
        return self._previous(snapshot)

    def kill_worker(self, name: str) -> Struck:
        """Kill a Celery worker with the processes of its tasks."""
        self._cluster.supervisor.kill(name)
        # Nobody is left who could change the state of these.
        tasks = self._cluster.metadata.snapshot(self._run_id).tasks.values()
        victims = [task.key for task in tasks if task.state == "running" and task.host == name]
        return self._struck(f"{len(victims)} tasks ran on it", _away_from_workers(victims))

    def kill_broker(self) -> Struck:
        """Kill Redis, which keeps nothing on disk: what it had handed to nobody yet is lost."""
        self._cluster.supervisor.kill(BROKER)
        tasks = self._cluster.metadata.snapshot(self._run_id).tasks.values()
        victims = [task.key for task in tasks if task.state == "queued"]
        return self._struck(f"{len(victims)} tasks were queued", _away_from_workers(victims))

    def kill_scheduler(self, before: Snapshot) -> Struck:
        """Kill the scheduler."""
        self._cluster.supervisor.kill("scheduler")
        latest = max(job.job_id for job in before.jobs)

        def is_over(now: Snapshot) -> bool:
            successor_is_there = any(job.kind == "SchedulerJob" and job.job_id > latest for job in now.jobs)
            return successor_is_there and now.states["scheduled"] < before.states["scheduled"]

        return self._struck(f"{before.states['queued']} tasks were queued", is_over)

    def kill_triggerer(self, before: Snapshot) -> Struck:
        """Kill a triggerer."""
        name = TRIGGERERS[0]
        job_id = max(job.job_id for job in before.jobs if job.kind == "TriggererJob" and job.host == name)
        self._cluster.supervisor.kill(name)
        triggers = sum(task.triggerer == job_id for task in before.tasks.values())
        return self._struck(
            f"it had {triggers} triggers", lambda now: all(task.triggerer != job_id for task in now.tasks.values())
        )

    def kill_cloud(self, before: Snapshot) -> Struck:
        """Kill the local cloud; it comes back with the state that it had saved."""
        self._cluster.supervisor.kill(CLOUD)
        return self._struck(f"{before.states['running']} tasks were on workers", _goes_on_after(before))

    def kill_api_server(self, before: Snapshot) -> Struck:
        """Kill the API server, through which workers do all that concerns the database."""
        self._cluster.supervisor.kill(API_SERVER)
        return self._struck(f"{before.states['running']} tasks were on workers", _goes_on_after(before))

    def revoke_tokens(self, before: Snapshot) -> Struck:
        """Let every token die."""
        iam = self._cluster.cloud.description["iam"].removesuffix("/v3")
        httpx.post(f"{iam}/_control/tokens/revoke", trust_env=False).raise_for_status()
        return self._struck(f"{before.states['running']} tasks were on workers", _goes_on_after(before))

    def cut_connections(self, before: Snapshot) -> Struck:
        """Cut all connections to the database."""
        count = self._cluster.metadata.cut_connections()
        return self._struck(f"there were {count} connections", self._all_report_after(time.time()))

    def kill_database(self, before: Snapshot) -> Struck:
        """Kill PostgreSQL."""
        self._cluster.supervisor.kill(DATABASE)
        return self._struck(f"{before.states['deferred']} tasks were waiting", self._all_report_after(time.time()))

    def _all_report_after(self, moment: float) -> Condition:
        expected = {"scheduler", "dag-processor", *TRIGGERERS}

        def is_over(now: Snapshot) -> bool:
            reported = {job.host for job in now.jobs if job.heartbeat > moment}
            return expected <= reported and self._cluster.api_answers()

        return is_over

    def _struck(self, hit: str, is_over: Condition) -> Struck:
        self._previous = is_over
        return Struck(hit, is_over)


def _away_from_workers(keys: Sequence[TaskKey]) -> Condition:
    return lambda now: all(now.tasks[key].state in _AWAY_FROM_WORKERS for key in keys)


def _goes_on_after(before: Snapshot) -> Condition:
    # Those that were about to be put aside in any case do not count.
    return lambda now: submitted(now) > submitted(before) + before.states["running"]

"""The world around one task: its connection, the faults of its cloud, and the time that passes there."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.airflow.conftest import CONNECTION
from tests.airflow.model.troubles import Trouble

_STUCK = timedelta(days=365)
_BUSY = 409


class World:
    """One local cloud and the connection to it.

    :param cloud: a local cloud of its own.
    :param service: name of the service that the task uses.
    :param with_access_key: how the connection proves who asks.
    """

    def __init__(self, cloud: RunningCloud, service: str, *, with_access_key: bool) -> None:
        self.cloud = cloud
        self.service = service
        self.with_access_key = with_access_key
        self.connection_works = True
        self._armed: list[tuple[str, Trouble]] = []
        self._settled_hits: Counter[str] = Counter()
        self.connect()

    def connect(self, wrong: str | None = None) -> None:
        """Edit the connection.

        :param wrong: ``unknown user`` or ``closed port``; ``None`` for one that works.
        """
        self.connection_works = wrong is None
        connection = self.cloud.connection_json(with_access_key=self.with_access_key, attempts=2, retry_wait=0.005)
        if wrong == "unknown user":
            # Not a wrong password: that locks the account after a few tries.
            for right in (self.cloud.describe()["user"], self.cloud.describe()["ak"]):
                connection = connection.replace(f'"{right}"', '"NOBODY"')
        elif wrong == "closed port":
            for service in ("iam", self.service):
                connection = connection.replace(self.cloud.url(service), "http://127.0.0.1:9")
        os.environ[CONNECTION] = connection

    def misbehave(self, trouble: Trouble) -> None:
        """Let the cloud misbehave."""
        self._armed.append((self.cloud.misbehave(**trouble), trouble))

    def behave(self) -> None:
        """Let the cloud behave."""
        self.cloud.behave()
        self._armed.clear()

    def lists_are_current(self) -> None:
        """Let no list be behind any more: they are by seconds, but operations take minutes."""
        if any(trouble["kind"] == "stale_read" for _, trouble in self._armed):
            self.cloud.behave()

    def plan(self, operation: str, ends: str) -> None:
        """Settle how the next operation ends.

        :param operation: what the local cloud calls it: ``rds``, ``cbr.restore``.
        :param ends: ``well``, ``badly`` or ``never``.
        """
        if ends != "well":
            never = ends == "never"
            reason = None if never else "the array is on fire"
            self.cloud.plan_outcome(operation, reason=reason, stuck=never)

    def hits(self) -> int:
        """Return how many requests were hit by the faults that are armed."""
        return sum(self.cloud.hits(fault) for fault, _ in self._armed)

    def is_troubled(self, hits_before: int) -> bool:
        """Whether anything was in the way of an attempt.

        :param hits_before: :meth:`hits` at its beginning.
        """
        return not self.connection_works or self.hits() > hits_before

    @property
    def may_have_shown_what_is_gone(self) -> bool:
        """Whether a request was answered with what was true before, or as if its object was busy.

        Only since the cloud behaved last.
        """
        showing = [fault for fault, each in self._armed if each["kind"] == "stale_read" or each.get("status") == _BUSY]
        return any(self.cloud.hits(fault) for fault in showing)

    def begun(self, *, with_stuck: bool = False) -> set[str]:
        """Return when everything began that is still running.

        :param with_stuck: what would never end, too.
        """
        now = self.cloud.state.now()
        return {
            row["started_at"]
            for row in _all_rows(self.cloud.state)
            if {"started_at", "ready_at"} <= row.keys()
            and now < datetime.fromisoformat(row["ready_at"])
            and (with_stuck or datetime.fromisoformat(row["ready_at"]) - now < _STUCK)
        }

    def settle(self) -> None:
        """Wait until the cloud is through with all that was sent to it before, held back or not."""
        self._answer_all()
        hits = Counter({fault: self.cloud.hits(fault) for fault, trouble in self._armed if trouble["kind"] == "delay"})
        late = [trouble["seconds"] for fault, trouble in self._armed if hits[fault] > self._settled_hits[fault]]
        self._settled_hits |= hits
        if late:
            time.sleep(sum(late))
            self._answer_all()

    def age(self, by: timedelta) -> None:
        """Move the start of everything into the past.

        :param by: how much.
        """
        age(self.cloud.state, by)

    def end_now(self, begun: Collection[str]) -> None:
        """Let all that began at certain moments be over now.

        :param begun: the moments; jobs and logs of one operation have times of their own, which began together.
        """
        now = self.cloud.state.now().isoformat()
        for row in _all_rows(self.cloud.state):
            if row.get("started_at") in begun:
                row["ready_at"] = now

    def _answer_all(self) -> None:
        for service in ("iam", self.service):
            # What came first is answered first, as long as nothing delays it.
            urllib.request.urlopen(f"{self.cloud.url('iam')}/_control/requests?{service}", timeout=10).read()


def age(state: CloudState, by: timedelta) -> None:
    """Move the start of everything into the past.

    :param state: what the cloud knows.
    :param by: how much.
    """
    for row in _all_rows(state):
        for moment in {"started_at", "created_at"} & row.keys():
            row[moment] = (datetime.fromisoformat(row[moment]) - by).isoformat()
        if "created" in row:
            # Instances of databases keep it as they show it.
            row["created"] = (datetime.fromisoformat(row["created"]) - by).strftime("%Y-%m-%dT%H:%M:%S%z")


def _all_rows(state: CloudState) -> Iterator[Row]:
    """Go through all rows, and the restores inside the rows of backups."""
    for table in json.loads(state.to_json()):
        for row in list(state.table(table).values()):
            yield row
            yield from (part for part in list(row.values()) if isinstance(part, dict))

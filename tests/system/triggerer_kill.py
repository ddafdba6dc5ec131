"""What the demo does to Airflow in front of the viewer: the triggerer dies in the middle of the waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tests.system.local_airflow import LocalAirflow
from tests.system.run_board import TaskRow

TRIGGERER = "triggerer"
SETTINGS = {"AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2", "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10"}
"""With these, Airflow notices within ten seconds that a triggerer is gone; it grants thirty otherwise."""

ENOUGH_TASKS = 3
"""How many tasks wait when the triggerer is killed ..."""

PATIENCE = 12.0
"""... or one task for so many seconds."""

DOWN_SECONDS = 4.0


class TriggererKill:
    """Kills the triggerer once, while tasks wait in it, and starts it again.

    :param airflow: whose triggerer.
    :param say: tells the viewer.
    :param clock: seconds that only grow.
    """

    def __init__(
        self, airflow: LocalAirflow, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.waiting_tasks = 0
        self._airflow = airflow
        self._say = say
        self._clock = clock
        self._waiting_since: float | None = None
        self._killed_at: float | None = None
        self._is_back = False

    @property
    def is_done(self) -> bool:
        """Whether the triggerer was killed and is back."""
        return self._is_back

    def look(self, rows: Sequence[TaskRow]) -> None:
        """Do what is due.

        :param rows: how all tasks stand now.
        """
        if self._is_back:
            return
        now = self._clock()
        if self._killed_at is not None:
            if now - self._killed_at >= DOWN_SECONDS:
                self._start_again()
            return
        waiting = sum(row.state == "deferred" and row.is_under_way for row in rows)
        if not waiting:
            self._waiting_since = None
            return
        if self._waiting_since is None:
            self._waiting_since = now
        if waiting >= ENOUGH_TASKS or now - self._waiting_since >= PATIENCE:
            self._kill(waiting, now)

    def _kill(self, waiting: int, now: float) -> None:
        self._say(f"The triggerer is killed (kill -9). In it {_tasks(waiting)} that is being made")
        self._airflow.kill(TRIGGERER)
        self._killed_at = now
        self.waiting_tasks = waiting

    def _start_again(self) -> None:
        self._airflow.launch(TRIGGERER, TRIGGERER, "--skip-serve-logs")
        self._is_back = True
        self._say(
            "The triggerer is started again. The backups went on in the cloud; the tasks go on as soon as Airflow has "
            "handed their waits over, which takes a while"
        )


def _tasks(number: int) -> str:
    return "one task waits for a backup" if number == 1 else f"{number} tasks wait, each for a backup"

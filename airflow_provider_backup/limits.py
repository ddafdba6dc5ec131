"""How long tasks, sensors and triggers wait and remember: the limits of time of the Airflow side, in one place.

They are no settings: no connection and no argument changes them. Airflow constructs operators, sensors and triggers
itself and passes only their arguments, so they ask for the limits when they need them: :func:`task_limits`, which tests
change with :func:`override_task_limits`. Those of the client are in :mod:`airflow_provider_backup.cloud.limits`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from airflow_provider_backup.cloud.override import Overridable


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLimits:
    """Limits of time; seconds where nothing else is said.

    The first are those of tasks.

    :param longest_read: for one observation on a worker, retries included: a service may rate limit for much longer.
    :param final_read: at least, for the last read after the deadline: the backup may have succeeded meanwhile.
    :param lost_answer_searches: before each search for an operation whose submission got no answer; listings may lag.
    :param longest_wait: ten years; dates, deferrals and JSON have no infinite times.
    :param framework_margin: by how much Airflow's deferral timeout is later than our own deadline, so that ours applies
        first.
    :param shortest_request: with less than that left nothing is sent: it would be cut off, its effect unknown.
    :param scheduler_clock_margin: how far the scheduler's clock, which sets the start of a DAG run, may be ahead of a
        worker's.
    :param longest_on_kill: for everything after the signal that ends the task: Airflow 2.11 kills the process after 60
        (``killed_task_cleanup_time``), Airflow 3 after 5.

    The next are those of sensors and triggers.

    :param shortest_poke: a shorter ``poke_interval`` is raised to this in the triggerer, which all tasks share.
    :param earliest_event: after the deferral: an earlier event may be sent before Airflow has deferred the task.

    The last are those of connections.

    :param connection_memory: a wait that starts later reads the connection, and the files that it names, again; each
        read costs a triggerer several milliseconds.
    :param same_rejection: within which rejections count as one: waits rejected one after the other read the connection
        once.
    """

    longest_read: float = 60.0
    final_read: float = 5.0
    lost_answer_searches: tuple[float, ...] = (1.0, 4.0, 10.0)
    longest_wait: float = timedelta(days=3650).total_seconds()
    framework_margin: timedelta = timedelta(minutes=2)
    shortest_request: float = 0.05
    scheduler_clock_margin: timedelta = timedelta(minutes=1)
    longest_on_kill: float = 50.0

    shortest_poke: float = 1.0
    earliest_event: float = 5.0

    connection_memory: float = 15.0
    same_rejection: float = 1.0


_current = Overridable(TaskLimits())


def task_limits() -> TaskLimits:
    """Return the limits that apply now."""
    return _current.value


def override_task_limits(**changes: Any) -> AbstractContextManager[TaskLimits]:
    """Change the limits inside, in all threads; for tests.

    :param changes: fields of :class:`TaskLimits`.
    """
    return _current.override(replace(_current.value, **changes))

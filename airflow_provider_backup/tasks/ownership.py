"""Whose a backup is that a try finds: its own task instance's, an earlier DAG run's, or another Airflow's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.version_compat import beginning_of, clears_of

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.http.clock_skew import CloudClock

SCHEDULERS_CLOCK = timedelta(minutes=1)
"""How far the clock that tells when a DAG run began, the scheduler's, may be ahead of a worker's."""


class Ownership:
    """What one try knows of the tries before it, and so of the backups that it finds.

    :param context: the context of ``execute``.
    :param has_key: whether the name of the backup holds the key of the task instance.
    :param outlives_runs: whether what an earlier DAG run took under the same key counts as well.
    :param noted_at: when an earlier try asked for a backup, by this machine's clock; None without a note.
    :param began_at: when the work of this try began, by this machine's clock, as far as it is known from before a
        deferral; ``None`` for what Airflow tells.
    """

    def __init__(
        self,
        context: Any,
        *,
        has_key: bool,
        outlives_runs: bool,
        noted_at: datetime | None,
        began_at: datetime | None = None,
    ) -> None:
        self._has_key = has_key
        self.is_first_since_a_clear = _is_first_since_a_clear(context)
        """Whether this is the first try of all, or after a clear, as far as ``retries`` was not edited since."""
        # What outlives a clear may be what this task instance asked for before it.
        self._is_first = context["ti"].try_number == 1 if outlives_runs else self.is_first_since_a_clear
        self._asked_at: datetime | None = None
        self.since = noted_at or began_at or _began(context)
        """When the work began that this task instance belongs to, by this machine's clock."""
        self.may_be_there = has_key or noted_at is not None or not self.is_first_since_a_clear
        """Whether this task instance may have a backup: without key and note, on a first try, none is its own."""
        self._run_began = _earliest_with_key(context) if has_key else None
        self._earliest: datetime | None = self.since
        if has_key:
            self._earliest = None if outlives_runs else self._run_began

    def asks(self, at: datetime | None = None) -> None:
        """Remember a request that is sent.

        :param at: when, by this machine's clock; ``None`` for now.
        """
        self._asked_at = self._asked_at or at or datetime.now(UTC)

    def is_refused(self) -> None:
        """Take note that no request had an effect."""
        self._asked_at = None

    def is_own(self, clock: CloudClock, created_at: datetime | None) -> bool:
        """Whether what has the key is this task instance's: in this DAG run, an earlier try or this one asked for it.

        :param clock: the cloud's clock.
        :param created_at: when the backup began, by the cloud's clock; one that does not tell its time may be its own.
        """
        is_asked_for = self._has_key and (not self._is_first or self._asked_at is not None)
        return is_asked_for and (
            created_at is None or self._run_began is None or created_at >= clock.earliest(self._run_began)
        )

    def is_in_time(self, clock: CloudClock, created_at: datetime | None) -> bool:
        """Whether a backup may be of this DAG run by its time; one that does not tell its time may.

        :param clock: the cloud's clock.
        :param created_at: when the backup began, by the cloud's clock.
        """
        return created_at is None or self._earliest is None or created_at >= clock.earliest(self._earliest)

    def is_certainly_own(self, clock: CloudClock, created_at: datetime | None) -> bool:
        """Whether a backup with the key may be deleted as this task instance's.

        :param clock: the cloud's clock.
        :param created_at: when the backup began, by the cloud's clock.
        """
        if created_at is None or not self.is_own(clock, created_at):
            return False
        return not self._is_first or self._asked_at is None or created_at >= clock.earliest(self._asked_at)


def _is_first_since_a_clear(context: Any) -> bool:
    task_instance = context["ti"]
    tries_before = clears_of(task_instance, context["task"].retries)
    return bool(task_instance.try_number in (1, tries_before + 1))


def _began(context: Any) -> datetime:
    start_date = context["ti"].start_date
    if _is_first_since_a_clear(context) and start_date:
        return _as_utc(start_date)
    return _as_utc(context["dag_run"].start_date or datetime.now(UTC))


def _earliest_with_key(context: Any) -> datetime | None:
    task_instance = context["ti"]
    run_began = beginning_of(context["dag_run"])
    if run_began and (not task_instance.start_date or run_began <= task_instance.start_date):
        # Nothing is there on a first try that could be lost by this.
        return _as_utc(run_began) - (timedelta(0) if task_instance.try_number == 1 else SCHEDULERS_CLOCK)
    # Before its first try a task instance had nothing; of a later one nothing is known then.
    # ``dag.test()`` of Airflow 2.11 does not say when the try began.
    return _as_utc(task_instance.start_date or datetime.now(UTC)) if task_instance.try_number == 1 else None


def _as_utc(moment: datetime) -> datetime:
    """Return a moment of Airflow's as a plain aware time in UTC."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)

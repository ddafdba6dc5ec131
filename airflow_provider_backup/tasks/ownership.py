"""Owner of a backup that a try finds: its own task instance, an earlier DAG run, or another Airflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.limits import task_limits
from airflow_provider_backup.version_compat import beginning_of, clears_of

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.http.clock_skew import CloudClock


class Ownership:
    """Decides, from what one try knows of earlier tries, which backups belong to the task instance.

    :param context: the context of ``execute``.
    :param has_key: whether the name of the backup holds the key of the task instance.
    :param outlives_runs: whether backups of an earlier DAG run with the same key count as well.
    :param recorded_at: when an earlier try submitted a backup, by this machine's clock; ``None`` without a record.
    :param is_found_by_time: whether an operation that may not be submitted twice carries no name, so that a search
        may find that of another task, or of before a clear.
    :param is_settled: whether the records prove that no submission of an earlier try waits for its answer.
    :param began_at: when the work of this try started, by this machine's clock, if known from before a deferral;
        ``None`` for the time that Airflow reports.
    """

    def __init__(
        self,
        context: Any,
        *,
        has_key: bool,
        outlives_runs: bool,
        recorded_at: datetime | None,
        is_found_by_time: bool = False,
        is_settled: bool = False,
        began_at: datetime | None = None,
    ) -> None:
        self._has_key = has_key
        self.is_first_since_a_clear = _is_first_since_a_clear(context)
        """Whether this is the first try, or the first one after a clear, provided ``retries`` was not edited since."""
        # A backup that outlives a clear may be one that this task instance submitted before it.
        self._is_first = context["ti"].try_number == 1 if outlives_runs else self.is_first_since_a_clear
        self._asked_at: datetime | None = None
        self.since = recorded_at or began_at or _began(context)
        """When the work of this task instance started, by this machine's clock."""
        self.may_be_there = has_key or recorded_at is not None or not self.is_first_since_a_clear
        """Whether this task instance may have a backup: without key and record, on a first try, it has none."""
        was_cleared = clears_of(context["ti"], context["task"].retries) > 0
        if is_found_by_time and (is_settled or (recorded_at is None and was_cleared)):
            # What the search finds is of another task, or may be of before the clear.
            self.may_be_there = False
        self._run_began = _earliest_with_key(context, began_at) if has_key else None
        self._earliest: datetime | None = self.since
        if has_key:
            self._earliest = None if outlives_runs else self._run_began

    def asks(self, at: datetime | None = None) -> None:
        """Remember a request that is sent.

        :param at: when, by this machine's clock; ``None`` for now.
        """
        self._asked_at = self._asked_at or at or datetime.now(UTC)

    def is_refused(self) -> None:
        """Remember that no request had an effect."""
        self._asked_at = None

    def is_own(self, clock: CloudClock, created_at: datetime | None) -> bool:
        """Return whether a backup with the key belongs to this task instance: a try in this DAG run submitted it.

        :param clock: the cloud's clock.
        :param created_at: when the backup started, by the cloud's clock; ``None`` if unknown, then it may belong.
        """
        is_asked_for = self._has_key and (not self._is_first or self._asked_at is not None)
        return is_asked_for and (
            created_at is None or self._run_began is None or created_at >= clock.earliest(self._run_began)
        )

    def is_in_time(self, clock: CloudClock, created_at: datetime | None) -> bool:
        """Return whether a backup may belong to this DAG run by its time; it may if its time is unknown.

        :param clock: the cloud's clock.
        :param created_at: when the backup started, by the cloud's clock.
        """
        return created_at is None or self._earliest is None or created_at >= clock.earliest(self._earliest)

    def is_certainly_own(self, clock: CloudClock, created_at: datetime | None) -> bool:
        """Return whether a backup with the key certainly belongs to this task instance, so that it may delete it.

        :param clock: the cloud's clock.
        :param created_at: when the backup started, by the cloud's clock.
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


def _earliest_with_key(context: Any, began_at: datetime | None) -> datetime | None:
    task_instance = context["ti"]
    is_first_try = task_instance.try_number == 1
    # After a deferral Airflow may report the time of the resumption, which the backup of a first try may precede.
    try_began = (is_first_try and began_at) or task_instance.start_date
    run_began = beginning_of(context["dag_run"])
    if run_began and (not try_began or run_began <= try_began):
        # On a first try there is no earlier backup that this could exclude.
        return _as_utc(run_began) - (timedelta(0) if is_first_try else task_limits().scheduler_clock_margin)
    # Before its first try a task instance has no backup; for a later try the time is unknown then.
    # ``dag.test()`` of Airflow 2.11 does not set the start of the try.
    return _as_utc(try_began or datetime.now(UTC)) if is_first_try else None


def _as_utc(moment: datetime) -> datetime:
    """Return a time of Airflow as an aware ``datetime`` in UTC."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)

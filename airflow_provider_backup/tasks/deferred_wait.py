"""How tasks wait without a worker, for anything that one look at the cloud can tell: one way for all of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.limits import task_limits
from airflow_provider_backup.tasks.outcome import ReportsOutcome
from airflow_provider_backup.version_compat import FAIL_METHOD, own_xcom

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

    from airflow_provider_backup.cloud.client import BackupCloud

WAIT_XCOM = "backup_wait"
"""Key of the XCom that holds what a deferred task waits for: pushed before the deferral, read after it."""

MOST_TRIGGER_FAILURES = 5
"""After this many failed triggers of one wait the task waits on the worker instead of deferring again."""


def bounded_times(poll_interval: float, deadline: float) -> dict[str, float]:
    """Return the times of a plan as numbers that JSON, dates and deferrals know.

    :param poll_interval: seconds between two polls, above 0.
    :param deadline: when to give up, seconds since the epoch.
    """
    longest = task_limits().longest_wait
    return {
        "poll_interval": min(longest, poll_interval),
        "deadline": min(current_clock().time() + longest, deadline),
    }


class DeferredWait(ReportsOutcome):
    """Waiting in the triggerer; for operators and sensors, which provide the attributes.

    What is waited for is in a *plan*, plain JSON, with ``poll_interval`` and ``deadline``. The deadline is one absolute
    time: it stays the same through deferral, a restart of the triggerer and the resumption after a failed trigger.
    """

    deferrable: bool
    timeout_error: ClassVar[type[BackupError]]
    next_step_after_timeout: ClassVar[str]

    if TYPE_CHECKING:
        defer: Any

    @property
    def hook(self) -> BackupCloudHook:
        """The account behind the connection."""
        return BackupCloudHook(self.huaweicloud_conn_id, region=self.region, project_id=self.project_id)

    @abstractmethod
    def subject_of(self, plan: Mapping[str, Any]) -> Any:
        """Return what is waited for; as text it stands in logs and errors."""

    @abstractmethod
    async def look_at(self, cloud: BackupCloud, subject: Any) -> Any:
        """Look once.

        :param cloud: the open client.
        :param subject: what is waited for.
        :return: what was seen.
        """

    @abstractmethod
    def is_over(self, seen: Any) -> bool:
        """Return whether what was seen ends the wait."""

    @abstractmethod
    def timeout_text(self, subject: Any, seen: Any) -> str:
        """Return what is said after the deadline, when the last look did not end the wait."""

    @abstractmethod
    def finish(self, plan: dict[str, Any], seen: Any) -> Any:
        """Return the result of the task, or raise the error of a bad outcome.

        :param plan: what was waited for.
        :param seen: what ended the wait.
        """

    @abstractmethod
    def trigger_of(self, plan: Mapping[str, Any]) -> BaseTrigger:
        """Build the trigger that waits in the triggerer."""

    @abstractmethod
    def wait_on_the_worker(self, plan: Mapping[str, Any]) -> Any:
        """Wait here, and return what ended the wait.

        :raises BackupError: the deadline has passed, or an error is not transient.
        """

    def defer_wait(self, context: Any, plan: dict[str, Any]) -> NoReturn:
        """Defer the task to the triggerer.

        :param context: the context of ``execute``.
        :param plan: what to wait for.
        :raises TaskDeferred: always.
        """
        context["ti"].xcom_push(key=WAIT_XCOM, value={**plan, "try_number": context["ti"].try_number})
        self._defer(plan)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Continue after a deferral; if the trigger failed or timed out, the cloud is read before the task fails."""
        return self.report(context, lambda: self.resume(next_method, next_kwargs, context))

    def resume(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Do what :meth:`resume_execution` says.

        :param next_method: the method that the deferral named, or Airflow's marker of a failed trigger.
        :param next_kwargs: its arguments, or the error of the failed trigger.
        :param context: the context of the task.
        """
        if next_method != FAIL_METHOD:
            return getattr(self, next_method)(context, **(next_kwargs or {}))
        error = (next_kwargs or {}).get("error", "unknown error")
        traceback = "".join((next_kwargs or {}).get("traceback") or ())
        self.log.warning("The trigger ended without an event (%s); reading the backup. %s", error, traceback)
        plan = self.plan_of(context)
        self.count_failure(context, plan)
        return self.continue_wait(context, plan)

    def count_failure(self, context: Any, plan: dict[str, Any]) -> None:
        """Record that a trigger of this wait failed."""
        plan["trigger_failures"] = plan.get("trigger_failures", 0) + 1
        context["ti"].xcom_push(key=WAIT_XCOM, value=plan)

    def plan_of(self, context: Any) -> dict[str, Any]:
        """Return what the deferred task waits for.

        :raises BackupError: its XCom was deleted.
        """
        # From XCom, not from the deferral's kwargs: those are lost when a trigger dies, and in dag.test().
        plan = own_xcom(context["ti"], WAIT_XCOM)
        if not isinstance(plan, dict):
            raise BackupError("Cannot continue the wait: the XCom that holds its state was deleted.")
        return plan

    def continue_wait(self, context: Any, plan: dict[str, Any], *, patient: bool = True) -> Any:
        """Look, and end the task or defer it again.

        :param context: the context of the task.
        :param plan: what is waited for.
        :param patient: whether transient errors are tolerated before the deadline.
        """
        if (seen := self._seen_at_the_end(plan, patient=patient)) is not None:
            return self.finish(plan, seen)
        if plan.get("trigger_failures", 0) >= MOST_TRIGGER_FAILURES:
            self.log.warning("%d triggers of this wait failed; waiting on the worker.", plan["trigger_failures"])
            return self.finish(plan, self.wait_on_the_worker(plan))
        self._defer(plan)

    def _seen_at_the_end(self, plan: dict[str, Any], *, patient: bool) -> Any:
        subject = self.subject_of(plan)
        left = plan["deadline"] - current_clock().time()

        async def look(cloud: BackupCloud) -> Any:
            with time_limit(max(left, task_limits().final_read), tolerance=plan.get("tolerance")):
                return await self.look_at(cloud, subject)

        try:
            seen = self.hook.run_in_cloud(look)
        except BackupError as error:
            is_passed = left <= 0 and is_passing(error)
            if is_passed or (isinstance(error, OutOfTimeError) and error.is_deadline):
                raise self.timeout_error(
                    f"Timed out waiting for {subject}, which could not be read. {error.message}",
                    next_step=self.next_step_after_timeout,
                ) from error
            if not patient or not is_passing(error) or isinstance(error, OutOfTimeError):
                raise
            self.log.warning("%s could not be read: %s", subject, error)
            return None
        if self.is_over(seen):
            return seen
        if left <= 0:
            raise self.timeout_error(self.timeout_text(subject, seen), next_step=self.next_step_after_timeout)
        return None

    def _defer(self, plan: dict[str, Any]) -> NoReturn:
        time_left = timedelta(seconds=max(0.0, plan["deadline"] - current_clock().time()))
        self.defer(
            trigger=self.trigger_of(plan),
            method_name="execute_complete",
            timeout=time_left + task_limits().framework_margin,
        )
        raise AssertionError("defer ends by raising")

"""How a deferrable task waits for a busy resource without a worker, and submits again afterwards."""

from __future__ import annotations

import random
from abc import abstractmethod
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.limits import task_limits
from airflow_provider_backup.tasks.conflict import Conflict
from airflow_provider_backup.tasks.deferral import OperatorWaitMixin
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from airflow_provider_backup.version_compat import FAIL_METHOD, own_xcom

SHORTEST_PAUSE = 0.5
"""Minimum pause as a fraction of ``poll_interval``: tasks that were rejected together do not all retry together."""


class DeferrableConflictMixin(OperatorWaitMixin):
    """Waiting for a busy resource in the triggerer; for operators, which provide the attributes.

    If the service shows the operation that keeps the resource busy, the trigger waits for it, in one poller with all
    others. Otherwise the task submits again within ``poll_interval``. Deadline and start of the wait stay the same
    through all deferrals.
    """

    poll_interval: float
    tolerance: float | None

    @abstractmethod
    def submit_and_wait(self, context: Any, conflict: Conflict | None) -> Any:
        """Submit or adopt the operation, and wait for it.

        :param context: the context of the task.
        :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
        """

    def defer_conflict(self, context: Any, conflict: Conflict) -> NoReturn:
        """Defer the task until the resource may be free.

        :param context: the context of the task.
        :param conflict: the state of the wait.
        :raises TaskDeferred: always.
        """
        from airflow_provider_backup.triggers.backup import BackupTrigger
        from airflow_provider_backup.triggers.conflict import ConflictTrigger

        task_instance = context["ti"]
        value = {"conflict": conflict.to_dict(), "try_number": task_instance.try_number}
        task_instance.xcom_push(key=WAIT_XCOM, value=value)
        now = current_clock().time()
        trigger: BackupTrigger | ConflictTrigger
        if conflict.watched:
            trigger = BackupTrigger(
                conflict.watched,
                self.huaweicloud_conn_id,
                region=self.region,
                project_id=self.project_id,
                poll_interval=min(task_limits().longest_wait, self.poll_interval),
                deadline=conflict.deadline,
                tolerance=self.tolerance,
            )
        else:
            pause = self.poll_interval * random.uniform(SHORTEST_PAUSE, 1)
            trigger = ConflictTrigger(min(now + pause, conflict.deadline))
        left = timedelta(seconds=max(0.0, conflict.deadline - now))
        self.defer(trigger=trigger, method_name="submit_again", timeout=left + task_limits().framework_margin)
        raise AssertionError("defer ends by raising")

    def submit_again(self, context: Any, event: dict[str, Any]) -> Any:
        """Continue after the wait for a busy resource: the service decides whether it is free.

        :param context: the context of the task.
        :param event: the event of the trigger; only transient errors that outlasted the tolerance matter.
        """
        conflict = _conflict_of(context)
        if conflict is None:
            raise BackupError("Cannot continue the wait: the XCom that holds its state was deleted.")
        if event.get("outcome") != "over":
            self.log.info("Trigger event: %s", one_line(str(event.get("message") or event)))
        if event.get("outcome") == "trouble":
            conflict = replace(conflict, failing_since=current_clock().time() - (self.tolerance or 0))
        return self.submit_and_wait(context, conflict)

    def resume(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Continue after a deferral; if the trigger of a busy resource failed, submit again.

        :param next_method: the method that the deferral named, or Airflow's marker of a failed trigger.
        :param next_kwargs: its arguments, or the error of the failed trigger.
        :param context: the context of the task.
        """
        conflict = _conflict_of(context) if next_method == FAIL_METHOD else None
        if conflict is None:
            return super().resume(next_method, next_kwargs, context)
        error = (next_kwargs or {}).get("error", "unknown error")
        self.log.warning("The trigger ended without an event (%s); submitting again.", error)
        return self.submit_and_wait(context, replace(conflict, trigger_failures=conflict.trigger_failures + 1))


def _conflict_of(context: Any) -> Conflict | None:
    """Return the state of this try's wait for a busy resource; ``None`` if it does not wait for one."""
    plan = own_xcom(context["ti"], WAIT_XCOM)
    if not isinstance(plan, dict) or "conflict" not in plan or plan.get("try_number") != context["ti"].try_number:
        return None
    return Conflict.from_dict(plan["conflict"])

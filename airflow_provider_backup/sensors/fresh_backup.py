"""Waiting until resources have a good backup that is fresh enough: the base of ``<Service>FreshBackupSensor``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_backup.cloud.operations.freshness import FreshBackupResult
from airflow_provider_backup.cloud.operations.freshness_question import FreshnessAnswer, FreshnessQuestion
from airflow_provider_backup.exceptions import BackupSensorTimeoutError
from airflow_provider_backup.sensors.waiting import WaitingSensor
from airflow_provider_backup.tasks.deferred_wait import bounded_times
from airflow_provider_backup.tasks.freshness_arguments import FreshnessArguments

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.triggers.fresh_backup import FreshBackupTrigger


class FreshBackupSensor(FreshnessArguments, WaitingSensor):
    """Wait until a resource, or each of several, has a good backup that is fresh enough, whatever takes it.

    Failed backups and those in progress never count; looks log them. The result is the same in every mode: a
    :class:`~airflow_provider_backup.cloud.operations.freshness.FreshBackupResult` for the argument of one resource, a
    list of them for all others. The arguments are those of
    :class:`~airflow_provider_backup.tasks.freshness_arguments.FreshnessArguments` and
    :class:`~airflow_provider_backup.sensors.waiting.WaitingSensor`.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, *FreshnessArguments.freshness_fields)
    next_step_after_timeout: ClassVar[str] = (
        "Give it more time (timeout), or check in the cloud why no backup was taken."
    )

    def subject(self) -> FreshnessQuestion:
        """Return the question."""
        return self.built(self.question)

    def plan(self, subject: FreshnessQuestion, poll_interval: float, deadline: float) -> dict[str, Any]:
        """Return what the wait needs to know while it is deferred, as plain JSON."""
        # The question as it is now: templates are rendered again when the task resumes.
        return {"question": subject.to_dict(), **bounded_times(poll_interval, deadline)}

    def subject_of(self, plan: Mapping[str, Any]) -> FreshnessQuestion:
        """Return the question of a plan."""
        return FreshnessQuestion.from_dict(plan["question"])

    async def look_at(self, cloud: BackupCloud, subject: FreshnessQuestion) -> FreshnessAnswer:
        """Look once."""
        return await subject.ask(cloud)

    def is_over(self, seen: FreshnessAnswer) -> bool:
        """Return whether every resource has a fresh backup."""
        return seen.is_fresh

    def end(self, seen: FreshnessAnswer) -> FreshBackupResult | list[FreshBackupResult]:
        """Return the newest good backups."""
        self.log.info("%s", seen.fresh_text)
        return seen.to_result()

    def text_while_waiting(self, seen: FreshnessAnswer) -> str:
        """Return which resources lack a fresh backup."""
        return f"No fresh backup yet: {seen}."

    def timeout_text(self, subject: FreshnessQuestion, seen: FreshnessAnswer) -> str:
        """Return which resources lack a fresh backup at the end."""
        return f"Timed out waiting for {subject}: {seen}."

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Continue after the trigger's event: the task looks itself, and its result is that of its look.

        :param context: the context of the task.
        :param event: see :class:`~airflow_provider_backup.triggers.fresh_backup.FreshBackupTrigger`.
        """
        if event.get("outcome") != "over":
            self.log.warning("Trigger event: %s", event.get("message") or event)
        return self.continue_wait(context, self.plan_of(context))

    def trigger_of(self, plan: Mapping[str, Any]) -> FreshBackupTrigger:
        """Build the trigger that looks at intervals."""
        from airflow_provider_backup.triggers.fresh_backup import FreshBackupTrigger

        return FreshBackupTrigger(
            plan["question"],
            self.huaweicloud_conn_id,
            region=self.region,
            project_id=self.project_id,
            poll_interval=plan["poll_interval"],
            deadline=plan["deadline"],
        )

    def wait_on_the_worker(self, plan: Mapping[str, Any]) -> FreshnessAnswer:
        """Wait here until every resource has a fresh backup."""
        # Imported here, because it is not needed while a DAG file is parsed.
        from airflow_provider_backup.cloud.polling.fresh_wait import wait_until_fresh

        question = self.subject_of(plan)
        times = {name: plan[name] for name in ("poll_interval", "deadline")}
        answer = self.hook.run_in_cloud(lambda cloud: wait_until_fresh(cloud, question, **times, log=self.log))
        if answer is None:
            raise BackupSensorTimeoutError(f"Timed out waiting for {question}.", next_step=self.next_step_after_timeout)
        return answer

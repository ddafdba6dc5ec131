"""The newest good backup, if it is fresh enough: the base of ``<Service>GetLatestBackupOperator``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

from airflow.providers.common.compat.sdk import AirflowSkipException, SkipMixin

from airflow_provider_backup.cloud.operations.freshness import FreshBackupResult
from airflow_provider_backup.exceptions import StaleBackupError
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice
from airflow_provider_backup.tasks.freshness_arguments import FreshnessArguments
from airflow_provider_backup.version_compat import skip_tasks

IfStale = Literal["fail", "skip", "short_circuit"]


class GetLatestBackupOperator(FreshnessArguments, BackupCloudOperator, SkipMixin):
    """Return the newest good backup of a resource, or of each of several, whatever took it.

    Only good backups count; failed ones and those in progress are named in logs and errors. With several resources,
    each needs a backup that is fresh enough. It reads pages of lists, once, and waits for nothing.

    The other arguments are those of :class:`~airflow_provider_backup.tasks.freshness_arguments.FreshnessArguments` and
    :class:`~airflow_provider_backup.operators.base.BackupCloudOperator`.

    :param if_stale: what happens when a resource has no backup that is fresh enough: ``fail`` fails the task, ``skip``
        skips it, ``short_circuit`` lets it succeed and skips all tasks downstream, whatever their trigger rules are.
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, *FreshnessArguments.freshness_fields)

    def __init__(
        self,
        *,
        if_stale: IfStale = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.if_stale = if_stale

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a rule is broken, whatever the templates become.
        """
        super().check_arguments()
        check_choice(self.task_id, "if_stale", self.if_stale, get_args(IfStale))

    def perform(self, context: Any) -> FreshBackupResult | list[FreshBackupResult] | None:
        """Look once.

        :return: a :class:`~airflow_provider_backup.cloud.operations.freshness.FreshBackupResult` for the argument of
            one resource, a list of them for all others; ``None`` after ``short_circuit``.
        :raises StaleBackupError: a resource has no backup that is fresh enough, and ``if_stale`` is ``fail``.
        :raises InvalidArgumentError: an argument is wrong; nothing was sent.
        """
        asked = self.built(self.question)
        answer = self.act(asked.ask)
        if answer.is_fresh:
            self.log.info("%s", answer.fresh_text)
            return answer.to_result()
        error = StaleBackupError(str(answer), str(asked.rule))
        if self.if_stale == "fail":
            raise error
        if self.if_stale == "skip":
            raise AirflowSkipException(f"Skipped (if_stale is 'skip'). {error.message}")
        self.log.warning("Tasks downstream are skipped (if_stale is 'short_circuit'). %s", error.message)
        skip_tasks(self, context, self._downstream(context))
        return None

    @staticmethod
    def _downstream(context: Any) -> Iterator[Any]:
        # Teardowns clean up whatever happened before them.
        return (task for task in context["task"].get_flat_relatives(upstream=False) if not task.is_teardown)

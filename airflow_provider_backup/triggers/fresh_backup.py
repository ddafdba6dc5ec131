"""The trigger that waits until resources of any service have fresh backups."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.operations.freshness_question import FreshnessQuestion
from airflow_provider_backup.exceptions import UnknownConnectionError
from airflow_provider_backup.limits import task_limits
from airflow_provider_backup.triggers.base import REFUSALS, CloudTrigger, Refusal, load_client, trouble

log = logging.getLogger(__name__)
"""As in ``backup.py``: not the trigger's own, of which there may be thousands."""


class FreshBackupTrigger(CloudTrigger):
    """Wait in the triggerer until every resource has a fresh backup: one look for all of them at each interval.

    Triggers with the same question and connection share their looks. The event is a dict with ``outcome``: ``over``,
    ``timeout``, or ``refused`` with a ``message``. It holds no backups, of which there may be thousands: the task looks
    once more. A task that is ended leaves nothing behind, since nothing was started.

    :param question: which resources, and which backups are fresh enough: ``FreshnessQuestion.to_dict()``.
    :param huaweicloud_conn_id: id of the connection.
    :param region: overrides the connection's region.
    :param project_id: overrides the connection's project.
    :param poll_interval: seconds between two looks.
    :param deadline: when to give up, seconds since the epoch.
    """

    def __init__(
        self,
        question: dict[str, Any],
        huaweicloud_conn_id: str,
        region: str | None = None,
        project_id: str | None = None,
        poll_interval: float = 60.0,
        deadline: float = 0.0,
    ) -> None:
        super().__init__(huaweicloud_conn_id, region, project_id)
        self.question = question
        self.poll_interval = poll_interval
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments of the constructor."""
        return (
            "airflow_provider_backup.triggers.fresh_backup.FreshBackupTrigger",
            {
                "question": self.question,
                "huaweicloud_conn_id": self.huaweicloud_conn_id,
                "region": self.region,
                "project_id": self.project_id,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then fire one event."""
        event = refusal = None
        try:
            question = FreshnessQuestion.from_dict(self.question)
            log.info("Waiting for %s (connection %r).", question, self.huaweicloud_conn_id)
            await load_client(question.service, "fresh_wait")
            from airflow_provider_backup.cloud.polling.fresh_wait import wait_until_fresh

            while event is None:
                async with await self.shared_cloud(refusal) as cloud:
                    try:
                        answer = await wait_until_fresh(
                            cloud,
                            question,
                            poll_interval=self.poll_interval,
                            deadline=self.deadline,
                            log=log,
                            earliest_result=task_limits().earliest_event,
                        )
                        event = {"outcome": "timeout" if answer is None else "over"}
                    except REFUSALS as error:
                        refusal = Refusal(error, cloud.settings, current_clock().monotonic())
        except UnknownConnectionError:
            # The worker may know the connection: the task looks itself, and after several such triggers it waits there.
            raise
        except BackupError as error:
            event = trouble(error.of_connection(self.huaweicloud_conn_id))
        yield TriggerEvent(event)  # type: ignore[no-untyped-call,unused-ignore]

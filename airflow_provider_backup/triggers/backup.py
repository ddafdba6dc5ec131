"""The one trigger: it waits for a backup of any service and tells how it ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

EARLIEST_QUESTION = 5.0
"""Seconds after the deferral: an event that comes sooner can meet a task that Airflow has not put aside yet."""


class BackupTrigger(BaseTrigger):
    """Wait in the triggerer until a backup is over.

    The constructor only stores: one that raises, or an argument that is not plain JSON, would end the triggerer for
    everybody. The event is a dict: ``outcome`` (``over``, ``timeout``, ``trouble`` or ``refused``), ``result`` (how the
    backup was last seen, as operators return it, or none), ``phase``, ``reason`` and ``message``.

    :param reference: which backup, as ``BackupReference.to_dict()`` gives it.
    :param huaweicloud_conn_id: id of the connection.
    :param region: takes the place of the connection's region.
    :param project_id: takes the place of the connection's project.
    :param poll_interval: seconds between two questions.
    :param deadline: when to give up, seconds since the epoch.
    :param started_at: when this package started the backup, seconds since the epoch; none for a backup of others.
    :param tolerance: seconds of unbroken trouble after which to give up; none waits until the deadline.
    """

    def __init__(
        self,
        reference: dict[str, Any],
        huaweicloud_conn_id: str,
        region: str | None = None,
        project_id: str | None = None,
        poll_interval: float = 30.0,
        deadline: float = 0.0,
        started_at: float | None = None,
        tolerance: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.reference = reference
        self.huaweicloud_conn_id = huaweicloud_conn_id
        self.region = region
        self.project_id = project_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.started_at = started_at
        self.tolerance = tolerance

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and every argument of the constructor."""
        return (
            "airflow_provider_backup.triggers.backup.BackupTrigger",
            {
                "reference": self.reference,
                "huaweicloud_conn_id": self.huaweicloud_conn_id,
                "region": self.region,
                "project_id": self.project_id,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
                "started_at": self.started_at,
                "tolerance": self.tolerance,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then fire one event."""
        yield TriggerEvent(await self._event())  # type: ignore[no-untyped-call,unused-ignore]

    async def _event(self) -> dict[str, Any]:
        from airflow_provider_backup.cloud.backup import BackupReference
        from airflow_provider_backup.cloud.errors import BackupError
        from airflow_provider_backup.cloud.waiting import WaitTimeoutError, WaitTroubleError, wait_until_over
        from airflow_provider_backup.hooks.base import BackupCloudHook

        hook = BackupCloudHook(self.huaweicloud_conn_id, region=self.region, project_id=self.project_id)
        try:
            async with hook.open_cloud() as cloud:
                observation = await wait_until_over(
                    cloud,
                    BackupReference.from_dict(self.reference),
                    poll_interval=self.poll_interval,
                    deadline=self.deadline,
                    started_at=self.started_at,
                    tolerance=self.tolerance,
                    first_pause=max(EARLIEST_QUESTION, self.poll_interval),
                )
        except WaitTimeoutError as error:
            return {"outcome": "timeout", "message": str(error)}
        except WaitTroubleError as error:
            return {"outcome": "trouble", "message": str(error)}
        except BackupError as error:
            return {"outcome": "refused", "message": str(error)}
        return {
            "outcome": "over",
            "phase": observation.phase.value,
            "reason": observation.reason,
            "result": dict(observation.to_result()),
        }

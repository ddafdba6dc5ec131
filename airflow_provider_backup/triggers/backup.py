"""The trigger that waits for an operation of any service and reports its outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.exceptions import UnknownConnectionError
from airflow_provider_backup.limits import task_limits
from airflow_provider_backup.triggers.base import REFUSALS, CloudTrigger, Refusal, load_client, trouble
from airflow_provider_backup.triggers.cancellation import CONTINUES, LEFT_ALONE, KilledTaskCleanup
from airflow_provider_backup.version_compat import TRIGGERS_HAVE_ON_KILL

log = logging.getLogger(__name__)
"""Not the trigger's own ``self.log``, of which Airflow makes one for each of thousands of triggers."""

_deletions: set[asyncio.Task[None]] = set()
"""References to the deletions of ended triggers: the event loop itself only holds weak ones."""


class BackupTrigger(CloudTrigger):
    """Wait in the triggerer until an operation is terminal: a backup or its deletion.

    The constructor only stores: one that raises, or an argument that is not plain JSON, would stop the whole triggerer.
    The event is a dict: ``outcome`` (``over``: the operation is terminal, ``timeout``, ``trouble``: transient errors
    outlasted the tolerance, or ``refused``: a permanent error), ``result`` (the last state, as operators return it, or
    ``None``), ``phase``, ``reason`` and ``message``; ``operation`` too unless it is a backup.

    :param reference: the operation, as returned by ``OperationReference.to_dict()``.
    :param huaweicloud_conn_id: id of the connection.
    :param region: overrides the connection's region.
    :param project_id: overrides the connection's project.
    :param poll_interval: poll interval in seconds.
    :param deadline: when to give up, seconds since the epoch.
    :param started_at: when this package started the operation, seconds since the epoch; ``None`` if it did not.
    :param tolerance: seconds of consecutive transient errors after which to give up; ``None`` waits until the deadline.
    :param delete_on_kill: whether to delete the backup when a user ends the task that waits until it is taken.
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
        delete_on_kill: bool = False,
    ) -> None:
        super().__init__(huaweicloud_conn_id, region, project_id)
        self.reference = reference
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.started_at = started_at
        self.tolerance = tolerance
        self.delete_on_kill = delete_on_kill
        self._is_finished = False
        self._deletion: asyncio.Task[None] | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments of the constructor."""
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
                # Only if needed: triggerers with an older version do not know it.
                **({"delete_on_kill": self.delete_on_kill} if self.delete_on_kill else {}),
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then fire one event."""
        event = refusal = None
        try:
            reference = OperationReference.from_dict(self.reference)
            log.info("Waiting for %s (connection %r).", reference, self.huaweicloud_conn_id)
            await load_client(reference.service, "wait")
            from airflow_provider_backup.cloud.polling import wait as waiting

            while event is None:
                async with await self.shared_cloud(refusal) as cloud:
                    # In parts and not as one coroutine: each coroutine costs memory and time, times thousands.
                    waiter = waiting.start_wait(
                        cloud,
                        reference,
                        poll_interval=self.poll_interval,
                        deadline=self.deadline,
                        started_at=self.started_at,
                        earliest_result=task_limits().earliest_event,
                        tolerance=self.tolerance,
                    )
                    try:
                        await waiter.done
                    finally:
                        waiting.end_wait(cloud, waiter)
                    try:
                        event = _news(await waiting.wait_outcome(cloud, waiter))
                    except REFUSALS as error:
                        refusal = Refusal(error, cloud.settings, current_clock().monotonic())
        except asyncio.CancelledError:
            if not TRIGGERS_HAVE_ON_KILL:
                self._clean_up()
            raise
        except UnknownConnectionError:
            # The worker may know the connection: the task checks the backup itself, and after several such triggers
            # it waits on the worker.
            raise
        except BackupError as error:
            event = trouble(error.of_connection(self.huaweicloud_conn_id))
        self._is_finished = True
        yield TriggerEvent(event)  # type: ignore[no-untyped-call,unused-ignore]

    async def on_kill(self) -> None:
        """Keep the backup, or delete it if ``delete_on_kill`` is set and a user ended the task (Airflow 3.3+)."""
        if work := self._clean_up():
            # Airflow cancels this after a second; the deletion continues.
            await asyncio.shield(work)

    def _clean_up(self) -> asyncio.Task[None] | None:
        # Airflow cancels a trigger that still exists after its event as if a user had ended the task.
        if self._is_finished:
            return None
        reference = OperationReference.from_dict(self.reference)
        if reference.operation != "backup":
            self.log.info(CONTINUES, reference)
            return None
        if not self.delete_on_kill:
            self.log.info(LEFT_ALONE, reference)
            return None
        if self._deletion is None:
            self._deletion = asyncio.create_task(self._delete())
            _deletions.add(self._deletion)
            self._deletion.add_done_callback(_deletions.discard)
        return self._deletion

    async def _delete(self) -> None:
        from airflow_provider_backup.hooks.base import BackupCloudHook

        reference = OperationReference.from_dict(self.reference)
        end = KilledTaskCleanup(
            self.task_instance,
            poll_interval=self.poll_interval,
            deadline=self.deadline,
            started_at=self.started_at,
            log=self.log,
        )
        hook = BackupCloudHook(self.huaweicloud_conn_id, region=self.region, project_id=self.project_id)
        try:
            # A separate client lease: cleanup() and the end of run() happen while this is running.
            async with hook.open_cloud() as cloud:
                await end.delete(cloud, reference)
        except asyncio.CancelledError:
            self.log.warning("This triggerer is shutting down; %s is kept.", reference)
            raise
        except Exception:
            # No caller awaits this task any more, so that the error would be lost.
            self.log.exception("%s could not be deleted and is kept, because of an error.", reference)


def _news(observation: OperationState) -> dict[str, Any]:
    operation = observation.reference.operation
    return {
        "outcome": "over",
        "phase": observation.phase.value,
        "reason": observation.reason,
        "result": dict(observation.to_result()),
        # As the previous release wrote it: the worker may have an older version.
        **({} if operation == "backup" else {"operation": operation}),
    }

"""How Airflow ends a task that waits, and how the cloud looks afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.triggers import backup as trigger_module
from airflow_provider_backup.triggers import cancellation as killing
from airflow_provider_backup.triggers.backup import BackupTrigger
from airflow_provider_backup.version_compat import TRIGGERS_HAVE_ON_KILL

TASK: Any = SimpleNamespace(dag_id="dag", run_id="manual__1", task_id="backup", map_index=-1, try_number=1)


class TaskState:
    """The state of the one task, as Airflow reports it.

    :param monkeypatch: puts it where the state is asked for.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[str | None] = ["running"]
        self.asked = 0
        monkeypatch.setattr(killing, "state_of", self._answer)

    def is_now(self, *states: str | None) -> None:
        """Set the state; of several ones, each is reported once and the last one from then on."""
        self.answers = list(states)

    def _answer(self, task_instance: Any) -> str | None:
        assert task_instance.task_id == "backup"
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def is_deleted(reference: dict[str, Any]) -> bool:
    """Return whether a backup is gone or going.

    :param reference: the backup.
    """

    async def phase(cloud: BackupCloud) -> Phase:
        backup = OperationReference.from_dict(reference)
        try:
            return (await cloud.service(backup.service).observe(backup)).phase
        except NotFoundError:
            return Phase.DELETED

    return BackupCloudHook().run_in_cloud(phase) in (Phase.DELETING, Phase.DELETED)


class Triggerer:
    """Runs one trigger as the triggerer of this Airflow does, until it is cancelled.

    :param trigger: the trigger; its tasks need not exist.
    :param task_instance: the task instance that the triggerer passes to it.
    """

    def __init__(self, trigger: BackupTrigger, task_instance: Any = TASK) -> None:
        self.trigger = trigger
        self.events: list[Any] = []
        trigger.task_instance = task_instance

    async def run(self, *, user_action: bool = True, cut_after: float = 0.05) -> None:
        """Start the trigger, cancel it while it waits, and return when all that it began is over.

        :param user_action: whether the triggerer takes the cancellation for a user's.
        :param cut_after: seconds after which it cancels once more, as Airflow 3.3 does after one second.
        """
        task = asyncio.create_task(self._run(user_action=user_action))
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.sleep(cut_after)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await settle()

    async def _run(self, *, user_action: bool) -> None:
        try:
            async for event in self.trigger.run():
                self.events.append(event.payload)
            await asyncio.sleep(3600)  # a trigger that lingers after its event
        except asyncio.CancelledError:
            if TRIGGERS_HAVE_ON_KILL and user_action:
                with suppress(asyncio.CancelledError):
                    await self.trigger.on_kill()
            raise
        finally:
            await self.trigger.cleanup()


async def settle() -> None:
    """Wait until the work of ended triggers is done."""
    async with asyncio.timeout(20):
        while trigger_module._deletions:
            await asyncio.gather(*trigger_module._deletions, return_exceptions=True)


def end_from_outside(trigger: BackupTrigger, task_instance: Any = TASK, **how: Any) -> None:
    """Run a trigger, end it from outside, and return when all is over; ``how`` as for :meth:`Triggerer.run`."""
    asyncio.run(Triggerer(trigger, task_instance).run(**how))


Logged = Callable[[], str]

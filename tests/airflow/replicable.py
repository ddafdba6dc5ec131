"""Something to copy to the second region of the local cloud, and the operator that does."""

from __future__ import annotations

from typing import Any

from airflow_provider_backup.cloud.services.cbr.models import BillingCreate, VaultCreate
from airflow_provider_backup.emulator.core.regions import SECOND
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.operators.cbr import CbrCreateBackupOperator, CbrReplicateBackupOperator
from tests.airflow.services.cbr import cbr_vault
from tests.airflow.task_runs import TaskRun, TaskStateStore

ROUTE = "/v3/{project_id}/backups/{backup_id}/replicate"


def vault_for_copies(size: int = 1000) -> str:
    """Make a vault for copies in the second region, and return its id; the connection is to the first."""
    billing = BillingCreate(
        consistent_level="crash_consistent", object_type="server", protect_type="replication", size=size
    )
    vault = VaultCreate(name="copies", billing=billing, resources=[])
    hook = CbrHook(region=SECOND.name, project_id=SECOND.project_id)
    return hook.run(lambda cbr: cbr.vaults.create(vault)).id


class Replicable:
    """A good checkpoint of servers, and a vault for copies in the second region.

    :param cloud: the local cloud.
    :param servers: how many servers the checkpoint is of.
    """

    def __init__(self, cloud: RunningCloud, servers: int = 1) -> None:
        self.cloud = cloud
        self.vault_id = cbr_vault(cloud, servers=servers)
        self.checkpoint = self.back_up()
        self.copies_vault_id = vault_for_copies()

    def back_up(self, run_id: str = "before") -> dict[str, Any]:
        """Take a checkpoint, and return its result."""
        create = CbrCreateBackupOperator(task_id="create", vault_id=self.vault_id, poll_interval=0.05, deferrable=False)
        result: dict[str, Any] = TaskRun(create, run_id=run_id).execute()
        return result

    def operator(self, **arguments: Any) -> CbrReplicateBackupOperator:
        """Return the operator that copies the checkpoint, unless told otherwise."""
        named = {} if {"backup_id", "checkpoint_id"} & set(arguments) else {"backup": self.checkpoint}
        given: dict[str, Any] = {
            "destination_region": SECOND.name,
            "destination_project_id": SECOND.project_id,
            "destination_vault_id": self.copies_vault_id,
            "poll_interval": 0.05,
            "deferrable": False,
            **named,
            **arguments,
        }
        return CbrReplicateBackupOperator(task_id="copy", **given)

    def run(self, **arguments: Any) -> TaskRun:
        """Return a task that copies."""
        return TaskRun(self.operator(**arguments), store=TaskStateStore())

    @property
    def copies(self) -> list[dict[str, Any]]:
        """The rows of the second region."""
        return list(self.cloud.state.in_region(SECOND.name).table("cbr.backups").values())

    @property
    def requests(self) -> int:
        """How many requests for a copy were sent."""
        return self.cloud.requests["cbr", "POST", ROUTE]

    def misbehave(self, kind: Any, **parameters: Any) -> None:
        """Let requests for a copy fail."""
        self.cloud.misbehave(kind, service="cbr", method="POST", route=ROUTE, **parameters)

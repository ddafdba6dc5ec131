"""Something to restore in the local cloud, and the operators that do."""

from __future__ import annotations

from typing import Any

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.cbr import CbrRestoreBackupOperator
from airflow_provider_backup.operators.csbs import CsbsRestoreBackupOperator
from airflow_provider_backup.operators.restore_backup import RestoreBackupOperator
from airflow_provider_backup.operators.vbs import VbsRestoreBackupOperator
from tests.airflow.service_matrix import create_operator, resources
from tests.airflow.task_runs import TaskRun, TaskStateStore

RESTORE: dict[str, type[RestoreBackupOperator]] = {
    "cbr": CbrRestoreBackupOperator,
    "csbs": CsbsRestoreBackupOperator,
    "vbs": VbsRestoreBackupOperator,
}
ROUTES = {
    "cbr": "/v3/{project_id}/backups/{backup_id}/restore",
    "csbs": "/v1/{project_id}/restores",
    "vbs": "/v2/{project_id}/cloudbackups/{backup_id}/restore",
}


class Restorable:
    """A resource with a good backup, whose content has changed since from 1 to 2.

    :param cloud: the local cloud.
    :param service: name of the service.
    """

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        self.cloud = cloud
        self.service = service
        if service != "vbs":
            create: Any = create_operator(cloud, service, deferrable=False)
        else:
            # The last disk is not attached.
            create = create_operator(cloud, "vbs", deferrable=False, volume_id=resources(cloud, "volumes")[-1])
        self.backup = TaskRun(create, run_id="before").execute()
        self.resource_id: str = self.backup["resource_ids"][0]
        cloud.change_content(self.resource_id, 2)

    def operator(self, **arguments: Any) -> RestoreBackupOperator:
        named = {} if "backup_id" in arguments else {"backup": self.backup}
        if self.service != "vbs" and "volume_id" not in arguments and named:
            named["server_id"] = self.resource_id
        given: dict[str, Any] = {"overwrite": True, "poll_interval": 0.05, "deferrable": False, **named, **arguments}
        return RESTORE[self.service](task_id="restore", **given)

    def run(self, *, with_store: bool = True, **arguments: Any) -> TaskRun:
        return TaskRun(self.operator(**arguments), store=TaskStateStore() if with_store else None)

    @property
    def content(self) -> int:
        return self.cloud.content(self.resource_id)

    @property
    def restores(self) -> int:
        """How many restores were started."""
        if self.service == "cbr":
            logs = self.cloud.state.table("cbr.operation_logs").values()
            return sum(row["operation_type"] == "restore" for row in logs)
        if self.service == "csbs":
            return len(self.cloud.state.table("csbs.restores"))
        return sum(row["type"] == "bksRestoreBackup" for row in self.cloud.state.table("vbs.jobs").values())

    @property
    def requests(self) -> int:
        """How many requests for a restore were sent."""
        return self.cloud.requests[self.service, "POST", ROUTES[self.service]]

    def misbehave(self, kind: Any, **parameters: Any) -> None:
        self.cloud.misbehave(kind, service=self.service, method="POST", route=ROUTES[self.service], **parameters)

"""A task's record in Airflow's own task state store: ``dag.test()`` with the real execution API and its database."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import airflow
import pytest
from airflow.providers.common.compat.sdk import DAG
from packaging.version import Version

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.services.csbs.models import CheckpointCreate
from airflow_provider_backup.cloud.services.csbs.operations import CsbsBackupOperation
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.csbs import CsbsExecutePolicyOperator
from tests.airflow.dag_runs import run_dag
from tests.airflow.service_matrix import csbs_policy, rows

pytestmark = [
    pytest.mark.usefixtures("airflow_database"),
    pytest.mark.skipif(Version(airflow.__version__).release < (3, 3), reason="the store came with Airflow 3.3"),
]


class FailsOnce(CsbsExecutePolicyOperator):
    """Its first try ends after the policy was executed, and after another task has executed it once more."""

    other: str

    def operation_of(self, cloud: BackupCloud) -> CsbsBackupOperation:
        """Return the execution of a policy, which is followed by another one."""
        task = self

        class ExecutedTwice(CsbsBackupOperation):
            async def submit(self, request: CheckpointCreate) -> OperationReference:
                reference = await super().submit(request)
                time.sleep(0.1)  # noqa: ASYNC251 (the cloud is another thread)
                task.other = (await cloud.csbs.checkpoints.execute_policy(request.plan_id)).id
                return reference

        return ExecutedTwice(cloud.csbs)

    async def look(self, *arguments: Any, **more: Any) -> Any:
        """Look at the backup; the first look ends the try."""
        if hasattr(self, "other"):
            del self.other
            raise RuntimeError("the worker has no memory left")
        return await super().look(*arguments, **more)


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_retry_adopts_the_checkpoint_that_its_first_try_recorded(cloud: RunningCloud, deferrable: bool) -> None:
    policy_id = csbs_policy(cloud)
    with DAG(dag_id=f"records_{deferrable}", schedule=None) as dag:
        FailsOnce(
            task_id="execute",
            policy_id=policy_id,
            deferrable=deferrable,
            poll_interval=0.05,
            retries=2,
            retry_delay=timedelta(0),
        )

    end = run_dag(dag)["execute"]

    assert (end.state, end.tries) == ("success", 2)
    own, other = [row["checkpoint_id"] for row in rows(cloud, "csbs")]
    assert own != other
    assert end.result["backup_id"] == own

"""Many backups and restores at once, of several services: one run of this DAG is what the cluster test disturbs.

What to back up and to restore is in the environment variable ``CLUSTER_WORK``, see ``tests/cluster/work.py``.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_backup.operators.cbr import CbrCreateBackupOperator, CbrRestoreBackupOperator
from airflow_provider_backup.operators.csbs import CsbsExecutePolicyOperator, CsbsRestoreBackupOperator
from airflow_provider_backup.operators.gaussdb import GaussDbCreateBackupOperator
from airflow_provider_backup.operators.rds import RdsCreateBackupOperator
from airflow_provider_backup.operators.taurusdb import TaurusDbCreateBackupOperator
from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator

work = json.loads(os.environ["CLUSTER_WORK"])

with DAG(
    dag_id="cluster_backups",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_tasks=200,
    default_args={
        "deferrable": True,
        "poll_interval": 5,
        "timeout": 30 * 60,
        "retries": 3,  # as tests/cluster/evidence.py knows
        "retry_delay": timedelta(seconds=5),
    },
):
    VbsCreateBackupOperator.partial(task_id="vbs").expand(volume_id=work["volumes"])
    CsbsExecutePolicyOperator.partial(task_id="csbs").expand(policy_id=work["policies"])
    CbrCreateBackupOperator.partial(task_id="cbr").expand(vault_id=work["vaults"])
    RdsCreateBackupOperator.partial(task_id="rds").expand(instance_id=work["rds_instances"])
    GaussDbCreateBackupOperator.partial(task_id="gaussdb").expand(instance_id=work["gaussdb_instances"])
    TaurusDbCreateBackupOperator.partial(task_id="taurusdb").expand(instance_id=work["taurusdb_instances"])
    CsbsRestoreBackupOperator.partial(task_id="csbs_restore", overwrite=True).expand_kwargs(work["csbs_restores"])
    CbrRestoreBackupOperator.partial(task_id="cbr_restore", overwrite=True).expand_kwargs(work["cbr_restores"])

"""Two DAGs with as many deferred tasks each: backups of ours, and a trigger that only sleeps.

The environment variable ``BENCHMARK_DISKS`` has the ids of the disks. The run of the second is told by its
configuration when the first task is to wake up (``moment``) and over how many seconds the others follow (``spread``).
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator
from sleeping_trigger import SleepingTrigger  # type: ignore[import-not-found]

from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator

DISKS = json.loads(os.environ["BENCHMARK_DISKS"])


class SleepOperator(BaseOperator):
    """Defers until its moment."""

    def __init__(self, number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number

    def execute(self, context: Any) -> None:
        """Defer."""
        plan = context["dag_run"].conf
        moment = plan["moment"] + plan["spread"] * self.number / len(DISKS)
        self.defer(trigger=SleepingTrigger(moment), method_name="finish", timeout=timedelta(hours=2))

    def finish(self, context: Any, event: dict[str, Any]) -> float:
        """Return the moment."""
        return float(event["moment"])


common: dict[str, Any] = {"schedule": None, "max_active_tasks": 2 * len(DISKS), "default_args": {"retries": 2}}

with DAG("ours", **common):
    VbsCreateBackupOperator.partial(
        task_id="backup",
        deferrable=True,
        poll_interval=5.0,
        timeout=7200.0,
        retry_delay=timedelta(seconds=5),
    ).expand(volume_id=DISKS)

with DAG("sleeping", **common):
    SleepOperator.partial(task_id="sleep", retry_delay=timedelta(seconds=5)).expand(number=list(range(len(DISKS))))

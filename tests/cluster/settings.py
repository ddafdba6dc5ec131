"""How the Airflow of the cluster test is set: Celery on Redis, everything else that a crash recovers by made quicker.

Airflow's own numbers are in the comments. They would let the test run for half an hour and change nothing of what it
shows: what happens after a crash is the same, only later.
"""

from __future__ import annotations

from pathlib import Path

COMPONENT_MODULES = Path(__file__).parent / "components"
"""What components can import beside what is installed."""

WORKER_CONCURRENCY = 4
"""Tasks that one worker runs at a time (16); this machine is small."""


def cluster_settings(*, database: str, broker: str, work: str) -> dict[str, str]:
    """Return the environment of all components.

    :param database: address of the metadata database, without scheme.
    :param broker: URL of the message broker.
    :param work: what the DAG reads from ``CLUSTER_WORK``.
    """
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "cluster_host_name.host_name",
        # Tasks that are queued or running at a time (32), deferred ones aside.
        "AIRFLOW__CORE__PARALLELISM": "16",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{database}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(WORKER_CONCURRENCY),
        # When the broker hands out again what a dead worker had taken (a day). It must be longer than any task is on a
        # worker; deferred ones are there for seconds.
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "45",
        # A task that is silent this long is lost (300), looked for this often (10).
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        # A task that is queued this long is queued again (600), looked for this often (120). It must be longer than the
        # broker's time above: the task's permit to start ends with it.
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "90",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "15",
        # A scheduler that is silent this long is dead (30); its tasks are taken over this often (300).
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        # A triggerer that is silent this long is dead (30); it speaks this often (5).
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "PYTHONPATH": str(COMPONENT_MODULES),
        "CLUSTER_WORK": work,
    }

"""Everything that differs between Airflow 2.11 and 3.x, in one place."""

from __future__ import annotations

from typing import Any

import airflow
from packaging.version import Version

AIRFLOW_3 = Version(airflow.__version__).release >= (3,)

FAIL_METHOD = "__fail__"
"""What Airflow names as the next method when a trigger died or a deferral ran out of time (2.11 and 3.x alike)."""


def own_xcom(task_instance: Any, key: str) -> Any:
    """Read a value that this task instance pushed in this attempt; none when there is none.

    :param task_instance: the running task instance.
    :param key: the XCom's key.
    """
    map_index = task_instance.map_index
    value = task_instance.xcom_pull(task_ids=task_instance.task_id, key=key, map_indexes=map_index)
    # 3.x answers a list when map_indexes is given as -1 for some versions; 2.11 answers the value.
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def generation_of(task_instance: Any, retries: int) -> int:
    """Tell how often this task instance was cleared: 0 at first and through all retries.

    ``max_tries - retries`` grows at a clear only. A clear of a *running* task on 2.11 leaves it unchanged there and so
    looks like a retry.

    :param task_instance: the running task instance.
    :param retries: the operator's number of retries.
    """
    return max(0, int(task_instance.max_tries or 0) - retries)

"""Which backups a DAG made, as far as their names prove it."""

from __future__ import annotations

import re
from collections.abc import Collection

from airflow_provider_backup.tasks.idempotency import KEY_LENGTH, name_prefix

_AFTER_THE_PREFIX = re.compile(rf"-[a-z2-7]{{{KEY_LENGTH}}}(?:-[2-9])?(?:-\d{{4}})?")
"""The key; a number of ours after a failed backup; the number of CBR for each of several resources."""


class DagBackups:
    """Recognizes the backups that tasks of a DAG made under a name with their key.

    The key is a hash that proves nothing without the id of the DAG run: what is compared is the prefix made of the ids
    of DAG and task. Backups with a name of their author, and those of tasks that the DAG has no more, are not
    recognized. Another DAG is taken for this one only when the ids of DAG and task, put together, read the same.

    :param dag_id: id of the DAG; its backups must hold it wholly, see
        :func:`~airflow_provider_backup.tasks.idempotency.holds_dag_id`.
    :param task_ids: ids of its tasks.
    """

    def __init__(self, dag_id: str, task_ids: Collection[str]) -> None:
        self._prefixes = {name_prefix(dag_id, task_id) for task_id in task_ids}

    def __contains__(self, name: object) -> bool:
        """Return whether a backup of this name is one of the DAG's."""
        if not isinstance(name, str):
            return False
        return any(
            name.startswith(prefix) and _AFTER_THE_PREFIX.fullmatch(name, len(prefix)) for prefix in self._prefixes
        )

"""The idempotency key of a backup: computed before the request, carried in the backup's name."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

KEY_LENGTH = 12
"""Characters of a key: 60 bits, so that a billion backups of one account have equal keys with a probability of 1/2."""

LONGEST_NAME = 57
"""Characters of a name. Every service accepts 64; a number of ours (``-2``) and one of CBR's (``-0001``, CBR section
6.1) may follow."""

EVERY_GENERATION = "0"
"""The generation in keys that a clear does not change."""


def idempotency_key(context: Any, generation: str, installation: str = "") -> str:
    """Return the key of the running task instance: the same after crashes and retries.

    :param context: the context of ``execute``.
    :param generation: from ``version_compat.generation_of``, if a clear changes the key; otherwise
        :data:`EVERY_GENERATION`.
    :param installation: name of this Airflow among others with the same DAG and cloud project; may be empty.
    """
    task_instance = context["ti"]
    parts = (
        task_instance.dag_id,
        task_instance.run_id,
        task_instance.task_id,
        str(task_instance.map_index if task_instance.map_index is not None else -1),
        generation,
        *([installation] if installation else []),
    )
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:KEY_LENGTH]


def name_from_key(
    context: Any,
    *,
    generation: str = EVERY_GENERATION,
    installation: str = "",
    longest: int = LONGEST_NAME,
    prefix: str | None = None,
) -> str:
    """Return the backup's name for the running task instance: a readable prefix and the key.

    It starts with a letter and has only letters, digits, ``-`` and ``_``, which every service accepts.

    :param context: the context of ``execute``.
    :param generation: as for :func:`idempotency_key`.
    :param installation: likewise.
    :param longest: maximum length, 16 or more.
    :param prefix: an author's own readable prefix, which the service accepts; ``None`` for DAG and task.
    """
    if prefix is None:
        prefix = name_prefix(context["ti"].dag_id, context["ti"].task_id, longest=longest)
    return f"{prefix}-{idempotency_key(context, generation, installation)}"


def name_prefix(dag_id: str, task_id: str, *, longest: int = LONGEST_NAME) -> str:
    """Return the readable prefix of the names of a task's backups, without the ``-`` before the key.

    :param dag_id: id of the DAG.
    :param task_id: id of the task in it.
    :param longest: as for :func:`name_from_key`.
    """
    return _readable(f"{dag_id}-{task_id}")[: longest - KEY_LENGTH - 1].rstrip("-_")


def holds_dag_id(dag_id: str) -> bool:
    """Return whether the names of a DAG's backups hold its whole id: a long one is cut, and others may begin like it.

    :param dag_id: id of the DAG.
    """
    # A dash and a letter of the task's id have to follow.
    return len(_readable(f"{dag_id}-t")) <= LONGEST_NAME - KEY_LENGTH - 1


def _readable(text: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")
    # VBS rejects names that begin with "auto", databases those that do not begin with a letter.
    if not readable[:1].isalpha() or readable.lower().startswith("auto"):
        readable = f"airflow-{readable}".rstrip("-")
    return readable

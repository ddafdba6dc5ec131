"""Asking a person whether a backup is restored, with Airflow's human-in-the-loop operator."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.task_groups.restore_needed import REASON_KEY, RestoreNeededOperator
from airflow_provider_backup.version_compat import ASKS_PEOPLE

_MODULE = "airflow.providers.standard.operators.hitl"


def check_asking(subject: str, restore: str) -> None:
    """Reject asking where Airflow cannot.

    :param subject: what is built, for the message.
    :param restore: the argument that asks.
    :raises InvalidRequestError: Airflow is older than 3.1, or its standard provider is missing.
    """
    if not ASKS_PEOPLE:
        rule = "needs Airflow 3.1 or later, which has human-in-the-loop operators; use 'on_failure' or 'never'"
    elif find_spec("airflow.providers.standard") is None or find_spec(_MODULE) is None:
        rule = "needs an apache-airflow-providers-standard with human-in-the-loop operators; install or upgrade it"
    else:
        return
    raise InvalidRequestError(subject, [Violation("restore", rule, restore)])


def approval(group_id: str, restore_needed: RestoreNeededOperator, arguments: Mapping[str, Any]) -> Any:
    """Return the task that asks: its rejection skips what follows it.

    :param group_id: id of the guard.
    :param restore_needed: the task that decided that something is to be restored.
    :param arguments: further arguments of Airflow's ``ApprovalOperator``.
    """
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    output: Any = restore_needed.output
    usual = {
        "task_id": "approve_restore",
        "subject": f"The work of {group_id} failed. Restore the backup of before?",
        "body": output[REASON_KEY],
        # Airflow would take that of default_args for the time that a person has.
        "execution_timeout": None,
    }
    return ApprovalOperator(**{**usual, **arguments})

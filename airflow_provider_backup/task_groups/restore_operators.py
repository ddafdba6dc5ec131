"""Which operators of a service restore its backups and delete its instances, and with which arguments."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from airflow_provider_backup.cloud.services.registry import SERVICES

RESTORE = ("RestoreBackupOperator", "RestoreInstanceOperator")
"""Endings of the names of operators that overwrite what was backed up."""
RESTORE_INSTANCE = "RestoreInstanceOperator"
DELETE_INSTANCE = "DeleteInstanceOperator"

ACCOUNT_ARGUMENTS = ("huaweicloud_conn_id", "region", "project_id")
"""Arguments by which an operator works on the account that has the backup."""
_SHARED_ARGUMENTS = (*ACCOUNT_ARGUMENTS, "deferrable", "poll_interval")


def operator_of_service(known: type, endings: str | tuple[str, ...]) -> Any:
    """Return another operator of the same service.

    :param known: an operator of a registered service, or a subclass of one.
    :param endings: how the name of the wanted class may end.
    :return: its class; ``None`` if the service has none.
    """
    modules = [f"airflow_provider_backup.operators.{name}" for name in SERVICES]
    module = next((module for base in known.__mro__ for module in modules if _is_in(base, module)), None)
    if module is None:
        return None
    classes = [each for each in vars(import_module(module)).values() if isinstance(each, type)]
    own = (each for each in classes if _is_in(each, module) and each.__name__.endswith(endings))
    return next(own, None)


def shared_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the first operator of a group that the others take over.

    :param arguments: those of the first operator.
    """
    return {name: arguments[name] for name in _SHARED_ARGUMENTS if name in arguments}


def names_target(operator: Any, restore_args: Mapping[str, Any]) -> bool:
    """Return whether the author says what is overwritten, so that one restore does all.

    :param operator: the restore operator.
    :param restore_args: the author's arguments.
    """
    targets = {*getattr(operator, "target_fields", ()), "target_instance_id"} - {"power_on"}
    return bool(targets & restore_args.keys())


def _is_in(operator: type, module: str) -> bool:
    # The operators of a service may be a package.
    return f"{operator.__module__}.".startswith(f"{module}.")

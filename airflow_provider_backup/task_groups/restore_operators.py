"""Which operator restores the backups of a create operator, and with which arguments."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.operators.create_backup import CreateBackupOperator

_OPERATORS = "airflow_provider_backup.operators"
_ENDINGS = ("RestoreBackupOperator", "RestoreInstanceOperator")
ACCOUNT_ARGUMENTS = ("huaweicloud_conn_id", "region", "project_id")
"""Arguments by which a restore works on the account that has the backup."""
_SHARED_ARGUMENTS = (*ACCOUNT_ARGUMENTS, "deferrable", "poll_interval")


def restore_operator_of(create: type[CreateBackupOperator]) -> Any:
    """Return the operator of the same service that overwrites resources with its backups.

    :param create: a create operator of a registered service, or a subclass of one.
    :return: its class; ``None`` if the service has none.
    """
    modules = {f"{_OPERATORS}.{name}" for name in SERVICES}
    module = next((base.__module__ for base in create.__mro__ if base.__module__ in modules), None)
    if module is None:
        return None
    found = vars(import_module(module)).values()
    return next(
        (each for each in found if isinstance(each, type) and each.__module__ == module and _restores(each)), None
    )


def _restores(operator: type) -> bool:
    return operator.__name__.endswith(_ENDINGS)


def shared_arguments(backup_args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a backup that its restore takes over.

    :param backup_args: the arguments of the create operator.
    """
    return {name: backup_args[name] for name in _SHARED_ARGUMENTS if name in backup_args}


def names_target(operator: Any, restore_args: Mapping[str, Any]) -> bool:
    """Return whether the author says what is overwritten, so that one restore does all.

    :param operator: the restore operator.
    :param restore_args: the author's arguments.
    """
    targets = {*getattr(operator, "target_fields", ()), "target_instance_id"} - {"power_on"}
    return bool(targets & restore_args.keys())

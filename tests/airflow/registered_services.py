"""What every service of the registry has to have outside its own package, and what to add where it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from airflow_provider_backup.cloud.manifest import ServiceManifest
from airflow_provider_backup.cloud.services.registered_service import client_class
from airflow_provider_backup.hooks.base import BackupServiceHook
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.delete_backup import DeleteBackupOperator
from airflow_provider_backup.sensors.base import BackupSensor

PACKAGE = "airflow_provider_backup"
ROOT = Path(__file__).parents[2]
AUTHOR_FACING = (
    ("hooks", BackupServiceHook),
    ("operators", CreateBackupOperator),
    ("operators", DeleteBackupOperator),
    ("sensors", BackupSensor),
)
"""Folder, and the base of a class that its module for the service must have."""


def missing_parts(manifest: ServiceManifest) -> Iterator[str]:
    """Yield what a service lacks, each as a sentence that says what to add.

    :param manifest: of the registry, or one that is not registered.
    """
    name = manifest.name
    try:
        client_class(manifest)
    except (ModuleNotFoundError, AttributeError):
        yield f"The client {manifest.client} does not exist: add it to {PACKAGE}/cloud/services/{name}."
    for folder, base in AUTHOR_FACING:
        if not any(_is_of(name, each, base) for each in _members(f"{PACKAGE}.{folder}.{name}")):
            yield f"There is no {base.__name__} of {name}: add a subclass to {PACKAGE}/{folder}/{name}.py."
    if not any(getattr(each, "name", None) == name for each in _members(f"{PACKAGE}.emulator.services.{name}")):
        yield (
            f"The local cloud has no {name}: add {PACKAGE}/emulator/services/{name}/__init__.py with a subclass of "
            "EmulatedBackupService, and SERVICE = that class."
        )
    if not any(type(each).__name__ == "ServiceCase" for each in _members(f"tests.airflow.services.{name}")):
        yield f"No test takes a backup of {name}: add tests/airflow/services/{name}.py with CASE = ServiceCase(...)."
    if not (ROOT / manifest.docs).is_file():
        yield f"Nothing documents {name}: add the page {manifest.docs} that its manifest names."


def _is_of(name: str, member: object, base: type) -> bool:
    if not (isinstance(member, type) and issubclass(member, base)):
        return False
    # Hooks say whose they are; operators and sensors by the module or package that defines them.
    return (
        getattr(member, "service", None) == name
        if base is BackupServiceHook
        else member.__module__.split(".")[2] == name
    )


def _members(module: str) -> list[object]:
    package = module.rpartition(".")[0]
    if find_spec(package) is None or find_spec(module) is None:
        return []
    return list(vars(import_module(module)).values())

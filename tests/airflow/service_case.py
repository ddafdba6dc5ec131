"""What a test has to know of a service, to take, await and delete its backups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.delete_backup import DeleteBackupOperator
from airflow_provider_backup.operators.prune_backups import PruneBackupsOperator
from airflow_provider_backup.sensors.base import BackupSensor


@dataclass(frozen=True)
class ServiceCase:
    """One service; ``tests/airflow/services/<name>.py`` has it as ``CASE``.

    :param create: the operator that takes a backup.
    :param sensor: the sensor that waits for it.
    :param delete: the operator that deletes it.
    :param prune: the operator that deletes those that no rule keeps.
    :param hook: the hook of the service.
    :param target_argument: the argument of ``create`` that says what to back up.
    :param target: returns its value, an id; what is missing for that is made.
    :param list_path: the path of a list of the service, as its API page writes it.
    :param table: the table of the local cloud that has the backups.
    :param has_names: whether backups carry a name.
    :param tells_reason: whether the service reports why a backup failed.
    :param reads_need_instance: whether a backup can only be read together with its instance.
    :param is_database: whether the service is one of the database services, which share most of their code.
    """

    create: Callable[..., CreateBackupOperator]
    sensor: Callable[..., BackupSensor]
    delete: Callable[..., DeleteBackupOperator]
    prune: Callable[..., PruneBackupsOperator]
    hook: Callable[[], Any]
    target_argument: str
    target: Callable[[RunningCloud], str]
    list_path: str
    table: str
    has_names: bool = True
    tells_reason: bool = True
    reads_need_instance: bool = False
    is_database: bool = False


def resources(cloud: RunningCloud, kind: str) -> list[str]:
    """Return the ids of the seeded resources.

    :param kind: ``servers``, ``volumes``, ``rds_instances`` ...
    """
    ids: list[str] = cloud.describe()["resources"][kind]
    return ids

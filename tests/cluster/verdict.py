"""Whether every task got exactly one backup: Airflow's word and the cloud's held against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TaskKey = tuple[str, int]
"""Task id and map index."""


@dataclass(frozen=True)
class FoundBackup:
    """A backup in the cloud.

    :param service: name of the service.
    :param backup_id: its id.
    :param name: its name.
    :param resource_id: what is backed up.
    :param is_good: whether it is of use.
    """

    service: str
    backup_id: str
    name: str
    resource_id: str
    is_good: bool


@dataclass(frozen=True)
class Expected:
    """What a task instance should have left behind.

    :param service: where.
    :param resource_id: of what.
    :param name: under which name; ``None`` where the call has no place for one.
    """

    service: str
    resource_id: str
    name: str | None


def faults_found(
    expected: Mapping[TaskKey, Expected],
    states: Mapping[TaskKey, str],
    reported_ids: Mapping[TaskKey, Sequence[str]],
    backups: Sequence[FoundBackup],
) -> list[str]:
    """Say everything that is not as it should be; empty when all is well.

    :param expected: what each task instance should have left behind.
    :param states: how each task instance ended.
    :param reported_ids: ids of the backups that each task instance returned.
    :param backups: all backups that are in the cloud.
    """
    faults = [f"task {_called(key)} is {state}" for key, state in states.items() if state != "success"]
    faults += [f"task {_called(key)} does not exist" for key in expected if key not in states]
    by_resource: dict[tuple[str, str], list[FoundBackup]] = {}
    for backup in backups:
        by_resource.setdefault((backup.service, backup.resource_id), []).append(backup)
    for key, wanted in expected.items():
        found = by_resource.pop((wanted.service, wanted.resource_id), [])
        if len(found) != 1:
            faults.append(
                f"{wanted.service} {wanted.resource_id} of task {_called(key)} has {len(found)} backups: {found}"
            )
            continue
        [backup] = found
        if not backup.is_good:
            faults.append(f"the backup of task {_called(key)} is not good: {backup}")
        if wanted.name is not None and backup.name != wanted.name:
            faults.append(f"the backup of task {_called(key)} is not called {wanted.name}: {backup}")
        if list(reported_ids.get(key, ())) != [backup.backup_id]:
            faults.append(f"task {_called(key)} returned {list(reported_ids.get(key, ()))}, but the cloud has {backup}")
    faults += [f"nobody asked for {backup}" for rest in by_resource.values() for backup in rest]
    times = Counter(identifier for identifiers in reported_ids.values() for identifier in identifiers)
    faults += [f"{count} tasks returned the backup {identifier}" for identifier, count in times.items() if count > 1]
    return faults


def _called(key: TaskKey) -> str:
    return f"{key[0]}[{key[1]}]"

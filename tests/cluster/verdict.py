"""Whether every task did its work exactly once: Airflow's word and the cloud's held against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
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


@dataclass(frozen=True)
class Restore:
    """A restore that a task instance should submit, or that the cloud accepted.

    :param service: name of the service.
    :param backup_id: what is restored.
    :param resource_id: what is overwritten.
    """

    service: str
    backup_id: str
    resource_id: str


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
    faults += [f"not requested by a task: {backup}" for rest in by_resource.values() for backup in rest]
    times = Counter(identifier for identifiers in reported_ids.values() for identifier in identifiers)
    faults += [f"{count} tasks returned the backup {identifier}" for identifier, count in times.items() if count > 1]
    return faults


def restore_faults(
    expected: Mapping[TaskKey, Restore],
    states: Mapping[TaskKey, str],
    accepted: Sequence[Restore],
    *,
    unproven: Collection[TaskKey],
    versions: Mapping[str, int],
    wanted: int,
) -> list[str]:
    """Say everything that is not as it should be with restores; empty when all is well.

    A task that cannot prove what became of its submission must fail, and not submit a second one.

    :param expected: what each task instance should submit, once.
    :param states: how each task instance ended.
    :param accepted: all restores that the cloud accepted.
    :param unproven: the task instances that said that they cannot prove what became of their submission.
    :param versions: content of each resource, by its id.
    :param wanted: the content that the backups hold.
    """
    counts = Counter(accepted)
    faults = []
    for key, restore in expected.items():
        state, count = states.get(key, "missing"), counts.pop(restore, 0)
        if count > 1:
            faults.append(f"task {_called(key)} restored {count} times: {restore}")
        if state == "success":
            if count == 0:
                faults.append(f"task {_called(key)} succeeded, but nothing was restored: {restore}")
            if versions[restore.resource_id] != wanted:
                faults.append(f"task {_called(key)} succeeded, but the content is {versions[restore.resource_id]}")
        elif state != "failed" or key not in unproven:
            faults.append(f"task {_called(key)} is {state}")
    return faults + [f"not requested by a task: {restore}" for restore in counts]


def _called(key: TaskKey) -> str:
    return f"{key[0]}[{key[1]}]"

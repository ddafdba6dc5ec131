"""What is wrong with the protection of an account: one judgement for all services, without I/O of its own.

Each service shows what its lists tell, in one shape (:class:`ServiceProtection`); :func:`findings_of` judges that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypedDict, get_args

from airflow_provider_backup.cloud.operations.backup import OperationState
from airflow_provider_backup.cloud.operations.freshness import Freshness, FreshnessRule, ListedBackup, duration_text
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.text import one_line

FindingKind = Literal[
    "unprotected", "stale", "policy_off", "policy_unbound", "vault_full", "failed_task", "missing_copy", "unreadable"
]
FINDING_KINDS: tuple[str, ...] = get_args(FindingKind)

ProtectableKind = Literal["server", "disk", "turbo"]
"""Types of resources that a report finds by itself (CBR section 9): servers, disks, file systems."""
PROTECTABLE_KINDS: tuple[str, ...] = get_args(ProtectableKind)

LONGEST_TASK = timedelta(days=2)
"""A task that failed since a moment began at most so long before it: operation logs are filtered by the begin."""

LONGEST_BACKUP = timedelta(hours=6)
"""Likewise for backups in a list that shows good and failed ones together, where each night costs pages."""

_MB_IN_GB = 1024


class Finding(TypedDict):
    """Something that is wrong with the protection of an account.

    :param service: name of the service.
    :param kind: what is wrong: one of :data:`FINDING_KINDS`.
    :param id: id of the resource, policy, vault or task; the name of the service for ``unreadable``.
    :param name: its name; ``None`` when the lists do not tell.
    :param at: ISO 8601 in UTC: when the last good backup (``unprotected``, ``stale``), the last copied backup
        (``missing_copy``) or the failed task began; ``None`` when there is none, or for other kinds.
    :param reason: how it stands, in words.
    """

    service: str
    kind: str
    id: str
    name: str | None
    at: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ProtectionQuestion:
    """What a service is asked.

    :param resource_ids: ids of resources; empty for those that its lists show.
    :param since: tasks that failed then or later are findings; by the cloud's clock, with a time zone.
    :param max_age: the last good backup of a resource began at most so long ago; ``None`` for any age.
    :param max_copy_age: likewise for the last backup that was copied to another region.
    :param max_used: how full a vault may be, in percent.
    :param protectables: types of resources of CBR of which all are judged, in a vault or not.
    """

    resource_ids: Sequence[str]
    since: datetime
    max_age: timedelta | None
    max_copy_age: timedelta | None
    max_used: float
    protectables: Sequence[ProtectableKind] = ()

    @property
    def rule(self) -> FreshnessRule:
        """Which good backups are fresh enough."""
        return FreshnessRule(max_age=self.max_age)

    @property
    def copy_rule(self) -> FreshnessRule:
        """Which copied backups are fresh enough."""
        return FreshnessRule(max_age=self.max_copy_age)

    @property
    def tasks_begun_since(self) -> datetime:
        """When a task of an operation log began at the earliest that failed since then."""
        return max(self.since, EARLIEST + LONGEST_TASK) - LONGEST_TASK

    @property
    def backups_begun_since(self) -> datetime:
        """When a backup began at the earliest that is looked at because it may have failed since then."""
        return max(self.since, EARLIEST + LONGEST_BACKUP) - LONGEST_BACKUP


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A policy, as a list shows it.

    :param id: its id; for the automatic policy of an instance, that of the instance.
    :param name: its name, or that of the instance.
    :param is_on: whether it runs.
    :param is_bound: whether it is about any resource; ``None`` when the list does not tell.
    """

    id: str
    name: str | None
    is_on: bool
    is_bound: bool | None


@dataclass(frozen=True, slots=True)
class VaultView:
    """How full a vault is.

    :param id: its id.
    :param name: its name.
    :param used: MB.
    :param size: GB.
    """

    id: str
    name: str | None
    used: int
    size: int


@dataclass(frozen=True, slots=True)
class FailedTask:
    """A backup, or other task of a service, that failed.

    :param id: its id.
    :param name: what it was, in words.
    :param begun: when it began.
    :param reason: the service's words; ``None`` when it gave none.
    """

    id: str
    name: str | None
    begun: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ResourceView:
    """How a resource is protected.

    :param freshness: its newest backups, judged.
    :param name: its name; ``None`` when the lists do not tell.
    :param is_covered: whether it is in a vault, in a policy, or has an automatic policy that runs; ``None`` when the
        lists do not tell.
    :param gap: what is missing when it is not covered, in words.
    :param copy: its newest backup that was copied, judged; ``None`` when nothing is to copy it.
    """

    freshness: Freshness
    name: str | None = None
    is_covered: bool | None = None
    gap: str = ""
    copy: Freshness | None = None


@dataclass(frozen=True, slots=True)
class ServiceProtection:
    """What the lists of one service show.

    :param service: name of the service.
    :param resources: what is judged.
    :param policies: its policies.
    :param vaults: its vaults.
    :param failed: what failed, as far as it was read.
    """

    service: str
    resources: Sequence[ResourceView] = ()
    policies: Sequence[PolicyView] = ()
    vaults: Sequence[VaultView] = ()
    failed: Sequence[FailedTask] = ()


class ProtectionReader(Protocol):
    """Reads the lists of one service."""

    async def read(self, question: ProtectionQuestion) -> ServiceProtection:
        """Read each page of each list that is needed, once."""


@dataclass(slots=True)
class NotedFailures:
    """Takes note of the failed backups that a list shows on the way.

    :param to_backup: reads a row; ``None`` for one that is not about a whole resource.
    :param since: only those that ended then or later, or of which the list does not tell the end.
    """

    to_backup: Callable[[Any], ListedBackup | None]
    since: datetime
    tasks: list[FailedTask] = field(default_factory=list)

    def __call__(self, row: Any) -> ListedBackup | None:
        """Read a row."""
        backup = self.to_backup(row)
        if backup is not None and backup.state.phase is Phase.FAILED and self._is_new(backup.state):
            state = backup.state
            name = f"backup {state.name or state.reference.backup_id} of {backup.resource_id}"
            self.tasks.append(FailedTask(state.reference.backup_id, name, state.created_at, state.reason))
        return backup

    def _is_new(self, state: OperationState) -> bool:
        moment = state.finished_at or state.created_at
        return moment is None or moment >= self.since


def findings_of(seen: ServiceProtection, question: ProtectionQuestion) -> list[Finding]:
    """Say what is wrong with what one service shows.

    A resource without a fresh backup is ``stale`` when something takes backups of it, and otherwise ``unprotected``.

    :param seen: what its lists show.
    :param question: what was asked.
    :return: resources first, then policies, vaults and failed tasks, each in the order of the lists.
    """
    return [
        *_findings_of_resources(seen),
        *_findings_of_policies(seen),
        *_full_vaults(seen, question.max_used),
        *(
            _finding(seen, "failed_task", task.id, task.name, task.begun, task.reason or "the service gives no reason")
            for task in seen.failed
        ),
    ]


def _findings_of_resources(seen: ServiceProtection) -> Iterator[Finding]:
    for resource in seen.resources:
        freshness = resource.freshness
        begun = freshness.good.created_at if freshness.good is not None else None
        if not freshness.is_fresh:
            # Where the lists do not tell what takes backups, an old backup shows that something did.
            is_covered = freshness.good is not None if resource.is_covered is None else resource.is_covered
            kind: FindingKind = "stale" if is_covered else "unprotected"
            reason = freshness.reason if is_covered or not resource.gap else f"{resource.gap}; {freshness.reason}"
            yield _finding(seen, kind, freshness.resource_id, resource.name, begun, reason)
        copy = resource.copy
        if copy is not None and not copy.is_fresh:
            begun = copy.good.created_at if copy.good is not None else None
            reason = "no backup was copied"
            if begun is not None:
                reason = f"the last backup that was copied began {duration_text(copy.now - begun)} ago"
            elif copy.since is not None:
                reason = f"no backup since {copy.since.isoformat()} was copied"
            yield _finding(seen, "missing_copy", freshness.resource_id, resource.name, begun, reason)


def _findings_of_policies(seen: ServiceProtection) -> Iterator[Finding]:
    for policy in seen.policies:
        if not policy.is_on:
            yield _finding(seen, "policy_off", policy.id, policy.name, None, "it is switched off")
        if policy.is_bound is False:
            yield _finding(seen, "policy_unbound", policy.id, policy.name, None, "it is bound to nothing")


def _full_vaults(seen: ServiceProtection, max_used: float) -> Iterator[Finding]:
    for vault in seen.vaults:
        if vault.size > 0:
            percent = 100 * vault.used / (_MB_IN_GB * vault.size)
            if percent > max_used:
                reason = f"{percent:.0f} % of {vault.size} GB are used"
                yield _finding(seen, "vault_full", vault.id, vault.name, None, reason)


def _finding(
    seen: ServiceProtection, kind: FindingKind, identifier: str, name: str | None, at: datetime | None, reason: str
) -> Finding:
    return Finding(
        service=seen.service,
        kind=kind,
        id=one_line(identifier),
        name=one_line(name) if name else None,
        at=at.isoformat() if at is not None else None,
        reason=one_line(reason),
    )

"""What all services say about a backup, in one shape: how it is referred to, how it stands, what a DAG gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypedDict

from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.text import one_line

MOST_RESOURCES_IN_A_TEXT = 3
"""A checkpoint can be of hundreds of servers."""

BackupKind = Literal["backup", "checkpoint", "job"]

_SEQUENCES = ("expected_ids", "parts", "failed_before", "replication_ids")
"""The members of a reference that are lists in JSON."""


@dataclass(frozen=True, slots=True)
class OperationReference:
    """Where to look for one operation; plain JSON in and out, so that it survives XCom and a trigger's row.

    :param service: its name in the registry, such as ``cbr``.
    :param backup_id: the id to ask for; ``kind`` says what it names.
    :param kind: ``backup``; ``checkpoint`` (CBR and CSBS: the backups of several resources taken together); ``job``
        (VBS: the job that makes the backup); ``vault`` (CBR: what is deleted is a vault, or resources in it).
    :param instance_id: database services only: the instance that is backed up, or that a restore is to.
    :param job_id: GaussDB and TaurusDB: the job that makes the backup, known to the task that started it; it shows the
        progress and the reason of a failure. Restores: the job or operation log that reports how the restore goes.
    :param expected_ids: checkpoints: the resources that were asked for, known to the task that started it; CSBS does
        not show which of them it left out, and lists of backups do not, either. Restores: what is overwritten. Prunes:
        whose backups are pruned.
    :param operation: ``backup`` (the backup is being taken), ``deletion`` (it is being deleted), ``pruning`` (several
        are), ``replication`` (it is being copied to another region), ``restore`` (a resource is being overwritten with
        it), ``instance_deletion`` (a database instance is being deleted; ``backup_id`` is empty then) or
        ``vault_deletion`` (a vault, or resources in it, are).
    :param parts: deletions and replications only: ids of the single backups whose deletion or copy is waited for; of
        vaults: ids of the resources that are removed, nothing for the vault itself.
    :param was_failed: deletions only: whether the backup had failed before it was deleted; then that status says
        nothing about its deletion.
    :param submitted_at: restores only: the restore did not begin before, ISO 8601 by the cloud's clock.
    :param source_instance_id: restores of database instances only: the instance that was backed up, when known.
    :param restore_time: restores of database instances only: the moment whose state is restored, ISO 8601;
        ``backup_id`` is empty then.
    :param is_new: restores of database instances only: whether they create the instance.
    :param was_restoring: restores of database instances only: whether the instance was seen being restored.
    :param failed_before: prunes and vaults only: which of the parts had failed before their deletion.
    :param replication_ids: replications only: for each of the parts the record that tells how its copy goes.
    """

    service: str
    backup_id: str
    kind: BackupKind | Literal["vault"] = "backup"
    instance_id: str | None = None
    job_id: str | None = None
    expected_ids: tuple[str, ...] = ()
    operation: str = "backup"
    parts: tuple[str, ...] = ()
    was_failed: bool = False
    submitted_at: str | None = None
    source_instance_id: str | None = None
    restore_time: str | None = None
    is_new: bool = False
    was_restoring: bool = False
    failed_before: tuple[str, ...] = ()
    replication_ids: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the reference as a dict of JSON values without empty members."""
        values = {key: value for key, value in asdict(self).items() if value}
        if self.operation == "backup":
            # As the previous release wrote it: workers and triggerers may run different versions.
            del values["operation"]
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OperationReference:
        """Build a reference from :meth:`to_dict` of this or a neighbour version: unknown members are ignored."""
        given = {key: value for key, value in values.items() if key in cls.__slots__ and value}
        # A restore to a moment and the deletion of an instance have no backup.
        given.setdefault("backup_id", "")
        for name in _SEQUENCES:
            if name in given:
                given[name] = tuple(given[name])
        return cls(**given)

    def __str__(self) -> str:
        if self.operation == "restore" and self.instance_id:
            source = f"backup {self.backup_id}" if self.backup_id else (self.restore_time or "a moment")
            return one_line(f"restore of {self.service} instance {self.instance_id} from {source}")
        names_backup = self.backup_id or not self.instance_id
        what = f"{self.kind} {self.backup_id}" if names_backup else f"instance {self.instance_id}"
        what = one_line(f"{self.service} {what}")
        if self.operation == "vault_deletion" and self.parts:
            return f"removal of {len(self.parts)} resources from {what}"
        return what if self.operation == "backup" else f"{self.operation.rpartition('_')[2]} of {what}"


class SkippedResource(TypedDict):
    """A resource that a backup left out, with the service's reason."""

    resource_id: str
    reason: str


class BackupResult(TypedDict):
    """What operators and sensors return, the same for every service.

    ``service``, ``backup_id``, ``kind``, ``instance_id``, ``job_id`` and ``expected_ids`` are those of
    :class:`OperationReference`, the others those of :class:`OperationState`; times are ISO 8601 in UTC. Of a backup
    that is not waited for, ``status`` and all that follows it are as they were at the first look.
    """

    service: str
    backup_id: str
    kind: str
    instance_id: str | None
    job_id: str | None
    name: str | None
    status: str
    backup_ids: list[str]
    resource_ids: list[str]
    expected_ids: list[str]
    skipped: list[SkippedResource]
    size_mb: float | None
    created_at: str | None
    finished_at: str | None
    expires_at: str | None


class SingleBackup(NamedTuple):
    """One backup of one resource, as people know it.

    :param backup_id: its id.
    :param name: its name, when known.
    :param resource_id: id of what is backed up, when known.
    :param resource_name: the name of that, when known.
    """

    backup_id: str
    name: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None

    def __str__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        known = [repr(self.resource_name)] if self.resource_name else []
        known += [self.resource_id] if self.resource_id else []
        return one_line(f"backup {self.backup_id}{name} of {' '.join(known) or 'an unknown resource'}")


@dataclass(frozen=True, slots=True)
class OperationState:
    """How one backup stood when the service was asked.

    :param reference: which backup; a service may sharpen it (a VBS job that now names its backup).
    :param status: the service's own text.
    :param phase: where that is in the life cycle.
    :param name: the backup's name, when known.
    :param reason: the service's words on a failure, when it gave some.
    :param progress: 0 to 100, when the service reports it.
    :param backup_ids: ids of the single backups inside (one for a plain backup).
    :param resource_ids: ids of the resources that are backed up.
    :param skipped: resources that were left out.
    :param size_mb: size of the backup in MB, when known.
    :param created_at: when the backup began, aware UTC.
    :param finished_at: when it ended, aware UTC.
    :param expires_at: when the service deletes it by itself, aware UTC; ``None`` when it never does or does not tell.
        Of several backups it is the earliest, if all of them expire.
    :param parts: the single backups inside, with their names and resources.
    """

    reference: OperationReference
    status: str
    phase: Phase
    name: str | None = None
    reason: str | None = None
    progress: int | None = None
    backup_ids: tuple[str, ...] = ()
    resource_ids: tuple[str, ...] = ()
    skipped: tuple[SkippedResource, ...] = ()
    size_mb: float | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    parts: tuple[SingleBackup, ...] = ()

    def to_result(self) -> BackupResult:
        """Return the small dict that goes into XCom."""
        return BackupResult(
            service=self.reference.service,
            backup_id=self.reference.backup_id,
            kind=self.reference.kind,
            instance_id=self.reference.instance_id,
            job_id=self.reference.job_id,
            name=self.name,
            status=self.status,
            backup_ids=list(self.backup_ids),
            resource_ids=list(self.resource_ids),
            expected_ids=list(self.reference.expected_ids),
            skipped=list(self.skipped),
            size_mb=self.size_mb,
            created_at=self.created_at.isoformat() if self.created_at else None,
            finished_at=self.finished_at.isoformat() if self.finished_at else None,
            expires_at=self.expires_at.isoformat() if self.expires_at else None,
        )

    def __str__(self) -> str:
        progress = f", {self.progress} %" if self.progress is not None and self.phase is Phase.IN_PROGRESS else ""
        what = backup_text(str(self.reference), self.name, self.resource_ids)
        return one_line(f"{what} is {self.status} ({self.phase.value}{progress})")


def earliest_end(ends: Iterable[datetime | None]) -> datetime | None:
    """Return when the first of some backups expires; ``None`` unless all of them do.

    :param ends: when each of them expires; ``None`` for one that does not.
    """
    known = list(ends)
    moments = [moment for moment in known if moment is not None]
    return min(moments) if moments and len(moments) == len(known) else None


def backup_text(reference: str, name: str | None, resource_ids: Sequence[str]) -> str:
    """Return what a backup is called in logs and errors: its id, its name and its resources.

    :param reference: service, kind and id.
    :param name: its name, when known.
    :param resource_ids: ids of what is backed up, when known; of many the first few are named.
    """
    named = f" {name!r}" if name else ""
    resources = ", ".join(resource_ids[:MOST_RESOURCES_IN_A_TEXT])
    more = len(resource_ids) - MOST_RESOURCES_IN_A_TEXT
    return f"{reference}{named}{f' of {resources}' if resources else ''}{f' and {more} more' if more > 0 else ''}"

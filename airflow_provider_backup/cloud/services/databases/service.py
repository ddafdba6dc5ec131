"""What the rest of the package asks of a database service, the same for RDS, GaussDB and TaurusDB."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from airflow_provider_backup.cloud.errors import ApiNotFoundError, BackupError, BadRequestError, ResourceBusyError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.freshness import Freshness, FreshnessRule, ListedBackup, read_freshness
from airflow_provider_backup.cloud.operations.other_kinds import check_kind
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.backup_lists import (
    lists_of_all_instances,
    lists_of_busy_instances,
)
from airflow_provider_backup.cloud.services.databases.backups import Backups
from airflow_provider_backup.cloud.services.databases.batch_deletions import BatchDeletion
from airflow_provider_backup.cloud.services.databases.instance_deletion import InstanceDeletion
from airflow_provider_backup.cloud.services.databases.instances import Instances
from airflow_provider_backup.cloud.services.databases.jobs import Jobs
from airflow_provider_backup.cloud.services.databases.manifest import NO_SUCH_INSTANCE, phase_of
from airflow_provider_backup.cloud.services.databases.models import (
    DatabaseBackup,
    DatabaseBackupQuery,
    DatabaseInstanceQuery,
    DatabasePolicy,
    Job,
)
from airflow_provider_backup.cloud.services.databases.policies import BackupPolicies
from airflow_provider_backup.cloud.services.databases.protection import DatabaseProtection
from airflow_provider_backup.cloud.services.databases.restore_models import RestoreWindowQuery
from airflow_provider_backup.cloud.services.databases.restore_states import RestoreObserver
from airflow_provider_backup.cloud.services.databases.restores import Restores
from airflow_provider_backup.cloud.services.databases.states import to_state
from airflow_provider_backup.cloud.services.databases.stored_backups import DatabaseStoredBackups
from airflow_provider_backup.cloud.text import one_line

log = logging.getLogger(__name__)

_WHOLE_TYPES = ("auto", "manual")
"""The others (databases section 4) only continue an earlier backup."""


class DatabaseService:
    """One database service; what is particular to it stands in the members of its class.

    :param api: requests to the service.
    """

    name: str
    title: ClassVar[str]
    """What people call it, for logs."""
    backup: ClassVar[type[DatabaseBackup]]
    backup_query: ClassVar[type[DatabaseBackupQuery]]
    instance_query: ClassVar[type[DatabaseInstanceQuery]]
    policy: ClassVar[type[DatabasePolicy]]
    create_path: ClassVar[tuple[str, ...]] = ("backups",)
    """Where new backups are posted to."""
    policy_path: ClassVar[tuple[str, ...]] = ("backups", "policy")
    """Where changes of a policy are put, below the instance."""
    restore_path: ClassVar[tuple[str, ...]] = ("instances", "recovery")
    """Where restores to existing instances are posted to."""
    restore_version: ClassVar[str | None] = None
    """Version of the API in that path; ``None`` for that of the service."""
    restore_window_query: ClassVar[type[RestoreWindowQuery]] = RestoreWindowQuery
    windows_need_day: ClassVar[bool] = False
    """Whether restore windows are read for one day only."""
    backups_type: ClassVar[type[Backups[Any, Any]]] = Backups
    """The calls for backups."""
    lists_all_instances: ClassVar[bool] = True
    """Whether one list shows the backups of all instances; otherwise each instance has its own."""

    def __init__(self, api: ServiceApi) -> None:
        self.clock = api.cloud_clock
        """The cloud's clock, as far as answers have shown it."""
        self.backups: Backups[Any, Any] = self.backups_type(
            api, service=self.name, backup=self.backup, query=self.backup_query, create_path=self.create_path
        )
        self.stored_backups = DatabaseStoredBackups(
            self.name,
            self.backups,
            self.delete_backup,
            self.observe_single,
            lists_all_instances=self.lists_all_instances,
            batch=self.batch_deletion,
        )
        self.instances = Instances(api, service=self.name, query=self.instance_query)
        self.protection = DatabaseProtection(
            self.name,
            self.instances,
            self.backups,
            self._listed_backup,
            self.clock,
            lists_all_instances=self.lists_all_instances,
        )
        self.jobs = Jobs(api)
        self.backup_policies: BackupPolicies[Any, Any] = BackupPolicies(
            api, policy=self.policy, update_path=self.policy_path
        )
        self.restores: Restores[Any, Any] = Restores(
            api,
            RestoreObserver(self.instances, self.jobs, self.clock),
            service=self.name,
            window_query=self.restore_window_query,
            path=self.restore_path,
            version=self.restore_version,
        )
        self.lists = (
            lists_of_all_instances(self.title, self.backups)
            if self.lists_all_instances
            else lists_of_busy_instances(self.title, self.instances)
        )

    @property
    def instance_deletion(self) -> InstanceDeletion:
        """The deletion of an instance as a long-running operation, for one attempt."""
        return InstanceDeletion(self)

    @property
    def batch_deletion(self) -> BatchDeletion | None:
        """How several backups are deleted at once; ``None`` where that is not possible."""
        return None

    def reference_to(self, backup: DatabaseBackup) -> OperationReference:
        """Return where to look for a backup later.

        :param backup: as its creation or a list showed it.
        """
        return OperationReference(
            service=self.name, backup_id=backup.id, instance_id=backup.instance_id, job_id=backup.job_id
        )

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read a backup once.

        :param reference: the backup; RDS needs its instance too. A job in it adds progress and the reason of a failure.
        :raises NotFoundError: there is no such backup.
        :raises BadRequestError: there is no such instance, which says nothing about the backup.
        :raises InvalidRequestError: the instance is missing, or the reference is not of the kind ``backup``.
        """
        check_kind(reference, "backup")
        backup = await self._read(reference)
        job = await self._job(reference) if backup.phase in (Phase.IN_PROGRESS, Phase.FAILED) else None
        return to_state(reference, backup, job)

    async def observe_single(self, reference: OperationReference) -> OperationState:
        """Read a single backup once, by no other id than its own.

        :param reference: of the kind ``backup``.
        :raises NotFoundError: there is none with this id.
        :raises BadRequestError: there is no such instance, which says nothing about the backup.
        :raises InvalidRequestError: the instance is missing.
        """
        return await self.observe(reference)

    async def latest_backups(self, rule: FreshnessRule, *, resource_ids: Sequence[str]) -> list[Freshness]:
        """Judge whether instances have good backups of all their databases that are fresh enough (databases section 4).

        RDS has one list for each instance; the others have one for all.

        :param rule: which backups are fresh enough.
        :param resource_ids: ids of instances, one or more.
        :return: each instance.
        """
        if not self.lists_all_instances:
            by_instance = [self._read_freshness(rule, [each], each) for each in dict.fromkeys(resource_ids)]
            return [each for judged in await asyncio.gather(*by_instance) for each in judged]
        return await self._read_freshness(rule, resource_ids, resource_ids[0] if len(resource_ids) == 1 else None)

    async def _read_freshness(
        self, rule: FreshnessRule, resource_ids: Sequence[str], instance_id: str | None
    ) -> list[Freshness]:
        pages = self.backups.pages(instance_id=instance_id)
        return await read_freshness(pages, self._listed_backup, resource_ids, rule, self.clock.now)

    def _listed_backup(self, row: Any) -> ListedBackup | None:
        backup: DatabaseBackup = self.backups.of_row(row)
        kind = backup.type.lower()
        if not backup.instance_id or kind not in ("", *_WHOLE_TYPES) or not backup.holds(()):
            return None
        is_automatic = kind == "auto" if kind else None
        return ListedBackup(backup.instance_id, to_state(self.reference_to(backup), backup), is_automatic)

    async def delete_backup(self, reference: OperationReference) -> None:
        """Start the deletion of a manual backup; one that is being deleted already counts as done.

        :raises NotFoundError: there is no such backup (any more).
        :raises BadRequestError: it is not a manual backup.
        :raises ResourceBusyError: its status forbids the deletion.
        :raises InvalidRequestError: the reference is not of the kind ``backup``.
        """
        check_kind(reference, "backup")
        try:
            await self.backups.delete(reference.backup_id)
        except ResourceBusyError:
            # It may be in deletion already: the first answer to this request may have been lost.
            if (await self._read(reference)).phase not in (Phase.DELETING, Phase.DELETED):
                raise

    async def find_backup(
        self, *, instance_id: str, name: str, phases: Collection[Phase] = LIVE
    ) -> OperationReference | None:
        """Return the newest manual backup of an instance with this name in one of these phases, or ``None``.

        :param instance_id: the instance.
        :param name: the whole name; case counts.
        :param phases: in progress or good, unless said otherwise.
        """
        found: list[DatabaseBackup] = [
            backup
            async for backup in self.backups.list(instance_id=instance_id, backup_type="manual")
            if backup.name == name and backup.phase in phases
        ]
        return self._newest(found)

    async def find_running(self, *, instance_id: str, databases: Collection[str] = ()) -> OperationReference | None:
        """Return the manual or automatic backup of an instance that is being made now, whole or not at all.

        :param instance_id: the instance.
        :param databases: what is wanted of the instance; nothing for all of it. A backup of some databases counts only
            when it holds these.
        """
        return self._newest(
            [
                backup
                async for backup in self.backups.list(instance_id=instance_id)
                if phase_of(backup.status) is Phase.IN_PROGRESS
                and backup.type.lower() in _WHOLE_TYPES
                and backup.holds(databases)
            ]
        )

    def _newest(self, backups: Sequence[DatabaseBackup]) -> OperationReference | None:
        newest = max(backups, key=lambda backup: backup.begin_time or EARLIEST, default=None)
        return self.reference_to(newest) if newest else None

    async def _job(self, reference: OperationReference) -> Job | None:
        if reference.job_id is None:
            return None
        try:
            return await self.jobs.get(reference.job_id)
        except BackupError as error:
            # The job only adds to what the backup tells; it is not visible at first and kept for a month.
            log.info("The job %s of %s could not be read: %s", one_line(str(reference.job_id)), reference, error)
            return None

    async def _read(self, reference: OperationReference) -> DatabaseBackup:
        try:
            backup: DatabaseBackup = await self.backups.get(reference.backup_id, instance_id=reference.instance_id)
        except ApiNotFoundError as error:
            if error.code not in NO_SUCH_INSTANCE.split():
                raise
            # This says nothing about the backup: manual backups outlive their instance.
            raise BadRequestError(
                service=error.service,
                status=error.status,
                code=error.code,
                detail=f"{error.detail} (instance {reference.instance_id} of {reference})",
                request_id=error.request_id,
                next_step="Check instance_id, and region and project_id in the connection and of the task.",
            ) from None
        return backup

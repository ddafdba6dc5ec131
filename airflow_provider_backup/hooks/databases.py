"""Base of the hooks of the database services: synchronous methods that read backups and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_backup.hooks.base import BackupServiceHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService

ServiceT = TypeVar("ServiceT", bound="DatabaseService")
BackupT = TypeVar("BackupT")
PolicyT = TypeVar("PolicyT")


class DatabaseHook(BackupServiceHook[ServiceT], Generic[ServiceT, BackupT, PolicyT]):
    """One database service of the account behind a connection."""

    def list_backups(self, **filters: Any) -> list[BackupT]:
        """Read all backups that match, from synchronous code.

        :param filters: the fields of the service's own ``BackupQuery``, such as
            :class:`~airflow_provider_backup.cloud.services.rds.models.BackupQuery`; RDS requires ``instance_id``.
        :raises InvalidRequestError: the service has no such filter, or a value breaks its rule.
        """
        return self.run_list(lambda service: service.backups.list(**filters))

    def get_backup(self, backup_id: str, *, instance_id: str | None = None) -> BackupT:
        """Read one backup from synchronous code.

        :param backup_id: its id.
        :param instance_id: its instance; RDS requires it.
        :raises NotFoundError: there is no such backup.
        """
        backup: BackupT = self.run(lambda service: service.backups.get(backup_id, instance_id=instance_id))
        return backup

    def get_policy(self, instance_id: str) -> PolicyT:
        """Read the automatic backup policy of an instance from synchronous code; each instance has exactly one.

        :param instance_id: the instance.
        :raises NotFoundError: there is no such instance.
        """
        policy: PolicyT = self.run(lambda service: service.backup_policies.get(instance_id))
        return policy

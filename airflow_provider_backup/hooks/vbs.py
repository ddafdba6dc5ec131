"""The hook of VBS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_backup.hooks.base import BackupServiceHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.vbs.models import Backup, Policy
    from airflow_provider_backup.cloud.services.vbs.service import VbsService  # noqa: F401


class VbsHook(BackupServiceHook["VbsService"]):
    """VBS of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    service = "vbs"

    def list_backups(self, **filters: Any) -> list[Backup]:
        """Read all backups, or those that match, from synchronous code.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.vbs.models.BackupQuery`.
        :raises InvalidRequestError: there is no such filter, or a value breaks a documented rule.
        """
        return self.run_list(lambda vbs: vbs.backups.list(**filters))

    def get_backup(self, backup_id: str) -> Backup:
        """Read one backup from synchronous code.

        :param backup_id: its id, one of the ``backup_ids`` of a result; the ``backup_id`` there is a job's while the
            backup is not over.
        :raises NotFoundError: there is no such backup.
        """
        return self.run(lambda vbs: vbs.backups.get(backup_id))

    def list_policies(self, **filters: Any) -> list[Policy]:
        """Read all policies from synchronous code.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.vbs.models.PolicyQuery`: none.
        :raises InvalidRequestError: a filter is given.
        """
        return self.run_list(lambda vbs: vbs.policies.list(**filters))

    def get_policy(self, policy_id: str) -> Policy:
        """Read one policy from synchronous code.

        :param policy_id: its id.
        :raises NotFoundError: there is no such policy.
        """
        return self.run(lambda vbs: vbs.policies.get(policy_id))

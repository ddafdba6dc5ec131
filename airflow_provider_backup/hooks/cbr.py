"""The hook of CBR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_backup.hooks.base import BackupServiceHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.cbr.models import Backup, Policy
    from airflow_provider_backup.cloud.services.cbr.service import CbrService  # noqa: F401


class CbrHook(BackupServiceHook["CbrService"]):
    """CBR of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    service = "cbr"

    def list_backups(self, **filters: Any) -> list[Backup]:
        """Read all backups, or those that match, from synchronous code.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.BackupQuery`.
        :raises InvalidRequestError: there is no such filter, or a value breaks a documented rule.
        """
        return self.run_list(lambda cbr: cbr.backups.list(**filters))

    def get_backup(self, backup_id: str) -> Backup:
        """Read one backup from synchronous code.

        :param backup_id: its id, one of the ``backup_ids`` of a result; the ``backup_id`` there is the checkpoint's.
        :raises NotFoundError: there is no such backup.
        """
        return self.run(lambda cbr: cbr.backups.get(backup_id))

    def list_policies(self, **filters: Any) -> list[Policy]:
        """Read all policies, or those that match, from synchronous code.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.PolicyQuery`.
        :raises InvalidRequestError: there is no such filter, or a value breaks a documented rule.
        """
        return self.run_list(lambda cbr: cbr.policies.list(**filters))

    def get_policy(self, policy_id: str) -> Policy:
        """Read one policy from synchronous code.

        :param policy_id: its id.
        :raises NotFoundError: there is no such policy.
        """
        return self.run(lambda cbr: cbr.policies.get(policy_id))

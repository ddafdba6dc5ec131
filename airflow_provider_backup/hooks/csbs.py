"""The hook of CSBS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_backup.hooks.base import BackupServiceHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.csbs.models import CheckpointItem, Policy
    from airflow_provider_backup.cloud.services.csbs.service import CsbsService  # noqa: F401


class CsbsHook(BackupServiceHook["CsbsService"]):
    """CSBS of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    service = "csbs"

    def list_backups(self, **filters: Any) -> list[CheckpointItem]:
        """Read all backups, or those that match, from synchronous code.

        :param filters: the fields of
            :class:`~airflow_provider_backup.cloud.services.csbs.models.CheckpointItemQuery`.
        :raises InvalidRequestError: there is no such filter, or a value breaks a documented rule.
        """
        return self.run_list(lambda csbs: csbs.checkpoint_items.list(**filters))

    def get_backup(self, backup_id: str) -> CheckpointItem:
        """Read one backup from synchronous code.

        :param backup_id: its id, one of the ``backup_ids`` of a result; the ``backup_id`` there is the checkpoint's.
        :raises NotFoundError: there is no such backup.
        """
        return self.run(lambda csbs: csbs.checkpoint_items.get(backup_id))

    def list_policies(self, **filters: Any) -> list[Policy]:
        """Read all policies, or those that match, from synchronous code.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.csbs.models.PolicyQuery`.
        :raises InvalidRequestError: there is no such filter, or a value breaks a documented rule.
        """
        return self.run_list(lambda csbs: csbs.policies.list(**filters))

    def get_policy(self, policy_id: str) -> Policy:
        """Read one policy from synchronous code.

        :param policy_id: its id.
        :raises NotFoundError: there is no such policy.
        """
        return self.run(lambda csbs: csbs.policies.get(policy_id))

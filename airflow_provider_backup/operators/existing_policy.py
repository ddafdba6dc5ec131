"""Operators for one existing policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_backup.operators.base import BackupCloudOperator, check_ids


class ExistingPolicyOperator(BackupCloudOperator):
    """An operator for one existing policy.

    :param policy_id: id of the policy (templated).
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, "policy_id")

    def __init__(self, *, policy_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.policy_id = policy_id

    def check_arguments(self) -> None:
        """Reject an id that is no text or empty."""
        super().check_arguments()
        check_ids(self.task_id, policy_id=self.policy_id)

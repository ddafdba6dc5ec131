"""Reading, listing and deleting policies, the same for every service that has them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.operations.described_state import AppliedResult, state_change
from airflow_provider_backup.cloud.operations.policy import PolicyResult
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice, check_ids

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

IfMissing = Literal["fail", "ignore"]


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


class GetPolicyOperator(ExistingPolicyOperator):
    """Read a policy.

    :param policy_id: id of the policy (templated).
    """

    title: ClassVar[str]
    """What is read, for the log, such as ``CBR policy``."""

    @abstractmethod
    async def read(self, cloud: BackupCloud) -> PolicyResult:
        """Read the policy.

        :param cloud: the open client.
        :raises NotFoundError: there is none with this id.
        """

    def perform(self, context: Any) -> PolicyResult:
        """Read the policy.

        :return: see :class:`~airflow_provider_backup.cloud.operations.policy.PolicyResult`.
        :raises NotFoundError: there is no such policy.
        """
        self.built(lambda: check_ids(self.task_id, policy_id=self.policy_id))
        self.log.info("Reading %s %s (%s).", self.title, one_line(self.policy_id), self.connection_text)
        result = self.act(self.read)
        self.log.info("%s %s", self.title, _described(result))
        return result


class ListPoliciesOperator(BackupCloudOperator):
    """Read all policies, or those that match.

    :param name: the exact name; ``None`` for all (templated).
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, "name")
    title: ClassVar[str]
    """What is listed, for the log, such as ``CBR policy``."""

    def __init__(self, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name

    @abstractmethod
    def listed(self, cloud: BackupCloud) -> AsyncIterator[PolicyResult]:
        """Read the policies; those of another name may be among them.

        :param cloud: the open client.
        """

    def perform(self, context: Any) -> list[PolicyResult]:
        """Read the policies.

        :return: one :class:`~airflow_provider_backup.cloud.operations.policy.PolicyResult` for each, in the order of
            the service.
        :raises InvalidArgumentError: a filter breaks a documented rule.
        """
        self.log.info("Listing %ss (%s).", self.title, self.connection_text)
        policies = self.act(self._read)
        for policy in policies:
            self.log.info("%s %s", self.title, _described(policy))
        self.log.info("%d found.", len(policies))
        return policies

    async def _read(self, cloud: BackupCloud) -> list[PolicyResult]:
        return [policy async for policy in self.listed(cloud) if self.name is None or policy["name"] == self.name]


class DeletePolicyOperator(ExistingPolicyOperator):
    """Delete a policy; the backups that it made stay.

    :param policy_id: id of the policy (templated).
    :param if_missing: what to do if there is no such policy: ``fail`` the task, or ``ignore`` it. After a crash a
        retry finds no policy any more, and does the same.
    """

    service_name: ClassVar[str]
    """The service, as in the registry."""
    title: ClassVar[str]
    """What is deleted, for the log, such as ``CBR policy``."""

    def __init__(self, *, if_missing: IfMissing = "fail", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "if_missing", if_missing, get_args(IfMissing))
        self.if_missing = if_missing

    @abstractmethod
    async def read(self, cloud: BackupCloud) -> PolicyResult:
        """Read the policy.

        :param cloud: the open client.
        :raises NotFoundError: there is none with this id.
        """

    @abstractmethod
    async def delete(self, cloud: BackupCloud) -> None:
        """Delete the policy.

        :param cloud: the open client.
        """

    def perform(self, context: Any) -> AppliedResult:
        """Delete the policy.

        :return: see :class:`~airflow_provider_backup.cloud.operations.described_state.AppliedResult`.
        :raises NotFoundError: there is no such policy, and ``if_missing`` is ``fail``.
        """
        self.built(lambda: check_ids(self.task_id, policy_id=self.policy_id))
        self.log.info("Deleting %s %s (%s).", self.title, one_line(self.policy_id), self.connection_text)
        policy = self.act(self._delete)
        if policy is None:
            self.log.info("There is no %s %s (if_missing='ignore').", self.title, one_line(self.policy_id))
        else:
            self.log.info("Deleted %s %s", self.title, _described(policy))
        return AppliedResult(
            service=self.service_name,
            kind="policy",
            id=self.policy_id,
            name=None if policy is None else policy["name"],
            state="absent",
            changed=policy is not None,
            created=False,
            deleted=policy is not None,
            dry_run=False,
            differences=[] if policy is None else [state_change("present", "absent")],
        )

    async def _delete(self, cloud: BackupCloud) -> PolicyResult | None:
        try:
            policy = await self.read(cloud)
        except NotFoundError:
            if self.if_missing == "fail":
                raise
            return None
        try:
            await self.delete(cloud)
        except NotFoundError:
            # It was there a moment ago: a request whose answer got lost deleted it, or another client.
            self.log.info("The service has no such policy any more.")
        return policy


def _described(policy: PolicyResult) -> str:
    enabled = "enabled" if policy["enabled"] else "disabled" if policy["enabled"] is False else "of unknown state"
    name = f"{policy['name']} ({policy['policy_id']})"
    return one_line(f"{name} is {enabled} and bound to: {', '.join(policy['resource_ids']) or 'nothing'}.")

"""Servers with CSBS: backup policies, their execution, backups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.operations.policy import PolicyResult, policy_result
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.csbs.models import CheckpointCreate, PolicyCreate
from airflow_provider_backup.cloud.services.csbs.operations import CsbsBackupOperation
from airflow_provider_backup.cloud.services.csbs.schedule import icalendar_text
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.operators.base import check_ids, key_value_pairs, listed
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.create_policy import CreatePolicyOperator
from airflow_provider_backup.operators.delete_backup import CheckpointDeleteBackupOperator
from airflow_provider_backup.operators.existing_policy import ExistingPolicyOperator
from airflow_provider_backup.operators.policy_arguments import PolicyArguments

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.csbs.models import Policy


class CsbsCreatePolicyOperator(PolicyArguments, CreatePolicyOperator):
    """Create a backup policy for servers: ``POST /v1/{project_id}/policies`` (CSBS section 3.1).

    Give either ``policy`` or the single arguments; name, schedule and retention are described at
    :class:`~airflow_provider_backup.operators.policy_arguments.PolicyArguments`.

    :param policy: a :class:`~airflow_provider_backup.cloud.services.csbs.models.PolicyCreate`.
    :param servers: the servers, each ``{"id": ..., "name": ...}``; at most 64 (templated).
    :param permanent: keep all backups, regardless of the retention numbers (templated).
    :param description: at most 255 characters without ``<`` and ``>`` (templated).
    :param tags: at most 10 labels (templated).
    """

    template_fields: Sequence[str] = (
        *PolicyArguments.template_fields,
        "servers",
        "permanent",
        "description",
        "tags",
    )
    title = "CSBS"
    model = PolicyCreate

    def __init__(
        self,
        *,
        policy: PolicyCreate | None = None,
        servers: Sequence[Mapping[str, Any]] | None = None,
        permanent: bool | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(policy=policy, **kwargs)
        self.servers = servers
        self.permanent = permanent
        self.description = description
        self.tags = tags

    def from_arguments(self, schedule: str | None, time_zone: str | None) -> PolicyCreate:
        """Build the policy from the single arguments."""
        pattern = (
            None
            if schedule is None
            else icalendar_text(Schedule.parse(schedule, "UTC" if time_zone is None else time_zone))
        )
        operation: dict[str, Any] = {
            "enabled": True if self.enabled is None else self.enabled,
            "operation_definition": self.retention(time_zone)
            | ({} if self.permanent is None else {"permanent": self.permanent}),
            "trigger": {"properties": {} if pattern is None else {"pattern": pattern}},
        }
        return validated(
            PolicyCreate,
            "CSBS policy",
            {
                "name": self.name,
                "description": self.description,
                "resources": listed(self.servers),
                "scheduled_operations": [operation],
                "tags": key_value_pairs(self.tags),
            },
        )

    async def find(self, cloud: BackupCloud, name: str) -> PolicyResult | None:
        """Search for the policy by its exact name."""
        async for policy in cloud.csbs.policies.list(name=name):
            if policy.name == name:
                return _result(policy, created=False)
        return None

    async def create(self, cloud: BackupCloud, policy: PolicyCreate) -> PolicyResult:
        """Create the policy."""
        return _result(await cloud.csbs.policies.create(policy), created=True)


class CsbsGetPolicyOperator(ExistingPolicyOperator):
    """Read a backup policy: ``GET /v1/{project_id}/policies/{policy_id}`` (CSBS section 3.2).

    :param policy_id: id of the policy (templated).
    """

    def perform(self, context: Any) -> PolicyResult:
        """Read the policy.

        :return: see :class:`~airflow_provider_backup.cloud.operations.policy.PolicyResult`.
        :raises NotFoundError: there is no such policy.
        """
        self.built(lambda: check_ids(self.task_id, policy_id=self.policy_id))
        self.log.info("Reading CSBS policy %s (%s).", one_line(self.policy_id), self.connection_text)
        result = _result(self.act(lambda cloud: cloud.csbs.policies.get(self.policy_id)))
        servers = len(result["resource_ids"])
        self.log.info(
            "CSBS policy %s is %s and has %d servers.",
            one_line(f"{result['name']}"),
            "enabled" if result["enabled"] else "disabled",
            servers,
        )
        return result


class CsbsExecutePolicyOperator(CreateBackupOperator):
    """Execute a backup policy now: ``POST /v1/{project_id}/providers/{provider_id}/checkpoints`` (CSBS section 4.2).

    The task succeeds when the checkpoint is available. The request carries no name: a retry finds its checkpoint by the
    recorded id (Airflow 3.3 and later), otherwise by policy, servers and time. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.create_backup.CreateBackupOperator`.

    :param policy_id: id of the policy; its schedule may be disabled (templated).
    :param server_ids: some of the policy's servers; ``None`` for all, which are read from the policy (templated).
    :param auto_trigger: whether the backup counts as a scheduled one, which the policy's retention removes
        (templated).
    :param fail_on_skipped: whether a checkpoint without some of the servers counts as failed.
    """

    operation = CsbsBackupOperation

    template_fields: Sequence[str] = (
        *CreateBackupOperator.template_fields,
        "policy_id",
        "server_ids",
        "auto_trigger",
    )

    def __init__(
        self,
        *,
        policy_id: str,
        server_ids: Sequence[str] | None = None,
        auto_trigger: bool = False,
        fail_on_skipped: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fail_on_skipped = fail_on_skipped
        self.policy_id = policy_id
        self.server_ids = server_ids
        self.auto_trigger = auto_trigger

    def request(self, name: str) -> CheckpointCreate:
        """Build the request; it carries no name."""
        parameters = {"auto_trigger": self.auto_trigger, "resources": listed(self.server_ids)}
        return validated(
            CheckpointCreate, "CSBS policy execution", {"plan_id": self.policy_id, "parameters": parameters}
        )

    def operation_of(self, cloud: BackupCloud) -> CsbsBackupOperation:
        """Return the execution of a policy."""
        return CsbsBackupOperation(cloud.csbs)


class CsbsDeleteBackupOperator(CheckpointDeleteBackupOperator):
    """Delete a checkpoint with all its backups, or one backup in it (CSBS section 6.3).

    The arguments are those of :class:`~airflow_provider_backup.operators.delete_backup.CheckpointDeleteBackupOperator`.
    """

    service_name = "csbs"


def _result(policy: Policy, *, created: bool | None = None) -> PolicyResult:
    return policy_result("csbs", policy, enabled=policy.enabled, resource_ids=policy.server_ids, created=created)

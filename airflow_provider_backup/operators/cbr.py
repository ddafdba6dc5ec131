"""Vaults with CBR: vaults, backup policies, backups and restores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import conf

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.backup import BackupResult, OperationReference, OperationState
from airflow_provider_backup.cloud.operations.deletion import target_of
from airflow_provider_backup.cloud.operations.described_state import AppliedResult, Difference
from airflow_provider_backup.cloud.operations.policy import PolicyResult, policy_result
from airflow_provider_backup.cloud.operations.policy_forms import LONG_TERM, fields_with_zone
from airflow_provider_backup.cloud.operations.schedules import Schedule, offset_text
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.schema.fields import timestamp_of
from airflow_provider_backup.cloud.services.cbr.applied_vault import (
    change_vault,
    create_vault,
    read_vault,
    vaults_named,
)
from airflow_provider_backup.cloud.services.cbr.described_policy import (
    bound_vaults,
    described_vaults,
    held_fields,
    policy_fields,
    policy_update,
)
from airflow_provider_backup.cloud.services.cbr.described_vault import (
    VaultDescription,
    conflicts,
    described_fields,
    undescribed_resources,
)
from airflow_provider_backup.cloud.services.cbr.models import (
    BackupReplication,
    CheckpointCreate,
    PolicyCreate,
    PolicyQuery,
    PolicyUpdate,
    VaultQuery,
)
from airflow_provider_backup.cloud.services.cbr.operations import CbrBackupOperation
from airflow_provider_backup.cloud.services.cbr.policy_values import definition_of, policy_values
from airflow_provider_backup.cloud.services.cbr.replications import (
    CbrReplicationOperation,
    CbrReplicationRequest,
    ReplicationResult,
    replication_result,
)
from airflow_provider_backup.cloud.services.cbr.restores import CbrRestoreOperation, CbrRestoreRequest, RestoreTarget
from airflow_provider_backup.cloud.services.cbr.vault_deletion import (
    VaultDeletion,
    VaultDeletionRequest,
    deletion_of_vault,
    refuse_to_delete_backups,
)
from airflow_provider_backup.cloud.services.cbr.vault_results import VaultResult, vault_result
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.exceptions import (
    BackupFailedError,
    BackupTimeoutError,
    FinalBackupFailedError,
    VaultMissingError,
)
from airflow_provider_backup.operators.apply import ApplyNamedOperator
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice, check_ids, in_seconds, listed
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.create_policy import CreatePolicyOperator, check_model
from airflow_provider_backup.operators.delete_backup import CheckpointDeleteBackupOperator
from airflow_provider_backup.operators.deletion import DeletionOperator
from airflow_provider_backup.operators.existing_policy import (
    DeletePolicyOperator,
    ExistingPolicyOperator,
    GetPolicyOperator,
    ListPoliciesOperator,
)
from airflow_provider_backup.operators.latest_backup import GetLatestBackupOperator
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.operators.policy_arguments import PolicyArguments, known_schedule
from airflow_provider_backup.operators.prune_backups import PruneBackupsOperator
from airflow_provider_backup.operators.restore_backup import RestoreBackupOperator
from airflow_provider_backup.tasks.conflict import Conflict
from airflow_provider_backup.tasks.deferral import OperatorWaitMixin, wait_plan
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from airflow_provider_backup.tasks.freshness_targets import VaultResourceFreshness
from airflow_provider_backup.tasks.reference_arguments import CheckpointReferenceMixin
from airflow_provider_backup.tasks.templating import has_template
from airflow_provider_backup.version_compat import own_xcom

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.cbr.applied_vault import FoundVault
    from airflow_provider_backup.cloud.services.cbr.models import Policy

_SOME_DEFINITION = {"timezone": "UTC+00:00", "destination_region": "region", "destination_project_id": "project"}
"""Placeholder for the values of the existing policy, which is not read while arguments are checked."""

_AFTER_A_FAILED_COPY = (
    "Check the reason, and the vault in the destination. The next try, or clearing the task, copies again what has no "
    "good copy."
)

_ONE_DAY = timedelta(days=1)
"""By how much less an end may differ from what was asked for: services count days from different moments."""


class CbrPolicyArguments(PolicyArguments):
    """Arguments of a CBR policy.

    :param patterns: when it runs, as recurrence rules of the service, in UTC. Mutually exclusive with ``schedule``
        (templated).
    :param full_backup_interval: incremental backups between two full ones, 0 to 100; -1 for no further full ones;
        Huawei Cloud only (templated).
    :param destination_region: replication policies: region to copy to (templated).
    :param destination_project_id: replication policies: project to copy to (templated).
    """

    template_fields: Sequence[str] = (
        *PolicyArguments.template_fields,
        "patterns",
        "full_backup_interval",
        "destination_region",
        "destination_project_id",
    )

    def __init__(
        self,
        *,
        patterns: Sequence[str] | None = None,
        full_backup_interval: int | None = None,
        destination_region: str | None = None,
        destination_project_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.patterns = patterns
        self.full_backup_interval = full_backup_interval
        self.destination_region = destination_region
        self.destination_project_id = destination_project_id

    def values(self, schedule: str | None, time_zone: str | None, **more: Any) -> dict[str, Any]:
        """Return the nested fields of a policy, without those that are ``None``.

        :param schedule: overrides the argument ``schedule``.
        :param time_zone: overrides the argument ``time_zone``.
        :param more: further fields.
        :raises InvalidRequestError: the schedule is invalid, or CBR does not support it.
        """
        return policy_values(
            name=self.name,
            enabled=self.enabled,
            schedule=None if schedule is None else Schedule.parse(schedule, "UTC" if time_zone is None else time_zone),
            patterns=listed(self.patterns),
            full_backup_interval=self.full_backup_interval,
            destination_region=self.destination_region,
            destination_project_id=self.destination_project_id,
            **self.retention(time_zone),
            **more,
        )


class CbrCreatePolicyOperator(CbrPolicyArguments, CreatePolicyOperator):
    """Create a policy: ``POST /v3/{project_id}/policies`` (CBR section 4.1).

    Give either ``policy`` or the single arguments, which are described at :class:`CbrPolicyArguments` and
    :class:`~airflow_provider_backup.operators.policy_arguments.PolicyArguments`. Without any retention argument,
    backups are kept forever.

    :param policy: a :class:`~airflow_provider_backup.cloud.services.cbr.models.PolicyCreate`.
    :param operation_type: ``backup`` or ``replication``; ``None`` means ``backup`` (templated).
    """

    template_fields: Sequence[str] = (
        *CbrPolicyArguments.template_fields,
        "operation_type",
    )
    title = "CBR"
    model = PolicyCreate

    def __init__(
        self, *, policy: PolicyCreate | None = None, operation_type: str | None = "backup", **kwargs: Any
    ) -> None:
        super().__init__(policy=policy, **kwargs)
        self.operation_type = operation_type

    def from_arguments(self, schedule: str | None, time_zone: str | None) -> PolicyCreate:
        """Build the policy from the single arguments."""
        values = self.values(
            schedule, time_zone, operation_type="backup" if self.operation_type is None else self.operation_type
        )
        return validated(PolicyCreate, "CBR policy", {"operation_definition": {}, **values})

    async def find(self, cloud: BackupCloud, name: str) -> PolicyResult | None:
        """Search the list: CBR has no filter by name."""
        async for policy in cloud.cbr.policies.list():
            if policy.name == name:
                return _result(policy, created=False)
        return None

    async def create(self, cloud: BackupCloud, policy: PolicyCreate) -> PolicyResult:
        """Create the policy."""
        return _result(await cloud.cbr.policies.create(policy), created=True)


class CbrUpdatePolicyOperator(CbrPolicyArguments, ExistingPolicyOperator):
    """Change a policy: ``PUT /v3/{project_id}/policies/{policy_id}`` (CBR section 4.4).

    Arguments that are ``None`` leave their part of the policy unchanged. The service replaces retention, its zone and
    the replication destination as a whole: if one of them is given, the task reads the policy first and sends the
    others unchanged. A limit is removed with -1, a long-term number with 0. A ``schedule`` without ``time_zone`` is in
    UTC. Give either ``policy`` or the single arguments, which are described at :class:`CbrPolicyArguments` and
    :class:`~airflow_provider_backup.operators.policy_arguments.PolicyArguments`.

    :param policy_id: id of the policy (templated).
    :param policy: a :class:`~airflow_provider_backup.cloud.services.cbr.models.PolicyUpdate`.
    """

    template_fields: Sequence[str] = (*CbrPolicyArguments.template_fields, "policy_id")

    def __init__(self, *, policy: PolicyUpdate | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.policy = policy

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        if self.policy is None:
            self.check_while_parsing(
                lambda: self.from_arguments(*known_schedule(self.schedule, self.time_zone), _SOME_DEFINITION)
            )
        else:
            check_model(self, self.policy, PolicyUpdate)

    def retention(self, time_zone: str | None) -> dict[str, Any]:
        """Return the fields of ``operation_definition`` that are not ``None``, the zone included."""
        return self.numbers() | ({} if time_zone is None else {"timezone": offset_text(time_zone)})

    def from_arguments(
        self, schedule: str | None, time_zone: str | None, definition: Mapping[str, Any]
    ) -> PolicyUpdate:
        """Build the change from the single arguments.

        :param schedule: overrides the argument ``schedule``.
        :param time_zone: overrides the argument ``time_zone``.
        :param definition: the ``operation_definition`` of the existing policy, which the arguments change.
        :raises InvalidRequestError: a documented rule is broken, or nothing is changed.
        """
        values = self.values(schedule, time_zone)
        if not values:
            raise InvalidRequestError("CBR policy", [Violation("policy", "give at least one field to change", None)])
        if given := values.get("operation_definition"):
            whole = {**definition, **given}
            if any(whole.get(name) for name in LONG_TERM):
                whole.setdefault("timezone", offset_text("UTC"))
            values["operation_definition"] = whole
        return validated(PolicyUpdate, "CBR policy", values)

    def perform(self, context: Any) -> PolicyResult:
        """Change the policy.

        :return: see :class:`~airflow_provider_backup.cloud.operations.policy.PolicyResult`.
        :raises NotFoundError: there is no such policy.
        """
        self.built(lambda: check_ids(self.task_id, policy_id=self.policy_id))
        request = self.policy or self.built(
            lambda: self.from_arguments(self.schedule, self.time_zone, _SOME_DEFINITION)
        )
        fields = ", ".join(request.to_wire())
        self.log.info("Changing %s of CBR policy %s (%s).", fields, one_line(self.policy_id), self.connection_text)
        result = _result(self.act(lambda cloud: self._update(cloud, request)))
        self.log.info("Changed %s of CBR policy %s (%s).", fields, one_line(f"{result['name']}"), self.policy_id)
        return result

    async def _update(self, cloud: BackupCloud, request: PolicyUpdate) -> Policy:
        if self.policy is None and request.operation_definition is not None:
            held = definition_of(await cloud.cbr.policies.get(self.policy_id))
            request = self.from_arguments(self.schedule, self.time_zone, held)
        return await cloud.cbr.policies.update(self.policy_id, request)


class CbrApplyPolicyOperator(CbrPolicyArguments, ApplyNamedOperator["Policy"]):
    """Bring a policy to the described state: create it, change only what differs, or do nothing (CBR section 4).

    Arguments that are ``None`` leave their part of the policy as it is. A limit is removed with -1, a long-term number
    with 0. A named ``time_zone`` counts with its offset on the day of the run, so that a policy that is applied every
    day keeps its local time over daylight saving. The arguments of the policy are described at
    :class:`CbrPolicyArguments` and :class:`~airflow_provider_backup.operators.policy_arguments.PolicyArguments`.

    :param policy_id: id of the policy, which must exist; ``name`` becomes its name (templated). ``None``: the policy is
        found by ``name``, and created if there is none; then ``schedule`` or ``patterns`` must be given.
    :param operation_type: ``backup`` or ``replication``; cannot be changed later (templated). ``None``: any with
        ``policy_id``, otherwise ``backup``.
    :param vault_ids: ids of the vaults that the policy must be bound to; of a replication policy a mapping from each
        to the vault that receives its copies (templated). A vault has one policy of each type, so another one is
        replaced; the log names it. ``None`` leaves all bindings as they are.
    :param unbind_others: whether the policy is taken off vaults that ``vault_ids`` does not name.
    :param state: ``present``, or ``absent`` to delete the policy; the backups that it made stay.
    :param dry_run: whether to read, log and return what differs, and to send nothing that changes anything.
    """

    template_fields: Sequence[str] = (*CbrPolicyArguments.template_fields, "policy_id", "operation_type", "vault_ids")
    service_name = "cbr"
    kind = "policy"
    title = "CBR policy"
    id_argument = "policy_id"

    def __init__(
        self,
        *,
        policy_id: str | None = None,
        operation_type: str | None = None,
        vault_ids: Sequence[str] | Mapping[str, str] | None = None,
        unbind_others: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.policy_id = policy_id
        self.operation_type = operation_type
        self.vault_ids = vault_ids
        self.unbind_others = unbind_others

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        if self.unbind_others and self.vault_ids is None:
            rule = "needs vault_ids: the vaults that the policy stays bound to"
            raise InvalidRequestError(f"Task {self.task_id!r}", [Violation("unbind_others", rule, True)])
        if self.state == "present":
            self.check_while_parsing(lambda: self._fields({}, *known_schedule(self.schedule, self.time_zone)))

    def identity(self, found: Policy | None) -> tuple[str | None, str | None]:
        """Return id and name of the policy."""
        return (self.policy_id, self.name) if found is None else (found.id, found.name)

    async def read(self, cloud: BackupCloud, identifier: str) -> Policy:
        """Read the policy with this id."""
        return await cloud.cbr.policies.get(identifier)

    async def listed_by_name(self, cloud: BackupCloud, name: str) -> AsyncIterator[Policy]:
        """Search the list: CBR has no filter by name."""
        async for policy in cloud.cbr.policies.list(operation_type=self.operation_type or "backup"):
            if policy.name == name:
                yield policy

    def held(self, found: Policy) -> dict[str, Any]:
        """Return the state of the policy."""
        return held_fields(found)

    def wanted(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Return the described state."""
        return self._fields(held, self.schedule, self.time_zone)

    async def create(self, cloud: BackupCloud) -> Policy:
        """Create the policy; vaults are bound afterwards."""
        values = self.values(self.schedule, self.time_zone, operation_type=self.operation_type or "backup")
        policy = validated(PolicyCreate, "CBR policy", {"operation_definition": {}, **values})
        return await cloud.cbr.policies.create(policy)

    async def change(self, cloud: BackupCloud, found: Policy, plan: Sequence[Difference]) -> None:
        """Change the policy in one request, then bind and unbind vaults one by one."""
        changes = {each["field"]: each["to"] for each in plan}
        if (update := policy_update(found, changes)) is not None:
            await cloud.cbr.policies.update(found.id, update)
        if "vault_ids" in changes:
            await self._bind(cloud, found, changes["vault_ids"])

    async def delete(self, cloud: BackupCloud, found: Policy) -> None:
        """Delete the policy."""
        await cloud.cbr.policies.delete(found.id)

    def _fields(self, held: Mapping[str, Any], schedule: str | None, time_zone: str | None) -> dict[str, Any]:
        if self.policy_id is None and schedule is None and self.patterns is None:
            rule = "one of schedule, patterns must be given, unless the policy is named by policy_id"
            raise InvalidRequestError(self.title, [Violation("schedule", rule, None)])
        operation_type = self.operation_type
        if operation_type is None:
            operation_type = held.get("operation_type") or "backup"
        if not has_template(operation_type):
            check_choice(self.task_id, "operation_type", operation_type, ("backup", "replication"))
        if held and operation_type != held.get("operation_type"):
            rule = f"cannot be changed, the policy is for {held.get('operation_type')}: describe one of another name"
            raise InvalidRequestError(self.title, [Violation("operation_type", rule, operation_type)])
        bound = {}
        if self.vault_ids is not None and not has_template((self.vault_ids, operation_type)):
            bound["vault_ids"] = described_vaults(
                self.vault_ids if isinstance(self.vault_ids, Mapping) else listed(self.vault_ids),
                held,
                operation_type=operation_type,
                only=self.unbind_others,
            )
        values = self.values(schedule, time_zone)
        described = policy_fields(validated(PolicyUpdate, self.title, values).to_wire()) if values else {}
        offset = None if time_zone is None else offset_text(time_zone)
        return fields_with_zone(described, held, offset=offset) | bound

    async def _bind(self, cloud: BackupCloud, policy: Policy, vaults: Sequence[str] | Mapping[str, str]) -> None:
        held = bound_vaults(policy)
        # The destination of a vault; of a backup policy there is none.
        after, before = (each if isinstance(each, dict) else dict.fromkeys(each) for each in (vaults, held))
        new = {vault: destination for vault, destination in after.items() if before.get(vault, "") != destination}
        if new:
            await self._name_replaced(cloud, policy, new)
        for vault, destination in new.items():
            await cloud.cbr.vaults.associate_policy(vault, policy.id, destination_vault_id=destination)
            self.log.info("Bound CBR policy %s to vault %s.", one_line(policy.name), one_line(vault))
        for vault in before.keys() - after.keys():
            await cloud.cbr.vaults.dissociate_policy(vault, policy.id)
            self.log.info("Took CBR policy %s off vault %s.", one_line(policy.name), one_line(vault))

    async def _name_replaced(self, cloud: BackupCloud, policy: Policy, vaults: Mapping[str, str | None]) -> None:
        async for other in cloud.cbr.policies.list(operation_type=policy.operation_type):
            for vault in vaults if other.id != policy.id else ():
                if vault in bound_vaults(other):
                    self.log.warning(
                        "Vault %s was bound to CBR policy %s, which is replaced.",
                        one_line(vault),
                        one_line(f"{other.name} ({other.id})"),
                    )


class CbrGetPolicyOperator(GetPolicyOperator):
    """Read a policy: ``GET /v3/{project_id}/policies/{policy_id}`` (CBR section 4.5).

    :param policy_id: id of the policy (templated).
    """

    title = "CBR policy"

    async def read(self, cloud: BackupCloud) -> PolicyResult:
        """Read the policy."""
        return _result(await cloud.cbr.policies.get(self.policy_id))


class CbrListPoliciesOperator(ListPoliciesOperator):
    """Read all policies, or those that match: ``GET /v3/{project_id}/policies`` (CBR section 4.5).

    :param name: the exact name; ``None`` for all (templated).
    :param operation_type: ``backup`` or ``replication``; ``None`` for both (templated).
    :param vault_id: policies that are bound to this vault; ``None`` for all (templated).
    """

    template_fields: Sequence[str] = (*ListPoliciesOperator.template_fields, "operation_type", "vault_id")
    title = "CBR policy"

    def __init__(self, *, operation_type: str | None = None, vault_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.operation_type = operation_type
        self.vault_id = vault_id

    def check_arguments(self) -> None:
        """Reject filters that the service does not know.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        filters = {"operation_type": self.operation_type, "vault_id": self.vault_id}
        self.check_while_parsing(lambda: validated(PolicyQuery, "CBR policy list", filters))

    async def listed(self, cloud: BackupCloud) -> AsyncIterator[PolicyResult]:
        """Read the policies."""
        async for policy in cloud.cbr.policies.list(operation_type=self.operation_type, vault_id=self.vault_id):
            yield _result(policy)


class CbrDeletePolicyOperator(DeletePolicyOperator):
    """Delete a policy; the backups that it made stay: ``DELETE /v3/{project_id}/policies/{policy_id}`` (CBR section 4).

    Vaults that it is bound to are no longer backed up by it. The arguments are those of
    :class:`~airflow_provider_backup.operators.existing_policy.DeletePolicyOperator`.
    """

    service_name = "cbr"
    title = "CBR policy"

    async def read(self, cloud: BackupCloud) -> PolicyResult:
        """Read the policy."""
        return _result(await cloud.cbr.policies.get(self.policy_id))

    async def delete(self, cloud: BackupCloud) -> None:
        """Delete the policy."""
        await cloud.cbr.policies.delete(self.policy_id)


class CbrCreateBackupOperator(CreateBackupOperator):
    """Back up the resources of a vault in one checkpoint: ``POST /v3/{project_id}/checkpoints`` (CBR section 6.1).

    The task succeeds when the checkpoint and its backups are available. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.create_backup.CreateBackupOperator`.

    :param vault_id: id of the vault (templated).
    :param resource_ids: some of the vault's resources; ``None`` for all (templated).
    :param resource_details: like ``resource_ids`` with types, each ``{"id": ..., "type": ...}`` (templated).
    :param name: name of the backups, 1 to 64 letters, digits, ``_`` or ``-`` (templated). ``None``: generated
        from DAG, task and a key of the task instance.
    :param description: at most 255 characters without ``<`` and ``>`` (templated).
    :param incremental: ``False`` for full backups; ``None`` leaves it to the service (templated).
    :param retention_days: days after which the service deletes the backups by itself, 1 to 36,500; ``None`` or -1 keeps
        them until a user deletes them (templated). No page of the service documents it, only its SDK: the task warns
        when a backup does not expire as it should, see ``expires_at`` in the result.
    :param fail_on_skipped: whether a backup that omitted resources counts as failed.
    """

    operation = CbrBackupOperation

    template_fields: Sequence[str] = (
        *CreateBackupOperator.template_fields,
        "vault_id",
        "resource_ids",
        "resource_details",
        "name",
        "description",
        "incremental",
        "retention_days",
    )

    def __init__(
        self,
        *,
        vault_id: str,
        resource_ids: Sequence[str] | None = None,
        resource_details: Sequence[Mapping[str, Any]] | None = None,
        name: str | None = None,
        description: str | None = None,
        incremental: bool | None = None,
        retention_days: int | None = None,
        fail_on_skipped: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vault_id = vault_id
        self.resource_ids = resource_ids
        self.resource_details = resource_details
        self.name = name
        self.description = description
        self.incremental = incremental
        self.retention_days = retention_days
        self.fail_on_skipped = fail_on_skipped

    def request(self, name: str) -> CheckpointCreate:
        """Build the request."""
        parameters = {
            "name": name,
            "description": self.description,
            "incremental": self.incremental,
            "retention_duration_days": self.retention_days,
            "resources": listed(self.resource_ids),
            "resource_details": listed(self.resource_details),
        }
        given = {key: value for key, value in parameters.items() if value is not None}
        return validated(CheckpointCreate, "CBR backup", {"vault_id": self.vault_id, "parameters": given})

    def operation_of(self, cloud: BackupCloud) -> CbrBackupOperation:
        """Return the backup of a vault."""
        return CbrBackupOperation(cloud.cbr)

    def compared_arguments(self) -> dict[str, Any]:
        """Return what is the same in all tries; the previous release knew no ``retention_days``."""
        arguments = super().compared_arguments()
        if self.retention_days is None:
            del arguments["retention_days"]
        return arguments

    def end(self, observation: OperationState) -> BackupResult:
        """Return the result of a successful backup, or raise the error of another outcome."""
        return self._checked(super().end(observation))

    def succeeded(self, context: Any, result: dict[str, Any]) -> Any:
        """Return the result of a backup that the trigger reported as successful.

        :param context: the context of the task.
        :param result: how it was last observed, from the event.
        """
        return self._checked(super().succeeded(context, result))

    def _checked(self, result: BackupResult) -> BackupResult:
        days = -1 if self.retention_days is None else int(self.retention_days)
        begun, end = (timestamp_of(result.get(name)) for name in ("created_at", "expires_at"))
        if days <= 0 or begun is None or (end is not None and abs(end - begun - timedelta(days=days)) < _ONE_DAY):
            return result
        self.log.warning(
            "The backup was to expire after %d days (retention_days), but %s. Delete it when it is not needed any "
            "more, for instance with CbrPruneBackupsOperator.",
            days,
            "it never does" if end is None else f"it expires at {end.isoformat()}",
        )
        return result


class CbrDeleteBackupOperator(CheckpointDeleteBackupOperator):
    """Delete all backups of a checkpoint, or one backup (CBR section 7.3).

    The arguments are those of :class:`~airflow_provider_backup.operators.delete_backup.CheckpointDeleteBackupOperator`.
    """

    service_name = "cbr"


class CbrRestoreBackupOperator(CheckpointReferenceMixin, RestoreBackupOperator):
    """Overwrite a server, disk or file system with a backup: ``POST /v3/{project_id}/backups/{backup_id}/restore`` (CBR
    section 7.4).

    The service shuts a server down and starts it again. A disk must be detached, or its server stopped. The restore
    has succeeded when its operation log reports so and the status of the backup is no longer ``restoring``. The other
    arguments are those of :class:`~airflow_provider_backup.operators.restore_backup.RestoreBackupOperator`.

    :param checkpoint_id: id of a checkpoint, whose backup of the resource is restored. Mutually exclusive with
        ``backup_id`` (templated).
    :param server_id: id of the server to overwrite; ``None`` for the one that was backed up (templated).
    :param volume_id: id of the disk to overwrite, for the backup of a disk; ``None`` for the one that was backed up
        (templated).
    :param resource_id: id of the file system (SFS Turbo) to overwrite, for the backup of a file system; ``None`` for
        the one that was backed up (templated).
    :param mappings: for a server, the disks to overwrite: keys are ids of the disks that were backed up, or of their
        backups, values are ids of the disks to overwrite (templated). Other disks are left alone. ``None`` overwrites
        each disk that was backed up.
    :param power_on: whether the server is started afterwards; ``None`` means ``True`` (templated).
    """

    target_fields = ("server_id", "volume_id", "resource_id", "mappings", "power_on")
    template_fields: Sequence[str] = (
        *RestoreBackupOperator.template_fields,
        "checkpoint_id",
        *target_fields,
    )
    service_name = "cbr"
    operation = CbrRestoreOperation

    def __init__(
        self,
        *,
        checkpoint_id: str | None = None,
        server_id: str | None = None,
        volume_id: str | None = None,
        resource_id: str | None = None,
        mappings: Mapping[str, str] | None = None,
        power_on: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.checkpoint_id = checkpoint_id
        self.server_id = server_id
        self.volume_id = volume_id
        self.resource_id = resource_id
        self.mappings = mappings
        self.power_on = power_on

    def target(self) -> RestoreTarget:
        """Build what is overwritten."""
        return validated(RestoreTarget, "CBR restore", {name: getattr(self, name) for name in self.target_fields})

    def request(self, name: str) -> CbrRestoreRequest:
        """Build the request."""
        return CbrRestoreRequest(self.reference(), self.target())

    def operation_of(self, cloud: BackupCloud) -> CbrRestoreOperation:
        """Return the restore of a backup."""
        return cloud.cbr.restores


class CbrReplicateBackupOperator(CheckpointReferenceMixin, OperationOperator):
    """Copy the backup of a server, or each backup of a checkpoint, to a vault in another region: ``POST
    /v3/{project_id}/backups/{backup_id}/replicate`` (CBR section 7.5).

    The service copies good backups of servers, each once to a region, to a vault for copies (``protect_type``
    ``replication``) there. The task has succeeded when the ``replication_records`` of each backup say so. What is
    copied already or being copied is adopted, whatever began it, so that a retry, a clear and a second task begin no
    second copy; a copy in another vault of the region fails the task before anything is sent. If the task ends early,
    the copy continues in the cloud.

    :param backup: the result of a create operator or a sensor (templated). Mutually exclusive with the ids.
    :param backup_id: id of the backup (templated).
    :param checkpoint_id: id of a checkpoint, each of whose backups is copied (templated).
    :param destination_region: name of the region that the copy goes to, 1 to 255 letters, digits, ``.``, ``_`` or ``-``
        (templated).
    :param destination_project_id: id of the project there (templated).
    :param destination_vault_id: id of a vault for copies there (templated).
    :param name: name of the copy, 1 to 64 letters, digits, ``_`` or ``-``; of several copies with a number after it,
        such as ``-0001``; ``None`` leaves it to the service (templated).
    :param description: at most 255 characters without ``<`` and ``>`` (templated).
    :param wait_for_completion: whether the task waits until the copies are good; otherwise it ends after the
        submission.
    :param deferrable: whether to wait in the triggerer, also for a busy backup; ``None`` follows ``[operators]
        default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0. It counts from the start of the task, includes the
        wait for a busy backup, and continues in retries that adopt the copy. The copy continues in the cloud after it.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while the backup is still being made or restored from:

        * ``wait``: submit again when it may be free, until ``timeout``.
        * ``adopt``: the same, as a copy that is being made is always adopted.
        * ``fail``: fail the task (retryable).
    :param retry_failed: whether the task may be retried, if it has ``retries``, after a copy failed; the next try
        copies again what has no good copy.
    """

    destination_fields = ("destination_region", "destination_project_id", "destination_vault_id")
    template_fields: Sequence[str] = (
        *OperationOperator.template_fields,
        "backup",
        "backup_id",
        "checkpoint_id",
        *destination_fields,
        "name",
        "description",
    )
    service_name = "cbr"
    operation = CbrReplicationOperation
    waits_for = "replication"
    next_step_after_timeout = "Give it more time (timeout); the copy continues in the cloud, and a retry adopts it."

    def __init__(
        self,
        *,
        destination_region: str,
        destination_project_id: str,
        destination_vault_id: str,
        backup: dict[str, Any] | None = None,
        backup_id: str | None = None,
        checkpoint_id: str | None = None,
        name: str | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.destination_region = destination_region
        self.destination_project_id = destination_project_id
        self.destination_vault_id = destination_vault_id
        self.backup = backup
        self.backup_id = backup_id
        self.checkpoint_id = checkpoint_id
        self.name = name
        self.description = description

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        :raises InvalidArgumentError: no backup is named, or several are.
        """
        super().check_arguments()
        self.check_while_parsing(self._copy)

    def own_name(self) -> str | None:
        """Return ``None``: no copy is found by its name."""
        return None

    def compared_arguments(self) -> dict[str, Any]:
        """Return what is the same in all tries of one copy: of the backup only which one it is."""
        arguments = super().compared_arguments()
        for name in ("backup", *(f"{kind}_id" for kind in self.ids())):
            arguments.pop(name, None)
        reference = self.reference()
        return {**arguments, "backup": [reference.kind, reference.backup_id]}

    def request(self, name: str) -> CbrReplicationRequest:
        """Build the request."""
        return CbrReplicationRequest(self.reference(), self._copy())

    def operation_of(self, cloud: BackupCloud) -> CbrReplicationOperation:
        """Return the copy of backups."""
        return cloud.cbr.replications

    def submit_and_wait(self, context: Any, conflict: Conflict | None) -> Any:
        """Begin or adopt the copies, and wait for them.

        :param context: the context of the task.
        :param conflict: the state of the wait from before the last deferral for a busy backup; ``None`` without one.
        """
        state, plan = self.submitted(context, conflict)
        if self.wait_for_completion:
            return self.wait(context, plan, state)
        self.log.info("%s; not waiting for it (wait_for_completion is False).", state)
        return replication_result(state, self._copy())

    def succeeded(self, context: Any, result: dict[str, Any]) -> Any:
        """Read the copies once more: the event of the trigger does not name them.

        :param context: the context of the task.
        :param result: how the copies were last observed, from the event.
        """
        return self.continue_wait(context, self.plan_of(context))

    def finish(self, plan: dict[str, Any], observation: OperationState) -> ReplicationResult:
        """Return the result of copies that are all good.

        :param plan: the wait, from ``wait_plan``.
        :param observation: the terminal state of the copies.
        :raises BackupFailedError: a copy failed.
        """
        if observation.phase is not Phase.SUCCEEDED:
            error = BackupFailedError if self.retry_failed else FinalBackupFailedError
            raise error(observation, next_step=_AFTER_A_FAILED_COPY)
        self.log.info("%s", observation)
        return replication_result(observation, self._copy())

    def _copy(self) -> BackupReplication:
        values = {name: getattr(self, name) for name in (*self.destination_fields, "name", "description")}
        given = {name: value for name, value in values.items() if value is not None}
        return validated(BackupReplication, "CBR replication", given)


def _result(policy: Policy, *, created: bool | None = None) -> PolicyResult:
    vaults = [vault.vault_id for vault in policy.associated_vaults if vault.vault_id]
    return policy_result("cbr", policy, enabled=policy.enabled, resource_ids=vaults, created=created)


class CbrGetLatestBackupOperator(VaultResourceFreshness, GetLatestBackupOperator):
    """Return the newest good backup of a server, disk or file system, or of each of several (CBR section 7.2).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.VaultResourceFreshness` and
    :class:`~airflow_provider_backup.operators.latest_backup.GetLatestBackupOperator`.
    """

    template_fields: Sequence[str] = (*GetLatestBackupOperator.template_fields, *VaultResourceFreshness.target_fields)
    service_name = "cbr"


class CbrPruneBackupsOperator(PruneBackupsOperator):
    """Delete the backups in vaults that no rule keeps (CBR section 7.3).

    Each resource is decided by itself, in each vault. Copies of backups of other regions are left alone. Whether the
    backup of a server is shared takes one request for each that would be deleted.

    The other arguments are those of :class:`~airflow_provider_backup.operators.prune_backups.PruneBackupsOperator`.

    :param vault_ids: ids of one vault or more (templated).
    """

    template_fields: Sequence[str] = (*PruneBackupsOperator.template_fields, "vault_ids")
    service_name = "cbr"
    targets_argument = "vault_ids"

    def __init__(self, *, vault_ids: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vault_ids = vault_ids


class CbrVaultArguments(BackupCloudOperator):
    """The arguments that describe a vault (CBR section 5); those that are ``None`` leave their part as it is.

    :param name: 1 to 64 letters, digits, ``_`` or ``-`` (templated).
    :param size: GB, 10 to 10,485,760, and never less than the backups in the vault take (templated). A vault that
        expands by itself may be larger.
    :param object_type: what the vault holds: ``server``, ``disk``, ``turbo`` and others; fixed at the creation
        (templated).
    :param protect_type: ``backup``, or ``replication`` for a vault that receives copies; fixed at the creation
        (templated). ``None`` creates one for backups.
    :param consistent_level: ``crash_consistent`` or ``app_consistent`` (templated). ``None`` creates a vault with
        ``crash_consistent``.
    :param charging_mode: ``post_paid``: a subscription is an order with a bill, and is placed in the provider's console
        (templated).
    :param description: 0 to 64 characters without ``<`` and ``>``; fixed at the creation (templated).
    :param backup_name_prefix: beginning of the names of automatic backups, 0 to 32 characters; fixed at the creation
        (templated).
    :param enterprise_project_id: ``0`` for the default one; fixed at the creation (templated).
    :param tags: all tags of the vault, at most 20 (10 on Huawei Cloud): others are taken off (templated).
    :param auto_bind: whether the vault takes in resources by itself (templated).
    :param bind_rules: tags of the resources that it takes in, 1 to 5 (templated).
    :param auto_expand: whether it grows when it is full (templated).
    :param smn_notify: whether a message is sent when ``threshold`` is reached (templated).
    :param threshold: used part in per cent, 1 to 100 (templated).
    :param locked: whether the automatic backups are protected from deletion, which **can never be undone** (templated).
    :param irreversible: must be ``True`` with ``locked=True``.
    :param resource_ids: ids of the resources in the vault, at most 256 together with ``resource_details``; what is
        missing is added (templated). What neither of the two names is left in, unless ``delete_backups`` is set.
    :param resource_details: further resources with types, each ``{"id": ..., "type": ...}``, and where wanted ``name``
        and ``extra_info``, which says which disks of a server are backed up (templated).
    :param backup_policy_id: id of the backup policy that the vault is bound to, an empty text for none (templated).
    :param replication_policy_id: likewise for the replication policy; with ``destination_vault_id`` (templated).
    :param destination_vault_id: id of the vault that receives the copies (templated).
    :param delete_backups: whether resources that are not described are removed. The removal **destroys all
        backups of a resource in the vault**. With ``state="absent"``: whether a vault that has backups is deleted.
    """

    described: Sequence[str] = tuple(VaultDescription.model_fields)
    template_fields: Sequence[str] = (
        *BackupCloudOperator.template_fields,
        *(name for name in VaultDescription.model_fields if name not in ("irreversible", "delete_backups")),
    )

    def __init__(
        self,
        *,
        name: str | None = None,
        size: int | None = None,
        object_type: str | None = None,
        protect_type: str | None = None,
        consistent_level: str | None = None,
        charging_mode: str | None = None,
        description: str | None = None,
        backup_name_prefix: str | None = None,
        enterprise_project_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        auto_bind: bool | None = None,
        bind_rules: Mapping[str, str] | None = None,
        auto_expand: bool | None = None,
        smn_notify: bool | None = None,
        threshold: int | None = None,
        locked: bool | None = None,
        irreversible: bool = False,
        resource_ids: Sequence[str] | None = None,
        resource_details: Sequence[Mapping[str, Any]] | None = None,
        backup_policy_id: str | None = None,
        replication_policy_id: str | None = None,
        destination_vault_id: str | None = None,
        delete_backups: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.size = size
        self.object_type = object_type
        self.protect_type = protect_type
        self.consistent_level = consistent_level
        self.charging_mode = charging_mode
        self.description = description
        self.backup_name_prefix = backup_name_prefix
        self.enterprise_project_id = enterprise_project_id
        self.tags = tags
        self.auto_bind = auto_bind
        self.bind_rules = bind_rules
        self.auto_expand = auto_expand
        self.smn_notify = smn_notify
        self.threshold = threshold
        self.locked = locked
        self.irreversible = irreversible
        self.resource_ids = resource_ids
        self.resource_details = resource_details
        self.backup_policy_id = backup_policy_id
        self.replication_policy_id = replication_policy_id
        self.destination_vault_id = destination_vault_id
        self.delete_backups = delete_backups

    def vault_description(self, *, is_complete: bool) -> VaultDescription:
        """Build the description from the arguments.

        :param is_complete: whether a vault may have to be created from it.
        :raises InvalidRequestError: a documented rule is broken, or arguments do not go together.
        """
        values = {name: listed(getattr(self, name)) for name in self.described}
        rule = "must be given, unless the vault is named by vault_id: without one of this name it is created"
        needed = ("size", "object_type") if is_complete else ()
        wrong = [Violation(name, rule, None) for name in needed if values[name] is None]
        try:
            description = validated(VaultDescription, "CBR vault", values)
        except InvalidRequestError as error:
            # A template elsewhere hides nothing that is wrong already.
            raise InvalidRequestError("CBR vault", [*wrong, *error.violations, *conflicts(values)]) from None
        if wrong := [*wrong, *conflicts(description.model_dump())]:
            raise InvalidRequestError("CBR vault", wrong)
        return description


class CbrApplyVaultOperator(CbrVaultArguments, OperatorWaitMixin, ApplyNamedOperator["FoundVault"]):
    """Bring a vault to the described state: create it, change only what differs, or do nothing (CBR section 5).

    Resources are added freely. They are removed only with ``delete_backups=True``, because the removal destroys their
    backups; the task waits until they are gone. A vault never becomes smaller than what its backups take. The arguments
    of the vault are described at :class:`CbrVaultArguments`.

    :param vault_id: id of the vault, which must exist; ``name`` becomes its name (templated). ``None``: the vault is
        found by ``name``, and created if there is none; then ``size`` and ``object_type`` must be given.
    :param state: ``present``, or ``absent`` to delete the vault; if there are backups in it, with
        ``delete_backups=True`` only.
    :param dry_run: whether to read, log and return what differs, and to send nothing that changes anything.
    :param wait_for_completion: whether the task waits until what is removed is gone; otherwise it ends after the
        request.
    :param deferrable: whether to wait in the triggerer; ``None`` follows ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0, counted from the start of each try. The removal
        continues in the cloud after it.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    """

    template_fields: Sequence[str] = (*CbrVaultArguments.template_fields, "vault_id")
    service_name = "cbr"
    kind = "vault"
    title = "CBR vault"
    id_argument = "vault_id"
    timeout_error = BackupTimeoutError
    waits_for = VaultDeletion.name
    next_step_after_timeout = "Give it more time (timeout); the removal continues in the cloud, and a retry awaits it."

    def __init__(
        self,
        *,
        vault_id: str | None = None,
        wait_for_completion: bool = True,
        deferrable: bool | None = None,
        poll_interval: float | timedelta = 10.0,
        timeout: float | timedelta = 60 * 60,
        tolerance: float | timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vault_id = vault_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable
        self.poll_interval = in_seconds(self.task_id, "poll_interval", poll_interval)
        self.timeout = in_seconds(self.task_id, "timeout", timeout)
        self.tolerance = None if tolerance is None else in_seconds(self.task_id, "tolerance", tolerance)
        self._removal: OperationReference | None = None

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        if self.state == "present":
            self.check_while_parsing(self._description)

    def identity(self, found: FoundVault | None) -> tuple[str | None, str | None]:
        """Return id and name of the vault."""
        return (self.vault_id, self.name) if found is None else (found.vault.id, found.vault.name)

    async def read(self, cloud: BackupCloud, identifier: str) -> FoundVault:
        """Read the vault with this id."""
        return await read_vault(cloud.cbr, identifier)

    def listed_by_name(self, cloud: BackupCloud, name: str) -> AsyncIterator[FoundVault]:
        """Read the vaults of this name."""
        return vaults_named(cloud.cbr, name)

    def held(self, found: FoundVault) -> dict[str, Any]:
        """Return the state of the vault; a removal that an earlier run requested is waited for."""
        self._removal = found.removal
        return found.fields

    def wanted(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Return the described state."""
        description = self._description()
        fields = described_fields(description, held)
        left_in = [] if description.delete_backups else undescribed_resources(description, held)
        if left_in:
            self.log.warning(
                "%d resources are not described and stay in the vault, as delete_backups is not set: %s",
                len(left_in),
                one_line(", ".join(left_in)),
            )
        return fields

    async def create(self, cloud: BackupCloud) -> FoundVault:
        """Create the vault."""
        return await create_vault(cloud.cbr, self._description())

    async def change(self, cloud: BackupCloud, found: FoundVault, plan: Sequence[Difference]) -> None:
        """Change what differs."""
        changes = {each["field"]: each["to"] for each in plan}
        removal = await change_vault(cloud.cbr, self._description(), found, changes)
        self._removal = removal or found.removal

    async def delete(self, cloud: BackupCloud, found: FoundVault) -> None:
        """Delete the vault.

        :raises InvalidRequestError: there are backups in it, and ``delete_backups`` is not set.
        """
        if not self.delete_backups:
            await refuse_to_delete_backups(cloud.cbr.backups, found.vault)
        await cloud.cbr.vaults.delete(found.vault.id)
        self._removal = deletion_of_vault(found.vault.id)

    def perform(self, context: Any) -> AppliedResult:
        """Compare, change what differs, and wait until what is removed is gone.

        :return: see :class:`~airflow_provider_backup.cloud.operations.described_state.AppliedResult`.
        :raises InvalidArgumentError: a documented rule is broken; nothing was sent that changes anything.
        :raises AmbiguousNameError: several vaults have the name.
        :raises BackupFailedError: a removal failed.
        :raises BackupTimeoutError: what is removed is still there after ``timeout``.
        """
        deadline = current_clock().time() + self.timeout
        self._removal = None
        result: AppliedResult = super().perform(context)
        # Finding and changing the vault have set it.
        removal = cast("OperationReference | None", self._removal)
        if removal is None or self.is_dry_run or not self.wait_for_completion:
            return result
        seen = self.act(lambda cloud: self.look(cloud, removal, is_new=True))
        wait = wait_plan(seen.reference, self.poll_interval, deadline, tolerance=self.tolerance)
        # For the result after a deferral; not for the trigger.
        wait["result"] = result
        ended: AppliedResult = self.wait(context, wait, seen)
        return ended

    def succeeded(self, context: Any, result: dict[str, Any]) -> AppliedResult:
        """Return what was changed, now that the trigger reported that what is removed is gone.

        :param context: the context of the task.
        :param result: how the removal was last observed.
        """
        wait = own_xcom(context["ti"], WAIT_XCOM)
        if not isinstance(wait, dict) or "result" not in wait:
            raise BackupError(
                "What was to be removed is gone, but the XCom that holds what was changed was deleted.",
                next_step="Nothing has to be done; the log of this task names the changes.",
            )
        ended: AppliedResult = wait["result"]
        return ended

    def finish(self, plan: dict[str, Any], observation: OperationState) -> AppliedResult:
        """Return what was changed.

        :param plan: the wait, from ``wait_plan``.
        :param observation: the terminal state of the removal.
        :raises BackupFailedError: the removal failed.
        """
        if observation.phase is not Phase.SUCCEEDED:
            raise BackupFailedError(
                observation, next_step="Check it in the cloud; a retry, or clearing the task, requests it again."
            )
        ended: AppliedResult = plan["result"]
        return ended

    def _description(self) -> VaultDescription:
        return self.vault_description(is_complete=self.vault_id is None)


class CbrGetVaultOperator(BackupCloudOperator):
    """Read a vault with the policies that it is bound to: ``GET /v3/{project_id}/vaults/{vault_id}`` (CBR section 5.2).

    :param vault_id: id of the vault (templated).
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, "vault_id")

    def __init__(self, *, vault_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vault_id = vault_id

    def check_arguments(self) -> None:
        """Reject an id that is no text or empty."""
        super().check_arguments()
        check_ids(self.task_id, vault_id=self.vault_id)

    def perform(self, context: Any) -> VaultResult:
        """Read the vault.

        :return: see :class:`~airflow_provider_backup.cloud.services.cbr.vault_results.VaultResult`.
        :raises NotFoundError: there is no such vault.
        """
        self.built(lambda: check_ids(self.task_id, vault_id=self.vault_id))
        found = self.act(lambda cloud: read_vault(cloud.cbr, self.vault_id))
        return vault_result(found.vault, found.policies)


class CbrListVaultsOperator(BackupCloudOperator):
    """Read all vaults, or those that match: ``GET /v3/{project_id}/vaults`` (CBR section 5.3).

    The policies of all vaults take one request more.

    :param name: the exact name; ``None`` for all (templated).
    :param object_type: what the vaults hold, such as ``server``; ``None`` for all (templated).
    :param protect_type: ``backup`` or ``replication``; ``None`` for both (templated).
    :param policy_id: vaults that are bound to this policy; ``None`` for all (templated).
    :param resource_ids: vaults that have one of these resources; ``None`` for all (templated).
    """

    filters: Sequence[str] = ("name", "object_type", "protect_type", "policy_id", "resource_ids")
    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, *filters)

    def __init__(
        self,
        *,
        name: str | None = None,
        object_type: str | None = None,
        protect_type: str | None = None,
        policy_id: str | None = None,
        resource_ids: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.object_type = object_type
        self.protect_type = protect_type
        self.policy_id = policy_id
        self.resource_ids = resource_ids

    def check_arguments(self) -> None:
        """Reject filters that the service does not know.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        self.check_while_parsing(self._query)

    def perform(self, context: Any) -> list[VaultResult]:
        """Read the vaults.

        :return: a :class:`~airflow_provider_backup.cloud.services.cbr.vault_results.VaultResult` for each.
        """
        query = self.built(self._query)
        return self.act(lambda cloud: self._read(cloud, query))

    def _query(self) -> VaultQuery:
        values = {name: listed(getattr(self, name)) for name in self.filters}
        if (ids := values["resource_ids"]) is not None:
            if not isinstance(ids, list) or not ids or not all(isinstance(each, str) and each for each in ids):
                rule = "must be a list of one id or more"
                raise InvalidRequestError("CBR vault list", [Violation("resource_ids", rule, ids)])
            values["resource_ids"] = ",".join(ids)
        return validated(VaultQuery, "CBR vault list", values)

    async def _read(self, cloud: BackupCloud, query: VaultQuery) -> list[VaultResult]:
        vaults = [vault async for vault in cloud.cbr.vaults.list(**query.to_wire())]
        policies = [policy async for policy in cloud.cbr.policies.list()] if vaults else []
        return [vault_result(vault, policies) for vault in vaults]


class CbrDeleteVaultOperator(DeletionOperator):
    """Delete a vault **with every backup in it**, and wait until it is gone (CBR section 5.5).

    The vault is read before, and nothing is sent if it has backups, unless ``delete_backups`` is set. The other
    arguments are those of :class:`~airflow_provider_backup.operators.deletion.DeletionOperator`.

    :param vault_id: id of the vault (templated).
    :param delete_backups: whether a vault that has backups is deleted.
    """

    template_fields: Sequence[str] = (*DeletionOperator.template_fields, "vault_id")
    waits_for = VaultDeletion.name
    missing_error = VaultMissingError

    def __init__(self, *, vault_id: str, delete_backups: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vault_id = vault_id
        self.delete_backups = delete_backups

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: an id is empty or missing, whatever the templates become.
        """
        super().check_arguments()
        self.check_while_parsing(self.request)

    def target(self) -> OperationReference:
        """Return the vault that the arguments name."""
        return target_of(deletion_of_vault(self.vault_id))

    def request(self) -> VaultDeletionRequest:
        """Build the request of the deletion from the arguments."""
        values = {"vault_id": self.vault_id, "delete_backups": self.delete_backups}
        return validated(VaultDeletionRequest, "Deletion of a CBR vault", values)

    def operation_of(self, cloud: BackupCloud) -> VaultDeletion:
        """Return the deletion of a vault."""
        return cloud.cbr.vault_deletion

    def names_of(self, before: OperationState) -> tuple[str, ...]:
        """Return the vault with its name."""
        return (f"{before.reference} {before.name!r}",)

    def result_of(self, target: OperationReference) -> dict[str, Any]:
        """Return service and vault."""
        return {"service": target.service, "vault_id": target.backup_id}

"""Backup and replication policies with CBR."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.described_state import Difference
from airflow_provider_backup.cloud.operations.policy import PolicyResult, policy_result
from airflow_provider_backup.cloud.operations.policy_forms import LONG_TERM, fields_with_zone
from airflow_provider_backup.cloud.operations.schedules import Schedule, offset_text
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.cbr.described_policy import (
    bound_vaults,
    described_vaults,
    held_fields,
    policy_fields,
    policy_update,
)
from airflow_provider_backup.cloud.services.cbr.models import PolicyCreate, PolicyQuery, PolicyUpdate
from airflow_provider_backup.cloud.services.cbr.policy_values import definition_of, policy_values
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.operators.apply import ApplyNamedOperator
from airflow_provider_backup.operators.base import check_choice, check_ids, listed
from airflow_provider_backup.operators.create_policy import CreatePolicyOperator, check_model
from airflow_provider_backup.operators.existing_policy import (
    DeletePolicyOperator,
    ExistingPolicyOperator,
    GetPolicyOperator,
    ListPoliciesOperator,
)
from airflow_provider_backup.operators.policy_arguments import PolicyArguments, known_schedule
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.cbr.models import Policy

_SOME_DEFINITION = {"timezone": "UTC+00:00", "destination_region": "region", "destination_project_id": "project"}
"""Placeholder for the values of the existing policy, which is not read while arguments are checked."""


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


def _result(policy: Policy, *, created: bool | None = None) -> PolicyResult:
    vaults = [vault.vault_id for vault in policy.associated_vaults if vault.vault_id]
    return policy_result("cbr", policy, enabled=policy.enabled, resource_ids=vaults, created=created)

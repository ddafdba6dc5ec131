"""Backup policies of disks with VBS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.described_state import AppliedResult, Difference
from airflow_provider_backup.cloud.operations.policy import PolicyResult, policy_result
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.vbs.described_policy import (
    described_fields,
    held_fields,
    policy_update,
    time_fields,
)
from airflow_provider_backup.cloud.services.vbs.models import Policy, PolicyCreate, PolicyUpdate
from airflow_provider_backup.cloud.services.vbs.schedule import schedule_fields
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.exceptions import DisksNotBoundError
from airflow_provider_backup.operators.apply import ApplyNamedOperator
from airflow_provider_backup.operators.base import BackupCloudOperator, check_ids, key_value_pairs, listed
from airflow_provider_backup.operators.create_policy import CreatePolicyOperator
from airflow_provider_backup.operators.existing_policy import (
    DeletePolicyOperator,
    ExistingPolicyOperator,
    GetPolicyOperator,
    ListPoliciesOperator,
)
from airflow_provider_backup.operators.policy_arguments import known_schedule
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class VbsCreatePolicyOperator(CreatePolicyOperator):
    """Create a backup policy for disks: ``POST /v2/{project_id}/backuppolicy`` (VBS section 3.1).

    Give either ``policy`` or the single arguments.

    :param policy: a :class:`~airflow_provider_backup.cloud.services.vbs.models.PolicyCreate`.
    :param name: 1 to 64 letters, digits, ``_`` or ``-`` (templated).
    :param schedule: when it runs, such as ``daily at 14:00`` or ``Mon,Wed 02:00``; full hours in UTC, every 1 to 30
        days or on days of the week (templated).
    :param time_zone: zone of the schedule: ``UTC``, ``UTC+02:00`` or ``Europe/Berlin``; ``None`` means ``UTC``
        (templated).
    :param retention_num: backups to keep per disk, 2 or more. Mutually exclusive with ``retention_day`` (templated).
    :param retention_day: days to keep a backup, 2 to 99999. Mutually exclusive with ``retention_num`` (templated).
    :param keep_first_backup_of_month: whether the first backup of the current month is kept in addition (templated).
    :param enabled: whether the schedule runs; ``None`` means ``True`` (templated).
    :param tags: at most 10 labels (templated).
    :param if_exists: ``adopt`` or ``fail``, see
        :class:`~airflow_provider_backup.operators.create_policy.CreatePolicyOperator`.
    """

    template_fields: Sequence[str] = (
        *CreatePolicyOperator.template_fields,
        "name",
        "schedule",
        "time_zone",
        "retention_num",
        "retention_day",
        "keep_first_backup_of_month",
        "enabled",
        "tags",
    )
    title = "VBS"
    model = PolicyCreate

    def __init__(
        self,
        *,
        policy: PolicyCreate | None = None,
        name: str | None = None,
        schedule: str | None = None,
        time_zone: str | None = None,
        retention_num: int | None = None,
        retention_day: int | None = None,
        keep_first_backup_of_month: bool | None = None,
        enabled: bool | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(policy=policy, **kwargs)
        self.name = name
        self.schedule = schedule
        self.time_zone = time_zone
        self.retention_num = retention_num
        self.retention_day = retention_day
        self.keep_first_backup_of_month = keep_first_backup_of_month
        self.enabled = enabled
        self.tags = tags

    def from_arguments(self, schedule: str | None, time_zone: str | None) -> PolicyCreate:
        """Build the policy from the single arguments."""
        scheduled: dict[str, Any] = {
            "retention_num": self.retention_num,
            "retention_day": self.retention_day,
            "keep_first_backup_of_month": self.keep_first_backup_of_month,
            "enabled": True if self.enabled is None else self.enabled,
        }
        offset = None
        if schedule is not None:
            fields = schedule_fields(Schedule.parse(schedule, "UTC" if time_zone is None else time_zone))._asdict()
            offset = fields.pop("time_zone")
            scheduled |= fields
        return validated(
            PolicyCreate,
            "VBS policy",
            {
                "name": self.name,
                "scheduled_policy": {key: value for key, value in scheduled.items() if value is not None},
                "time_zone": offset,
                "tags": key_value_pairs(self.tags),
            },
        )

    async def find(self, cloud: BackupCloud, name: str) -> PolicyResult | None:
        """Search the list: VBS has no filter by name."""
        async for policy in cloud.vbs.policies.list():
            if policy.name == name:
                return policy_result("vbs", policy, enabled=policy.scheduled_policy.enabled, created=False)
        return None

    async def create(self, cloud: BackupCloud, policy: PolicyCreate) -> PolicyResult:
        """Create the policy; the service answers with its id only."""
        policy_id = await cloud.vbs.policies.create(policy)
        return PolicyResult(
            service="vbs",
            policy_id=policy_id,
            name=policy.name,
            enabled=policy.scheduled_policy.enabled,
            resource_ids=[],
            created=True,
            policy={"backup_policy_id": policy_id, **policy.to_wire()},
        )


class VbsPolicyDescription(BackupCloudOperator):
    """What a VBS policy is like; arguments that are ``None`` leave their part of it as it is.

    :param name: 1 to 64 letters, digits, ``_`` or ``-`` (templated).
    :param schedule: when it runs, such as ``daily at 14:00`` or ``Mon,Wed 02:00``; full hours in UTC, every 1 to 30
        days or on days of the week (templated).
    :param time_zone: zone of the schedule: ``UTC``, ``UTC+02:00`` or ``Europe/Berlin``; ``None`` means ``UTC``; only
        with ``schedule`` (templated).
    :param retention_num: backups to keep per disk, 2 or more. Mutually exclusive with ``retention_day`` (templated).
    :param retention_day: days to keep a backup, 2 to 99999. Mutually exclusive with ``retention_num`` (templated).
    :param keep_first_backup_of_month: whether the first backup of the current month is kept in addition (templated).
    :param enabled: whether the schedule runs (templated).
    """

    template_fields: Sequence[str] = (
        *BackupCloudOperator.template_fields,
        "name",
        "schedule",
        "time_zone",
        "retention_num",
        "retention_day",
        "keep_first_backup_of_month",
        "enabled",
    )

    def __init__(
        self,
        *,
        name: str | None = None,
        schedule: str | None = None,
        time_zone: str | None = None,
        retention_num: int | None = None,
        retention_day: int | None = None,
        keep_first_backup_of_month: bool | None = None,
        enabled: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.schedule = schedule
        self.time_zone = time_zone
        self.retention_num = retention_num
        self.retention_day = retention_day
        self.keep_first_backup_of_month = keep_first_backup_of_month
        self.enabled = enabled

    def fields(self, schedule: str | None, time_zone: str | None) -> dict[str, Any]:
        """Return the described state, by argument, normalised.

        :param schedule: overrides the argument ``schedule``.
        :param time_zone: overrides the argument ``time_zone``.
        :raises InvalidRequestError: a documented rule is broken.
        """
        if schedule is None and time_zone is not None:
            raise InvalidRequestError("VBS policy", [Violation("time_zone", "needs schedule", self.time_zone)])
        scheduled = {
            "retention_num": self.retention_num,
            "retention_day": self.retention_day,
            "keep_first_backup_of_month": self.keep_first_backup_of_month,
            "enabled": self.enabled,
        }
        times = {} if schedule is None else time_fields(Schedule.parse(schedule, time_zone or "UTC"))
        values = {"name": self.name, "scheduled_policy": scheduled}
        return described_fields(validated(PolicyUpdate, "VBS policy", values)) | times


class VbsApplyPolicyOperator(VbsPolicyDescription, ApplyNamedOperator[Policy]):
    """Bring a policy to the described state: create it, change only what differs, or do nothing (VBS section 3).

    Arguments that are ``None`` leave their part of the policy as it is. A named ``time_zone`` counts with its offset on
    the day of the run, so that a policy that is applied every day keeps its local time over daylight saving. The
    arguments of the policy are described at :class:`VbsPolicyDescription`.

    The service shows how many disks a policy has, and not which (VBS section 2). So the task puts the disks under the
    policy in every run, which changes nothing for those that are there already, and learns from the number how many it
    lacked. A dry run compares the number only.

    :param policy_id: id of the policy, which must exist; ``name`` becomes its name (templated). ``None``: the policy is
        found by ``name``, and created if there is none; then ``schedule`` and a retention must be given.
    :param volume_ids: ids of the disks that the policy must have (templated). A disk has one policy and moves here from
        another one. ``None`` leaves all as they are.
    :param unbind_volume_ids: ids of disks that the policy must not have (templated).
    :param state: ``present``, or ``absent`` to delete the policy; the backups that it made stay.
    :param dry_run: whether to read, log and return what differs, and to send nothing that changes anything.
    """

    template_fields: Sequence[str] = (
        *VbsPolicyDescription.template_fields,
        "policy_id",
        "volume_ids",
        "unbind_volume_ids",
    )
    service_name = "vbs"
    kind = "policy"
    title = "VBS policy"
    id_argument = "policy_id"

    def __init__(
        self,
        *,
        policy_id: str | None = None,
        volume_ids: Sequence[str] | None = None,
        unbind_volume_ids: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.policy_id = policy_id
        self.volume_ids = volume_ids
        self.unbind_volume_ids = unbind_volume_ids

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        if self.state == "present":
            # One by one, so that a template in one part hides no wrong literal in another.
            self.check_while_parsing(self._check_needed)
            self.check_while_parsing(self._check_disks)
            self.check_while_parsing(lambda: self.fields(*known_schedule(self.schedule, self.time_zone)))

    def identity(self, found: Policy | None) -> tuple[str | None, str | None]:
        """Return id and name of the policy."""
        return (self.policy_id, self.name) if found is None else (found.id, found.name)

    async def read(self, cloud: BackupCloud, identifier: str) -> Policy:
        """Read the policy with this id."""
        return await cloud.vbs.policies.get(identifier)

    async def listed_by_name(self, cloud: BackupCloud, name: str) -> AsyncIterator[Policy]:
        """Search the list: VBS has no filter by name."""
        async for policy in cloud.vbs.policies.list():
            if policy.name == name:
                yield policy

    def held(self, found: Policy) -> dict[str, Any]:
        """Return the state of the policy, without its disks."""
        return held_fields(found)

    def wanted(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Return the described state, without the disks."""
        self._check_needed()
        self._check_disks()
        return self.fields(self.schedule, self.time_zone)

    async def create(self, cloud: BackupCloud) -> Policy:
        """Create the policy; the service answers with its id only."""
        wanted = {"enabled": True, **self.wanted({})}
        given = {name: value for name, value in wanted.items() if value is not None}
        top = {name: given.pop(name) for name in ("name", "time_zone")}
        new = validated(PolicyCreate, "VBS policy", {**top, "scheduled_policy": given})
        policy_id = await cloud.vbs.policies.create(new)
        return Policy.model_validate({"backup_policy_id": policy_id, **new.to_wire()})

    async def change(self, cloud: BackupCloud, found: Policy, plan: Sequence[Difference]) -> None:
        """Change the policy in one request."""
        changed = {each["field"] for each in plan}
        await cloud.vbs.policies.update(found.id, policy_update(self.wanted({}), changed))

    async def delete(self, cloud: BackupCloud, found: Policy) -> None:
        """Delete the policy."""
        await cloud.vbs.policies.delete(found.id)

    def perform(self, context: Any) -> AppliedResult:
        """Compare, and change what differs; then see to the disks.

        :return: see :class:`~airflow_provider_backup.cloud.operations.described_state.AppliedResult`.
        :raises DisksNotBoundError: the service refused disks.
        """
        result = super().perform(context)
        if self.state == "absent" or not (self.volume_ids or self.unbind_volume_ids):
            return result
        differences = self.act(lambda cloud: self._bind(cloud, result))
        self.log_differences(f"{self.title} {one_line(str(result['name']))}", differences)
        return {
            **result,
            "changed": result["changed"] or bool(differences),
            "differences": [*result["differences"], *differences],
        }

    def _check_needed(self) -> None:
        if self.policy_id is None:
            violations = []
            if self.schedule is None:
                rule = "must be given, unless the policy is named by policy_id"
                violations.append(Violation("schedule", rule, None))
            if self.retention_num is None and self.retention_day is None:
                rule = "one of retention_num, retention_day must be given, unless the policy is named by policy_id"
                violations.append(Violation("retention_num", rule, None))
            if violations:
                raise InvalidRequestError(self.title, violations)

    def _check_disks(self) -> None:
        ids = {name: listed(getattr(self, name)) for name in ("volume_ids", "unbind_volume_ids")}
        known = {name: value for name, value in ids.items() if value is not None and not has_template(value)}
        rule = "must be a list of ids, none of them empty"
        wrong = [Violation(name, rule, value) for name, value in known.items() if not _holds_ids(value)]
        both = {*known.get("volume_ids", ())} & {*known.get("unbind_volume_ids", ())} if not wrong else set()
        wrong += [Violation("unbind_volume_ids", "names a disk of volume_ids", each) for each in sorted(both)]
        if wrong:
            raise InvalidRequestError(self.title, wrong)

    async def _bind(self, cloud: BackupCloud, result: AppliedResult) -> list[Difference]:
        bound, unbound = [list(dict.fromkeys(ids or ())) for ids in (self.volume_ids, self.unbind_volume_ids)]
        policy_id = result["id"]
        before = 0 if policy_id is None else await self._number_of_disks(cloud, policy_id)
        if self.is_dry_run or policy_id is None:
            self.log.info("The service does not show which disks a policy has: %d of them are compared.", before)
            return _of_number(before, max(before, len(bound)))
        differences: list[Difference] = []
        if bound:
            answer = await cloud.vbs.policies.associate(policy_id, bound)
            refused = {each.resource_id: f"{each.code}: {each.message}" for each in answer.fail_resources}
            if refused:
                raise DisksNotBoundError(policy_id, refused)
            differences += _of_number(before, await self._number_of_disks(cloud, policy_id))
        if unbound:
            # Disks that are not under the policy are refused one by one, and that is as described.
            answer = await cloud.vbs.policies.disassociate(policy_id, unbound)
            taken = sorted(each.resource_id for each in answer.success_resources if each.resource_id)
            if taken:
                differences.append(Difference({"field": "unbind_volume_ids", "from": taken, "to": []}))
        return differences

    async def _number_of_disks(self, cloud: BackupCloud, policy_id: str) -> int:
        return (await cloud.vbs.policies.get(policy_id)).policy_resource_count or 0


class VbsUpdatePolicyOperator(VbsPolicyDescription, ExistingPolicyOperator):
    """Change a policy: ``PUT /v2/{project_id}/backuppolicy/{policy_id}`` (VBS section 3.2).

    Arguments that are ``None`` leave their part of the policy unchanged. The other arguments are described at
    :class:`VbsPolicyDescription`.

    :param policy_id: id of the policy (templated).
    """

    template_fields: Sequence[str] = (*VbsPolicyDescription.template_fields, "policy_id")

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        self.check_while_parsing(lambda: self._changes(*known_schedule(self.schedule, self.time_zone)))

    def perform(self, context: Any) -> PolicyResult:
        """Change the policy.

        :return: see :class:`~airflow_provider_backup.cloud.operations.policy.PolicyResult`.
        :raises NotFoundError: there is no such policy.
        """
        self.built(lambda: check_ids(self.task_id, policy_id=self.policy_id))
        change = self.built(lambda: self._changes(self.schedule, self.time_zone))
        self.log.info("Changing VBS policy %s (%s).", one_line(self.policy_id), self.connection_text)
        result = self.act(lambda cloud: self._update(cloud, change))
        self.log.info("Changed VBS policy %s (%s).", one_line(result["name"]), one_line(self.policy_id))
        return result

    async def _update(self, cloud: BackupCloud, change: PolicyUpdate) -> PolicyResult:
        await cloud.vbs.policies.update(self.policy_id, change)
        return _result(await cloud.vbs.policies.get(self.policy_id))

    def _changes(self, schedule: str | None, time_zone: str | None) -> PolicyUpdate:
        fields = self.fields(schedule, time_zone)
        if not fields:
            raise InvalidRequestError("VBS policy", [Violation("policy", "give at least one field to change", None)])
        return policy_update(fields, {*fields})


class VbsGetPolicyOperator(GetPolicyOperator):
    """Read a policy, by reading all: ``GET /v2/{project_id}/backuppolicy`` (VBS section 3).

    The service does not show which disks a policy has: ``resource_ids`` is empty, and ``policy_resource_count`` in
    ``policy`` has their number.

    :param policy_id: id of the policy (templated).
    """

    title = "VBS policy"

    async def read(self, cloud: BackupCloud) -> PolicyResult:
        """Read the policy."""
        return _result(await cloud.vbs.policies.get(self.policy_id))


class VbsListPoliciesOperator(ListPoliciesOperator):
    """Read all policies: ``GET /v2/{project_id}/backuppolicy`` (VBS section 3).

    :param name: the exact name; ``None`` for all (templated).
    """

    title = "VBS policy"

    async def listed(self, cloud: BackupCloud) -> AsyncIterator[PolicyResult]:
        """Read the policies."""
        async for policy in cloud.vbs.policies.list():
            yield _result(policy)


class VbsDeletePolicyOperator(DeletePolicyOperator):
    """Delete a policy; its backups stay: ``DELETE /v2/{project_id}/backuppolicy/{policy_id}`` (VBS section 3.3).

    The arguments are those of :class:`~airflow_provider_backup.operators.existing_policy.DeletePolicyOperator`.
    """

    service_name = "vbs"
    title = "VBS policy"

    async def read(self, cloud: BackupCloud) -> PolicyResult:
        """Read the policy."""
        return _result(await cloud.vbs.policies.get(self.policy_id))

    async def delete(self, cloud: BackupCloud) -> None:
        """Delete the policy."""
        await cloud.vbs.policies.delete(self.policy_id)


def _result(policy: Policy) -> PolicyResult:
    return policy_result("vbs", policy, enabled=policy.scheduled_policy.enabled)


def _of_number(before: int, after: int) -> list[Difference]:
    return [] if before == after else [Difference({"field": "policy_resource_count", "from": before, "to": after})]


def _holds_ids(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each.strip() for each in value)

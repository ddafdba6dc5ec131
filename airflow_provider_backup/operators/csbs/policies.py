"""Backup policies of servers with CSBS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.described_state import Difference
from airflow_provider_backup.cloud.operations.policy import PolicyResult, policy_result
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.csbs.described_policy import (
    RETENTION,
    described_fields,
    described_servers,
    held_fields,
    policy_update,
)
from airflow_provider_backup.cloud.services.csbs.models import MOST_SERVERS, PolicyCreate, PolicyServer, PolicyUpdate
from airflow_provider_backup.cloud.services.csbs.schedule import icalendar_text
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.operators.apply import ApplyNamedOperator
from airflow_provider_backup.operators.base import BackupCloudOperator, check_ids, key_value_pairs, listed
from airflow_provider_backup.operators.create_policy import CreatePolicyOperator
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


class CsbsPolicyDescription(BackupCloudOperator):
    """What a CSBS policy is like, as far as the service shows it; arguments that are ``None`` leave it as it is.

    The service shows no long-term retention (CSBS section 3.2), so that it is no part of this.

    :param name: 1 to 255 letters, digits, ``_`` or ``-``; unique in the project (templated).
    :param description: at most 255 characters without ``<`` and ``>`` (templated).
    :param enabled: whether the schedule runs (templated).
    :param schedule: when it runs, such as ``daily at 14:00``, ``Mon,Wed 02:30`` or ``every 3 days at 02:00``
        (templated).
    :param time_zone: zone of the schedule: ``UTC``, ``UTC+02:00`` or ``Europe/Berlin``; ``None`` means ``UTC``
        (templated).
    :param max_backups: automatic backups to keep per server; -1 for no limit (templated).
    :param retention_duration_days: days to keep a backup; -1 for no limit (templated).
    :param permanent: whether all backups are kept, regardless of the numbers; ``None`` with a number means ``False``
        (templated).
    """

    template_fields: Sequence[str] = (
        *BackupCloudOperator.template_fields,
        "name",
        "description",
        "enabled",
        "schedule",
        "time_zone",
        "max_backups",
        "retention_duration_days",
        "permanent",
    )

    def __init__(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        enabled: bool | None = None,
        schedule: str | None = None,
        time_zone: str | None = None,
        max_backups: int | None = None,
        retention_duration_days: int | None = None,
        permanent: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.description = description
        self.enabled = enabled
        self.schedule = schedule
        self.time_zone = time_zone
        self.max_backups = max_backups
        self.retention_duration_days = retention_duration_days
        self.permanent = permanent

    def pattern(self, schedule: str | None, time_zone: str | None) -> str | None:
        """Return the iCalendar text of the schedule; ``None`` without one.

        :raises InvalidRequestError: the schedule cannot be read, or a CSBS policy cannot say it.
        """
        if schedule is None:
            return None
        return icalendar_text(Schedule.parse(schedule, "UTC" if time_zone is None else time_zone))

    def fields(self, schedule: str | None, time_zone: str | None) -> dict[str, Any]:
        """Return the described state, by argument, normalised.

        :param schedule: overrides the argument ``schedule``.
        :param time_zone: overrides the argument ``time_zone``.
        :raises InvalidRequestError: a documented rule is broken.
        """
        definition = {
            "max_backups": self.max_backups,
            "retention_duration_days": self.retention_duration_days,
            "permanent": self.permanent,
        }
        pattern = self.pattern(schedule, time_zone)
        operation = {
            # The id is not known yet, and the rules of the fields do not depend on it.
            "id": "period",
            "enabled": self.enabled,
            "operation_definition": definition,
            "trigger": None if pattern is None else {"properties": {"pattern": pattern}},
        }
        values = {"name": self.name, "description": self.description, "scheduled_operations": [operation]}
        return described_fields(validated(PolicyUpdate, "CSBS policy", values))


class CsbsApplyPolicyOperator(CsbsPolicyDescription, ApplyNamedOperator["Policy"]):
    """Bring a policy to the described state: create it, change only what differs, or do nothing (CSBS section 3).

    Arguments that are ``None`` leave their part of the policy as it is. A named ``time_zone`` counts with its offset on
    the day of the run, so that a policy that is applied every day keeps its local time over daylight saving. The
    arguments of the policy are described at :class:`CsbsPolicyDescription`.

    :param policy_id: id of the policy, which must exist; ``name`` becomes its name (templated). ``None``: the policy is
        found by ``name``, and created if there is none; then ``schedule`` must be given.
    :param servers: the servers that the policy must have, each ``{"id": ..., "name": ...}``; at most 64 (templated).
        One that belongs to another policy is refused (``CSBS.6004``). ``None`` leaves all as they are.
    :param unbind_others: whether the policy loses the servers that ``servers`` does not name.
    :param state: ``present``, or ``absent`` to delete the policy; the backups that it made stay.
    :param dry_run: whether to read, log and return what differs, and to send nothing that changes anything.
    """

    template_fields: Sequence[str] = (*CsbsPolicyDescription.template_fields, "policy_id", "servers")
    service_name = "csbs"
    kind = "policy"
    title = "CSBS policy"
    id_argument = "policy_id"

    def __init__(
        self,
        *,
        policy_id: str | None = None,
        servers: Sequence[Mapping[str, Any]] | None = None,
        unbind_others: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.policy_id = policy_id
        self.servers = servers
        self.unbind_others = unbind_others

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        if self.unbind_others and self.servers is None:
            rule = "needs servers: those that the policy keeps"
            raise InvalidRequestError(f"Task {self.task_id!r}", [Violation("unbind_others", rule, True)])
        if self.state == "present":
            # One by one, so that a template in one part hides no wrong literal in another.
            self.check_while_parsing(self._servers)
            self.check_while_parsing(lambda: self._fields({}, *known_schedule(self.schedule, self.time_zone)))

    def identity(self, found: Policy | None) -> tuple[str | None, str | None]:
        """Return id and name of the policy."""
        return (self.policy_id, self.name) if found is None else (found.id, found.name)

    async def read(self, cloud: BackupCloud, identifier: str) -> Policy:
        """Read the policy with this id."""
        return await cloud.csbs.policies.get(identifier)

    async def listed_by_name(self, cloud: BackupCloud, name: str) -> AsyncIterator[Policy]:
        """List the policies of exactly this name."""
        async for policy in cloud.csbs.policies.list(name=name):
            if policy.name == name:
                yield policy

    def held(self, found: Policy) -> dict[str, Any]:
        """Return the state of the policy."""
        return held_fields(found)

    def wanted(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Return the described state."""
        return self._fields(held, self.schedule, self.time_zone)

    async def create(self, cloud: BackupCloud) -> Policy:
        """Create the policy with its servers."""
        wanted = self.wanted({})
        definition = {name: wanted[name] for name in RETENTION if name in wanted}
        operation = {
            "enabled": wanted.get("enabled", True),
            "operation_definition": definition,
            "trigger": {"properties": {"pattern": self.pattern(self.schedule, self.time_zone)}},
        }
        values = {
            "name": self.name,
            "description": self.description,
            "resources": self._servers(),
            "scheduled_operations": [operation],
        }
        return await cloud.csbs.policies.create(validated(PolicyCreate, "CSBS policy", values))

    async def change(self, cloud: BackupCloud, found: Policy, plan: Sequence[Difference]) -> None:
        """Change the policy in one request."""
        changes = {each["field"]: each["to"] for each in plan}
        pattern = self.pattern(self.schedule, self.time_zone)
        update = policy_update(found, changes, pattern=pattern, servers=self._servers())
        await cloud.csbs.policies.update(found.id, update)

    async def delete(self, cloud: BackupCloud, found: Policy) -> None:
        """Delete the policy."""
        await cloud.csbs.policies.delete(found.id)

    def _fields(self, held: Mapping[str, Any], schedule: str | None, time_zone: str | None) -> dict[str, Any]:
        if self.policy_id is None and schedule is None:
            rule = "must be given, unless the policy is named by policy_id"
            raise InvalidRequestError(self.title, [Violation("schedule", rule, None)])
        fields = self.fields(schedule, time_zone)
        if self.servers is not None and not has_template(self.servers):
            fields["servers"] = described_servers(self._servers(), held, only=self.unbind_others)
            if len(fields["servers"]) > MOST_SERVERS:
                rule = f"a policy has at most {MOST_SERVERS} servers, together with those that it has already"
                raise InvalidRequestError(self.title, [Violation("servers", rule, fields["servers"])])
        return fields

    def _servers(self) -> list[PolicyServer]:
        if self.servers is None:
            return []
        return validated(PolicyUpdate, self.title, {"resources": listed(self.servers)}).resources or []


class CsbsUpdatePolicyOperator(CsbsPolicyDescription, ExistingPolicyOperator):
    """Change a policy: ``PUT /v1/{project_id}/policies/{policy_id}`` (CSBS section 3.1).

    Arguments that are ``None`` leave their part of the policy unchanged. The service replaces the retention as a whole,
    and wants the id of the policy's period: the task reads the policy first. The other arguments are described at
    :class:`CsbsPolicyDescription`.

    :param policy_id: id of the policy (templated).
    """

    template_fields: Sequence[str] = (*CsbsPolicyDescription.template_fields, "policy_id")

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
        changes = self.built(lambda: self._changes(self.schedule, self.time_zone))
        names = ", ".join(changes)
        self.log.info("Changing %s of CSBS policy %s (%s).", names, one_line(self.policy_id), self.connection_text)
        result = _result(self.act(lambda cloud: self._update(cloud, changes)))
        self.log.info("Changed %s of CSBS policy %s (%s).", names, one_line(result["name"]), one_line(self.policy_id))
        return result

    async def _update(self, cloud: BackupCloud, changes: Mapping[str, Any]) -> Policy:
        policy = await cloud.csbs.policies.get(self.policy_id)
        update = policy_update(policy, changes, pattern=self.pattern(self.schedule, self.time_zone))
        return await cloud.csbs.policies.update(policy.id, update)

    def _changes(self, schedule: str | None, time_zone: str | None) -> dict[str, Any]:
        changes = self.fields(schedule, time_zone)
        if not changes:
            raise InvalidRequestError("CSBS policy", [Violation("policy", "give at least one field to change", None)])
        return changes


class CsbsGetPolicyOperator(GetPolicyOperator):
    """Read a backup policy: ``GET /v1/{project_id}/policies/{policy_id}`` (CSBS section 3.2).

    :param policy_id: id of the policy (templated).
    """

    title = "CSBS policy"

    async def read(self, cloud: BackupCloud) -> PolicyResult:
        """Read the policy."""
        return _result(await cloud.csbs.policies.get(self.policy_id))


class CsbsListPoliciesOperator(ListPoliciesOperator):
    """Read all policies, or those that match: ``GET /v1/{project_id}/policies`` (CSBS section 3.3).

    :param name: the exact name; ``None`` for all (templated).
    """

    title = "CSBS policy"

    async def listed(self, cloud: BackupCloud) -> AsyncIterator[PolicyResult]:
        """Read the policies."""
        async for policy in cloud.csbs.policies.list(name=self.name):
            yield _result(policy)


class CsbsDeletePolicyOperator(DeletePolicyOperator):
    """Delete a policy; its backups stay: ``DELETE /v1/{project_id}/policies/{policy_id}`` (CSBS section 3).

    The arguments are those of :class:`~airflow_provider_backup.operators.existing_policy.DeletePolicyOperator`.
    """

    service_name = "csbs"
    title = "CSBS policy"

    async def read(self, cloud: BackupCloud) -> PolicyResult:
        """Read the policy."""
        return _result(await cloud.csbs.policies.get(self.policy_id))

    async def delete(self, cloud: BackupCloud) -> None:
        """Delete the policy."""
        await cloud.csbs.policies.delete(self.policy_id)


def _result(policy: Policy, *, created: bool | None = None) -> PolicyResult:
    return policy_result("csbs", policy, enabled=policy.enabled, resource_ids=policy.server_ids, created=created)

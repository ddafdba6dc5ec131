"""The automatic backup policy of a database instance, the same for RDS, GaussDB and TaurusDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.described_state import Difference
from airflow_provider_backup.cloud.services.databases.described_policy import (
    described_fields,
    held_fields,
    whole_policy,
    window_fields,
)
from airflow_provider_backup.cloud.services.databases.models import DatabasePolicy, DatabasePolicyUpdate
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.operators.apply import ApplyOperator
from airflow_provider_backup.operators.base import BackupCloudOperator, check_ids
from airflow_provider_backup.operators.policy_arguments import known_schedule
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService


class DatabaseApplyBackupPolicyOperator(ApplyOperator[DatabasePolicy]):
    """Bring the automatic backup policy of a database instance to the described state (databases section 6).

    Only what differs is changed; a policy that is as described is only read. Arguments that are ``None`` leave their
    part of the policy as it is. For many instances, expand the operator over ``instance_id``.

    Services know times in UTC only. A named ``time_zone`` counts with its offset on the day of the run, so that a
    policy that is applied every day keeps its local time over daylight saving. The ``differences`` of the result have
    the service's fields: ``start_time`` and ``period`` in UTC. Its ``id`` is that of the instance.

    :param instance_id: id of the instance, not of a read replica (templated).
    :param keep_days: days that automatic backups stay, 1 or more; 732 is the usual maximum (templated).
    :param schedule: days of the week and time, such as ``daily at 02:00``, ``Mon,Wed 22:00`` or ``weekdays at 01:00``;
        a backup begins within the hour from then on (templated).
    :param time_zone: zone of the schedule: ``UTC``, an offset such as ``UTC+02:00``, or a name such as
        ``Europe/Berlin``; ``None`` for UTC (templated).
    :param state: ``present``, or ``absent`` to switch automatic backups off, where the service can do that.
    :param dry_run: whether to read, log and return what differs, and to send nothing that changes anything.
    """

    template_fields: Sequence[str] = (
        *ApplyOperator.template_fields,
        *("instance_id", "keep_days", "schedule", "time_zone"),
    )
    kind = "backup_policy"
    model: ClassVar[type[DatabasePolicyUpdate]]
    minutes: ClassVar[Sequence[int]] = (0,)
    """The minutes at which a window may begin, in UTC."""
    own_fields: ClassVar[Sequence[str]] = ()
    """What the service has besides: arguments of the same name."""

    def __init__(
        self,
        *,
        instance_id: str,
        keep_days: int | None = None,
        schedule: str | None = None,
        time_zone: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id
        self.keep_days = keep_days
        self.schedule = schedule
        self.time_zone = time_zone

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        check_ids(self.task_id, instance_id=self.instance_id)
        if self.state == "present":
            self.check_while_parsing(lambda: self._described(*known_schedule(self.schedule, self.time_zone)))
        else:
            self.switched_off()

    def switched_off(self) -> DatabasePolicyUpdate:
        """Return the request that switches automatic backups off.

        :raises InvalidRequestError: the service cannot do that, or the arguments do not allow it.
        """
        rule = "must be 'present': the service has no way to switch automatic backups off"
        raise InvalidRequestError(f"Task {self.task_id!r}", [Violation("state", rule, self.state)])

    def perform(self, context: Any) -> Any:
        """Compare, and change what differs.

        :return: see :class:`~airflow_provider_backup.cloud.operations.described_state.AppliedResult`; ``created`` and
            ``deleted`` say that automatic backups were switched on or off.
        :raises NotFoundError: there is no such instance.
        :raises InvalidArgumentError: a documented rule is broken; nothing was sent that changes anything.
        """
        self.built(lambda: check_ids(self.task_id, instance_id=self.instance_id))
        return super().perform(context)

    def identity(self, found: DatabasePolicy | None) -> tuple[str | None, str | None]:
        """Return the id of the instance: a policy has none of its own."""
        return self.instance_id, None

    async def find(self, cloud: BackupCloud) -> DatabasePolicy | None:
        """Return the policy; ``None`` when automatic backups are off.

        :raises InvalidRequestError: they shall be switched on, and the description is not complete.
        """
        policy: DatabasePolicy = await self._service(cloud).backup_policies.get(self.instance_id)
        if policy.keep_days != 0:
            return policy
        if self.state == "present":
            missing = [name for name in ("keep_days", "schedule") if getattr(self, name) is None]
            rule = f"must be given: automatic backups of {self.instance_id} are off"
            if missing:
                raise InvalidRequestError(self.title, [Violation(name, rule, None) for name in missing])
        return None

    def held(self, found: DatabasePolicy) -> dict[str, Any]:
        """Return the state of the policy."""
        return held_fields(self.model, found)

    def wanted(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Return the described state."""
        return self._described(self.schedule, self.time_zone)

    async def create(self, cloud: BackupCloud) -> DatabasePolicy:
        """Switch automatic backups on."""
        service = self._service(cloud)
        policy = whole_policy(self.model, self.title, {}, self.wanted({}))
        await service.backup_policies.update(self.instance_id, policy)
        return service.policy.model_validate(policy.to_wire())

    async def change(self, cloud: BackupCloud, found: DatabasePolicy, plan: Sequence[Difference]) -> None:
        """Change what differs in one request."""
        changes = {each["field"]: each["to"] for each in plan}
        policy = whole_policy(self.model, self.title, self.held(found), changes)
        await self._service(cloud).backup_policies.update(self.instance_id, policy)

    async def delete(self, cloud: BackupCloud, found: DatabasePolicy) -> None:
        """Switch automatic backups off."""
        await self._service(cloud).backup_policies.update(self.instance_id, self.switched_off())

    def _service(self, cloud: BackupCloud) -> DatabaseService:
        service: DatabaseService = getattr(cloud, self.service_name)
        return service

    def _described(self, schedule: str | None, time_zone: str | None) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in self.own_fields}
        fields = {"keep_days": self.keep_days, **own}
        if schedule is not None:
            fields |= window_fields(schedule, time_zone, self.minutes)
        elif time_zone is not None:
            rule = "needs schedule: it is the zone of its time"
            raise InvalidRequestError(self.title, [Violation("time_zone", rule, time_zone)])
        if all(value is None for value in fields.values()):
            rule = f"one of keep_days, schedule{''.join(f', {name}' for name in own)} must be given"
            raise InvalidRequestError(self.title, [Violation("keep_days", rule, None)])
        if self.keep_days is not None and not has_template(self.keep_days) and str(self.keep_days) == "0":
            rule = "must be 1 or more; switch automatic backups off with state='absent', where the service can"
            raise InvalidRequestError(self.title, [Violation("keep_days", rule, self.keep_days)])
        return described_fields(self.model, self.title, fields)


class BackupPolicyResult(TypedDict):
    """The automatic backup policy of a database instance.

    :param service: the service that has the instance.
    :param instance_id: the instance.
    :param enabled: whether automatic backups are taken.
    :param keep_days: days that they stay; 0 while they are off, ``None`` if unknown.
    :param start_time: the hour in UTC within which they begin, such as ``01:00-02:00``.
    :param period: the days of the week in UTC, 1 (Monday) to 7, joined by commas.
    :param policy: the whole policy as JSON, with the service's own names.
    """

    service: str
    instance_id: str
    enabled: bool
    keep_days: int | None
    start_time: str
    period: str
    policy: dict[str, Any]


class DatabaseGetBackupPolicyOperator(BackupCloudOperator):
    """Read the automatic backup policy of a database instance (databases section 6).

    :param instance_id: id of the instance (templated).
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, "instance_id")
    service_name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, *, instance_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id

    def check_arguments(self) -> None:
        """Reject an id that is no text or empty."""
        super().check_arguments()
        check_ids(self.task_id, instance_id=self.instance_id)

    def perform(self, context: Any) -> BackupPolicyResult:
        """Read the policy.

        :return: see :class:`BackupPolicyResult`.
        :raises NotFoundError: there is no such instance.
        """
        self.built(lambda: check_ids(self.task_id, instance_id=self.instance_id))
        policy = self.act(self._read)
        result = BackupPolicyResult(
            service=self.service_name,
            instance_id=self.instance_id,
            enabled=policy.keep_days != 0,
            keep_days=policy.keep_days,
            start_time=policy.start_time,
            period=policy.period,
            policy=policy.model_dump(mode="json", by_alias=True, exclude_none=True),
        )
        what = f"Automatic backups of {self.title} instance {one_line(self.instance_id)}"
        if result["enabled"]:
            days = one_line(f"{policy.start_time} UTC on days {policy.period}")
            self.log.info("%s are taken at %s and stay for %s days.", what, days, policy.keep_days)
        else:
            self.log.info("%s are off.", what)
        return result

    async def _read(self, cloud: BackupCloud) -> DatabasePolicy:
        service: DatabaseService = getattr(cloud, self.service_name)
        policy: DatabasePolicy = await service.backup_policies.get(self.instance_id)
        return policy

"""Creating a backup policy, the same for every service that has policies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow_provider_backup.cloud.errors import (
    BackupError,
    InvalidRequestError,
    Violation,
)
from airflow_provider_backup.cloud.http.retry_policy import may_have_taken_effect
from airflow_provider_backup.cloud.operations.policy import PolicyResult
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.exceptions import NameTakenError
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice
from airflow_provider_backup.operators.policy_arguments import known_schedule

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

IfExists = Literal["adopt", "fail"]

# The account, and arguments that have a default.
_NOT_OF_THE_POLICY = frozenset({*BackupCloudOperator.template_fields, "policy_id", "time_zone", "operation_type"})


class CreatePolicyOperator(BackupCloudOperator):
    """Create a policy, unless one of this name exists already.

    :param policy: the whole policy as the service's model. Mutually exclusive with the other arguments of the policy.
    :param if_exists: what to do if a policy of the same name exists:

        * ``adopt``: return it unchanged, so that the task can be repeated.
        * ``fail``: fail the task.
    """

    template_fields: Sequence[str] = BackupCloudOperator.template_fields
    title: ClassVar[str]
    model: ClassVar[type[RequestModel]]
    schedule: str | None
    time_zone: str | None

    def __init__(self, *, policy: RequestModel | None = None, if_exists: IfExists = "adopt", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "if_exists", if_exists, get_args(IfExists))
        self.policy = policy
        self.if_exists = if_exists

    @abstractmethod
    def from_arguments(self, schedule: str | None, time_zone: str | None) -> RequestModel:
        """Build the policy from the arguments.

        :param schedule: overrides the argument ``schedule``.
        :param time_zone: overrides the argument ``time_zone``.
        """

    @abstractmethod
    async def find(self, cloud: BackupCloud, name: str) -> PolicyResult | None:
        """Return the policy with this name; ``None`` if there is none."""

    @abstractmethod
    async def create(self, cloud: BackupCloud, policy: Any) -> PolicyResult:
        """Create the policy."""

    def request(self) -> RequestModel:
        """Return the policy: the argument ``policy``, or one from the other arguments.

        :raises InvalidRequestError: a documented rule is broken.
        """
        return self.policy if self.policy is not None else self._timed(self.schedule, self.time_zone)

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        if self.policy is None:
            self.check_while_parsing(lambda: self._timed(*known_schedule(self.schedule, self.time_zone)))
        else:
            check_model(self, self.policy, self.model)

    def perform(self, context: Any) -> PolicyResult:
        """Create the policy, or adopt the existing one of its name.

        :return: see :class:`~airflow_provider_backup.cloud.operations.policy.PolicyResult`.
        :raises NameTakenError: the name is in use and ``if_exists`` is ``fail``.
        :raises ApiError: the service rejected the request.
        """
        request: Any = self.built(self.request)
        self.log.info("Creating %s policy %s (%s).", self.title, one_line(request.name), self.connection_text)
        result = self.act(lambda cloud: self._find_or_create(cloud, request))
        what = "Created" if result["created"] else "Found (if_exists='adopt'):"
        self.log.info("%s %s policy %s.", what, self.title, one_line(f"{result['name']} ({result['policy_id']})"))
        return result

    def _timed(self, schedule: str | None, time_zone: str | None) -> RequestModel:
        # Without this check the error would name a field of the model, which the author did not use.
        times = [name for name in ("schedule", "patterns") if name in self.template_fields]
        if all(getattr(self, name) is None for name in times):
            rule = f"one of {', '.join(times)}, policy must be given"
            raise InvalidRequestError(f"{self.title} policy", [Violation("schedule", rule, None)])
        return self.from_arguments(schedule, time_zone)

    async def _find_or_create(self, cloud: BackupCloud, request: Any) -> PolicyResult:
        if existing := await self.find(cloud, request.name):
            if self.if_exists == "fail":
                raise NameTakenError(
                    existing["service"],
                    f"{existing['service']} policy {existing['policy_id']}",
                    request.name,
                    next_step="Choose another name, delete that policy, or adopt it with if_exists='adopt'.",
                )
            return existing
        try:
            return await self.create(cloud, request)
        except BackupError as error:
            # The request may have succeeded although its answer was lost: check before sending it again.
            if may_have_taken_effect(error) and (existing := await self.find(cloud, request.name)):
                return {**existing, "created": True}
            raise


def check_model(operator: BackupCloudOperator, policy: object, model: type[RequestModel]) -> None:
    """Reject a policy of another type, and a policy together with other arguments of the policy.

    :param operator: its templated arguments are those of the policy, except for a few.
    :param policy: the argument ``policy``.
    :param model: its required type.
    :raises InvalidRequestError: the type is wrong, or other arguments are given as well.
    """
    subject = f"Policy of task {operator.task_id!r}"
    if not isinstance(policy, model):
        rule = f"must be a {model.__name__} of {model.__module__}"
        raise InvalidRequestError(subject, [Violation("policy", rule, policy)])
    given = {
        name: getattr(operator, name)
        for name in operator.template_fields
        if name not in _NOT_OF_THE_POLICY and getattr(operator, name) is not None
    }
    if given:
        rule = "mutually exclusive with policy"
        raise InvalidRequestError(subject, [Violation(name, rule, value) for name, value in given.items()])

"""Creating a backup policy, the same for every service that has policies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow_provider_backup.cloud.errors import (
    CloudConnectionError,
    DuplicateNameError,
    InvalidRequestError,
    ServerError,
    Violation,
)
from airflow_provider_backup.cloud.policy import PolicyResult
from airflow_provider_backup.cloud.wire import RequestModel
from airflow_provider_backup.operators.base import BackupCloudOperator

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

IfExists = Literal["adopt", "fail"]


class CreatePolicyOperator(BackupCloudOperator):
    """Create a policy, unless one of this name is there already.

    :param policy: the whole policy as the service's model; takes the place of the plain arguments.
    :param if_exists: what to do with a policy of the same name: ``adopt`` leaves it as it is and returns it, so that
        the task can be repeated; ``fail`` fails the task.
    """

    template_fields: Sequence[str] = BackupCloudOperator.template_fields
    title: ClassVar[str]

    def __init__(self, *, policy: RequestModel | None = None, if_exists: IfExists = "adopt", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if if_exists not in get_args(IfExists):
            raise ValueError(f"Task {self.task_id!r}: if_exists must be one of {', '.join(get_args(IfExists))}.")
        self.policy = policy
        self.if_exists = if_exists

    @abstractmethod
    def from_arguments(self) -> RequestModel:
        """Build the policy from the plain arguments."""

    @abstractmethod
    async def find(self, cloud: BackupCloud, name: str) -> PolicyResult | None:
        """Return the policy with this name, if there is one."""

    @abstractmethod
    async def create(self, cloud: BackupCloud, policy: Any) -> PolicyResult:
        """Create the policy."""

    def request(self) -> RequestModel:
        """Return the policy: the model that was given, or one from the plain arguments.

        :raises InvalidRequestError: a documented rule is broken.
        """
        return self.policy if self.policy is not None else self.from_arguments()

    def execute(self, context: Any) -> PolicyResult:
        """Create the policy, or adopt the one of its name.

        :return: see :class:`~airflow_provider_backup.cloud.policy.PolicyResult`.
        :raises DuplicateNameError: the name is taken and ``if_exists`` is ``fail``.
        :raises ApiError: the service refuses.
        """
        request = self.built(self.request)
        result = self.act(lambda cloud: self._find_or_create(cloud, request))
        context["ti"].xcom_push(key="policy_id", value=result["policy_id"])
        what = "Created" if result["created"] else "Left as it is (if_exists='adopt'):"
        self.log.info("%s %s policy %s (%s).", what, self.title, result["name"], result["policy_id"])
        return result

    async def _find_or_create(self, cloud: BackupCloud, request: Any) -> PolicyResult:
        if existing := await self.find(cloud, request.name):
            if self.if_exists == "fail":
                raise DuplicateNameError(
                    service=existing["service"],
                    status=409,
                    code="if_exists",
                    detail=f"policy {existing['policy_id']} has the name {request.name!r}",
                    next_step="Choose another name, delete that policy, or adopt it with if_exists='adopt'.",
                )
            return existing
        try:
            return await self.create(cloud, request)
        except (CloudConnectionError, ServerError):
            # The answer may have got lost after the effect: never asked twice blindly.
            if existing := await self.find(cloud, request.name):
                return {**existing, "created": True}
            raise


def refuse_both(title: str, policy: object, **arguments: object) -> None:
    """Refuse a model together with plain arguments.

    :param title: what is being built, for the message.
    :param policy: the model, or none.
    :param arguments: the plain arguments; none counts as not given.
    :raises InvalidRequestError: both are given.
    """
    given = [name for name, value in arguments.items() if value is not None]
    if policy is not None and given:
        raise InvalidRequestError(
            title,
            [
                Violation(name, "give the policy as a model or by arguments, not both", arguments[name])
                for name in given
            ],
        )

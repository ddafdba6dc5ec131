"""What all operators share: the connection, the check of arguments while the DAG is parsed, one way to act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.wire import RequestModel
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.hooks.base import DEFAULT_CONNECTION, BackupCloudHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound=RequestModel)


def has_template(value: Any) -> bool:
    """Whether a value is only known when the task runs: Jinja text, an XCom, or something that holds one."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(has_template(item) for item in value.values())
    if isinstance(value, list | tuple | set):
        return any(has_template(item) for item in value)
    return hasattr(value, "resolve")


class BackupCloudOperator(BaseOperator):
    """An operator that speaks to one account.

    :param huaweicloud_conn_id: id of the connection (templated).
    :param region: takes the place of the connection's region (templated).
    :param project_id: takes the place of the connection's project (templated).
    """

    template_fields: Sequence[str] = ("huaweicloud_conn_id", "region", "project_id")
    ui_color = "#d8ecd8"

    def __init__(
        self,
        *,
        huaweicloud_conn_id: str = DEFAULT_CONNECTION,
        region: str | None = None,
        project_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.huaweicloud_conn_id = huaweicloud_conn_id
        self.region = region
        self.project_id = project_id

    @property
    def hook(self) -> BackupCloudHook:
        """The account behind the connection."""
        return BackupCloudHook(self.huaweicloud_conn_id, region=self.region, project_id=self.project_id)

    def act(self, action: Callable[[BackupCloud], Awaitable[T]]) -> T:
        """Run an async action with the open client."""
        return self.hook.run_in_cloud(action)

    def check_while_parsing(self, build: Callable[[], object]) -> None:
        """Refuse literals that break a documented rule while the DAG is parsed; what is templated is left for later.

        :param build: builds the request from the operator's arguments.
        :raises InvalidRequestError: a rule is broken, whatever the templates turn out to be.
        """
        try:
            build()
        except InvalidRequestError as error:
            certain = [violation for violation in error.violations if not has_template(violation.value)]
            if certain:
                raise InvalidRequestError(f"{error.subject} of task {self.task_id!r}", certain) from None

    def built(self, build: Callable[[], RequestT]) -> RequestT:
        """Build the request when the task runs, all templates rendered.

        :raises InvalidArgumentError: a documented rule is broken; the task fails without a retry.
        """
        try:
            return build()
        except InvalidRequestError as error:
            raise InvalidArgumentError(str(error)) from None

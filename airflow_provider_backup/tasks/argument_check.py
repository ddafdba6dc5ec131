"""Arguments are checked once, when the whole operator is built: after the last constructor of its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow.sdk.bases.operator import BaseOperatorMeta
else:
    # Airflow 2.11 has it in another place.
    BaseOperatorMeta = type(BaseOperator)

T = TypeVar("T")


class _ChecksOnceBuilt(BaseOperatorMeta):
    """Calls ``check_arguments`` after the constructors of all classes of an operator."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        operator = super().__call__(*args, **kwargs)
        operator.check_arguments()
        return operator


class ChecksArguments(metaclass=_ChecksOnceBuilt):
    """For operators and sensors: wrong arguments are rejected while the DAG file is parsed."""

    if TYPE_CHECKING:
        task_id: str

    def check_arguments(self) -> None:
        """Reject literals that break a documented rule; templated arguments are checked when the task runs.

        It runs once for each operator, when its constructors are done: while the DAG file is parsed, and for a mapped
        task instance when Airflow expands it. A class with rules of its own overrides it and calls ``super()``.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        :raises InvalidArgumentError: likewise, for arguments that name a backup.
        """

    def check_while_parsing(self, build: Callable[[], object]) -> None:
        """Reject literals that break a documented rule while the DAG is parsed; templated values pass.

        :param build: builds the request from the operator's arguments.
        :raises InvalidRequestError: a rule is broken, whatever the templates become.
        """
        try:
            build()
        except InvalidRequestError as error:
            certain = [violation for violation in error.violations if not has_template(violation.value)]
            if certain:
                raise InvalidRequestError(f"{error.subject} of task {self.task_id!r}", certain) from None

    def built(self, build: Callable[[], T]) -> T:
        """Build a request when the task runs, with all templates rendered.

        :param build: builds it.
        :return: what it returns.
        :raises InvalidArgumentError: a documented rule is broken; the task fails without a retry.
        """
        try:
            return build()
        except InvalidRequestError as error:
            raise InvalidArgumentError(str(error)) from None

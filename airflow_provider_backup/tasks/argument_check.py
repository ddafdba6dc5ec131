"""Arguments are checked once, when the whole operator is built: after the last constructor of its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk.bases.operator import BaseOperatorMeta
else:
    # Airflow 2.11 has it in another place.
    BaseOperatorMeta = type(BaseOperator)


class _ChecksOnceBuilt(BaseOperatorMeta):
    """Calls ``check_arguments`` after the constructors of all classes of an operator."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        operator = super().__call__(*args, **kwargs)
        operator.check_arguments()
        return operator


class ChecksArguments(metaclass=_ChecksOnceBuilt):
    """For operators and sensors: wrong arguments are rejected while the DAG file is parsed."""

    def check_arguments(self) -> None:
        """Reject literals that break a documented rule; templated arguments are checked when the task runs.

        It runs once for each operator, when its constructors are done: while the DAG file is parsed, and for a mapped
        task instance when Airflow expands it. A class with rules of its own overrides it and calls ``super()``.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        :raises InvalidArgumentError: likewise, for arguments that name a backup.
        """

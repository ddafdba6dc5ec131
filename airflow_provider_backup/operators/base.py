"""Base of all operators: the connection, argument checks while the DAG is parsed, one way to run async actions."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.hooks.base import DEFAULT_CONNECTION, BackupCloudHook
from airflow_provider_backup.tasks.argument_check import ChecksArguments
from airflow_provider_backup.tasks.outcome import ReportsOutcome
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

T = TypeVar("T")


def in_seconds(task_id: str, name: str, duration: Any) -> float:
    """Return a duration as a number of seconds.

    :param task_id: id of the task, for the message.
    :param name: name of the argument.
    :param duration: seconds or a ``timedelta``, above 0.
    :return: seconds.
    :raises InvalidRequestError: it is something else.
    """
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    # JSON has no infinity, and these numbers become arguments of a trigger.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        _reject(task_id, "must be a number of seconds or a timedelta, above 0", {name: duration})
    return seconds


def check_ids(task_id: str, **arguments: Any) -> None:
    """Reject ids that are not text or are empty.

    :param task_id: id of the task, for the message.
    :param arguments: the ids by name; templated ones are not checked.
    :raises InvalidRequestError: at least one is invalid.
    """
    known = {name: value for name, value in arguments.items() if not has_template(value)}
    _reject(
        task_id,
        "must be an id and not empty",
        {name: value for name, value in known.items() if not isinstance(value, str) or not value.strip()},
    )


def check_choice(task_id: str, name: str, value: Any, choices: Sequence[str]) -> None:
    """Reject a value that is not among the choices.

    :param task_id: id of the task, for the message.
    :param name: name of the argument.
    :param value: its value.
    :param choices: the valid values.
    :raises InvalidRequestError: it is something else.
    """
    if value not in choices:
        _reject(task_id, f"must be one of {', '.join(choices)}", {name: value})


def _reject(task_id: str, rule: str, wrong: Mapping[str, Any]) -> None:
    if wrong:
        raise InvalidRequestError(f"Task {task_id!r}", [Violation(name, rule, value) for name, value in wrong.items()])


def listed(values: Any) -> Any:
    """Return a sequence as a list: the outputs of mapped tasks are sequences of another type.

    :param values: a sequence; text and other values are returned as they are: ``None``, a template, or an invalid value
        that the request model rejects.
    """
    return list(values) if isinstance(values, Sequence) and not isinstance(values, str) else values


def key_value_pairs(labels: Any) -> Any:
    """Return labels in the form of the services: a list of ``key`` and ``value``.

    :param labels: a mapping; other values are returned as they are: ``None``, a template, or an invalid value that the
        request model rejects.
    """
    return [{"key": key, "value": value} for key, value in labels.items()] if isinstance(labels, Mapping) else labels


class BackupCloudOperator(ReportsOutcome, ChecksArguments, BaseOperator):
    """An operator that works on one account.

    :param huaweicloud_conn_id: id of the connection (templated).
    :param region: overrides the connection's region (templated).
    :param project_id: overrides the connection's project (templated).
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

    def execute(self, context: Any) -> Any:
        """Run ``perform``; expected errors reach Airflow without a traceback."""
        return self.report(context, lambda: self.perform(context))

    def perform(self, context: Any) -> Any:
        """Do the work of the task; each operator overrides it.

        :param context: the context of the task.
        """
        raise NotImplementedError

    @property
    def hook(self) -> BackupCloudHook:
        """The account behind the connection."""
        return BackupCloudHook(self.huaweicloud_conn_id, region=self.region, project_id=self.project_id)

    def act(self, action: Callable[[BackupCloud], Awaitable[T]]) -> T:
        """Run an async action with the open client.

        :param action: the action.
        :return: what it returns.
        :raises InvalidArgumentError: a documented rule is broken; the task fails without a retry.
        """
        return self.built(lambda: self.hook.run_in_cloud(action))

"""Task groups that put tasks around those of an author: in a ``with`` statement, or by a decorator."""

from __future__ import annotations

import functools
import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Generic, NoReturn, TypeVar

from airflow.providers.common.compat.sdk import TaskGroup, TriggerRule

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation

OUTCOME = "outcome"
"""Id of the last task, which says what happened."""


class WrappingTaskGroup(TaskGroup):
    """A task group whose first and last tasks are made by a class, and those between by an author."""

    outcome: Any
    """The last task."""

    @abstractmethod
    def begin(self) -> None:
        """Add the first tasks; what is added until :meth:`finish` is the author's."""

    @abstractmethod
    def finish(self) -> None:
        """Add the last tasks.

        :raises InvalidRequestError: the author's tasks do not fit.
        """

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Return what a decorated function gets if it has parameters of these names."""

    def roots_of(self, work: list[Any], *, title: str, reason: str) -> list[Any]:
        """Return the first of the author's tasks.

        :param work: the author's tasks.
        :param title: what the group is, for the message.
        :param reason: why they have to wait for what is before them, for the message.
        :raises InvalidRequestError: there is none, or one would not wait.
        """
        inside = {task.task_id for task in work}
        roots = [task for task in work if not task.is_teardown and not task.upstream_task_ids & inside]
        violations = [
            Violation(
                f"{task.task_id}.trigger_rule",
                f"must be 'all_success' for the first tasks, or they would run {reason}",
                str(task.trigger_rule),
            )
            for task in roots
            if task.trigger_rule != TriggerRule.ALL_SUCCESS
        ]
        if not roots:
            violations.append(Violation("tasks", "put at least one task into it", sorted(inside)))
        violations += [
            Violation(task.task_id, "a setup needs its teardown in the same group", task.task_id)
            for task in work
            if task.is_setup and not any(each.is_teardown and each.task_id in inside for each in task.downstream_list)
        ]
        if violations:
            raise InvalidRequestError(f"{title} {self.group_id!r}", violations)
        return roots


GroupT = TypeVar("GroupT", bound=WrappingTaskGroup)


class WrappedWork(Generic[GroupT]):
    """A context manager, and a decorator like ``@task_group``.

    :param title: what the group is, for messages.
    :param make: makes the task group from arguments of ``TaskGroup``, and checks the author's arguments.
    :param group_arguments: arguments of ``TaskGroup``.
    """

    def __init__(self, title: str, make: Callable[..., GroupT], group_arguments: Mapping[str, Any]) -> None:
        self._title = title
        self._make = make
        self._group_arguments = dict(group_arguments)
        self._entered: list[GroupT] = []

    def __enter__(self) -> GroupT:
        """Begin the task group; what is put into it is the author's.

        :raises InvalidRequestError: an argument is wrong.
        """
        group_id = self._group_arguments.get("group_id")
        if not group_id:
            raise InvalidRequestError(self._title, [Violation("group_id", "is needed in a with statement", group_id)])
        group = self._make(**self._group_arguments)
        group.__enter__()
        try:
            group.begin()
        except BaseException as error:
            group.__exit__(type(error), error, error.__traceback__)  # type: ignore[no-untyped-call]
            raise
        self._entered.append(group)
        return group

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        group = self._entered.pop()
        try:
            if kind is None:
                group.finish()
        finally:
            group.__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]

    def __call__(self, function: Callable[..., Any]) -> DecoratedWork[GroupT]:
        """Decorate a function that makes the author's tasks."""
        return DecoratedWork(self._title, self._make, self._group_arguments, function)


class DecoratedWork(Generic[GroupT]):
    """A decorated function: each call makes a task group around the tasks that the function makes.

    :param title: what the group is, for messages.
    :param make: makes the task group.
    :param group_arguments: arguments of ``TaskGroup``; ``None`` for the ``group_id`` takes the function's name.
    :param function: the author's function.
    """

    def __init__(
        self,
        title: str,
        make: Callable[..., GroupT],
        group_arguments: Mapping[str, Any],
        function: Callable[..., Any],
    ) -> None:
        functools.update_wrapper(self, function)
        self._title = title
        self._make = make
        self._function = function
        self._group_arguments: dict[str, Any] = {
            "group_id": function.__name__,
            "tooltip": inspect.getdoc(function) or "",
            "add_suffix_on_collision": True,
            **{name: value for name, value in group_arguments.items() if value is not None},
        }

    def __call__(self, *args: Any, **kwargs: Any) -> GroupT:
        """Make a task group.

        :return: the group, so that what follows it waits for its last task.
        :raises InvalidRequestError: an argument is wrong, or the function returns something.
        """
        with WrappedWork(self._title, self._make, self._group_arguments) as group:
            signature = inspect.signature(self._function)
            given = signature.bind_partial(*args, **kwargs).arguments
            offered = group.parameters()
            kwargs |= {name: offered[name] for name in signature.parameters.keys() & offered.keys() - given.keys()}
            returned = self._function(*args, **kwargs)
        if returned is not None:
            rule = "must return nothing: what follows the group has to wait for its last task, not for one inside"
            raise InvalidRequestError(
                f"{self._title} {group.group_id!r}", [Violation(self._function.__name__, rule, returned)]
            )
        return group

    def override(self, **group_arguments: Any) -> DecoratedWork[GroupT]:
        """Return the same with other arguments of the task group, such as ``group_id``.

        :param group_arguments: arguments of ``TaskGroup``.
        """
        return DecoratedWork(self._title, self._make, {**self._group_arguments, **group_arguments}, self._function)

    def expand(self, *_: object, **__: object) -> NoReturn:
        """Refuse to be mapped.

        :raises InvalidRequestError: always; the text says what can be mapped instead.
        """
        rule = (
            "cannot be mapped itself, since its first task would not get the mapped values; use it in a with statement "
            "in a function with @task_group, take its parameters there, and expand that"
        )
        raise InvalidRequestError(self._title, [Violation(self._function.__name__, rule, "expand")])

    expand_kwargs = partial = expand

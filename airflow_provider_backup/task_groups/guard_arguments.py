"""The arguments of a guard, checked while the DAG is parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, get_args

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.operators.base import check_choice, in_seconds
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.task_groups.approval import check_asking
from airflow_provider_backup.task_groups.guard_outcome import IfRestored
from airflow_provider_backup.task_groups.restore_operators import (
    ACCOUNT_ARGUMENTS,
    RESTORE,
    operator_of_service,
)

Restore = Literal["always_ask", "on_failure", "never"]

_SET_BY_THE_GUARD = ("task_id", "trigger_rule", "dag", "task_group")
_OF_THE_BACKUP = (*_SET_BY_THE_GUARD, "do_xcom_push")
_OF_THE_RESTORE = (*_OF_THE_BACKUP, "backup", "backup_id", "checkpoint_id", "job_id", "overwrite", *ACCOUNT_ARGUMENTS)
_MUST_BE_TRUE = {
    "wait_for_completion": "must be True: the guard needs to know how it ended",
    "fail_on_skipped": "must be True: a backup that leaves resources out cannot bring them back",
}


@dataclass(frozen=True)
class GuardArguments:
    """What the author gives, see :func:`~airflow_provider_backup.task_groups.backup_guard.backup_guard`."""

    backup: type[CreateBackupOperator]
    backup_args: Mapping[str, Any]
    restore: Restore
    restore_args: Mapping[str, Any] = field(default_factory=dict)
    ask_args: Mapping[str, Any] = field(default_factory=dict)
    if_restored: IfRestored = "fail"
    max_age: timedelta | float | None = timedelta(days=1)

    @property
    def max_age_seconds(self) -> float | None:
        """``max_age`` in seconds."""
        return None if self.max_age is None else in_seconds("", "max_age", self.max_age)

    @property
    def restore_operator(self) -> Any:
        """The operator that restores; ``None`` if the service has none."""
        return operator_of_service(self.backup, RESTORE)

    def check(self, group_id: str) -> None:
        """Reject wrong arguments.

        :param group_id: id of the guard, for the message.
        :raises InvalidRequestError: an argument is wrong.
        """
        subject = f"Guard {group_id!r}"
        if violations := list(self._violations()):
            raise InvalidRequestError(subject, violations)
        if self.restore == "always_ask":
            check_asking(subject, self.restore)

    def _violations(self) -> Iterator[Violation]:
        yield from _broken(lambda: check_choice("", "restore", self.restore, get_args(Restore)))
        yield from _broken(lambda: check_choice("", "if_restored", self.if_restored, get_args(IfRestored)))
        yield from _broken(lambda: self.max_age_seconds)
        given_backup: Any = self.backup
        if not isinstance(given_backup, type) or not issubclass(given_backup, CreateBackupOperator):
            rule = "must be the class of a create operator, such as RdsCreateBackupOperator"
            yield Violation("backup", rule, given_backup)
            return
        if self.restore != "never" and self.restore_operator is None:
            yield Violation("backup", "has no restore operator; only restore='never' is possible", self.backup.__name__)
        for name, given, taken in (
            ("backup_args", self.backup_args, _OF_THE_BACKUP),
            ("restore_args", self.restore_args, _OF_THE_RESTORE),
        ):
            for key in given.keys() & set(taken):
                yield Violation(f"{name}.{key}", "is set by the guard", given[key])
            for key, rule in _MUST_BE_TRUE.items():
                if given.get(key, True) is not True:
                    yield Violation(f"{name}.{key}", rule, given[key])
        if self.restore_args and self.restore == "never":
            yield Violation("restore_args", "nothing is restored (restore is 'never')", dict(self.restore_args))
        if self.ask_args and self.restore != "always_ask":
            yield Violation("ask_args", f"no person is asked (restore is {self.restore!r})", dict(self.ask_args))


def _broken(check: Callable[[], object]) -> Sequence[Violation]:
    try:
        check()
    except InvalidRequestError as error:
        return error.violations
    return ()

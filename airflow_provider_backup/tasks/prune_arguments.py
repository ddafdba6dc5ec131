"""What a prune is asked: whose backups, which of them, and which of these stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.retention import RetentionRule, StoredBackup
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.tasks.argument_check import ChecksArguments
from airflow_provider_backup.tasks.dag_backups import DagBackups
from airflow_provider_backup.tasks.idempotency import holds_dag_id
from airflow_provider_backup.tasks.templating import has_template

PruneScope = Literal["dag", "pattern", "manual"]


class PruneRequest(RetentionRule):
    """A prune without its targets.

    :param scope: which backups it is about at all.
    :param name_pattern: for the scope ``pattern``: which names.
    :param dry_run: whether to delete nothing.
    """

    scope: PruneScope = "dag"
    name_pattern: str | None = Field(default=None, min_length=1)
    dry_run: bool = False

    @model_validator(mode="after")
    def _pattern_belongs_to_its_scope(self) -> Self:
        if self.scope == "pattern" and self.name_pattern is None:
            raise ValueError("name_pattern must be given for the scope 'pattern'")
        if self.scope != "pattern" and self.name_pattern is not None:
            raise ValueError("name_pattern is for the scope 'pattern' only")
        return self


@dataclass(frozen=True, slots=True)
class PruneQuestion:
    """A checked prune.

    :param request: scope and rules.
    :param target_ids: ids of instances, disks, servers or vaults, one or more, each once.
    """

    request: PruneRequest
    target_ids: tuple[str, ...]


class PruneArguments(ChecksArguments):
    """The arguments of a prune; they are described at
    :class:`~airflow_provider_backup.operators.prune_backups.PruneBackupsOperator`.

    A subclass names the service and the argument that holds the targets.
    """

    prune_fields: ClassVar[Sequence[str]] = (*RetentionRule.model_fields, "scope", "name_pattern")
    service_name: ClassVar[str]
    targets_argument: ClassVar[str]

    keep_last: int | None
    keep_hourly: int | None
    keep_daily: int | None
    keep_weekly: int | None
    keep_monthly: int | None
    keep_yearly: int | None
    keep_within: timedelta | float | str | None
    minimum: int
    failed_older_than: timedelta | float | str | None
    time_zone: str
    scope: PruneScope
    name_pattern: str | None
    is_dry_run: bool

    if TYPE_CHECKING:
        get_dag: Any

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a rule is broken, whatever the templates become.
        """
        super().check_arguments()
        self.check_while_parsing(self.question)

    def question(self) -> PruneQuestion:
        """Build the question from the arguments.

        :raises InvalidRequestError: an argument is wrong.
        """
        violations: list[Violation] = []
        request = PruneRequest(keep_last=1)
        try:
            given = {name: getattr(self, name) for name in self.prune_fields}
            request = validated(PruneRequest, "", {**given, "dry_run": self.is_dry_run})
        except InvalidRequestError as error:
            violations += error.violations
        targets = getattr(self, self.targets_argument)
        if has_template(targets) or isinstance(targets, str) or not isinstance(targets, Sequence) or not targets:
            violations.append(Violation(self.targets_argument, "must be a list of one id or more", targets))
        else:
            violations += [
                Violation(self.targets_argument, "must hold ids, none of them empty", each)
                for each in targets
                if not isinstance(each, str) or not each.strip()
            ]
        if violations:
            raise InvalidRequestError(f"The pruning of {self.service_name} backups", violations)
        return PruneQuestion(request, tuple(dict.fromkeys(targets)))

    def counts(self, request: PruneRequest, context: Any) -> Callable[[StoredBackup], bool]:
        """Return what tells whether a backup is in the scope.

        :param request: the checked arguments.
        :param context: the context of the task.
        :raises InvalidRequestError: the names of backups cannot tell that this DAG made them.
        """
        if request.scope == "manual":
            return lambda backup: backup.is_automatic is not True
        if request.name_pattern is not None:
            pattern = request.name_pattern
            return lambda backup: fnmatchcase(backup.state.name or "", pattern)
        dag_id = context["ti"].dag_id
        if not holds_dag_id(dag_id):
            rule = (
                f"must be 'pattern' or 'manual' in the DAG {dag_id!r}: its id is so long that names of backups hold "
                "only its beginning, which other DAGs may share"
            )
            raise InvalidRequestError("The pruning of backups", [Violation("scope", rule, request.scope)])
        dag = self.get_dag()
        task_ids = dag.task_ids if dag is not None else [context["ti"].task_id]
        own = DagBackups(dag_id, task_ids)
        return lambda backup: backup.state.name in own

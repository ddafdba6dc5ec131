"""Restoring a database instance, in place or to a new one, the same for RDS, GaussDB and TaurusDB."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook
from pydantic import SecretStr

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.operation import AnyOperation, Capabilities
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackupCreate
from airflow_provider_backup.cloud.services.databases.operations import DatabaseBackupOperation
from airflow_provider_backup.cloud.services.databases.restore_operations import (
    InstanceRestoreOperation,
    InstanceRestoreRequest,
    NewInstanceOperation,
    NewInstanceRequest,
)
from airflow_provider_backup.cloud.services.databases.restore_requests import RestoreRequests
from airflow_provider_backup.cloud.services.databases.restore_sources import RestoreFrom
from airflow_provider_backup.cloud.services.databases.restore_windows import restore_moment
from airflow_provider_backup.exceptions import InvalidArgumentError, UnknownConnectionError
from airflow_provider_backup.operators.backup_first import BackupFirstOperator
from airflow_provider_backup.operators.base import check_choice, check_ids, key_value_pairs
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.tasks.reference_arguments import reference_from
from airflow_provider_backup.tasks.submission_policy import OnUncertain
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.operations.backup import OperationReference
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService
    from airflow_provider_backup.tasks.conflict import Conflict

LONGEST_NEW_NAME = 49
"""Characters of an author's name; the key of the task instance and a number follow, and 64 are allowed."""

_SETTLED = frozenset({"name", "password", "restore_point"})
_NEW_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_-]{{0,{LONGEST_NEW_NAME - 1}}}")


class DatabaseRestoreInstanceOperator(BackupFirstOperator):
    """Restore a database instance from a backup or to a moment, in place or as a new instance, and wait for it.

    Give what is restored (``backup``, ``backup_id``, or ``source_instance_id`` with ``restore_time``) and where to
    (``target_instance_id`` with ``overwrite=True``, or ``new_instance_name``). Backup, restore windows and instances
    are read before anything is sent, and what cannot be restored is rejected.

    The restore has succeeded when its job is completed, or not known to this cloud, and the instance is ready after it
    was seen being restored. The result is a
    :class:`~airflow_provider_backup.cloud.services.databases.restore_states.RestoreResult`.

    A new instance has a key of the task instance in its name, so that a retry adopts it. The restore of an existing
    instance can neither be stopped nor undone. Its submission is recorded before it is sent (Airflow 3.3 and later). A
    retry adopts the recorded restore, or one that runs on the instance if an earlier try may have submitted it. If the
    task ends early, the restore continues in the cloud.

    :param backup: the result of a create operator, a sensor or ``GetLatestBackupOperator`` (templated).
    :param backup_id: id of the backup (templated). RDS finds it by its instance: ``source_instance_id``, unless that is
        the target or ``like``.
    :param source_instance_id: id of the instance that was backed up (templated).
    :param restore_time: the moment whose state is restored: a ``datetime`` with time zone, such a text in ISO 8601, or
        ``latest``, the end of the last restore window (templated).
    :param target_instance_id: id of the instance to overwrite: the one that was backed up, or another one of the same
        engine (templated).
    :param overwrite: must be ``True`` with ``target_instance_id``: the present content of the instance is lost.
    :param new_instance_name: beginning of the name of the instance to create: 1 to 49 characters, a letter, then
        letters, digits, ``-`` and ``_`` (templated). A key of the task instance follows.
    :param like: id of the instance whose fields the new one takes over; ``None`` for the instance that was backed up
        (templated). The following arguments override them; the parameter group of RDS and GaussDB cannot be read.
    :param flavor_ref: specification code (templated).
    :param availability_zone: zone; those of several nodes are joined by commas (templated).
    :param vpc_id: id of the virtual private cloud (templated).
    :param subnet_id: id of the subnet (templated).
    :param security_group_id: id of the security group (templated).
    :param time_zone: such as ``UTC+08:00`` (templated).
    :param keep_days: days that automatic backups of the new instance are kept, 0 to 732; 0 switches them off where the
        service allows that (templated).
    :param configuration_id: id of the parameter group; ``None`` for a default one, TaurusDB: for that of ``like``
        (templated).
    :param enterprise_project_id: id of the enterprise project (templated).
    :param new_instance_fields: other fields of the request for a new instance, by the names of the service (templated).
    :param password_conn_id: id of an Airflow connection whose password becomes that of the new instance's administrator
        (templated). GaussDB, TaurusDB and Open Telekom Cloud require it.
    :param backup_first: whether a backup of ``target_instance_id`` is taken before it is overwritten, and waited for; a
        retry adopts it. It is ``backup_first`` of the result. ``timeout`` applies to backup and restore one by one.
    :param on_uncertain: what to do if an earlier try may have submitted a restore in place and nothing proves what
        became of it:

        * ``fail``: fail the task with the next step, and send nothing.
        * ``repeat``: submit it again.
    :param wait_for_completion: whether the task waits until the restore has succeeded; otherwise it ends after the
        submission.
    :param deferrable: whether to wait in the triggerer, also for a busy instance; ``None`` follows
        ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0. It counts from the start of the task, includes the
        wait for a busy instance, and continues in retries that adopt the restore. The restore continues in the cloud
        after it.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while another operation keeps an instance busy, or the backup is still being taken:

        * ``wait``: submit the restore when the instance may be free, until ``timeout``.
        * ``adopt``: the same, as an instance does not show what it is restored from.
        * ``fail``: fail the task (retryable).
    :param retry_failed: whether the task may be retried, if it has ``retries``, after its restore failed; the next try
        submits another one.
    """

    source_fields: ClassVar[tuple[str, ...]] = ("backup", "backup_id", "source_instance_id", "restore_time")
    target_fields: ClassVar[tuple[str, ...]] = ("target_instance_id", "new_instance_name")
    new_fields: ClassVar[tuple[str, ...]] = (
        "flavor_ref",
        "availability_zone",
        "vpc_id",
        "subnet_id",
        "security_group_id",
        "time_zone",
        "keep_days",
        "configuration_id",
        "enterprise_project_id",
    )
    """Arguments that are fields of the request for a new instance, by the same names."""
    template_fields: Sequence[str] = (
        *OperationOperator.template_fields,
        *source_fields,
        *target_fields,
        "like",
        *new_fields,
        "new_instance_fields",
        "password_conn_id",
    )
    not_compared = frozenset({*OperationOperator.not_compared, "backup", "backup_id", "password_conn_id"})
    operation = InstanceRestoreOperation
    service_name: ClassVar[str]
    backup_model: ClassVar[type[DatabaseBackupCreate]]
    """The request for a backup."""
    requests: ClassVar[RestoreRequests]
    """How the requests of the service are built."""
    needs_instance: ClassVar[bool] = False
    """Whether a backup can only be found with the id of its instance."""

    def __init__(
        self,
        *,
        backup: dict[str, Any] | None = None,
        backup_id: str | None = None,
        source_instance_id: str | None = None,
        restore_time: datetime | str | None = None,
        target_instance_id: str | None = None,
        overwrite: bool = False,
        new_instance_name: str | None = None,
        like: str | None = None,
        flavor_ref: str | None = None,
        availability_zone: str | None = None,
        vpc_id: str | None = None,
        subnet_id: str | None = None,
        security_group_id: str | None = None,
        time_zone: str | None = None,
        keep_days: int | None = None,
        configuration_id: str | None = None,
        enterprise_project_id: str | None = None,
        new_instance_fields: Mapping[str, Any] | None = None,
        password_conn_id: str | None = None,
        on_uncertain: OnUncertain = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "on_uncertain", on_uncertain, get_args(OnUncertain))
        self.backup = backup
        self.backup_id = backup_id
        self.source_instance_id = source_instance_id
        self.restore_time = restore_time
        self.target_instance_id = target_instance_id
        self.overwrite = overwrite
        self.new_instance_name = new_instance_name
        self.like = like
        self.flavor_ref = flavor_ref
        self.availability_zone = availability_zone
        self.vpc_id = vpc_id
        self.subnet_id = subnet_id
        self.security_group_id = security_group_id
        self.time_zone = time_zone
        self.keep_days = keep_days
        self.configuration_id = configuration_id
        self.enterprise_project_id = enterprise_project_id
        self.new_instance_fields = new_instance_fields
        self.password_conn_id = password_conn_id
        self.on_uncertain = on_uncertain
        self._password: SecretStr | None = None

    @abstractmethod
    def service_of(self, cloud: BackupCloud) -> DatabaseService:
        """Return the service that has the instance."""

    def options(self) -> dict[str, Any]:
        """Return what the service offers besides, by the names of its request."""
        return {}

    @property
    def is_new(self) -> bool:
        """Whether an instance is created; otherwise one is overwritten."""
        return self.new_instance_name is not None

    @property
    def capabilities(self) -> Capabilities:
        """What the service can do for backup or restore: only a backup and a new instance have a name."""
        if self.is_backup_first:
            return DatabaseBackupOperation.capabilities
        return (NewInstanceOperation if self.is_new else InstanceRestoreOperation).capabilities

    def name_prefix(self) -> str | None:
        """Return the author's part of the name of the new instance."""
        return self.new_instance_name

    def own_name(self) -> str | None:
        """Return ``None``: the name of a new instance is generated from the key."""
        return None

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        :raises InvalidArgumentError: the backup is not one of this service.
        """
        super().check_arguments()
        own = set(self.template_fields) - set(OperationOperator.template_fields)
        self._given = [name for name in sorted(own) if getattr(self, name) is not None]
        self.check_while_parsing(self._check_combination)
        named = (self.backup, self.backup_id, self.source_instance_id)
        if not has_template(named):
            self.check_while_parsing(self.source)
        if self.is_new:
            self.check_while_parsing(self._check_new)

    def source(self) -> RestoreFrom:
        """Return what is restored.

        :raises InvalidRequestError: the time is not one.
        :raises InvalidArgumentError: the backup is not one of this service.
        """
        if self.restore_time is not None:
            return RestoreFrom(instance_id=self.source_instance_id, moment=restore_moment(self.restore_time))
        return RestoreFrom(backup=self._backup())

    def new_values(self) -> dict[str, Any]:
        """Return the fields that the author gives for a new instance, by the names of the request.

        :raises InvalidRequestError: ``new_instance_fields`` is no mapping, or holds what it must not.
        """
        more = {} if self.new_instance_fields is None else self.new_instance_fields
        if not isinstance(more, Mapping):
            raise self._invalid("new_instance_fields", "must be a mapping", more)
        if settled := sorted(_SETTLED & more.keys()):
            rule = "must not hold what other arguments settle; the password comes from password_conn_id only"
            raise self._invalid("new_instance_fields", rule, settled)
        given = {name: getattr(self, name) for name in self.new_fields if getattr(self, name) is not None}
        if "tags" in given:
            given["tags"] = key_value_pairs(given["tags"])
        return {**given, **more}

    def request(self, name: str) -> DatabaseBackupCreate | InstanceRestoreRequest | NewInstanceRequest:
        """Build the request.

        :raises InvalidRequestError: a documented rule is broken.
        """
        self._check_combination()
        if self.is_backup_first:
            values = {"instance_id": self.target_instance_id, "name": name}
            return validated(self.backup_model, "Backup before the restore", values)
        ids = {"target_instance_id": self.target_instance_id, "source_instance_id": self.source_instance_id}
        check_ids(
            self.task_id, **{key: value for key, value in {**ids, "like": self.like}.items() if value is not None}
        )
        if not self.is_new:
            return InstanceRestoreRequest(self.source(), self.target_instance_id or "", self.options())
        self._check_new()
        return NewInstanceRequest(self.source(), name, self.like, self.new_values(), self._password, self.options())

    def operation_of(self, cloud: BackupCloud) -> AnyOperation:
        """Return the backup before it, the restore in place, or that to a new instance."""
        if self.is_backup_first:
            return DatabaseBackupOperation(self.service_of(cloud))
        kind = NewInstanceOperation if self.is_new else InstanceRestoreOperation
        return kind(self.service_of(cloud), self.requests, cloud=cloud.settings.cloud)

    def compared_arguments(self) -> dict[str, Any]:
        """Return what is the same in all tries of one restore: of the backup only which one it is."""
        if self.is_backup_first:
            return {"instance_id": self.target_instance_id}
        arguments = super().compared_arguments()
        if self.restore_time is None:
            arguments["backup"] = self._backup().backup_id
        return arguments

    def submit_and_wait(self, context: Any, conflict: Conflict | None) -> Any:
        """Submit or adopt the restore, and wait for it.

        :param context: the context of the task.
        :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
        :raises InvalidArgumentError: an argument has no value, or a connection no password.
        """
        for name in self._given:
            if getattr(self, name) is None:
                raise InvalidArgumentError(
                    f"Nothing was sent: {name} is given, but its template or XCom has no value.",
                    next_step="Check its source.",
                )
        # Here, as the connection must not be read in the event loop; it is kept no longer than that.
        self._password = self._read_password()
        try:
            return super().submit_and_wait(context, conflict)
        finally:
            self._password = None

    def next_step_after_failure(self) -> str:
        """Return what the user can do about a restore that failed."""
        if self.is_new:
            return (
                "The new instance may exist; delete it in the cloud if it is not needed. A retry, or clearing the "
                "task, creates another one."
            )
        return super().next_step_after_failure()

    def _backup(self) -> OperationReference:
        ids = {"backup": self.backup_id}
        instance_id = self.source_instance_id or self.target_instance_id or self.like
        return reference_from(self.service_name, self.backup, ids, instance_id)

    def _check_combination(self) -> None:
        """Reject sources and targets that do not go together.

        :raises InvalidRequestError: with every rule that is broken.
        """
        violations = [*self._source_violations(), *self._target_violations()]
        if violations:
            raise InvalidRequestError("Restore", violations)

    def _source_violations(self) -> list[Violation]:
        backups = [name for name in ("backup", "backup_id") if getattr(self, name) is not None]
        if self.restore_time is None and len(backups) != 1:
            rule = "give exactly one of backup, backup_id, and restore_time with source_instance_id"
            return [Violation("backup", rule, ", ".join(backups) or None)]
        if self.restore_time is not None and backups:
            return [Violation("restore_time", f"must not be given together with {backups[0]}", "both")]
        if self.restore_time is not None and self.source_instance_id is None:
            return [Violation("source_instance_id", "must be given with restore_time", None)]
        instances = (self.source_instance_id, self.target_instance_id, self.like)
        if self.needs_instance and self.backup_id is not None and instances == (None, None, None):
            return [
                Violation("source_instance_id", "must be given with backup_id, which is found by its instance", None)
            ]
        return []

    def _target_violations(self) -> list[Violation]:
        if (self.target_instance_id is None) is (self.new_instance_name is None):
            targets = [name for name in self.target_fields if getattr(self, name) is not None]
            rule = "give exactly one of target_instance_id, which is overwritten, and new_instance_name"
            return [Violation("target_instance_id", rule, ", ".join(targets) or None)]
        if self.is_new:
            rule = "is for target_instance_id: a new instance has nothing to back up"
            return [Violation("backup_first", rule, self.backup_first)] if self.backup_first else []
        violations = []
        if self.overwrite is not True:
            rule = "must be True: a restore overwrites target_instance_id and cannot be undone"
            violations.append(Violation("overwrite", rule, self.overwrite))
        only_new = ("like", *self.new_fields, "new_instance_fields", "password_conn_id")
        violations += [
            Violation(name, "is for a new instance, and target_instance_id exists", str(getattr(self, name)))
            for name in only_new
            if getattr(self, name) is not None
        ]
        return violations

    def _check_new(self) -> None:
        name = self.new_instance_name
        if not has_template(name) and (not isinstance(name, str) or not _NEW_NAME.fullmatch(name)):
            rule = f"must be 1 to {LONGEST_NEW_NAME} characters: a letter, then letters, digits, '-' and '_'"
            raise self._invalid("new_instance_name", rule, name)
        self.requests.check(self.new_values(), has_password=self.password_conn_id is not None)

    def _read_password(self) -> SecretStr | None:
        connection_id = self.password_conn_id
        if connection_id is None:
            return None
        try:
            password = BaseHook.get_connection(connection_id).password
        except AirflowNotFoundException:
            step = "Create it with the administrator's password of the new instance, or correct password_conn_id."
            raise UnknownConnectionError(connection_id, next_step=step) from None
        if not password:
            raise InvalidArgumentError(
                f"Nothing was sent: the connection {connection_id!r} (password_conn_id) has no password.",
                next_step="Set the administrator's password of the new instance in it.",
            )
        return SecretStr(password)

    def _invalid(self, name: str, rule: str, value: Any) -> InvalidRequestError:
        return InvalidRequestError("Restore", [Violation(name, rule, value)])

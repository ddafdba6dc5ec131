"""Backups of RDS instances (MySQL, PostgreSQL, SQL Server, MariaDB; Flexus RDS included)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.described_state import AppliedResult, Difference
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.databases.restore_windows import restore_moment
from airflow_provider_backup.cloud.services.rds.described_offsite_policy import (
    PLACE,
    held_fields,
    loses_incremental_copies,
    requests_for,
)
from airflow_provider_backup.cloud.services.rds.models import BackupCreate, PolicyUpdate
from airflow_provider_backup.cloud.services.rds.offsite_models import OffsitePolicy, OffsitePolicyUpdate
from airflow_provider_backup.cloud.services.rds.restore_requests import RdsRestoreRequests
from airflow_provider_backup.cloud.services.rds.table_restore_operation import (
    TableRestoreOperation,
    TableRestoreRequest,
    wire_of,
)
from airflow_provider_backup.operators.apply import ApplyOperator
from airflow_provider_backup.operators.backup_policies import (
    DatabaseApplyBackupPolicyOperator,
    DatabaseGetBackupPolicyOperator,
)
from airflow_provider_backup.operators.base import check_choice, check_ids, listed
from airflow_provider_backup.operators.databases import (
    DatabaseCreateBackupOperator,
    DatabaseDeleteBackupOperator,
    DatabaseGetLatestBackupOperator,
    DatabasePruneBackupsOperator,
)
from airflow_provider_backup.operators.delete_instance import DatabaseDeleteInstanceOperator
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.operators.restore_instance import DatabaseRestoreInstanceOperator
from airflow_provider_backup.operators.restore_outcome import EndsWithRestore
from airflow_provider_backup.operators.restore_windows import DatabaseGetRestoreWindowsOperator
from airflow_provider_backup.tasks.submission_policy import OnUncertain
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.rds.service import RdsService


class RdsCreateBackupOperator(DatabaseCreateBackupOperator):
    """Take a manual backup of an RDS instance: ``POST /v3/{project_id}/backups`` (databases section 3.1).

    The other arguments are those of
    :class:`~airflow_provider_backup.operators.databases.DatabaseCreateBackupOperator`.

    :param databases: SQL Server and newer PostgreSQL only: names of the databases to back up instead of all
        (templated).
    :param backup_database_individually: whether each database gets its own file; requires ``databases`` (templated).
    """

    template_fields: Sequence[str] = (
        *DatabaseCreateBackupOperator.template_fields,
        "databases",
        "backup_database_individually",
    )
    title = "RDS"
    model = BackupCreate

    def __init__(
        self,
        *,
        databases: Sequence[str] | None = None,
        backup_database_individually: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.databases = databases
        self.backup_database_individually = backup_database_individually

    def service_of(self, cloud: BackupCloud) -> RdsService:
        """Return RDS."""
        return cloud.rds

    def arguments(self) -> dict[str, Any]:
        """Return the request's fields other than the name."""
        names = listed(self.databases)
        return {
            **super().arguments(),
            "databases": [{"name": name} for name in names] if isinstance(names, list) else names,
            "backup_database_individually": self.backup_database_individually,
        }


class RdsDeleteBackupOperator(DatabaseDeleteBackupOperator):
    """Delete a manual backup of an RDS instance (databases section 5).

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseDeleteBackupOperator`.
    """

    service_name = "rds"
    needs_instance = True


class RdsGetLatestBackupOperator(DatabaseGetLatestBackupOperator):
    """Return the newest good backup of an RDS instance, or of each of several (databases section 4).

    RDS lists the backups of one instance only: several instances take one request each, or more.

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseGetLatestBackupOperator`.
    """

    service_name = "rds"


class RdsGetRestoreWindowsOperator(DatabaseGetRestoreWindowsOperator):
    """Return to which moments an RDS instance can be restored (databases section 7).

    The arguments are those of
    :class:`~airflow_provider_backup.operators.restore_windows.DatabaseGetRestoreWindowsOperator`.
    """

    title = "RDS"
    service_name = "rds"


class RdsRestoreInstanceOperator(DatabaseRestoreInstanceOperator):
    """Restore an RDS instance: ``POST /v3.1/{project_id}/instances/recovery`` in place, or ``POST
    /v3/{project_id}/instances`` for a new one (databases section 8).

    The other arguments are those of
    :class:`~airflow_provider_backup.operators.restore_instance.DatabaseRestoreInstanceOperator`. PostgreSQL to the
    instance that was backed up: the sources disagree whether RDS offers it, so that a warning is logged.

    :param databases: SQL Server only: the databases to restore instead of all: a list of names, or a mapping of names
        to new names (templated).
    :param restore_all_databases: SQL Server in place: whether all databases are restored; it requires this or
        ``databases``.
    :param volume: storage of a new instance, ``{"type": ..., "size": ...}``, the size in GB and not smaller than that
        of the instance that was backed up (templated).
    :param ha: a new instance with a standby: ``{"mode": "Ha", "replication_mode": ...}``; ``False`` for one without
        (templated).
    :param port: of a new instance, 1 to 65535 (templated).
    :param collation: of a new instance of SQL Server (templated).
    :param disk_encryption_id: id of the key that encrypts the disks of a new instance (templated).
    :param tags: labels of a new instance, at most 20 (templated).
    """

    service_name = "rds"
    needs_instance = True
    backup_model = BackupCreate
    requests = RdsRestoreRequests()
    new_fields = (
        *DatabaseRestoreInstanceOperator.new_fields,
        *("volume", "ha", "port", "collation", "disk_encryption_id", "tags"),
    )
    template_fields: Sequence[str] = (
        *DatabaseRestoreInstanceOperator.template_fields,
        *("volume", "ha", "port", "collation", "disk_encryption_id", "tags"),
        "databases",
    )

    def __init__(
        self,
        *,
        databases: Sequence[str] | Mapping[str, str] | None = None,
        restore_all_databases: bool = False,
        volume: Mapping[str, Any] | None = None,
        ha: Mapping[str, str] | Literal[False] | None = None,
        port: int | None = None,
        collation: str | None = None,
        disk_encryption_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.databases = databases
        self.restore_all_databases = restore_all_databases
        self.volume = volume
        self.ha = ha
        self.port = port
        self.collation = collation
        self.disk_encryption_id = disk_encryption_id
        self.tags = tags

    def service_of(self, cloud: BackupCloud) -> RdsService:
        """Return RDS."""
        return cloud.rds

    def options(self) -> dict[str, Any]:
        """Return which databases are restored, by the names of the request."""
        names = listed(self.databases)
        renamed = dict.fromkeys(names, "") if isinstance(names, list) else names
        options = {"database_name": renamed} if renamed is not None else {}
        return options if self.is_new or not self.restore_all_databases else {**options, "restore_all_database": True}


class RdsDeleteInstanceOperator(DatabaseDeleteInstanceOperator):
    """Delete an RDS instance with its data (databases section 11.1). A last backup goes to the recycle bin first.

    The arguments are those of
    :class:`~airflow_provider_backup.operators.delete_instance.DatabaseDeleteInstanceOperator`.
    """

    service_name = "rds"


class RdsPruneBackupsOperator(DatabasePruneBackupsOperator):
    """Delete the manual backups of RDS instances that no rule keeps (databases section 5).

    RDS lists the backups of one instance only: each instance takes a request, or more. Backups of SQL Server are
    deleted 50 with one request, others one by one. The arguments are those of
    :class:`~airflow_provider_backup.operators.databases.DatabasePruneBackupsOperator`.
    """

    service_name = "rds"


class RdsRestoreTablesOperator(EndsWithRestore, OperationOperator):
    """Restore tables or databases of an RDS instance to new names in it, as they were at a moment (databases section
    8.5).

    MySQL and PostgreSQL only; Open Telekom Cloud has none of it. Nothing is overwritten: each table or database needs a
    new name. Instance and restore windows are read before anything is sent. The restore has succeeded when its job is
    completed and the instance is ready. The result is a
    :class:`~airflow_provider_backup.cloud.services.databases.restore_states.RestoreResult`.

    The submission is recorded before it is sent (Airflow 3.3 and later), and a retry adopts the recorded restore. If
    the task ends early, the restore continues in the cloud. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.restore_instance.DatabaseRestoreInstanceOperator`.

    :param instance_id: id of the instance (templated).
    :param restore_time: the moment whose state is restored: a ``datetime`` with time zone, such a text in ISO 8601, or
        ``latest``, the end of the last restore window (templated).
    :param tables: new names of tables: ``{database: {table: new name}}`` for MySQL, ``{database: {schema: {table: new
        name}}}`` for PostgreSQL (templated). Mutually exclusive with ``databases``.
    :param databases: new names of whole databases: ``{database: new name}`` (templated).
    :param is_fast: whether only what is needed is read, which fails where XA transactions are used; not for tables of
        PostgreSQL (templated).
    :param on_uncertain: what to do if an earlier try may have submitted the restore and nothing proves what became of
        it:

        * ``fail``: fail the task with the next step, and send nothing.
        * ``repeat``: submit it again.
    """

    template_fields: Sequence[str] = (
        *OperationOperator.template_fields,
        "instance_id",
        "restore_time",
        "tables",
        "databases",
        "is_fast",
    )
    operation = TableRestoreOperation

    def __init__(
        self,
        *,
        instance_id: str,
        restore_time: datetime | str,
        tables: Mapping[str, Any] | None = None,
        databases: Mapping[str, str] | None = None,
        is_fast: bool | None = None,
        on_uncertain: OnUncertain = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "on_uncertain", on_uncertain, get_args(OnUncertain))
        self.instance_id = instance_id
        self.restore_time = restore_time
        self.tables = tables
        self.databases = databases
        self.is_fast = is_fast
        self.on_uncertain = on_uncertain

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        check_ids(self.task_id, instance_id=self.instance_id)
        self.check_while_parsing(lambda: self.request(""))
        self.check_while_parsing(self._check_names)

    def own_name(self) -> str | None:
        """Return ``None``: a restore carries no name."""
        return None

    def request(self, name: str) -> TableRestoreRequest:
        """Build the request.

        :raises InvalidRequestError: a documented rule is broken.
        """
        check_ids(self.task_id, instance_id=self.instance_id)
        if has_template((self.tables, self.databases)):
            return TableRestoreRequest(self.instance_id, restore_moment(self.restore_time))
        self._check_names()
        return TableRestoreRequest(
            self.instance_id, restore_moment(self.restore_time), self.tables, self.databases, self.is_fast
        )

    def operation_of(self, cloud: BackupCloud) -> TableRestoreOperation:
        """Return the restore of tables or databases."""
        return TableRestoreOperation(cloud.rds, cloud=cloud.settings.cloud)

    def next_step_after_failure(self) -> str:
        """Return what the user can do about a restore that failed."""
        return (
            "Look in the instance: some tables or databases may exist under their new names. Clearing the task submits "
            "the restore again."
        )

    def _check_names(self) -> None:
        if not has_template((self.tables, self.databases)):
            # The moment is settled later, by the windows.
            wire_of(TableRestoreRequest("-", "latest", self.tables, self.databases, self.is_fast), EARLIEST)


class RdsApplyBackupPolicyOperator(DatabaseApplyBackupPolicyOperator):
    """Bring the automatic backup policy of an RDS instance to the described state: ``PUT
    /v3/{project_id}/instances/{instance_id}/backups/policy`` (databases section 6).

    The other arguments are those of
    :class:`~airflow_provider_backup.operators.backup_policies.DatabaseApplyBackupPolicyOperator`. The time of
    ``schedule`` falls on minute 00, 15, 30 or 45.

    :param allow_disable: whether ``state="absent"`` may switch automatic backups off; then the instance can no longer
        be restored to a moment either.
    :param reserve_backups: whether the automatic backups that exist stay when they are switched off; ``False`` deletes
        them.
    """

    service_name = "rds"
    title = "RDS backup policy"
    model = PolicyUpdate
    minutes = (0, 15, 30, 45)

    def __init__(self, *, allow_disable: bool = False, reserve_backups: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_disable = allow_disable
        self.reserve_backups = reserve_backups

    def switched_off(self) -> PolicyUpdate:
        """Return the request that switches automatic backups off.

        :raises InvalidRequestError: ``allow_disable`` is not set.
        """
        if self.allow_disable is not True:
            rule = "must be True for state='absent': the instance would no longer be backed up"
            raise InvalidRequestError(f"Task {self.task_id!r}", [Violation("allow_disable", rule, self.allow_disable)])
        return PolicyUpdate(keep_days=0, reserve_backups=self.reserve_backups)


class RdsGetBackupPolicyOperator(DatabaseGetBackupPolicyOperator):
    """Read the automatic backup policy of an RDS instance: ``GET
    /v3/{project_id}/instances/{instance_id}/backups/policy`` (databases section 6).

    The arguments are those of
    :class:`~airflow_provider_backup.operators.backup_policies.DatabaseGetBackupPolicyOperator`.
    """

    service_name = "rds"
    title = "RDS"


class RdsApplyOffsiteBackupPolicyOperator(ApplyOperator["list[OffsitePolicy]"]):
    """Bring the copying of automatic backups to another region to the described state: ``PUT
    /v3/{project_id}/instances/{instance_id}/backups/offsite-policy`` (databases section 8.6). Open Telekom Cloud has
    none of it.

    Only what differs is changed; a policy that is as described is only read. It is set in the region of the instance,
    and only backups that are taken from then on are copied. For many instances, expand the operator over
    ``instance_id``. The ``id`` of the result is that of the instance.

    :param instance_id: id of the instance (templated).
    :param destination_region: id of the region that backups are copied to; it cannot be changed while copying is on
        (templated).
    :param destination_project_id: id of the project in that region; likewise (templated).
    :param keep_days: days that copies stay, 1 to 1825 (templated).
    :param backup_type: ``all``, or ``auto`` for full backups only; SQL Server has ``all`` only (templated).
    :param allow_disable: whether ``state="absent"`` may switch copying off.
    :param delete_incremental_copies: whether incremental copies may be deleted: the service does that at once when
        their copying is switched off, by ``state="absent"`` or by ``auto`` in place of ``all``. Full copies stay.
    :param state: ``present``, or ``absent`` to switch copying off.
    :param dry_run: whether to read, log and return what differs, and to send nothing that changes anything.
    """

    template_fields: Sequence[str] = (
        *ApplyOperator.template_fields,
        *("instance_id", "destination_region", "destination_project_id", "keep_days", "backup_type"),
    )
    service_name = "rds"
    kind = "backup_policy"
    title = "RDS offsite backup policy"

    def __init__(
        self,
        *,
        instance_id: str,
        destination_region: str | None = None,
        destination_project_id: str | None = None,
        keep_days: int | None = None,
        backup_type: Literal["auto", "all"] = "all",
        allow_disable: bool = False,
        delete_incremental_copies: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id
        self.destination_region = destination_region
        self.destination_project_id = destination_project_id
        self.keep_days = keep_days
        self.backup_type = backup_type
        self.allow_disable = allow_disable
        self.delete_incremental_copies = delete_incremental_copies

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        check_ids(self.task_id, instance_id=self.instance_id)
        if self.state == "present":
            self.check_while_parsing(lambda: self.wanted({}))
        elif self.allow_disable is not True:
            rule = "must be True for state='absent': backups would no longer be copied"
            raise InvalidRequestError(f"Task {self.task_id!r}", [Violation("allow_disable", rule, self.allow_disable)])

    def perform(self, context: Any) -> AppliedResult:
        """Compare, and change what differs.

        :return: see :class:`~airflow_provider_backup.cloud.operations.described_state.AppliedResult`; ``created`` and
            ``deleted`` say that copying was switched on or off.
        :raises NotFoundError: there is no such instance.
        :raises ResourceBusyError: another operation runs on the instance.
        :raises InvalidArgumentError: a documented rule is broken; nothing was sent that changes anything.
        """
        self.built(lambda: check_ids(self.task_id, instance_id=self.instance_id))
        return super().perform(context)

    def identity(self, found: list[OffsitePolicy] | None) -> tuple[str | None, str | None]:
        """Return the id of the instance: a policy has none of its own."""
        return self.instance_id, None

    async def find(self, cloud: BackupCloud) -> list[OffsitePolicy] | None:
        """Return the policy; ``None`` when nothing is copied.

        :raises InvalidRequestError: incremental copies would be deleted, and the arguments do not allow it.
        """
        found = await cloud.rds.offsite_policies.get(self.instance_id)
        if not found:
            return None
        days = int(self.keep_days or 0) if self.state == "present" else 0
        if loses_incremental_copies(held_fields(found), self.backup_type, days) and not self.delete_incremental_copies:
            rule = "must be True: the service deletes incremental copies when their copying is switched off"
            raise InvalidRequestError(self.title, [Violation("delete_incremental_copies", rule, False)])
        return found

    def held(self, found: list[OffsitePolicy]) -> dict[str, Any]:
        """Return the state of the policy."""
        return held_fields(found)

    def wanted(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Return the described state.

        :raises InvalidRequestError: a documented rule is broken, or another destination is described than is held.
        """
        violations = []
        if str(self.keep_days) == "0":
            rule = "must be 1 to 1825; switch copying off with state='absent'"
            violations.append(Violation("keep_days", rule, self.keep_days))
        if not has_template(self.backup_type) and self.backup_type not in ("auto", "all"):
            violations.append(Violation("backup_type", "must be all or auto", self.backup_type))
        given = {name: getattr(self, name) for name in ("backup_type", "keep_days", *PLACE)}
        rule = "cannot be changed while copying is on: switch it off first (state='absent')"
        moved = [name for name in PLACE if held and held[name] != given[name]]
        violations += [Violation(name, rule, given[name]) for name in moved]
        if violations:
            raise InvalidRequestError(self.title, violations)
        return validated(OffsitePolicyUpdate, self.title, given).to_wire()

    async def create(self, cloud: BackupCloud) -> list[OffsitePolicy]:
        """Switch copying on."""
        wanted = self.wanted({})
        await cloud.rds.offsite_policies.update(self.instance_id, OffsitePolicyUpdate.model_validate(wanted))
        return [OffsitePolicy.model_validate(wanted)]

    async def change(self, cloud: BackupCloud, found: list[OffsitePolicy], plan: Sequence[Difference]) -> None:
        """Change what differs, in two requests at most."""
        held = self.held(found)
        for policy in requests_for(held, self.wanted(held)):
            await cloud.rds.offsite_policies.update(self.instance_id, policy)

    async def delete(self, cloud: BackupCloud, found: list[OffsitePolicy]) -> None:
        """Switch copying off."""
        off = OffsitePolicyUpdate.model_validate({**self.held(found), "keep_days": 0})
        await cloud.rds.offsite_policies.update(self.instance_id, off)

"""The restore of tables or databases of RDS to new names in their instance, as an operation (databases section 8.5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_backup.cloud.errors import InvalidRequestError, ResourceBusyError, Violation
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.databases.conflicts import what_runs
from airflow_provider_backup.cloud.services.databases.instance_states import is_busy
from airflow_provider_backup.cloud.services.databases.restore_sources import RestoreFrom, RestoreSource, resolve_source
from airflow_provider_backup.cloud.services.databases.restore_windows import Latest
from airflow_provider_backup.cloud.services.rds.table_restore_models import (
    DatabaseRestore,
    MySqlTableRestore,
    PostgreSqlTableRestore,
)

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.restore_states import RestoreState
    from airflow_provider_backup.cloud.services.rds.service import RdsService

_OTC = ("otc", "otc-swiss")
_SUBJECT = "RDS restore of tables"

TableRestore = MySqlTableRestore | PostgreSqlTableRestore | DatabaseRestore
"""What is sent."""


@dataclass(frozen=True, slots=True)
class TableRestoreRequest:
    """Tables or databases to restore; exactly one of both.

    :param instance_id: the instance.
    :param moment: the moment whose state is restored, with its zone, or ``latest``.
    :param tables: new names by table, by database (MySQL) or by schema and database (PostgreSQL).
    :param databases: new names by database.
    :param is_fast: MySQL only: whether only what is needed is read.
    """

    instance_id: str
    moment: datetime | Latest
    tables: Mapping[str, Any] | None = None
    databases: Mapping[str, str] | None = None
    is_fast: bool | None = None


def wire_of(request: TableRestoreRequest, moment: datetime) -> TableRestore:
    """Return what is sent; the depth of ``tables`` tells the engine that they are of.

    :param request: the tables or databases.
    :param moment: the moment, with its zone.
    :raises InvalidRequestError: not exactly one of both is given, or a documented rule is broken.
    """
    tables, databases = request.tables, request.databases
    if (tables is None) is (databases is None):
        rule = "give exactly one of tables and databases"
        raise InvalidRequestError(_SUBJECT, [Violation("tables", rule, None if tables is None else "both")])
    common = {"restore_time": moment, "is_fast_restore": request.is_fast}
    if databases is not None:
        content = {"instance_id": request.instance_id, "databases": _renamed("databases", databases)}
        return validated(DatabaseRestore, _SUBJECT, {**common, **content})
    parts = _mapping("tables", tables)
    if not any(isinstance(new, Mapping) for part in parts.values() for new in _mapping("tables", part).values()):
        by_database = [{"database": name, "tables": _renamed("tables", part)} for name, part in parts.items()]
        return validated(MySqlTableRestore, _SUBJECT, {**common, "restore_tables": by_database})
    by_schema = [
        {
            "database": name,
            "schemas": [
                {"schema": schema, "tables": _renamed("tables", renamed)}
                for schema, renamed in _mapping("tables", part).items()
            ],
        }
        for name, part in parts.items()
    ]
    content = {"instance_id": request.instance_id, "databases": by_schema}
    return validated(PostgreSqlTableRestore, _SUBJECT, {**common, **content})


def _mapping(argument: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidRequestError(_SUBJECT, [Violation(argument, "must be a mapping of names to new names", value)])
    return value


def _renamed(argument: str, names: Any) -> list[dict[str, Any]]:
    return [{"old_name": old, "new_name": new} for old, new in _mapping(argument, names).items()]


_ENGINES: Mapping[type[TableRestore], Collection[str]] = {
    MySqlTableRestore: ("mysql",),
    PostgreSqlTableRestore: ("postgresql",),
    DatabaseRestore: ("mysql", "postgresql"),
}
_SHAPES: Mapping[type[TableRestore], str] = {
    MySqlTableRestore: "tables of MySQL are given as {database: {table: new name}}",
    PostgreSqlTableRestore: "tables of PostgreSQL are given as {database: {schema: {table: new name}}}",
    DatabaseRestore: "databases are restored of MySQL and PostgreSQL only",
}


class TableRestoreOperation:
    """Restore tables or databases to new names; nothing is overwritten. Not on Open Telekom Cloud.

    :param service: the open client of the service.
    :param cloud: name of the cloud, as in ``CloudSettings.cloud``.
    """

    name: ClassVar[str] = "restore"
    # Not harmless to repeat: the second one fails on the new names, or restores twice.
    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False, is_destructive=True)

    def __init__(self, service: RdsService, *, cloud: str) -> None:
        self._service = service
        self._cloud = cloud
        self._prepared: tuple[TableRestoreRequest, RestoreSource, TableRestore, datetime] | None = None

    def subject(self, request: TableRestoreRequest) -> str:
        """Return the instance and what is restored."""
        what = "tables" if request.databases is None else "databases"
        return f"{what} of instance_id {request.instance_id}"

    def name_in(self, request: TableRestoreRequest) -> str | None:
        """Return ``None``: a restore carries no name."""
        return None

    async def prepare(self, request: TableRestoreRequest) -> None:
        """Read instance and restore windows, and refuse what cannot be.

        :raises NotFoundError: there is no such instance.
        :raises InvalidRequestError: the moment is in no window, or the engine restores no such tables.
        """
        if self._cloud in _OTC:
            rule = "Open Telekom Cloud restores whole instances only"
            raise InvalidRequestError(_SUBJECT, [Violation("tables", rule, request.instance_id)])
        source = await resolve_source(
            self._service, RestoreFrom(instance_id=request.instance_id, moment=request.moment)
        )
        if source.moment is None:
            raise AssertionError("a moment was asked for")
        wire = wire_of(request, source.moment)
        engine = source.datastore.type if source.datastore else ""
        if engine.lower() not in _ENGINES[type(wire)]:
            rule = f"{_SHAPES[type(wire)]}; the instance is {engine or 'of an unknown engine'}"
            raise InvalidRequestError(_SUBJECT, [Violation("tables", rule, request.instance_id)])
        self._prepared = request, source, wire, self._service.clock.earliest(datetime.now(UTC))

    async def submit(self, request: TableRestoreRequest) -> OperationReference:
        """Submit the restore, unless the status of the instance shows that it would be refused.

        :raises ResourceBusyError: another operation runs on the instance.
        """
        if self._prepared is None or self._prepared[0] is not request:
            await self.prepare(request)
        if self._prepared is None:
            raise AssertionError("prepare comes first")
        (_, source, wire, since), self._prepared = self._prepared, None
        if source.instance is not None and is_busy(source.instance):
            text = f"The rds instance {source.instance.id} is {source.instance.status}."
            raise ResourceBusyError(text, next_step="Wait until that has ended, then repeat.")
        return OperationReference(
            self._service.name,
            "",
            instance_id=request.instance_id,
            job_id=await self._send(request.instance_id, wire),
            expected_ids=(request.instance_id,),
            operation=self.name,
            submitted_at=since.isoformat(),
            source_instance_id=request.instance_id,
            restore_time=source.moment.astimezone(UTC).isoformat() if source.moment else None,
        )

    async def find(
        self,
        request: TableRestoreRequest,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return ``None``: an instance does not show which tables are restored."""
        return None

    async def find_running(self, request: TableRestoreRequest) -> OperationReference | None:
        """Return ``None``, see :meth:`find`."""
        return None

    async def find_conflict(self, request: TableRestoreRequest) -> OperationReference | None:
        """Look for a backup of the instance that is being made, or a restore to it."""
        return await what_runs(self._service, request.instance_id)

    async def observe(self, reference: OperationReference) -> RestoreState:
        """Read the job of a restore, if it is known, and the instance."""
        state: RestoreState = await self._service.restores.observe(reference)
        return state

    async def _send(self, instance_id: str, wire: TableRestore) -> str | None:
        restores = self._service.table_restores
        if isinstance(wire, MySqlTableRestore):
            return await restores.mysql_tables(instance_id, wire)
        if isinstance(wire, PostgreSqlTableRestore):
            started = await restores.postgresql_tables([wire])
        else:
            started = await restores.databases([wire])
        return next((each.job_id for each in started if each.job_id), None)

"""Restores of tables and databases of RDS to new names in the same instance (databases section 8.5).

Open Telekom Cloud has none of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.services.databases.restore_models import RestoreTime, milliseconds_of


class NewName(RequestModel):
    """A table or database, and what the restored one is called.

    :param old_name: its name.
    :param new_name: the name of the restored one; it must differ.
    """

    old_name: Identifier
    new_name: Identifier

    @field_validator("new_name")
    @classmethod
    def _differs(cls, name: str, info: ValidationInfo) -> str:
        if name == info.data.get("old_name"):
            raise ValueError("must differ from old_name: tables and databases are restored to new names")
        return name


NewNames = Annotated[list[NewName], Field(min_length=1)]


class _OfMoment(RequestModel):
    restore_time: RestoreTime

    @field_serializer("restore_time")
    def _in_milliseconds(self, moment: datetime) -> int:
        return milliseconds_of(moment)


class MySqlTables(RequestModel):
    """Tables of one database.

    :param database: the database.
    :param tables: the tables, 1 or more.
    """

    database: Identifier
    tables: NewNames


class MySqlTableRestore(_OfMoment):
    """Tables of MySQL to restore: POST ``/v3.1/…/instances/{id}/restore/tables`` (databases section 8.5).

    :param restore_time: the moment, with its zone.
    :param restore_tables: the tables by database, 1 database or more.
    :param is_fast_restore: whether only what the tables need is read; it fails where XA transactions are used.
    """

    restore_tables: Annotated[list[MySqlTables], Field(min_length=1)]
    is_fast_restore: bool | None = None


class PostgreSqlSchema(RequestModel):
    """Tables of one schema.

    :param schema_name: the schema; on the wire ``schema``.
    :param tables: the tables, 1 or more.
    """

    schema_name: Identifier = Field(alias="schema")
    tables: NewNames


class PostgreSqlDatabase(RequestModel):
    """Tables of one database.

    :param database: the database.
    :param schemas: the tables by schema, 1 schema or more.
    """

    database: Identifier
    schemas: Annotated[list[PostgreSqlSchema], Field(min_length=1)]


class PostgreSqlTableRestore(_OfMoment):
    """Tables of PostgreSQL to restore: POST ``/instances/batch/restore/tables`` (databases section 8.5).

    :param instance_id: the instance.
    :param restore_time: the moment, with its zone.
    :param databases: the tables by database, 1 database or more.
    """

    instance_id: Identifier
    databases: Annotated[list[PostgreSqlDatabase], Field(min_length=1)]


class DatabaseRestore(_OfMoment):
    """Databases of MySQL or PostgreSQL to restore: POST ``/instances/batch/restore/databases`` (databases section 8.5).

    :param instance_id: the instance.
    :param restore_time: the moment, with its zone.
    :param databases: the databases, 1 or more.
    :param is_fast_restore: whether only what the databases need is read.
    """

    instance_id: Identifier
    databases: NewNames
    is_fast_restore: bool | None = None


class StartedRestore(ResponseModel):
    """The job that restores tables or databases of one instance."""

    instance_id: str = ""
    job_id: str | None = None

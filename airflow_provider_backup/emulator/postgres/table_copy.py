"""Tables of one server brought into another one under new names, with their rows, indexes and sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_backup.emulator.postgres.programs import PostgresError
from airflow_provider_backup.emulator.postgres.server import PostgresServer

# Indexes and sequences have names of the schema, too, and those of the present table are taken.
_PARTS = """
CREATE TEMPORARY TABLE parts AS
WITH tables AS (SELECT format('%I.%I', schema, name)::regclass AS id, name, new_name
                FROM (VALUES {names}) AS given (schema, name, new_name)),
owned AS (SELECT id, indexrelid AS part, name, new_name FROM tables JOIN pg_index ON indrelid = id
          UNION ALL
          SELECT id, objid, name, new_name FROM tables JOIN pg_depend ON refobjid = id
          WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjsubid > 0
          AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'S'))
SELECT id, id::oid AS part, new_name FROM tables
UNION ALL
SELECT id, part, CASE WHEN starts_with(relname, name) THEN new_name || substr(relname, length(name) + 1)
                 ELSE new_name || '_' || relname END
FROM owned JOIN pg_class ON oid = part;
"""
# Rows of these are in other tables, or their columns come from another one.
_NOT_ALONE = """
SELECT id FROM parts JOIN pg_class ON oid = id WHERE part = id::oid
AND (relkind <> 'r' OR EXISTS (SELECT FROM pg_inherits WHERE id IN (inhrelid, inhparent)));
"""
# These point to what may not be there any more, or have names that are taken.
_LEAVE_OUT = r"""
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
WHERE contype = 'f' AND conrelid IN (SELECT part FROM parts) \gexec
SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger
WHERE NOT tgisinternal AND tgrelid IN (SELECT part FROM parts) \gexec
SELECT format('DROP STATISTICS %I.%I', stxnamespace::regnamespace::name, stxname) FROM pg_statistic_ext
WHERE stxrelid IN (SELECT part FROM parts) \gexec
"""
# What had a new name at that moment, such as the result of an earlier restore, makes way.
_RENAME = r"""
SELECT format('ALTER TABLE %s RENAME TO %I', other.oid::regclass, 'moved_' || other.oid) FROM pg_class AS other
WHERE (relnamespace, relname::text) IN (SELECT relnamespace, new_name FROM parts JOIN pg_class ON oid = id) \gexec
SELECT format('ALTER TABLE %s RENAME TO %I', part::regclass, new_name) FROM parts \gexec
"""


@dataclass(frozen=True)
class RenamedTable:
    """A table, and what its copy is called.

    :param schema: its schema, which is that of the copy, too.
    :param name: its name.
    :param new_name: that of the copy.
    """

    schema: str
    name: str
    new_name: str


def dump_renamed(server: PostgresServer, database: str, tables: Sequence[RenamedTable]) -> str:
    """Rename tables and return the SQL that makes them elsewhere.

    Foreign keys, triggers and extended statistics are left out.

    :param server: a server whose data are removed afterwards.
    :param database: the database of the tables.
    :param tables: the tables.
    :raises PostgresError: one of them is not there, or is not an ordinary table.
    """
    names = ", ".join(f"({_text(each.schema)}, {_text(each.name)}, {_text(each.new_name)})" for each in tables)
    parts = _PARTS.format(names=names)
    if others := server.query(parts + _NOT_ALONE, database):
        raise PostgresError(f"Not an ordinary table, or one with partitions or children: {', '.join(others.split())}")
    server.query(parts + _LEAVE_OUT + _RENAME, database)
    return server.dump([f"{_identifier(each.schema)}.{_identifier(each.new_name)}" for each in tables], database)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _identifier(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'

"""Reading long lists for a few members of each row: the rest is skipped before it becomes an object of Python.

A page of a thousand backups is megabytes of JSON, of which the shared poller needs a tenth.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema

from airflow_provider_backup.cloud.schema.json_decoding import (
    has_unicode_escapes,
    read_json,
    without_garbage_collection,
)

Members = tuple[str | tuple[str, "Members"], ...]
"""Names of members; a pair keeps only some members of an object inside."""


@cache
def row_reader(collection: str, members: Members) -> Callable[[bytes], Any]:
    """Return what reads an answer and keeps of each row only some members; the answer's other members stay.

    :param collection: the member of the answer that holds the rows.
    :param members: what to keep; a row need not have all of it. An answer of another shape is read as a whole.
    """
    rows = core_schema.typed_dict_field(core_schema.list_schema(_object(members)))
    validator = SchemaValidator(core_schema.typed_dict_schema({collection: rows}, extra_behavior="allow"))

    def read(document: bytes) -> Any:
        if not has_unicode_escapes(document):
            with suppress(ValidationError), without_garbage_collection():
                return validator.validate_json(document)
        return read_json(document)

    return read


def _object(members: Members) -> CoreSchema:
    fields = {}
    schema: CoreSchema
    for member in members:
        name, schema = (
            (member, core_schema.any_schema()) if isinstance(member, str) else (member[0], _object(member[1]))
        )
        fields[name] = core_schema.typed_dict_field(schema, required=False)
    return core_schema.typed_dict_schema(fields, extra_behavior="ignore")

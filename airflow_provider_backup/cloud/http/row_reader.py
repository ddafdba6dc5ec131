"""Reading long lists for a few members of each row: the rest is skipped before it becomes an object of Python.

A page of a thousand backups is megabytes of JSON, of which the shared poller needs a tenth.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

# pydantic takes no other before Python 3.12.
from typing_extensions import TypedDict

from airflow_provider_backup.cloud.schema.json_decoding import (
    has_unicode_escapes,
    read_json,
    without_garbage_collection,
)

kept_members = with_config(ConfigDict(extra="ignore"))
"""Marks the ``TypedDict`` of a row, or of an object in it: other members are skipped.

It belongs to ``typing_extensions`` and is not total; members that are ``Any`` are kept as they came.
"""


@cache
def row_reader(collection: str, row: type[Any]) -> Callable[[bytes], Any]:
    """Return what reads an answer and keeps of each row only some members; the answer's other members stay.

    :param collection: the member of the answer that holds the rows.
    :param row: what to keep: a ``TypedDict`` with :data:`kept_members`. An answer of another shape is read as a whole.
    """
    typed_dict: Any = TypedDict
    page = with_config(ConfigDict(extra="allow"))(typed_dict("Page", {collection: list[row]}))  # type: ignore[valid-type]
    adapter: TypeAdapter[Any] = TypeAdapter(page)

    def read(document: bytes) -> Any:
        if not has_unicode_escapes(document):
            with suppress(ValidationError), without_garbage_collection():
                return adapter.validate_json(document)
        return read_json(document)

    return read

"""JSON that services wrote, read tolerantly."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pydantic_core import from_json

from airflow_provider_backup.cloud.text import plain_text

MOST_LEVELS = 64
"""How deep objects and lists may be nested; services need less than ten levels, and Python fails at a thousand."""

_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def read_json(document: str | bytes) -> Any:
    """Read a JSON document; what no log or database can keep is replaced in its texts.

    Bytes that are no text become U+FFFD. ``NaN`` and ``Infinity``, which are not JSON, become none.

    :param document: the text, or its bytes in UTF-8, UTF-16 or UTF-32.
    :raises ValueError: it is not JSON, or nested deeper than :data:`MOST_LEVELS`.
    """
    with without_garbage_collection():
        if isinstance(document, bytes) and not has_unicode_escapes(document):
            # Twice as fast, and strict: what it does not take is read again, tolerantly.
            with suppress(ValueError):
                value = from_json(document, allow_inf_nan=False, cache_strings="keys")
                return _plain(value, MOST_LEVELS) if _may_be_deep(document) else value
        text = document if isinstance(document, str) else document.decode(json.detect_encoding(document), "replace")
        try:
            value = json.loads(text, parse_constant=_none)
        except RecursionError:
            raise ValueError("it is nested too deep") from None
    # Both are quick looks, so that the slow one is taken at odd documents only.
    if "\\u" in text or _may_be_deep(text.encode("ascii", "replace")):
        return _plain(value, MOST_LEVELS)
    return value


def has_unicode_escapes(document: bytes) -> bool:
    """Return whether a document has escapes, which may stand for what no log or database can keep."""
    # Looking for one byte takes no time; for two, a fifth of what reading takes.
    return b"\\" in document and b"\\u" in document


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """A page of a list makes thousands of objects, none of them garbage; looking for some takes longer than reading."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _none(constant: str) -> None:
    return None


def _may_be_deep(document: bytes) -> bool:
    brackets = document.translate(None, _ALL_BUT_BRACKETS)
    for _ in range(MOST_LEVELS):
        outer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if outer == brackets:
            break
        brackets = outer
    # What is left is nested deeper, or a bracket in a text.
    return bool(brackets)


def _plain(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return plain_text(value)
    if not isinstance(value, list | dict):
        return value
    if levels == 0:
        raise ValueError("it is nested too deep")
    if isinstance(value, list):
        return [_plain(item, levels - 1) for item in value]
    return {plain_text(key): _plain(item, levels - 1) for key, item in value.items()}

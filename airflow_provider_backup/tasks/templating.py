"""Recognizing values that are only known when a task runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def has_template(value: Any) -> bool:
    """Return whether a value is only known when the task runs: Jinja text, an XCom, or a collection that holds one.

    :param value: an argument.
    """
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(has_template(item) for item in value.values())
    if isinstance(value, list | tuple | set):
        return any(has_template(item) for item in value)
    return hasattr(value, "resolve")

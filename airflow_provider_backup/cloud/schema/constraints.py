"""Rules of single fields that several services share, each with the words that report a broken one."""

from __future__ import annotations

import re
from typing import Annotated, Protocol, TypeVar

from pydantic import AfterValidator, Field


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


KeyedT = TypeVar("KeyedT", bound=_Keyed)


def matching(pattern: str, rule: str) -> AfterValidator:
    """Return a check that a whole text fits a regular expression.

    :param pattern: the regular expression.
    :param rule: what it says, in words: ``must be ...``.
    """
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def without_angle_brackets(most: int) -> AfterValidator:
    """Return the check of a description.

    :param most: characters at most.
    """
    return matching(rf"[^<>]{{0,{most}}}", f"must be 0 to {most} characters without '<' and '>'")


def _with_unique_keys(tags: list[KeyedT]) -> list[KeyedT]:
    if len({tag.key for tag in tags}) < len(tags):
        raise ValueError("keys of tags must be unique")
    return tags


Identifier = Annotated[str, Field(min_length=1)]
"""An id, or another text that is not empty."""

TimeZone = Annotated[
    str, matching(r"UTC[+-](0\d|1[0-4]):[0-5]\d", "must be an offset from UTC, such as UTC+02:00 or UTC-05:30")
]
"""The offset of a local time, up to 14 hours and 59 minutes."""

WordCharacters = matching(r"[A-Za-z0-9_-]*", "must be letters, digits, '_' and '-' only")
"""What names and tags are made of."""

UniqueKeys = AfterValidator(_with_unique_keys)
"""Tags with a key of its own each."""

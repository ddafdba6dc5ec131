"""A value that applies to the whole process, and that tests replace for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Overridable(Generic[T]):
    """The value that applies now, in all threads.

    :param value: the one that applies unless it is overridden.
    """

    def __init__(self, value: T) -> None:
        self.value = value

    @contextmanager
    def override(self, value: T) -> Iterator[T]:
        """Let another value apply inside.

        :param value: the other one.
        """
        before, self.value = self.value, value
        try:
            yield value
        finally:
            self.value = before

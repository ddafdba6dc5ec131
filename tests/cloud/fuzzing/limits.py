"""A limit of time for what must not hang, and the one tree of errors for what must not surprise."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from airflow_provider_backup.cloud.errors import LONGEST_MESSAGE, BackupError, UnexpectedResponseError

LONGEST_TEXT = 25_000
"""Characters: a message, and a next step that may hold an encoded reason of the identity service (20,000)."""


class HangError(AssertionError):
    """Something took so long that it would not have ended by itself."""


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer; only in the main thread.

    :param seconds: how long it may take, above 0.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        raise HangError(f"not over after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def typed_errors(kind: type[BackupError] = UnexpectedResponseError) -> Iterator[None]:
    """Let nothing out but what callers can expect, and look at what is caught.

    :param kind: the errors that may be.
    """
    try:
        yield
    except kind as error:
        assert_fit_for_logs(error)


def assert_fit_for_logs(error: BackupError) -> None:
    """Make sure that an error can be written down anywhere: short, UTF-8, no character that databases refuse."""
    text = str(error)
    assert len(error.message) <= LONGEST_MESSAGE, len(error.message)
    assert len(text) <= LONGEST_TEXT, len(text)
    assert text.encode()
    assert "\0" not in text
    assert str(pickle.loads(pickle.dumps(error))) == text

"""The time that is left for a piece of work: every request in it, with its tries and pauses, ends with it.

A caller that has a deadline sets it once, with :func:`time_limit`; it holds for all that is awaited inside. Work that
is shared with others (a token, the cycles of a poller) continues without a limit: only the caller stops waiting.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock, current_clock
from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError
from airflow_provider_backup.cloud.http.retry_policy import is_passing, may_have_taken_effect


@dataclass(slots=True)
class _Patience:
    """For how long transient errors are tolerated without an answer.

    :param tolerance: seconds; infinite without a limit.
    """

    tolerance: float
    clock: Clock = SYSTEM_CLOCK
    silent_since: float | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    """Those under way: one that fetches credentials for another is inside of that one."""

    @property
    def ends(self) -> float:
        return math.inf if self.silent_since is None else self.silent_since + self.tolerance

    def starts(self) -> None:
        if self.silent_since is None:
            self.silent_since = self.clock.monotonic()

    def is_answered(self) -> None:
        self.silent_since = None
        for exchange in self.exchanges:
            exchange.waits()


@dataclass(frozen=True, slots=True)
class _Limit:
    deadline: float
    patience: _Patience
    clock: Clock = SYSTEM_CLOCK


_NO_LIMIT = _Limit(math.inf, _Patience(math.inf))
_limit: ContextVar[_Limit] = ContextVar("time_limit", default=_NO_LIMIT)


@contextmanager
def time_limit(seconds: float, *, tolerance: float | None = None, clock: Clock | None = None) -> Iterator[None]:
    """Let everything inside end in time; a limit that is around this one holds as well.

    :param seconds: how long it may take; nothing is sent when this is not above 0.
    :param tolerance: seconds of uninterrupted transient errors after which to give up, counted from the first request
        that got no answer; ``None`` for no such end.
    :param clock: what the limit is measured with; the same one inside another limit. ``None`` uses
        :func:`~airflow_provider_backup.cloud.clock.current_clock`.
    """
    outer, clock = _limit.get(), clock or current_clock()
    patience = outer.patience if tolerance is None else _Patience(tolerance, clock)
    token = _limit.set(_Limit(min(outer.deadline, clock.monotonic() + seconds), patience, clock))
    try:
        yield
    finally:
        _limit.reset(token)


def time_left() -> float:
    """Return the seconds until the deadline; infinite without one, and never below 0."""
    limit = _limit.get()
    return max(0.0, limit.deadline - limit.clock.monotonic())


def unlimited() -> Context:
    """Return the present context without a limit, for work that is shared with others."""
    context = copy_context()
    context.run(_limit.set, _NO_LIMIT)
    return context


async def pause(seconds: float) -> None:
    """Pause, but not beyond the deadline."""
    await _limit.get().clock.sleep(min(seconds, time_left()))


def answer_came() -> None:
    """Record that work which is shared with others, and has no limit itself, got the answer that was waited for."""
    _limit.get().patience.is_answered()


class Exchange:
    """What is known of one request while it is under way.

    :param limit: of the caller that waits for its answer.
    :param timeout: ends it; ``None`` without a limit.
    """

    __slots__ = ("_limit", "_timeout", "ends_with_tolerance", "is_answered", "last_error", "may_have_taken_effect")

    def __init__(self, limit: _Limit, timeout: asyncio.Timeout | None) -> None:
        self._limit = limit
        self._timeout = timeout
        self.is_answered = False
        self.may_have_taken_effect = False
        self.last_error: BackupError | None = None
        self.ends_with_tolerance = False

    def waits(self) -> None:
        """Record that an answer is waited for from now on, or still."""
        patience = self._limit.patience
        patience.starts()
        self.ends_with_tolerance = patience.ends < self._limit.deadline
        ends = min(self._limit.deadline, patience.ends)
        if self._timeout is not None and not math.isinf(ends) and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + ends - self._limit.clock.monotonic())

    def begins(self) -> None:
        """Record that it is sent now."""
        self.is_answered = False
        self.may_have_taken_effect = True

    def answered(self) -> None:
        """Record a clear answer."""
        self.is_answered = True
        self.may_have_taken_effect = False
        self._limit.patience.is_answered()

    def failed(self, error: BackupError) -> None:
        """Record the error of a try."""
        self.last_error = error
        self.may_have_taken_effect = may_have_taken_effect(error)
        if not is_passing(error):
            # A refusal is an answer; what is still to come, such as another try with a new token, is waited for anew.
            self.is_answered = True
            self._limit.patience.is_answered()


def within_time_limit(service: str, what: str) -> AbstractAsyncContextManager[Exchange]:
    """End a request when the limit is reached.

    :param service: name of the service.
    :param what: what is sent, in words.
    :raises OutOfTimeError: the deadline has passed, or transient errors have lasted for too long.
    """
    limit = _limit.get()
    # Shared pollers have none: a generator for each of their requests would cost time for nothing.
    return nullcontext(Exchange(limit, None)) if limit is _NO_LIMIT else _limited(limit, service, what)


@asynccontextmanager
async def _limited(limit: _Limit, service: str, what: str) -> AsyncIterator[Exchange]:
    timeout = asyncio.timeout(None)
    exchange = Exchange(limit, timeout)
    patience = limit.patience
    patience.starts()
    exchange.ends_with_tolerance = patience.ends < limit.deadline
    if min(limit.deadline, patience.ends) <= limit.clock.monotonic():
        raise _out_of_time(limit, f"There was no time left to send {what} to {service}", exchange)
    try:
        async with timeout:
            exchange.waits()
            patience.exchanges.append(exchange)
            yield exchange
    except TimeoutError:
        if not timeout.expired():
            raise
        raise _out_of_time(limit, f"{service} did not answer {what} in time", exchange) from None
    finally:
        if exchange in patience.exchanges:
            patience.exchanges.remove(exchange)
        if exchange.is_answered and not patience.exchanges:
            patience.silent_since = None


def _out_of_time(limit: _Limit, text: str, exchange: Exchange) -> OutOfTimeError:
    if exchange.ends_with_tolerance:
        text += f"; transient errors lasted longer than the tolerance of {limit.patience.tolerance:g} s"
    text += "." if exchange.last_error is None else f". Last error: {exchange.last_error.message}"
    return OutOfTimeError(
        text,
        request_sent=exchange.may_have_taken_effect,
        is_deadline=not exchange.ends_with_tolerance,
        last_error=exchange.last_error,
    )

"""Who of one client may ask a service now: so many at once, and nobody while the service throttles."""

from __future__ import annotations

import asyncio
import copy
import heapq
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from airflow_provider_backup.cloud.errors import RateLimitedError
from airflow_provider_backup.cloud.http.retry_policy import fewer_at_once, more_at_once, pause_before
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.settings import NetworkSettings

log = logging.getLogger(__name__)

_arrivals = count()


@dataclass(slots=True)
class Ticket:
    """A request with its place in the line: who came first is sent first, however often it was refused.

    :param method: HTTP method.
    :param refusals: how often the request was refused for its rate.
    :param gave_up: whether it has to take the last refusal for an answer.
    """

    method: str
    arrival: int = field(default_factory=lambda: next(_arrivals))
    sent_at: float = 0.0
    refusals: int = 0
    gave_up: bool = False


@dataclass(slots=True)
class _Streak:
    """Refusals in a row of one HTTP method: what changes something is throttled harder than what reads."""

    pauses: int = 0
    since: float | None = None


class Limiter:
    """The line in front of one service, for all requests of one client.

    When one request is refused for its rate, all pause, instead of each finding out for itself. After that fewer go at
    once, and with every answer a little more again.

    :param service: the service's name, for the log.
    :param settings: how many at once, the first pause, and how long to bear with a service that lets nobody through.
    """

    def __init__(self, service: str, settings: NetworkSettings) -> None:
        self._service = service
        self._settings = settings
        self._allowed = float(settings.requests_at_once)
        self._under_way = 0
        self._line: list[tuple[int, Ticket, asyncio.Future[None]]] = []
        self._closed_at = self._closed_until = 0.0
        self._opening: asyncio.TimerHandle | None = None
        self._streaks: dict[str, _Streak] = {}
        self._answered = self._refused = 0
        self._trouble = TransientErrorLog(log, f"{service} lets requests through again")

    @asynccontextmanager
    async def turn(self, ticket: Ticket) -> AsyncIterator[None]:
        """Wait for a request's turn, which lasts until the end of the block.

        :raises RateLimitedError: the service has let nobody through for too long.
        """
        if self._line or not self._is_open():
            await self._stand_in_line(ticket)
        else:
            self._under_way += 1
        ticket.sent_at = time.monotonic()
        try:
            yield
        finally:
            self._under_way -= 1
            self._let_in()

    @property
    def pause_left(self) -> float:
        """Seconds until requests are sent again; 0 when they are."""
        return max(0.0, self._closed_until - time.monotonic())

    def answered(self, ticket: Ticket) -> None:
        """Note that a request was let through."""
        self._answered += 1
        if ticket.sent_at >= self._closed_at:
            self._streaks.pop(ticket.method, None)
            self._allowed = more_at_once(self._allowed, most=self._settings.requests_at_once)
        if not self._streaks and not self._line:
            self._trouble.recovered()

    def refused(self, ticket: Ticket, error: RateLimitedError) -> None:
        """Note that a request was refused for its rate: nobody's turn comes before a pause is over."""
        now = time.monotonic()
        self._refused += 1
        ticket.refusals += 1
        streak = self._streaks.setdefault(ticket.method, _Streak())
        streak.since = now if streak.since is None else streak.since
        # Those that were under way with the first one that was refused tell nothing new.
        is_news = ticket.sent_at >= self._closed_at
        if is_news:
            streak.pauses += 1
            self._closed_at = now
            self._allowed = fewer_at_once(self._allowed)
        if is_news or error.retry_after is not None:
            pause = pause_before(streak.pauses, first_wait=self._settings.retry_wait, retry_after=error.retry_after)
            self._closed_until = max(self._closed_until, now + pause)
        if self._closed_until > streak.since + self._settings.throttle_timeout:
            ticket.gave_up = True
            self._give_up(ticket.method, error)
        self._tell(error)

    def _is_open(self) -> bool:
        return self._under_way < int(self._allowed) and not self.pause_left

    async def _stand_in_line(self, ticket: Ticket) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (ticket.arrival, ticket, turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.exception() is None:
                # The turn had come when its request was given up: it is the next one's.
                self._under_way -= 1
                self._let_in()
            raise

    def _let_in(self) -> None:
        while self._line and self._is_open():
            turn = heapq.heappop(self._line)[2]
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)
        if self._line and self.pause_left and self._opening is None:
            self._opening = asyncio.get_running_loop().call_later(self.pause_left, self._open)

    def _open(self) -> None:
        self._opening = None
        self._let_in()

    def _give_up(self, method: str, error: RateLimitedError) -> None:
        """Tell everybody in line: one by one they would learn the same, each after a pause."""
        self._streaks.pop(method)
        for _, ticket, turn in self._line:
            if ticket.method == method and not turn.done():
                turn.set_exception(copy.copy(error))

    def _tell(self, error: RateLimitedError) -> None:
        self._trouble.failed(
            "%s throttles, going on in %.1f s: %d requests were let through and %d refused so far, %d wait. %s",
            self._service,
            self.pause_left,
            self._answered,
            self._refused,
            sum(not turn.done() for _, _, turn in self._line) + self._under_way,
            error.message,
        )

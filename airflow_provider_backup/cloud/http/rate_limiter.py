"""Adaptive concurrency limiter: bounds in-flight requests per service and pauses all of them on HTTP 429.

Like the adaptive retry mode of botocore, it learns how much a service accepts: half as many requests run concurrently
after a rejection, and with each accepted one a little more.
"""

from __future__ import annotations

import asyncio
import copy
import heapq
import logging
import math
from dataclasses import dataclass, field
from itertools import count

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.errors import RateLimitedError
from airflow_provider_backup.cloud.http.retry_policy import fewer_at_once, more_at_once, pause_before
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.limits import Limits, current_limits
from airflow_provider_backup.cloud.settings import NetworkSettings

log = logging.getLogger(__name__)

_arrivals = count()


@dataclass(slots=True)
class Ticket:
    """A request with its place in the queue: first come, first served, however often it was rejected.

    :param method: HTTP method.
    :param rejections: how often the request was rate limited.
    :param gave_up: whether it must not be retried any more.
    """

    method: str
    arrival: int = field(default_factory=lambda: next(_arrivals))
    sent_at: float = 0.0
    rejections: int = 0
    gave_up: bool = False


@dataclass(slots=True)
class _Streak:
    """Rejections in a row of one HTTP method: services limit writes harder than reads."""

    pauses: int = 0
    since: float | None = None


class Slot:
    """The slot of one request, from the beginning of the block to its end.

    :param limiter: of the service.
    :param ticket: of the request.
    """

    # No generator: each request has a slot, and an asynchronous generator costs several times as much.
    __slots__ = ("_limiter", "_ticket")

    def __init__(self, limiter: Limiter, ticket: Ticket) -> None:
        self._limiter = limiter
        self._ticket = ticket

    async def __aenter__(self) -> None:
        await self._limiter.take(self._ticket)

    async def __aexit__(self, *error: object) -> None:
        self._limiter.give_back()


class Limiter:
    """Concurrency slots for one service, shared by all requests of one client.

    When one request is rate limited, all pause, instead of each finding out for itself.

    :param service: the service's name, for the log.
    :param settings: how many requests run concurrently, the first pause, and how long a service may reject all of them.
    """

    def __init__(
        self,
        service: str,
        settings: NetworkSettings,
        *,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits | None = None,
    ) -> None:
        self._service = service
        self._settings = settings
        self._clock = clock
        self._limits = limits or current_limits()
        self._allowed = float(settings.requests_at_once)
        self._in_flight = 0
        self._queue: list[tuple[int, Ticket, asyncio.Future[None]]] = []
        self._closed_at = self._closed_until = -math.inf
        self._opening: asyncio.TimerHandle | None = None
        self._streaks: dict[str, _Streak] = {}
        self._accepted = self._rejected = 0
        self._trouble = TransientErrorLog(log, f"{service} accepts requests again", clock=clock, limits=self._limits)

    def slot(self, ticket: Ticket) -> Slot:
        """Return the slot of a request, to be held while it is under way."""
        return Slot(self, ticket)

    async def take(self, ticket: Ticket) -> None:
        """Wait for a slot.

        :raises RateLimitedError: the service has rejected all requests for too long.
        """
        if self._queue or not self._is_open():
            await self._wait_in_queue(ticket)
        else:
            self._in_flight += 1
        ticket.sent_at = self._clock.monotonic()

    def give_back(self) -> None:
        """Let another request have the slot."""
        self._in_flight -= 1
        self._grant_slots()

    @property
    def pause_left(self) -> float:
        """Seconds until requests are sent again; 0 when there is no pause."""
        return max(0.0, self._closed_until - self._clock.monotonic())

    def accepted(self, ticket: Ticket) -> None:
        """Record that a request was not rate limited, whatever its answer was."""
        self._accepted += 1
        if ticket.sent_at > self._closed_at:
            self._streaks.pop(ticket.method, None)
            self._allowed = more_at_once(self._allowed, most=self._settings.requests_at_once)
        if not self._streaks and not self._queue:
            self._trouble.recovered()

    def rejected(self, ticket: Ticket, error: RateLimitedError) -> None:
        """Record that a request was rate limited, and pause all requests."""
        now = self._clock.monotonic()
        self._rejected += 1
        ticket.rejections += 1
        streak = self._streaks.setdefault(ticket.method, _Streak())
        streak.since = now if streak.since is None else streak.since
        # Those that were in flight together with the first rejected one bring no new information.
        is_new = ticket.sent_at > self._closed_at
        if is_new:
            streak.pauses += 1
            self._closed_at = now
            self._allowed = fewer_at_once(self._allowed)
        if is_new or error.retry_after is not None:
            pause = pause_before(
                streak.pauses,
                first_wait=self._settings.retry_wait,
                longest=self._limits.longest_retry_pause,
                retry_after=error.retry_after,
            )
            self._closed_until = max(self._closed_until, now + pause)
        if self._closed_until > streak.since + self._settings.throttle_timeout:
            ticket.gave_up = True
            self._give_up(ticket.method, error)
        self._log_rejection(error)

    def _is_open(self) -> bool:
        return self._in_flight < int(self._allowed) and not self.pause_left

    async def _wait_in_queue(self, ticket: Ticket) -> None:
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (ticket.arrival, ticket, slot))
        self._grant_slots()
        try:
            await slot
        except asyncio.CancelledError:
            if not slot.cancelled() and slot.exception() is None:
                # The slot was granted just before the request was cancelled: pass it on.
                self._in_flight -= 1
                self._grant_slots()
            raise

    def _grant_slots(self) -> None:
        while self._queue and self._is_open():
            slot = heapq.heappop(self._queue)[2]
            if not slot.done():
                self._in_flight += 1
                slot.set_result(None)
        if self._queue and self.pause_left and self._opening is None:
            self._opening = asyncio.get_running_loop().call_later(self.pause_left, self._open)

    def _open(self) -> None:
        self._opening = None
        self._grant_slots()

    def _give_up(self, method: str, error: RateLimitedError) -> None:
        """Fail all queued requests of the method: each would be rejected as well, after another pause."""
        self._streaks.pop(method)
        for _, ticket, slot in self._queue:
            if ticket.method == method and not slot.done():
                slot.set_exception(copy.copy(error))

    def _log_rejection(self, error: RateLimitedError) -> None:
        self._trouble.failed(
            "%s is rate limiting; resuming in %.1f s (accepted: %d, rejected: %d, queued: %d): %s",
            self._service,
            self.pause_left,
            self._accepted,
            self._rejected,
            sum(not slot.done() for _, _, slot in self._queue) + self._in_flight,
            error.message,
        )

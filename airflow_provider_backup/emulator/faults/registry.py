"""Which faults are armed, which of them hit a request, and how many requests came; nothing of HTTP."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_backup.cloud.errors import Violation
from airflow_provider_backup.emulator.faults.history import History
from airflow_provider_backup.emulator.faults.specs import Delay, Fault, OldToken, StaleRead, Throttle
from airflow_provider_backup.emulator.faults.windows import Windows

RouteKey = tuple[str, str, str]
"""Service, method and path template."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as far as faults are about it.

    :param service: name of the service.
    :param method: HTTP method.
    :param template: template of the path.
    :param path: the path.
    :param has_token: whether it carries a token.
    """

    service: str
    method: str
    template: str
    path: str
    has_token: bool

    @property
    def route(self) -> RouteKey:
        """Which of the cloud's routes it is for."""
        return (self.service, self.method, self.template)


class ArmedFault:
    """A fault with what has become of it.

    :param order: what was ordered.
    :param armed_at: when.
    """

    def __init__(self, order: Fault, armed_at: datetime) -> None:
        self.order = order
        self.hits = 0
        self.history = History(order, armed_at) if isinstance(order, StaleRead) else None
        self._windows = Windows(order.limit, order.window) if isinstance(order, Throttle) else None
        self._random = random.Random(order.seed)

    @property
    def is_used_up(self) -> bool:
        """Whether it has hit as many requests as it was ordered for."""
        return self.order.count is not None and self.hits >= self.order.count

    def hit(self, request: Received) -> bool:
        """Return whether a request is hit, and count it."""
        if self.is_used_up or not self._fits(request) or self._random.random() >= self.order.probability:
            return False
        if self._windows is not None and self._windows.let_through(request.route):
            return False
        self.hits += 1
        return True

    def _fits(self, request: Received) -> bool:
        order = self.order
        if order.service not in (None, request.service) or order.method not in (None, request.method):
            return False
        if isinstance(order, StaleRead) and request.method != "GET":
            return False
        if isinstance(order, OldToken) and not request.has_token:
            return False
        if order.route is None:
            return True
        if order.route.startswith("^"):
            return re.search(order.route, request.path) is not None
        return request.template == order.route if "{" in order.route else request.path.startswith(order.route)


@dataclass(slots=True)
class FaultEffect:
    """What happens to one request.

    :param delays: the delays that hit it.
    :param fault: what else hits it, if anything.
    """

    delays: list[Delay] = field(default_factory=list)
    fault: ArmedFault | None = None

    def seconds(self, *, after_effect: bool) -> float:
        """Return how long the request waits before its effect, or its answer after it."""
        return sum(delay.seconds for delay in self.delays if delay.after_effect is after_effect)


class Faults:
    """All armed faults of one local cloud; any thread may ask.

    :param routes: path templates by service; no others can be named.
    :param now: the clock; returns an aware UTC time.
    """

    def __init__(self, routes: Mapping[str, Collection[str]], now: Callable[[], datetime]) -> None:
        self._routes = routes
        self._now = now
        self._lock = threading.Lock()
        self._armed: dict[str, ArmedFault] = {}
        self._disarmed: dict[str, int] = {}
        self._requests: Counter[RouteKey] = Counter()

    def arm(self, orders: Sequence[Fault]) -> list[str]:
        """Arm faults, all or none; they are tried in the order in which they were armed.

        :return: their ids.
        :raises ValueError: one names a service or a route that does not exist; the text names field and rule.
        """
        if violations := [violation for order in orders for violation in self._violations(order)]:
            raise ValueError("; ".join(map(str, violations)))
        with self._lock:
            identifiers = []
            for order in orders:
                identifier = f"fault-{len(self._armed) + len(self._disarmed) + 1}"
                self._armed[identifier] = ArmedFault(order, self._now())
                identifiers.append(identifier)
            return identifiers

    def disarm(self, identifier: str) -> None:
        """Disarm one fault.

        :raises KeyError: it is not armed.
        """
        with self._lock:
            self._disarmed[identifier] = self._armed.pop(identifier).hits

    def disarm_all(self) -> None:
        """Disarm all faults."""
        with self._lock:
            self._disarmed |= {identifier: armed.hits for identifier, armed in self._armed.items()}
            self._armed.clear()

    def hits(self, identifier: str) -> int:
        """Return how many requests a fault has hit, also when it was disarmed since.

        :raises KeyError: there was never such a fault.
        """
        with self._lock:
            armed = self._armed.get(identifier)
            return armed.hits if armed is not None else self._disarmed[identifier]

    def listed(self) -> list[dict[str, Any]]:
        """Return the faults that were not disarmed: what was ordered, ``id``, and ``hits``; used up ones as well."""
        with self._lock:
            return [
                {"id": identifier, **armed.order.to_wire(), "hits": armed.hits}
                for identifier, armed in self._armed.items()
            ]

    @property
    def requests(self) -> Counter[RouteKey]:
        """How many requests came, by service, method and path template; those that were hit are among them."""
        with self._lock:
            return self._requests.copy()

    def receive(self, request: Received) -> FaultEffect:
        """Count a request and tell what happens to it: all delays that hit it, and the first other fault that does."""
        blow = FaultEffect()
        with self._lock:
            self._requests[request.route] += 1
            for armed in self._armed.values():
                if armed.hit(request):
                    if not isinstance(armed.order, Delay):
                        blow.fault = armed
                        break
                    blow.delays.append(armed.order)
        return blow

    def histories(self, service: str) -> list[History]:
        """Return the histories that a change of a service must be reported to."""
        with self._lock:
            return [
                armed.history
                for armed in self._armed.values()
                if armed.history is not None and not armed.is_used_up and armed.order.service in (None, service)
            ]

    def _violations(self, order: Fault) -> list[Violation]:
        if order.service is not None and order.service not in self._routes:
            return [Violation("service", f"must be one of {', '.join(self._routes)}", order.service)]
        templates = [self._routes[order.service]] if order.service else self._routes.values()
        if order.route and "{" in order.route and order.route[0] == "/":
            known = any(order.route in each for each in templates)
            return [] if known else [Violation("route", "must be a route of the service", order.route)]
        return []

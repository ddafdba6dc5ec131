"""Which errors are worth another try, and after how long: pure decisions (access section 5)."""

from __future__ import annotations

import random

from airflow_provider_backup.cloud.errors import (
    BackupError,
    CloudConnectionError,
    RateLimitedError,
    ServerError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.http.error_parsing import gateway_number

_PASSING_STATUSES = frozenset({502, 503, 504})
_BEFORE_THE_BACKEND = frozenset({"0610", "0613"})


def may_be_repeated(error: BaseException, *, repeatable: bool, reading: bool = False) -> bool:
    """Return whether the same request may be sent again after this error.

    :param error: of the last try.
    :param repeatable: whether a second effect of the request would do no harm (GET, PUT, DELETE).
    :param reading: whether the request has no effect at all (GET); then any failure of the server is repeated.
    """
    if isinstance(error, CloudConnectionError):
        return repeatable or not error.request_sent
    if isinstance(error, RateLimitedError):
        return True
    if isinstance(error, ServerError):
        if gateway_number(error.code) in _BEFORE_THE_BACKEND:
            return True
        return repeatable and (reading or error.status in _PASSING_STATUSES)
    return False


def is_passing(error: BackupError) -> bool:
    """Whether a waiter should continue: the connection or the server failed, not the backup."""
    return isinstance(error, CloudConnectionError | RateLimitedError | ServerError)


def may_have_taken_effect(error: BaseException) -> bool:
    """Return whether a request that creates something may have done so although no clear answer came.

    Then what it creates has to be looked for before anything is asked again.
    """
    if isinstance(error, CloudConnectionError):
        return error.request_sent
    return isinstance(error, ServerError | UnexpectedResponseError)


def fewer_at_once(allowed: float) -> float:
    """Return how many requests may be under way after one was refused for its rate: half as many, but 1 at least."""
    return max(1.0, allowed / 2)


def more_at_once(allowed: float, *, most: int) -> float:
    """Return how many requests may be under way after one was let through: one more for each full round of them.

    :param allowed: how many it were so far; the part after the point counts towards the next one.
    :param most: how many it will ever be.
    """
    return min(float(most), allowed + 1 / allowed)


def pause_before(attempt: int, *, first_wait: float, longest: float, retry_after: float | None = None) -> float:
    """Return the seconds to pause before the next try: doubling, with jitter, and never less than the service asked.

    :param attempt: number of the try that failed, from 1.
    :param first_wait: seconds before the second try, without jitter.
    :param longest: seconds: the longest pause, without jitter.
    :param retry_after: seconds that the service asked for; five times ``longest`` at most.
    """
    pause = min(longest, first_wait * 2.0 ** min(attempt - 1, 16)) * random.uniform(0.75, 1.25)
    # Jitter here as well: all throttled callers are given the same moment.
    return max(pause, min(retry_after or 0.0, longest * 5) * random.uniform(1.0, 1.25))

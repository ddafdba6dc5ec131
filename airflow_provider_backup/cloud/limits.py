"""How long the client waits, retries and remembers, and how much it reads: all its limits, in one place.

They are no settings: no connection and no argument changes them. Whatever is constructed by hand takes them as an
argument. A client that Airflow constructs (for an operator, a sensor or a trigger) takes the ones that apply when it is
constructed: :func:`current_limits`, which tests change with :func:`override_limits`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from airflow_provider_backup.cloud.override import Overridable


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of the client; seconds where nothing else is said.

    Requests:

    :param longest_retry_pause: longest pause between two attempts of a request, and between two rate limited ones;
        rate limiting windows are a minute at most.
    :param largest_response: bytes of one answer; a page of 1,000 backups is some 2 MB.
    :param most_pages: pages of one listing, after which it counts as endless: 1,000,000 rows where pages are smallest
        (databases section 4).
    :param log_interval: how often the log repeats that a transient error lasts.
    :param clock_tolerance: what may be left between clocks that agree: those of Airflow's machines, and the time that
        answers travel.
    :param unknown_clock_margin: how much wider a filter by time is while no answer has shown the cloud's clock.

    Tokens:

    :param token_renewal_ahead: how long before its end a token is renewed, in the background.
    :param first_token_retry_pause: pause after the first failed renewal; it doubles each time.
    :param longest_token_retry_pause: longest pause between two attempts to renew a token.

    Poll cycles:

    :param longest_list_query: for the listings of one poll cycle, retries included; then it is a transient error.
    :param longest_poll_backoff: longest pause after failed poll cycles, unless the poll interval is longer.
    :param longest_time_slice: work on the event loop after which other tasks get their turn.
    :param listing_memory: after that the size of a listing, or that it fails, is forgotten.
    :param longest_unseen: how long a backup is assumed to be running without being seen, while no listing shows it as
        terminal.
    :param longest_unseen_while_busy: how long a backup is assumed to be running because its resource is busy: another
        backup may have started.
    :param reader_check_interval: between two checks whether single reads need more readers.
    :param deadline_check_interval: shortest pause between two checks of deadlines, so that thousands that end one after
        the other are ended in groups.

    Waits:

    :param longest_listing_delay: how long lists and logs may lag behind a checkpoint that succeeded; what they do not
        show by then is not expected any more.
    :param longest_restore_start: how long after its submission a restore may begin, where the service does not show
        when a backup changed (CSBS section 5), or knows no job (databases section 8.3).
    :param longest_status_delay: how long after the end of its job the status of an instance may be that of before.
    :param new_backup_grace: in which the service may not know a backup yet that was just started (databases section
        10).
    :param missing_for: how long a listing that did not show a backup is not expected to show it; listings may lag.
    :param silence_grace: beyond the tolerance of a wait, in which a query in flight may still report what is wrong.
    :param final_read: for the final read at the deadline, retries included: a wait may end that much later.
    """

    longest_retry_pause: float = 60.0
    largest_response: int = 64 * 1024 * 1024
    most_pages: int = 10_000
    log_interval: float = 300.0
    clock_tolerance: timedelta = timedelta(seconds=5)
    unknown_clock_margin: timedelta = timedelta(hours=1)

    token_renewal_ahead: timedelta = timedelta(minutes=10)
    first_token_retry_pause: float = 5.0
    longest_token_retry_pause: float = 60.0

    longest_list_query: float = 60.0
    longest_poll_backoff: float = 60.0
    longest_time_slice: float = 0.01
    listing_memory: float = 600.0
    longest_unseen: float = 600.0
    longest_unseen_while_busy: float = 120.0
    reader_check_interval: float = 0.1
    deadline_check_interval: float = 0.01

    longest_listing_delay: float = 120.0
    longest_restore_start: float = 600.0
    longest_status_delay: float = 10.0
    new_backup_grace: float = 60.0
    missing_for: float = 60.0
    silence_grace: float = 5.0
    final_read: float = 5.0


_current = Overridable(Limits())


def current_limits() -> Limits:
    """Return the limits for whatever is constructed now without limits of its own."""
    return _current.value


def override_limits(**changes: Any) -> AbstractContextManager[Limits]:
    """Change the limits of everything that is constructed inside, in all threads; for tests.

    :param changes: fields of :class:`Limits`.
    """
    return _current.override(replace(_current.value, **changes))

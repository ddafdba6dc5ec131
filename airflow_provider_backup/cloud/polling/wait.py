"""Waiting for a backup: one place in the hub of its service, one deadline, one last look."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.polling.shared_poller import SharedPoller
from airflow_provider_backup.cloud.polling.wait_errors import WaitTimeoutError
from airflow_provider_backup.cloud.polling.waiter import TimeIsOverError, Waiter

LAST_LOOK = 5.0
"""Seconds for the look at the deadline, tries and pauses included: that much later the wait may end."""


class _Service(Protocol):
    async def observe(self, reference: OperationReference) -> OperationState: ...


class PollingClient(Protocol):
    """What waiting needs of a client."""

    def hub(self, name: str) -> SharedPoller:
        """Return the poller of a service, by the service's name."""

    def service(self, name: str) -> _Service:
        """Return a service by name."""


async def wait_until_over(
    cloud: PollingClient,
    reference: OperationReference,
    *,
    poll_interval: float,
    deadline: float,
    started_at: float | None = None,
    earliest_news: float = 0.0,
    tolerance: float | None = None,
) -> OperationState:
    """Wait until the backup is good, failed or gone; passing trouble is outlived.

    Everybody in the event loop who waits with this client for backups of the same service shares the questions.

    :param cloud: the open client.
    :param reference: which backup.
    :param poll_interval: seconds between two questions at the most, above 0.
    :param deadline: when to give up, seconds since the epoch.
    :param started_at: when the backup was started, seconds since the epoch; none for one that must be known already.
    :param earliest_news: seconds from now before which this does not return, whatever is known.
    :param tolerance: seconds of unbroken trouble after which to give up; none waits until the deadline.
    :return: how the backup ended.
    :raises WaitTimeoutError: the deadline is there.
    :raises WaitTroubleError: the trouble lasts longer than ``tolerance``.
    :raises ApiError: the service refuses the question for good.
    """
    seat = begin_to_wait(
        cloud,
        reference,
        poll_interval=poll_interval,
        deadline=deadline,
        started_at=started_at,
        earliest_news=earliest_news,
        tolerance=tolerance,
    )
    try:
        # A cancelled wait cancels its own promise and nothing else.
        await seat.end
    finally:
        stop_waiting(cloud, seat)
    return await outcome_of_wait(cloud, seat)


def begin_to_wait(
    cloud: PollingClient,
    reference: OperationReference,
    *,
    poll_interval: float,
    deadline: float,
    started_at: float | None,
    earliest_news: float,
    tolerance: float | None,
) -> Waiter:
    """Begin a wait in pieces, for triggers: thousands wait at once, and a coroutine of its own for each adds up.

    What comes next is in :func:`wait_until_over`: awaiting ``end``, :func:`stop_waiting` whatever happens, and
    :func:`outcome_of_wait`. The arguments are those of :func:`wait_until_over`.
    """
    now = time.monotonic()
    seat = Waiter(
        reference,
        poll_interval=poll_interval,
        started_at=started_at,
        tolerance=tolerance,
        deadline=now + deadline - time.time(),
        not_before=now + earliest_news,
    )
    cloud.hub(reference.service).enter(seat)
    return seat


def stop_waiting(cloud: PollingClient, seat: Waiter) -> None:
    """Let others go on without this one, who heard of the end or waits no more."""
    cloud.hub(seat.reference.service).leave(seat)


async def outcome_of_wait(cloud: PollingClient, seat: Waiter) -> OperationState:
    """Return how the backup ended, when that may be told; look once more when the deadline was there.

    :param seat: whose ``end`` is done.
    :raises: as :func:`wait_until_over`.
    """
    # Held back, not asked later: what others hear in the meantime is news for this one, too.
    if (left := seat.not_before - time.monotonic()) > 0:
        await asyncio.sleep(left)
    try:
        return seat.result()
    except TimeIsOverError:
        return await _last_look(cloud, seat)


async def _last_look(cloud: PollingClient, seat: Waiter) -> OperationState:
    reference = seat.reference
    try:
        with time_limit(LAST_LOOK):
            observation = await cloud.service(reference.service).observe(reference)
    except OutOfTimeError as error:
        raise WaitTimeoutError(reference, seat.last_status, seat.last_error or error) from None
    except BackupError as error:
        raise WaitTimeoutError(reference, seat.last_status, error) from error
    if observation.phase.is_terminal:
        return observation
    raise WaitTimeoutError(reference, observation.status, None)

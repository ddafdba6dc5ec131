"""Wait for a backup: a waiter in the shared poller of its service, one deadline, one final read."""

from __future__ import annotations

from typing import Protocol

from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.polling.shared_poller import SharedPoller
from airflow_provider_backup.cloud.polling.wait_errors import WaitTimeoutError
from airflow_provider_backup.cloud.polling.waiter import DeadlineReachedError, Waiter


class PollingClient(Protocol):
    """What waiting needs of a client."""

    def poller(self, name: str, operation: str) -> SharedPoller:
        """Return the shared poller of one kind of operation of a service, by their names."""

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read once how an operation stands."""


async def wait_until_terminal(
    cloud: PollingClient,
    reference: OperationReference,
    *,
    poll_interval: float,
    deadline: float,
    started_at: float | None = None,
    earliest_result: float = 0.0,
    tolerance: float | None = None,
) -> OperationState:
    """Wait until the backup succeeded, failed or was deleted; transient errors are tolerated.

    All waits in the event loop that use this client for the same service share the requests.

    :param cloud: the open client.
    :param reference: the backup.
    :param poll_interval: seconds between two polls at most, above 0.
    :param deadline: when the wait ends, seconds since the epoch.
    :param started_at: when the backup was started, seconds since the epoch; ``None`` when that is unknown, then the
        service must know the backup from the first poll on.
    :param earliest_result: seconds from now before which this does not return.
    :param tolerance: seconds of unbroken transient errors after which the wait fails; ``None`` tolerates them until the
        deadline.
    :return: the final state of the backup.
    :raises WaitTimeoutError: the backup did not end before the deadline.
    :raises WaitTroubleError: transient errors lasted for longer than ``tolerance``.
    :raises ApiError: the service refused the query permanently.
    """
    waiter = start_wait(
        cloud,
        reference,
        poll_interval=poll_interval,
        deadline=deadline,
        started_at=started_at,
        earliest_result=earliest_result,
        tolerance=tolerance,
    )
    try:
        # A cancelled wait cancels its own future and nothing else.
        await waiter.done
    finally:
        end_wait(cloud, waiter)
    return await wait_outcome(cloud, waiter)


def start_wait(
    cloud: PollingClient,
    reference: OperationReference,
    *,
    poll_interval: float,
    deadline: float,
    started_at: float | None,
    earliest_result: float,
    tolerance: float | None,
) -> Waiter:
    """Start a wait, in pieces: for triggers, of which thousands wait at once, so that each spares a coroutine.

    The other pieces are in :func:`wait_until_terminal`: await ``done``, :func:`end_wait` in any case, then
    :func:`wait_outcome`. The arguments are those of :func:`wait_until_terminal`.
    """
    poller = cloud.poller(reference.service, reference.operation)
    clock = poller.clock
    now = clock.monotonic()
    waiter = Waiter(
        reference,
        poll_interval=poll_interval,
        started_at=started_at,
        tolerance=tolerance,
        deadline=now + deadline - clock.time(),
        not_before=now + earliest_result,
        clock=clock,
        limits=poller.limits,
    )
    poller.add(waiter)
    return waiter


def end_wait(cloud: PollingClient, waiter: Waiter) -> None:
    """Remove a waiter from its poller, whether its wait has ended or is cancelled."""
    cloud.poller(waiter.reference.service, waiter.reference.operation).remove(waiter)


async def wait_outcome(cloud: PollingClient, waiter: Waiter) -> OperationState:
    """Return the final state of the backup; after the deadline, read it one last time.

    :param waiter: a waiter whose ``done`` has resolved.
    :raises: as :func:`wait_until_terminal`.
    """
    # The result is held back rather than polled later, so that the other waiters get it at once.
    if (left := waiter.not_before - waiter.clock.monotonic()) > 0:
        await waiter.clock.sleep(left)
    try:
        return waiter.result()
    except DeadlineReachedError:
        return await _final_read(cloud, waiter)


async def _final_read(cloud: PollingClient, waiter: Waiter) -> OperationState:
    reference = waiter.reference
    try:
        with time_limit(waiter.limits.final_read, clock=waiter.clock):
            state = await cloud.observe(reference)
    except OutOfTimeError as error:
        raise WaitTimeoutError(reference, waiter.last_status, waiter.last_error or error) from None
    except BackupError as error:
        raise WaitTimeoutError(reference, waiter.last_status, error) from error
    if state.phase.is_terminal:
        return state
    raise WaitTimeoutError(reference, state.status, None)

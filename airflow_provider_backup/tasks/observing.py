"""One observation of an operation from a worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from airflow_provider_backup.cloud.errors import BackupError, CloudConnectionError, NotFoundError, OutOfTimeError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.time_limit import time_left, time_limit
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import AnyOperation
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.limits import task_limits

Read = Callable[[OperationReference], Awaitable[OperationState]]


async def observe_once(read: Read, reference: OperationReference, *, is_new: bool = False) -> OperationState:
    """Observe an operation once.

    :param read: reads its state, as ``Operation.observe`` does.
    :param reference: which operation.
    :param is_new: whether it was submitted just now: then it may be unknown yet, and transient errors do not matter.
    :raises BackupError: it cannot be read.
    """
    try:
        return await _in_time(read, reference)
    except BackupError as error:
        if not is_new or not (is_passing(error) or isinstance(error, NotFoundError)):
            raise
        return OperationState(reference, "submitted", Phase.IN_PROGRESS)


async def began_at(operation: AnyOperation, reference: OperationReference) -> datetime | None:
    """Return when an operation began, by the cloud's clock; ``None`` when the service does not tell.

    :param operation: reads it.
    :param reference: which operation.
    """
    try:
        return (await observe_once(operation.observe, reference)).created_at
    except NotFoundError:
        # Lists can be ahead of single reads.
        return None


async def _in_time(read: Read, reference: OperationReference) -> OperationState:
    longest = task_limits().longest_read
    try:
        with time_limit(longest):
            return await read(reference)
    except OutOfTimeError as error:
        if not time_left() or not error.is_deadline:
            # Not the end of this observation.
            raise
        raise CloudConnectionError(
            f"{reference} could not be read within {longest:.0f} s, tries and pauses included: {error.message}",
            request_sent=True,
        ) from None


def here(clock: CloudClock, moment: datetime | None) -> float | None:
    """Convert a time of the cloud's clock to this machine's, in seconds since the epoch.

    :param clock: the cloud's clock.
    :param moment: the time; ``None`` if the service did not report it.
    """
    return clock.here(moment).timestamp() if moment else None

"""Waiting for a backup: one place in the hub of its service, one deadline, one last look."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.hub.seat import Seat, TimeIsOverError
from airflow_provider_backup.cloud.wait_errors import WaitTimeoutError

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

LAST_LOOK = 30.0
"""Seconds for the look at the deadline, tries and pauses included."""


async def wait_until_over(
    cloud: BackupCloud,
    reference: BackupReference,
    *,
    poll_interval: float,
    deadline: float,
    started_at: float | None = None,
    earliest_news: float = 0.0,
    tolerance: float | None = None,
) -> BackupObservation:
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
    now = time.monotonic()
    not_before = now + earliest_news
    seat = Seat(
        reference,
        poll_interval=poll_interval,
        started_at=started_at,
        tolerance=tolerance,
        deadline=now + deadline - time.time(),
    )
    hub = cloud.hub(reference.service)
    hub.enter(seat)
    try:
        # A cancelled wait cancels its own promise and nothing else.
        await seat.end
    except (BackupError, TimeIsOverError):
        pass  # raised below, when it may be told
    finally:
        hub.leave(seat)
    # Held back, not asked later: what others hear in the meantime is news for this one, too.
    await _until(not_before)
    try:
        return seat.end.result()
    except TimeIsOverError:
        return await _last_look(cloud, seat)


async def _until(moment: float) -> None:
    if (left := moment - time.monotonic()) > 0:
        await asyncio.sleep(left)


async def _last_look(cloud: BackupCloud, seat: Seat) -> BackupObservation:
    reference = seat.reference
    try:
        async with asyncio.timeout(LAST_LOOK):
            observation = await cloud.service(reference.service).observe(reference)
    except TimeoutError:
        raise WaitTimeoutError(reference, seat.last_status, seat.last_error) from None
    except BackupError as error:
        raise WaitTimeoutError(reference, seat.last_status, error) from error
    if observation.phase.is_terminal:
        return observation
    raise WaitTimeoutError(reference, observation.status, None)

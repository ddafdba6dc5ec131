"""Waiting for a backup: ask, pause, ask again, until it is over or the deadline is there."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING

from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference
from airflow_provider_backup.cloud.errors import BackupError, NotFoundError
from airflow_provider_backup.cloud.retries import is_passing

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

log = logging.getLogger(__name__)

NEW_BACKUP_GRACE = 60.0
"""Seconds in which a backup that was just started may be unknown yet (databases section 10)."""


class WaitTimeoutError(BackupError):
    """The deadline is there and the backup is not over.

    :param reference: the backup that was waited for.
    :param last_seen: how it was last seen; none when it was never seen.
    :param last_error: the trouble that the last question met, if any.
    """

    def __init__(
        self, reference: BackupReference, last_seen: BackupObservation | None, last_error: BackupError | None
    ) -> None:
        self.last_seen = last_seen
        self.last_error = last_error
        text = f"The time is over and {last_seen or f'{reference} was never seen'}."
        if last_error is not None:
            text += f" The last question met: {last_error}"
        super().__init__(
            text, next_step="Give it more time; the backup itself is left alone and may still become good."
        )


class WaitTroubleError(BackupError):
    """The backup could not be seen for longer than the one who waits tolerates.

    :param reference: the backup that was waited for.
    :param since: when the trouble began, seconds since the epoch.
    :param last_error: what the last question met.
    """

    def __init__(self, reference: BackupReference, since: float, last_error: BackupError) -> None:
        self.last_error = last_error
        began = time.strftime("%F %T UTC", time.gmtime(since))
        super().__init__(
            f"{reference} could not be seen since {began}. The last question met: {last_error}",
            next_step="Repair what the error names; the backup itself is left alone, and a retry finds it again.",
        )


async def wait_until_over(
    cloud: BackupCloud,
    reference: BackupReference,
    *,
    poll_interval: float,
    deadline: float,
    started_at: float | None = None,
    first_pause: float | None = None,
    tolerance: float | None = None,
) -> BackupObservation:
    """Ask until the backup is good, failed or gone; passing trouble is outlived.

    :param cloud: the open client.
    :param reference: which backup.
    :param poll_interval: seconds between two questions, above 0; each pause is up to a tenth shorter.
    :param deadline: when to give up, seconds since the epoch.
    :param started_at: when the backup was started, seconds since the epoch; none for one that must be known already.
    :param first_pause: seconds before the first question; none is ``poll_interval``.
    :param tolerance: seconds of unbroken trouble after which to give up; none waits until the deadline.
    :return: how the backup ended.
    :raises WaitTimeoutError: the deadline is there.
    :raises WaitTroubleError: the trouble lasts longer than ``tolerance``.
    :raises ApiError: the service refuses the question for good.
    """
    service = cloud.service(reference.service)
    last_seen: BackupObservation | None = None
    last_error: BackupError | None = None
    trouble_since = time.time()
    pause = poll_interval if first_pause is None else first_pause
    while True:
        left = deadline - time.time()
        await asyncio.sleep(max(0.0, min(pause, left)))
        try:
            observation = await service.observe(reference)
        except BackupError as error:
            if not (is_passing(error) or _is_new(error, started_at)):
                raise
            trouble_since = trouble_since if last_error else time.time()
            last_error = error
            if tolerance is not None and time.time() - trouble_since >= tolerance:
                raise WaitTroubleError(reference, trouble_since, error) from error
            log.warning("%s could not be seen, asking again: %s", reference, error)
        else:
            if observation.phase.is_terminal:
                return observation
            if last_seen is None or observation.status != last_seen.status:
                log.info("%s", observation)
            last_seen, last_error = observation, None
        if time.time() >= deadline:
            raise WaitTimeoutError(reference, last_seen, last_error)
        pause = poll_interval * random.uniform(0.9, 1.0)


def _is_new(error: BackupError, started_at: float | None) -> bool:
    return isinstance(error, NotFoundError) and started_at is not None and time.time() < started_at + NEW_BACKUP_GRACE

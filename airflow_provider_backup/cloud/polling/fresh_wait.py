"""Wait until resources have fresh backups: looks at intervals, which all who ask the same question share."""

from __future__ import annotations

import random
from typing import Any, Protocol

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.cloud.operations.freshness_question import FreshnessAnswer, FreshnessQuestion
from airflow_provider_backup.cloud.polling.shared_looks import SharedLooks

SHORTEST_FIRST_PAUSE = 0.5
"""Of the interval, before the first look: tasks that began to wait together do not all look together."""


LONGEST_MEMORY = 0.5
"""Of the interval: a look of another wait that ended so long ago at most serves as well."""


class LookingClient(Protocol):
    """What waiting needs of a client."""

    @property
    def looks(self) -> SharedLooks:
        """The looks that are shared."""


async def wait_until_fresh(
    cloud: LookingClient,
    question: FreshnessQuestion,
    *,
    poll_interval: float,
    deadline: float,
    log: Any,
    earliest_result: float = 0.0,
) -> FreshnessAnswer | None:
    """Wait until every resource has a fresh backup; transient errors are retried with the next look.

    The first look is within one interval, as the caller has looked just before. Failed backups and those in progress do
    not count; they are logged from time to time.

    :param cloud: the open client.
    :param question: which resources, and which backups are fresh enough.
    :param poll_interval: seconds between two looks, above 0.
    :param deadline: when the wait ends, seconds since the epoch.
    :param log: the logger of the caller.
    :param earliest_result: seconds from now before which this does not return.
    :return: the answer that ended the wait; ``None`` at the deadline.
    :raises BackupError: the backups cannot be read, and that does not pass by itself; or there is nothing to judge.
    """
    clock = cloud.looks.clock
    ends = clock.monotonic() + deadline - clock.time()
    trouble = TransientErrorLog(log, f"{question} can be read again", clock=clock)
    pause = max(earliest_result, min(poll_interval * random.uniform(SHORTEST_FIRST_PAUSE, 1), deadline - clock.time()))
    next_line = 0.0
    with cloud.looks.of(question) as look:
        while True:
            await clock.sleep(pause)
            left = ends - clock.monotonic()
            if left <= 0:
                return None
            try:
                answer = await look.answer(memory=LONGEST_MEMORY * poll_interval, max_wait=left)
            except BackupError as error:
                if not is_passing(error):
                    raise
                trouble.failed("%s could not be read, retrying: %s", question, error)
            else:
                if answer is None or answer.is_fresh:
                    return answer
                trouble.recovered()
                if clock.monotonic() >= next_line:
                    next_line = clock.monotonic() + current_limits().log_interval
                    log.info("No fresh backup yet: %s.", answer)
            now = clock.monotonic()
            # From the end of the look: those who share it look together the next time.
            pause = min(look.ended_at + poll_interval, ends) - now

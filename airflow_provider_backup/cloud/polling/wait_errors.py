"""How a wait ends that does not see the backup's end."""

from __future__ import annotations

import time

from airflow_provider_backup.cloud.errors import BackupError, CloudConnectionError
from airflow_provider_backup.cloud.operations.backup import OperationReference


class WaitTimeoutError(BackupError):
    """The deadline is there and the backup is not over.

    :param reference: the backup that was waited for.
    :param last_status: how it was last seen; none when it was never seen.
    :param last_error: the trouble that the last question met, if any.
    """

    def __init__(self, reference: OperationReference, last_status: str | None, last_error: BackupError | None) -> None:
        self.last_status = last_status
        self.last_error = last_error
        text = f"The time is over and {reference} " + (f"is {last_status}." if last_status else "was never seen.")
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

    def __init__(self, reference: OperationReference, since: float, last_error: BackupError) -> None:
        self.last_error = last_error
        began = time.strftime("%F %T UTC", time.gmtime(since))
        super().__init__(
            f"{reference} could not be seen since {began}. The last question met: {last_error}",
            next_step="Repair what the error names; the backup itself is left alone, and a retry finds it again.",
        )


def no_answer_within(seconds: float, service: str) -> CloudConnectionError:
    """Return the error of a question whose time ended before its tries did.

    :param seconds: how long it was waited for an answer.
    :param service: who was asked.
    """
    text = f"{service} did not answer within {seconds:.0f} s, tries included."
    return CloudConnectionError(text, request_sent=True)

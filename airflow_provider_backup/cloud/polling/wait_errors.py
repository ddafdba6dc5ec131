"""Errors of waits that end before the backup does."""

from __future__ import annotations

import time

from airflow_provider_backup.cloud.errors import BackupError, CloudConnectionError
from airflow_provider_backup.cloud.operations.backup import OperationReference


class WaitTimeoutError(BackupError):
    """The operation did not end before the deadline.

    :param reference: the operation that was waited for.
    :param last_status: the status that the service reported last; ``None`` when it reported none.
    :param last_error: the error of the last read, if it failed.
    """

    def __init__(self, reference: OperationReference, last_status: str | None, last_error: BackupError | None) -> None:
        self.last_status = last_status
        self.last_error = last_error
        status = f"last status: {last_status}" if last_status else "no status was read"
        text = f"Timed out waiting for {reference} ({status})."
        if last_error is not None:
            text += f" Last error: {last_error}"
        super().__init__(text, next_step=f"Give it more time; {_what_remains(reference)} and may still succeed.")


class WaitTroubleError(BackupError):
    """Transient errors lasted for longer than the waiter tolerates.

    :param reference: the operation that was waited for.
    :param since: when the errors began, seconds since the epoch.
    :param last_error: the last of them.
    """

    def __init__(self, reference: OperationReference, since: float, last_error: BackupError) -> None:
        self.last_error = last_error
        began = time.strftime("%F %T UTC", time.gmtime(since))
        super().__init__(
            f"The status of {reference} could not be read since {began}. Last error: {last_error}",
            next_step=f"Repair what the error names; {_what_remains(reference)}, and a retry adopts it.",
        )


def _what_remains(reference: OperationReference) -> str:
    if reference.operation == "backup":
        return "the backup itself is left alone"
    return f"the {reference.operation} continues in the cloud"


def no_answer_within(seconds: float, service: str) -> CloudConnectionError:
    """Return the error of a query that was given up before its retries ended.

    :param seconds: how long the answer was waited for.
    :param service: the service that was asked.
    """
    text = f"{service} did not answer within {seconds:.0f} s, retries included."
    return CloudConnectionError(text, request_sent=True)

"""Errors that a task ends with: members of the one error tree that are Airflow exceptions too.

The rest of the tree is in ``airflow_provider_backup.cloud.errors``; its classes are plain exceptions for Airflow, so a
task that fails with one is retried as its author configured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSensorTimeout,
)

from airflow_provider_backup.cloud.errors import BackupError, ConfigurationError, DuplicateNameError, NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.text import one_line

MOST_LEFT_NAMED = 5
"""Backups that an error names at most."""


class BackupFailedError(BackupError, AirflowException):
    """The backup failed or was deleted: waiting longer cannot help. A retry of the task takes a new one.

    :param observation: the state of the backup.
    :param next_step: what the user can do about it; ``None`` for what helps a task that takes the backup.
    """

    next_step_of_class = "Check the resource in the cloud; the next try, or clearing the task, takes a new backup."

    def __init__(self, observation: OperationState, *, next_step: str | None = None) -> None:
        self.observation = observation
        reason = (observation.reason or "the service gives no reason").rstrip(".")
        super().__init__(
            f"{observation}: {reason}.",
            next_step=next_step or self.next_step_of_class,
        )


class FinalBackupFailedError(BackupFailedError, AirflowFailException):
    """The same without a retry: for sensors, since the backup stays failed, and with ``retry_failed=False``."""

    next_step_of_class = "Check the resource in the cloud; clear the task that takes the backup to get a new one."


class UnknownConnectionError(ConfigurationError, AirflowNotFoundException):
    """Airflow has no connection with the id that a task names. Nothing was sent.

    :param connection_id: the id.
    :param next_step: what the user can do about it; ``None`` for a connection to the cloud.
    """

    def __init__(self, connection_id: str, *, next_step: str | None = None) -> None:
        super().__init__(
            f"Airflow has no connection {connection_id!r}.",
            next_step=next_step
            or "Create it with type huaweicloud_backup (in the UI, with 'airflow connections add', in a secrets "
            "backend, or as an environment variable of every worker and triggerer), or correct huaweicloud_conn_id.",
        )


class InvalidArgumentError(BackupError, AirflowFailException):
    """An argument breaks a documented rule; a retry cannot help. Nothing was sent."""


class NameTakenError(DuplicateNameError):
    """The requested name is in use, and ``if_exists`` is ``fail``. Nothing was sent.

    :param service: the service.
    :param holder: the object that has the name, in words.
    :param name: the name.
    :param next_step: what the user can do.
    """

    def __init__(self, service: str, holder: str, name: str, *, next_step: str) -> None:
        super().__init__(
            f"Nothing was sent (if_exists is 'fail'): {holder} has the name {name!r} already.", next_step=next_step
        )
        self.service = service


class AmbiguousNameError(BackupError, AirflowFailException):
    """Several objects have the name by which a task names one. Nothing was changed; a retry cannot help.

    :param title: what was searched, such as ``CBR policy``.
    :param name: the name.
    :param ids: ids of the objects that have it.
    :param argument: the argument that takes an id.
    """

    def __init__(self, title: str, name: str, ids: Sequence[str], *, argument: str) -> None:
        self.ids = tuple(ids)
        super().__init__(
            f"Nothing was changed: {title} {name!r} is ambiguous, {len(ids)} have this name: {', '.join(ids)}.",
            next_step=f"Name the one that is meant by its id ({argument}), or delete or rename the others.",
        )


class DisksNotBoundError(BackupError, AirflowException):
    """The service refused to put disks under a policy; the others are under it.

    :param policy_id: id of the policy.
    :param refused: the service's code and words by disk.
    """

    def __init__(self, policy_id: str, refused: Mapping[str | None, str]) -> None:
        self.refused = dict(refused)
        reasons = "; ".join(f"{volume_id} ({reason})" for volume_id, reason in refused.items())
        super().__init__(
            one_line(f"VBS policy {policy_id} does not protect {len(refused)} of the disks: {reasons}."),
            next_step="Check ids and states of these disks, or leave them out of volume_ids; the next run tries again.",
        )


class BackupExistsError(NameTakenError, AirflowFailException):
    """A backup has the requested name, and ``if_exists`` is ``fail``. Nothing was sent; a retry cannot help.

    :param reference: the backup that has the name.
    :param name: the name.
    """

    def __init__(self, reference: OperationReference, name: str) -> None:
        self.reference = reference
        super().__init__(
            reference.service,
            str(reference),
            name,
            next_step="Choose another name, delete that backup, or adopt it with if_exists='adopt'.",
        )


class MissingError(BackupError, AirflowFailException):
    """What a task should delete does not exist, and ``if_missing`` is ``fail``: a retry cannot help.

    :param reference: what should be deleted, as the task names it.
    :param place: where it was searched, in words.
    :param answer: the error of the service.
    :param would_know: whether this task has a record of what earlier tries saw.
    """

    def __init__(self, reference: OperationReference, place: str, answer: NotFoundError, *, would_know: bool) -> None:
        self.reference = reference
        self.request_id = answer.request_id
        self.code = answer.code
        memory = "" if would_know else " An earlier try may have deleted it; only Airflow 3.3 and later record that."
        hint = " (checkpoint_id is for whole checkpoints only)" if reference.kind == "checkpoint" else ""
        super().__init__(
            f"Nothing was deleted: {reference} does not exist in {place}. {answer.message}{memory}",
            next_step=f"Check the id{hint}, and region and project_id of the connection and the task. Where it may "
            "be deleted already, count that as success with if_missing='ignore'.",
        )


class BackupMissingError(MissingError):
    """The backup to delete does not exist, and ``if_missing`` is ``fail``: a retry cannot help."""


class InstanceMissingError(MissingError):
    """The instance to delete does not exist, and ``if_missing`` is ``fail``: a retry cannot help."""


class VaultMissingError(MissingError):
    """The vault to delete does not exist, and ``if_missing`` is ``fail``: a retry cannot help."""


class BackupsLeftError(BackupError, AirflowException):
    """A prune could not delete all that was to go, and ``fail_on_refused`` is set. All other deletions were requested.

    :param left: each backup that is left, with the reason.
    """

    def __init__(self, left: Sequence[str]) -> None:
        self.left = tuple(left)
        more = f"; and {len(left) - MOST_LEFT_NAMED} more" if len(left) > MOST_LEFT_NAMED else ""
        super().__init__(
            f"{len(left)} backups could not be deleted: {one_line('; '.join(left[:MOST_LEFT_NAMED]))}{more}",
            next_step="Remove what speaks against the deletion; a retry decides again by what is left.",
        )


class StaleBackupError(BackupError, AirflowException):
    """A resource has no good backup that is fresh enough.

    :param found: how the resources stand, in words.
    :param required: which backups are fresh enough, in words.
    """

    def __init__(self, found: str, required: str) -> None:
        super().__init__(
            f"No fresh backup: {found}. Required: {required}.",
            next_step="Take a backup, wait for the scheduled one, or check in the cloud why it failed.",
        )


class ProtectionFindingsError(BackupError, AirflowException):
    """A report found what ``fail_on`` names. The findings are the task's XCom ``return_value``.

    :param counts: how many findings there are of each kind.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = dict(counts)
        super().__init__(
            f"Findings that fail this task (fail_on): {', '.join(f'{kind} {n}' for kind, n in self.counts.items())}.",
            next_step="The log of this task and its XCom name them; a retry looks again.",
        )


class UnprovenSubmissionError(BackupError, AirflowFailException):
    """A destructive operation may have been submitted by an earlier try, and nothing proves what became of it.

    Nothing was sent; a retry cannot help.

    :param operation: ``restore``, ``deletion``.
    :param subject: what it acts on, in words.
    :param next_step: what the author can do.
    """

    def __init__(self, operation: str, subject: str, *, next_step: str) -> None:
        super().__init__(
            f"Nothing was sent: an earlier try may have submitted a {operation} of {subject}, and what became of it "
            "cannot be proved.",
            next_step=next_step,
        )


class BackupTimeoutError(BackupError, AirflowException):
    """Timed out while the backup is still running, or while its resource is still busy.

    The backup is left alone; a retry adopts it.
    """


class BackupSensorTimeoutError(BackupError, AirflowSensorTimeout):
    """A sensor timed out while the backup is still running."""


class BackupPartialError(BackupError, AirflowFailException):
    """The backup succeeded, but lacks resources that were requested.

    :param observation: the state of the backup.
    """

    def __init__(self, observation: OperationState) -> None:
        self.observation = observation
        skipped = ", ".join(f"{item['resource_id']} ({item['reason']})" for item in observation.skipped)
        super().__init__(
            f"{observation}, but without {skipped}.",
            next_step="Fix what the reasons name, or accept partial backups with fail_on_skipped=False.",
        )


class GuardedWorkError(BackupError, AirflowFailException):
    """The work inside a backup guard did not succeed; the text says whether what was there before is back."""


class GuardedWorkRunningError(BackupError, AirflowException):
    """A task inside a backup guard is running while the guard decides about the restore: it was cleared meanwhile.

    Nothing is restored.

    :param running: names of the tasks, in words.
    """

    def __init__(self, running: str) -> None:
        super().__init__(
            f"Nothing is restored: the guarded work is not over ({running}).",
            next_step="Let it end. Airflow runs this task again with what was cleared before it; otherwise clear it.",
        )


class RehearsalFailedError(BackupError, AirflowFailException):
    """The rehearsal of a restore did not pass, or left its instance behind; the text says what failed."""

"""Kinds of references: which ones a service has, and ids of a checkpoint or a job that are given as a backup's."""

from __future__ import annotations

from collections.abc import Awaitable

from airflow_provider_backup.cloud.errors import (
    BadRequestError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    Violation,
)
from airflow_provider_backup.cloud.operations.backup import BackupKind, OperationReference, OperationState


def check_kind(reference: OperationReference, *kinds: BackupKind) -> None:
    """Refuse a reference of a kind that its service does not have.

    :param reference: the reference.
    :param kinds: the kinds that the service has.
    :raises InvalidRequestError: the reference is of another kind; nothing was sent.
    """
    if reference.kind not in kinds:
        rule = f"must be {' or '.join(kinds)}"
        raise InvalidRequestError(f"Reference to {reference.service}", [Violation("kind", rule, reference.kind)])


async def otherwise(look: Awaitable[OperationState], absence: NotFoundError) -> OperationState:
    """Return what an id names that is no backup's.

    :param look: the look for something else with the same id.
    :param absence: what the service said when it was asked for a backup of that id.
    :raises NotFoundError: ``absence``, when the id names nothing else either, or nothing that may be seen.
    """
    try:
        return await look
    except (NotFoundError, BadRequestError, PermissionDeniedError):
        raise absence from None

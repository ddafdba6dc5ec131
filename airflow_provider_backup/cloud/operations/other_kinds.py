"""Ids that are given as a backup's and name something that leads to backups: a checkpoint, or a job."""

from __future__ import annotations

from collections.abc import Awaitable

from airflow_provider_backup.cloud.errors import BadRequestError, NotFoundError, PermissionDeniedError
from airflow_provider_backup.cloud.operations.backup import OperationState


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

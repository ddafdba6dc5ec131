"""Deleting several backups of databases with one request (databases section 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from airflow_provider_backup.cloud.errors import ApiError, BadRequestError
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier

LARGEST_BATCH = 50
"""Backups that one request names at most."""


class DeletionResult(ResponseModel):
    """What became of the request to delete one of several backups."""

    backup_id: Identifier
    error_code: str | None = None
    error_msg: str | None = None

    def to_error(self, service: str) -> ApiError:
        """Return the refusal as an error.

        :param service: name of the service.
        """
        # The answer as a whole has this status, and the refusal is one of its rows.
        return BadRequestError(
            service=service,
            status=HTTPStatus.OK,
            code=self.error_code or "",
            detail=self.error_msg or "",
            request_id=None,
        )


@dataclass(frozen=True, slots=True)
class BatchDeletion:
    """How a service deletes several backups at once.

    :param delete: starts the deletion of backups by their ids, 1 to :data:`LARGEST_BATCH`, and returns the refusals
        by id.
    :param engines: the engines, in lower case, that it is offered for; ``None`` for all.
    """

    delete: Callable[[Sequence[str]], Awaitable[Mapping[str, ApiError]]]
    engines: Collection[str] | None = None

"""Shares of backups (VBS section 4.8)."""

from __future__ import annotations

from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import Timestamp


class Share(ResponseModel):
    """A backup that another project may use.

    :param deleted: a text that is true for a share that was cancelled; most answers leave it out.
    """

    id: Identifier
    backup_id: str | None = None
    from_project_id: str | None = None
    to_project_id: str | None = None
    created_at: Timestamp = None
    updated_at: Timestamp = None
    deleted_at: Timestamp = None
    deleted: str | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether the share was cancelled."""
        return self.deleted_at is not None or (self.deleted or "").lower() in ("true", "1")

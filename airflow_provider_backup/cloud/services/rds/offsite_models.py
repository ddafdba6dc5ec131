"""Copies of RDS backups in another region: policy, copies, instances (databases section 8.6)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import WholeNumber
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackupQuery, Datastore, PageQuery, Row

OffsiteBackupType = Literal["auto", "incremental", "all"]


class OffsitePolicyUpdate(RequestModel):
    """Which backups are copied to another region: PUT ``/instances/{id}/backups/offsite-policy``.

    Source: databases section 8.6.

    :param backup_type: ``auto`` (full automatic backups), ``incremental`` (only where the former are copied too) or
        ``all``; SQL Server has ``all`` only.
    :param keep_days: days that copies stay, 1 to 1825; 0 switches copying off.
    :param destination_region: id of the other region; it cannot be changed while the policy is on.
    :param destination_project_id: id of the project in that region.
    """

    backup_type: OffsiteBackupType
    keep_days: int = Field(ge=0, le=1825)
    destination_region: Identifier
    destination_project_id: Identifier

    def to_body(self) -> dict[str, Any]:
        """Return the whole request body."""
        return {"policy_para": self.to_wire()}


class OffsiteBackupQuery(DatabaseBackupQuery):
    """Which copies to list: GET ``/offsite-backups`` (databases section 8.6).

    :param instance_id: the instance whose copies are listed; RDS lists none without it.
    :param backup_type: only ``auto`` or ``incremental`` ones; SQL Server has ``auto`` only.
    """

    instance_id: Identifier
    backup_type: Literal["auto", "incremental"] | None = None


class OffsiteInstanceQuery(PageQuery):
    """Which page of the instances with copies: GET ``/v3/backups/offsite-backup-instance`` (databases section 8.6)."""


class OffsitePolicy(ResponseModel):
    """How backups of one type are copied to another region.

    ``backup_type`` is ``auto``, ``incremental``, or of SQL Server also ``manual``.
    """

    backup_type: str = ""
    keep_days: WholeNumber = None
    destination_region: str = ""
    destination_project_id: str = ""


class OffsiteInstance(Row):
    """An instance that has copies in this region; ``keep_days`` is how long they stay."""

    name: str = ""
    source_region: str = ""
    source_project_id: str = ""
    destination_region: str = ""
    destination_project_id: str = ""
    datastore: Datastore | None = None
    keep_days: WholeNumber = None

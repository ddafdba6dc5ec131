"""How much of the vaults is used (CBR section 12)."""

from __future__ import annotations

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import Offset, PageSize, ResourceType


class StorageUsageQuery(RequestModel):
    """What the usage is listed by (CBR section 12).

    :param limit: resources in one page, 1 to 1,000.
    :param offset: resources to skip, 0 or more.
    :param resource_id: only this resource.
    :param resource_type: only resources of this type.
    """

    limit: PageSize | None = None
    offset: Offset | None = None
    resource_id: Identifier | None = None
    resource_type: ResourceType | None = None


class StorageUsage(ResponseModel):
    """How much the backups of a resource take, as read. The unit of the sizes is not documented."""

    resource_id: Identifier
    resource_name: str | None = None
    resource_type: str | None = None
    backup_count: WholeNumber = None
    backup_size: WholeNumber = None
    backup_size_multiaz: WholeNumber = None


class VaultSummary(ResponseModel):
    """The sizes of all vaults of the project together, as read. The units are not documented."""

    size: WholeNumber = None
    used_size: WholeNumber = None

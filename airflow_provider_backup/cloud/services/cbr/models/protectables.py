"""What can be backed up: servers, disks, file systems (CBR section 9)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import AsObject, Flag, JsonObject, WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import AsItems, Offset, Text
from airflow_provider_backup.cloud.services.cbr.models.vaults import Vault

ProtectableType = Literal["server", "disk", "turbo", "workspace", "workspace_v2"]
MOST_PROTECTABLES_IN_PAGE = 50


class ProtectableQuery(RequestModel):
    """What resources are listed by (CBR section 9).

    :param protectable_type: what is listed.
    :param limit: resources in one page, 1 to 50.
    :param offset: resources to skip, 0 or more.
    :param name: the name.
    :param status: the status.
    :param id: the id.
    :param server_id: disks of this server.
    """

    protectable_type: ProtectableType
    limit: Annotated[int, Field(ge=1, le=MOST_PROTECTABLES_IN_PAGE)] | None = None
    offset: Offset | None = None
    name: str | None = None
    status: str | None = None
    id: Identifier | None = None
    server_id: Identifier | None = None


class Protection(ResponseModel):
    """Whether a resource can go into a vault, or why not; and in which vault it is."""

    result: Flag = None
    code: Text = None
    reason: str | None = None
    message: str | None = None
    vault: Vault | None = None


class Protectable(ResponseModel):
    """A resource that can be backed up, as read (CBR section 9)."""

    id: Identifier
    name: str | None = None
    type: str | None = None
    size: WholeNumber = None
    status: str | None = None
    children: Annotated[list[Any], AsItems] = Field(default_factory=list)
    detail: JsonObject = Field(default_factory=dict)
    protectable: Annotated[Protection, AsObject] = Field(default_factory=Protection)

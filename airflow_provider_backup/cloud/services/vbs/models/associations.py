"""Which disks a policy backs up (VBS section 3.6)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier


class AssociatedVolume(RequestModel):
    """One disk to put under a policy (VBS section 3.6).

    :param resource_id: id of the disk.
    :param resource_type: fixed.
    """

    resource_id: Identifier
    resource_type: Literal["volume"] = "volume"


class Association(RequestModel):
    """Disks to put under a policy; a disk that belongs to another policy moves (VBS section 3.6).

    :param backup_policy_id: id of the policy.
    :param resources: 1 disk or more.
    """

    backup_policy_id: Identifier
    resources: Annotated[list[AssociatedVolume], Field(min_length=1)]


class DisassociatedVolume(RequestModel):
    """One disk to take from a policy (VBS section 3.6).

    :param resource_id: id of the disk.
    """

    resource_id: Identifier


class Disassociation(RequestModel):
    """Disks to take from a policy (VBS section 3.6).

    :param resources: 1 disk or more.
    """

    resources: Annotated[list[DisassociatedVolume], Field(min_length=1)]


class AssociationItem(ResponseModel):
    """One disk in the answer to an association (VBS section 3.6).

    :param resource_id: id of the disk.
    :param code: the service's code, when it was refused.
    :param message: the service's words, when it was refused.
    """

    resource_id: str | None = None
    resource_type: str | None = None
    availability_zone: str | None = None
    host: str | None = Field(default=None, alias="os_vol_host_attr")
    code: str | None = None
    message: str | None = None


class AssociationResult(ResponseModel):
    """Which disks were put under a policy or taken from it, and which were not.

    :param success_resources: disks for which it worked.
    :param fail_resources: disks for which it did not; the call itself still counts as a success.
    """

    success_resources: list[AssociationItem] = Field(default_factory=list)
    fail_resources: list[AssociationItem] = Field(default_factory=list)

"""Taking backups, and asking whether they can be taken (CSBS section 4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
)
from airflow_provider_backup.cloud.schema.fields import Flag, JsonObject, Timestamp
from airflow_provider_backup.cloud.services.csbs.models.fields import Description, Name, Text
from airflow_provider_backup.cloud.services.csbs.models.policies import PolicyServerView
from airflow_provider_backup.cloud.services.csbs.models.tags import Tags

AnyServerType = Literal["OS::Nova::Server", "OS::Ironic::BareMetalServer"]


class CheckpointParameters(RequestModel):
    """How a policy is executed.

    :param auto_trigger: whether the backup counts as a scheduled one (then the policy's retention removes it).
    :param resources: ids of the servers, each of the policy's; ``None`` for all.
    """

    auto_trigger: bool | None = None
    resources: Annotated[list[Identifier], Field(min_length=1)] | None = None


class CheckpointCreate(RequestModel):
    """Executing a policy now: ``POST /providers/{provider_id}/checkpoints`` (CSBS section 4.2).

    :param plan_id: id of the policy.
    :param parameters: must be given.
    """

    plan_id: Identifier
    parameters: CheckpointParameters


class Protection(RequestModel):
    """Backing up one server: the member ``protect`` (CSBS section 4.1); all members are optional.

    :param backup_name: 1 to 255 letters, digits, ``_`` or ``-``; the service makes ``manualbk_xxxx`` without it.
    :param description: 0 to 255 characters without ``<`` and ``>``.
    :param incremental: false for a full backup; the first one of a server is always full.
    :param resource_type: type of the server.
    :param tags: 1 to 10 labels with unique keys.
    :param extra_info: Huawei Cloud only: ``{"exclude_volumes": [disk ids]}``.
    """

    backup_name: Name | None = None
    description: Description | None = None
    incremental: bool | None = None
    resource_type: AnyServerType | None = None
    tags: Tags | None = None
    extra_info: dict[str, Any] | None = None


class ProtectableQuestion(RequestModel):
    """One server in the member ``check_protectable`` (CSBS section 4.4); both members must be given.

    :param resource_id: id of the server.
    :param resource_type: its type.
    """

    resource_id: Identifier
    resource_type: AnyServerType


class ProtectionPlan(ResponseModel):
    """What a checkpoint was made by: a policy, or ``fake_...`` for the backup of one server."""

    id: str | None = None
    name: str | None = None
    resources: list[PolicyServerView] = Field(default_factory=list)


class Checkpoint(ResponseModel):
    """What starting a backup answers (CSBS section 4.3); its backups are found by its id."""

    id: Identifier
    status: str | None = None
    created_at: Timestamp = None
    project_id: str | None = None
    resource_graph: Any = None
    protection_plan: ProtectionPlan = Field(default_factory=ProtectionPlan)
    extra_info: JsonObject = Field(default_factory=dict)


class Protectability(ResponseModel):
    """Whether a server can be backed up or restored, and if not, why (CSBS section 4.4)."""

    resource_id: str | None = None
    resource_type: str | None = None
    result: Flag = None
    error_code: Text = None
    error_msg: Text = None


class ProtectableAnswer(ResponseModel):
    """The answer to ``check_protectable``."""

    protectable: list[Protectability]

"""Backup policies (CBR section 4)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
)
from airflow_provider_backup.cloud.schema.fields import AsObject, Flag
from airflow_provider_backup.cloud.services.cbr.models.fields import AsItems, Name, OperationType
from airflow_provider_backup.cloud.services.cbr.models.operation_definitions import (
    OperationDefinition,
    OperationDefinitionView,
)
from airflow_provider_backup.cloud.services.cbr.models.triggers import Trigger, TriggerView


class PolicyCreate(RequestModel):
    """A new policy: ``POST /policies`` (CBR section 4.1).

    :param name: 1 to 64 letters, digits, ``_`` or ``-``; Chinese characters, too, on Huawei Cloud. Need not be unique.
    :param operation_type: ``backup`` or ``replication``; cannot be changed later.
    :param operation_definition: how long backups are kept; empty keeps them for ever.
    :param trigger: when the policy runs.
    :param enabled: whether it runs at all; the service takes true when not given.
    """

    name: Name
    operation_type: OperationType
    operation_definition: OperationDefinition
    trigger: Trigger
    enabled: bool | None = None


class PolicyUpdate(RequestModel):
    """A change of a policy: ``PUT /policies/{policy_id}`` (CBR section 4.4); what is not given stays.

    :param name: as in :class:`PolicyCreate`, like the rest.
    :param operation_definition: replaces the whole definition.
    :param enabled: false pauses the policy.
    """

    name: Name | None = None
    operation_definition: OperationDefinition | None = None
    trigger: Trigger | None = None
    enabled: bool | None = None


class PolicyQuery(RequestModel):
    """What policies are listed by (CBR section 4.5); the list has no pages.

    :param operation_type: ``backup`` or ``replication``.
    :param vault_id: policies that are bound to this vault.
    """

    operation_type: OperationType | None = None
    vault_id: Identifier | None = None


class AssociatedVault(ResponseModel):
    """A vault that a policy is bound to."""

    vault_id: str | None = None
    destination_vault_id: str | None = None


class Policy(ResponseModel):
    """A policy, as read (CBR section 4.5)."""

    id: Identifier
    name: str
    enabled: Flag = None
    operation_type: str | None = None
    operation_definition: Annotated[OperationDefinitionView, AsObject] = Field(default_factory=OperationDefinitionView)
    trigger: Annotated[TriggerView, AsObject] = Field(default_factory=TriggerView)
    associated_vaults: Annotated[list[AssociatedVault], AsItems] = Field(default_factory=list)
    policy_type: str | None = None

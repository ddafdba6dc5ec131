"""Which policies a vault is bound to (CBR section 5.6)."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.services.cbr.models.fields import NonEmptyTexts


class PolicyAssociation(RequestModel):
    """Binding policies to a vault (CBR section 5.6).

    :param policy_id: the policy; or
    :param add_policy_ids: several of them, where the service knows that: exactly one of the two.
    :param destination_vault_id: vault that receives the copies; only, and always, for replication policies.
    """

    policy_id: Identifier | None = None
    add_policy_ids: NonEmptyTexts | None = Field(default=None, validate_default=True)
    destination_vault_id: Identifier | None = None

    @field_validator("add_policy_ids")
    @classmethod
    def _one_form_only(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if "policy_id" in info.data and (value is None) == (info.data["policy_id"] is None):
            raise ValueError("give exactly one of policy_id and add_policy_ids")
        return value


class PolicyDissociation(RequestModel):
    """Taking a policy off a vault (CBR section 5.6).

    :param policy_id: the policy.
    """

    policy_id: Identifier


class PolicyBinding(ResponseModel):
    """What binding or taking off a policy answers (CBR section 5.6)."""

    vault_id: str | None = None
    policy_id: str | None = None
    destination_vault_id: str | None = None

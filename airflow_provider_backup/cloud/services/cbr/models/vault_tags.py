"""Tags of vaults (CBR section 11)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier, UniqueKeys
from airflow_provider_backup.cloud.schema.fields import AsObject
from airflow_provider_backup.cloud.services.cbr.models.fields import AsItems, Text
from airflow_provider_backup.cloud.services.cbr.models.vaults import CloudType, ObjectType, Tag, TagView, Vault

MOST_TAGS_SEARCHED = 10
"""Keys in each condition of a search (the vendor's SDK, ``VaultResourceInstancesReq``)."""


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class TagKey(RequestModel):
    """A tag that is taken off a vault.

    :param key: 1 to 36 characters.
    :param value: 0 to 43 characters; ``None`` for whatever it is.
    """

    key: Annotated[str, Field(min_length=1, max_length=36)]
    value: Annotated[str, Field(max_length=43)] | None = None


class TagCreation(RequestModel):
    """Tags that a vault gets: ``POST /vault/{vault_id}/tags/action``.

    :param tags: 1 to 20 tags with unique keys (10 on Huawei Cloud).
    """

    action: Literal["create"] = "create"
    tags: Annotated[list[Tag], Field(min_length=1, max_length=20), UniqueKeys]


class TagDeletion(RequestModel):
    """Tags that are taken off a vault: ``POST /vault/{vault_id}/tags/action``.

    :param tags: 1 to 20 tags with unique keys.
    """

    action: Literal["delete"] = "delete"
    tags: Annotated[list[TagKey], Field(min_length=1, max_length=20), UniqueKeys]


class TagCondition(RequestModel):
    """A key and the values that it may have.

    :param key: the key.
    :param values: any of these; empty for every value.
    """

    key: Identifier
    values: list[str]


Conditions = Annotated[list[TagCondition], Field(min_length=1, max_length=MOST_TAGS_SEARCHED), UniqueKeys]


class NameMatch(RequestModel):
    """The name of the vaults that are searched.

    :param key: ``resource_name``.
    :param value: the name.
    """

    key: Literal["resource_name"]
    value: Annotated[str, Field(max_length=255)]


class TagSearch(RequestModel):
    """What vaults are searched by: ``POST /vault/resource_instances/action``.

    :param tags: vaults with all of these.
    :param tags_any: vaults with one of these or more.
    :param not_tags: vaults without all of these.
    :param not_tags_any: vaults without any of these.
    :param without_any_tag: only vaults without tags; the conditions by tags do not count then.
    :param matches: the name of the vaults.
    :param cloud_type: ``public`` or ``hybrid``.
    :param object_type: what the vaults hold.
    """

    tags: Conditions | None = None
    tags_any: Conditions | None = None
    not_tags: Conditions | None = None
    not_tags_any: Conditions | None = None
    without_any_tag: bool | None = None
    matches: Annotated[list[NameMatch], Field(min_length=1, max_length=1)] | None = None
    cloud_type: CloudType | None = None
    object_type: ObjectType | None = None


class ProjectTag(ResponseModel):
    """A key that vaults of the project have, with its values: a list, or one text (CBR section 11)."""

    key: str = ""
    values: Annotated[list[str | None], AsItems, BeforeValidator(_texts)] = Field(default_factory=list)


class TaggedVaultDetail(ResponseModel):
    """The vault inside a row of a search."""

    vault: Vault | None = None


class TaggedVault(ResponseModel):
    """A vault that a search by tags found."""

    resource_id: Identifier
    resource_name: Text = None
    resource_detail: Annotated[TaggedVaultDetail, AsObject] = Field(default_factory=TaggedVaultDetail)
    tags: Annotated[list[TagView], AsItems] = Field(default_factory=list)

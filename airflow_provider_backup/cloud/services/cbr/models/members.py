"""Whom backups are shared with (CBR section 10)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import Timestamp

MOST_MEMBERS = 10
"""How many projects a backup is shared with, in one request and altogether."""


def _each_once(ids: list[str]) -> list[str]:
    if len(set(ids)) < len(ids):
        raise ValueError("must name each project once")
    return ids


class MemberAddition(RequestModel):
    """The projects that a backup is shared with from now on.

    :param members: ids of 1 to 10 projects of the same region, each once.
    """

    members: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_MEMBERS), AfterValidator(_each_once)]


class MemberUpdate(RequestModel):
    """What the project answers that a backup is shared with.

    :param status: ``accepted``, ``rejected`` or ``pending``.
    :param vault_id: id of the vault that takes the backup in; needed to accept.
    """

    status: Literal["pending", "accepted", "rejected"]
    vault_id: Identifier | None = None

    @model_validator(mode="after")
    def _has_vault(self) -> MemberUpdate:
        if self.status == "accepted" and self.vault_id is None:
            raise ValueError("needs vault_id to accept: the vault that takes the backup in")
        return self


class Member(ResponseModel):
    """A project that a backup is shared with (CBR section 10)."""

    id: Identifier
    backup_id: str | None = None
    dest_project_id: str | None = None
    status: str | None = None
    image_id: str | None = None
    vault_id: str | None = None
    created_at: Timestamp = None
    updated_at: Timestamp = None

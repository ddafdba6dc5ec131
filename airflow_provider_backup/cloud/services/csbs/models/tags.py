"""Labels of policies and backups (CSBS sections 3.1 and 7.2)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import UniqueKeys, WordCharacters


class Tag(RequestModel):
    """A label of a policy or a backup (CSBS sections 3.1 and 7.2).

    :param key: 1 to 36 letters, digits, ``_`` or ``-``; blanks around it are cut.
    :param value: 0 to 43 of the same.
    """

    key: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=36), WordCharacters]
    value: Annotated[str, StringConstraints(strip_whitespace=True, max_length=43), WordCharacters]


Tags = Annotated[list[Tag], Field(min_length=1, max_length=10), UniqueKeys]


class TagView(ResponseModel):
    """A label, as read."""

    key: str = ""
    value: str = ""

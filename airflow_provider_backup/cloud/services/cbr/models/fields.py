"""Types and rules of fields that several resources of CBR share (CBR sections 4 to 8 and 17)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, PlainSerializer

from airflow_provider_backup.cloud.schema.constraints import Identifier, matching
from airflow_provider_backup.cloud.schema.fields import format_utc

ResourceType = Literal[
    "OS::Nova::Server",
    "OS::Cinder::Volume",
    "OS::Ironic::BareMetalServer",
    "OS::Native::Server",
    "OS::Sfs::Turbo",
    "OS::Workspace::DesktopV2",
]
BackedUpType = Literal["OS::Nova::Server", "OS::Cinder::Volume", "OS::Workspace::DesktopV2"]
"""The types that backups can be listed by, fewer than may be in a vault."""

OperationType = Literal["backup", "replication"]


def unlimited_or_from_one_to(most: int) -> AfterValidator:
    """Return a check of a number that may be -1, which stands for no limit.

    :param most: the largest number.
    """

    def check(number: int) -> int:
        if number != -1 and not 1 <= number <= most:
            raise ValueError(f"must be 1 to {most}, or -1 for no limit")
        return number

    return AfterValidator(check)


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) else value


def _items(value: Any) -> Any:
    return [item for item in value if item is not None] if isinstance(value, list) else []


Name = Annotated[
    str,
    matching(
        r"[\u4e00-\u9fa5\uf900-\ufa2da-zA-Z0-9_-]{1,64}",
        "must be 1 to 64 letters, digits, '_' or '-' (Chinese characters, too, on Huawei Cloud)",
    ),
]
Uuid = Annotated[
    str,
    matching(
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "must be an id of the form 01234567-89ab-cdef-0123-456789abcdef",
    ),
]
NonEmptyTexts = Annotated[list[Identifier], Field(min_length=1)]
QueryTime = Annotated[AwareDatetime, PlainSerializer(format_utc)]
PageSize = Annotated[int, Field(ge=1, le=1000)]
Offset = Annotated[int, Field(ge=0)]
Text = Annotated[str | None, BeforeValidator(_text)]

OneOrMore = BeforeValidator(_one_or_more)
"""A list, or one text for a list of it alone."""

AsItems = BeforeValidator(_items)
"""A list without its nulls; anything else is empty."""

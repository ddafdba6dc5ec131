"""Types and rules of fields that several resources of CSBS share (CSBS sections 1, 3, 5 and 11)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from airflow_provider_backup.cloud.schema.constraints import WordCharacters, without_angle_brackets

ProviderId = Literal["fc4d5750-22e7-4798-8a46-f48f62c4c1da"]
PROVIDER_ID: ProviderId = "fc4d5750-22e7-4798-8a46-f48f62c4c1da"
"""The one backup provider: always sent; received values are opaque (CSBS section 1)."""


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


Name = Annotated[str, StringConstraints(min_length=1, max_length=255), WordCharacters]
Description = Annotated[str, without_angle_brackets(255)]
SortKeys = Annotated[str, StringConstraints(min_length=1, max_length=255)]
PositiveNumber = Annotated[int, Field(gt=0)]
Text = Annotated[str | None, BeforeValidator(_text_or_none)]

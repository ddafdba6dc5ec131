"""Types and rules of fields that several resources of VBS share (VBS sections 3.1 and 4.1)."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

from pydantic import BeforeValidator, PlainSerializer, StringConstraints, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from airflow_provider_backup.cloud.schema.constraints import WordCharacters

MOST_TAGS = 10
"""Tags that one policy or one backup can have (VBS sections 3.1 and 4.1)."""


def _switch(on: str, off: str) -> tuple[BeforeValidator, PlainSerializer]:
    """Return how a truth value is read from and written as two words of the service."""

    def read(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        # Templates make text of truth values: "True".
        words = {on: True, off: False, "true": True, "false": False}
        known = words.get(value, words.get(value.lower())) if isinstance(value, str) else None
        if known is None:
            raise ValueError(f"must be {on} or {off}, or a truth value")
        return known

    return BeforeValidator(read), PlainSerializer(lambda value: on if value else off, when_used="unless-none")


_READ_YES_NO, WRITE_YES_NO = _switch("Y", "N")
_READ_ON_OFF, WRITE_ON_OFF = _switch("ON", "OFF")
_READ_TRUE_FALSE, _WRITE_TRUE_FALSE = _switch("true", "false")

YesNo = Annotated[bool, _READ_YES_NO, WRITE_YES_NO]
OnOff = Annotated[bool, _READ_ON_OFF, WRITE_ON_OFF]
TrueFalse = Annotated[bool, _READ_TRUE_FALSE, _WRITE_TRUE_FALSE]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64), WordCharacters]


def refuse(subject: str, field: tuple[str, ...], rule: str, value: Any) -> NoReturn:
    """Refuse one field from a check of the whole model, so that the error names the field.

    :param subject: what is being built: ``VBS policy``.
    :param field: names of the members that lead to the field, outermost first.
    :param rule: the rule in words.
    :param value: the value that breaks it.
    :raises ValidationError: always.
    """
    broken = PydanticCustomError("documented_rule", "{rule}", {"rule": rule})
    details = InitErrorDetails(type=broken, loc=field, input=value)
    raise ValidationError.from_exception_data(subject, [details])

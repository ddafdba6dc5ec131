"""Base models of the wire contract: strict requests and tolerant responses.

Sources of the tolerated forms: CBR sections 1 and 17, databases section 14, CSBS section 11, VBS section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation


class RequestModel(BaseModel):
    """A request body: unknown fields are refused, Python names and wire names are both accepted."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)

    def to_wire(self) -> dict[str, Any]:
        """Return the body as the service spells it, without the members that were not given."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ResponseModel(BaseModel):
    """A response body: unknown fields survive, stray blanks around keys go, nulls become the field's default.

    A number where a text is expected becomes that text.
    """

    model_config = ConfigDict(extra="allow", populate_by_name=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {str(key).strip(): value for key, value in values.items() if value is not None}


RequestT = TypeVar("RequestT", bound=RequestModel)
ResponseT = TypeVar("ResponseT", bound=ResponseModel)


_RULES = {"missing": "must be given", "extra_forbidden": "is not a field of this request"}
"""Words for the kinds of errors that pydantic describes in its own."""


def violations_of(error: ValidationError) -> list[Violation]:
    """Turn pydantic's report into the rules that were broken, with field, rule and value."""
    return [
        Violation(
            field=".".join(str(part) for part in detail["loc"]) or "request",
            rule=_RULES.get(detail["type"]) or detail["msg"].removeprefix("Value error, "),
            # What lacks something is not what is wrong, and may be large; a password is never shown.
            value=None if detail["type"] == "missing" or "password" in detail["loc"] else detail.get("input"),
        )
        for detail in error.errors(include_url=False)
    ]


def validated(model: type[RequestT], subject: str, values: Mapping[str, Any]) -> RequestT:
    """Build a request and name every broken rule at once.

    :param model: the request's model.
    :param subject: what it is, for the message: ``CBR policy``.
    :param values: the fields; members that are none count as not given.
    :raises InvalidRequestError: a documented rule is broken.
    """
    try:
        return model.model_validate({key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        raise InvalidRequestError(subject, violations_of(error)) from None

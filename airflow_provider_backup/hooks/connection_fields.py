"""The fields of a connection, from every source (form, URI, JSON): each is read or refused by name. Pure, no I/O."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from airflow_provider_backup.cloud.auth.endpoints import check_address, with_scheme
from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import CloudName

_JSON_TYPES: dict[type, str] = {
    bool: "a truth value",
    int: "a number",
    float: "a number",
    list: "a list",
    str: "text",
}


def _tidy(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value


def _text(value: Any) -> Any:
    value = _tidy(value)
    if value is not None and not isinstance(value, str):
        raise ValueError("must be text")
    if value and re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value):
        raise ValueError("must be one line of text")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return _tidy(value)


def _address(value: str | None) -> str | None:
    if value:
        check_address(with_scheme(value))
    return value


def _endpoints(value: Any) -> Any:
    value = _tidy(value)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = ()
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError('must be a JSON object such as {"cbr": "https://..."}')
    unknown = sorted(set(value) - set(SERVICES) - {"iam"})
    if unknown:
        raise ValueError(f"may name iam, {', '.join(SERVICES)}, but not {', '.join(unknown)}")
    return value


Text = Annotated[str | None, BeforeValidator(_text)]
"""One line of text; blanks and line breaks around it are cut off, and what is empty counts as not given."""

Address = Annotated[Text, AfterValidator(_address)]
"""The URL of a service."""

Seconds = Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)] | None, BeforeValidator(_number)]
PositiveSeconds = Annotated[Annotated[float, Field(ge=0.1, allow_inf_nan=False)] | None, BeforeValidator(_number)]
Count = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_number)]
Port = Annotated[Annotated[int, Field(ge=1, le=65535)] | None, BeforeValidator(_number)]
Flag = Annotated[bool | None, BeforeValidator(_tidy)]


class ConnectionFields(BaseModel):
    """What a connection says; none is what it does not say.

    The standard fields of Airflow come first, then the extra fields; the README says what each is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    login: Text = Field(default=None, repr=False)
    password: Text = Field(default=None, repr=False)
    host: Address = None
    port: Port = None
    path: Text = Field(default=None, alias="schema")

    region: Text = None
    project_id: Text = None
    project_name: Text = None
    cloud: Annotated[CloudName | None, BeforeValidator(_tidy)] = None
    domain: Text = None
    security_token: Text = Field(default=None, repr=False)
    auth_url: Address = None
    endpoints: Annotated[dict[str, Address], BeforeValidator(_endpoints)] = {}

    proxy: Text = Field(default=None, repr=False)
    ca_bundle: Text = None
    client_certificate: Text = None
    client_key: Text = None
    client_key_password: Text = Field(default=None, repr=False)
    total_timeout: PositiveSeconds = None
    connect_timeout: PositiveSeconds = None
    attempts: Count = None
    retry_wait: Seconds = None
    requests_at_once: Count = None
    throttle_timeout: Seconds = None
    allow_plain_http: Flag = None
    installation: Text = None


STANDARD_FIELDS = ("login", "password", "host", "port", "schema")
EXTRA_FIELDS = frozenset(ConnectionFields.model_fields) - {*STANDARD_FIELDS, "path"}
_SHOWN = (
    *("cloud", "allow_plain_http", "port", "total_timeout", "connect_timeout"),
    *("attempts", "retry_wait", "requests_at_once", "throttle_timeout"),
)
"""Fields whose value an error may repeat: none of them is a secret, or an address with one inside."""


def read_fields(standard: dict[str, Any], extra: str | None, *, may_hold_others: bool = False) -> ConnectionFields:
    """Read all fields of a connection.

    :param standard: Airflow's own fields by name, as in :data:`STANDARD_FIELDS`.
    :param extra: JSON text of an object with the extra fields.
    :param may_hold_others: whether extra fields that this package does not know belong to other packages.
    :raises ConfigurationError: a field is unknown or holds something else than it should; the text names it.
    """
    extras = _extra_fields(extra)
    unknown = {} if may_hold_others else sorted(set(extras) - EXTRA_FIELDS)
    if unknown:
        raise ConfigurationError(
            "The connection has extra fields that do not exist: " + ", ".join(map(_with_the_right_name, unknown)) + ".",
            next_step=f"Remove or rename them; the fields are {', '.join(sorted(EXTRA_FIELDS))}.",
        )
    known = {name: value for name, value in extras.items() if name in EXTRA_FIELDS}
    try:
        return ConnectionFields.model_validate({**known, **standard})
    except ValidationError as error:
        raise ConfigurationError(_told(error), next_step="Correct it in the connection, or leave it empty.") from None


def read_text(name: str, value: Any) -> str | None:
    """Read an argument that takes the place of a text field, by the same rule.

    :param name: the argument.
    :param value: what was given for it.
    :raises ConfigurationError: it is no text.
    """
    try:
        text: str | None = _text(value)
    except ValueError as error:
        raise ConfigurationError(f"The argument {name!r} {error} (given: {_kind(value)}).") from None
    return text


def _extra_fields(extra: str | None) -> dict[str, Any]:
    try:
        fields = json.loads(extra) if extra else {}
    except (ValueError, RecursionError):
        raise ConfigurationError(
            "The connection's extra is not JSON.", next_step="Write it as a JSON object."
        ) from None
    if not isinstance(fields, dict):
        raise ConfigurationError("The connection's extra is not a JSON object.", next_step="Write it as a JSON object.")
    given: dict[str, Any] = {}
    for long_name, value in fields.items():
        # Forms of earlier versions of Airflow put the type before the name.
        name = re.sub(r"^extra__huaweicloud(_backup)?__", "", long_name)
        if name in given and given[name] != value:
            raise ConfigurationError(
                f"The connection has the extra field {name!r} twice, with different values.",
                next_step="Remove the one whose name begins with 'extra__'.",
            )
        given[name] = value
    return given


def _with_the_right_name(unknown: str) -> str:
    similar = get_close_matches(unknown, EXTRA_FIELDS, 1)
    return f"{unknown!r} (do you mean {similar[0]!r}?)" if similar else repr(unknown)


def _told(error: ValidationError) -> str:
    rules = []
    for detail in error.errors(include_url=False):
        name = ".".join(map(str, detail["loc"]))
        rule = detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        given = repr(detail["input"]) if name in _SHOWN else _kind(detail["input"])
        rules.append(f"{name!r} {rule} (given: {given})")
    return f"The connection's field {'; '.join(rules)}."


def _kind(value: Any) -> str:
    return _JSON_TYPES.get(type(value), "an object")

"""The fields of a connection from every source (form, URI, JSON): each is read, or rejected by name. Pure, no I/O."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from airflow_provider_backup.cloud.auth.endpoints import check_address, with_scheme
from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import CloudName, NetworkSettings

_JSON_TYPES: dict[type, str] = {
    bool: "a truth value",
    int: "a number",
    float: "a number",
    list: "a list",
    str: "text",
}


def _stripped(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value


def _text(value: Any) -> Any:
    value = _stripped(value)
    if value is not None and not isinstance(value, str):
        raise ValueError("must be text")
    if value and re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value):
        raise ValueError("must be one line of text")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _address(value: str | None) -> str | None:
    if value:
        check_address(with_scheme(value))
    return value


def _endpoints(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = ()
    if not isinstance(value, dict):
        raise ValueError('must be a JSON object such as {"cbr": "https://..."}')
    unknown = sorted(set(value) - set(SERVICES) - {"iam"})
    if unknown:
        raise ValueError(f"may name iam, {', '.join(SERVICES)}, but not {', '.join(unknown)}")
    return value


Text = Annotated[str | None, BeforeValidator(_text)]
"""One line of text; blanks and line breaks around it are cut off."""

Address = Annotated[Text, AfterValidator(_address)]
"""The URL of a service."""

Endpoints = Annotated[
    dict[str, Address],
    BeforeValidator(_endpoints),
    WithJsonSchema({"type": ["string", "object"]}),
]
"""URLs by service: a JSON object, or its text."""

Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_number)]

_NETWORK = NetworkSettings()


class ConnectionFields(BaseModel):
    """What a connection says. A field that is empty counts as not given and has its default.

    This is the only definition of the fields: reading, both connection forms and the table in ``docs/connection.md``
    come from it. The standard fields of Airflow come first, then the extra fields in the order of the form. A field
    with ``repr=False`` is a secret, or may hold one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    login: Text = Field(
        default=None,
        repr=False,
        title="Access key (AK) or IAM user",
        description="Access key (AK), or name of the IAM user if the field domain is set.",
    )
    password: Text = Field(
        default=None,
        repr=False,
        title="Secret key (SK) or password",
        description="Secret key (SK), or password of the IAM user.",
    )
    host: Address = Field(
        default=None,
        title="Auth URL",
        description="URL of the identity service, ending in /v3; the cloud's own if empty.",
        examples=["https://iam.eu-de.otc.t-systems.com/v3"],
    )
    port: Annotated[Whole, Field(ge=1, le=65535)] | None = Field(
        default=None,
        title="Port",
        description="Port of the identity service, for a connection that is written as a URI.",
    )
    path: Text = Field(
        default=None,
        alias="schema",
        title="Schema",
        description="http, https or the path of the host's URL, for a connection that is written as a URI.",
    )

    region: Text = Field(
        default=None,
        title="Region",
        description="Region id, such as eu-de. It also names the project if neither project field is set.",
        examples=["eu-de", "ap-southeast-1"],
        json_schema_extra={"type": "string", "minLength": 1},  # the form requires it; a task may give it instead
    )
    cloud: CloudName = Field(
        default="huaweicloud",
        title="Cloud",
        description="Cloud whose host names are used; custom uses only the host, the token's catalog and endpoints.",
    )
    domain: Text = Field(
        default=None,
        title="Account (domain)",
        description="Name of the account, for login and password of an IAM user; empty for an access key.",
    )
    project_id: Text = Field(
        default=None,
        title="Project id",
        description="32 hex digits; looked up by name if empty.",
    )
    project_name: Text = Field(
        default=None,
        title="Project name",
        description="Only for a project that is not the region's own, such as eu-de_team1; ignored beside project_id.",
    )
    security_token: Text = Field(
        default=None,
        repr=False,
        title="Security token",
        description="Only for a temporary access key.",
    )
    auth_url: SkipJsonSchema[Address] = Field(
        default=None,
        title="Auth URL",
        description="The same as the host, for connections that keep it in the extra fields; not in the form.",
    )
    endpoints: Endpoints = Field(
        default_factory=dict,
        title="Endpoints",
        description='JSON object of base URLs, which take precedence: {"cbr": "https://...", "rds": "https://..."}.',
    )
    installation: Text = Field(
        default=None,
        title="Installation",
        description="Name of this Airflow. Only where another one with the same DAGs uses the same project.",
    )
    proxy: Text = Field(
        default=None,
        repr=False,
        title="Proxy",
        description="URL of a proxy; if empty, HTTPS_PROXY and NO_PROXY of the environment apply.",
    )
    ca_bundle: Text = Field(
        default=None,
        title="CA bundle",
        description="Path of a PEM file with the certificate authorities to trust instead of the system's.",
    )
    client_certificate: Text = Field(
        default=None,
        title="Client certificate",
        description="Path of a PEM file with the certificate to show to servers that demand one.",
    )
    client_key: Text = Field(
        default=None,
        title="Client key",
        description="Path of the PEM file with the private key; empty if it is in the certificate's file.",
    )
    client_key_password: Text = Field(
        default=None,
        repr=False,
        title="Client key password",
        description="Only for an encrypted key.",
    )
    total_timeout: Number = Field(
        default=_NETWORK.total_timeout,
        ge=0.1,
        title="Request timeout (s)",
        description="Seconds for one request with its answer.",
    )
    connect_timeout: Number = Field(
        default=_NETWORK.connect_timeout,
        ge=0.1,
        title="Connect timeout (s)",
        description="Seconds to get a connection.",
    )
    attempts: Whole = Field(
        default=_NETWORK.attempts,
        ge=1,
        title="Attempts",
        description="Number of tries of a request that is safe to repeat; polls of waiting tasks get at most 3.",
    )
    retry_wait: Number = Field(
        default=_NETWORK.retry_wait,
        ge=0,
        title="Retry wait (s)",
        description="Seconds before the second try; the pause doubles with each try, with jitter.",
    )
    requests_at_once: Whole = Field(
        default=_NETWORK.requests_at_once,
        ge=1,
        title="Requests at once",
        description="Concurrent requests of one process to one service.",
    )
    throttle_timeout: Number = Field(
        default=_NETWORK.throttle_timeout,
        ge=0,
        title="Throttle timeout (s)",
        description="Seconds to wait for a service that rejects every request with 429; 0 fails at once.",
    )
    allow_plain_http: bool = Field(
        default=False,
        title="Allow plain http",
        description="Send credentials unprotected to hosts other than this machine. For tests only.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, values: dict[str, Any]) -> dict[str, Any]:
        stripped = {name: _stripped(value) for name, value in values.items()}
        return {name: value for name, value in stripped.items() if value is not None}


STANDARD_FIELDS = ("login", "password", "host", "port", "schema")
EXTRA_FIELDS = frozenset(ConnectionFields.model_fields) - {*STANDARD_FIELDS, "path"}
_SHOWN = frozenset(
    name
    for name, field in ConnectionFields.model_fields.items()
    if field.annotation not in (str | None, dict[str, Address])
)
"""Fields whose value an error may repeat: none of them is a secret, or an address with one inside."""


def read_fields(standard: dict[str, Any], extra: str | None, *, may_hold_others: bool = False) -> ConnectionFields:
    """Read all fields of a connection.

    :param standard: Airflow's own fields by name, as in :data:`STANDARD_FIELDS`.
    :param extra: JSON text of an object with the extra fields.
    :param may_hold_others: whether unknown extra fields belong to other packages and are ignored.
    :return: the fields.
    :raises ConfigurationError: a field is unknown or has an invalid value; the text names it.
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
        raise ConfigurationError(
            _broken_rules(error), next_step="Correct it in the connection, or leave it empty."
        ) from None


def read_text(name: str, value: Any) -> str | None:
    """Read an argument that overrides a text field, by the same rule.

    :param name: name of the argument.
    :param value: its value.
    :return: the text; ``None`` if it is empty.
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


def _broken_rules(error: ValidationError) -> str:
    rules = []
    for detail in error.errors(include_url=False):
        name = ".".join(map(str, detail["loc"]))
        rule = detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        given = repr(detail["input"]) if name in _SHOWN else _kind(detail["input"])
        rules.append(f"{name!r} {rule} (given: {given})")
    return f"The connection's field {'; '.join(rules)}."


def _kind(value: Any) -> str:
    return _JSON_TYPES.get(type(value), "an object")

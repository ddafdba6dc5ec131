"""What can be ordered to go wrong: every kind of fault with its parameters.

Sources: access sections 4, 4.1 and 5.
"""

from __future__ import annotations

import http
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, violations_of

_TEN_YEARS = 315_360_000.0
_ERROR_STATUSES = frozenset(int(status) for status in http.HTTPStatus if status >= 400)

Seconds = Annotated[float, Field(ge=0, le=_TEN_YEARS, allow_inf_nan=False)]
"""A duration from 0 up to ten years."""

FaultKind = Literal[
    "refuse",
    "delay",
    "throttle",
    "server_error",
    "close_before",
    "close_after",
    "half_body",
    "no_body",
    "not_json",
    "old_token",
    "stale_read",
]
"""The names of all kinds."""


class _Fault(RequestModel):
    """What every fault has.

    :param service: the service whose requests are hit, ``iam`` included; ``None`` for all.
    :param method: the HTTP method that is hit; ``None`` for all.
    :param route: the path that is hit: a template with its braces (``/v3/{project_id}/backups``) stands for exactly
        this route, a text that begins with ``^`` is a regular expression for the path, and any other is the beginning
        of the path; ``None`` for all.
    :param count: how many requests are hit, 1 or more; ``None`` until the fault is disarmed.
    :param probability: how likely a request that fits is hit, 0 to 1.
    :param seed: of the fault's own chance, so that the same requests are hit again.
    """

    service: str | None = None
    method: Literal["GET", "HEAD", "POST", "PUT", "DELETE"] | None = None
    route: str | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    seed: int = 0

    @field_validator("route")
    @classmethod
    def _can_be_compared(cls, route: str | None) -> str | None:
        if route is None or route.startswith("/"):
            return route
        if not route.startswith("^"):
            raise ValueError("must begin with / (a path or a template), or with ^ (a regular expression)")
        try:
            re.compile(route)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return route


class Refuse(_Fault):
    """Answers with an error in the service's own form, or in the gateway's when the code is one of the gateway's.

    :param status: HTTP status, 400 or more.
    :param code: code of the error, such as ``BackupService.6125`` or ``APIGW.0302``.
    :param message: its words.
    """

    kind: Literal["refuse"] = "refuse"
    status: int
    code: Annotated[str, Field(min_length=1)]
    message: str = "This refusal was planned in the local cloud."

    @field_validator("status")
    @classmethod
    def _is_an_error(cls, status: int) -> int:
        if status not in _ERROR_STATUSES:
            raise ValueError("must be an HTTP status from 400 to 599")
        return status


class Delay(_Fault):
    """Lets the request wait; other faults may hit it as well, and delays add up.

    :param seconds: how long.
    :param after_effect: whether the effect comes first and only the answer waits.
    """

    kind: Literal["delay"] = "delay"
    seconds: Seconds
    after_effect: bool = False


class Throttle(_Fault):
    """Answers 429 as the gateway does (access section 4.1, code 0308).

    :param retry_after: whole seconds in the header ``Retry-After``; ``None`` leaves the header out.
    :param limit: how many requests are let through per window, for each route by itself, 1 or more; ``None`` lets none.
    :param window: seconds of a window, above 0; goes with ``limit``.
    """

    kind: Literal["throttle"] = "throttle"
    retry_after: Annotated[int, Field(ge=0)] | None = None
    limit: Annotated[int, Field(ge=1)] | None = None
    window: Annotated[float, Field(gt=0, le=_TEN_YEARS, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _has_both_or_none(self) -> Throttle:
        if (self.limit is None) != (self.window is None):
            raise ValueError("limit and window go together")
        return self


class FailedServer(_Fault):
    """Answers that the server failed: 500 in the service's form, the others as the page of an edge.

    :param status: 500, 502, 503 or 504.
    :param code: code of the error; for status 500 only.
    :param message: its words; for status 500 only.
    :param after_effect: whether the request has its effect all the same.
    """

    kind: Literal["server_error"] = "server_error"
    status: Literal[500, 502, 503, 504] = 500
    code: Annotated[str, Field(min_length=1)] = "500"
    message: str = "This failure was planned in the local cloud."
    after_effect: bool = False


class CloseBefore(_Fault):
    """Aborts the connection; the request has no effect."""

    kind: Literal["close_before"] = "close_before"


class CloseAfter(_Fault):
    """Aborts the connection without an answer, after the effect."""

    kind: Literal["close_after"] = "close_after"


class HalfBody(_Fault):
    """Sends half of the answer's body, after the effect, and closes; where there is no body, nothing is sent."""

    kind: Literal["half_body"] = "half_body"


class NoBody(_Fault):
    """Answers with the right status, after the effect, but without the body, where the vendor leaves that open."""

    kind: Literal["no_body"] = "no_body"


class NotJson(_Fault):
    """Answers 200 with the page of a proxy, after the effect."""

    kind: Literal["not_json"] = "not_json"


class OldToken(_Fault):
    """Answers 401 as for a token that must be renewed (access section 4.1, code 0307), to requests with a token."""

    kind: Literal["old_token"] = "old_token"


class StaleRead(_Fault):
    """Answers GET from the past, but from no earlier than the moment when the fault was armed.

    :param seconds: answer as of so many seconds ago, above 0.
    :param writes: answer as of just before the last so many changes that requests to the service made, 1 or more.
    """

    kind: Literal["stale_read"] = "stale_read"
    method: Literal["GET"] | None = None
    seconds: Annotated[float, Field(gt=0, le=_TEN_YEARS, allow_inf_nan=False)] | None = None
    writes: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _has_one_measure(self) -> StaleRead:
        if (self.seconds is None) == (self.writes is None):
            raise ValueError("needs either seconds or writes")
        return self


Fault = (
    Refuse
    | Delay
    | Throttle
    | FailedServer
    | CloseBefore
    | CloseAfter
    | HalfBody
    | NoBody
    | NotJson
    | OldToken
    | StaleRead
)

_Tagged = Annotated[Fault, Field(discriminator="kind")]
_ONE: TypeAdapter[Fault] = TypeAdapter(_Tagged)
_SEVERAL: TypeAdapter[list[Fault]] = TypeAdapter(list[_Tagged])


def read_faults(values: Any) -> list[Fault]:
    """Read faults as they come over the wire.

    :param values: one JSON object with the member ``kind``, or a list of them.
    :raises ValueError: something is wrong with them; the text names field and rule.
    """
    try:
        return _SEVERAL.validate_python(values) if isinstance(values, list) else [_ONE.validate_python(values)]
    except ValidationError as error:
        raise ValueError("; ".join(map(str, violations_of(error)))) from None


def fault_parameters() -> dict[str, list[str]]:
    """Return the names of the parameters of each kind of fault, without ``kind`` itself."""
    return {
        model.model_fields["kind"].default: [name for name in model.model_fields if name != "kind"]
        for model in get_args(Fault)
    }


class BackupOutcome(RequestModel):
    """How the next backups of a service end.

    :param service: name of the service, or ``vbs.deletion``, ``csbs.deletion``, ``cbr.deletion`` for its deletions,
        or ``vbs.restore``, ``cbr.restore`` for its restores, or ``cbr.replication`` for its copies.
    :param reason: what the service will say about the failure; ``None`` lets them end well.
    :param seconds: how long they take; ``None`` takes the usual time.
    :param stuck: whether they never end.
    :param count: how many backups it is for, 1 or more.
    """

    service: str
    reason: Annotated[str, Field(min_length=1)] | None = None
    seconds: Seconds | None = None
    stuck: bool = False
    count: Annotated[int, Field(ge=1, le=10_000)] = 1

    @model_validator(mode="after")
    def _says_one_thing(self) -> BackupOutcome:
        if self.stuck and (self.reason is not None or self.seconds is not None):
            raise ValueError("a backup that is stuck neither fails nor ends")
        if not self.stuck and self.reason is None and self.seconds is None:
            raise ValueError("needs reason, seconds or stuck")
        return self

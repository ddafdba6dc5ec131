"""From an HTTP answer to a typed error: every documented body form, without I/O (access section 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from airflow_provider_backup.cloud.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    DuplicateNameError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitedError,
    ResourceBusyError,
    ServerError,
)

_PAIRS = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("errCode", "externalMessage"), ("code", "message"))
_REQUEST_ID_HEADERS = ("X-Request-Id", "X-Openstack-Request-Id", "X-Compute-Request-Id", "X-IAM-Trace-Id")
_BY_STATUS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ResourceBusyError,
    413: QuotaExceededError,
    429: RateLimitedError,
}
# IAM answers some wrong keys with 400 (access section 4).
_AUTHENTICATION_CODES = {f"IAM.{number}" for number in (1104, 1105, 1106, 1107, 1108)}
_NEXT_STEPS: dict[type[ApiError], str] = {
    AuthenticationError: "Check user, password and account, or access key, secret key and security token, in the "
    "connection, and that this machine's clock is right (signatures allow 15 minutes).",
    PermissionDeniedError: "Give the user or agency the right for this action in this project, and check the project id.",
    NotFoundError: "Check the id, the project and the region.",
    DuplicateNameError: "Choose another name, or adopt or delete what has it.",
    QuotaExceededError: "Delete what is no longer needed, or ask the provider for a higher quota.",
    ResourceBusyError: "Wait until the running task on the resource is over, then repeat.",
    RateLimitedError: "Wait and repeat with fewer requests at the same time.",
    ServerError: "Repeat later; when it stays, ask the provider's support with the request id.",
    BadRequestError: "Change what the message names; the code is listed on the service's error page.",
}
_GATEWAY_NEXT_STEPS = {
    "0101": "The host does not know this path: check endpoint, region and cloud of the connection.",
    "0301": _NEXT_STEPS[AuthenticationError],
    "0308": "The gateway throttles: repeat after the window that the message names, with fewer requests at once.",
}


def error_from_response(
    service: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    error_classes: Mapping[str, type[ApiError]] | None = None,
) -> ApiError:
    """Turn a refusal into the error that callers can act on.

    :param service: name of the service, ``iam`` for the identity service.
    :param status: HTTP status, 300 or more.
    :param headers: the answer's headers (a case-insensitive mapping).
    :param body: the answer's body, of any form.
    :param error_classes: the service's codes whose class the status does not tell.
    """
    decoded = _decoded(body)
    code, detail = _code_and_detail(decoded)
    request_id = next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None)
    if request_id is None and isinstance(decoded, Mapping) and decoded.get("request_id"):
        request_id = str(decoded["request_id"])
    code = code or str(status)
    detail = _without_secrets(detail if detail is not None else body[:300].decode(errors="replace").strip())
    error_class = _error_class(status, code, detail, error_classes or {})
    return error_class(
        service=service,
        status=status,
        code=code,
        detail=detail,
        request_id=request_id,
        retry_after=_retry_after(headers.get("Retry-After")),
        next_step=_next_step(error_class, code),
    )


def _error_class(status: int, code: str, detail: str, error_classes: Mapping[str, type[ApiError]]) -> type[ApiError]:
    if error_class := error_classes.get(code):
        return error_class
    if code in _AUTHENTICATION_CODES:
        return AuthenticationError
    if status == 401 and "malformed request url" in detail.lower():
        # CBR answers an id that it cannot read in this way (CBR section 14.1).
        return NotFoundError
    if error_class := _BY_STATUS.get(status):
        return error_class
    return ServerError if status >= 500 else BadRequestError


def _next_step(error_class: type[ApiError], code: str) -> str:
    prefix, _, number = code.partition(".")
    if prefix in ("APIGW", "APIG") and number in _GATEWAY_NEXT_STEPS:
        return _GATEWAY_NEXT_STEPS[number]
    return _NEXT_STEPS[error_class]


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _code_and_detail(decoded: Any, depth: int = 0) -> tuple[str | None, str | None]:
    if not isinstance(decoded, Mapping):
        return None, None
    for code_key, detail_key in _PAIRS:
        code, detail = decoded.get(code_key), decoded.get(detail_key)
        if isinstance(code, str | int) or isinstance(detail, str):
            return (str(code) if code is not None else None), (str(detail) if detail is not None else "")
    # VBS is known to wrap a fault one level deeper than others do.
    for nested in decoded.values() if depth < 3 else ():
        found = _code_and_detail(nested, depth + 1)
        if found != (None, None):
            return found
    return None, None


def _without_secrets(detail: str) -> str:
    # The gateway repeats the canonical request, which holds the security token of temporary keys.
    return detail.split(", canonicalRequest:")[0].split("canonicalRequest:")[0][:500]


def _retry_after(text: str | None) -> float | None:
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

"""From an HTTP answer to a typed error: every documented body form, without I/O (access section 4)."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_backup.cloud.errors import (
    ApiDuplicateNameError,
    ApiError,
    ApiNotFoundError,
    ApiResourceBusyError,
    AuthenticationError,
    BadRequestError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitedError,
    ServerError,
    UnknownProjectError,
    UnreadablePathError,
)
from airflow_provider_backup.cloud.http.clock_skew import date_of
from airflow_provider_backup.cloud.http.known_secrets import NO_SECRETS, KnownSecrets
from airflow_provider_backup.cloud.manifest import classify
from airflow_provider_backup.cloud.schema.json_decoding import read_json
from airflow_provider_backup.cloud.text import one_line, plain_text

_PAIRS = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("errCode", "externalMessage"), ("code", "message"))
_REQUEST_ID_HEADERS = ("X-Request-Id", "X-Openstack-Request-Id", "X-Compute-Request-Id", "X-IAM-Trace-Id")
_BY_STATUS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: ApiNotFoundError,
    409: ApiResourceBusyError,
    413: QuotaExceededError,
    429: RateLimitedError,
}
# IAM answers some wrong keys, and a wrong project, with 400 (access section 4).
_IAM_CLASSES = classify(
    {AuthenticationError: "IAM.1104 IAM.1105 IAM.1106 IAM.1107 IAM.1108", UnknownProjectError: "IAM.1109 IAM.0004"}
)
_NO_SUCH_PATH = "the resource could not be found"
"""How services that are built on OpenStack begin their answer to a path that they do not have, in lower case."""
_THROTTLED = "0308"
_NEXT_STEPS: dict[type[ApiError], str] = {
    AuthenticationError: "Check user, password and account, or access key, secret key and security token, in the "
    "connection (without domain, login and password count as an access key), and that this machine's clock is right "
    "(signatures allow 15 minutes).",
    PermissionDeniedError: "Give the user or agency the right for this action in this project, and check project_id "
    "and region in the connection and of the task.",
    UnknownProjectError: "Check region, project_id, project_name and the account's name (domain) in the connection, "
    "and region and project_id of the task.",
    UnreadablePathError: "Check the id, and project_id and region in the connection and of the task.",
    ApiNotFoundError: "Check the id, and project_id and region in the connection and of the task.",
    ApiDuplicateNameError: "Choose another name, or adopt or delete what has it.",
    QuotaExceededError: "Delete what is no longer needed, or ask the provider for a higher quota.",
    ApiResourceBusyError: "Wait until the running task on the resource has ended, then repeat.",
    RateLimitedError: "Wait and repeat with fewer requests at the same time.",
    ServerError: "Retry later; if the problem persists, ask the provider's support with the request id.",
    BadRequestError: "Change what the message names; the code is listed on the service's error page.",
}
_WRONG_ADDRESS_NEXT_STEP = (
    "This does not come from the service itself: check endpoint, region, cloud and proxy of the connection, and the "
    "path of a request() of your own."
)
_DENIED_BY_POLICY_NEXT_STEP = (
    "An identity policy denies this. The administrator can decode the reason with STS "
    "(POST /v5/decode-authorization-message): "
)
_LONGEST_ENCODED_MESSAGE = 20_000
"""Characters; a longer one is no such message."""
_MOST_WORDS = 5000
"""Characters of a service's words that are looked at."""
_LOOKED_AT = 500_000
"""Bytes of an answer that is no JSON in which secrets are looked for; what is shown stands at its beginning."""
_LONGEST_PAGE = 8_000
"""Characters of a web page that are read: the title stands at the beginning."""
_PAGE = re.compile(r"\s*<(!doctype|html|head|body|\?xml|!--)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]+)</title", re.IGNORECASE)
_NOT_SHOWN = re.compile(r"<!--.*?-->|<(script|style|head)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_THROTTLED_NEXT_STEP = (
    "The gateway throttles: repeat after the window that the message names, with fewer requests at once."
)


def error_from_response(
    service: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    error_classes: Mapping[str, type[ApiError]] | None = None,
    secrets: KnownSecrets = NO_SECRETS,
) -> ApiError:
    """Turn a refusal into the error that callers can act on.

    :param service: name of the service, ``iam`` for the identity service.
    :param status: HTTP status, 300 or more.
    :param headers: the answer's headers (a case-insensitive mapping).
    :param body: the answer's body, of any form.
    :param error_classes: the service's codes whose class the status does not tell.
    :param secrets: what must not be repeated.
    """
    decoded = secrets.masked_content(_decoded(body), body)
    own_code, detail = _code_and_detail(decoded)
    code = one_line(secrets.masked(own_code or str(status)))[:100]
    if status < 400 and headers.get("Location"):
        detail = _redirection(headers["Location"])
    detail = _without_secrets(detail if detail is not None else _words_of_body(body, secrets), secrets)
    encoded_message = _encoded_message(decoded)
    if _is_wrong_address(status, code, detail, has_code=own_code is not None):
        # Not NotFoundError: a caller that deletes or searches would take that for an answer about the resource.
        error_class: type[ApiError] = BadRequestError
        next_step = _WRONG_ADDRESS_NEXT_STEP
    else:
        error_class = _error_class(status, code, detail, error_classes or {})
        if service == "iam" and error_class is ApiNotFoundError:
            # What it does not know is whom or what the credentials are for.
            error_class = UnknownProjectError
        next_step = _THROTTLED_NEXT_STEP if gateway_number(code) == _THROTTLED else _NEXT_STEPS[error_class]
        if encoded_message:
            next_step = _DENIED_BY_POLICY_NEXT_STEP + encoded_message
    return error_class(
        service=service,
        status=status,
        code=code,
        detail=detail,
        request_id=request_id_in_headers(headers, secrets) or _request_id_inside(decoded, secrets),
        retry_after=_retry_after(headers),
        encoded_authorization_message=encoded_message,
        next_step=next_step,
    )


def request_id_in_headers(headers: Mapping[str, str], secrets: KnownSecrets = NO_SECRETS) -> str | None:
    """Return the id that an answer is to be quoted with, or none.

    :param headers: the answer's headers (a case-insensitive mapping).
    :param secrets: what must not be repeated.
    """
    return next((_id_text(headers[name], secrets) for name in _REQUEST_ID_HEADERS if headers.get(name)), None)


def gateway_number(code: str) -> str | None:
    """Return the number in a code of the gateway, such as ``0308``; ``None`` for any other code.

    :param code: the code of an :class:`ApiError`.
    """
    prefix, _, number = code.partition(".")
    return number if prefix in ("APIGW", "APIG") else None


def _is_wrong_address(status: int, code: str, detail: str, *, has_code: bool) -> bool:
    if status == 404:
        # A service gives its refusals a code; pages, empty answers and those of gateways come from elsewhere.
        return not has_code or gateway_number(code) is not None or detail.lower().startswith(_NO_SUCH_PATH)
    return status < 400 or status == 407


def _error_class(status: int, code: str, detail: str, error_classes: Mapping[str, type[ApiError]]) -> type[ApiError]:
    if error_class := error_classes.get(code) or _IAM_CLASSES.get(code):
        return error_class
    if status == 401 and "malformed request url" in detail.lower():
        # CBR answers an id that it cannot read in this way (CBR section 14.1), and perhaps a wrong project.
        return UnreadablePathError
    if status == 413 and gateway_number(code) == "0201":
        # The body is too large, not the quota too small.
        return BadRequestError
    if gateway_number(code) == _THROTTLED:
        # Whatever status stands beside it.
        return RateLimitedError
    if error_class := _BY_STATUS.get(status):
        return error_class
    return ServerError if status >= 500 else BadRequestError


def _decoded(body: bytes) -> Any:
    try:
        return read_json(body)
    except ValueError:
        return None


def _code_and_detail(decoded: Any, depth: int = 0) -> tuple[str | None, str | None]:
    if not isinstance(decoded, Mapping | list) or depth > 3:
        return None, None
    if isinstance(decoded, Mapping):
        for code_key, detail_key in _PAIRS:
            code, detail = decoded.get(code_key), decoded.get(detail_key)
            if isinstance(code, str | int) or isinstance(detail, str):
                return _text_of(code), _text_of(detail) or ""
    # VBS is known to wrap a fault one level deeper than others do.
    for nested in decoded.values() if isinstance(decoded, Mapping) else decoded:
        found = _code_and_detail(nested, depth + 1)
        if found != (None, None):
            return found
    return None, None


def _request_id_inside(decoded: Any, secrets: KnownSecrets) -> str | None:
    found = decoded.get("request_id") if isinstance(decoded, Mapping) else None
    return _id_text(found, secrets) if isinstance(found, str) and found else None


def _id_text(text: str, secrets: KnownSecrets) -> str:
    # A header may hold bytes that are no text, and an id in the body anything, such as the begin of another log line.
    plain = plain_text(secrets.masked(text), 200)
    return plain if plain.isprintable() else "".join(each if each.isprintable() else "\ufffd" for each in plain)


def _text_of(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) else None


def _encoded_message(decoded: Any) -> str | None:
    found = decoded.get("encoded_authorization_message") if isinstance(decoded, Mapping) else None
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST_ENCODED_MESSAGE:
        return None
    return found if found.isascii() and found.isprintable() else None


def _redirection(location: str) -> str:
    try:
        # No more than the host: a user may stand before it, and path and query may hold secrets.
        host = urlsplit(location).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f"it redirects to {host or 'another path'}, and redirects are not followed"


def _words_of_body(body: bytes, secrets: KnownSecrets) -> str:
    # Masked before it is cut: half a secret is not recognised.
    text = secrets.masked(body[:_LOOKED_AT].decode(errors="replace"))
    page = _words_of_page(text[:32_000])
    return text[:300] if page is None else page


def _words_of_page(text: str) -> str | None:
    """Return the title of a web page, or its text when it has none; ``None`` for what is no page.

    Gateways and proxies answer with pages of their own (access section 4).
    """
    if not _PAGE.match(text):
        return None
    page = text[:_LONGEST_PAGE]
    title = _TITLE.search(page)
    words = title[1] if title else _NOT_SHOWN.sub(" ", page)
    return " ".join(html.unescape(words).split())


def _without_secrets(detail: str, secrets: KnownSecrets) -> str:
    detail = secrets.masked(detail)
    # The gateway repeats the canonical request, which holds the security token of temporary keys.
    # Blanks first, and not too many words: the pattern takes its time over long runs of blanks.
    words = " ".join(detail[:_MOST_WORDS].split())
    own_words = re.split(r",? ?canonical ?request", words, maxsplit=1, flags=re.IGNORECASE)[0]
    return one_line(own_words)[:500]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # By the clock of the one who wrote both.
    return max(0.0, (moment - (date_of(headers) or datetime.now(UTC))).total_seconds())

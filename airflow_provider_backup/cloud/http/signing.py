"""Request signatures with access keys, scheme ``SDK-HMAC-SHA256``; pure, usable to sign and to verify.

Source: access section 2.1 (made from huaweicloudsdkcore 3.1.219).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
DATE_HEADER = "X-Sdk-Date"
CONTENT_HASH_HEADER = "X-Sdk-Content-Sha256"
SECURITY_TOKEN_HEADER = "X-Security-Token"  # noqa: S105
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_STAYS_AS_IT_IS = re.compile(r"[A-Za-z0-9_.~-]*")


def format_sdk_date(moment: datetime) -> str:
    """Write the value of the header ``X-Sdk-Date``: UTC, ``20310409T091507Z``.

    :param moment: an aware time.
    """
    return moment.astimezone(UTC).strftime(_DATE_FORMAT)


def parse_sdk_date(text: str) -> datetime:
    """Read the value of the header ``X-Sdk-Date``.

    :param text: sixteen characters such as ``20310409T091507Z``.
    :return: an aware UTC time.
    :raises ValueError: the text has another form.
    """
    return datetime.strptime(text, _DATE_FORMAT).replace(tzinfo=UTC)


def canonical_path(path: str) -> str:
    """Return the path as it is signed: decoded, every piece encoded again, ``/`` at the end.

    :param path: the path of the request line, percent-encoded.
    """
    encoded = "/".join(quote(piece, safe="") for piece in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the query as it is signed, and as the client sends it.

    :param pairs: names and values as plain text; a name may come more than once.
    :return: the encoded pairs in order of name and value, without ``?``; empty when there are none.
    """
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(pairs))


def _quoted(text: str) -> str:
    # Most names and values stay as they are; finding that out takes a fraction of the time.
    return text if _STAYS_AS_IT_IS.fullmatch(text) else quote(text, safe="")


def signed_header_names(headers: Iterable[str]) -> list[str]:
    """Return the lower-case names that a client signs, in order: all but those with an underscore.

    :param headers: names of the headers that are sent, in any case.
    """
    return sorted(name.lower() for name in headers if "_" not in name)


def canonical_request(
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    signed_names: Collection[str],
    body: bytes,
) -> str:
    """Return the six parts that are hashed.

    :param method: HTTP method in any case.
    :param path: the path of the request line, percent-encoded.
    :param query: result of :func:`canonical_query`.
    :param headers: headers by name in any case, values as text.
    :param signed_names: lower-case names of the headers to sign, in the order in which they are signed.
    :param body: the exact bytes that are sent.
    :raises KeyError: a header to sign is missing.
    """
    values = {name.lower(): value.strip() for name, value in headers.items()}
    payload = values.get(CONTENT_HASH_HEADER.lower()) if body else None
    return "\n".join(
        (
            method.upper(),
            canonical_path(path),
            query,
            "".join(f"{name}:{values[name]}\n" for name in signed_names),
            ";".join(signed_names),
            payload or hashlib.sha256(body).hexdigest(),
        )
    )


def string_to_sign(canonical: str, sdk_date: str) -> str:
    """Return the text that is signed for a canonical request.

    :param canonical: result of :func:`canonical_request`.
    :param sdk_date: value of the header ``X-Sdk-Date``.
    """
    return f"{ALGORITHM}\n{sdk_date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def signature_of(text: str, key: bytes) -> str:
    """Return the signature of a text in lower-case hex digits.

    :param text: result of :func:`string_to_sign`.
    :param key: the secret key as bytes.
    """
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def sign_request(
    *,
    method: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes,
    access_key: str,
    secret_key: str,
    moment: datetime,
) -> str:
    """Sign a request; every header in ``headers`` is signed unless its name has an underscore.

    The request must then be sent with exactly these headers and this body, the query as :func:`canonical_query`
    writes it. Headers that the HTTP library adds later are not signed.

    :param method: HTTP method.
    :param path: the path of the request line, percent-encoded.
    :param query: names and values as plain text.
    :param headers: all headers known so far: ``Host`` (with the port if the URL has one), ``X-Sdk-Date`` (see
        :func:`format_sdk_date`), and where they apply ``Content-Type``, ``X-Project-Id`` or ``X-Domain-Id``,
        ``X-Security-Token``.
    :param body: the exact bytes that are sent; empty when there is no body.
    :param access_key: the access key id (AK).
    :param secret_key: the secret key (SK).
    :param moment: the aware time of ``X-Sdk-Date``.
    :return: the value of the header ``Authorization``.
    :raises ValueError: ``Host`` is missing, or ``X-Sdk-Date`` does not tell ``moment``.
    """
    given = {name.lower(): value for name, value in headers.items()}
    sdk_date = format_sdk_date(moment)
    if given.get(DATE_HEADER.lower()) != sdk_date:
        raise ValueError(f"The header {DATE_HEADER} must be {sdk_date!r} before signing.")
    if not given.get("host"):
        raise ValueError("The header Host must be set before signing.")
    names = signed_header_names(headers)
    canonical = canonical_request(
        method=method,
        path=path,
        query=canonical_query(query),
        headers=headers,
        signed_names=names,
        body=body,
    )
    signature = signature_of(string_to_sign(canonical, sdk_date), secret_key.encode())
    return f"{ALGORITHM} Access={access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"

"""Checking signatures: the vendor's scheme, and the second form of it that OTC's Go tools use.

Source: access sections 2.2 and 2.3.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from airflow_provider_backup.cloud.http.signing import (
    ALGORITHM,
    DATE_HEADER,
    canonical_query,
    canonical_request,
    signature_of,
    string_to_sign,
)

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+(?P<form>Access|Credential)=(?P<credential>[^,\s]+)\s*,"
    r"\s*SignedHeaders=(?P<names>[^,\s]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})\s*"
)


@dataclass(frozen=True, slots=True)
class SignatureClaim:
    """What a header ``Authorization`` claims.

    :param access_key: id of the key that signed.
    :param scope: ``DATE/REGION/SERVICE/sdk_request`` in OTC's Go form, ``None`` in the vendor's.
    :param signed_names: names of the signed headers, in the order given.
    :param signature: the signature in hex digits.
    """

    access_key: str
    scope: str | None
    signed_names: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, authorization: str) -> SignatureClaim | None:
        """Read the header; ``None`` when it has neither form."""
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None:
            return None
        access_key, _, scope = match["credential"].partition("/")
        if (match["form"] == "Credential") != (scope.count("/") == 3):
            return None
        return cls(access_key, scope or None, tuple(match["names"].lower().split(";")), match["signature"])


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as it came over the wire.

    :param method: HTTP method.
    :param target: raw target of the request line, path and query still encoded.
    :param headers: values by lower-case name, read as UTF-8.
    :param body: the bytes of the body.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def canonical_form(claim: SignatureClaim, request: ReceivedRequest) -> str:
    """Return the canonical request that the claimed signature must be made from.

    :raises KeyError: a header that is said to be signed is missing.
    """
    path, _, query_text = request.target.partition("?")
    pairs = parse_qsl(query_text, keep_blank_values=True)
    if claim.scope is None:
        return canonical_request(
            method=request.method,
            path=path,
            query=canonical_query(pairs),
            headers=request.headers,
            signed_names=claim.signed_names,
            body=request.body,
        )
    first_values = dict(reversed(pairs))
    query_is_payload = request.method == "POST" and not request.body
    return canonical_request(
        method=request.method,
        path=path,
        query="" if query_is_payload else _otc_query(first_values),
        headers={name: re.sub(r"\s+", " ", value) for name, value in request.headers.items()},
        signed_names=claim.signed_names,
        body=urlencode(sorted(pairs, key=lambda pair: pair[0])).encode() if query_is_payload else request.body,
    )


def signature_matches(claim: SignatureClaim, request: ReceivedRequest, canonical: str, secret_key: str) -> bool:
    """Whether the claimed signature was made with this secret key.

    :param canonical: result of :func:`canonical_form`.
    """
    text = string_to_sign(canonical, request.headers.get(DATE_HEADER.lower(), ""))
    key = secret_key.encode()
    if claim.scope is not None:
        algorithm, date, digest = text.split("\n")
        text = "\n".join((algorithm, date, claim.scope, digest))
        key = b"SDK" + key
        for part in claim.scope.split("/"):
            key = hmac.digest(key, part.encode(), hashlib.sha256)
    return hmac.compare_digest(signature_of(text, key), claim.signature)


def _otc_query(values: Mapping[str, str]) -> str:
    encoded = ((quote(name, safe=""), quote(value, safe="")) for name, value in values.items())
    return "&".join(f"{name}={value}" for name, value in sorted(encoded, key=lambda pair: pair[0].lower()))

"""Refusals of the gateway in front of all services, with the texts that real gateways use.

Source: access section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping


class GatewayError(Exception):
    """The gateway refuses a request before a service sees it.

    :param status: HTTP status.
    :param code: code with the prefix ``APIGW.``.
    :param message: the gateway's words.
    :param headers: headers of the answer.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


def wrong_credentials(detail: str) -> GatewayError:
    """Return the refusal of credentials; ``detail`` is what stands after the fixed text."""
    return GatewayError(401, "APIGW.0301", f"Incorrect IAM authentication information: {detail}")


def token_must_be_updated() -> GatewayError:
    """Return the refusal of a token that died before its time."""
    return GatewayError(401, "APIGW.0307", "The token must be updated")


def throttled(retry_after: int | None) -> GatewayError:
    """Return the refusal of a caller that asks too often; ``retry_after`` is in seconds, ``None`` leaves it out."""
    return GatewayError(
        429,
        "APIGW.0308",
        "The throttling threshold has been reached: policy user over ratelimit,limit:5,time:1 minute",
        headers=None if retry_after is None else {"Retry-After": str(retry_after)},
    )


def not_allowed(detail: str) -> GatewayError:
    """Return the refusal of a caller that is known but has no rights here."""
    return GatewayError(403, "APIGW.0302", f"The IAM user is not authorized to access the API: {detail}")


def no_such_api() -> GatewayError:
    """Return the answer to a path or method that does not exist."""
    return GatewayError(404, "APIGW.0101", "The API does not exist or has not been published in the environment")


def bad_request(status: int, detail: str) -> GatewayError:
    """Return the refusal of a request that cannot be read or is too large."""
    return GatewayError(status, "APIGW.0201", f"Bad request: {detail}")

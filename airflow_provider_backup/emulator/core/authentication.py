"""Authentication of requests: a token or a signature is checked; what is wrong gets the gateway's own words.

Source: access sections 1.2, 2.2 and 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from airflow_provider_backup.cloud.http.signing import DATE_HEADER, SECURITY_TOKEN_HEADER, parse_sdk_date
from airflow_provider_backup.emulator.core.accounts import ACCESS_KEY, PROJECT_ID, SECRET_KEY, Accounts
from airflow_provider_backup.emulator.core.gateway_error import token_must_be_updated, wrong_credentials
from airflow_provider_backup.emulator.core.regions import REGIONS
from airflow_provider_backup.emulator.core.signatures import (
    ReceivedRequest,
    SignatureClaim,
    canonical_form,
    signature_matches,
)
from airflow_provider_backup.emulator.core.state import CloudState

CLOCK_TOLERANCE = timedelta(minutes=15)
FAILURES_BEFORE_LOCK = 5
LOCK_TIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose credentials are good.

    :param project_ids: the projects that the credentials are for: that of a token, all for a key, none for a token of
        the account or of nothing.
    """

    project_ids: frozenset[str]


@dataclass(slots=True)
class _Failures:
    in_a_row: int = 0
    locked_until: datetime | None = None


class Authenticator:
    """Checks the credentials of requests; one for all services, because a key is locked for all of them.

    :param state: for the clock.
    :param accounts: the tokens and keys to check against.
    """

    def __init__(self, state: CloudState, accounts: Accounts) -> None:
        self._state = state
        self._accounts = accounts
        self._failures: dict[str, _Failures] = {}

    async def caller(self, request: web.Request) -> Caller:
        """Return the sender of a request.

        :raises GatewayError: there are no credentials, or they are wrong, expired, revoked or locked.
        """
        if token := request.headers.get("X-Auth-Token"):
            return self._bearer(token)
        if authorization := request.headers.get("Authorization"):
            return await self._signer(request, authorization)
        raise wrong_credentials("x-auth-token not found")

    def _bearer(self, token: str) -> Caller:
        row = self._accounts.token(token)
        if row is None:
            raise wrong_credentials("decrypt token fail")
        if row["revoked"]:
            raise token_must_be_updated()
        if self._accounts.is_expired(row):
            raise wrong_credentials(f"token expires, expires_at: {row['expires_at']}")
        # A state file of an earlier release has tokens without the project.
        is_of_project = row["scope"] == "project"
        return Caller(frozenset([row.get("project_id", PROJECT_ID)] if is_of_project else []))

    async def _signer(self, request: web.Request, authorization: str) -> Caller:
        claim = SignatureClaim.parse(authorization)
        if claim is None:
            raise wrong_credentials("verify aksk signature fail")
        temporary = self._accounts.temporary_key(claim.access_key)
        if claim.access_key == ACCESS_KEY:
            secret_key = SECRET_KEY
        elif temporary is not None:
            secret_key = temporary["secret"]
        else:
            raise wrong_credentials(f"ak {claim.access_key} not exist")
        failures = self._failures.setdefault(claim.access_key, _Failures())
        if failures.locked_until is not None:
            if self._state.now() < failures.locked_until:
                raise wrong_credentials("AK access failed to reach the limit,forbidden")
            failures.in_a_row, failures.locked_until = 0, None
        received = await _received(request)
        self._check_date(claim, received)
        try:
            canonical = canonical_form(claim, received)
        except KeyError:
            canonical = ""
        if not canonical or not signature_matches(claim, received, canonical, secret_key):
            failures.in_a_row += 1
            if failures.in_a_row > FAILURES_BEFORE_LOCK:
                failures.locked_until = self._state.now() + LOCK_TIME
            shown = canonical.replace("\n", "|")
            raise wrong_credentials(f"verify aksk signature fail, canonicalRequest:{shown}")
        failures.in_a_row = 0
        if temporary is not None:
            security_token = received.headers.get(SECURITY_TOKEN_HEADER.lower(), "")
            if not self._accounts.belongs_to(temporary, security_token):
                raise wrong_credentials("decrypt token fail")
            if self._accounts.is_expired(temporary):
                raise wrong_credentials("calc ak sk signature fail:signature expired")
        return Caller(frozenset(region.project_id for region in REGIONS.values()))

    def _check_date(self, claim: SignatureClaim, received: ReceivedRequest) -> None:
        name = DATE_HEADER.lower()
        try:
            moment = parse_sdk_date(received.headers.get(name, ""))
        except ValueError:
            raise wrong_credentials("verify aksk signature fail") from None
        if name not in claim.signed_names:
            raise wrong_credentials("verify aksk signature fail")
        if abs(self._state.now() - moment) > CLOCK_TOLERANCE:
            raise wrong_credentials("calc ak sk signature fail:signature expired")


async def _received(request: web.Request) -> ReceivedRequest:
    # The framework shows headers decoded in its own way; what was signed are the bytes, read as UTF-8.
    headers: dict[str, str] = {}
    for name, value in request.raw_headers:
        headers.setdefault(name.decode("latin-1").lower(), value.decode("utf-8", "replace"))
    return ReceivedRequest(request.method, request.raw_path, headers, await request.read())

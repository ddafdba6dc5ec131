"""IAM tokens: one request for all callers, renewed ahead in the background (access sections 1.1 and 1.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from pydantic import Field

from airflow_provider_backup.cloud.auth.endpoints import auth_url
from airflow_provider_backup.cloud.errors import BackupError, UnexpectedResponseError, UnknownProjectError
from airflow_provider_backup.cloud.http.pipeline import Anonymous, Request, RequestPipeline, encoded_body
from airflow_provider_backup.cloud.http.retry_policy import is_passing, pause_before
from airflow_provider_backup.cloud.http.time_limit import answer_came, unlimited
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.schema.answers import parsed, request_id_of
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import Timestamp
from airflow_provider_backup.cloud.settings import CloudSettings, PasswordCredentials

log = logging.getLogger(__name__)


class TokenProject(ResponseModel):
    """The project that a token is for."""

    id: Identifier
    name: str = ""


class TokenBody(ResponseModel):
    """The answer to a token request."""

    expires_at: Timestamp = None
    project: TokenProject | None = None
    catalog: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Token:
    """An IAM token with what came along; its value is not shown in the repr."""

    value: str = field(repr=False)
    expires_at: datetime
    project: TokenProject | None
    catalog: Sequence[Mapping[str, Any]] = field(repr=False)

    def is_valid(self, now: datetime) -> bool:
        """Return whether the token has not expired.

        :param now: the current time by the cloud's clock, which its end refers to.
        """
        return now < self.expires_at


def token_request(credentials: PasswordCredentials, settings: CloudSettings) -> dict[str, Any]:
    """Return the body of a token request for the project of ``settings``."""
    project = {"id": settings.project_id} if settings.project_id else {"name": settings.project_name or settings.region}
    user = {"name": credentials.user, "password": credentials.password, "domain": {"name": credentials.domain}}
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}}


class TokenSource:
    """One token for all requests of a client.

    A token is renewed ahead of its end, in the background, while the old one still serves: an outage of the identity
    service delays no request while a token is valid. Callers wait only for the first token, for the one after
    an expired one, and for the one after a rejected one.

    :param credentials: user, password and account.
    :param settings: project and address of the identity service.
    :param sender: sends the requests; its clocks and limits apply.
    """

    def __init__(self, credentials: PasswordCredentials, settings: CloudSettings, sender: RequestPipeline) -> None:
        self._credentials = credentials
        self._settings = settings
        self._sender = sender
        self._token: Token | None = None
        # By the cloud's clock; ``None`` when there is nothing more to do for this token.
        self._renew_at: datetime | None = None
        self._fetching: asyncio.Task[Token] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._error_log = TransientErrorLog(
            log, "The token of the identity service is renewed", clock=sender.clock, limits=sender.limits
        )

    async def get(self, *, instead_of: str | None = None) -> Token:
        """Return a valid token; without one, wait for it.

        :param instead_of: the value of a token that a service rejected; it is not returned again.
        :raises AuthenticationError: user, password or account are wrong.
        :raises CloudConnectionError: the identity service does not answer, and there is no valid token.
        """
        token, now = self._token, self._sender.cloud_clock.now()
        if token is not None and token.value != instead_of and token.is_valid(now):
            is_renewing = self._renewing is not None and not self._renewing.done()
            if self._renew_at is not None and now >= self._renew_at and not is_renewing:
                self._renew_at = None
                # An empty context: the renewal and its logs belong to no single caller.
                self._renewing = asyncio.create_task(self._renew(token), context=Context())
            return token
        token = await self._fetched()
        answer_came()
        return token

    async def close(self) -> None:
        """Stop requests that are in flight, and the renewal in the background."""
        running = [task for task in (self._renewing, self._fetching) if task is not None and not task.done()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _renew(self, old: Token) -> None:
        """Replace a token that is still valid; retry until it has expired, from when on callers fetch one."""
        clock, limits = self._sender.clock, self._sender.limits
        for attempt in count(1):
            try:
                await self._fetched()
            except BackupError as error:
                is_retried = is_passing(error) or isinstance(error, UnexpectedResponseError)
                self._error_log.failed(
                    "Could not renew the token of the identity service, %s; the present one is valid until %s: %s",
                    "retrying" if is_retried else "not retrying",
                    old.expires_at.strftime("%F %T UTC"),
                    error,
                )
                if not is_retried:
                    # A wrong password stays wrong, and each attempt with it counts against the account.
                    return
            else:
                return
            await clock.sleep(
                pause_before(
                    attempt, first_wait=limits.first_token_retry_pause, longest=limits.longest_token_retry_pause
                )
            )
            if self._token is not old or not old.is_valid(self._sender.cloud_clock.now()):
                return

    async def _fetched(self) -> Token:
        """Wait for a new token; all who wait at the same time share one request."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch(), context=unlimited())
            self._fetching.add_done_callback(_retrieve_error)
        # Shielded: a caller that is cancelled must not take the token from the others.
        return await asyncio.shield(self._fetching)

    async def _fetch(self) -> Token:
        request = Request(
            service="iam",
            method="POST",
            url=f"{auth_url(self._settings)}/auth/tokens",
            body=encoded_body(token_request(self._credentials, self._settings)),
            headers={"Content-Type": "application/json;charset=utf8"},
            repeatable=True,
        )
        try:
            answer = await self._sender.send(request, Anonymous())
        except UnknownProjectError as error:
            error.next_step = _way_to_the_project(self._settings)
            raise
        value = answer.headers.get("X-Subject-Token")
        if not value:
            raise UnexpectedResponseError(
                "The identity service sent no X-Subject-Token", request_id=request_id_of(answer.content)
            )
        body = parsed(TokenBody, answer.content, "token")
        now = self._sender.cloud_clock.now()
        token = Token(
            value=value,
            expires_at=body.expires_at or now + timedelta(hours=24),
            project=body.project,
            catalog=body.catalog,
        )
        self._token = token
        self._error_log.recovered()
        # At half of its life at the latest: a token that lives for minutes is not renewed all the time.
        self._renew_at = token.expires_at - min(self._sender.limits.token_renewal_ahead, (token.expires_at - now) / 2)
        return token


def _way_to_the_project(settings: CloudSettings) -> str:
    place = "the connection or in the task's argument"
    if settings.project_id:
        field = f"project_id ({settings.project_id!r})"
    elif settings.project_name:
        field = f"project_name ({settings.project_name!r})"
        place = "the connection"
    else:
        field = f"region ({settings.region!r}: its own project is meant, as no project_id or project_name applies)"
    return f"Correct {field} in {place}; the account's name (domain) counts as well."


def _retrieve_error(fetching: asyncio.Task[Token]) -> None:
    # When all callers are cancelled, nothing else retrieves the error, and asyncio would complain.
    if not fetching.cancelled():
        fetching.exception()

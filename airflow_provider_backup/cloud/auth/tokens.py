"""IAM tokens: fetched once however many ask, renewed ahead of their end (access sections 1.1 and 1.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from airflow_provider_backup.cloud.auth.endpoints import auth_url
from airflow_provider_backup.cloud.errors import UnexpectedResponseError, UnknownProjectError
from airflow_provider_backup.cloud.http.pipeline import Anonymous, Request, RequestPipeline, encoded_body
from airflow_provider_backup.cloud.http.time_limit import answer_came, unlimited
from airflow_provider_backup.cloud.schema.answers import parsed, request_id_of
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import Timestamp
from airflow_provider_backup.cloud.settings import CloudSettings, PasswordCredentials

RENEW_AHEAD = timedelta(minutes=10)
"""A token is renewed when less than this is left of it."""


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

    def is_fresh(self, now: datetime) -> bool:
        """Whether the token has more than :data:`RENEW_AHEAD` left.

        :param now: the present by the cloud's clock, which its end is told by.
        """
        return now + RENEW_AHEAD < self.expires_at


def token_request(credentials: PasswordCredentials, settings: CloudSettings) -> dict[str, Any]:
    """Return the body of a token request for the project of ``settings``."""
    project = {"id": settings.project_id} if settings.project_id else {"name": settings.project_name or settings.region}
    user = {"name": credentials.user, "password": credentials.password, "domain": {"name": credentials.domain}}
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}}


class TokenSource:
    """One token for everybody who asks.

    :param credentials: user, password and account.
    :param settings: project and address of the identity service.
    :param sender: sends the requests.
    """

    def __init__(self, credentials: PasswordCredentials, settings: CloudSettings, sender: RequestPipeline) -> None:
        self._credentials = credentials
        self._settings = settings
        self._sender = sender
        self._token: Token | None = None
        self._fetching: asyncio.Task[Token] | None = None

    async def get(self, *, instead_of: str | None = None) -> Token:
        """Return a token that is good for some minutes.

        :param instead_of: a token value that a service refused; it is not returned again.
        :raises AuthenticationError: user, password or account are wrong.
        """
        token = self._token
        if token is not None and token.is_fresh(self._sender.cloud_clock.now()) and token.value != instead_of:
            return token
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch(), context=unlimited())
            self._fetching.add_done_callback(_take_note)
        # Shielded: one caller who gives up must not take the token from the others.
        token = await asyncio.shield(self._fetching)
        answer_came()
        return token

    async def close(self) -> None:
        """Stop a fetch that is still going on."""
        if self._fetching is not None and not self._fetching.done():
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

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
        self._token = Token(
            value=value,
            expires_at=body.expires_at or self._sender.cloud_clock.now() + timedelta(hours=24),
            project=body.project,
            catalog=body.catalog,
        )
        return self._token


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


def _take_note(fetching: asyncio.Task[Token]) -> None:
    # When everybody who waited has given up, nobody else asks how it ended and asyncio would complain.
    if not fetching.cancelled():
        fetching.exception()

"""The two ways to authenticate: a token from a password, or a signature with an access key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from airflow_provider_backup.cloud.auth.endpoints import auth_url
from airflow_provider_backup.cloud.auth.tokens import TokenSource
from airflow_provider_backup.cloud.errors import ConfigurationError, UnexpectedResponseError
from airflow_provider_backup.cloud.http.pipeline import Authenticator, Request, RequestPipeline
from airflow_provider_backup.cloud.http.signing import (
    DATE_HEADER,
    SECURITY_TOKEN_HEADER,
    format_sdk_date,
    parse_sdk_date,
    sign_request,
)
from airflow_provider_backup.cloud.schema.answers import request_id_of, row_id
from airflow_provider_backup.cloud.settings import AccessKeyCredentials, CloudSettings, PasswordCredentials

CLOCKS_AGREE = timedelta(minutes=5)
"""A signature that is no older by the cloud's clock was not refused for its time: gateways allow 15 minutes."""


class Account(Authenticator, Protocol):
    """Credentials together with what they tell about the account."""

    async def project_id(self) -> str:
        """Return the id of the project that requests are for."""

    async def verify(self) -> str:
        """Ask the identity service whether credentials and project are right, and return the project's id."""

    async def catalog(self) -> Sequence[Mapping[str, Any]]:
        """Return the service catalog; empty when these credentials bring none."""

    async def close(self) -> None:
        """Stop what is still going on."""


class PasswordAccount:
    """Requests with a token (access section 1)."""

    def __init__(self, credentials: PasswordCredentials, settings: CloudSettings, sender: RequestPipeline) -> None:
        self._tokens = TokenSource(credentials, settings, sender)

    async def headers(self, request: Request) -> dict[str, str]:
        """Return the token header."""
        return {"X-Auth-Token": (await self._tokens.get()).value}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Fetch a new token in place of the refused one."""
        await self._tokens.get(instead_of=refused["X-Auth-Token"])
        return True

    async def project_id(self) -> str:
        """Return the project that the token is for."""
        project = (await self._tokens.get()).project
        if project is None:
            raise ConfigurationError(
                "The token is not for a project.", next_step="Set region, project_name or project_id in the connection."
            )
        return project.id

    async def verify(self) -> str:
        """Get a token: that needs the right host, account, user, password and project."""
        return await self.project_id()

    async def catalog(self) -> Sequence[Mapping[str, Any]]:
        """Return the catalog that came with the token."""
        return (await self._tokens.get()).catalog

    async def close(self) -> None:
        """Stop fetching."""
        await self._tokens.close()


class AccessKeyAccount:
    """Requests with a signature (access section 2)."""

    def __init__(self, credentials: AccessKeyCredentials, settings: CloudSettings, sender: RequestPipeline) -> None:
        self._credentials = credentials
        self._settings = settings
        self._sender = sender
        self._project_id = settings.project_id
        self._looking_up = asyncio.Lock()

    async def headers(self, request: Request) -> dict[str, str]:
        """Return all headers that the signature covers, and the signature."""
        # Gateways refuse signatures that are 15 minutes off by their own clock.
        moment = self._sender.cloud_clock.now()
        parts = urlsplit(request.url)
        headers = {"Host": parts.netloc, DATE_HEADER: format_sdk_date(moment)}
        if self._project_id:
            headers["X-Project-Id"] = self._project_id
        if self._credentials.security_token:
            headers[SECURITY_TOKEN_HEADER] = self._credentials.security_token
        signature = sign_request(
            method=request.method,
            path=parts.path,
            query=request.query,
            headers={**request.headers, **headers},
            body=request.body,
            access_key=self._credentials.access_key,
            secret_key=self._credentials.secret_key,
            moment=moment,
        )
        return {**headers, "Authorization": signature}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Sign again when the clocks turned out to be apart; else a key that was refused will be refused again."""
        signed_at = refused.get(DATE_HEADER)
        return signed_at is not None and abs(self._sender.cloud_clock.now() - parse_sdk_date(signed_at)) > CLOCKS_AGREE

    async def project_id(self) -> str:
        """Return the project's id, looked up by name once (access section 1.3)."""
        async with self._looking_up:
            if self._project_id is None:
                self._project_id = await self._find_project()
        return self._project_id

    async def verify(self) -> str:
        """List the projects: that needs the right host and key; the given project must be among them."""
        if self._settings.project_id is None:
            return await self.project_id()
        if self._settings.project_id not in await self._project_ids({}):
            raise ConfigurationError(
                f"The key's account has no project {self._settings.project_id} here.",
                next_step="Check project_id and region in the connection.",
            )
        return self._settings.project_id

    async def catalog(self) -> Sequence[Mapping[str, Any]]:
        """Access keys bring no catalog."""
        return ()

    async def close(self) -> None:
        """There is nothing to stop."""

    async def _find_project(self) -> str:
        name = self._settings.project_name or self._settings.region
        ids = await self._project_ids({"name": name})
        if len(ids) != 1:
            raise ConfigurationError(
                f"{len(ids)} projects are named {name!r}.",
                next_step="Set project_id in the connection, or project_name when it is not the region's own project.",
            )
        return ids[0]

    async def _project_ids(self, query: Mapping[str, str]) -> list[str]:
        request = Request(
            service="iam",
            method="GET",
            url=f"{auth_url(self._settings)}/projects",
            query=list(query.items()),
        )
        content = (await self._sender.send(request, self)).content
        projects = content.get("projects") if isinstance(content, Mapping) else None
        if not isinstance(projects, list):
            raise UnexpectedResponseError(
                "The identity service sent no list of projects", request_id=request_id_of(content)
            )
        return [found for project in projects if (found := row_id(project))]


def account_for(settings: CloudSettings, sender: RequestPipeline) -> Account:
    """Return the way to authenticate that fits the credentials."""
    credentials = settings.credentials
    if isinstance(credentials, PasswordCredentials):
        sender.secrets.know(credentials.password)
        return PasswordAccount(credentials, settings, sender)
    sender.secrets.know(credentials.secret_key, credentials.security_token)
    return AccessKeyAccount(credentials, settings, sender)

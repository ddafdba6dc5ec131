"""The identity service of the local cloud: tokens, catalog, projects, temporary keys.

Source: access sections 1 and 4.
"""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from airflow_provider_backup.cloud.schema.base import violations_of
from airflow_provider_backup.emulator.core.accounts import (
    DOMAIN_ID,
    DOMAIN_NAME,
    PASSWORD,
    PROJECT_ID,
    USER_ID,
    USER_NAME,
    Accounts,
    Scope,
)
from airflow_provider_backup.emulator.core.authentication import Authenticator
from airflow_provider_backup.emulator.core.catalog import CatalogEntry, catalog
from airflow_provider_backup.emulator.core.regions import REGIONS, Region, region_of
from airflow_provider_backup.emulator.core.service import ServiceError, json_object
from airflow_provider_backup.emulator.core.state import Row

_DOMAIN = {"id": DOMAIN_ID, "name": DOMAIN_NAME}
_MINIMUM_KEY_SECONDS, _MAXIMUM_KEY_SECONDS = 900, 86400
_MAXIMUM_PROJECTS_PER_PAGE = 5000
ModelT = TypeVar("ModelT", bound=BaseModel)


class _Reference(BaseModel):
    id: str | None = None
    name: str | None = None

    def means(self, identifier: str, name: str) -> bool:
        return self.id == identifier if self.id is not None else self.name == name


class _User(_Reference):
    password: str
    domain: _Reference | None = None


class _PasswordMethod(BaseModel):
    user: _User


class _ProjectReference(_Reference):
    domain: _Reference | None = None


class _Scope(BaseModel):
    project: _ProjectReference | None = None
    domain: _Reference | None = None


class _TokenIdentity(BaseModel):
    methods: list[str]
    password: _PasswordMethod | None = None


class _TokenAuth(BaseModel):
    identity: _TokenIdentity
    scope: _Scope | None = None


class _TokenMethod(BaseModel):
    id: str | None = None
    duration_seconds: int = _MINIMUM_KEY_SECONDS


class _KeyIdentity(BaseModel):
    methods: list[str]
    token: _TokenMethod = _TokenMethod()


class _KeyAuth(BaseModel):
    identity: _KeyIdentity


class EmulatedIam:
    """The identity service.

    :param accounts: the account with its tokens and keys.
    :param authenticator: checks the credentials of calls that need some.
    :param ports: port of each service by name, for the catalog.
    :param entries: entries of the other services in the catalog, by name.
    """

    name: ClassVar[str] = "iam"

    def __init__(
        self,
        accounts: Accounts,
        authenticator: Authenticator,
        ports: Mapping[str, int],
        entries: Mapping[str, Sequence[CatalogEntry]],
    ) -> None:
        self._accounts = accounts
        self._authenticator = authenticator
        self._ports = ports
        self._entries = {**entries, self.name: [CatalogEntry("identity", "iam", "/v3")]}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.get("/v3", self.show_version),
            web.get("/v3/", self.show_version),
            web.post("/v3/auth/tokens", self.create_token),
            web.get("/v3/auth/tokens", self.show_token),
            web.delete("/v3/auth/tokens", self.revoke_token),
            web.get("/v3/auth/catalog", self.show_catalog),
            web.get("/v3/auth/projects", self.list_own_projects),
            web.get("/v3/auth/domains", self.list_domains),
            web.get("/v3/projects", self.list_projects),
            web.post("/v3.0/OS-CREDENTIAL/securitytokens", self.create_temporary_key),
        ]

    def error_body(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error body: the newer calls have codes of their own, the keystone calls repeat the status."""
        if code.startswith("IAM."):
            return {"error_code": code, "error_msg": message}
        return {"error": {"code": status, "message": message, "title": http.HTTPStatus(status).phrase}}

    async def show_version(self, request: web.Request) -> web.Response:
        """Answer ``GET /v3``: clients continue with the URL that they find in it."""
        return web.json_response(
            {
                "version": {
                    "id": "v3.6",
                    "status": "stable",
                    "updated": "2016-04-04T00:00:00Z",
                    "links": [{"rel": "self", "href": f"{_origin(request)}/v3/"}],
                    "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
                }
            }
        )

    async def create_token(self, request: web.Request) -> web.Response:
        """Answer ``POST /v3/auth/tokens``."""
        auth = _read(_TokenAuth, await json_object(request, code="400", envelope="auth"), code="400")
        if auth.identity.methods != ["password"] or auth.identity.password is None:
            raise _keystone_error(400, "The local cloud knows the method password only.")
        user = auth.identity.password.user
        if user.id is None and (user.name is None or user.domain is None):
            raise _keystone_error(400, "The user must be given by id, or by name and domain.")
        known = user.means(USER_ID, USER_NAME)
        if user.domain is not None and user.id is None:
            known = known and user.domain.means(DOMAIN_ID, DOMAIN_NAME)
        if not known or user.password != PASSWORD:
            raise _keystone_error(401, "The username or password is wrong.")
        text, row = self._accounts.issue_token(*_checked_scope(auth.scope))
        return self._token_response(request, text, row, status=201)

    async def show_token(self, request: web.Request) -> web.Response:
        """Answer ``GET`` and ``HEAD /v3/auth/tokens``."""
        self._bearer(request)
        text, row = self._subject(request)
        return self._token_response(request, text, row, status=200)

    async def revoke_token(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /v3/auth/tokens``."""
        self._bearer(request)
        _, row = self._subject(request)
        row["revoked"] = True
        return web.Response(status=204)

    async def show_catalog(self, request: web.Request) -> web.Response:
        """Answer ``GET /v3/auth/catalog``."""
        row = self._bearer(request)
        if row["scope"] != "project":
            raise _keystone_error(403, "The token is not scoped to a project.")
        links = {"self": f"{_origin(request)}/v3/auth/catalog"}
        return web.json_response({"catalog": self._catalog(request, _region_of(row)), "links": links})

    async def list_own_projects(self, request: web.Request) -> web.Response:
        """Answer ``GET /v3/auth/projects``."""
        self._bearer(request)
        return _project_list(request, [_project(request, region) for region in REGIONS.values()])

    async def list_domains(self, request: web.Request) -> web.Response:
        """Answer ``GET /v3/auth/domains``."""
        await self._caller(request)
        domain = _DOMAIN | {"enabled": True, "description": "", "links": {"self": f"{_origin(request)}/v3/domains"}}
        return web.json_response({"domains": [domain], "links": _links(request)})

    async def list_projects(self, request: web.Request) -> web.Response:
        """Answer ``GET /v3/projects``."""
        await self._caller(request)
        found = [
            project
            for region in REGIONS.values()
            for project in [_project(request, region)]
            if all(
                request.query[name] in ("", str(project[name]), str(project[name]).lower())
                for name in ("name", "domain_id", "parent_id", "enabled", "is_domain")
                if name in request.query
            )
        ]
        if "page" in request.query or "per_page" in request.query:
            found = _project_page(request, found)
        return _project_list(request, found)

    async def create_temporary_key(self, request: web.Request) -> web.Response:
        """Answer ``POST /v3.0/OS-CREDENTIAL/securitytokens``."""
        auth = _read(_KeyAuth, await json_object(request, code="IAM.0011", envelope="auth"), code="IAM.0011")
        if auth.identity.methods != ["token"]:
            raise ServiceError(400, "IAM.0011", "The local cloud knows the method token only.")
        token = request.headers.get("X-Auth-Token") or auth.identity.token.id
        if not token:
            raise ServiceError(401, "IAM.0001", "The request you have made requires authentication.")
        if not self._accounts.is_valid(self._accounts.token(token)):
            raise ServiceError(401, "IAM.0067", "The token is invalid.")
        seconds = auth.identity.token.duration_seconds
        if not _MINIMUM_KEY_SECONDS <= seconds <= _MAXIMUM_KEY_SECONDS:
            rule = f"duration_seconds must be {_MINIMUM_KEY_SECONDS} to {_MAXIMUM_KEY_SECONDS}"
            raise ServiceError(400, "IAM.0007", f"{rule} (given: {seconds}).")
        access_key, security_token, row = self._accounts.issue_temporary_key(timedelta(seconds=seconds))
        credential = {
            "access": access_key,
            "secret": row["secret"],
            "securitytoken": security_token,
            "expires_at": _wire_time(row["expires_at"]),
        }
        return web.json_response({"credential": credential}, status=201)

    def _bearer(self, request: web.Request) -> Row:
        row = self._accounts.token(request.headers.get("X-Auth-Token", ""))
        if row is None or not self._accounts.is_valid(row):
            raise _keystone_error(401, "The request you have made requires authentication.")
        return row

    async def _caller(self, request: web.Request) -> None:
        if "Authorization" in request.headers:
            await self._authenticator.caller(request)
        else:
            self._bearer(request)

    def _subject(self, request: web.Request) -> tuple[str, Row]:
        text = request.headers.get("X-Subject-Token", "")
        row = self._accounts.token(text)
        if row is None or not self._accounts.is_valid(row):
            raise _keystone_error(404, "Could not find token.")
        return text, row

    def _catalog(self, request: web.Request, region: Region | None) -> list[dict[str, Any]]:
        # The identity service belongs to all regions.
        there = {
            name: port for name, port in self._ports.items() if name == self.name or region in (None, region_of(name))
        }
        urls = {name.partition("@")[0]: str(request.url.origin().with_port(port)) for name, port in there.items()}
        entries = {name: several for name, several in self._entries.items() if name in urls}
        if region is None:
            return catalog(entries, urls, region="*", project_id=None)
        return catalog(entries, urls, region=region.name, project_id=region.project_id)

    def _token_response(self, request: web.Request, text: str, row: Row, *, status: int) -> web.Response:
        token: dict[str, Any] = {
            "methods": ["password"],
            "issued_at": _wire_time(row["issued_at"]),
            "expires_at": _wire_time(row["expires_at"]),
            "user": {"id": USER_ID, "name": USER_NAME, "password_expires_at": "", "domain": _DOMAIN},
            "roles": [{"id": "0", "name": "te_admin"}],
        }
        if row["scope"] == "project":
            region = _region_of(row)
            token["project"] = {"id": region.project_id, "name": region.name, "domain": _DOMAIN}
        elif row["scope"] == "domain":
            token["domain"] = _DOMAIN
        if "nocatalog" not in request.query:
            token["catalog"] = self._catalog(request, _region_of(row) if row["scope"] == "project" else None)
        return web.json_response({"token": token}, status=status, headers={"X-Subject-Token": text})


def _keystone_error(status: int, message: str) -> ServiceError:
    return ServiceError(status, str(status), message)


def _read(model: type[ModelT], values: Any, *, code: str) -> ModelT:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        # Values stay out of the answer: one of them may be a password.
        broken = "; ".join(f"{violation.field}: {violation.rule}" for violation in violations_of(error))
        raise ServiceError(400, code, f"Bad request: {broken}.") from None


def _region_of(token: Row) -> Region:
    # A state file of an earlier release has tokens without the project.
    project_id = token.get("project_id", PROJECT_ID)
    return next(region for region in REGIONS.values() if region.project_id == project_id)


def _checked_scope(scope: _Scope | None) -> tuple[Scope, str]:
    if scope is not None and scope.project is not None:
        project = scope.project
        meant = next((each for each in REGIONS.values() if project.means(each.project_id, each.name)), None)
        if meant is None or (project.domain is not None and not project.domain.means(DOMAIN_ID, DOMAIN_NAME)):
            raise _keystone_error(404, f"Could not find project: {project.id or project.name}.")
        return "project", meant.project_id
    if scope is not None and scope.domain is not None:
        if not scope.domain.means(DOMAIN_ID, DOMAIN_NAME):
            raise _keystone_error(404, f"Could not find domain: {scope.domain.id or scope.domain.name}.")
        return "domain", PROJECT_ID
    return "none", PROJECT_ID


def _wire_time(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _origin(request: web.Request) -> str:
    return str(request.url.origin())


def _links(request: web.Request) -> dict[str, str | None]:
    return {"self": str(request.url), "previous": None, "next": None}


def _project(request: web.Request, region: Region) -> dict[str, Any]:
    return {
        "id": region.project_id,
        "name": region.name,
        "domain_id": DOMAIN_ID,
        "parent_id": DOMAIN_ID,
        "enabled": True,
        "is_domain": False,
        "description": "",
        "links": {"self": f"{_origin(request)}/v3/projects/{region.project_id}"},
    }


def _project_list(request: web.Request, projects: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"links": _links(request), "projects": projects})


def _project_page(request: web.Request, projects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        page, per_page = int(request.query["page"]), int(request.query["per_page"])
    except (KeyError, ValueError):
        raise _keystone_error(400, "page and per_page must be whole numbers and come together.") from None
    if page < 1 or not 1 <= per_page <= _MAXIMUM_PROJECTS_PER_PAGE:
        raise _keystone_error(400, f"page must be 1 or more, per_page 1 to {_MAXIMUM_PROJECTS_PER_PAGE}.")
    return projects[(page - 1) * per_page : page * per_page]

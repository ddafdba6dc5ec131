"""How to make the local cloud misbehave from outside: for demos, and for tests in another process.

Calls need no credentials, but they must come from this machine.
"""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

from airflow_provider_backup.emulator.accounts import Accounts
from airflow_provider_backup.emulator.gateway_error import not_allowed
from airflow_provider_backup.emulator.loopback import is_loopback
from airflow_provider_backup.emulator.service import ServiceError, json_object
from airflow_provider_backup.emulator.state import CloudState


class Control:
    """The routes below ``/_control``; they live on the port of the identity service.

    :param state: where failures are planned.
    :param accounts: whose tokens are revoked.
    :param services: names of the services that can fail.
    """

    def __init__(self, state: CloudState, accounts: Accounts, services: Collection[str]) -> None:
        self._state = state
        self._accounts = accounts
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.post("/_control/failures", self.plan_failure),
            web.post("/_control/tokens/revoke", self.revoke_tokens),
        ]

    async def plan_failure(self, request: web.Request) -> web.Response:
        """Let the next backup of a service end failed: body ``{"service": "rds", "reason": "..."}``."""
        _refuse_other_machines(request)
        body = await json_object(request, code="400")
        service, reason = body.get("service"), body.get("reason")
        if not isinstance(service, str) or service not in self._services:
            raise ServiceError(400, "400", f"service must be one of {', '.join(self._services)}.")
        if not isinstance(reason, str) or not reason:
            raise ServiceError(400, "400", "reason must be a text.")
        self._state.plan_failure(service, reason)
        return web.Response(status=204)

    async def revoke_tokens(self, request: web.Request) -> web.Response:
        """Let every token die now, as a changed password does."""
        _refuse_other_machines(request)
        self._accounts.revoke_all_tokens()
        return web.Response(status=204)


def _refuse_other_machines(request: web.Request) -> None:
    if not is_loopback(request.remote or ""):
        raise not_allowed("calls below /_control must come from this machine")

"""How to make the local cloud misbehave from outside: for demos, and for tests in another process.

What faults and outcomes there are is told in ``faults/orders.py``. Calls need no credentials, but they must come from
this machine.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from aiohttp import web

from airflow_provider_backup.cloud.addresses import is_loopback
from airflow_provider_backup.emulator.accounts import Accounts
from airflow_provider_backup.emulator.faults.armed import Faults
from airflow_provider_backup.emulator.faults.orders import BackupOutcome, read_faults
from airflow_provider_backup.emulator.gateway_error import not_allowed
from airflow_provider_backup.emulator.service import ServiceError, checked, json_object
from airflow_provider_backup.emulator.state import CloudState

_WITH_DELETIONS = ("vbs", "csbs", "cbr")
_BAD_REQUEST = "400"


class Control:
    """The routes below ``/_control``; they live on the port of the identity service.

    :param state: where failures are planned.
    :param accounts: whose tokens are revoked.
    :param services: names of the services that can fail.
    :param faults: which faults are armed.
    """

    def __init__(self, state: CloudState, accounts: Accounts, services: Collection[str], faults: Faults) -> None:
        self._state = state
        self._accounts = accounts
        self._services = services
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.post("/_control/failures", self.plan_failure),
            web.post("/_control/outcomes", self.plan_outcome),
            web.post("/_control/tokens/revoke", self.revoke_tokens),
            web.post("/_control/faults", self.arm_faults),
            web.get("/_control/faults", self.list_faults),
            web.delete("/_control/faults", self.disarm_all_faults),
            web.delete("/_control/faults/{fault_id}", self.disarm_fault),
            web.get("/_control/requests", self.list_requests),
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

    async def plan_outcome(self, request: web.Request) -> web.Response:
        """Settle how the next backups of a service go: body ``{"service": "rds", "stuck": true}``."""
        _refuse_other_machines(request)
        outcome = checked(BackupOutcome, await json_object(request, code=_BAD_REQUEST), code=_BAD_REQUEST)
        services = [*self._services, *(f"{name}.deletion" for name in _WITH_DELETIONS)]
        if outcome.service not in services:
            raise ServiceError(400, _BAD_REQUEST, f"service must be one of {', '.join(services)}.")
        self._state.plan_outcome(**outcome.model_dump())
        return web.Response(status=204)

    async def arm_faults(self, request: web.Request) -> web.Response:
        """Arm a fault, or a list of them; answers with its id, or a list of ids."""
        _refuse_other_machines(request)
        try:
            body = json.loads(await request.text())
            answers = [{"id": identifier} for identifier in self._faults.arm(read_faults(body))]
        except (ValueError, RecursionError) as error:
            raise ServiceError(400, _BAD_REQUEST, str(error)) from None
        return web.json_response(answers if isinstance(body, list) else answers[0], status=201)

    async def list_faults(self, request: web.Request) -> web.Response:
        """List the faults that were not disarmed, with how many requests each has hit."""
        _refuse_other_machines(request)
        return web.json_response({"faults": self._faults.listed()})

    async def disarm_all_faults(self, request: web.Request) -> web.Response:
        """Disarm all faults."""
        _refuse_other_machines(request)
        self._faults.disarm_all()
        return web.Response(status=204)

    async def disarm_fault(self, request: web.Request) -> web.Response:
        """Disarm one fault."""
        _refuse_other_machines(request)
        try:
            self._faults.disarm(request.match_info["fault_id"])
        except KeyError:
            raise ServiceError(404, "404", "No such fault is armed.") from None
        return web.Response(status=204)

    async def list_requests(self, request: web.Request) -> web.Response:
        """List how many requests came, by service, method and path template."""
        _refuse_other_machines(request)
        return web.json_response(
            {
                "requests": [
                    {"service": service, "method": method, "route": route, "count": count}
                    for (service, method, route), count in self._faults.requests.items()
                ]
            }
        )

    async def revoke_tokens(self, request: web.Request) -> web.Response:
        """Let every token die now, as a changed password does."""
        _refuse_other_machines(request)
        self._accounts.revoke_all_tokens()
        return web.Response(status=204)


def _refuse_other_machines(request: web.Request) -> None:
    if not is_loopback(request.remote or ""):
        raise not_allowed("calls below /_control must come from this machine")

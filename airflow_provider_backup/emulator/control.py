"""How to make the local cloud misbehave from outside: for demos, and for tests in another process.

The faults and outcomes are in ``faults/specs.py``. Calls need no credentials, but they must come from
this machine, ask for it by an address or name of its own, and not come from a foreign web page.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from aiohttp import web

from airflow_provider_backup.cloud.http.urls import is_loopback
from airflow_provider_backup.emulator.core.accounts import Accounts
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.gateway_error import not_allowed
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import EmulatedBackupService, ServiceError, checked, json_object
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.faults.registry import Faults
from airflow_provider_backup.emulator.faults.specs import BackupOutcome, fault_parameters, read_faults

_BAD_REQUEST = "400"
_LONGEST_ADVANCE = 366 * 24 * 60 * 60
"""Seconds: a year."""
_HIGHEST_VERSION = 2**53 - 1
"""The highest whole number that every JSON reader keeps exactly."""

_Handler = Callable[[web.Request], Awaitable[web.Response]]


class Control:
    """The routes at and below ``/_control``; they live on the port of the identity service.

    :param state: where failures are planned.
    :param accounts: whose tokens are revoked.
    :param services: the services by name.
    :param faults: which faults are armed.
    :param inventory: the servers, disks and instances, whose contents can be read and changed.
    """

    def __init__(
        self,
        state: CloudState,
        accounts: Accounts,
        services: Mapping[str, type[EmulatedBackupService]],
        faults: Faults,
        inventory: Inventory,
    ) -> None:
        self._state = state
        self._accounts = accounts
        operations = [f"{name}.{each}" for name, service in services.items() for each in service.operations]
        self._outcome_services = [*services, *operations]
        self._services = services
        self._faults = faults
        self._inventory = inventory
        self._contents = Contents(state)
        self._calls: list[tuple[str, str, _Handler]] = [
            ("GET", "/_control", self.describe),
            ("GET", "/_control/faults", self.list_faults),
            ("POST", "/_control/faults", self.arm_faults),
            ("DELETE", "/_control/faults", self.disarm_all_faults),
            ("DELETE", "/_control/faults/{fault_id}", self.disarm_fault),
            ("GET", "/_control/outcomes", self.list_outcomes),
            ("POST", "/_control/outcomes", self.plan_outcome),
            ("DELETE", "/_control/outcomes", self.cancel_all_outcomes),
            ("DELETE", "/_control/outcomes/{service}", self.cancel_outcomes),
            ("GET", "/_control/contents/{service}/{resource_id}", self.read_content),
            ("POST", "/_control/contents/{service}/{resource_id}", self.change_content),
            ("POST", "/_control/failures", self.plan_failure),
            ("POST", "/_control/clock", self.advance_clock),
            ("POST", "/_control/tokens/revoke", self.revoke_tokens),
            ("GET", "/_control/requests", self.list_requests),
        ]

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths; each refuses callers who are not on this machine."""
        return [web.RouteDef(method, path, _guarded(handler), {}) for method, path, handler in self._calls]

    async def describe(self, request: web.Request) -> web.Response:
        """List these calls, the services that they are about, and the kinds of faults with their parameters."""
        return web.json_response(
            {
                "calls": [
                    {"method": method, "path": path, "does": _first_line(handler)}
                    for method, path, handler in self._calls
                ],
                "services": ["iam", *self._services],
                "outcome_services": self._outcome_services,
                "outcome_parameters": list(BackupOutcome.model_fields),
                "fault_kinds": fault_parameters(),
            }
        )

    async def plan_failure(self, request: web.Request) -> web.Response:
        """Let the next backup of a service end failed: body ``{"service": "rds", "reason": "..."}``."""
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
        outcome = checked(BackupOutcome, await json_object(request, code=_BAD_REQUEST), code=_BAD_REQUEST)
        self._refuse_unknown_service(outcome.service)
        self._state.plan_outcome(**outcome.model_dump())
        return web.Response(status=204)

    async def list_outcomes(self, request: web.Request) -> web.Response:
        """List the planned outcomes that are not used up, in the order in which backups will take them."""
        return web.json_response({"outcomes": self._state.planned_outcomes()})

    async def cancel_all_outcomes(self, request: web.Request) -> web.Response:
        """Cancel all planned outcomes that are not used up; backups that run already keep theirs."""
        self._state.cancel_outcomes()
        return web.Response(status=204)

    async def cancel_outcomes(self, request: web.Request) -> web.Response:
        """Cancel the planned outcomes of one service."""
        self._refuse_unknown_service(request.match_info["service"])
        self._state.cancel_outcomes(request.match_info["service"])
        return web.Response(status=204)

    async def read_content(self, request: web.Request) -> web.Response:
        """Return the content version of a server, a disk or an instance; that of a server is its disks' highest."""
        return web.json_response({"version": self._contents.version(self._resource_id(request))})

    async def change_content(self, request: web.Request) -> web.Response:
        """Change the content of a resource, as a maintenance does: body ``{"version": 7}``."""
        resource_id = self._resource_id(request)
        version = (await json_object(request, code=_BAD_REQUEST)).get("version")
        if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version <= _HIGHEST_VERSION:
            raise ServiceError(400, _BAD_REQUEST, f"version must be a whole number, 0 to {_HIGHEST_VERSION}.")
        self._contents.change(resource_id, version)
        return web.Response(status=204)

    async def advance_clock(self, request: web.Request) -> web.Response:
        """Set the cloud's clock forward: body ``{"advance_seconds": 3600}``; what takes time ends sooner."""
        seconds = (await json_object(request, code=_BAD_REQUEST)).get("advance_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_ADVANCE:
            raise ServiceError(400, _BAD_REQUEST, f"advance_seconds must be a number, 0 to {_LONGEST_ADVANCE}.")
        self._state.advance_clock(seconds)
        return web.Response(status=204)

    async def arm_faults(self, request: web.Request) -> web.Response:
        """Arm a fault: body ``{"kind": "throttle", "count": 2}``, or a list of such; answers with its id, or ids."""
        try:
            body = json.loads(await request.text())
            answers = [{"id": identifier} for identifier in self._faults.arm(read_faults(body))]
        except (ValueError, RecursionError) as error:
            raise ServiceError(400, _BAD_REQUEST, str(error)) from None
        return web.json_response(answers if isinstance(body, list) else answers[0], status=201)

    async def list_faults(self, request: web.Request) -> web.Response:
        """List the faults that were not disarmed, with how many requests each has hit."""
        return web.json_response({"faults": self._faults.listed()})

    async def disarm_all_faults(self, request: web.Request) -> web.Response:
        """Disarm all faults."""
        self._faults.disarm_all()
        return web.Response(status=204)

    async def disarm_fault(self, request: web.Request) -> web.Response:
        """Disarm one fault."""
        try:
            self._faults.disarm(request.match_info["fault_id"])
        except KeyError:
            raise ServiceError(404, "404", "No such fault is armed.") from None
        return web.Response(status=204)

    async def list_requests(self, request: web.Request) -> web.Response:
        """List how many requests came, by service, method and path template."""
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
        self._accounts.revoke_all_tokens()
        return web.Response(status=204)

    def _resource_id(self, request: web.Request) -> str:
        service, resource_id = request.match_info["service"], request.match_info["resource_id"]
        if service not in self._services:
            raise ServiceError(404, "404", f"service must be one of {', '.join(self._services)}.")
        if resource_id not in self._inventory.resources(self._services[service].protects):
            raise ServiceError(404, "404", f"{service} protects no resource with this id.")
        return resource_id

    def _refuse_unknown_service(self, name: str) -> None:
        if name not in self._outcome_services:
            raise ServiceError(400, _BAD_REQUEST, f"service must be one of {', '.join(self._outcome_services)}.")


def _guarded(handler: _Handler) -> _Handler:
    async def guarded(request: web.Request) -> web.Response:
        refuse_strangers(request)
        return await handler(request)

    return guarded


def refuse_strangers(request: web.Request) -> None:
    """Refuse callers that are not on this machine, and web pages of others that are open in a browser on it.

    A page may let the browser send requests here (they carry its ``Origin``), or let its own host name lead here (then
    that is the ``Host``).

    :raises GatewayError: the caller is one of these.
    """
    if not is_loopback(request.remote or ""):
        raise not_allowed("calls below /_control must come from this machine")
    if not is_loopback(_host_name(request.host)):
        raise not_allowed("calls below /_control must have this machine's loopback address or localhost as Host")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        raise not_allowed("calls below /_control must not come from a web page of another origin")


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _first_line(handler: _Handler) -> str:
    return (handler.__doc__ or "").partition("\n")[0].replace("``", "")

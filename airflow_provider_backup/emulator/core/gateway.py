"""The gateway in front of every service, as middlewares: answers with request ids, and admission.

Other middlewares (policies that run by schedule, requests that fail on purpose) go between the two, see ``server.py``.
Source: access sections 4, 6 and 7.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from email.utils import format_datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.emulator.core.authentication import Authenticator
from airflow_provider_backup.emulator.core.gateway_error import GatewayError, bad_request, no_such_api, not_allowed
from airflow_provider_backup.emulator.core.service import REQUEST_ID, EmulatedService, ServiceError
from airflow_provider_backup.emulator.core.state import CloudState

log = logging.getLogger(__name__)

MAXIMUM_BODY = 12 * 1024 * 1024
"""Bytes; larger bodies are refused (access section 2.2)."""


def answering(service: EmulatedService, state: CloudState) -> Middleware:
    """Return the outermost middleware: error bodies, request id and date, saving, and a line in the log.

    :param service: whose error bodies are used.
    :param state: saved after every request that is not GET; gives the time.
    """

    async def answer(request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
        try:
            if request.match_info.http_exception is not None:
                raise no_such_api()
            response = await handler(request)
            if request.method not in ("GET", "HEAD"):
                state.save()
            return response
        except GatewayError as error:
            return _gateway_response(error, request_id)
        except ServiceError as error:
            return web.json_response(service.error_body(error.status, error.code, error.message), status=error.status)
        except web.HTTPException as error:
            # What the framework itself refuses: a body beyond the limit, an unknown charset.
            return _gateway_response(bad_request(error.status, error.reason), request_id)
        except Exception:
            log.exception("%s failed on %s %s", service.name, request.method, one_line(request.path))
            return web.json_response(
                service.error_body(500, "500", "The local cloud failed; its log says why."), status=500
            )

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.monotonic()
        request_id = secrets.token_hex(16)
        REQUEST_ID.set(request_id)
        response = await answer(request, handler, request_id)
        response.headers["X-Request-Id"] = request_id
        # The cloud's own clock, which tests may set.
        response.headers["Date"] = format_datetime(state.now(), usegmt=True)
        milliseconds = 1000 * (time.monotonic() - started)
        path = one_line(request.path)
        log.info("%s %s %s: %d (%.0f ms)", service.name, request.method, path, response.status, milliseconds)
        return response

    return middleware


def running_policies(catch_up: Callable[[], None]) -> Middleware:
    """Return the middleware that lets policies run that were due before a request.

    :param catch_up: makes up for what was due.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        catch_up()
        return await handler(request)

    return middleware


def _gateway_response(error: GatewayError, request_id: str) -> web.Response:
    body = {"error_msg": error.message, "error_code": error.code, "request_id": request_id}
    return web.json_response(body, status=error.status, headers=error.headers)


def admitting(authenticator: Authenticator, project_id: str) -> Middleware:
    """Return the middleware that lets only known callers in, and only into their own project.

    :param authenticator: checks the credentials.
    :param project_id: the project of the region.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        caller = await authenticator.caller(request)
        if not caller.project_ids:
            raise not_allowed("the token is not scoped to a project")
        # A few paths do not name the project.
        in_path = request.match_info.get("project_id", project_id)
        asked_for = {in_path, request.headers.get("X-Project-Id") or project_id}
        if asked_for != {project_id} or project_id not in caller.project_ids:
            raise not_allowed("the credentials are not for this project")
        return await handler(request)

    return middleware

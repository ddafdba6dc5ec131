"""The middleware that lets requests go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import re
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.emulator.core.gateway_error import GatewayError, throttled, token_must_be_updated
from airflow_provider_backup.emulator.core.service import EmulatedService, ServiceError
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.faults.registry import ArmedFault, Faults, Received
from airflow_provider_backup.emulator.faults.specs import (
    CloseAfter,
    CloseBefore,
    FailedServer,
    HalfBody,
    NoBody,
    NotJson,
    OldToken,
    Refuse,
    Throttle,
)

log = logging.getLogger(__name__)

_OWN_PATHS = re.compile(r"/|/_control(/.*)?")
"""What is no part of the cloud, but describes and controls it: never hit and never counted."""

_NO_ANSWER = 444  # never sent; the log of the gateway shows it

AnswerFrom = Callable[[web.Request, CloudState], Awaitable[web.StreamResponse]]
"""Answers a request from another state."""

_Result = web.StreamResponse | GatewayError | ServiceError


def misbehaving(
    service: EmulatedService,
    faults: Faults,
    state: CloudState,
    *,
    answer_from: AnswerFrom,
    stopping: asyncio.Event,
    path_prefixes: Sequence[str] = (),
) -> Middleware:
    """Return the middleware between answering and everything else.

    :param service: whose requests come.
    :param faults: what is armed.
    :param state: what the cloud knows.
    :param answer_from: answers from the past.
    :param stopping: set when the cloud stops; requests that a delay holds are dropped then, without effect.
    :param path_prefixes: what may stand before a path without making another route of it.
    """

    def received(request: web.Request) -> Received:
        resource = request.match_info.route.resource
        prefix = next((each for each in path_prefixes if each and request.path.startswith(each + "/")), "")
        return Received(
            service=service.name,
            method=request.method,
            template=(resource.canonical if resource else request.path).removeprefix(prefix),
            path=request.path.removeprefix(prefix),
            has_token="X-Auth-Token" in request.headers,
        )

    async def pause(seconds: float) -> bool:
        """Wait; return whether the cloud still runs then."""
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), seconds)
        return not stopping.is_set()

    async def take_effect(request: web.Request, handler: Handler, fault: ArmedFault | None) -> web.StreamResponse:
        if fault is not None and fault.history is not None:
            then = fault.history.look_back(service.name, state.now())
            return await answer_from(request, state.at(then.time, then.tables))
        histories = faults.histories(service.name) if request.method not in ("GET", "HEAD") else []
        if not histories:
            return await handler(request)
        # With the body here, nothing gives way to another request between the two looks at the state.
        await request.read()
        time, before = state.now(), state.to_json()
        try:
            return await handler(request)
        finally:
            if state.to_json() != before:
                for history in histories:
                    history.add(service.name, time, before)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _OWN_PATHS.fullmatch(request.path):
            return await handler(request)
        blow = faults.receive(received(request))
        kinds = [delay.kind for delay in blow.delays] + ([blow.fault.order.kind] if blow.fault else [])
        if kinds:
            log.info("%s %s %s is hit by: %s", service.name, request.method, one_line(request.path), ", ".join(kinds))
            # A body that is not here by now is lost when the client gives up during a delay.
            await request.read()
        if not await pause(blow.seconds(after_effect=False)):
            return _hang_up(request)
        result = _instead_of_effect(service, request, blow.fault)
        if result is None:
            try:
                result = await take_effect(request, handler, blow.fault)
            except (GatewayError, ServiceError) as refusal:
                result = refusal
        if (seconds := blow.seconds(after_effect=True)) and request.method not in ("GET", "HEAD"):
            # Others may see the effect while the answer waits: a killed process must not forget it.
            state.save()
        if not await pause(seconds):
            return _hang_up(request)
        result = await _instead_of_answer(service, request, blow.fault, result)
        if isinstance(result, Exception):
            raise result
        return result

    return middleware


def _instead_of_effect(service: EmulatedService, request: web.Request, fault: ArmedFault | None) -> _Result | None:
    match fault.order if fault is not None else None:
        case Refuse() as order if order.code.startswith(("APIGW.", "APIG.")):
            return GatewayError(order.status, order.code, order.message)
        case Refuse() as order:
            return ServiceError(order.status, order.code, order.message)
        case Throttle() as order:
            return throttled(order.retry_after)
        case OldToken():
            return token_must_be_updated()
        case CloseBefore():
            return _hang_up(request)
        case FailedServer(after_effect=False) as order:
            return _failure(service, order)
    return None


async def _instead_of_answer(
    service: EmulatedService,
    request: web.Request,
    fault: ArmedFault | None,
    result: _Result,
) -> _Result:
    match fault.order if fault is not None else None:
        case FailedServer() as order:
            return _failure(service, order)
        case NoBody() if isinstance(result, web.StreamResponse):
            return web.Response(status=result.status)
        case NotJson():
            return _page(200, "Sign in to the network")
        case CloseAfter():
            return _hang_up(request)
        case HalfBody():
            return await _half(request, result)
    return result


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=_NO_ANSWER)


async def _half(request: web.Request, result: _Result) -> web.StreamResponse:
    body = result.body if isinstance(result, web.Response) else None
    if not isinstance(result, web.Response) or not isinstance(body, bytes) or not body:
        return _hang_up(request)
    cut = web.StreamResponse(status=result.status, headers={"Content-Type": result.headers["Content-Type"]})
    cut.content_length = len(body)
    # The client may have gone by now.
    with contextlib.suppress(ConnectionError):
        await cut.prepare(request)
        await cut.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return cut


def _failure(service: EmulatedService, order: FailedServer) -> web.StreamResponse:
    if order.status != 500:
        return _page(order.status, f"{order.status} {http.HTTPStatus(order.status).phrase}")
    return web.json_response(service.error_body(order.status, order.code, order.message), status=order.status)


def _page(status: int, title: str) -> web.StreamResponse:
    text = f"<html>\n<head><title>{title}</title></head>\n<body><center><h1>{title}</h1></center></body>\n</html>\n"
    return web.Response(status=status, text=text, content_type="text/html")

"""The local cloud: every service on a port of its own, because clients keep only host and port of an endpoint."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from airflow_provider_backup import __version__
from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.emulator.airflow_connection import connection_json
from airflow_provider_backup.emulator.control import Control
from airflow_provider_backup.emulator.core import accounts
from airflow_provider_backup.emulator.core.accounts import Accounts
from airflow_provider_backup.emulator.core.authentication import Authenticator
from airflow_provider_backup.emulator.core.content_store import ContentStore, VersionsOnly, following
from airflow_provider_backup.emulator.core.gateway import MAXIMUM_BODY, admitting, answering, running_policies
from airflow_provider_backup.emulator.core.iam import EmulatedIam
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.policy_runs import PolicyRuns
from airflow_provider_backup.emulator.core.regions import SECOND, region_of
from airflow_provider_backup.emulator.core.service import EmulatedBackupService, EmulatedService
from airflow_provider_backup.emulator.core.state import CloudState, system_time
from airflow_provider_backup.emulator.faults.middleware import misbehaving
from airflow_provider_backup.emulator.faults.registry import Faults
from airflow_provider_backup.emulator.postgres.content_store import PostgresContentStore
from airflow_provider_backup.emulator.services.registry import SECOND_REGION, SERVICES, catalog_entries

DEFAULT_PORT = 8780
_LAST_PORT = 65535
_SHUTDOWN_SECONDS = 1.0
_ALL_SERVICES = {**SERVICES, **SECOND_REGION}
_LONGEST_HEADER = 256 * 1024
"""Bytes: tokens of users with many rights have tens of thousands."""


class LocalCloud:
    """Identity service and all backup services, listening.

    :param port: port of the identity service, the others follow; 0 takes free ones.
    :param host: address to listen on; anything but this machine's loopback opens the cloud to others.
    :param backup_seconds: how long a backup takes, in seconds, 0 or more.
    :param state_file: where to keep the state over a restart; ``None`` keeps it in memory only.
    :param extra_resources: how many further servers with a disk and instances of each database service a new state
        has, 0 or more; a state file that is there already keeps its own.
    :param now: the clock, for tests; returns an aware UTC time.
    :param tls: the certificate to answer with; ``None`` answers plain http.
    :param postgres: whether the PostgreSQL instances of RDS are real servers on loopback; needs the extra ``postgres``.
    :param automatic_backups: whether the database instances of the first start are backed up by their policies from now
        on; policies that a client makes or changes run in any case.
    :raises ValueError: the state file holds something else.
    :raises ConfigurationError: PostgreSQL is asked for and is not installed, or its user cannot enter the folder of
        the state file.
    """

    def __init__(
        self,
        port: int = DEFAULT_PORT,
        host: str = "127.0.0.1",
        backup_seconds: float = 5.0,
        state_file: Path | None = None,
        extra_resources: int = 0,
        now: Callable[[], datetime] = system_time,
        tls: ssl.SSLContext | None = None,
        postgres: bool = False,
        automatic_backups: bool = False,
    ) -> None:
        self.host = host
        self._tls = tls
        self.state = CloudState(backup_seconds=backup_seconds, file=state_file, now=now)
        self.accounts = Accounts(self.state)
        self._content_store: ContentStore = VersionsOnly()
        if postgres:
            self._content_store = PostgresContentStore(self.state, _folder_beside(state_file))
        self._inventory = Inventory(self.state, extra_resources, self._content_store)
        if not postgres:
            self._inventory.forget_addresses()
        self._first_port = port
        self._ports: dict[str, int] = {}
        self._runners: list[web.AppRunner] = []
        self._stopping = asyncio.Event()
        self._authenticator = Authenticator(self.state, self.accounts)
        self._services = {name: self._service(name, self.state) for name in ("iam", *_ALL_SERVICES)}
        self._policy_runs = [
            PolicyRuns(self.state, {name: self._backup_service(name, self.state) for name in SERVICES}),
            PolicyRuns(
                self.state.in_region(SECOND.name),
                {"cbr": self._backup_service(f"cbr@{SECOND.name}", self.state)},
            ),
        ]
        if automatic_backups:
            self._schedule_instances()
        templates = {name: {route.path for route in service.routes()} for name, service in self._services.items()}
        self.faults = Faults(templates, lambda: self.state.now())

    async def start(self) -> None:
        """Listen on all ports; after a stop, on the same ones and with the same state and faults.

        :raises ConfigurationError: a port is taken or does not exist; then nothing listens.
        """
        self.state.save()
        sockets = self._bind()
        try:
            await self._content_store.follow()
            self.state.save()
        except BaseException:
            _close(sockets.values())
            await self._content_store.close()
            raise
        self._ports.update({name: each.getsockname()[1] for name, each in sockets.items()})
        self._stopping = asyncio.Event()
        for name, application in self._applications().items():
            runner = web.AppRunner(
                application,
                access_log=None,
                shutdown_timeout=_SHUTDOWN_SECONDS,
                max_line_size=_LONGEST_HEADER,
                max_field_size=_LONGEST_HEADER,
            )
            self._runners.append(runner)
            await runner.setup()
            await web.SockSite(runner, sockets[name], ssl_context=self._tls).start()

    async def stop(self) -> None:
        """Stop listening and save the state; requests that a fault delays are dropped."""
        self._stopping.set()
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        await self._content_store.close()
        self.state.save()

    def discard(self) -> None:
        """Remove temporary files, after the last stop."""
        self._content_store.discard()

    def url(self, service: str) -> str:
        """Return the base URL of a service, without version.

        :param service: ``iam`` or the name of a backup service; ``cbr@eu-nl`` is CBR in the second region.
        """
        # "Any address" is no address to call.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._ports[service]}"

    def describe(self) -> dict[str, Any]:
        """Return everything that a client needs: URLs, project, credentials, ids of the seeded resources.

        ``airflow_connection`` is the value for ``AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT``. ``second_region`` has the
        same for the region that takes copies. With real PostgreSQL
        servers, ``database_connections`` has a connection to each by the id of its instance.
        """
        kinds = dict.fromkeys(kind for service in SERVICES.values() for kind in service.protects)
        about: dict[str, Any] = {
            "iam": self.url("iam") + "/v3",
            **{name: self.url(name) for name in SERVICES},
            "region": accounts.REGION,
            "project_id": accounts.PROJECT_ID,
            "project_name": accounts.PROJECT_NAME,
            "domain": accounts.DOMAIN_NAME,
            "user": accounts.USER_NAME,
            "password": accounts.PASSWORD,
            "ak": accounts.ACCESS_KEY,
            "sk": accounts.SECRET_KEY,
            "resources": {kind: list(self._inventory.resources([kind])) for kind in kinds},
        }
        if connections := self._content_store.connections():
            about["database_connections"] = connections
        second = {
            **{name: value for name, value in about.items() if name not in (*SERVICES, "resources")},
            **{name.partition("@")[0]: self.url(name) for name in SECOND_REGION},
            "region": SECOND.name,
            "project_id": SECOND.project_id,
            "project_name": SECOND.name,
        }
        second.pop("database_connections", None)
        return {
            **about,
            "airflow_connection": connection_json(about),
            "second_region": {**second, "airflow_connection": connection_json(second)},
        }

    def _run_policies(self) -> None:
        for runs in self._policy_runs:
            runs.catch_up()

    def _schedule_instances(self) -> None:
        scheduled = self.state.table("schedules")
        for name in SERVICES:
            for instance_id in self._inventory.instances(name):
                if f"{name}/{instance_id}" not in scheduled:
                    self.state.schedule(name, instance_id)

    async def _show_overview(self, request: web.Request) -> web.Response:
        """Describe what is here, for a caller of the first port."""
        return web.json_response(
            {
                "name": "local cloud of airflow-provider-backup, a development tool",
                "version": __version__,
                "services": {"iam": self.url("iam") + "/v3", **{name: self.url(name) for name in _ALL_SERVICES}},
                "control": self.url("iam") + "/_control",
            }
        )

    def _bind(self) -> dict[str, socket.socket]:
        sockets: dict[str, socket.socket] = {}
        for number, name in enumerate(("iam", *_ALL_SERVICES)):
            port = self._ports.get(name) or (self._first_port + number if self._first_port else 0)
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            try:
                if port > _LAST_PORT:
                    raise OSError(f"there is no port above {_LAST_PORT}")
                sockets[name] = socket.create_server((self.host, port), family=family, backlog=128)
            except OSError as error:
                _close(sockets.values())
                reason = error.strerror or str(error)
                raise ConfigurationError(
                    f"The local cloud cannot listen on {self.host} port {port} ({name}): {reason}.",
                    next_step=f"Choose another first port with --port (it takes {len(_ALL_SERVICES) + 1} in a row), "
                    "or stop what listens there.",
                ) from error
        return sockets

    def _service(self, name: str, state: CloudState) -> EmulatedService:
        if name == "iam":
            accounts_of_state = self.accounts if state is self.state else Accounts(state)
            return EmulatedIam(accounts_of_state, self._authenticator, self._ports, catalog_entries())
        return self._backup_service(name, state)

    def _backup_service(self, name: str, state: CloudState) -> EmulatedBackupService:
        # Another state is that of an earlier moment, or of another region: its resources are there.
        there = state if name in SERVICES else state.in_region(region_of(name).name)
        return _ALL_SERVICES[name](there, self._inventory if there is self.state else Inventory(there))

    def _applications(self) -> dict[str, web.Application]:
        control = Control(self.state, self.accounts, SERVICES, self.faults, self._inventory)
        own_routes = [web.get("/", self._show_overview), *control.routes()]
        return {name: self._application(name, own_routes if name == "iam" else []) for name in self._services}

    def _application(self, name: str, more_routes: Iterable[web.RouteDef]) -> web.Application:
        service = self._services[name]
        inner = [] if name == "iam" else [admitting(self._authenticator, region_of(name).project_id)]
        if name in self._content_store.services:
            inner.append(following(self._content_store.follow))
        middlewares = [
            answering(service, self.state),
            running_policies(self._run_policies),
            misbehaving(
                service,
                self.faults,
                self.state,
                answer_from=partial(self._answer_from, name, inner),
                stopping=self._stopping,
                path_prefixes=_prefixes(name),
            ),
            *inner,
        ]
        application = web.Application(middlewares=middlewares, client_max_size=MAXIMUM_BODY)
        application.add_routes([*_routes(name, service), *more_routes])
        return application

    async def _answer_from(
        self, name: str, inner: Sequence[Middleware], request: web.Request, state: CloudState
    ) -> web.StreamResponse:
        """Answer a request as the same service on another state would; admission is decided by the present."""
        dispatcher = web.UrlDispatcher()
        dispatcher.add_routes(_routes(name, self._service(name, state)))
        handler: Handler = (await dispatcher.resolve(request)).handler
        for middleware in inner:
            handler = partial(middleware, handler=handler)
        return await handler(request)


def _close(sockets: Iterable[socket.socket]) -> None:
    for each in sockets:
        each.close()


def _folder_beside(state_file: Path | None) -> Path | None:
    """Return the folder for what belongs to a state file and is too large for it; a new state has nothing there."""
    if state_file is None:
        return None
    folder = state_file.with_suffix(f"{state_file.suffix}.postgres")
    if not state_file.exists():
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def _prefixes(name: str) -> tuple[str, ...]:
    return _ALL_SERVICES[name].path_prefixes if name in _ALL_SERVICES else ("",)


def _routes(name: str, service: EmulatedService) -> list[web.RouteDef]:
    return [
        web.RouteDef(route.method, prefix + route.path, route.handler, route.kwargs)
        for prefix in _prefixes(name)
        for route in service.routes()
    ]

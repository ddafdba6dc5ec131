"""The local cloud: every service on a port of its own, because clients keep only host and port of an endpoint."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Middleware

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.emulator import accounts
from airflow_provider_backup.emulator.accounts import Accounts
from airflow_provider_backup.emulator.authentication import Authenticator
from airflow_provider_backup.emulator.catalog import VBS_PATH_PREFIX
from airflow_provider_backup.emulator.cbr import EmulatedCbr
from airflow_provider_backup.emulator.control import Control
from airflow_provider_backup.emulator.csbs import EmulatedCsbs
from airflow_provider_backup.emulator.databases import EmulatedGaussDb, EmulatedRds, EmulatedTaurusDb
from airflow_provider_backup.emulator.gateway import MAXIMUM_BODY, admitting, answering
from airflow_provider_backup.emulator.iam import EmulatedIam
from airflow_provider_backup.emulator.inventory import Inventory
from airflow_provider_backup.emulator.service import EmulatedService
from airflow_provider_backup.emulator.state import CloudState, system_time
from airflow_provider_backup.emulator.vbs import EmulatedVbs

DEFAULT_PORT = 8780
_LAST_PORT = 65535
_SHUTDOWN_SECONDS = 1.0


class _Registered(NamedTuple):
    """A service of the local cloud.

    :param make: builds it.
    :param path_prefixes: what may stand before its paths.
    """

    make: Callable[[CloudState, Inventory], EmulatedService]
    path_prefixes: tuple[str, ...] = ("",)


SERVICES = {
    "vbs": _Registered(EmulatedVbs, ("", VBS_PATH_PREFIX)),
    "csbs": _Registered(EmulatedCsbs),
    "cbr": _Registered(EmulatedCbr),
    "rds": _Registered(EmulatedRds),
    "gaussdb": _Registered(EmulatedGaussDb),
    "taurusdb": _Registered(EmulatedTaurusDb),
}
"""The registry: a line for each service, in the order of their ports after the identity service's."""


class LocalCloud:
    """Identity service and all backup services, listening.

    :param port: port of the identity service, the others follow; 0 takes seven free ports.
    :param host: address to listen on; anything but this machine's loopback opens the cloud to others.
    :param backup_seconds: how long a backup takes, in seconds, 0 or more.
    :param state_file: where to keep the state over a restart; none keeps it in memory only.
    :param now: the clock, for tests; returns an aware UTC time.
    :raises ValueError: the state file holds something else.
    """

    def __init__(
        self,
        port: int = DEFAULT_PORT,
        host: str = "127.0.0.1",
        backup_seconds: float = 5.0,
        state_file: Path | None = None,
        now: Callable[[], datetime] = system_time,
    ) -> None:
        self.host = host
        self.state = CloudState(backup_seconds=backup_seconds, file=state_file, now=now)
        self.accounts = Accounts(self.state)
        self._inventory = Inventory(self.state)
        self._first_port = port
        self._ports: dict[str, int] = {}
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        """Listen on all ports.

        :raises ConfigurationError: a port is taken or does not exist; then nothing listens.
        """
        self.state.save()
        sockets = self._bind()
        self._ports = {name: each.getsockname()[1] for name, each in sockets.items()}
        for name, application in self._applications().items():
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
            self._runners.append(runner)
            await runner.setup()
            await web.SockSite(runner, sockets[name]).start()

    async def stop(self) -> None:
        """Stop listening and save the state."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        self.state.save()

    def url(self, service: str) -> str:
        """Return the base URL of a service, without version.

        :param service: ``iam`` or the name of a backup service.
        """
        # "Any address" is no address to call.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self._ports[service]}" if ":" in host else f"http://{host}:{self._ports[service]}"

    def describe(self) -> dict[str, Any]:
        """Return everything that a client needs: URLs, project, credentials, ids of the seeded resources."""
        return {
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
            "resources": {
                "servers": list(self._inventory.servers),
                "volumes": list(self._inventory.volumes),
                "rds_instances": list(self._inventory.instances("rds")),
                "gaussdb_instances": list(self._inventory.instances("gaussdb")),
                "taurusdb_instances": list(self._inventory.instances("taurusdb")),
            },
        }

    def _bind(self) -> dict[str, socket.socket]:
        sockets: dict[str, socket.socket] = {}
        for number, name in enumerate(("iam", *SERVICES)):
            port = self._first_port + number if self._first_port else 0
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            try:
                if port > _LAST_PORT:
                    raise OSError(f"there is no port above {_LAST_PORT}")
                sockets[name] = socket.create_server((self.host, port), family=family, backlog=128)
            except OSError as error:
                for bound in sockets.values():
                    bound.close()
                reason = error.strerror or str(error)
                raise ConfigurationError(
                    f"The local cloud cannot listen on {self.host} port {port} ({name}): {reason}.",
                    next_step=f"Choose another first port with --port (it takes {len(SERVICES) + 1} in a row), "
                    "or stop what listens there.",
                ) from error
        return sockets

    def _applications(self) -> dict[str, web.Application]:
        authenticator = Authenticator(self.state, self.accounts)
        iam = EmulatedIam(self.accounts, authenticator, self._ports)
        control = Control(self.state, self.accounts, list(SERVICES))
        applications = {"iam": self._application(iam, [*iam.routes(), *control.routes()])}
        for name, registered in SERVICES.items():
            service = registered.make(self.state, self._inventory)
            routes = [
                web.RouteDef(route.method, prefix + route.path, route.handler, route.kwargs)
                for prefix in registered.path_prefixes
                for route in service.routes()
            ]
            applications[name] = self._application(service, routes, admitting(authenticator))
        return applications

    def _application(
        self, service: EmulatedService, routes: Iterable[web.RouteDef], *inner: Middleware
    ) -> web.Application:
        # A middleware that makes requests fail on purpose goes between answering and what is inside of it.
        application = web.Application(
            middlewares=[answering(service, self.state), *inner], client_max_size=MAXIMUM_BODY
        )
        application.add_routes(routes)
        return application

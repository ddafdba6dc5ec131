"""The hook of the connection type: opens the client, in async and in synchronous code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from airflow.providers.common.compat.connection import get_async_connection
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_backup.cloud.errors import (
    ApiError,
    AuthenticationError,
    BackupError,
    CloudConnectionError,
    ConfigurationError,
    PermissionDeniedError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.exceptions import UnknownConnectionError
from airflow_provider_backup.hooks.connection import settings_from_connection
from airflow_provider_backup.hooks.connection_form import field_behaviour, form_widgets
from airflow_provider_backup.hooks.plain_code import run_async
from airflow_provider_backup.hooks.settings_cache import recent_settings

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.client_cache import ClientLease
    from airflow_provider_backup.cloud.service_api import Query
    from airflow_provider_backup.cloud.services.account_services import BackupService
    from airflow_provider_backup.cloud.settings import CloudSettings

T = TypeVar("T")
ServiceT = TypeVar("ServiceT", bound="BackupService")

DEFAULT_CONNECTION = "huaweicloud_backup_default"

_ERRORS_OF_CONNECTIONS = (
    AuthenticationError,
    CloudConnectionError,
    ConfigurationError,
    PermissionDeniedError,
    UnexpectedResponseError,
)


class BackupCloudHook(BaseHook):
    """The account behind a connection, with all its services.

    :param huaweicloud_conn_id: id of a connection of type ``huaweicloud_backup`` (or the older ``huaweicloud``).
    :param region: overrides the connection's region.
    :param project_id: overrides the connection's project.
    """

    conn_name_attr = "huaweicloud_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = "huaweicloud_backup"
    hook_name = "Huawei Cloud Backup"

    def __init__(
        self,
        huaweicloud_conn_id: str = DEFAULT_CONNECTION,
        *,
        region: str | None = None,
        project_id: str | None = None,
    ) -> None:
        super().__init__()
        self.huaweicloud_conn_id = huaweicloud_conn_id
        self.region = region
        self.project_id = project_id

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the extra fields of the connection form (Airflow 2.11; 3.x reads the provider info)."""
        return form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return what the standard fields of the connection form are called (Airflow 2.11)."""
        return field_behaviour()

    def get_conn(self) -> BackupCloud:
        """Return a new client that is not shared: ``async with hook.get_conn() as cloud: ...``.

        The client is async and has all services of the account. The caller closes it, which ``async with`` does.
        In synchronous code, use :meth:`run_in_cloud`, or the synchronous methods of the hook of a service.

        :raises ConfigurationError: the connection is not usable, or does not exist.
        """
        # Imported here, because aiohttp must not be imported while a DAG file is parsed.
        from airflow_provider_backup.cloud.client import BackupCloud

        with self.named_in_errors():
            return BackupCloud(self._settings(self.get_connection(self.huaweicloud_conn_id)))

    @asynccontextmanager
    async def open_cloud(self) -> AsyncIterator[BackupCloud]:
        """Open the client in async code.

        All callers in one event loop with the same connection share one client; an edited connection takes effect
        within some seconds.

        :raises ConfigurationError: the connection is not usable, or does not exist.
        """
        with self.named_in_errors():
            async with _shared_cloud(await self.recent_settings()) as cloud:
                yield cloud

    async def recent_settings(self, *, not_older_than: float = 0.0) -> CloudSettings:
        """Return the settings of the connection, at most some seconds old.

        :param not_older_than: the connection must have been read since this time on the monotonic clock.
        :raises ConfigurationError: the connection is not usable, or does not exist.
        """
        key = (self.huaweicloud_conn_id, self.region, self.project_id)
        return await recent_settings(key, self._read_settings, not_older_than=not_older_than)

    def run_in_cloud(self, action: Callable[[BackupCloud], Awaitable[T]]) -> T:
        """Run an async action from synchronous code, for instance in an operator.

        The connection is read before the event loop starts. A loop that runs in this thread already is blocked
        meanwhile: in async code use :meth:`open_cloud`.

        :param action: takes the open client.
        :return: what the action returns.
        :raises ConfigurationError: the connection is not usable, or does not exist.
        """
        with self.named_in_errors():
            return _run(self._settings(self.get_connection(self.huaweicloud_conn_id)), action)

    def test_connection(self) -> tuple[bool, str]:
        """Check host, account, key, project and region at the identity service, and report what is wrong.

        The test also fails if no service has an address, or if an address that is set is not usable.

        :return: whether the connection works, and the text for the UI.
        """

        async def ask(cloud: BackupCloud) -> tuple[str, dict[str, ConfigurationError]]:
            return await cloud.verify(), await cloud.services_without_address()

        try:
            settings = self._settings(self.get_connection(self.huaweicloud_conn_id))
            project_id, without_address = _run(settings.impatient(), ask)
        except AirflowNotFoundException:
            return False, str(UnknownConnectionError(self.huaweicloud_conn_id))
        except BackupError as error:
            return False, str(error)
        text = f"The cloud accepts the credentials; the project is {project_id}."
        is_needed = dict(settings.endpoints) if len(without_address) < len(SERVICES) else SERVICES
        unusable = [name for name in without_address if name in is_needed]
        if unusable:
            return False, f"{text} But {', '.join(unusable)} cannot be reached: {without_address[unusable[0]]}"
        if without_address:
            text += f" There is no address of {', '.join(without_address)}; set it in endpoints before you use them."
        return True, text

    @contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """Add the connection's id to errors that the connection may have caused.

        :raises UnknownConnectionError: Airflow has no connection with this id.
        """
        try:
            yield
        except AirflowNotFoundException:
            raise UnknownConnectionError(self.huaweicloud_conn_id) from None
        except BackupError as error:
            is_from_iam = isinstance(error, ApiError) and error.service == "iam"
            if not (is_from_iam or isinstance(error, _ERRORS_OF_CONNECTIONS)):
                raise
            raise error.of_connection(self.huaweicloud_conn_id) from error.__cause__

    async def _read_settings(self) -> CloudSettings:
        # Here, because it loads the standard library's TLS, which parsing a DAG file does not need.
        from airflow_provider_backup.cloud.http.tls import has_own_tls, with_file_versions

        # Here and not around what calls it, as thousands of triggers get settings that were read before.
        with self.named_in_errors():
            settings = self._settings(await get_async_connection(self.huaweicloud_conn_id, hook=self))
            if has_own_tls(settings.network):
                # Only here: synchronous code opens a client for each action, which reads the files then. In a thread,
                # as a slow file system would block the event loop.
                network = await asyncio.to_thread(with_file_versions, settings.network)
                settings = replace(settings, network=network)
        return settings

    def _settings(self, connection: Connection) -> CloudSettings:
        # Not extra_dejson: it does I/O to mask secrets and is not safe on an event loop.
        return settings_from_connection(
            login=connection.login,
            password=connection.password,
            host=connection.host,
            port=connection.port,
            schema=connection.schema,
            conn_type=connection.conn_type,
            extra=connection.extra,
            region=self.region,
            project_id=self.project_id,
        )


class BackupServiceHook(BackupCloudHook, Generic[ServiceT]):
    """One service of the account; each service has a subclass that names it.

    Its name in the registry is the class attribute ``service``.
    """

    service: ClassVar[str]

    def service_of(self, cloud: BackupCloud) -> ServiceT:
        """Return this hook's service of an open client."""
        return cast("ServiceT", cloud.service(self.service))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ServiceT]:
        """Open the service in async code: ``async with CbrHook().open() as cbr: ...``."""
        async with self.open_cloud() as cloud:
            yield self.service_of(cloud)

    def run(self, action: Callable[[ServiceT], Awaitable[T]]) -> T:
        """Run an async action from synchronous code: ``CbrHook().run(lambda cbr: cbr.policies.get(policy_id))``."""
        return self.run_in_cloud(lambda cloud: action(self.service_of(cloud)))

    def run_list(self, rows: Callable[[ServiceT], AsyncIterator[T]]) -> list[T]:
        """Read a list from synchronous code: ``CbrHook().run_list(lambda cbr: cbr.vaults.list())``.

        :param rows: takes the open service and returns the rows to read.
        :return: all rows of all pages.
        """

        async def read(service: ServiceT) -> list[T]:
            return [row async for row in rows(service)]

        return self.run(read)

    def request(
        self, method: str, path: str, *, query: Query | None = None, body: Any = None, repeatable: bool = False
    ) -> Any:
        """Send a request that this package has no method for, from synchronous code.

        It is sent like every other one, with credentials, retries and typed errors. An example is
        ``RdsHook().request("GET", "/v3/{project_id}/instances", query={"limit": 10})``.

        :param method: ``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
        :param path: the path as the vendor's reference writes it, with its version and ``{project_id}``, which is
            filled in; it goes below the service's base URL.
        :param query: names and values; a value of ``None`` is omitted, a sequence repeats its name.
        :param body: what is sent as JSON; ``None`` sends no body.
        :param repeatable: whether a ``POST`` or ``PATCH`` is safe to repeat even if the first one may have succeeded.
        :return: the decoded JSON of the answer; ``None`` if it has no body.
        :raises InvalidRequestError: method, path or body cannot be sent.
        :raises ApiError: the service rejected the request.
        :raises CloudConnectionError: no usable answer was received.
        """
        return self.run_in_cloud(
            lambda cloud: cloud.request(
                self.service_of(cloud).name, method, path, query=query, body=body, repeatable=repeatable
            )
        )


def _run(settings: CloudSettings, action: Callable[[BackupCloud], Awaitable[T]]) -> T:
    async def act() -> T:
        async with _shared_cloud(settings) as cloud:
            return await action(cloud)

    return run_async(act)


def _shared_cloud(settings: CloudSettings) -> ClientLease:
    # Imported here, because aiohttp must not be imported while a DAG file is parsed.
    from airflow_provider_backup.cloud.client_cache import shared_cloud

    return shared_cloud(settings)

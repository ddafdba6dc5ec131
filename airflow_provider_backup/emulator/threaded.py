"""A local cloud in a thread of its own, for tests: it serves blocking code and code with loops of its own alike."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from airflow_provider_backup.emulator.airflow_connection import connection_json
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.faults.registry import RouteKey
from airflow_provider_backup.emulator.faults.specs import FaultKind, read_faults
from airflow_provider_backup.emulator.server import LocalCloud


class RunningCloud:
    """A local cloud on free ports; use it as a context manager.

    :param backup_seconds: how long a backup takes, in seconds, 0 or more.
    :param extra_resources: how many further servers, disks and instances of each database service there are.
    :param postgres: whether the PostgreSQL instances of RDS are real servers; needs the extra ``postgres``.
    :param automatic_backups: whether the database instances are backed up by the policies that they have from the
        start; policies that a client makes or changes run in any case.
    :raises ConfigurationError: PostgreSQL is asked for and is not installed.
    """

    def __init__(
        self,
        backup_seconds: float = 0.2,
        *,
        extra_resources: int = 0,
        postgres: bool = False,
        automatic_backups: bool = False,
    ) -> None:
        self._cloud = LocalCloud(
            port=0,
            backup_seconds=backup_seconds,
            extra_resources=extra_resources,
            postgres=postgres,
            automatic_backups=automatic_backups,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local-cloud", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._cloud.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._cloud.discard()

    def stop(self) -> None:
        """Stop listening, as a cloud that crashed; what it knows, faults and counters included, stays."""
        self._run(self._cloud.stop())

    def restart(self) -> None:
        """Stop, and listen again on the same ports with the same state."""
        self.stop()
        self._run(self._cloud.start())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def state(self) -> CloudState:
        """What the cloud knows: tables, clock, durations."""
        return self._cloud.state

    @property
    def _contents(self) -> Contents:
        return Contents(self.state)

    @property
    def auth_url(self) -> str:
        """The URL of the identity service, ending in ``/v3``."""
        return self.url("iam") + "/v3"

    def url(self, service: str) -> str:
        """Return the base URL of a service, without version.

        :param service: ``iam`` or the name of a service of the registry; ``cbr@eu-nl`` is CBR in the second region.
        """
        return self._cloud.url(service)

    def describe(self) -> dict[str, Any]:
        """Return what the command prints when it is ready: URLs, project, credentials, ids of the seeded resources."""
        return self._cloud.describe()

    def connection_json(self, *, with_access_key: bool = False, in_second_region: bool = False, **extra: Any) -> str:
        """Return an Airflow connection to this cloud, for ``AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT``.

        :param with_access_key: sign with the access key and name the endpoints, in place of user, password and catalog.
        :param in_second_region: whether it is to the second region, which has CBR only and takes copies.
        :param extra: further extra fields of the connection, such as ``attempts``.
        """
        about = self.describe()
        place = about["second_region"] if in_second_region else about
        return connection_json(place, with_access_key=with_access_key, **extra)

    def fail_next_backup(self, service: str, reason: str) -> None:
        """Let the next backup of a service end failed.

        :param service: name of the service.
        :param reason: what the service will say.
        """
        self.state.plan_failure(service, reason)

    def plan_outcome(
        self,
        service: str,
        *,
        reason: str | None = None,
        seconds: float | None = None,
        stuck: bool = False,
        count: int = 1,
    ) -> None:
        """Settle how the next backups of a service go; several plans are used up one by one.

        :param service: name of the service.
        :param reason: why they fail in the end; ``None`` lets them end well.
        :param seconds: how long they take, 0 or more; ``None`` takes the usual time.
        :param stuck: whether they never end.
        :param count: how many backups it is for, 1 or more.
        """
        self.state.plan_outcome(service, reason=reason, seconds=seconds, stuck=stuck, count=count)

    def cancel_outcomes(self, service: str | None = None) -> None:
        """Drop the planned outcomes that are not used up.

        :param service: name of the service; none drops those of all.
        """
        self.state.cancel_outcomes(service)

    def misbehave(
        self,
        kind: FaultKind,
        *,
        service: str | None = None,
        method: str | None = None,
        route: str | None = None,
        count: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
        **parameters: Any,
    ) -> str:
        """Arm a fault; of several that fit a request, the one that was armed first hits it (delays add up).

        :param kind: what goes wrong.
        :param service: whose requests are hit, ``iam`` included; ``None`` for all.
        :param method: HTTP method; ``None`` for all.
        :param route: a path template, the beginning of a path, or a regular expression that begins with ``^``.
        :param count: how many requests are hit, 1 or more; ``None`` until it is disarmed.
        :param probability: how likely a request that fits is hit, 0 to 1.
        :param seed: of the fault's own chance.
        :param parameters: those of the kind, see ``faults/orders.py``.
        :return: the fault's id.
        :raises ValueError: something of it is wrong; the text names field and rule.
        """
        common = {"service": service, "method": method, "route": route, "count": count}
        fault = {"kind": kind, **common, "probability": probability, "seed": seed, **parameters}
        return self._cloud.faults.arm(read_faults(fault))[0]

    def behave(self) -> None:
        """Disarm all faults; planned outcomes of backups stay, see :meth:`cancel_outcomes`."""
        self._cloud.faults.disarm_all()

    def hits(self, fault_id: str) -> int:
        """Return how many requests a fault has hit, also when it was disarmed since.

        :param fault_id: what :meth:`misbehave` returned.
        :raises KeyError: there was never such a fault.
        """
        return self._cloud.faults.hits(fault_id)

    @property
    def requests(self) -> Counter[RouteKey]:
        """How many requests came, by service, method and path template, such as ``/v3/{project_id}/checkpoints``.

        Those that a fault hit are among them, those to paths that do not exist are not.
        """
        return self._cloud.faults.requests

    def content(self, resource_id: str) -> int:
        """Return the content version of a resource: what a maintenance changes and a restore brings back.

        :param resource_id: id of a server (the highest version of its disks), a disk or a database instance.
        """
        return self._contents.version(resource_id)

    def change_content(self, resource_id: str, version: int) -> None:
        """Change the content of a resource, as a maintenance does; that of a server changes on all its disks.

        :param resource_id: id of a server, a disk or a database instance.
        :param version: the version that it has from now on, 0 or more.
        """
        self._contents.change(resource_id, version)

    def set_backup_seconds(self, seconds: float) -> None:
        """Set how long backups take that start from now on.

        :param seconds: 0 or more.
        """
        self.state.backup_seconds = seconds

    def revoke_tokens(self) -> None:
        """Let every token die now, as a changed password does."""
        self._cloud.accounts.revoke_all_tokens()

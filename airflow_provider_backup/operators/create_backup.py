"""Taking a backup, the same for every service: exactly one per task instance, found again instead of taken twice."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.providers.common.compat.sdk import conf

from airflow_provider_backup.backup_key import keyed_name
from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference, BackupResult
from airflow_provider_backup.cloud.errors import (
    BackupError,
    DuplicateNameError,
    InvalidRequestError,
    ResourceBusyError,
    Violation,
)
from airflow_provider_backup.cloud.retries import may_have_taken_effect
from airflow_provider_backup.cloud.wire import RequestModel
from airflow_provider_backup.exceptions import BackupTimeoutError
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice, check_seconds
from airflow_provider_backup.version_compat import generation_of
from airflow_provider_backup.waiting import WaitsForBackup, wait_plan

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

LOOK_UPS_OF_A_LOST_ANSWER = (1.0, 4.0, 10.0)
"""Seconds before each look for a backup whose creation got no answer: lists may be a little behind."""

CLOCK_DIFFERENCE = timedelta(seconds=5)
"""How far the clocks of Airflow and of the cloud may be apart; more would adopt backups of a run shortly before."""

MOST_NAMES = 5
"""How many names one task instance uses at the most; each but the last belongs to a failed backup."""

PLACEHOLDER_NAME = "airflow-backup"
"""Stands for the name that is made at run time while a DAG is parsed."""

OnConflict = Literal["wait", "fail"]
OnClear = Literal["fresh", "adopt"]


class CreateBackupOperator(WaitsForBackup, BackupCloudOperator):
    """Take a backup and wait for it.

    Before it asks for a backup, it looks for one that this task instance already started (a retry, a crash, a lost
    answer) and goes on with that. A failed backup is never taken for a good one. A cleared task takes a fresh backup.

    :param wait_for_completion: whether the task succeeds only when the backup is good.
    :param deferrable: whether to wait in the triggerer; none follows ``[operators] default_deferrable``.
    :param poll_interval: seconds between two looks, above 0.
    :param timeout: seconds for the backup, above 0, counted from its start through retries; it is left alone when they
        are over.
    :param tolerance: seconds of unbroken trouble on the wire, above 0, after which waiting ends with the last error;
        none waits until the time is over.
    :param on_conflict: what to do while another task keeps the resource busy: ``fail`` fails the task, which a retry
        repeats; ``wait`` asks again every ``poll_interval``, on the worker, until the time is over.
    :param on_clear: what a cleared task does: ``fresh`` takes a fresh backup, ``adopt`` goes on with the one that it
        had, unless that failed; only where the task makes the backup's name itself.
    """

    template_fields: Sequence[str] = BackupCloudOperator.template_fields
    timeout_error = BackupTimeoutError
    has_names: ClassVar[bool] = True
    """Whether the request carries a name, so that the backup can be told from all others."""

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool | None = None,
        poll_interval: float = 30.0,
        timeout: float = 6 * 60 * 60,
        tolerance: float | None = None,
        on_conflict: OnConflict = "fail",
        on_clear: OnClear = "fresh",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_seconds(self.task_id, poll_interval=poll_interval, timeout=timeout)
        if tolerance is not None:
            check_seconds(self.task_id, tolerance=tolerance)
        check_choice(self.task_id, "on_conflict", on_conflict, get_args(OnConflict))
        check_choice(self.task_id, "on_clear", on_clear, get_args(OnClear))
        self.wait_for_completion = wait_for_completion
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.tolerance = tolerance
        self.on_conflict = on_conflict
        self.on_clear = on_clear

    @abstractmethod
    def request(self, name: str) -> RequestModel:
        """Build the request from the arguments.

        :param name: the backup's name, for services whose backups have one.
        """

    @abstractmethod
    async def find(self, cloud: BackupCloud, request: Any, since: datetime) -> BackupReference | None:
        """Look for a running or good backup that this request already made.

        :param cloud: the open client.
        :param request: what :meth:`request` built.
        :param since: when the work that this task instance belongs to began; older backups are not meant.
        """

    @abstractmethod
    async def submit(self, cloud: BackupCloud, request: Any) -> BackupReference:
        """Ask for the backup.

        :param cloud: the open client.
        :param request: what :meth:`request` built.
        """

    def own_name(self) -> str | None:
        """Return the name that the author chose; none for one made from the key."""
        return getattr(self, "name", None)

    def check_request_while_parsing(self) -> None:
        """Refuse wrong literals; the constructor of every operator ends with this.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates turn out to be.
        """
        if self.on_clear == "adopt" and not (self.has_names and self.own_name() is None):
            rule = "a cleared task finds its backup again only by the name that it makes itself"
            raise InvalidRequestError(f"Task {self.task_id!r}", [Violation("on_clear", rule, self.on_clear)])
        self.check_while_parsing(lambda: self.request(self.own_name() or PLACEHOLDER_NAME))

    def execute(self, context: Any) -> BackupResult:
        """Take the backup, or find it again, and wait for it.

        :return: see :class:`~airflow_provider_backup.cloud.backup.BackupResult`.
        :raises BackupFailedError: the backup ended badly.
        :raises BackupTimeoutError: the time is over.
        :raises ApiError: the service refuses.
        """
        requests = [self.built(partial(self.request, name)) for name in self._names(context)]
        observation, started_at = self.act(lambda cloud: self._start(cloud, context, requests))
        if not self.wait_for_completion:
            self.log.info("%s; not waited for.", observation)
            return observation.to_result()
        plan = wait_plan(
            observation.reference,
            self.poll_interval,
            started_at + self.timeout,
            started_at=started_at,
            tolerance=self.tolerance,
        )
        return self.wait(context, plan, observation)

    def _generation(self, context: Any) -> int:
        return 0 if self.on_clear == "adopt" else generation_of(context["ti"], context["task"].retries)

    def _names(self, context: Any) -> list[str]:
        if name := self.own_name():
            return [name]
        key_name = keyed_name(context, generation=self._generation(context))
        # A failed backup keeps its name, and databases refuse a second one of it: then the next name is tried.
        return [key_name, *(f"{key_name}-{number}" for number in range(2, MOST_NAMES + 1))]

    async def _start(
        self, cloud: BackupCloud, context: Any, requests: Sequence[RequestModel]
    ) -> tuple[BackupObservation, float]:
        reference, is_new = await self._find_or_submit(cloud, requests, context)
        # Before anything else can go wrong: the id must be known to whoever looks for it.
        context["ti"].xcom_push(key="backup_reference", value=reference.to_dict())
        observation = await self.look(cloud, reference, is_new=True)
        now = time.time()
        if is_new or observation.created_at is None:
            return observation, now
        # The time counts from the backup's own start: a retry that finds it again gets no more.
        return observation, min(now, observation.created_at.timestamp())

    async def _find_or_submit(
        self, cloud: BackupCloud, requests: Sequence[RequestModel], context: Any
    ) -> tuple[BackupReference, bool]:
        since = _began(context)
        # Without a key only the time tells whose a backup is; on a first try none is this task's own.
        may_be_there = (self.has_names and self.own_name() is None) or not _is_first_try(context)
        for request in requests:
            if may_be_there and (reference := await self._find_own(cloud, request, since)):
                self.log.info("Found %s of this task again; no second one is taken.", reference)
                return reference, False
            try:
                reference = await self._submit_once(cloud, request, since, may_be_there=may_be_there)
            except DuplicateNameError:
                if request is requests[-1]:
                    raise
                continue
            self.log.info("Started %s.", reference)
            return reference, True
        raise AssertionError("there is at least one name")

    async def _submit_once(
        self, cloud: BackupCloud, request: RequestModel, since: datetime, *, may_be_there: bool
    ) -> BackupReference:
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                return await self.submit(cloud, request)
            except ResourceBusyError as error:
                # What keeps the resource busy may be this task's own backup, which the list did not show yet.
                if may_be_there and (reference := await self._find_own(cloud, request, since)):
                    return reference
                if self.on_conflict == "fail" or time.monotonic() + self.poll_interval > deadline:
                    raise
                self.log.info("The resource is busy, asking again in %s s: %s", self.poll_interval, error)
            except BackupError as error:
                if not may_have_taken_effect(error):
                    raise
                self.log.warning("The request got no clear answer; looking for its backup first: %s", error)
                for pause in LOOK_UPS_OF_A_LOST_ANSWER:
                    await asyncio.sleep(pause)
                    if reference := await self._find_own(cloud, request, since):
                        return reference
                raise
            await asyncio.sleep(self.poll_interval)

    async def _find_own(self, cloud: BackupCloud, request: RequestModel, since: datetime) -> BackupReference | None:
        reference = await self.find(cloud, request, since)
        if reference is None or self.own_name() is None:
            return reference
        # A name of the author's own may have been used by earlier runs: only what began with this run is meant.
        created_at = (await self.look(cloud, reference)).created_at
        return reference if created_at is None or created_at >= since - CLOCK_DIFFERENCE else None


def _is_first_try(context: Any) -> bool:
    task_instance = context["ti"]
    return bool(task_instance.try_number == generation_of(task_instance, context["task"].retries) + 1)


def _began(context: Any) -> datetime:
    start_date = context["ti"].start_date
    if _is_first_try(context) and start_date:
        return _as_utc(start_date)
    return _as_utc(context["dag_run"].start_date or datetime.now(UTC))


def _as_utc(moment: datetime) -> datetime:
    """Return a moment of Airflow's as a plain aware time in UTC."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)

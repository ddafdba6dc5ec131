"""Exactly one backup for a task instance: found again, taken over, or asked for once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.errors import (
    BackupError,
    CloudConnectionError,
    DuplicateNameError,
    NotFoundError,
    OutOfTimeError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.http.retry_policy import is_passing, may_have_taken_effect
from airflow_provider_backup.cloud.http.time_limit import pause
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import LIVE, LOST
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.exceptions import (
    BackupExistsError,
    BackupFailedError,
    BackupTimeoutError,
    FinalBackupFailedError,
)
from airflow_provider_backup.tasks.conflict_retry import ConflictRetry
from airflow_provider_backup.tasks.deferral import LONGEST_WAIT
from airflow_provider_backup.tasks.ownership import Ownership
from airflow_provider_backup.tasks.submission_record import SubmissionRecord, SubmissionRecordStore

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.http.clock_skew import CloudClock
    from airflow_provider_backup.operators.create_backup import CreateBackupOperator

LOOK_UPS_OF_A_LOST_ANSWER = (1.0, 4.0, 10.0)
"""Seconds before each look for a backup whose creation got no answer: lists may be a little behind."""

_OF_ANOTHER = (
    "Found %s under the key of this task, which has not asked for one yet: another Airflow with the same DAG may have "
    "taken it, or this DAG run was made again. The task goes on with it, and never deletes it (delete_on_kill). If "
    "several Airflows use this cloud project, give each connection its own 'installation'."
)
_OF_AN_EARLIER_RUN = (
    "%s has the key of this task, but began before this DAG run did: it was taken by a run of the same id that was "
    "deleted, or by another Airflow. The task does not go on with it."
)
_OF_A_FAILED_TRY = "The backup of an earlier try cannot be used. %s A fresh one is taken."
_NAMES_ARE_USED_UP = (
    "The service takes each name once, and all names of this task belong to backups that failed or that an earlier run "
    "of the same id took. Delete those that are not needed."
)

_NAME_IS_TAKEN = (
    "The service takes each name once. Choose another one for each backup, for instance with "
    "{{ dag_run.start_date | ts_nodash }}, or go on with the backup of that name with if_exists='adopt'."
)
_NAME_IS_LOST = (
    "The service takes each name once, and what has this one is not running or good, or is of another resource. Choose "
    "another name, or delete that backup."
)


@dataclass(frozen=True, slots=True)
class SubmittedBackup:
    """The backup that the task goes on with.

    :param reference: which backup.
    :param is_new: whether it was asked for just now.
    :param is_own: whether this task instance certainly made it.
    :param began: when it began as far as the search knows, in seconds since the epoch by this machine's clock.
    """

    reference: OperationReference
    is_new: bool
    is_own: bool
    began: float | None = None


class IdempotentSubmission:
    """The one backup of a task instance.

    :param operator: how to ask for it and how to find it, and what its author chose.
    :param context: the context of ``execute``.
    :param requests: the request, once for each name to try; a failed backup keeps its name.
    :param former_requests: the same with the names that the previous release gave; they are looked for only.
    """

    def __init__(
        self,
        operator: CreateBackupOperator,
        context: Any,
        requests: Sequence[RequestModel],
        former_requests: Sequence[RequestModel] = (),
    ) -> None:
        self._operator = operator
        self._requests = requests
        self._former_requests = former_requests
        self._log = operator.log
        self._deadline = time.time() + min(LONGEST_WAIT, operator.timeout)
        self._notes = SubmissionRecordStore(
            context,
            operator.generation(context),
            operator.identity(),
            operator.log,
            former_generation=operator.former_generation(context),
        )
        self._note = self._notes.read()
        self._ownership = Ownership(
            context,
            has_key=operator.has_key,
            outlives_runs=operator.on_clear == "adopt",
            noted_at=self._note.moment if self._note else None,
        )
        self._may_be_there = self._ownership.may_be_there
        self._names_of_others: list[RequestModel] = []
        self._lost: list[OperationState] = []
        # By all names on a retry: the failed backup that had the name before its own may have been removed since.
        # So may that of an earlier DAG run, which counts with on_clear="adopt".
        self._is_repeated = context["ti"].try_number > 1 or operator.on_clear == "adopt"
        # The last names first, because they are used in their order.
        self._searched = [*requests[::-1], *former_requests[::-1]] if self._is_repeated else requests[:1]
        # When this try sent a request that got no clear answer and was sent once more, seconds since the epoch.
        self._unclear_since: float | None = None
        self._announced: RequestModel | None = None
        self._state = "no backup was asked for"

    @property
    def seconds_left(self) -> float:
        """Seconds until the time of the task is over; below 0 afterwards."""
        return self._deadline - time.time()

    def timed_out(self, error: OutOfTimeError) -> BackupTimeoutError:
        """Return the error that says in what the end of the time was met.

        :param error: the request that was cut off.
        """
        return BackupTimeoutError(
            f"The time is over (timeout={self._operator.timeout:g} s), and {self._state}. {error.message}",
            next_step="Look whether the service can be reached, or give the task more time (timeout). "
            "A retry looks for a backup first.",
        )

    async def take(self, cloud: BackupCloud) -> SubmittedBackup:
        """Find the backup, or ask for it.

        :param cloud: the open client.
        :raises BackupExistsError: the author's name is taken and ``if_exists`` is ``fail``.
        :raises BackupTimeoutError: the resource was busy until the time was over.
        :raises OutOfTimeError: the service could not be reached in time; see :meth:`timed_out`.
        :raises ApiError: the service refuses.
        """
        self._log.info("Taking a backup of %s (%s).", self._operator.resource, self._operator.connection_text)
        if taken := await self._noted(cloud):
            return taken
        await self._operator.prepare(cloud, self._requests[0])
        for request in self._searched:
            if taken := await self._found(cloud, request):
                return taken
        await self._pass_over_lost(cloud)
        for request in self._requests:
            is_last = request is self._requests[-1]
            if request not in self._searched and (taken := await self._found(cloud, request)):
                return taken
            if self._is_name_of_another(request) and not is_last:
                continue
            try:
                return await self._asked_for(cloud, request)
            except DuplicateNameError as error:
                # A failed backup keeps its name; but it may be this task's own good one that no list shows yet.
                if self._may_be_there and (taken := await self._looked_up(cloud, [request])):
                    return taken
                # Where a request of this try is unclear, that one has the name; another name would be a second backup.
                if is_last or self._unclear_since is not None:
                    if is_last and self._operator.has_key:
                        error.next_step = _NAMES_ARE_USED_UP
                    raise
        raise AssertionError("there is at least one name")

    async def find_again(self, cloud: BackupCloud) -> OperationReference | None:
        """Look for a backup by all its names, in case that it was asked for; none when it does not show up.

        :param cloud: the open client.
        """
        for seconds in LOOK_UPS_OF_A_LOST_ANSWER:
            await pause(seconds)
            for request in self._requests[::-1]:
                reference = await self._operator.find(cloud, request, self._ownership.since)
                if reference and self._ownership.is_certainly_own(cloud.clock, await self._began(cloud, reference)):
                    return reference
        return None

    def times(self, clock: CloudClock, taken: SubmittedBackup, observation: OperationState) -> tuple[float, float]:
        """Return when the backup began and when its time is over, in seconds since the epoch.

        The time of a backup that was found counts from its own start: a retry gets no more. That of somebody else's
        counts from the start of this task's work at the earliest.

        :param clock: the cloud's clock, by which the backup's start is told.
        :param taken: from :meth:`take`.
        :param observation: how it was just seen.
        """
        now = time.time()
        if taken.is_new:
            return now, self._deadline
        # The last look may have met trouble; that gives a retry no more time.
        began = min(now, _here(clock, observation.created_at) or taken.began or now)
        if not taken.is_own:
            began = max(began, self._ownership.since.timestamp())
        return began, began + self._operator.timeout

    async def _noted(self, cloud: BackupCloud) -> SubmittedBackup | None:
        note = self._note
        if note is None:
            return None
        if note.reference is None:
            # An earlier try asked and died before it had the answer.
            self._state = "an earlier try asked for a backup, of which there is no answer"
            return await self._looked_up(cloud, self._requests[::-1]) if note.is_new else None
        try:
            observation = await self._operator.look(cloud, note.reference, is_new=note.is_new)
        except NotFoundError:
            return None
        if observation.phase not in LIVE:
            self._lost.append(observation)
            return None
        self._log.info("Found %s of this task again by its note; no second one is taken.", observation.reference)
        return SubmittedBackup(observation.reference, is_new=False, is_own=note.is_own, began=note.noted_at)

    async def _pass_over_lost(self, cloud: BackupCloud) -> None:
        """Tell of the backups of earlier tries that failed or were deleted.

        :raises FinalBackupFailedError: there is one, and ``retry_failed`` is not set.
        """
        is_certain = bool(self._lost) or self._operator.has_key
        # Who clears the task wants another backup.
        is_final = is_certain and not self._operator.retry_failed and not self._ownership.is_first_since_a_clear
        if self._is_repeated and self._may_be_there:
            for requests in (self._requests, self._former_requests):
                for request in requests:
                    # Names are used in their order.
                    if request not in self._names_of_others and not await self._is_lost(cloud, request):
                        break
        for observation in self._lost:
            if is_final:
                raise FinalBackupFailedError(observation)
            self._log.warning(_OF_A_FAILED_TRY, BackupFailedError(observation).message)

    async def _is_lost(self, cloud: BackupCloud, request: RequestModel) -> bool:
        reference = await self._operator.find(cloud, request, self._ownership.since, phases=LOST)
        try:
            observation = await self._operator.look(cloud, reference) if reference else None
        except NotFoundError:
            return False
        if observation is None or observation.phase not in LOST:
            return False
        self._names_of_others.append(request)
        is_known = any(observation.reference == each.reference for each in self._lost)
        if not is_known and self._ownership.is_in_time(cloud.clock, observation.created_at):
            self._lost.append(observation)
        return True

    async def _found(self, cloud: BackupCloud, request: RequestModel) -> SubmittedBackup | None:
        operator = self._operator
        if not self._may_be_there and operator.if_exists == "new":
            return None
        reference = await operator.find(cloud, request, self._ownership.since)
        if reference is None:
            return None
        name = operator.own_name()
        if name is not None and operator.if_exists == "adopt":
            return self._taken_over(reference, f"it has the name {name!r}, and if_exists is 'adopt'")
        if not operator.has_names:
            return self._found_again(reference, is_own=False)
        if self._may_be_there:
            began = await self._began(cloud, reference)
            # A name may have been used by earlier runs: only what began with this run is meant.
            if self._ownership.is_in_time(cloud.clock, began):
                is_own = self._ownership.is_own(cloud.clock, began)
                return self._found_again(reference, is_own=is_own, began=_here(cloud.clock, began))
        if name is not None and operator.if_exists == "fail":
            raise BackupExistsError(reference, name)
        if name is None and request not in self._names_of_others:
            self._log.warning(_OF_AN_EARLIER_RUN, reference)
            self._names_of_others.append(request)
        return None

    def _found_again(
        self, reference: OperationReference, *, is_own: bool, began: float | None = None
    ) -> SubmittedBackup:
        if self._operator.has_key and not is_own:
            self._log.warning(_OF_ANOTHER, reference)
        else:
            self._log.info("Found %s of this task again; no second one is taken.", reference)
        return self._noted_down(SubmittedBackup(reference, is_new=False, is_own=is_own, began=began))

    def _is_name_of_another(self, request: RequestModel) -> bool:
        return self._operator.names_are_unique and request in self._names_of_others

    async def _began(self, cloud: BackupCloud, reference: OperationReference) -> datetime | None:
        try:
            return (await self._operator.look(cloud, reference)).created_at
        except NotFoundError:
            # Lists can be ahead of single reads.
            return None

    async def _looked_up(self, cloud: BackupCloud, requests: Sequence[RequestModel]) -> SubmittedBackup | None:
        self._may_be_there = True
        for seconds in LOOK_UPS_OF_A_LOST_ANSWER:
            if all(map(self._is_name_of_another, requests)):
                return None
            await pause(seconds)
            for request in requests:
                if taken := await self._found(cloud, request):
                    return taken
        return None

    async def _asked_for(self, cloud: BackupCloud, request: RequestModel) -> SubmittedBackup:
        operator = self._operator
        busy = ConflictRetry(
            operator.resource, poll_interval=operator.poll_interval, deadline=self._deadline, log=operator.log
        )
        while True:
            asked_at = time.time()
            try:
                return await self._ask(cloud, request, asked_at)
            except ResourceBusyError as refusal:
                if taken := await self._what_runs(cloud, request, busy):
                    return taken
                if operator.on_conflict == "fail":
                    raise
                await busy.pause(refusal)
            except BackupError as error:
                if not may_have_taken_effect(error) or isinstance(error, OutOfTimeError):
                    # What was cut off is looked for by the next try.
                    raise
                self._log.warning("The request got no clear answer; looking for its backup first: %s", error)
                if taken := await self._looked_up(cloud, [request]) or await self._failed_at_once(
                    cloud, request, asked_at
                ):
                    return taken
                if self._unclear_since is not None or not _never_arrived(error):
                    raise
                # If it did arrive, and the lists are far behind, the service refuses a second one: the resource is
                # busy, or the name is taken.
                self._log.warning("There is no such backup, and the connection is gone: sending the request once more.")
                self._unclear_since = asked_at

    async def _failed_at_once(
        self, cloud: BackupCloud, request: RequestModel, asked_at: float
    ) -> SubmittedBackup | None:
        """Return the backup of a request without a clear answer, when it has failed already."""
        reference = await self._operator.find(cloud, request, self._ownership.since, phases=LOST)
        if reference is None or any(reference == each.reference for each in self._lost):
            return None
        began = await self._began(cloud, reference)
        if began is None or began < cloud.clock.earliest(datetime.fromtimestamp(asked_at, UTC)):
            return None
        self._log.warning("Found %s, which this request began and which failed.", reference)
        is_own = self._ownership.is_own(cloud.clock, began)
        return self._noted_down(
            SubmittedBackup(reference, is_new=False, is_own=is_own, began=_here(cloud.clock, began))
        )

    async def _what_runs(
        self, cloud: BackupCloud, request: RequestModel, busy: ConflictRetry
    ) -> SubmittedBackup | None:
        while True:
            try:
                # What keeps the resource busy may be this task's own backup, which the list did not show yet.
                return await self._found(cloud, request) or await self._running(cloud, request)
            except BackupError as error:
                # Not asked for again before that is known.
                is_final = isinstance(error, OutOfTimeError) and not error.is_deadline
                if self._operator.on_conflict == "fail" or is_final or not is_passing(error):
                    raise
                await busy.pause(error)

    async def _ask(self, cloud: BackupCloud, request: RequestModel, asked_at: float) -> SubmittedBackup:
        self._announce(request)
        # First the note: a process that dies before the answer leaves word that there may be a backup.
        note = SubmissionRecord(self._unclear_since or asked_at)
        self._notes.write(note)
        self._ownership.asks()
        try:
            reference = await self._operator.submit(cloud, request)
        except BackupError as error:
            if may_have_taken_effect(error):
                self._state = "a backup was asked for and may have begun: the service did not answer"
            elif self._unclear_since is None:
                self._notes.erase()
                self._ownership.is_refused()
            if isinstance(error, DuplicateNameError) and self._operator.own_name() is not None:
                is_lost = self._operator.if_exists == "adopt" or request in self._names_of_others
                error.next_step = _NAME_IS_LOST if is_lost else _NAME_IS_TAKEN
            raise
        self._notes.write(SubmissionRecord(note.noted_at, reference))
        self._state = f"{reference} was never seen"
        self._log.info("Started %s for %s.", reference, self._operator.resource)
        return SubmittedBackup(reference, is_new=True, is_own=True)

    def _announce(self, request: RequestModel) -> None:
        # Once for each name: a busy resource is asked about again and again.
        if request is not self._announced:
            self._announced = request
            name = self._operator.name_in(request)
            named = f" named {name!r}" if name else ""
            place = self._operator.connection_text
            self._log.info("Sending the request for a backup of %s%s (%s).", self._operator.resource, named, place)

    async def _running(self, cloud: BackupCloud, request: RequestModel) -> SubmittedBackup | None:
        if self._operator.on_conflict != "adopt":
            return None
        reference = await self._operator.find_running(cloud, request)
        if reference is None:
            # A restore, or a backup of something else: it is waited for.
            return None
        return self._taken_over(reference, "it keeps the resource busy, and on_conflict is 'adopt'")

    def _taken_over(self, reference: OperationReference, reason: str) -> SubmittedBackup:
        self._log.info("Going on with %s, no other one is taken: %s.", reference, reason)
        return self._noted_down(SubmittedBackup(reference, is_new=False, is_own=False))

    def _noted_down(self, taken: SubmittedBackup) -> SubmittedBackup:
        self._notes.write(SubmissionRecord(self._ownership.since.timestamp(), taken.reference, taken.is_own))
        return taken


def _here(clock: CloudClock, moment: datetime | None) -> float | None:
    """Return a moment of the cloud's clock by this machine's, in seconds since the epoch."""
    return clock.here(moment).timestamp() if moment else None


def _never_arrived(error: BackupError) -> bool:
    """Whether a request that nothing came of is not under way any more; one that took too long may still arrive."""
    return isinstance(error, CloudConnectionError) and error.connection_lost

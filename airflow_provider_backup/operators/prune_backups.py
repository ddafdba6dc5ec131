"""Deleting the backups that no rule keeps, the same for every service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError, PermissionDeniedError
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.operations.backup import OperationState
from airflow_provider_backup.cloud.operations.pruning import (
    KeptBackup,
    PrunedBackup,
    PruneResult,
    Pruning,
    RefusedBackup,
    described,
    plan,
    pruning_of,
)
from airflow_provider_backup.cloud.operations.retention import DELETING, StoredBackup
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.exceptions import BackupsLeftError, BackupTimeoutError
from airflow_provider_backup.operators.base import BackupCloudOperator, in_seconds
from airflow_provider_backup.tasks.deferral import OperatorWaitMixin, wait_plan
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from airflow_provider_backup.tasks.prune_arguments import PruneArguments, PruneQuestion, PruneScope
from airflow_provider_backup.version_compat import own_xcom

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class _Started:
    """A prune whose deletions have been requested.

    :param result: what it did so far.
    :param state: how the deletions stand; ``None`` when there is nothing to wait for.
    """

    def __init__(self, result: PruneResult, state: OperationState | None = None) -> None:
        self.result = result
        self.state = state


class PruneBackupsOperator(PruneArguments, OperatorWaitMixin, BackupCloudOperator):
    """Delete the backups that no rule keeps, and wait until they are gone.

    The words and their meaning are those of ``restic forget``; each resource is decided by itself. Never deleted is the
    newest good backup, and what is automatic, running, shared, being restored from, copied to another region or the
    source of an image. A deletion that the service refuses does not stop the others. If the task ends early, a retry
    decides again by what is left.

    :param keep_last: keep the newest good backups, so many; -1 keeps all of them (templated).
    :param keep_hourly: keep the newest of each of the last so many hours that have a good backup; -1 for all hours
        (templated). As long as the number is not used up, the oldest backup is kept too; likewise for the others.
    :param keep_daily: likewise for days (templated).
    :param keep_weekly: likewise for weeks, from Monday to Sunday (templated).
    :param keep_monthly: likewise for months (templated).
    :param keep_yearly: likewise for years (templated).
    :param keep_within: keep all that began less than this before the newest good one: a ``timedelta``, seconds, or
        years, months, days and hours in restic's form, such as ``1y5m7d2h`` (templated).
    :param minimum: keep at least so many good backups, 1 or more (templated).
    :param failed_older_than: delete failed backups that began longer ago, in the forms of ``keep_within``; ``None``
        keeps them (templated).
    :param time_zone: whose hours, days, weeks, months and years count: ``UTC``, an offset such as ``UTC+02:00``, or a
        name such as ``Europe/Berlin`` (templated).
    :param scope: which backups this is about; all others are neither deleted nor counted (templated):

        * ``dag``: those that the tasks of this DAG made under a generated name.
        * ``pattern``: those whose name matches ``name_pattern``.
        * ``manual``: all that no schedule took.
    :param name_pattern: for the scope ``pattern``: whole names, where ``*`` stands for any text, ``?`` for one
        character and ``[ab]`` for one of several; case counts (templated).
    :param dry_run: whether to return and log what would be deleted, and delete nothing.
    :param fail_on_refused: whether the task fails, after all other deletions, if the service refused one; otherwise
        they are in the result and in the log.
    :param wait_for_completion: whether the task waits until the backups are gone; otherwise it ends after the requests.
    :param deferrable: whether to wait in the triggerer; ``None`` follows ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0, counted from the start of each try. Deletions that
        were requested continue in the cloud after the timeout.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, *PruneArguments.prune_fields)
    timeout_error = BackupTimeoutError
    waits_for = Pruning.name
    next_step_after_timeout = (
        "Give it more time (timeout); deletions that were requested continue in the cloud, and a retry decides by what "
        "is left."
    )

    def __init__(
        self,
        *,
        keep_last: int | None = None,
        keep_hourly: int | None = None,
        keep_daily: int | None = None,
        keep_weekly: int | None = None,
        keep_monthly: int | None = None,
        keep_yearly: int | None = None,
        keep_within: timedelta | float | str | None = None,
        minimum: int = 1,
        failed_older_than: timedelta | float | str | None = None,
        time_zone: str = "UTC",
        scope: PruneScope = "dag",
        name_pattern: str | None = None,
        dry_run: bool = False,
        fail_on_refused: bool = False,
        wait_for_completion: bool = True,
        deferrable: bool | None = None,
        poll_interval: float | timedelta = 30.0,
        timeout: float | timedelta = 2 * 60 * 60,
        tolerance: float | timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.keep_last = keep_last
        self.keep_hourly = keep_hourly
        self.keep_daily = keep_daily
        self.keep_weekly = keep_weekly
        self.keep_monthly = keep_monthly
        self.keep_yearly = keep_yearly
        self.keep_within = keep_within
        self.minimum = minimum
        self.failed_older_than = failed_older_than
        self.time_zone = time_zone
        self.scope = scope
        self.name_pattern = name_pattern
        # Operators of Airflow have a method of this name.
        self.is_dry_run = dry_run
        self.fail_on_refused = fail_on_refused
        self.wait_for_completion = wait_for_completion
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable
        self.poll_interval = in_seconds(self.task_id, "poll_interval", poll_interval)
        self.timeout = in_seconds(self.task_id, "timeout", timeout)
        self.tolerance = None if tolerance is None else in_seconds(self.task_id, "tolerance", tolerance)

    def perform(self, context: Any) -> PruneResult:
        """Decide, delete what no rule keeps, and wait until it is gone.

        :return: see :class:`~airflow_provider_backup.cloud.operations.pruning.PruneResult`.
        :raises InvalidArgumentError: an argument is wrong; nothing was sent.
        :raises BackupsLeftError: a deletion was refused or failed, and ``fail_on_refused`` is set.
        :raises BackupTimeoutError: a backup still exists after ``timeout``.
        :raises ApiError: the service rejected the lists, or all deletions for lack of permission.
        """
        question = self.built(self.question)
        counts = self.built(lambda: self.counts(question.request, context))
        deadline = current_clock().time() + self.timeout
        self.log.info(
            "Pruning %s backups of %s (%s).",
            self.service_name,
            one_line(", ".join(question.target_ids)),
            self.connection_text,
        )
        started = self.act(lambda cloud: self._start_in_time(cloud, question, counts))
        if started.state is None:
            return self._end(started.result)
        wait = wait_plan(started.state.reference, self.poll_interval, deadline, tolerance=self.tolerance)
        # For the result after a deferral; not for the trigger.
        wait["result"] = started.result
        result: PruneResult = self.wait(context, wait, started.state)
        return result

    def succeeded(self, context: Any, result: dict[str, Any]) -> PruneResult:
        """Return what the prune did, now that the trigger reported that all backups are gone.

        :param context: the context of the task.
        :param result: how the deletions were last observed.
        """
        wait = own_xcom(context["ti"], WAIT_XCOM)
        if not isinstance(wait, dict) or "result" not in wait:
            raise BackupError(
                "The backups are gone, but the XCom that holds which they were was deleted.",
                next_step="Nothing has to be done; the log of this task names them.",
            )
        return self._end(wait["result"])

    def finish(self, plan: dict[str, Any], observation: OperationState) -> PruneResult:
        """Return what the prune did.

        :param plan: the wait, from ``wait_plan``.
        :param observation: the terminal state of the deletions.
        """
        result: PruneResult = plan["result"]
        reasons = {each["resource_id"]: each["reason"] for each in observation.skipped}
        failed = [backup for backup in result["deleted"] if backup["backup_id"] in reasons]
        return self._end(
            {
                **result,
                "deleted": [backup for backup in result["deleted"] if backup not in failed],
                "refused": [
                    *result["refused"],
                    *(RefusedBackup(**backup, reason=one_line(reasons[backup["backup_id"]])) for backup in failed),
                ],
            }
        )

    async def _start_in_time(
        self, cloud: BackupCloud, question: PruneQuestion, counts: Callable[[StoredBackup], bool]
    ) -> _Started:
        try:
            with time_limit(self.timeout, tolerance=self.tolerance):
                return await self._start(cloud, question, counts)
        except OutOfTimeError as error:
            if not error.is_deadline:
                raise
            raise BackupTimeoutError(
                f"Timed out (timeout={self.timeout:g} s) before all deletions were requested. {error.message}",
                next_step="Give it more time (timeout); a retry decides by what is left.",
            ) from error

    async def _start(
        self, cloud: BackupCloud, question: PruneQuestion, counts: Callable[[StoredBackup], bool]
    ) -> _Started:
        service = cloud.service(self.service_name)
        decisions = await plan(service, question.target_ids, question.request, counts, cloud.cloud_clock.now)
        going = [decision.backup for decision in decisions if decision.rules == (DELETING,)]
        leaving = [decision.backup for decision in decisions if not decision.is_kept]
        # The oldest first: whatever ends the task early, the newest are left.
        leaving.sort(key=lambda backup: backup.begun)
        result = PruneResult(
            service=self.service_name,
            dry_run=question.request.dry_run,
            kept=[
                KeptBackup(**described(decision.backup), rules=list(decision.rules))
                for decision in decisions
                if decision.is_kept and decision.rules != (DELETING,)
            ],
            deleted=[described(backup) for backup in going],
            refused=[],
        )
        self._log_plan(result, leaving)
        if question.request.dry_run:
            result["deleted"] += [described(backup) for backup in leaving]
            return _Started(result)
        deleted = list(going)
        errors = []
        async for outcome in service.stored_backups.delete(leaving):
            if outcome.refusal is None:
                self.log.info("Requested the deletion of: %s.", _text(described(outcome.backup)))
                deleted.append(outcome.backup)
                result["deleted"].append(described(outcome.backup))
                continue
            self.log.warning("Refused: %s: %s", _text(described(outcome.backup)), outcome.refusal)
            errors.append(outcome.refusal)
            result["refused"].append(
                RefusedBackup(**described(outcome.backup), reason=one_line(outcome.refusal.message))
            )
        if errors and len(errors) == len(leaving) and all(isinstance(each, PermissionDeniedError) for each in errors):
            raise errors[0]
        if not deleted or not self.wait_for_completion:
            return _Started(result)
        reference = pruning_of(self.service_name, question.target_ids, deleted)
        return _Started(result, await self.look(cloud, reference, is_new=True))

    def _log_plan(self, result: PruneResult, leaving: Sequence[StoredBackup]) -> None:
        if not (leaving or result["kept"] or result["deleted"]):
            self.log.warning("No backup is in the scope (%s); check the ids and the scope.", self.scope)
        rules = Counter(rule for kept in result["kept"] for rule in kept["rules"])
        reasons = ", ".join(f"{rule}: {number}" for rule, number in rules.most_common())
        why = f" ({reasons})" if reasons else ""
        self.log.info("%d backups stay%s; %d go.", len(result["kept"]), why, len(leaving))
        if result["dry_run"]:
            for backup in leaving:
                self.log.info("Would be deleted (dry_run): %s.", _text(described(backup)))

    def _end(self, result: PruneResult) -> PruneResult:
        if not result["dry_run"]:
            self.log.info(
                "Deleted %d backups, %d stay, %d were refused.",
                len(result["deleted"]),
                len(result["kept"]),
                len(result["refused"]),
            )
        if result["refused"]:
            for backup in result["refused"]:
                self.log.warning("Still there: %s: %s", _text(backup), one_line(backup["reason"]))
            if self.fail_on_refused:
                raise BackupsLeftError([f"{_text(backup)}: {backup['reason']}" for backup in result["refused"]])
        return result


def _text(backup: PrunedBackup | RefusedBackup) -> str:
    name = f" {backup['name']!r}" if backup["name"] else ""
    begun = f" from {backup['created_at']}" if backup["created_at"] else ""
    return one_line(f"backup {backup['backup_id']}{name} of {backup['resource_id']}{begun}")

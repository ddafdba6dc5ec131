"""One look over an account: what is not protected, and what is wrong with policies, vaults, tasks and copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.errors import ApiError, AuthenticationError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.operations.protection import (
    Finding,
    ProtectionQuestion,
    findings_of,
)
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.exceptions import ProtectionFindingsError
from airflow_provider_backup.operators.base import BackupCloudOperator
from airflow_provider_backup.tasks.protection_arguments import ProtectionArguments, ProtectionRequest

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

MOST_LOGGED = 200
"""Findings in the table in the log at most; the result has all."""

_DEFAULT_SINCE = timedelta(days=1)
_COLUMNS = ("service", "kind", "id", "name", "at", "reason")


class ProtectionReportOperator(ProtectionArguments, BackupCloudOperator):
    """Look once over the protection of an account, and report what is wrong.

    It reads lists of each service, each page once, waits for nothing and changes nothing. The findings are the result,
    and a table in Markdown in the log.

    :param services: names of services, such as ``["cbr", "rds"]``; ``None`` for all that the account has, by the
        connection's endpoints and the catalog of its token (templated).
    :param resource_ids: ids of resources that must be protected, by the name of their service:
        ``{"cbr": [server_id], "rds": [instance_id]}``. A service that is not in it judges what its lists show: the
        resources in vaults (CBR), the servers in policies (CSBS), all instances (databases), nothing (VBS) (templated).
    :param protectables: types of resources of CBR, ``server``, ``disk`` and ``turbo`` (file systems of SFS Turbo), of
        which all that the project has are judged, whether they are in a vault or not; beside what is judged without it.
        A disk of a server is judged with its server when both types are named. Huawei Cloud only (CBR section 9)
        (templated).
    :param max_age: the last good backup began at most so long ago, by the cloud's clock: a ``timedelta`` or seconds,
        above 0; ``None`` for any age (templated).
    :param max_copy_age: likewise for the last good backup that was copied to another region (templated).
    :param max_used: how full a vault may be, in percent, 0 to 100 (templated).
    :param since: tasks that failed then or later are reported: an ISO 8601 text or a ``datetime``, with a time zone,
        such as ``"{{ prev_start_date_success or '' }}"``; ``None`` or an empty text for the last day (templated).
    :param fail_on: kinds of findings that fail the task, after the report (templated):

        * ``unprotected``: a resource without a fresh backup, of which nothing takes backups: it is in no vault, in no
          policy, or its automatic policy is off.
        * ``stale``: a resource whose last good backup is older than ``max_age``, or that has none.
        * ``policy_off``, ``policy_unbound``: a policy that does not run, or that is about no resource.
        * ``vault_full``: a vault that is fuller than ``max_used``.
        * ``failed_task``: a backup or, of CBR, any task that failed since ``since``.
        * ``missing_copy``: a resource whose vault has a replication policy (CBR), and of which the last backup that was
          copied is older than ``max_copy_age``, or none was copied.
        * ``unreadable``: a service that refused a list.
    """

    template_fields: Sequence[str] = (
        *BackupCloudOperator.template_fields,
        "services",
        "resource_ids",
        "protectables",
        "max_age",
        "max_copy_age",
        "max_used",
        "since",
        "fail_on",
    )

    def __init__(
        self,
        *,
        services: Sequence[str] | None = None,
        resource_ids: Mapping[str, Sequence[str]] | None = None,
        protectables: Collection[str] = (),
        max_age: timedelta | float | None = timedelta(hours=26),
        max_copy_age: timedelta | float | None = timedelta(hours=50),
        max_used: float = 80,
        since: datetime | str | None = None,
        fail_on: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.services = services
        self.resource_ids = resource_ids
        self.protectables = protectables
        self.max_age = max_age
        self.max_copy_age = max_copy_age
        self.max_used = max_used
        self.since = since
        self.fail_on = fail_on

    def perform(self, context: Any) -> list[Finding]:
        """Look once.

        :return: the findings, service by service; empty when all is well.
        :raises ProtectionFindingsError: there are findings of a kind in ``fail_on``; they are in XCom all the same.
        :raises InvalidArgumentError: an argument is wrong; nothing was sent.
        """
        request = self.built(self.request)

        async def look(cloud: BackupCloud) -> list[Finding]:
            return await _look(cloud, request)

        findings = self.act(look)
        if findings:
            self.log.warning("%d findings:\n%s", len(findings), markdown_table(findings))
        else:
            self.log.info("There are no findings: all that was looked at is protected.")
        failing: set[str] = set(request.fail_on)
        counts = Counter(each["kind"] for each in findings if each["kind"] in failing)
        if counts:
            # What a task returns is kept only when it succeeds.
            context["ti"].xcom_push(key="return_value", value=findings)
            raise ProtectionFindingsError(counts)
        return findings


def markdown_table(findings: Sequence[Finding]) -> str:
    """Return findings as a table in Markdown, the first :data:`MOST_LOGGED` of them.

    :param findings: one or more.
    """
    # Imported here, because most tasks do not need it.
    from tabulate import tabulate

    rows = [[_cell(each.get(column)) for column in _COLUMNS] for each in findings[:MOST_LOGGED]]
    table = tabulate(rows, headers=_COLUMNS, tablefmt="pipe", disable_numparse=True)
    left = len(findings) - MOST_LOGGED
    return f"{table}\n\nand {left} more" if left > 0 else table


def _cell(value: object) -> str:
    return "" if value is None else one_line(str(value)).replace("|", "\\|")


async def _look(cloud: BackupCloud, request: ProtectionRequest) -> list[Finding]:
    names = list(dict.fromkeys(request.services or await _all_services(cloud, request)))
    findings: list[Finding] = []
    refusals: list[ApiError] = []
    for name in names:
        question = _question(cloud, request, name)
        try:
            findings += findings_of(await cloud.service(name).protection.read(question), question)
        except ApiError as error:
            if is_passing(error) or isinstance(error, AuthenticationError):
                raise
            refusals.append(error)
            reason = one_line(str(error))
            findings.append(Finding(service=name, kind="unreadable", id=name, name=None, at=None, reason=reason))
    if refusals and len(refusals) == len(names):
        # Nothing was seen at all.
        raise refusals[-1]
    return findings


async def _all_services(cloud: BackupCloud, request: ProtectionRequest) -> list[str]:
    asked_for = [*request.resource_ids, *(["cbr"] if request.protectables else [])]
    return [*await cloud.offered_services(), *asked_for]


def _question(cloud: BackupCloud, request: ProtectionRequest, service: str) -> ProtectionQuestion:
    clock = cloud.cloud_clock
    return ProtectionQuestion(
        tuple(dict.fromkeys(request.resource_ids.get(service, ()))),
        since=clock.now() - _DEFAULT_SINCE if request.since is None else clock.there(request.since),
        max_age=request.max_age,
        max_copy_age=request.max_copy_age,
        max_used=request.max_used,
        protectables=request.protectables if service == "cbr" else (),
    )

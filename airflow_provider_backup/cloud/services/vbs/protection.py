"""How the disks of VBS are protected (VBS sections 3 and 4.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.freshness import ListedBackup, read_freshness
from airflow_provider_backup.cloud.operations.protection import (
    NotedFailures,
    PolicyView,
    ProtectionQuestion,
    ResourceView,
    ServiceProtection,
)
from airflow_provider_backup.cloud.services.vbs.backups import Backups
from airflow_provider_backup.cloud.services.vbs.policies import Policies


class VbsProtection:
    """Reads policies and backups, each list once.

    :param policies: the policies of the project.
    :param backups: its backups.
    :param to_backup: reads a row of their list.
    :param clock: the cloud's clock.
    """

    def __init__(
        self,
        policies: Policies,
        backups: Backups,
        to_backup: Callable[[Any], ListedBackup | None],
        clock: CloudClock,
    ) -> None:
        self._policies = policies
        self._backups = backups
        self._to_backup = to_backup
        self._clock = clock

    async def read(self, question: ProtectionQuestion) -> ServiceProtection:
        """Read how the disks are protected that are given; no list shows others, nor which disks a policy is about.

        :param question: what is asked.
        """
        policies = [policy async for policy in self._policies.list()]
        failures = NotedFailures(self._to_backup, question.since)
        pages = self._backups.pages(sort_key="created_at", sort_dir="desc")
        judged = await read_freshness(
            pages, failures, question.resource_ids, question.rule, self._clock.now, back_to=question.backups_begun_since
        )
        views = [
            PolicyView(
                each.id,
                each.name,
                each.scheduled_policy.enabled is not False,
                None if each.policy_resource_count is None else each.policy_resource_count > 0,
            )
            for each in policies
        ]
        return ServiceProtection("vbs", [ResourceView(each) for each in judged], views, failed=failures.tasks)

"""How the servers of CSBS are protected (CSBS sections 3.3 and 5)."""

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
from airflow_provider_backup.cloud.services.csbs.checkpoint_items import CheckpointItems, DetailedBackupRow
from airflow_provider_backup.cloud.services.csbs.policies import Policies


class CsbsProtection:
    """Reads policies and backups, each list once.

    :param policies: the policies of the project.
    :param items: its backups.
    :param to_backup: reads a row of their list.
    :param clock: the cloud's clock.
    """

    def __init__(
        self,
        policies: Policies,
        items: CheckpointItems,
        to_backup: Callable[[Any], ListedBackup | None],
        clock: CloudClock,
    ) -> None:
        self._policies = policies
        self._items = items
        self._to_backup = to_backup
        self._clock = clock

    async def read(self, question: ProtectionQuestion) -> ServiceProtection:
        """Read how servers are protected: those that are given, or all that policies back up.

        :param question: what is asked.
        """
        policies = [policy async for policy in self._policies.list()]
        covered = {server.id.lower(): server for policy in policies for server in policy.resources}
        ids = question.resource_ids or [server.id for server in covered.values()]
        failures = NotedFailures(self._to_backup, question.since)
        pages = self._items.pages(row=DetailedBackupRow, sort="created_at:desc")
        judged = await read_freshness(
            pages, failures, ids, question.rule, self._clock.now, back_to=question.backups_begun_since
        )
        resources = []
        for each in judged:
            server = covered.get(each.resource_id.lower())
            name = server.name if server is not None else None
            resources.append(ResourceView(each, name, server is not None, "it is in no policy"))
        views = [PolicyView(each.id, each.name, each.enabled, bool(each.resources)) for each in policies]
        return ServiceProtection("csbs", resources, views, failed=failures.tasks)

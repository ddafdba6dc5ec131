"""How database instances are protected (databases sections 4, 6 and 11)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.freshness import Freshness, ListedBackup, read_freshness
from airflow_provider_backup.cloud.operations.protection import (
    NotedFailures,
    PolicyView,
    ProtectionQuestion,
    ResourceView,
    ServiceProtection,
)
from airflow_provider_backup.cloud.services.databases.backups import Backups
from airflow_provider_backup.cloud.services.databases.instances import Instances
from airflow_provider_backup.cloud.services.databases.models import Instance

_READ_REPLICA = "replica"
"""A type of instance that has no backups of its own (databases section 12)."""


class DatabaseProtection:
    """Reads instances and their backups, each list once.

    :param service: name of the service.
    :param instances: the instances of the project.
    :param backups: its backups.
    :param to_backup: reads a row of their list.
    :param clock: the cloud's clock.
    :param lists_all_instances: whether one list shows the backups of all instances; otherwise each has its own.
    """

    def __init__(
        self,
        service: str,
        instances: Instances,
        backups: Backups[Any, Any],
        to_backup: Callable[[Any], ListedBackup | None],
        clock: CloudClock,
        *,
        lists_all_instances: bool,
    ) -> None:
        self._service = service
        self._instances = instances
        self._backups = backups
        self._to_backup = to_backup
        self._clock = clock
        self._lists_all_instances = lists_all_instances

    async def read(self, question: ProtectionQuestion) -> ServiceProtection:
        """Read how instances are protected: those that are given, or all but read replicas.

        :param question: what is asked.
        """
        instances = {
            each.id.lower(): each async for each in self._instances.list() if each.type.lower() != _READ_REPLICA
        }
        ids = question.resource_ids or [each.id for each in instances.values()]
        failures = NotedFailures(self._to_backup, question.since)
        # The list of an instance that does not exist is refused.
        known = [each for each in ids if each.lower() in instances]
        judged = {each.resource_id.lower(): each for each in await self._judge(question, failures, known)}
        resources = []
        for each in ids:
            instance = instances.get(each.lower())
            if instance is None:
                unknown = Freshness(each, now=self._clock.now())
                resources.append(ResourceView(unknown, None, is_covered=False, gap="the project has no such instance"))
            else:
                is_on = _is_on(instance)
                gap = "its automatic policy is off"
                resources.append(ResourceView(judged[each.lower()], instance.name or None, is_on, gap))
        policies = [
            PolicyView(each.id, f"automatic policy of {each.name or each.id}", _is_on(each), is_bound=True)
            for each in (instances[key] for key in dict.fromkeys(each.lower() for each in known))
        ]
        return ServiceProtection(self._service, resources, policies, failed=failures.tasks)

    async def _judge(
        self, question: ProtectionQuestion, failures: NotedFailures, ids: Sequence[str]
    ) -> list[Freshness]:
        if not ids:
            return []
        if self._lists_all_instances:
            return await self._judge_list(question, failures, ids, None)
        lists = [self._judge_list(question, failures, [each], each) for each in dict.fromkeys(ids)]
        return [each for judged in await asyncio.gather(*lists) for each in judged]

    async def _judge_list(
        self, question: ProtectionQuestion, failures: NotedFailures, ids: Sequence[str], instance_id: str | None
    ) -> list[Freshness]:
        return await read_freshness(
            self._backups.pages(instance_id=instance_id),
            failures,
            ids,
            question.rule,
            self._clock.now,
            back_to=question.backups_begun_since,
        )


def _is_on(instance: Instance) -> bool:
    # What does not tell its days is not known to be off.
    return instance.backup_strategy is None or instance.backup_strategy.keep_days != 0

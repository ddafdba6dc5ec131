"""What is in a cloud: all backups and policies of all services, read with our own client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.services.vbs.states import is_automatic


@dataclass(frozen=True)
class CloudItem:
    """A backup or a policy.

    :param service: name of the service.
    :param kind: ``backup`` or ``policy``.
    :param name: what it is called.
    :param status: the service's own word; for a policy whether its schedule is on.
    :param item_id: its id.
    :param is_automatic: whether it is a backup that a policy took by its schedule.
    """

    service: str
    kind: str
    name: str
    status: str
    item_id: str
    is_automatic: bool = False


async def contents_of(cloud: BackupCloud, resources: Mapping[str, Sequence[str]]) -> list[CloudItem]:
    """Read all backups, then all policies.

    :param cloud: the open client.
    :param resources: ids by kind, with ``rds_instances``, ``gaussdb_instances`` and ``taurusdb_instances``.
    """
    backups = [item async for item in _backups(cloud, resources)]
    return backups + [item async for item in _policies(cloud)]


async def _backups(cloud: BackupCloud, resources: Mapping[str, Sequence[str]]) -> AsyncIterator[CloudItem]:
    async for disk in cloud.vbs.backups.list():
        yield CloudItem("vbs", "backup", disk.name or "", disk.status, disk.id, is_automatic(disk))
    async for item in cloud.csbs.checkpoint_items.list():
        by_schedule = item.extend_info.auto_trigger is True
        yield CloudItem("csbs", "backup", item.name or "", item.status or "", item.id, by_schedule)
    async for backup in cloud.cbr.backups.list():
        by_schedule = backup.extend_info.auto_trigger is True
        yield CloudItem("cbr", "backup", backup.name or "", backup.status or "", backup.id, by_schedule)
    for service, databases in (("rds", cloud.rds), ("gaussdb", cloud.gaussdb), ("taurusdb", cloud.taurusdb)):
        for instance_id in resources[f"{service}_instances"]:
            async for row in databases.backups.list(instance_id=instance_id):
                yield CloudItem(service, "backup", row.name, row.status, row.id, row.type == "auto")


async def _policies(cloud: BackupCloud) -> AsyncIterator[CloudItem]:
    async for disk_policy in cloud.vbs.policies.list():
        enabled = disk_policy.scheduled_policy.enabled
        yield CloudItem("vbs", "policy", disk_policy.name, _on_or_off(enabled), disk_policy.id)
    async for server_policy in cloud.csbs.policies.list():
        yield CloudItem("csbs", "policy", server_policy.name, _on_or_off(server_policy.enabled), server_policy.id)
    async for policy in cloud.cbr.policies.list():
        yield CloudItem("cbr", "policy", policy.name, _on_or_off(policy.enabled), policy.id)


def _on_or_off(enabled: bool | None) -> str:
    return "on" if enabled else "off"

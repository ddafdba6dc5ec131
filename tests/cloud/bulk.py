"""Many RDS backups submitted at once, by one client or, as ``python -m tests.cloud.bulk``, by a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.services.rds.models import BackupCreate
from airflow_provider_backup.cloud.settings import CloudSettings, NetworkSettings, PasswordCredentials


async def submit(cloud: Mapping[str, Any], instances: Sequence[str], **network: Any) -> list[str]:
    """Start a backup of each instance, all at the same time, with one client.

    :param cloud: what the local cloud says of itself.
    :param instances: ids of the instances.
    :param network: settings of the network.
    :return: the ids of the backups.
    """
    settings = CloudSettings(
        PasswordCredentials(cloud["user"], cloud["password"], cloud["domain"]),
        region=cloud["region"],
        cloud="custom",
        auth_url=cloud["iam"],
        network=NetworkSettings(**network),
    )
    async with BackupCloud(settings) as client:
        requests = [BackupCreate(instance_id=instance, name=f"nightly-{instance}") for instance in instances]
        return [backup.id for backup in await asyncio.gather(*map(client.rds.backups.create, requests))]


async def submit_in_a_process(cloud: Mapping[str, Any], instances: Sequence[str], **network: Any) -> list[str]:
    """Start a backup of each instance from a process of its own; see :func:`submit`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.cloud.bulk", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(json.dumps([cloud, instances, network]).encode())
    assert process.returncode == 0
    backups: list[str] = json.loads(output)
    return backups


if __name__ == "__main__":
    of_cloud, of_instances, of_network = json.load(sys.stdin)
    print(json.dumps(asyncio.run(submit(of_cloud, of_instances, **of_network))))

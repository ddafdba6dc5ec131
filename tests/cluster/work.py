"""What the DAG of the cluster test backs up: 200 resources of six services, prepared in the local cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.services.cbr.models import VaultCreate
from airflow_provider_backup.cloud.services.csbs.models import PolicyCreate
from airflow_provider_backup.cloud.services.csbs.schedule import icalendar_text
from tests.cluster.verdict import TaskKey

COUNTS = {"vbs": 40, "csbs": 30, "cbr": 40, "rds": 30, "gaussdb": 30, "taurusdb": 30}
"""How many backups of each service. CSBS has 32 policies at most, and each runs once at a time (CSBS section 3)."""


@dataclass(frozen=True)
class Work:
    """Ids by kind; a mapped task of the DAG goes through each list but that of the servers.

    :param servers: servers; each has a policy and a vault of its own.
    :param volumes: disks, for VBS.
    :param policies: policies of the servers, in their order, for CSBS.
    :param vaults: vaults of the servers, in their order, for CBR.
    :param rds_instances: instances of RDS.
    :param gaussdb_instances: instances of GaussDB.
    :param taurusdb_instances: instances of TaurusDB.
    """

    servers: Sequence[str]
    volumes: Sequence[str]
    policies: Sequence[str]
    vaults: Sequence[str]
    rds_instances: Sequence[str]
    gaussdb_instances: Sequence[str]
    taurusdb_instances: Sequence[str]

    @classmethod
    async def prepared(cls, cloud: BackupCloud, resources: Mapping[str, Sequence[str]]) -> Self:
        """Make policies and vaults for servers.

        :param cloud: the open client.
        :param resources: what the local cloud says that it has.
        """
        servers = resources["servers"][: max(COUNTS["csbs"], COUNTS["cbr"])]
        return cls(
            servers=servers,
            volumes=resources["volumes"][: COUNTS["vbs"]],
            policies=[(await cloud.csbs.policies.create(_policy(each))).id for each in servers[: COUNTS["csbs"]]],
            vaults=[(await cloud.cbr.vaults.create(_vault(each))).id for each in servers[: COUNTS["cbr"]]],
            rds_instances=resources["rds_instances"][: COUNTS["rds"]],
            gaussdb_instances=resources["gaussdb_instances"][: COUNTS["gaussdb"]],
            taurusdb_instances=resources["taurusdb_instances"][: COUNTS["taurusdb"]],
        )

    @property
    def resources(self) -> dict[TaskKey, str]:
        """What each task instance of the DAG backs up, in the end."""
        by_task = {
            "vbs": self.volumes,
            "csbs": self.servers[: len(self.policies)],
            "cbr": self.servers[: len(self.vaults)],
            "rds": self.rds_instances,
            "gaussdb": self.gaussdb_instances,
            "taurusdb": self.taurusdb_instances,
        }
        return {(task, number): each for task, ids in by_task.items() for number, each in enumerate(ids)}

    def to_json(self) -> str:
        """Return the text that the DAG reads."""
        return json.dumps(asdict(self))


def _policy(server: str) -> PolicyCreate:
    pattern = icalendar_text(Schedule.parse("daily at 02:00"))
    never: dict[str, Any] = {
        "enabled": False,
        "operation_definition": {"max_backups": 7},
        "trigger": {"properties": {"pattern": pattern}},
    }
    return PolicyCreate.model_validate(
        {
            "name": f"cluster-{server[:8]}",
            "resources": [{"id": server, "name": server}],
            "scheduled_operations": [never],
        }
    )


def _vault(server: str) -> VaultCreate:
    billing = {"consistent_level": "crash_consistent", "object_type": "server", "protect_type": "backup", "size": 200}
    resources = [{"id": server, "type": "OS::Nova::Server"}]
    return VaultCreate.model_validate({"name": f"cluster-{server[:8]}", "billing": billing, "resources": resources})

"""What the DAG of the cluster test backs up and restores: 200 resources of six services in the local cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from airflow_provider_backup.cloud.client import BackupCloud
from tests.cluster.damage import Damage
from tests.cluster.protection import policy_of, vault_of
from tests.cluster.verdict import TaskKey

COUNTS = {"vbs": 40, "csbs": 20, "cbr": 30, "rds": 30, "gaussdb": 20, "taurusdb": 20}
"""How many backups of each service. CSBS has 32 policies at most, and each runs once at a time (CSBS section 3)."""

RESTORES = {"csbs": 20, "cbr": 20}
"""How many restores of each service; those of VBS need detached disks, of which the local cloud has one."""

BACKED_UP_SERVERS = max(COUNTS["csbs"], COUNTS["cbr"])
SERVERS = BACKED_UP_SERVERS + sum(RESTORES.values())
"""What is restored is backed up by no task."""


@dataclass(frozen=True)
class Work:
    """Ids by kind; a mapped task of the DAG goes through each list but that of the servers.

    :param servers: servers that are backed up; each has a policy and a vault of its own.
    :param volumes: disks, for VBS.
    :param policies: policies of the servers, in their order, for CSBS.
    :param vaults: vaults of the servers, in their order, for CBR.
    :param rds_instances: instances of RDS.
    :param gaussdb_instances: instances of GaussDB.
    :param taurusdb_instances: instances of TaurusDB.
    :param csbs_restores: ``backup_id`` and ``server_id`` of each restore of CSBS.
    :param cbr_restores: likewise of CBR.
    """

    servers: Sequence[str]
    volumes: Sequence[str]
    policies: Sequence[str]
    vaults: Sequence[str]
    rds_instances: Sequence[str]
    gaussdb_instances: Sequence[str]
    taurusdb_instances: Sequence[str]
    csbs_restores: Sequence[Mapping[str, str]]
    cbr_restores: Sequence[Mapping[str, str]]

    @classmethod
    async def prepared(cls, cloud: BackupCloud, resources: Mapping[str, Sequence[str]], damage: Damage) -> Self:
        """Make policies and vaults for servers, and what is restored.

        :param cloud: the open client.
        :param resources: what the local cloud says that it has.
        :param damage: gives restores something to bring back.
        """
        servers = resources["servers"][:BACKED_UP_SERVERS]
        first, last = BACKED_UP_SERVERS, BACKED_UP_SERVERS + RESTORES["csbs"]
        return cls(
            servers=servers,
            volumes=resources["volumes"][: COUNTS["vbs"]],
            policies=[(await cloud.csbs.policies.create(policy_of(each))).id for each in servers[: COUNTS["csbs"]]],
            vaults=[(await cloud.cbr.vaults.create(vault_of(each))).id for each in servers[: COUNTS["cbr"]]],
            rds_instances=resources["rds_instances"][: COUNTS["rds"]],
            gaussdb_instances=resources["gaussdb_instances"][: COUNTS["gaussdb"]],
            taurusdb_instances=resources["taurusdb_instances"][: COUNTS["taurusdb"]],
            csbs_restores=await damage.of_csbs(cloud, resources["servers"][first:last]),
            cbr_restores=await damage.of_cbr(cloud, resources["servers"][last:SERVERS]),
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

    @property
    def restores(self) -> dict[TaskKey, Mapping[str, str]]:
        """What each task instance of the DAG restores."""
        by_task = {"csbs_restore": self.csbs_restores, "cbr_restore": self.cbr_restores}
        return {(task, number): each for task, restores in by_task.items() for number, each in enumerate(restores)}

    def to_json(self) -> str:
        """Return the text that the DAG reads."""
        return json.dumps(asdict(self))

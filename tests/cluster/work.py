"""What the DAG of the cluster test backs up: 40 resources of each of five services, prepared in the local cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from airflow_provider_backup.cloud.cbr.models import VaultCreate
from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.csbs.models import PolicyCreate
from airflow_provider_backup.cloud.csbs.schedule import icalendar_text
from airflow_provider_backup.cloud.schedule import Schedule

OF_EACH_SERVICE = 40


@dataclass(frozen=True)
class Work:
    """Ids by kind; a mapped task of the DAG goes through each list.

    :param volumes: disks, for VBS.
    :param policies: policies of one server each, for CSBS.
    :param vaults: vaults with one server each, for CBR.
    :param rds_instances: instances of RDS.
    :param gaussdb_instances: instances of GaussDB.
    """

    volumes: Sequence[str]
    policies: Sequence[str]
    vaults: Sequence[str]
    rds_instances: Sequence[str]
    gaussdb_instances: Sequence[str]

    @classmethod
    async def prepared(cls, cloud: BackupCloud, resources: Mapping[str, Sequence[str]]) -> Self:
        """Make policies and vaults for servers.

        :param cloud: the open client.
        :param resources: what the local cloud says that it has.
        """
        servers = resources["servers"][:OF_EACH_SERVICE]
        return cls(
            volumes=resources["volumes"][:OF_EACH_SERVICE],
            policies=[(await cloud.csbs.policies.create(_policy(server))).id for server in servers],
            vaults=[(await cloud.cbr.vaults.create(_vault(server))).id for server in servers],
            rds_instances=resources["rds_instances"][:OF_EACH_SERVICE],
            gaussdb_instances=resources["gaussdb_instances"][:OF_EACH_SERVICE],
        )

    @property
    def count(self) -> int:
        """How many backups that makes."""
        return sum(map(len, asdict(self).values()))

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
        {"name": f"cluster-{server[:8]}", "resources": [{"id": server, "name": server}], "scheduled_operations": [never]}
    )


def _vault(server: str) -> VaultCreate:
    billing = {"consistent_level": "crash_consistent", "object_type": "server", "protect_type": "backup", "size": 200}
    resources = [{"id": server, "type": "OS::Nova::Server"}]
    return VaultCreate.model_validate({"name": f"cluster-{server[:8]}", "billing": billing, "resources": resources})

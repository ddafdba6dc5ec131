"""The policies of CSBS and the vaults of CBR that the cluster test works with."""

from __future__ import annotations

from typing import Any

from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.services.cbr.models import VaultCreate
from airflow_provider_backup.cloud.services.csbs.models import PolicyCreate
from airflow_provider_backup.cloud.services.csbs.schedule import icalendar_text


def policy_of(*servers: str) -> PolicyCreate:
    """Return a policy of CSBS that runs only when it is told to.

    :param servers: ids of its servers.
    """
    pattern = icalendar_text(Schedule.parse("daily at 02:00"))
    never: dict[str, Any] = {
        "enabled": False,
        "operation_definition": {"max_backups": 7},
        "trigger": {"properties": {"pattern": pattern}},
    }
    return PolicyCreate.model_validate(
        {
            "name": f"cluster-{servers[0][:8]}",
            "resources": [{"id": server, "name": server} for server in servers],
            "scheduled_operations": [never],
        }
    )


def vault_of(*servers: str) -> VaultCreate:
    """Return a vault of CBR.

    :param servers: ids of its servers.
    """
    size_gb = 200 * len(servers)
    billing = {
        "consistent_level": "crash_consistent",
        "object_type": "server",
        "protect_type": "backup",
        "size": size_gb,
    }
    resources = [{"id": server, "type": "OS::Nova::Server"} for server in servers]
    return VaultCreate.model_validate({"name": f"cluster-{servers[0][:8]}", "billing": billing, "resources": resources})

"""What the other operators send, beside the five calls of ``test_documented_requests.py``, seen on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.cbr import CbrCreateBackupOperator, CbrCreatePolicyOperator
from airflow_provider_backup.operators.csbs import CsbsCreateBackupOperator, CsbsCreatePolicyOperator
from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import CREATE, cbr_vault, resources
from tests.airflow.task_runs import TaskRun

PROJECT = "10ca1c100d0000000000000000000001"
PROVIDER = "fc4d5750-22e7-4798-8a46-f48f62c4c1da"


def sent(wire: Wire, service: str, operator: Any) -> tuple[str, Any]:
    """Run an operator and return path and body of the one POST that it sent."""
    before = len(wire.sent_to(service, "POST"))
    TaskRun(operator).execute()
    (request,) = wire.sent_to(service, "POST")[before:]
    assert request.headers["Content-Type"].startswith("application/json")
    return request.path, request.json


def test_a_backup_of_a_disk_with_every_field(wire: Wire, backup_cloud: RunningCloud) -> None:
    volume_id = resources(backup_cloud, "volumes")[0]
    operator = VbsCreateBackupOperator(
        task_id="backup",
        volume_id=volume_id,
        name="before-upgrade",
        description="v4 rollout",
        full_backup=True,
        tags={"team": "billing"},
        wait_for_completion=False,
    )
    assert sent(wire, "vbs", operator) == (
        f"/v2/{PROJECT}/cloudbackups",
        {
            "backup": {
                "volume_id": volume_id,
                "name": "before-upgrade",
                "description": "v4 rollout",
                "tags": [{"key": "team", "value": "billing"}],
                "extend_param": {"FullBackup": "true"},
            }
        },
    )


def test_a_backup_of_a_disk_with_no_more_than_it_needs(wire: Wire, backup_cloud: RunningCloud) -> None:
    volume_id = resources(backup_cloud, "volumes")[0]
    operator = VbsCreateBackupOperator(task_id="backup", volume_id=volume_id, wait_for_completion=False)
    body = sent(wire, "vbs", operator)[1]["backup"]
    assert body.keys() == {"volume_id", "name"}
    assert body["name"].startswith("dag-backup-")


def test_a_backup_of_a_server_with_every_field(wire: Wire, backup_cloud: RunningCloud) -> None:
    server_id = resources(backup_cloud, "servers")[0]
    operator = CsbsCreateBackupOperator(
        task_id="backup",
        server_id=server_id,
        name="before-upgrade",
        description="v4 rollout",
        incremental=False,
        tags={"team": "billing"},
        wait_for_completion=False,
    )
    assert sent(wire, "csbs", operator) == (
        f"/v1/{PROJECT}/providers/{PROVIDER}/resources/{server_id}/action",
        {
            "protect": {
                "backup_name": "before-upgrade",
                "description": "v4 rollout",
                "incremental": False,
                "tags": [{"key": "team", "value": "billing"}],
            }
        },
    )


def test_a_backup_of_a_server_with_no_more_than_it_needs(wire: Wire, backup_cloud: RunningCloud) -> None:
    server_id = resources(backup_cloud, "servers")[0]
    operator = CsbsCreateBackupOperator(task_id="backup", server_id=server_id, wait_for_completion=False)
    body = sent(wire, "csbs", operator)[1]["protect"]
    assert body.keys() == {"backup_name"}
    assert body["backup_name"].startswith("dag-backup-")


def test_a_checkpoint_of_a_vault_with_every_field(wire: Wire, backup_cloud: RunningCloud) -> None:
    vault_id = cbr_vault(backup_cloud, servers=2)
    first, second = resources(backup_cloud, "servers")[:2]
    operator = CbrCreateBackupOperator(
        task_id="backup",
        vault_id=vault_id,
        name="pre_release",
        description="before 4.2",
        incremental=False,
        resource_ids=[first, second],
        resource_details=[{"id": first, "type": "OS::Nova::Server"}, {"id": second, "type": "OS::Nova::Server"}],
        wait_for_completion=False,
    )
    assert sent(wire, "cbr", operator) == (
        f"/v3/{PROJECT}/checkpoints",
        {
            "checkpoint": {
                "vault_id": vault_id,
                "parameters": {
                    "name": "pre_release",
                    "description": "before 4.2",
                    "incremental": False,
                    "resources": [first, second],
                    "resource_details": [
                        {"id": first, "type": "OS::Nova::Server"},
                        {"id": second, "type": "OS::Nova::Server"},
                    ],
                },
            }
        },
    )


def test_a_checkpoint_of_a_vault_with_no_more_than_it_needs(wire: Wire, backup_cloud: RunningCloud) -> None:
    vault_id = cbr_vault(backup_cloud)
    operator = CbrCreateBackupOperator(task_id="backup", vault_id=vault_id, wait_for_completion=False)
    body = sent(wire, "cbr", operator)[1]["checkpoint"]
    assert body == {"vault_id": vault_id, "parameters": {"name": body["parameters"]["name"]}}


def test_a_replication_policy_of_cbr(wire: Wire) -> None:
    operator = CbrCreatePolicyOperator(
        task_id="policy",
        name="copies",
        operation_type="replication",
        patterns=["FREQ=WEEKLY;BYDAY=MO;BYHOUR=1;BYMINUTE=00"],
        retention_duration_days=30,
        destination_region="eu-nl",
        destination_project_id="0f3c",
        enabled=False,
    )
    assert sent(wire, "cbr", operator) == (
        f"/v3/{PROJECT}/policies",
        {
            "policy": {
                "name": "copies",
                "enabled": False,
                "operation_type": "replication",
                "operation_definition": {
                    "retention_duration_days": 30,
                    "destination_region": "eu-nl",
                    "destination_project_id": "0f3c",
                },
                "trigger": {"properties": {"pattern": ["FREQ=WEEKLY;BYDAY=MO;BYHOUR=1;BYMINUTE=00"]}},
            }
        },
    )


def test_a_policy_of_servers_with_every_field(wire: Wire, backup_cloud: RunningCloud) -> None:
    server = resources(backup_cloud, "servers")[0]
    operator = CsbsCreatePolicyOperator(
        task_id="policy",
        name="srv-weekly",
        description="all of them",
        enabled=False,
        schedule="Tue,Fri at 03:15",
        time_zone="UTC+01:00",
        servers=[{"id": server, "name": "app01", "extra_info": {"exclude_volumes": ["v"]}}],
        max_backups=20,
        retention_duration_days=-1,
        permanent=False,
        day_backups=7,
        week_backups=4,
        month_backups=3,
        year_backups=1,
        tags={"team": "billing"},
    )
    assert sent(wire, "csbs", operator) == (
        f"/v1/{PROJECT}/policies",
        {
            "policy": {
                "name": "srv-weekly",
                "description": "all of them",
                "provider_id": PROVIDER,
                "parameters": {"common": {}},
                "resources": [
                    {
                        "id": server,
                        "type": "OS::Nova::Server",
                        "name": "app01",
                        "extra_info": {"exclude_volumes": ["v"]},
                    }
                ],
                "scheduled_operations": [
                    {
                        "enabled": False,
                        "operation_type": "backup",
                        "operation_definition": {
                            "max_backups": 20,
                            "retention_duration_days": -1,
                            "permanent": False,
                            "day_backups": 7,
                            "week_backups": 4,
                            "month_backups": 3,
                            "year_backups": 1,
                            "timezone": "UTC+01:00",
                        },
                        "trigger": {
                            "properties": {
                                "pattern": "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"
                                "RRULE:FREQ=WEEKLY;BYDAY=TU,FR;BYHOUR=2;BYMINUTE=15\r\n"
                                "END:VEVENT\r\nEND:VCALENDAR\r\n"
                            }
                        },
                    }
                ],
                "tags": [{"key": "team", "value": "billing"}],
            }
        },
    )


def test_a_policy_of_servers_with_no_more_than_it_needs(wire: Wire) -> None:
    operator = CsbsCreatePolicyOperator(task_id="policy", name="p", schedule="daily at 03:00")
    body = sent(wire, "csbs", operator)[1]["policy"]
    assert body.keys() == {"name", "provider_id", "parameters", "resources", "scheduled_operations"}
    assert body["resources"] == []
    assert body["scheduled_operations"][0]["enabled"] is True
    assert body["scheduled_operations"][0]["operation_definition"] == {}


@pytest.mark.parametrize(("service", "path"), [("gaussdb", "backups"), ("taurusdb", "backups/create")])
def test_a_backup_of_a_database(wire: Wire, backup_cloud: RunningCloud, service: str, path: str) -> None:
    instance_id = resources(backup_cloud, f"{service}_instances")[0]
    operator = CREATE[service](
        task_id="backup", instance_id=instance_id, name="w14-x", description="week 14", wait_for_completion=False
    )
    assert sent(wire, service, operator) == (
        f"/v3/{PROJECT}/{path}",
        {"instance_id": instance_id, "name": "w14-x", "description": "week 14"},
    )

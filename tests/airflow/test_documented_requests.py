"""The five calls at the heart of the package send exactly what the API pages document, seen on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.operators.cbr import CbrCreatePolicyOperator, CbrUpdatePolicyOperator
from airflow_provider_backup.operators.csbs import (
    CsbsCreatePolicyOperator,
    CsbsExecutePolicyOperator,
    CsbsGetPolicyOperator,
)
from airflow_provider_backup.operators.rds import RdsCreateBackupOperator
from airflow_provider_backup.operators.vbs import VbsCreatePolicyOperator
from tests.airflow.recording_proxy import Wire, WireRequest
from tests.airflow.task_runs import TaskRun

PROJECT = "10ca1c100d0000000000000000000001"
PROVIDER = "fc4d5750-22e7-4798-8a46-f48f62c4c1da"
MYSQL = "bff3e448677a5dfa8a8fb630a6a3225cin01"
SQL_SERVER = "ca048f8f14695356a5935e7e20e5af9ain04"
SERVER = "61302bca-203a-57af-95b5-01782f5bd9b9"


def result_of(operator: Any) -> Any:
    return TaskRun(operator).run()


def only(requests: list[WireRequest]) -> WireRequest:
    assert len(requests) == 1
    return requests[0]


def assert_is_json(request: WireRequest) -> None:
    assert request.headers["Content-Type"].startswith("application/json")
    assert request.headers["X-Auth-Token"]


def test_creating_a_vbs_policy_sends_the_documented_body_with_every_field(wire: Wire) -> None:
    result_of(
        VbsCreatePolicyOperator(
            task_id="create",
            name="nightly-db",
            schedule="Mon,Thu at 02:00, 14:00",
            time_zone="UTC+01:00",
            retention_day=21,
            keep_first_backup_of_month=False,
            enabled=True,
            tags={"team": "billing"},
        )
    )

    request = only(wire.sent_to("vbs", "POST"))
    assert request.path == f"/v2/{PROJECT}/backuppolicy"
    assert_is_json(request)
    assert request.json == {
        "backup_policy_name": "nightly-db",
        "scheduled_policy": {
            "start_time": "01:00,13:00",
            "week_frequency": ["MON", "THU"],
            "rentention_day": 21,
            "remain_first_backup_of_curMonth": "N",
            "status": "ON",
        },
        "time_zone": "UTC+01:00",
        "tags": [{"key": "team", "value": "billing"}],
    }


def test_creating_a_vbs_policy_sends_no_more_than_what_is_given(wire: Wire) -> None:
    result_of(
        VbsCreatePolicyOperator(
            task_id="create", name="p", schedule="every 3 days at 04:00", retention_num=2, enabled=False
        )
    )

    assert only(wire.sent_to("vbs", "POST")).json == {
        "backup_policy_name": "p",
        "scheduled_policy": {"start_time": "04:00", "frequency": 3, "rentention_num": 2, "status": "OFF"},
    }


def test_taking_an_rds_backup_sends_the_documented_body_with_every_field(wire: Wire) -> None:
    result = result_of(
        RdsCreateBackupOperator(
            task_id="backup",
            instance_id=SQL_SERVER,
            name="before-upgrade",
            description="manual copy",
            databases=["orders", "stock"],
            backup_database_individually=True,
            poll_interval=0.05,
            deferrable=False,
        )
    )

    request = only(wire.sent_to("rds", "POST"))
    assert request.path == f"/v3/{PROJECT}/backups"
    assert_is_json(request)
    assert request.headers["X-Language"] == "en-us"
    assert request.json == {
        "instance_id": SQL_SERVER,
        "name": "before-upgrade",
        "description": "manual copy",
        "databases": [{"name": "orders"}, {"name": "stock"}],
        "backup_database_individually": True,
    }
    assert (result["status"], result["name"]) == ("COMPLETED", "before-upgrade")


def test_taking_an_rds_backup_sends_no_more_than_instance_and_name(wire: Wire) -> None:
    result = result_of(
        RdsCreateBackupOperator(task_id="backup", instance_id=MYSQL, poll_interval=0.05, deferrable=False)
    )

    assert only(wire.sent_to("rds", "POST")).json == {"instance_id": MYSQL, "name": result["name"]}


def test_querying_a_csbs_policy_sends_the_documented_request(wire: Wire) -> None:
    policy_id = result_of(
        CsbsCreatePolicyOperator(
            task_id="create",
            name="servers",
            schedule="Tue at 03:15",
            max_backups=20,
            servers=[{"id": SERVER, "name": "web"}],
        )
    )["policy_id"]
    wire.requests.clear()

    result = result_of(CsbsGetPolicyOperator(task_id="query", policy_id=policy_id))

    request = only(wire.sent_to("csbs"))
    assert (request.method, request.path, request.body) == ("GET", f"/v1/{PROJECT}/policies/{policy_id}", b"")
    assert (result["name"], result["enabled"], result["resource_ids"]) == ("servers", True, [SERVER])
    operation = result["policy"]["scheduled_operations"][0]
    assert operation["operation_definition"]["max_backups"] == 20
    assert "RRULE:FREQ=WEEKLY;BYDAY=TU;BYHOUR=3;BYMINUTE=15" in operation["trigger"]["properties"]["pattern"]


@pytest.mark.parametrize(
    ("servers", "parameters"),
    [(None, {"auto_trigger": False}), ([SERVER], {"auto_trigger": False, "resources": [SERVER]})],
)
def test_executing_a_csbs_policy_sends_the_documented_body(
    wire: Wire, servers: list[str] | None, parameters: dict[str, Any]
) -> None:
    policy = CsbsCreatePolicyOperator(
        task_id="create", name="servers", schedule="daily at 01:00", servers=[{"id": SERVER, "name": "web"}]
    )
    policy_id = result_of(policy)["policy_id"]
    wire.requests.clear()

    result = result_of(
        CsbsExecutePolicyOperator(
            task_id="execute", policy_id=policy_id, server_ids=servers, poll_interval=0.05, deferrable=False
        )
    )

    request = only(wire.sent_to("csbs", "POST"))
    assert request.path == f"/v1/{PROJECT}/providers/{PROVIDER}/checkpoints"
    assert_is_json(request)
    assert request.json == {"checkpoint": {"plan_id": policy_id, "parameters": parameters}}
    assert (result["status"], result["resource_ids"]) == ("available", [SERVER])


def test_updating_a_cbr_policy_sends_the_documented_body_with_what_is_given(wire: Wire) -> None:
    create = CbrCreatePolicyOperator(task_id="create", name="nightly", schedule="daily at 02:00", max_backups=7)
    policy_id = result_of(create)["policy_id"]
    assert only(wire.sent_to("cbr", "POST")).json == {
        "policy": {
            "name": "nightly",
            "operation_type": "backup",
            "operation_definition": {"max_backups": 7},
            "trigger": {"properties": {"pattern": ["FREQ=DAILY;INTERVAL=1;BYHOUR=2;BYMINUTE=00"]}},
        }
    }

    result = result_of(
        CbrUpdatePolicyOperator(
            task_id="update",
            policy_id=policy_id,
            name="nightly_02",
            enabled=False,
            schedule="daily at 14:00",
            time_zone="UTC+08:00",
            retention_duration_days=-1,
            max_backups=14,
            day_backups=7,
            week_backups=4,
            month_backups=3,
            year_backups=1,
            full_backup_interval=10,
        )
    )

    request = only(wire.sent_to("cbr", "PUT"))
    assert request.path == f"/v3/{PROJECT}/policies/{policy_id}"
    assert_is_json(request)
    assert request.json == {
        "policy": {
            "name": "nightly_02",
            "enabled": False,
            "operation_definition": {
                "retention_duration_days": -1,
                "max_backups": 14,
                "day_backups": 7,
                "week_backups": 4,
                "month_backups": 3,
                "year_backups": 1,
                "timezone": "UTC+08:00",
                "full_backup_interval": 10,
            },
            "trigger": {"properties": {"pattern": ["FREQ=DAILY;INTERVAL=1;BYHOUR=6;BYMINUTE=00"]}},
        }
    }
    assert (result["name"], result["enabled"]) == ("nightly_02", False)


def test_updating_one_field_of_a_cbr_policy_sends_only_that_and_the_rest_stays(wire: Wire) -> None:
    create = CbrCreatePolicyOperator(task_id="create", name="nightly", schedule="daily at 02:00", max_backups=7)
    policy_id = result_of(create)["policy_id"]

    result = result_of(CbrUpdatePolicyOperator(task_id="update", policy_id=policy_id, enabled=False))

    assert only(wire.sent_to("cbr", "PUT")).json == {"policy": {"enabled": False}}
    assert result["policy"]["operation_definition"]["max_backups"] == 7

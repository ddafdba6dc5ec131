"""Logs of tasks say what is asked of the cloud before it is asked, and name resource, backup and connection."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.cbr import CbrCreatePolicyOperator, CbrUpdatePolicyOperator
from airflow_provider_backup.operators.csbs import CsbsCreatePolicyOperator, CsbsGetPolicyOperator
from airflow_provider_backup.operators.vbs import VbsCreatePolicyOperator
from airflow_provider_backup.tasks.outcome import ReportsOutcome
from tests.airflow.conftest import CONNECTION
from tests.airflow.restorable import RESTORE, Restorable
from tests.airflow.service_matrix import DELETE, NAMED, SENSORS, SERVICES, create_operator, let_time_pass, taken
from tests.airflow.task_runs import Deferred, TaskRun

UNKNOWN = "00000000-0000-4000-8000-000000000000"
DAILY = "daily at 02:00"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Return a function that returns the lines that tasks logged, also on Airflow 3."""
    monkeypatch.setattr(ReportsOutcome, "log", logging.getLogger("task"), raising=False)
    caplog.set_level(logging.INFO, "task")

    def told() -> list[str]:
        # Airflow itself uses the task's logger, too: it warns that a test is no task runner.
        ours = (each for each in caplog.records if each.name == "task" and "/airflow_provider_backup/" in each.pathname)
        return [each.getMessage() for each in ours]

    return told


@pytest.fixture
def other_connection(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> str:
    """A connection to the local cloud with an id that stands out."""
    monkeypatch.setenv("AIRFLOW_CONN_BACKUPS_OF_TEAM_1", cloud.connection_json())
    return "backups_of_team_1"


TARGETS = ("vault_id", "policy_id", "volume_id", "instance_id")
"""Arguments that say what is backed up."""


@pytest.fixture
def silence(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to an address on which no server listens."""
    connection = {**json.loads(cloud.connection_json(attempts=1)), "host": "http://127.0.0.1:9/v3"}
    monkeypatch.setenv(CONNECTION, json.dumps(connection))


def named(operator: Any) -> str:
    """Return what a task backs up."""
    argument = next(name for name in operator.template_fields if name in TARGETS)
    return f"{argument} {getattr(operator, argument)}"


@pytest.mark.parametrize("service", SERVICES)
def test_the_log_names_resource_and_connection_before_a_backup_is_asked_for(
    cloud: RunningCloud, lines: Callable[[], list[str]], other_connection: str, service: str
) -> None:
    operator = create_operator(cloud, service, deferrable=False, huaweicloud_conn_id=other_connection)
    before = len(lines())
    TaskRun(operator).run()
    taking, sending, started = lines()[before : before + 3]
    assert taking == f"Backing up {named(operator)} (connection {other_connection!r})."
    assert sending.startswith(f"Sending the request for a backup of {named(operator)}")
    assert sending.endswith(f" (connection {other_connection!r}).")
    assert started.startswith(f"Started {service} ")
    assert started.endswith(f" for {named(operator)}.")


@pytest.mark.parametrize("service", NAMED)
def test_the_log_has_the_name_of_a_backup_before_it_is_requested_and_when_it_is_terminal(
    cloud: RunningCloud, lines: Callable[[], list[str]], service: str
) -> None:
    TaskRun(create_operator(cloud, service, deferrable=False, name="nightly")).run()
    assert any(line.startswith("Sending the request") and " named 'nightly' " in line for line in lines())
    assert "'nightly" in lines()[-1]


@pytest.mark.parametrize("service", SERVICES)
def test_the_last_line_names_the_backup_and_its_resources_after_a_deferral(
    cloud: RunningCloud, lines: Callable[[], list[str]], service: str
) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, service))
    ended = run.execute()
    assert isinstance(ended, Deferred)
    let_time_pass(cloud)
    result = run.finish(ended)
    last = lines()[-1]
    assert last.startswith(f"{service} {result['kind']} {result['backup_id']} ")
    assert all(resource_id in last for resource_id in result["resource_ids"])
    assert result["name"] is None or repr(result["name"]) in last


@pytest.mark.parametrize("service", SERVICES)
def test_the_line_of_a_wait_names_the_connection(
    cloud: RunningCloud, lines: Callable[[], list[str]], other_connection: str, service: str
) -> None:
    cloud.set_backup_seconds(3600)
    TaskRun(create_operator(cloud, service, huaweicloud_conn_id=other_connection)).execute()
    assert lines()[-1].endswith(f" UTC (connection {other_connection!r}).")
    assert "; waiting until " in lines()[-1]


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("service", SERVICES)
def test_a_sensor_says_what_it_waits_for_and_over_which_connection(
    cloud: RunningCloud, lines: Callable[[], list[str]], other_connection: str, service: str, deferrable: bool
) -> None:
    backup = taken(cloud, service, wait=True)
    before = len(lines())
    sensor = SENSORS[service](
        task_id="wait", backup=backup, deferrable=deferrable, huaweicloud_conn_id=other_connection
    )
    TaskRun(sensor).run()
    what = f"{service} {backup['kind']} {backup['backup_id']}"
    assert lines()[before] == f"Waiting for {what} (connection {other_connection!r})."


@pytest.mark.parametrize("service", SERVICES)
def test_a_deletion_says_what_it_deletes_and_over_which_connection(
    cloud: RunningCloud, lines: Callable[[], list[str]], other_connection: str, service: str
) -> None:
    backup = taken(cloud, service, wait=True)
    before = len(lines())
    delete = DELETE[service](task_id="delete", backup=backup, poll_interval=0.05, huaweicloud_conn_id=other_connection)
    TaskRun(delete).run()
    what = f"{service} {backup['kind']} {backup['backup_id']}"
    assert lines()[before] == f"Deleting {what} (connection {other_connection!r})."


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("service", RESTORE)
def test_the_log_of_a_restore_names_it_at_its_begin_and_at_its_end(
    cloud: RunningCloud, lines: Callable[[], list[str]], service: str, deferrable: bool
) -> None:
    made = Restorable(cloud, service)
    before = len(lines())
    made.run(deferrable=deferrable).run()
    what = f"{service} backup {made.backup['backup_ids'][0]}"
    assert re.match(rf"Restoring ({made.resource_id}|what was backed up) from {service} ", lines()[before])
    assert lines()[-1].startswith(f"restore of {what}")


@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize(
    ("operator", "line"),
    [
        (
            VbsCreatePolicyOperator(task_id="policy", name="disks", schedule=DAILY, retention_num=5),
            "Creating VBS policy disks (",
        ),
        (CsbsCreatePolicyOperator(task_id="policy", name="servers", schedule=DAILY), "Creating CSBS policy servers ("),
        (CbrCreatePolicyOperator(task_id="policy", name="vaults", schedule=DAILY), "Creating CBR policy vaults ("),
        (
            CbrUpdatePolicyOperator(task_id="policy", policy_id=UNKNOWN, max_backups=5),
            f"Changing operation_definition of CBR policy {UNKNOWN} (",
        ),
        (CsbsGetPolicyOperator(task_id="policy", policy_id=UNKNOWN), f"Reading CSBS policy {UNKNOWN} ("),
        (DELETE["vbs"](task_id="delete", backup_id=UNKNOWN), f"Deleting vbs backup {UNKNOWN} ("),
        (SENSORS["cbr"](task_id="wait", checkpoint_id=UNKNOWN, timeout=0), f"Waiting for cbr checkpoint {UNKNOWN} ("),
    ],
    ids=lambda value: value.__class__.__name__ if not isinstance(value, str) else "",
)
def test_a_line_is_written_before_anything_is_sent(lines: Callable[[], list[str]], operator: Any, line: str) -> None:
    with pytest.raises(Exception, match="127.0.0.1|[Tt]imed out"):
        TaskRun(operator).run()
    assert lines()[0].startswith(line)
    assert "connection 'huaweicloud_backup_default'" in lines()[0]


def test_a_region_and_a_project_of_the_task_itself_are_named(
    cloud: RunningCloud, lines: Callable[[], list[str]]
) -> None:
    operator = create_operator(cloud, "rds", deferrable=False, region="eu-de", project_id="0" * 32)
    with pytest.raises(Exception, match="."):
        TaskRun(operator).run()
    place = f"connection 'huaweicloud_backup_default', region 'eu-de', project '{'0' * 32}'"
    assert lines()[0] == f"Backing up {named(operator)} ({place})."


def test_a_request_that_is_repeated_while_a_resource_is_busy_is_announced_once(
    cloud: RunningCloud, lines: Callable[[], list[str]]
) -> None:
    cloud.set_backup_seconds(0.6)
    taken(cloud, "rds", name="another")
    before = len(lines())
    TaskRun(create_operator(cloud, "rds", deferrable=False)).run()
    assert sum(line.startswith("Sending the request") for line in lines()[before:]) == 1

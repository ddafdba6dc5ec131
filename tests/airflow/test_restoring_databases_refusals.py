"""What is not restored: every wrong argument of a database restore has a clear error before anything is sent."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, NotFoundError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError, UnknownConnectionError
from airflow_provider_backup.operators.rds import RdsRestoreInstanceOperator
from tests.airflow.conftest import CONNECTION
from tests.airflow.restorable_instances import (
    ADMINISTRATOR,
    RESTORE_INSTANCE,
    RestorableInstance,
    set_password,
)
from tests.airflow.service_matrix import resources, taken

IN_PLACE: dict[str, Any] = {"target_instance_id": "target", "overwrite": True}
NEW: dict[str, Any] = {"new_instance_name": "rehearsal", "like": "source", "password_conn_id": ADMINISTRATOR}
BACKUP: dict[str, Any] = {"backup_id": "backup", "source_instance_id": "source"}


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    set_password(monkeypatch)


@pytest.fixture(params=RESTORE_INSTANCE)
def made(cloud: RunningCloud, request: pytest.FixtureRequest) -> RestorableInstance:
    return RestorableInstance(cloud, request.param)


@pytest.fixture
def rds(cloud: RunningCloud) -> RestorableInstance:
    return RestorableInstance(cloud, "rds")


# ------------------------------------------------------------------------------------------ while a DAG is parsed


@pytest.mark.parametrize("service", RESTORE_INSTANCE)
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (IN_PLACE, "backup: give exactly one of backup, backup_id, and restore_time"),
        ({**IN_PLACE, **BACKUP, "backup": {"backup_id": "backup"}}, "backup: give exactly one of backup, backup_id"),
        ({**IN_PLACE, **BACKUP, "restore_time": "latest"}, "restore_time: must not be given together with backup_id"),
        ({**IN_PLACE, "restore_time": "latest"}, "source_instance_id: must be given with restore_time"),
        (BACKUP, "target_instance_id: give exactly one of target_instance_id.* and new_instance_name"),
        ({**BACKUP, **IN_PLACE, "new_instance_name": "rehearsal"}, "target_instance_id: give exactly one of"),
        ({**BACKUP, "target_instance_id": "target"}, "overwrite: must be True"),
        ({**BACKUP, **IN_PLACE, "overwrite": "True"}, "overwrite: must be True"),
        ({**BACKUP, **IN_PLACE, "like": "source"}, "like: is for a new instance"),
        ({**BACKUP, **IN_PLACE, "flavor_ref": "flavor"}, "flavor_ref: is for a new instance"),
        ({**BACKUP, **IN_PLACE, "password_conn_id": "admin"}, "password_conn_id: is for a new instance"),
        ({**BACKUP, **IN_PLACE, "on_uncertain": "perhaps"}, "on_uncertain: must be one of fail, repeat"),
        ({**BACKUP, **NEW, "new_instance_name": "1st"}, "new_instance_name: must be 1 to 49 characters"),
        ({**BACKUP, **NEW, "new_instance_name": "a" * 50}, "new_instance_name: must be 1 to 49 characters"),
        ({**BACKUP, **NEW, "keep_days": 733}, "keep_days"),
        ({**BACKUP, **NEW, "keep_days": "many"}, "keep_days"),
        ({**BACKUP, **NEW, "vpc_id": ""}, "vpc_id"),
        ({**BACKUP, **NEW, "new_instance_fields": {"colour": "red"}}, "colour: is not a field of this request"),
        ({**BACKUP, **NEW, "new_instance_fields": {"password": "x"}}, "the password comes from password_conn_id only"),
        ({**BACKUP, **NEW, "new_instance_fields": ["flavor_ref"]}, "new_instance_fields: must be a mapping"),
    ],
)
def test_wrong_arguments_are_refused_while_the_dag_is_parsed(
    service: str, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        RESTORE_INSTANCE[service](task_id="restore", **arguments)


@pytest.mark.parametrize(
    "moment", [datetime.fromisoformat("2026-04-02T09:15"), "2026-04-02T09:15:07", "2026-04-02", "yesterday", 5, ""]
)
def test_a_time_without_a_zone_is_refused(moment: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"restore_time: must (have a time zone|be a time in ISO 8601)"):
        RdsRestoreInstanceOperator(task_id="restore", restore_time=moment, source_instance_id="source", **IN_PLACE)


@pytest.mark.parametrize("service", ["gaussdb", "taurusdb"])
def test_a_new_instance_needs_a_password_where_the_service_requires_one(service: str) -> None:
    with pytest.raises(InvalidRequestError, match="password_conn_id: must be given"):
        RESTORE_INSTANCE[service](task_id="restore", **BACKUP, new_instance_name="rehearsal")


def test_rds_needs_the_instance_of_a_backup_that_is_given_by_its_id() -> None:
    with pytest.raises(InvalidRequestError, match="source_instance_id: must be given with backup_id"):
        RdsRestoreInstanceOperator(task_id="restore", backup_id="backup", new_instance_name="rehearsal")


@pytest.mark.parametrize(
    ("service", "arguments", "text"),
    [
        ("rds", {"volume": {"type": "CLOUDSSD", "size": 45}}, "volume.size"),
        ("rds", {"volume": {"size": 40}}, "volume.type: must be given"),
        ("rds", {"port": 0}, "port"),
        ("rds", {"ha": {"mode": "Single"}}, "ha"),
        ("rds", {"tags": "team"}, "tags"),
        ("gaussdb", {"volume": {"type": "ULTRAHIGH", "size": 50}}, "volume.size"),
        ("gaussdb", {"availability_zone": "one,two"}, "availability_zone: must be three zones"),
        ("taurusdb", {"slave_count": -1}, "slave_count"),
        ("taurusdb", {"availability_zone_mode": "triple"}, "availability_zone_mode"),
    ],
)
def test_wrong_fields_of_a_new_instance_are_refused_while_the_dag_is_parsed(
    service: str, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        RESTORE_INSTANCE[service](task_id="restore", **BACKUP, **NEW, **arguments)


@pytest.mark.parametrize("service", RESTORE_INSTANCE)
def test_a_backup_of_another_service_is_refused(service: str) -> None:
    with pytest.raises(InvalidArgumentError, match="The backup belongs to 'vbs', not to"):
        RESTORE_INSTANCE[service](task_id="restore", backup={"service": "vbs", "backup_id": "backup"}, **IN_PLACE)


# ----------------------------------------------------------------------------------------------- when a task runs


@pytest.mark.parametrize("argument", ["target_instance_id", "backup", "source_instance_id"])
def test_an_argument_whose_template_has_no_value_sends_nothing(made: RestorableInstance, argument: str) -> None:
    given: dict[str, Any] = {argument: "{{ value }}"}
    run = made.run(**given)
    setattr(run.operator, argument, None)

    with pytest.raises(InvalidArgumentError, match=f"Nothing was sent: {argument} is given, but .* has no value"):
        run.run()

    assert made.requests == 0


def test_a_time_that_a_template_leaves_without_a_zone_sends_nothing(made: RestorableInstance) -> None:
    run = made.run(restore_time="{{ value }}", source_instance_id=made.instance_id)
    run.operator.restore_time = "2026-04-02T09:15:07"

    with pytest.raises(InvalidArgumentError, match="restore_time: must have a time zone"):
        run.run()


def test_a_deleted_backup_sends_nothing(made: RestorableInstance) -> None:
    del made.cloud.state.table(f"{made.service}.backups")[made.backup["backup_id"]]

    with pytest.raises(NotFoundError, match="the backup may have been deleted"):
        made.run().run()

    assert made.requests == 0


def test_a_failed_backup_sends_nothing(made: RestorableInstance) -> None:
    made.cloud.fail_next_backup(made.service, "disk full")
    failed = taken(made.cloud, made.service, instance_id=made.instance_id)
    made.cloud.state.advance_clock(10)

    with pytest.raises(InvalidArgumentError, match="must be a good backup; this one is FAILED"):
        made.run(backup=failed).run()

    assert made.requests == 0


@pytest.mark.parametrize("arguments", [{}, {"new_instance_name": "rehearsal", "like": "0" * 32 + "in01"}])
def test_an_instance_that_does_not_exist_sends_nothing(made: RestorableInstance, arguments: dict[str, Any]) -> None:
    target: dict[str, Any] = {} if arguments else {"target_instance_id": "0" * 32 + "in01"}

    with pytest.raises(NotFoundError):
        made.run(**target, **arguments).run()

    assert (made.requests, made.creations) == (0, 0)


def test_another_engine_sends_nothing(rds: RestorableInstance) -> None:
    _, postgresql, _, _ = resources(rds.cloud, "rds_instances")

    with pytest.raises(InvalidArgumentError, match="target_instance_id: must be an instance of the engine .* MySQL"):
        rds.run(target_instance_id=postgresql).run()

    assert rds.requests == 0


def test_a_smaller_storage_sends_nothing(rds: RestorableInstance) -> None:
    _, _, _, small = resources(rds.cloud, "rds_instances")

    with pytest.raises(InvalidArgumentError, match="its storage .40 GB. must not be smaller"):
        rds.run(target_instance_id=small).run()
    with pytest.raises(InvalidArgumentError, match="volume: must not be smaller than .* 200 GB"):
        rds.run(new_instance_name="rehearsal", volume={"type": "CLOUDSSD", "size": 100}).run()

    assert (rds.requests, rds.creations) == (0, 0)


def test_sql_server_needs_its_databases(cloud: RunningCloud) -> None:
    made = RestorableInstance(cloud, "rds", "SQLServer")

    with pytest.raises(InvalidArgumentError, match="databases: SQL Server needs the databases to restore"):
        made.run().run()
    assert made.requests == 0

    made.run(restore_all_databases=True).run()
    assert made.content == 1


@pytest.mark.parametrize("databases", [["crm"], {"crm": "crm_old"}])
def test_databases_of_sql_server_can_be_named(cloud: RunningCloud, databases: Any) -> None:
    made = RestorableInstance(cloud, "rds", "SQLServer")

    made.run(databases=databases).run()

    assert made.content == 1


def test_databases_of_another_engine_send_nothing(rds: RestorableInstance) -> None:
    with pytest.raises(InvalidArgumentError, match="only SQL Server restores single databases; MySQL would overwrite"):
        rds.run(databases=["orders"]).run()

    assert rds.requests == 0


def test_postgresql_in_place_is_warned_of_and_left_to_the_service(
    cloud: RunningCloud, caplog: pytest.LogCaptureFixture
) -> None:
    made = RestorableInstance(cloud, "rds", "PostgreSQL")

    made.run().run()

    assert "is PostgreSQL and restored to itself: not every cloud offers that" in caplog.text
    assert made.content == 1


def test_zones_of_a_gaussdb_instance_in_two_zones_have_to_be_given(cloud: RunningCloud) -> None:
    made = RestorableInstance(cloud, "gaussdb")

    with pytest.raises(InvalidArgumentError, match="availability_zone: must be three zones"):
        made.run(new_instance_name="rehearsal", availability_zone=None).run()

    assert made.creations == 0


def test_a_source_that_exists_no_more_needs_an_instance_to_be_like(rds: RestorableInstance) -> None:
    del rds.rows[rds.instance_id]

    with pytest.raises(InvalidArgumentError, match="like: must be given: instance .* exists no more"):
        rds.run(new_instance_name="rehearsal").run()
    assert rds.creations == 0

    *_, other = resources(rds.cloud, "rds_instances")
    volume = {"type": "CLOUDSSD", "size": 200}
    result = rds.run(new_instance_name="rehearsal", like=other, volume=volume).run()
    assert rds.cloud.content(result["instance_id"]) == 1


@pytest.mark.parametrize(
    ("service", "arguments", "kind"),
    [
        ("gaussdb", {}, "to an existing instance"),
        ("taurusdb", {}, "to an existing instance"),
        ("taurusdb", {"new_instance_name": "rehearsal"}, "to a new instance"),
    ],
)
def test_what_open_telekom_cloud_does_not_offer_sends_nothing(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str, arguments: dict[str, Any], kind: str
) -> None:
    made = RestorableInstance(cloud, service)
    _on_open_telekom_cloud(cloud, monkeypatch)

    with pytest.raises(InvalidArgumentError, match=f"Open Telekom Cloud does not restore .* {kind}"):
        made.run(**arguments).run()

    assert (made.requests, made.creations) == (0, 0)


def test_open_telekom_cloud_requires_a_password(rds: RestorableInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    _on_open_telekom_cloud(rds.cloud, monkeypatch)

    with pytest.raises(InvalidArgumentError, match="password_conn_id: must be given: Open Telekom Cloud"):
        rds.run(new_instance_name="rehearsal", password_conn_id=None).run()


def test_a_connection_without_password_sends_nothing(made: RestorableInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    set_password(monkeypatch, None)

    with pytest.raises(InvalidArgumentError, match=r"'database_admin' \(password_conn_id\) has no password"):
        made.run(new_instance_name="rehearsal").run()

    assert made.creations == 0


def test_an_unknown_connection_of_the_password_sends_nothing(made: RestorableInstance) -> None:
    with pytest.raises(UnknownConnectionError, match="'nobody'.*correct password_conn_id"):
        made.run(new_instance_name="rehearsal", password_conn_id="nobody").run()

    assert made.creations == 0


def test_what_the_service_refuses_is_submitted_by_a_retry(made: RestorableInstance) -> None:
    made.misbehave("refuse", status=403, code="APIGW.0302", count=1)
    run = made.run(retries=1)
    with pytest.raises(BackupError, match=r"APIGW\.0302"):
        run.run()

    run.retry()
    run.run()

    assert (made.restores, made.content) == (1, 1)


def _on_open_telekom_cloud(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = json.loads(cloud.connection_json(with_access_key=True))
    connection["extra"]["cloud"] = "otc"
    monkeypatch.setenv(CONNECTION, json.dumps(connection))

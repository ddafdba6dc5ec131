"""Restoring tables and databases of RDS to new names with the operator: submitted once, refused early."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, ResourceBusyError
from airflow_provider_backup.cloud.limits import override_limits
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError, InvalidArgumentError, UnprovenSubmissionError
from airflow_provider_backup.operators.rds import RdsRestoreTablesOperator
from tests.airflow.service_matrix import finish_backups, taken
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore

MYSQL_ROUTE = "/v3.1/{project_id}/instances/{instance_id}/restore/tables"
BATCH_ROUTE = "/v3/{project_id}/instances/batch/restore/"
MYSQL_TABLES = {"shop": {"orders": "orders_before", "items": "items_before"}}
POSTGRESQL_TABLES = {"billing": {"public": {"invoices": "invoices_before"}}}
DATABASES = {"shop": "shop_before"}
WHAT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "tables of MySQL": ("MySQL", MYSQL_ROUTE, {"tables": MYSQL_TABLES, "is_fast": True}),
    "tables of PostgreSQL": ("PostgreSQL", f"{BATCH_ROUTE}tables", {"tables": POSTGRESQL_TABLES}),
    "databases of MySQL": ("MySQL", f"{BATCH_ROUTE}databases", {"databases": DATABASES}),
    "databases of PostgreSQL": ("PostgreSQL", f"{BATCH_ROUTE}databases", {"databases": DATABASES}),
}


@pytest.fixture(autouse=True)
def _statuses_without_delay() -> Iterator[None]:
    with override_limits(longest_status_delay=0.0):
        yield


class Restorable:
    """An RDS instance with tables.

    :param cloud: the local cloud.
    :param what: what of it is restored, a key of ``WHAT``.
    """

    def __init__(self, cloud: RunningCloud, what: str) -> None:
        self.cloud = cloud
        engine, self.route, self.arguments = WHAT[what]
        rows = cloud.state.table("inventory.rds_instances").values()
        self.instance_id = next(row["id"] for row in rows if row["engine"] == engine)

    def run(self, *, with_store: bool = True, run_id: str = "manual__1", **arguments: Any) -> TaskRun:
        usual = {"instance_id": self.instance_id, "restore_time": "latest", "poll_interval": 0.05, "deferrable": False}
        operator = RdsRestoreTablesOperator(task_id="restore", **{**usual, **self.arguments, **arguments})
        return TaskRun(operator, run_id=run_id, store=TaskStateStore() if with_store else None)

    @property
    def requests(self) -> int:
        """How many restores were requested."""
        return self.cloud.requests["rds", "POST", self.route]

    @property
    def window(self) -> tuple[datetime, datetime]:
        """A time in a restore window, and one in none."""
        now = self.cloud.state.now()
        return now - timedelta(hours=1), now + timedelta(hours=1)


@pytest.fixture(params=WHAT)
def made(cloud: RunningCloud, request: pytest.FixtureRequest) -> Restorable:
    return Restorable(cloud, request.param)


@pytest.fixture
def mysql(cloud: RunningCloud) -> Restorable:
    return Restorable(cloud, "tables of MySQL")


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_restore_is_submitted_once_and_waited_for(made: Restorable, deferrable: bool) -> None:
    made.cloud.set_backup_seconds(0.4)

    result = made.run(deferrable=deferrable).run()

    assert made.requests == 1
    assert (result["instance_id"], result["operation"], result["is_new"]) == (made.instance_id, "restore", False)
    assert result["job_id"] in made.cloud.state.table("rds.jobs")
    assert result["source"]["instance_id"] == made.instance_id
    assert datetime.fromisoformat(result["source"]["restore_time"]).tzinfo


def test_the_moment_that_the_author_names_is_restored(made: Restorable) -> None:
    moment, _ = made.window

    result = made.run(restore_time=moment.isoformat()).run()

    restored = datetime.fromisoformat(result["source"]["restore_time"])
    assert abs(restored - moment) < timedelta(milliseconds=1)


def test_a_restore_that_fails_fails_the_task_with_its_reason(made: Restorable) -> None:
    made.cloud.plan_outcome("rds.restore", reason="the table is gone")

    with pytest.raises(BackupFailedError, match="the table is gone.*under their new names"):
        made.run().run()


# ------------------------------------------------------------------------------------------------------------ retries


def test_a_retry_adopts_the_restore_that_is_recorded(made: Restorable) -> None:
    made.cloud.set_backup_seconds(3600)
    run = made.run(deferrable=True)
    first = run.execute()
    run.retry()

    again = run.execute()

    assert isinstance(first, Deferred)
    assert isinstance(again, Deferred)
    assert again.trigger_arguments["reference"]["job_id"] == first.trigger_arguments["reference"]["job_id"]
    assert made.requests == 1
    finish_backups(made.cloud)
    assert run.finish(again)["instance_id"] == made.instance_id


@pytest.mark.parametrize("with_store", [True, False])
def test_a_lost_answer_is_never_sent_again_without_proof(made: Restorable, with_store: bool) -> None:
    made.cloud.misbehave("close_after", service="rds", method="POST", route=made.route, count=1)
    run = made.run(with_store=with_store)
    with pytest.raises(BackupError):
        run.execute()
    run.retry()

    with pytest.raises(UnprovenSubmissionError, match="may have submitted a restore of (tables|databases) of"):
        run.execute()

    assert made.requests == 1


def test_an_uncertain_restore_is_repeated_by_choice(mysql: Restorable) -> None:
    mysql.cloud.misbehave("close_after", service="rds", method="POST", route=mysql.route, count=1)
    run = mysql.run(on_uncertain="repeat")
    with pytest.raises(BackupError):
        run.execute()
    run.retry()

    assert run.execute()["instance_id"] == mysql.instance_id
    assert mysql.requests == 2


# ------------------------------------------------------------------------------------------------------------- refused


def test_a_time_outside_of_the_windows_is_refused_before_anything_is_sent(made: Restorable) -> None:
    _, outside = made.window

    with pytest.raises(InvalidArgumentError, match="restore_time: must be in a restore window"):
        made.run(restore_time=outside).execute()

    assert made.requests == 0


@pytest.mark.parametrize(
    ("what", "arguments", "rule"),
    [
        ("tables of MySQL", {"tables": POSTGRESQL_TABLES, "is_fast": None}, "tables of PostgreSQL are given as"),
        ("tables of PostgreSQL", {"tables": MYSQL_TABLES}, "tables of MySQL are given as"),
    ],
)
def test_tables_in_the_form_of_another_engine_are_refused(
    cloud: RunningCloud, what: str, arguments: dict[str, Any], rule: str
) -> None:
    made = Restorable(cloud, what)

    with pytest.raises(InvalidArgumentError, match=rule):
        made.run(**arguments).execute()

    assert made.requests == 0


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({}, "give exactly one of tables and databases"),
        ({"tables": MYSQL_TABLES, "databases": DATABASES}, "give exactly one of tables and databases"),
        ({"tables": {}}, "restore_tables"),
        ({"tables": {"shop": {}}}, "tables"),
        ({"tables": {"shop": "orders"}}, "must be a mapping of names to new names"),
        ({"tables": {"shop": {"orders": "orders"}}}, "must differ from old_name"),
        ({"tables": {"shop": {"orders": ""}}}, "new_name"),
        ({"tables": POSTGRESQL_TABLES, "is_fast": True}, "is_fast_restore: is not a field"),
        ({"databases": {"shop": "shop"}}, "must differ from old_name"),
        ({"databases": ["shop"]}, "must be a mapping of names to new names"),
        ({"databases": {}}, "databases"),
        ({"databases": DATABASES, "restore_time": "2031-04-02T09:15:07"}, "must have a time zone"),
        ({"databases": DATABASES, "restore_time": "yesterday"}, "must be a time in ISO 8601"),
        ({"databases": DATABASES, "instance_id": ""}, "instance_id: must be an id"),
        ({"databases": DATABASES, "on_uncertain": "adopt"}, "on_uncertain: must be one of"),
    ],
)
def test_wrong_arguments_are_refused_while_the_dag_is_parsed(arguments: dict[str, Any], rule: str) -> None:
    usual = {"instance_id": "instance", "restore_time": "latest"}
    with pytest.raises(InvalidRequestError, match=rule):
        RdsRestoreTablesOperator(task_id="restore", **{**usual, **arguments})


def test_open_telekom_cloud_has_none_of_it(mysql: Restorable, monkeypatch: pytest.MonkeyPatch) -> None:
    run = mysql.run()
    operation_of = run.operator.operation_of

    def on_otc(cloud: Any) -> Any:
        operation = operation_of(cloud)
        operation._cloud = "otc"
        return operation

    monkeypatch.setattr(run.operator, "operation_of", on_otc)

    with pytest.raises(InvalidArgumentError, match="Open Telekom Cloud restores whole instances only"):
        run.execute()


def test_a_busy_instance_fails_the_task_by_choice(mysql: Restorable) -> None:
    mysql.cloud.set_backup_seconds(3600)
    taken(mysql.cloud, "rds", instance_id=mysql.instance_id)

    with pytest.raises(ResourceBusyError):
        mysql.run(on_conflict="fail").execute()

    assert mysql.requests == 0


def test_a_busy_instance_is_waited_for(mysql: Restorable) -> None:
    mysql.cloud.set_backup_seconds(3600)
    taken(mysql.cloud, "rds", instance_id=mysql.instance_id)
    run = mysql.run(deferrable=True)
    waiting = run.execute()
    assert isinstance(waiting, Deferred)
    assert waiting.is_for_conflict
    finish_backups(mysql.cloud)
    mysql.cloud.set_backup_seconds(0.05)

    assert run.finish(waiting)["instance_id"] == mysql.instance_id

"""Rehearsals of restores in whole DAG runs: what is restored, checked, and deleted whatever happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, task, task_group

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.gaussdb import GaussDbGetLatestBackupOperator
from airflow_provider_backup.operators.rds import RdsGetLatestBackupOperator
from airflow_provider_backup.operators.taurusdb import TaurusDbGetLatestBackupOperator
from airflow_provider_backup.operators.vbs import VbsGetLatestBackupOperator
from airflow_provider_backup.task_groups.rehearsal_task_group import RehearsalTaskGroup
from airflow_provider_backup.task_groups.restore_rehearsal import restore_rehearsal
from airflow_provider_backup.task_groups.wrapped_work import WrappedWork
from tests.airflow.dag_runs import TaskEnd, run_dag
from tests.airflow.restorable_instances import ADMINISTRATOR, set_password
from tests.airflow.service_matrix import DATABASES, taken

LATEST: dict[str, Any] = {
    "rds": RdsGetLatestBackupOperator,
    "gaussdb": GaussDbGetLatestBackupOperator,
    "taurusdb": TaurusDbGetLatestBackupOperator,
}
INSTANCE = "bff3e448677a5dfa8a8fb630a6a3225cin01"
USUAL: dict[str, Any] = {"backup": RdsGetLatestBackupOperator, "backup_args": {"instance_id": INSTANCE}}

pytestmark = pytest.mark.usefixtures("airflow_database")


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    set_password(monkeypatch)


@pytest.fixture
def dag(request: pytest.FixtureRequest) -> DAG:
    """A DAG with the name of the test."""
    name: str = request.node.name
    return DAG(dag_id="".join(each if each.isalnum() else "_" for each in name), schedule=None)


def rehearsal_of(cloud: RunningCloud, service: str = "rds", **arguments: Any) -> WrappedWork[RehearsalTaskGroup]:
    """Return a rehearsal with the first instance of a service."""
    waiting = {"poll_interval": 0.05, "deferrable": False}
    zones = {"availability_zone": "eu-de-01,eu-de-02,eu-de-03"} if service == "gaussdb" else {}
    return restore_rehearsal(
        arguments.pop("group_id", "rehearsal"),
        backup=LATEST[service],
        backup_args={"instance_id": instances(cloud, service)[0], **arguments.pop("backup_args", {})},
        restore_args={"password_conn_id": ADMINISTRATOR, **waiting, **zones, **arguments.pop("restore_args", {})},
        delete_args={**waiting, **arguments.pop("delete_args", {})},
        **arguments,
    )


def instances(cloud: RunningCloud, service: str = "rds") -> list[str]:
    """Return the ids of the instances that exist."""
    return list(cloud.state.table(f"inventory.{service}_instances"))


def content_check(cloud: RunningCloud, expected: int, **arguments: Any) -> Callable[..., Any]:
    """Return a check of the content of the restored instance."""

    @task(task_id="content", **arguments)
    def content(restored: dict[str, Any], host: str, port: int) -> str:
        found = cloud.content(restored["instance_id"])
        if found != expected:
            raise ValueError(f"version {found}")
        return f"{host}:{port}"

    return content


def states(ends: dict[str, TaskEnd]) -> dict[str, str]:
    """Return the states of the tasks, without the prefix of the group."""
    return {name.removeprefix("rehearsal."): end.state for name, end in ends.items()}


GOOD = {"backup": "success", "restore": "success", "content": "success", "delete": "success", "outcome": "success"}


@pytest.mark.parametrize("service", DATABASES)
def test_the_newest_backup_is_restored_checked_and_its_instance_deleted(
    cloud: RunningCloud, dag: DAG, service: str
) -> None:
    before = instances(cloud, service)
    taken(cloud, service, wait=True, task_id="older", instance_id=before[0])
    cloud.change_content(before[0], 2)
    newest = taken(cloud, service, wait=True, task_id="newest", instance_id=before[0])
    cloud.change_content(before[0], 3)
    with dag, rehearsal_of(cloud, service) as rehearsal:
        content_check(cloud, 2)(rehearsal.restore.output, rehearsal.host, rehearsal.port)
    ends = run_dag(dag)
    assert states(ends) == GOOD
    result = ends["rehearsal.outcome"].result
    assert result["passed"] is True
    assert result["backup"]["backup_id"] == newest["backup_id"]
    assert result["age_seconds"] >= 0
    assert result["restore_seconds"] >= 0
    assert result["checks"] == {"rehearsal.content": "success"}
    assert result["deleted"] is True
    assert result["instance_id"] not in before
    restored = ends["rehearsal.restore"].result
    assert ends["rehearsal.content"].result == f"{restored['host']}:{restored['port']}"
    assert restored["instance_name"].startswith("rehearsal-")
    assert instances(cloud, service) == before
    assert cloud.content(before[0]) == 3


def test_the_instance_is_deleted_and_the_rehearsal_fails_when_a_check_fails(cloud: RunningCloud, dag: DAG) -> None:
    before = instances(cloud)
    taken(cloud, "rds", wait=True)
    with dag, rehearsal_of(cloud) as rehearsal:
        content_check(cloud, 99)(rehearsal.restore.output, rehearsal.host, rehearsal.port)
    ends = run_dag(dag)
    assert states(ends) == {**GOOD, "content": "failed", "outcome": "failed"}
    assert ends["rehearsal.outcome"].tries == 1
    assert "checks failed (rehearsal.content)" in ends["rehearsal.outcome"].result["message"].lower()
    assert ends["rehearsal.outcome"].result["deleted"] is True
    assert instances(cloud) == before


def test_the_instance_is_deleted_when_its_restore_fails(cloud: RunningCloud, dag: DAG) -> None:
    before = instances(cloud)
    taken(cloud, "rds", wait=True)
    cloud.plan_outcome("rds.restore", reason="the array is on fire")
    with dag, rehearsal_of(cloud, default_args={"retries": 2}) as rehearsal:
        content_check(cloud, 1)(rehearsal.restore.output, rehearsal.host, rehearsal.port)
    ends = run_dag(dag)
    assert states(ends) == {**GOOD, "restore": "failed", "content": "upstream_failed", "outcome": "failed"}
    assert ends["rehearsal.restore"].tries == 1
    assert ends["rehearsal.outcome"].result["message"].startswith("The restore failed (rehearsal.restore)")
    assert instances(cloud) == before


def test_a_rehearsal_without_a_fresh_backup_fails_and_creates_nothing(cloud: RunningCloud, dag: DAG) -> None:
    before = instances(cloud)
    taken(cloud, "rds", wait=True)
    with dag, rehearsal_of(cloud, backup_args={"max_age": 0.001}) as rehearsal:
        content_check(cloud, 1)(rehearsal.restore.output, rehearsal.host, rehearsal.port)
    ends = run_dag(dag)
    assert states(ends)["restore"] == states(ends)["content"] == "upstream_failed"
    assert states(ends)["outcome"] == "failed"
    assert ends["rehearsal.outcome"].result["deleted"] is None
    assert "no backup to rehearse with" in ends["rehearsal.outcome"].result["message"]
    assert instances(cloud) == before


def test_a_rehearsal_may_be_skipped_without_a_fresh_backup(cloud: RunningCloud, dag: DAG) -> None:
    taken(cloud, "rds", wait=True)
    with dag, rehearsal_of(cloud, backup_args={"max_age": 0.001, "if_stale": "skip"}) as rehearsal:
        content_check(cloud, 1)(rehearsal.restore.output, rehearsal.host, rehearsal.port)
    assert set(states(run_dag(dag)).values()) == {"skipped"}


def test_a_rehearsal_that_leaves_its_instance_fails_and_names_it(cloud: RunningCloud, dag: DAG) -> None:
    taken(cloud, "rds", wait=True)
    cloud.plan_outcome("rds.instance_deletion", reason="the array is on fire")
    with dag, rehearsal_of(cloud) as rehearsal:
        content_check(cloud, 1)(rehearsal.restore.output, rehearsal.host, rehearsal.port)
    ends = run_dag(dag)
    assert states(ends) == {**GOOD, "delete": "failed", "outcome": "failed"}
    result = ends["rehearsal.outcome"].result
    assert result["deleted"] is False
    assert result["instance_id"] in result["message"]
    assert result["instance_id"] in instances(cloud)


def test_the_decorator_hands_host_port_and_result_to_the_function(cloud: RunningCloud, dag: DAG) -> None:
    taken(cloud, "rds", wait=True)
    with dag:

        @rehearsal_of(cloud, group_id=None)
        def rehearsal(host: Any = None, port: Any = None, restored: Any = None) -> None:
            content_check(cloud, 1)(restored, host, port)

        rehearsal()
    assert states(run_dag(dag)) == GOOD


def test_rehearsals_in_a_mapped_group_delete_their_own_instances(cloud: RunningCloud, dag: DAG) -> None:
    before = instances(cloud)
    for number, each in enumerate(before[:2]):
        taken(cloud, "rds", wait=True, task_id=f"before_{number}", instance_id=each)

    @task_group
    def rehearse(instance_id: str) -> None:
        with rehearsal_of(cloud, backup_args={"instance_id": instance_id}) as rehearsal:
            content_check(cloud, 1)(rehearsal.restore.output, rehearsal.host, rehearsal.port)

    with dag:
        rehearse.expand(instance_id=before[:2])
    ends = run_dag(dag)
    assert {end.state for end in ends.values()} == {"success"}
    results = [ends[f"rehearse.rehearsal.outcome[{index}]"].result for index in (0, 1)]
    assert [result["backup"]["resource_id"] for result in results] == before[:2]
    assert len({result["instance_id"] for result in results}) == 2
    assert instances(cloud) == before


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"backup": "rds"}, "backup: must be the class of an operator that finds the newest backup"),
        (
            {"backup": VbsGetLatestBackupOperator, "backup_args": {"volume_id": "x"}},
            "backup: a rehearsal needs a service of database instances",
        ),
        ({"backup_args": {"instance_ids": [INSTANCE]}}, "backup_args.instance_id: is needed"),
        ({"backup_args": {"instance_id": INSTANCE, "if_stale": "short_circuit"}}, "must be 'fail' or 'skip'"),
        ({"restore_args": {"overwrite": True}}, "restore_args.overwrite: is set by the rehearsal"),
        ({"restore_args": {"target_instance_id": INSTANCE}}, "target_instance_id: is set by the rehearsal"),
        ({"restore_args": {"new_instance_name": "mine"}}, "new_instance_name: is set by the rehearsal"),
        ({"delete_args": {"confirm_name": "mine"}}, "delete_args.confirm_name: is set by the rehearsal"),
        ({"restore_args": {"poll_interval": -1}}, "poll_interval"),
        ({"delete_args": {"timeout": 0}}, "timeout"),
    ],
)
def test_a_wrong_argument_is_refused_while_the_dag_is_parsed(dag: DAG, arguments: dict[str, Any], text: str) -> None:
    @task
    def check() -> None:
        pass

    with dag, pytest.raises(InvalidRequestError, match="nothing was sent") as refused:  # noqa: SIM117
        with restore_rehearsal("rehearsal", **{**USUAL, **arguments}):
            check()
    assert text in str(refused.value)


def test_a_rehearsal_without_a_check_is_refused(dag: DAG) -> None:
    with dag, pytest.raises(InvalidRequestError, match="put at least one task into it"):  # noqa: SIM117
        with restore_rehearsal("rehearsal", **USUAL):
            pass


def test_a_check_that_would_not_wait_for_the_restore_is_refused(dag: DAG) -> None:
    @task(trigger_rule="all_done")
    def check() -> None:
        pass

    with dag, pytest.raises(InvalidRequestError, match=r"check.trigger_rule: must be 'all_success'"):  # noqa: SIM117
        with restore_rehearsal("rehearsal", **USUAL):
            check()

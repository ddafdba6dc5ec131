"""Whole DAGs in Airflow's own machinery: ``dag.test()`` with real task instances, XComs and triggers."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import airflow
import pytest
from airflow.providers.common.compat.sdk import DAG, task
from packaging.version import Version

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.csbs import CsbsExecutePolicyOperator
from airflow_provider_backup.operators.rds import RdsCreateBackupOperator
from tests.airflow.dag_runs import TaskEnd, dag_bag, run_dag
from tests.airflow.service_matrix import (
    DELETE,
    SENSORS,
    cbr_vault,
    create_operator,
    csbs_policy,
    resources,
    rows,
    taken,
)

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferred": {"deferrable": True},
}
if Version(airflow.__version__).release[:2] == (3, 0):
    # There ``dag.test()`` hands a text where the sensor's base class counts with a time.
    del MODES["reschedule"]
NO_TIME = timedelta(0)
EXAMPLES = Path(__file__).parents[2] / "example_dags"
OTHER_ENDS = {"example_guarded_maintenance": {"guarded.maintenance": "failed"}}
"""Tasks of examples that do not succeed, and are not meant to."""

pytestmark = pytest.mark.usefixtures("airflow_database")


@pytest.fixture
def dag(request: pytest.FixtureRequest) -> DAG:
    """A DAG with the name of the test."""
    name: str = request.node.name
    return DAG(dag_id="".join(each if each.isalnum() else "_" for each in name), schedule=None)


def example(name: str) -> DAG:
    """Return the DAG of an example file; its tasks ask often."""
    (dag,) = dag_bag(EXAMPLES / f"{name}.py").dags.values()
    assert isinstance(dag, DAG)
    for each in dag.tasks:
        partial: dict[str, Any] = getattr(each, "partial_kwargs", {})
        for interval in ("poll_interval", "poke_interval"):
            if interval in partial:
                partial[interval] = 0.1
            elif hasattr(each, interval):
                setattr(each, interval, 0.1)
    return dag


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_every_example_runs_to_its_end(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_BACKUP_EXAMPLES", json.dumps(cloud.describe()["resources"]))
    dag = example(name)
    if "postgres" in dag.tags:
        pytest.skip("needs a real database and Airflow's provider for it: `make demo` runs it")
    ends = run_dag(dag)
    assert len(ends) > 2
    assert {task_id: end.state for task_id, end in ends.items()} == {
        **dict.fromkeys(ends, "success"),
        **OTHER_ENDS.get(name, {}),
    }


def test_the_param_of_the_maintenance_example_chooses_the_instance(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_BACKUP_EXAMPLES", json.dumps(cloud.describe()["resources"]))
    chosen = resources(cloud, "rds_instances")[1]
    ends = run_dag(example("example_pre_maintenance_backup"), run_conf={"instance_id": chosen})
    assert ends["backup"].result["instance_id"] == chosen


def test_the_param_of_the_retention_example_chooses_the_instance(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_BACKUP_EXAMPLES", json.dumps(cloud.describe()["resources"]))
    chosen = resources(cloud, "gaussdb_instances")[0]
    ends = run_dag(example("example_retention"), run_conf={"instance_id": chosen})
    assert {each["resource_id"] for each in ends["prune"].result["kept"]} == {chosen}


def test_the_example_of_policies_as_code_plans_changes_and_then_finds_nothing_to_change(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_BACKUP_EXAMPLES", json.dumps(cloud.describe()["resources"]))
    results = {task_id: end.result for task_id, end in run_dag(example("example_policies_as_code")).items()}
    for suffix in ("", "_vault", "_csbs", "_vbs"):
        plan, first = results[f"plan{suffix}"], results[f"apply{suffix}"]
        assert (plan["changed"], plan["dry_run"], plan["differences"]) == (True, True, first["differences"]), suffix
        assert (first["created"], first["changed"]) == (True, True), suffix
    for task_id in ("apply_again", "apply_vault_again"):
        assert (results[task_id]["changed"], results[task_id]["differences"]) == (False, []), task_id
    (vault,) = (row for row in cloud.state.table("cbr.vaults").values() if row["name"] == "described_vault")
    assert [binding["policy_id"] for binding in vault["bindings"]] == [results["apply"]["id"]]


def test_no_example_has_a_param_without_an_effect() -> None:
    params = {dag.dag_id: set(dag.params) for file in EXAMPLES.glob("*.py") for dag in dag_bag(file).dags.values()}
    # Each of these has a test above.
    assert {dag_id: names for dag_id, names in params.items() if names} == {
        "example_pre_maintenance_backup": {"instance_id"},
        "example_retention": {"instance_id"},
    }


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_task_takes_one_backup_and_hands_it_on(cloud: RunningCloud, dag: DAG, deferrable: bool) -> None:
    with dag:
        backup = create_operator(cloud, "vbs", deferrable=deferrable)
        sensor = SENSORS["vbs"](task_id="wait", backup=backup.output, deferrable=deferrable, poke_interval=0.1)
        DELETE["vbs"](task_id="delete", backup=sensor.output, deferrable=deferrable, poll_interval=0.05)
    ends = run_dag(dag)
    assert {task_id: end.state for task_id, end in ends.items()} == {
        "backup": "success",
        "wait": "success",
        "delete": "success",
    }
    assert ends["wait"].result == ends["backup"].result
    assert ends["delete"].result["backup_id"] == ends["backup"].result["backup_id"]


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_task_waits_for_its_busy_resource_and_then_takes_its_backup(
    cloud: RunningCloud, dag: DAG, deferrable: bool
) -> None:
    cloud.set_backup_seconds(1)
    vault_id = cbr_vault(cloud)
    other = taken(cloud, "cbr", task_id="other", vault_id=vault_id)
    with dag:
        create_operator(cloud, "cbr", vault_id=vault_id, deferrable=deferrable)
    end = run_dag(dag)["backup"]
    assert (end.state, end.tries) == ("success", 1)
    assert end.result["backup_id"] != other["backup_id"]
    assert len(rows(cloud, "cbr")) == 2


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_task_does_not_wait_when_it_is_not_asked_to(cloud: RunningCloud, dag: DAG, deferrable: bool) -> None:
    cloud.set_backup_seconds(3600)
    with dag:
        create_operator(cloud, "gaussdb", deferrable=deferrable, wait_for_completion=False)
    end = run_dag(dag)["backup"]
    assert (end.state, end.result["status"]) == ("success", "BUILDING")


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_next_try_of_a_task_whose_backup_failed_takes_a_fresh_one(
    cloud: RunningCloud, dag: DAG, deferrable: bool
) -> None:
    cloud.fail_next_backup("cbr", "the array is on fire")
    vault_id = cbr_vault(cloud)
    with dag:
        create_operator(cloud, "cbr", vault_id=vault_id, deferrable=deferrable, retries=3, retry_delay=NO_TIME)
    end = run_dag(dag)["backup"]
    assert (end.state, end.tries) == ("success", 2)
    assert {row["failure"] for row in rows(cloud, "cbr")} == {"the array is on fire", None}


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failed_backup_fails_the_task_for_good_when_its_author_said_so(
    cloud: RunningCloud, dag: DAG, deferrable: bool
) -> None:
    cloud.fail_next_backup("cbr", "the array is on fire")
    arguments = {"vault_id": cbr_vault(cloud), "deferrable": deferrable, "retry_failed": False}
    with dag:
        create_operator(cloud, "cbr", retries=3, retry_delay=NO_TIME, **arguments)
    end = run_dag(dag)["backup"]
    assert (end.state, end.tries) == ("failed", 1)
    assert {row["failure"] for row in rows(cloud, "cbr")} == {"the array is on fire"}


def sensors(dag: DAG, service: str, **arguments: Any) -> None:
    """Put the same sensor in every mode into a DAG; they ask often."""
    usual: dict[str, Any] = {"poke_interval": 0.2, "timeout": 60, "retries": 3, "retry_delay": NO_TIME}
    with dag:
        for name, mode in MODES.items():
            SENSORS[service](task_id=name, **{**usual, **mode, **arguments})


def states_and_tries(ends: dict[str, TaskEnd]) -> dict[str, tuple[str, int]]:
    """Return how tasks ended, without their results."""
    return {name: (end.state, end.tries) for name, end in ends.items()}


def test_sensors_end_alike_in_every_mode_when_the_backup_is_good(cloud: RunningCloud, dag: DAG) -> None:
    cloud.set_backup_seconds(0.5)
    sensors(dag, "rds", backup=taken(cloud, "rds"))
    ends = run_dag(dag)
    assert {end.state for end in ends.values()} == {"success"}
    assert ends["poke"].result["status"] == "COMPLETED"
    assert all(ends[mode].result == ends["poke"].result for mode in MODES)


@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
def test_sensors_end_alike_in_every_mode_when_the_backup_failed(
    cloud: RunningCloud, dag: DAG, soft_fail: bool, state: str
) -> None:
    cloud.set_backup_seconds(0.5)
    cloud.fail_next_backup("rds", "the array is on fire")
    sensors(dag, "rds", backup=taken(cloud, "rds"), soft_fail=soft_fail)
    assert states_and_tries(run_dag(dag)) == dict.fromkeys(MODES, (state, 1))


@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
def test_sensors_end_alike_in_every_mode_when_they_time_out(
    cloud: RunningCloud, dag: DAG, soft_fail: bool, state: str
) -> None:
    cloud.set_backup_seconds(3600)
    sensors(dag, "rds", backup=taken(cloud, "rds"), soft_fail=soft_fail, timeout=0.3)
    assert states_and_tries(run_dag(dag)) == dict.fromkeys(MODES, (state, 1))


@pytest.mark.parametrize("soft_fail", [False, True])
def test_sensors_end_alike_in_every_mode_when_there_is_no_such_backup(
    cloud: RunningCloud, dag: DAG, soft_fail: bool
) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    sensors(dag, "vbs", backup_id=unknown, soft_fail=soft_fail, retries=0)
    assert states_and_tries(run_dag(dag)) == dict.fromkeys(MODES, ("failed", 1))


@pytest.mark.parametrize("deferrable", [True, False])
def test_mapped_tasks_take_a_backup_each(cloud: RunningCloud, dag: DAG, deferrable: bool) -> None:
    cloud.set_backup_seconds(0.3)

    @task
    def instances() -> list[str]:
        return resources(cloud, "rds_instances")

    with dag:
        RdsCreateBackupOperator.partial(task_id="backup", deferrable=deferrable, poll_interval=0.1).expand(
            instance_id=instances()
        )
    results = [end.result for name, end in run_dag(dag).items() if name.startswith("backup")]
    assert sorted(result["instance_id"] for result in results) == sorted(resources(cloud, "rds_instances"))
    assert len({result["name"] for result in results}) == len(results)


@pytest.mark.parametrize("service", ["vbs", "gaussdb"])
def test_mapped_deletions_are_deferred_and_all_backups_are_gone(cloud: RunningCloud, dag: DAG, service: str) -> None:
    backups = [taken(cloud, service, wait=True, task_id=f"before_{number}") for number in range(3)]
    cloud.set_backup_seconds(0.3)
    with dag:
        operator: Any = DELETE[service]
        operator.partial(task_id="delete", deferrable=True, poll_interval=0.1).expand(backup=backups)
    results = [end.result for end in run_dag(dag).values()]
    assert sorted(result["backup_id"] for result in results) == sorted(backup["backup_id"] for backup in backups)
    assert rows(cloud, service) == []


def test_mapped_tasks_may_have_names_of_the_authors_own(cloud: RunningCloud, dag: DAG) -> None:
    with dag:
        RdsCreateBackupOperator.partial(
            task_id="backup",
            name="before-{{ dag_run.start_date | ts_nodash }}-{{ ti.map_index }}",
            deferrable=False,
            poll_interval=0.05,
        ).expand(instance_id=resources(cloud, "rds_instances")[:2])
    ends = run_dag(dag)
    assert {end.state for end in ends.values()} == {"success"}
    assert [end.result["name"][-2:] for _, end in sorted(ends.items())] == ["-0", "-1"]


def test_the_outputs_of_mapped_tasks_can_be_an_argument(cloud: RunningCloud, dag: DAG) -> None:
    policy_id = csbs_policy(cloud, servers=3)
    chosen = resources(cloud, "servers")[:2]

    @task
    def server(server_id: str) -> str:
        return server_id

    with dag:
        CsbsExecutePolicyOperator(
            task_id="execute",
            policy_id=policy_id,
            server_ids=server.expand(server_id=chosen),  # type: ignore[arg-type]
            deferrable=False,
            poll_interval=0.05,
        )
    assert sorted(run_dag(dag)["execute"].result["resource_ids"]) == sorted(chosen)


def test_a_wrong_template_fails_the_task_and_nothing_is_sent(cloud: RunningCloud, dag: DAG) -> None:
    with dag:
        create_operator(cloud, "rds", name="{{ 'x' * 3 }}", retries=3, retry_delay=NO_TIME)
    end = run_dag(dag)["backup"]
    assert (end.state, end.tries) == ("failed", 1)
    assert rows(cloud, "rds") == []

"""The newest good backup, judged by what the local cloud has: fresh, stale, failed, in progress, of many resources."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, BaseOperator

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError, StaleBackupError
from airflow_provider_backup.operators.cbr import CbrGetLatestBackupOperator
from airflow_provider_backup.operators.csbs import CsbsGetLatestBackupOperator
from airflow_provider_backup.operators.gaussdb import GaussDbGetLatestBackupOperator
from airflow_provider_backup.operators.rds import RdsGetLatestBackupOperator
from airflow_provider_backup.operators.taurusdb import TaurusDbGetLatestBackupOperator
from airflow_provider_backup.operators.vbs import VbsGetLatestBackupOperator
from tests.airflow.dag_runs import run_dag
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import CASES, SERVICES, cbr_vault, csbs_policy, resources, taken
from tests.airflow.stored_backups import make_older
from tests.airflow.task_runs import TaskRun

LATEST: dict[str, type[Any]] = {
    "vbs": VbsGetLatestBackupOperator,
    "csbs": CsbsGetLatestBackupOperator,
    "cbr": CbrGetLatestBackupOperator,
    "rds": RdsGetLatestBackupOperator,
    "gaussdb": GaussDbGetLatestBackupOperator,
    "taurusdb": TaurusDbGetLatestBackupOperator,
}
ONE = {name: operator.one for name, operator in LATEST.items()}
SEVERAL = {name: operator.several for name, operator in LATEST.items()}


def latest(service: str, **arguments: Any) -> Any:
    """Run the operator of a service and return its result."""
    return TaskRun(LATEST[service](task_id="latest", **arguments)).execute()


def backed_up(cloud: RunningCloud, service: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Take a good backup of one resource; return the id of the resource and the result."""
    result = taken(cloud, service, wait=True, **arguments)
    (resource_id,) = result["resource_ids"]
    return resource_id, result


@pytest.mark.parametrize("service", SERVICES)
def test_the_newest_good_backup_is_returned_with_its_age(cloud: RunningCloud, service: str) -> None:
    resource_id, taken_last = backed_up(cloud, service)

    result = latest(service, **{ONE[service]: resource_id}, max_age=timedelta(hours=26))

    assert result["backup_ids"] == taken_last["backup_ids"]
    assert (result["resource_id"], result["resource_ids"]) == (resource_id, [resource_id])
    assert set(result) == {*taken_last, "resource_id", "age_seconds"}
    assert 0 <= result["age_seconds"] < 60


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_is_too_old_fails_the_task_with_its_age(cloud: RunningCloud, service: str) -> None:
    resource_id, _ = backed_up(cloud, service)
    make_older(cloud, service, hours=26)

    with pytest.raises(StaleBackupError, match=r"last good 26 h ago.*at most 24 h old"):
        latest(service, **{ONE[service]: resource_id}, max_age=24 * 3600)


@pytest.mark.parametrize("service", SERVICES)
def test_a_failed_backup_does_not_count_and_is_named(cloud: RunningCloud, service: str) -> None:
    resource_id, _ = backed_up(cloud, service)
    make_older(cloud, service, hours=26)
    cloud.fail_next_backup(service, "disk full")
    with pytest.raises(BackupError):
        taken(cloud, service, wait=True, task_id="again", **_same_target(cloud, service, resource_id))

    reason = (
        "(.*: )?disk full" if CASES[service].tells_reason and not CASES[service].is_database else "The service gives"
    )
    with pytest.raises(StaleBackupError, match=f"last good 26 h ago; newest failed: {reason}"):
        latest(service, **{ONE[service]: resource_id}, max_age=24 * 3600)


@pytest.mark.parametrize("service", SERVICES)
def test_a_running_backup_does_not_count_and_is_named(cloud: RunningCloud, service: str) -> None:
    resource_id, _ = backed_up(cloud, service)
    make_older(cloud, service, hours=26)
    cloud.set_backup_seconds(3600)
    taken(cloud, service, task_id="again", **_same_target(cloud, service, resource_id))

    with pytest.raises(StaleBackupError, match=r"last good 26 h ago; one is running, begun \d+ s ago"):
        latest(service, **{ONE[service]: resource_id}, max_age=24 * 3600)


def _same_target(cloud: RunningCloud, service: str, resource_id: str) -> dict[str, Any]:
    # CBR takes backups of vaults and CSBS of policies, and a server is in one of them only.
    if service == "cbr":
        (row,) = cloud.state.table("cbr.backups").values()
        return {"vault_id": row["vault_id"]}
    if service == "csbs":
        return {"policy_id": list(cloud.state.table("csbs.policies"))[-1]}
    return {CASES[service].target_argument: resource_id}


@pytest.mark.parametrize("service", SERVICES)
def test_only_backups_that_began_after_a_moment_count(cloud: RunningCloud, service: str) -> None:
    resource_id, _ = backed_up(cloud, service)
    hour = timedelta(hours=1)

    assert latest(service, **{ONE[service]: resource_id}, after=(datetime.now(UTC) - hour).isoformat())
    with pytest.raises(StaleBackupError, match="begun at"):
        latest(service, **{ONE[service]: resource_id}, after=datetime.now(UTC) + hour)


@pytest.mark.parametrize("service", SERVICES)
def test_only_backups_of_the_chosen_type_count(cloud: RunningCloud, service: str) -> None:
    resource_id, _ = backed_up(cloud, service)
    make_older(cloud, service, hours=1)
    what = {ONE[service]: resource_id}

    assert latest(service, **what, backup_type="manual", max_age=7200)
    with pytest.raises(StaleBackupError, match="of type automatic"):
        latest(service, **what, backup_type="automatic", max_age=7200)


def test_automatic_backups_of_databases_count_as_automatic(cloud: RunningCloud) -> None:
    instance_id = resources(cloud, "rds_instances")[0]

    assert latest("rds", instance_id=instance_id, backup_type="automatic")["status"] == "COMPLETED"


@pytest.mark.parametrize("service", SERVICES)
def test_of_several_resources_each_needs_a_fresh_backup(cloud: RunningCloud, service: str) -> None:
    resource_id, _ = backed_up(cloud, service)

    (result,) = latest(service, **{SEVERAL[service]: [resource_id]}, max_age=3600)
    assert result["resource_id"] == resource_id
    # RDS refuses ids of instances that do not exist.
    other = resources(cloud, "rds_instances")[1] if service == "rds" else "missing"
    with pytest.raises(StaleBackupError, match=f"1 of 2 resources without a fresh backup: {other} "):
        latest(service, **{SEVERAL[service]: [resource_id, other]}, max_age=3600)


def test_a_vault_is_judged_by_each_of_its_resources(cloud: RunningCloud) -> None:
    vault_id = cbr_vault(cloud, servers=2)
    taken(cloud, "cbr", wait=True, vault_id=vault_id)

    results = latest("cbr", vault_id=vault_id, max_age=3600)

    assert {each["resource_id"] for each in results} == set(resources(cloud, "servers")[:2])


def test_a_policy_is_judged_by_each_of_its_servers(cloud: RunningCloud) -> None:
    policy_id = csbs_policy(cloud, servers=2)
    taken(cloud, "csbs", wait=True, policy_id=policy_id)

    results = latest("csbs", policy_id=policy_id, max_age=3600)

    assert {each["resource_id"] for each in results} == set(resources(cloud, "servers")[:2])


def test_a_vault_without_resources_is_never_fresh(cloud: RunningCloud) -> None:
    vault_id = cbr_vault(cloud, servers=0)

    with pytest.raises(BackupError, match="nothing to judge"):
        latest("cbr", vault_id=vault_id)


@pytest.mark.parametrize("stale", [0, 1])
def test_a_look_at_a_thousand_resources_of_a_vault_takes_three_requests_at_most(
    cloud: RunningCloud, stale: int
) -> None:
    vault_id = cbr_vault(cloud)
    taken(cloud, "cbr", wait=True, vault_id=vault_id)
    vault = cloud.state.table("cbr.vaults")[vault_id]
    backups = cloud.state.table("cbr.backups")
    ((_, sample),) = backups.items()
    ids = [str(uuid.uuid4()) for _ in range(1000)]
    vault["resources"] = [{**vault["resources"][0], "id": each} for each in ids]
    backups.clear()
    night = datetime.now(UTC) - timedelta(hours=8)
    for age in range(3):
        begun = (night - timedelta(days=age)).isoformat()
        for each in ids[stale if age == 0 else 0 :]:
            row = {**sample, "id": str(uuid.uuid4()), "resource_id": each, "started_at": begun, "ready_at": begun}
            backups[row["id"]] = row
    before = sum(count for route, count in cloud.requests.items() if route[0] == "cbr")

    if stale:
        with pytest.raises(StaleBackupError, match=r"1 of 1000 .*last good 32 h ago"):
            latest("cbr", vault_id=vault_id, max_age=timedelta(hours=26))
    else:
        assert len(latest("cbr", vault_id=vault_id, max_age=timedelta(hours=26))) == 1000

    assert sum(count for route, count in cloud.requests.items() if route[0] == "cbr") - before <= 3


@pytest.mark.parametrize("service", ["vbs", "csbs", "gaussdb", "taurusdb"])
def test_several_resources_are_read_from_one_list(cloud: RunningCloud, service: str) -> None:
    resource_id, _ = backed_up(cloud, service)
    before = sum(count for route, count in cloud.requests.items() if route[0] == service)

    with pytest.raises(StaleBackupError):
        latest(service, **{SEVERAL[service]: [resource_id, *(f"other-{number}" for number in range(50))]})

    assert sum(count for route, count in cloud.requests.items() if route[0] == service) - before == 1


# ------------------------------------------------------------------------------------------------- stale, and then


def test_a_stale_backup_skips_the_task_if_the_author_says_so(cloud: RunningCloud) -> None:
    volume_id = resources(cloud, "volumes")[0]

    with pytest.raises(AirflowSkipException, match="no good backup"):
        latest("vbs", volume_id=volume_id, if_stale="skip")


@pytest.mark.usefixtures("airflow_database")
@pytest.mark.parametrize(
    ("if_stale", "states"),
    [
        ("short_circuit", {"latest": "success", "change": "skipped", "report": "skipped"}),
        ("skip", {"latest": "skipped", "change": "skipped", "report": "success"}),
    ],
)
def test_what_is_downstream_of_a_stale_backup_is_skipped(
    cloud: RunningCloud, if_stale: Any, states: dict[str, str]
) -> None:
    volume_id = resources(cloud, "volumes")[0]
    with DAG(dag_id=f"stale_{if_stale}") as dag:
        first = VbsGetLatestBackupOperator(task_id="latest", volume_id=volume_id, if_stale=if_stale)
        first >> Nothing(task_id="change") >> Nothing(task_id="report", trigger_rule="all_done")

    assert {task: end.state for task, end in run_dag(dag).items()} == states


class Nothing(BaseOperator):
    """A task that does nothing."""

    def execute(self, context: Any) -> None:
        """Do nothing."""


# ------------------------------------------------------------------------------------------------------- bad input

NO_ZONE = datetime(2026, 1, 1)  # noqa: DTZ001
WRONG: list[dict[str, Any]] = [
    {},
    {"volume_id": "v", "volume_ids": ["v"]},
    {"volume_id": ""},
    {"volume_id": 5},
    {"volume_ids": []},
    {"volume_ids": "v"},
    {"volume_ids": ["v", ""]},
    {"volume_id": "v", "after": NO_ZONE},
    {"volume_id": "v", "after": "2026-01-01T00:00:00"},
    {"volume_id": "v", "after": "yesterday"},
    {"volume_id": "v", "after": 5},
    {"volume_id": "v", "max_age": 0},
    {"volume_id": "v", "max_age": timedelta(seconds=-1)},
    {"volume_id": "v", "max_age": "long"},
    {"volume_id": "v", "max_age": float("nan")},
    {"volume_id": "v", "max_age": True},
    {"volume_id": "v", "backup_type": "weekly"},
    {"volume_id": "v", "if_stale": "ignore"},
]


@pytest.mark.parametrize("arguments", WRONG, ids=str)
def test_wrong_arguments_are_refused_while_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        VbsGetLatestBackupOperator(task_id="latest", **arguments)


@pytest.mark.parametrize(
    ("field", "value"),
    [("after", "2026-01-01T00:00:00"), ("max_age", "soon"), ("volume_id", ""), ("backup_type", "weekly")],
)
def test_a_wrong_value_of_a_template_is_refused_before_anything_is_sent(wire: Wire, field: str, value: str) -> None:
    operator = VbsGetLatestBackupOperator(task_id="latest", **{"volume_id": "v", field: "{{ value }}"})
    setattr(operator, field, value)

    with pytest.raises(InvalidArgumentError, match=field):
        TaskRun(operator).execute()
    assert wire.requests == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_argument_that_says_what_is_judged_is_templated(service: str) -> None:
    operator = LATEST[service]

    assert {operator.one, operator.several, *operator.groups, "max_age", "after", "backup_type"} <= set(
        operator.template_fields
    )

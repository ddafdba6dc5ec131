"""Deleting the backups that no rule keeps: what is decided, what is sent, what is returned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, PermissionDeniedError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupsLeftError, BackupTimeoutError, InvalidArgumentError
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.operators.prune_backups import PruneBackupsOperator
from airflow_provider_backup.operators.vbs import VbsPruneBackupsOperator
from tests.airflow.invalid_arguments import UUID
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import (
    CASES,
    CREATE,
    DATABASES,
    NAMED,
    PRUNE,
    SERVICES,
    cbr_vault,
    create_operator,
    let_time_pass,
    resources,
    target,
)
from tests.airflow.stored_backups import NOON, StoredDays, generated_name, make_older
from tests.airflow.task_runs import Deferred, TaskRun


def prune(service: str, *targets: str, dag_id: str | None = None, **arguments: Any) -> TaskRun:
    """Return a run of the operator of a service, which looks often.

    :param dag_id: the DAG it is in, beside a task ``backup``; ``None`` for none.
    """
    operator: type[PruneBackupsOperator] = PRUNE[service]  # type: ignore[assignment]
    usual = {"task_id": "prune", operator.targets_argument: list(targets), "poll_interval": 0.05, "timeout": 60}
    if dag_id is None:
        return TaskRun(operator(**{"scope": "manual", **usual, **arguments}))
    with DAG(dag_id=dag_id):
        BaseOperator(task_id="backup")
        return TaskRun(operator(**{**usual, **arguments}), dag_id=dag_id)


def requests_to(cloud: RunningCloud, service: str) -> int:
    """Return how many requests came to a service."""
    return sum(count for route, count in cloud.requests.items() if route[0] == service)


def reasons(result: dict[str, Any]) -> dict[str, list[str]]:
    """Return the rules that kept backups, by their ids."""
    return {each["backup_id"]: each["rules"] for each in result["kept"]}


# ------------------------------------------------------------------------------------------- what is kept and deleted


@pytest.mark.parametrize("service", SERVICES)
def test_what_no_rule_keeps_is_deleted(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, range(6))

    result = prune(service, stored.target_id, keep_last=2).execute()

    assert stored.days(result["kept"]) == [0, 1]
    assert stored.days(result["deleted"]) == [2, 3, 4, 5]
    assert (result["service"], result["dry_run"], result["refused"]) == (service, False, [])
    assert result["kept"][0]["rules"] == ["keep_last", "minimum"]
    let_time_pass(cloud)
    assert stored.left == [0, 1]


@pytest.mark.parametrize("service", SERVICES)
def test_a_dry_run_returns_the_same_and_sends_nothing_that_deletes(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    stored = StoredDays(cloud, service, range(4))

    planned = prune(service, stored.target_id, keep_daily=1, dry_run=True).execute()

    assert stored.left == [0, 1, 2, 3]
    assert planned["dry_run"] is True
    assert "Would be deleted (dry_run)" in logged()
    done = prune(service, stored.target_id, keep_daily=1).execute()
    assert {**planned, "dry_run": False} == done


@pytest.mark.parametrize("service", SERVICES)
def test_a_second_prune_has_nothing_left_to_delete(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, range(5))
    prune(service, stored.target_id, keep_weekly=1, keep_last=2).execute()
    let_time_pass(cloud)

    result = prune(service, stored.target_id, keep_weekly=1, keep_last=2).execute()

    assert (result["deleted"], result["refused"]) == ([], [])
    assert stored.days(result["kept"]) == stored.left


@pytest.mark.parametrize("service", SERVICES)
def test_running_backups_stay_and_failed_ones_go_by_their_age(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, [1, 2])
    stored.add(3, failure="disk full")
    stored.add(20, failure="disk full")
    # CSBS refuses deletions while the policy runs that took the backup.
    running = stored.add(30, ready_at=(NOON + timedelta(days=30)).isoformat(), policy_id=None)

    result = prune(service, stored.target_id, keep_last=1, failed_older_than="7d").execute()

    assert stored.days(result["deleted"]) == [2, 20]
    assert reasons(result)[running["id"]] == ["running"]
    assert stored.left == [1, 3, 30]


@pytest.mark.parametrize("service", SERVICES)
def test_the_newest_good_backup_stays_although_it_is_old(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, [400, 500])

    prune(service, stored.target_id, keep_within="1h").execute()

    assert stored.left == [400]


def test_automatic_backups_are_never_touched(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "cbr", range(3))
    automatic = stored.add(9, auto_trigger=True, name="autobk_1")

    result = prune("cbr", stored.target_id, scope="pattern", name_pattern="*", keep_last=1).execute()

    assert reasons(result)[automatic["id"]] == ["automatic"]
    assert stored.left == [0, 9]


def test_automatic_backups_of_databases_are_not_even_read(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "rds", range(3))

    result = prune("rds", stored.target_id, scope="pattern", name_pattern="*", keep_last=1).execute()

    assert len(result["kept"]) == 1
    assert any(row["type"] == "auto" for row in cloud.state.table("rds.backups").values())


def test_a_shared_backup_of_a_server_stays(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "cbr", range(2))
    shared = stored.add(9)
    CbrHook().run(lambda cbr: cbr.backups.add_members(shared["id"], ["other-project"]))

    result = prune("cbr", stored.target_id, keep_last=1).execute()

    assert reasons(result)[shared["id"]] == ["shared"]
    assert stored.left == [0, 9]


def test_a_backup_of_a_server_that_is_shared_no_longer_is_deleted(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "cbr", range(2))
    shared = stored.add(9)
    CbrHook().run(lambda cbr: cbr.backups.add_members(shared["id"], ["other-project"]))
    CbrHook().run(lambda cbr: cbr.backups.delete_member(shared["id"], "other-project"))

    prune("cbr", stored.target_id, keep_last=1).execute()

    assert stored.left == [0]


def test_a_shared_backup_of_a_disk_stays(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "vbs", range(2))
    shared = stored.add(9)
    cloud.state.table("vbs.shares")["s"] = {"id": "s", "backup_id": shared["id"], "to_project_id": "p"}

    result = prune("vbs", stored.target_id, keep_last=1).execute()

    assert reasons(result)[shared["id"]] == ["shared"]
    assert stored.left == [0, 9]


def test_a_backup_from_which_an_image_was_made_stays(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "cbr", range(2))
    imaged = stored.add(9, image_ids=["image"])

    result = prune("cbr", stored.target_id, keep_last=1).execute()

    assert reasons(result)[imaged["id"]] == ["image"]


def test_backups_of_some_databases_are_counted_by_themselves(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "rds", [5, 6])
    for day in range(3):
        stored.add(day, databases=[{"name": "sales"}])

    prune("rds", stored.target_id, keep_last=1).execute()

    assert stored.left == [0, 5]


def test_a_resource_in_two_vaults_is_decided_in_each(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "cbr", [5, 6])
    other = cbr_vault(cloud, servers=0)
    for day in range(2):
        stored.add(day, vault_id=other)

    prune("cbr", stored.target_id, other, keep_last=1).execute()

    assert stored.left == [0, 5]


def test_backups_of_other_resources_are_left_alone(cloud: RunningCloud) -> None:
    volumes = resources(cloud, "volumes")
    stored = StoredDays(cloud, "vbs", range(3))
    for day in (1, 2, 3):
        stored.add(day + 10, volume_id=volumes[1])

    prune("vbs", stored.target_id, volumes[2], keep_last=1).execute()

    assert stored.left == [0, 11, 12, 13]


# -------------------------------------------------------------------------------------------------------------- scope


@pytest.mark.parametrize("service", NAMED)
def test_only_what_this_dag_made_is_in_the_scope_unless_said_otherwise(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, range(3))
    own = [stored.add(day, name=generated_name(day, dag_id="nightly")) for day in (10, 11)]
    again = stored.add(12, name=generated_name(12, dag_id="nightly") + "-2")
    for day, name in enumerate(("mine", "nightly-backup", generated_name(1, dag_id="nightly-prod")), start=20):
        stored.add(day, name=name)

    result = prune(service, stored.target_id, dag_id="nightly", keep_last=1).execute()

    assert [each["backup_id"] for each in result["kept"]] == [own[0]["id"]]
    assert {each["backup_id"] for each in result["deleted"]} == {own[1]["id"], again["id"]}
    assert stored.left == [0, 1, 2, 10, 20, 21, 22]


@pytest.mark.parametrize("service", NAMED)
def test_a_dag_prunes_what_its_own_task_took(cloud: RunningCloud, service: str) -> None:
    results: list[Any] = []
    for run in ("one", "two"):
        with DAG(dag_id="nightly"):
            operator = create(cloud, service, results)
        results.append(TaskRun(operator, dag_id="nightly", run_id=run).execute())
        # Lists of databases know no parts of seconds.
        make_older(cloud, service, hours=1)
    target_id = next(iter(cloud.state.table("cbr.vaults"))) if service == "cbr" else results[0]["resource_ids"][0]

    result = prune(service, target_id, dag_id="nightly", keep_last=1).execute()

    assert [each["backup_id"] for each in result["deleted"]] == results[0]["backup_ids"]
    assert [each["backup_id"] for each in result["kept"]] == results[1]["backup_ids"]


def create(cloud: RunningCloud, service: str, earlier: list[Any]) -> Any:
    """Return a task that backs up what an earlier one backed up."""
    case = CASES[service]
    if not earlier:
        what = target(cloud, service)
    elif service == "cbr":
        what = {"vault_id": next(iter(cloud.state.table("cbr.vaults")))}
    else:
        what = {case.target_argument: earlier[0]["resource_ids"][0]}
    return CREATE[service](task_id="backup", poll_interval=0.05, deferrable=False, **what)


def test_backups_of_several_resources_carry_a_number_after_the_key(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "cbr", [])
    for day in range(3):
        stored.add(day, name=generated_name(day) + "-0001")

    prune("cbr", stored.target_id, dag_id="dag", keep_last=1).execute()

    assert stored.left == [0]


def test_a_name_pattern_matches_whole_names(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "vbs", [])
    for day, name in enumerate(("nightly-3", "nightly-2", "nightly-1", "not-nightly-1", "Nightly-1")):
        stored.add(day, name=name)

    prune("vbs", stored.target_id, scope="pattern", name_pattern="nightly-?", keep_last=1).execute()

    assert stored.left == [0, 3, 4]


def test_a_dag_whose_id_does_not_fit_into_names_has_to_name_a_scope(wire: Wire) -> None:
    run = prune("vbs", UUID, dag_id="d" * 43, keep_last=1)

    with pytest.raises(InvalidArgumentError, match="scope: must be 'pattern' or 'manual'"):
        run.execute()
    assert wire.requests == []


# ----------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("service", SERVICES)
def test_a_deletion_that_is_refused_does_not_stop_the_others(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    stored = StoredDays(cloud, service, range(5))
    # Batches are one request, see below.
    if service == "taurusdb":
        pytest.skip("deletes all of them with one request")
    cloud.misbehave("refuse", service=service, method="DELETE", status=409, code="X.1", message="no way", count=1)

    result = prune(service, stored.target_id, keep_last=1).execute()

    assert stored.days(result["refused"]) == [4]
    assert "no way" in result["refused"][0]["reason"]
    assert stored.days(result["deleted"]) == [1, 2, 3]
    assert stored.left == [0, 4]
    assert "no way" in logged()


def test_a_prune_may_fail_after_all_deletions_if_one_was_refused(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "vbs", range(4))
    cloud.misbehave("refuse", service="vbs", method="DELETE", status=400, code="X.1", message="no way", count=1)

    with pytest.raises(BackupsLeftError, match="1 backups could not be deleted.*no way"):
        prune("vbs", stored.target_id, keep_last=1, fail_on_refused=True).execute()
    assert stored.left == [0, 3]


@pytest.mark.parametrize("service", SERVICES)
def test_a_prune_without_the_right_to_delete_fails(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, range(3))
    for method in ("DELETE", "POST"):
        cloud.misbehave("refuse", service=service, method=method, status=403, code="X.1", message="no right")

    with pytest.raises(PermissionDeniedError):
        prune(service, stored.target_id, keep_last=1).execute()
    assert stored.left == [0, 1, 2]


@pytest.mark.parametrize("service", ["vbs", "csbs", "cbr"])
@pytest.mark.parametrize("deferrable", [True, False])
def test_a_deletion_that_fails_later_is_reported_as_refused(
    cloud: RunningCloud, service: str, deferrable: bool
) -> None:
    stored = StoredDays(cloud, service, range(3))
    cloud.plan_outcome(f"{service}.deletion", reason="the array is on fire")

    result = prune(service, stored.target_id, keep_last=1, deferrable=deferrable).run()

    assert stored.days(result["refused"]) == [2]
    assert stored.days(result["deleted"]) == [1]


def test_a_failed_backup_whose_deletion_began_is_waited_for(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "vbs", [0])
    stored.add(9, failure="disk full")
    cloud.set_backup_seconds(0.3)

    result = prune("vbs", stored.target_id, failed_older_than="1d").run()

    assert stored.days(result["deleted"]) == [9]
    assert stored.left == [0]


# ------------------------------------------------------------------------------------------------------------ waiting


@pytest.mark.parametrize("service", SERVICES)
def test_the_wait_may_be_deferred_and_the_result_is_the_same(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, range(4))
    cloud.set_backup_seconds(3600)
    run = prune(service, stored.target_id, keep_last=1, deferrable=True, timeout=3600)
    ended = run.execute()
    assert isinstance(ended, Deferred)
    let_time_pass(cloud)

    result = run.finish(ended)

    assert stored.days(result["kept"]) == [0]
    assert stored.days(result["deleted"]) == [1, 2, 3]


@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_after_a_crash_waits_for_the_same_deletions(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, range(4))
    cloud.set_backup_seconds(3600)
    run = prune(service, stored.target_id, keep_last=1, deferrable=True, timeout=3600)
    first = run.execute()
    assert isinstance(first, Deferred)
    deletions = deletions_of(cloud, service)
    run.retry()
    second = run.execute()
    let_time_pass(cloud)

    result = run.finish(second)

    assert deletions_of(cloud, service) == deletions
    assert stored.days(result["kept"]) == [0]
    # A deletion of a database backup may be over in the meantime.
    assert set(stored.days(result["deleted"])) <= {1, 2, 3}


def deletions_of(cloud: RunningCloud, service: str) -> int:
    """Return how many requests for deletions came."""
    return sum(
        count
        for (name, method, path), count in cloud.requests.items()
        if name == service and (method == "DELETE" or path.endswith("batch-delete"))
    )


def test_the_wait_ends_with_the_timeout(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "vbs", range(3))
    cloud.set_backup_seconds(3600)

    with pytest.raises(BackupTimeoutError, match="retry decides by what is left"):
        prune("vbs", stored.target_id, keep_last=1, timeout=0.3).execute()


@pytest.mark.parametrize("service", SERVICES)
def test_the_task_may_end_after_the_requests(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, range(3))
    cloud.set_backup_seconds(3600)

    result = prune(service, stored.target_id, keep_last=1, wait_for_completion=False).execute()

    assert stored.days(result["deleted"]) == [1, 2]


def test_a_prune_that_is_interrupted_by_an_outage_is_finished_by_the_retry(cloud: RunningCloud, wire: Wire) -> None:
    stored = StoredDays(cloud, "vbs", range(6))
    run = prune("vbs", stored.target_id, keep_last=2, timeout=0.5)
    with wire.failing(lambda request: request.method == "DELETE"), pytest.raises(BackupError):
        run.execute()
    assert stored.left == [0, 1, 2, 3, 4, 5]
    run.operator.timeout = 5
    run.retry()

    result = run.execute()

    assert stored.days(result["kept"]) == [0, 1]
    assert stored.left == [0, 1]


# --------------------------------------------------------------------------------------------------------------- cost


@pytest.mark.parametrize(
    ("service", "reading", "deleting"),
    [
        # The list of backups and that of shares.
        ("vbs", 2, 1),
        ("csbs", 1, 1),
        # Whether the backup of a server is shared is one request more.
        ("cbr", 1, 2),
        ("rds", 1, 1),
        ("gaussdb", 1, 1),
        ("taurusdb", 1, 1 / 50),
    ],
)
def test_a_prune_costs_pages_and_deletions(cloud: RunningCloud, service: str, reading: int, deleting: float) -> None:
    stored = StoredDays(cloud, service, range(51))
    before = requests_to(cloud, service)

    result = prune(service, stored.target_id, keep_last=1, wait_for_completion=False).execute()

    assert len(result["deleted"]) == 50
    assert requests_to(cloud, service) - before == reading + deleting * 50


@pytest.mark.parametrize(("service", "page"), [("vbs", 1000), ("csbs", 1000), ("cbr", 1000), ("gaussdb", 100)])
def test_a_plan_over_many_backups_costs_pages(cloud: RunningCloud, service: str, page: int) -> None:
    stored = StoredDays(cloud, service, range(2 * page + 1))
    before = requests_to(cloud, service)

    prune(service, stored.target_id, keep_last=-1, dry_run=True, timeout=600).execute()

    assert requests_to(cloud, service) - before == 3 + (service == "vbs")


def test_backups_of_sql_server_are_deleted_together(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "rds", [])
    instance_id = resources(cloud, "rds_instances")[2]
    for day in range(4):
        stored.add(day, instance_id=instance_id, engine="SQLServer")
    stored.add(2.5, instance_id=instance_id, engine="SQLServer", failure=None)

    result = prune("rds", instance_id, keep_last=1).execute()

    assert stored.days(result["deleted"]) == [1, 2, 2.5, 3]
    assert deletions_of(cloud, "rds") == 1


def test_a_batch_that_is_refused_as_a_whole_is_tried_one_by_one(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "taurusdb", range(4))
    cloud.misbehave(
        "refuse",
        service="taurusdb",
        method="DELETE",
        route="/v3/{project_id}/backups",
        status=400,
        code="X.1",
        message="no",
    )

    result = prune("taurusdb", stored.target_id, keep_last=1).execute()

    assert stored.days(result["deleted"]) == [1, 2, 3]


# ---------------------------------------------------------------------------------------------------------- bad input

GOOD: dict[str, Any] = {"volume_ids": [UUID], "keep_last": 3}
WRONG: list[tuple[str, Any]] = [
    ("volume_ids", []),
    ("volume_ids", UUID),
    ("volume_ids", [""]),
    ("volume_ids", [5]),
    ("volume_ids", None),
    ("keep_last", None),
    ("keep_last", 0),
    ("keep_last", -2),
    ("keep_last", "many"),
    ("keep_last", True),
    ("keep_daily", 1.5),
    ("keep_within", "soon"),
    ("keep_within", 0),
    ("minimum", 0),
    ("failed_older_than", "-1d"),
    ("time_zone", "Mars/Olympus"),
    ("scope", "all"),
    ("scope", "pattern"),
    ("name_pattern", "nightly-*"),
    ("dry_run", "perhaps"),
    ("poll_interval", 0),
    ("timeout", -1),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_argument_is_refused_while_the_dag_is_parsed(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"keep rules" if (name, value) in WRONG[5:7] else name):
        VbsPruneBackupsOperator(task_id="prune", **{**GOOD, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("volume_ids", ""), ("keep_last", "many"), ("time_zone", "Mars"), ("scope", "all"), ("keep_within", "soon")],
)
def test_a_wrong_value_of_a_template_is_refused_before_anything_is_sent(wire: Wire, name: str, value: str) -> None:
    operator = VbsPruneBackupsOperator(task_id="prune", **{**GOOD, name: "{{ value }}"})
    setattr(operator, name, value)

    with pytest.raises(InvalidArgumentError, match=name):
        TaskRun(operator).execute()
    assert wire.requests == []


def test_numbers_may_be_rendered_to_text(cloud: RunningCloud) -> None:
    stored = StoredDays(cloud, "vbs", range(3))

    prune("vbs", stored.target_id, keep_last="1", minimum="2").execute()

    assert stored.left == [0, 1]


def test_what_an_execution_of_a_csbs_policy_took_is_not_in_the_scope_of_its_dag(
    cloud: RunningCloud, logged: Callable[[], str]
) -> None:
    with DAG(dag_id="nightly"):
        operator = create_operator(cloud, "csbs", deferrable=False)
    backup = TaskRun(operator, dag_id="nightly").execute()

    result = prune("csbs", backup["resource_ids"][0], dag_id="nightly", scope="dag", keep_within="1h").execute()

    assert (result["kept"], result["deleted"]) == ([], [])
    assert "No backup is in the scope" in logged()


@pytest.mark.parametrize("service", DATABASES)
def test_an_instance_that_does_not_exist_fails_the_task(cloud: RunningCloud, service: str) -> None:
    stored = StoredDays(cloud, service, range(2))

    with pytest.raises(BackupError, match="does not exist"):
        prune(service, "0" * 32 + "in01", keep_last=1).execute()
    assert stored.left == [0, 1]


@pytest.mark.parametrize("service", SERVICES)
def test_a_prune_that_finds_nothing_in_its_scope_says_so(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    stored = StoredDays(cloud, service, range(2))

    result = prune(service, stored.target_id, scope="pattern", name_pattern="other-*", keep_last=1).execute()

    assert (result["kept"], result["deleted"]) == ([], [])
    assert "No backup is in the scope" in logged()

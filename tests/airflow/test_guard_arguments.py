"""Guards that cannot work are refused while their DAG is parsed, with the argument and the rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, task, task_group

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.operators.cbr import CbrCreateBackupOperator
from airflow_provider_backup.operators.gaussdb import GaussDbDeleteBackupOperator
from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator, VbsRestoreBackupOperator
from airflow_provider_backup.task_groups.backup_guard import backup_guard
from airflow_provider_backup.task_groups.restore_operators import RESTORE as RESTORE_ENDINGS
from airflow_provider_backup.task_groups.restore_operators import operator_of_service
from airflow_provider_backup.version_compat import ASKS_PEOPLE
from tests.airflow.restorable import RESTORE
from tests.airflow.service_matrix import CREATE

DISK = "3e4f1b9e-2f1c-4a9c-9a59-5d5c3b6a8c11"
USUAL: dict[str, Any] = {
    "backup": VbsCreateBackupOperator,
    "backup_args": {"volume_id": DISK},
    "restore": "on_failure",
}


class OwnCreateOperator(VbsCreateBackupOperator):
    """A create operator of an author."""


@pytest.fixture
def dag() -> DAG:
    return DAG(dag_id="guards", schedule=None)


def add_work(task_id: str = "work", **arguments: Any) -> Any:
    """Put a task into a DAG."""

    @task(task_id=task_id, **arguments)
    def work() -> None:
        pass

    return work()


def guarded(dag: DAG, **arguments: Any) -> Any:
    """Put a guard around one task."""
    with dag, backup_guard("guard", **{**USUAL, **arguments}) as guard:
        add_work()
    return guard


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"backup": GaussDbDeleteBackupOperator}, "backup: must be the class of a create operator"),
        ({"backup": "rds"}, "backup: must be the class of a create operator"),
        ({"restore": "ask"}, "restore: must be one of always_ask, on_failure, never"),
        ({"if_restored": "ignore"}, "if_restored: must be one of fail, succeed, skip"),
        ({"max_age": 0}, "max_age: must be a number of seconds or a timedelta, above 0"),
        ({"max_age": timedelta(-1)}, "max_age: must be a number of seconds or a timedelta, above 0"),
        ({"backup_args": {"volume_id": DISK, "task_id": "x"}}, "backup_args.task_id: is set by the guard"),
        ({"backup_args": {"volume_id": DISK, "wait_for_completion": False}}, "wait_for_completion: must be True"),
        ({"restore_args": {"overwrite": True}}, "restore_args.overwrite: is set by the guard"),
        ({"restore_args": {"backup_id": DISK}}, "restore_args.backup_id: is set by the guard"),
        ({"restore_args": {"region": "eu-nl"}}, "restore_args.region: is set by the guard"),
        ({"restore": "never", "restore_args": {"timeout": 60}}, "restore_args: nothing is restored"),
        ({"ask_args": {"defaults": "Reject"}}, "ask_args: no person is asked (restore is 'on_failure')"),
        ({"backup_args": {"volume_id": ""}}, "volume_id"),
        ({"restore_args": {"poll_interval": -1}}, "poll_interval"),
        (
            {"backup": CbrCreateBackupOperator, "backup_args": {"vault_id": DISK}, "restore_args": {"timeout": 0}},
            "timeout",
        ),
        (
            {"backup": CbrCreateBackupOperator, "backup_args": {"vault_id": DISK, "fail_on_skipped": False}},
            "fail_on_skipped: must be True",
        ),
    ],
)
def test_a_wrong_argument_is_refused(dag: DAG, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(BackupError, match="nothing was sent|Nothing was sent") as refused:
        guarded(dag, **arguments)
    assert isinstance(refused.value, InvalidRequestError | InvalidArgumentError)
    assert text in str(refused.value)


@pytest.mark.skipif(ASKS_PEOPLE, reason="Airflow 3.1 and later ask people")
def test_asking_is_refused_where_airflow_cannot(dag: DAG) -> None:
    with pytest.raises(InvalidRequestError, match="restore: needs Airflow 3.1 or later"):
        guarded(dag, restore="always_ask")


@pytest.mark.skipif(not ASKS_PEOPLE, reason="needs human-in-the-loop operators")
def test_asking_is_refused_without_the_operators(dag: DAG, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_backup.task_groups.approval.find_spec", lambda name: None)
    with pytest.raises(InvalidRequestError, match="apache-airflow-providers-standard"):
        guarded(dag, restore="always_ask")


def test_a_guard_around_nothing_is_refused(dag: DAG) -> None:
    with dag, pytest.raises(InvalidRequestError, match="put at least one task into it"):  # noqa: SIM117
        with backup_guard("guard", **USUAL):
            pass


def test_a_guard_in_a_with_statement_needs_an_id(dag: DAG) -> None:
    with dag, pytest.raises(InvalidRequestError, match="group_id"):  # noqa: SIM117
        with backup_guard(**USUAL):
            add_work()


def test_work_that_would_begin_without_a_good_backup_is_refused(dag: DAG) -> None:
    with dag, pytest.raises(InvalidRequestError, match=r"guard.work.trigger_rule: must be 'all_success'"):  # noqa: SIM117
        with backup_guard("guard", **USUAL):
            add_work(trigger_rule="all_done")


def test_a_setup_without_its_teardown_is_refused(dag: DAG) -> None:
    with dag, pytest.raises(InvalidRequestError, match="a setup needs its teardown in the same group"):  # noqa: SIM117
        with backup_guard("guard", **USUAL):
            add_work("open").as_setup() >> add_work()


def test_a_function_that_returns_a_task_is_refused(dag: DAG) -> None:
    with dag:

        @backup_guard(**USUAL)
        def maintenance() -> Any:
            return add_work()

        with pytest.raises(InvalidRequestError, match="maintenance: must return nothing"):
            maintenance()


def test_a_decorated_function_cannot_be_mapped_and_the_error_says_what_can(dag: DAG) -> None:
    @backup_guard(**USUAL)
    def maintenance(volume_id: str) -> None:
        add_work()

    with dag, pytest.raises(InvalidRequestError, match="@task_group"):
        maintenance.expand(volume_id=[DISK])


def test_a_guard_of_a_vault_in_a_mapped_group_needs_the_resource(dag: DAG) -> None:
    @task_group
    def maintain(vault_id: str, server_id: str | None) -> None:
        restore_args = {"server_id": server_id} if server_id else {}
        with backup_guard(
            "guard",
            backup=CbrCreateBackupOperator,
            backup_args={"vault_id": vault_id},
            restore="on_failure",
            restore_args=restore_args,
        ):
            add_work()

    with dag:
        with pytest.raises(InvalidRequestError, match="name the resource"):
            maintain.partial(server_id=None).expand(vault_id=[DISK])
        maintain.override(group_id="good").partial(server_id=DISK).expand(vault_id=[DISK])


def test_the_restore_waits_for_every_task_of_the_work_not_only_for_the_last_ones(dag: DAG) -> None:
    with dag, backup_guard("guard", **USUAL):
        [add_work("first"), add_work("slow")] >> add_work("join")
    assert dag.get_task("guard.restore_needed").upstream_task_ids >= {"guard.first", "guard.slow", "guard.join"}


def test_what_follows_a_guard_waits_for_its_last_task(dag: DAG) -> None:
    with dag:
        before, after = add_work("before"), add_work("after")
        with backup_guard("guard", **USUAL) as guard:
            add_work()
        before >> guard >> after
    assert dag.get_task("after").upstream_task_ids == {"guard.outcome"}
    assert dag.get_task("guard.backup").upstream_task_ids == {"before"}


def test_a_decorated_function_makes_a_guard_for_each_call(dag: DAG) -> None:
    @backup_guard(**USUAL)
    def maintenance() -> None:
        """Change the schema."""
        add_work()

    with dag:
        groups = [maintenance(), maintenance(), maintenance.override(group_id="other")()]
    assert [group.group_id for group in groups] == ["maintenance", "maintenance__1", "other"]
    assert groups[0].tooltip == "Change the schema."


def test_the_restore_takes_over_the_account_and_the_waiting_of_the_backup(dag: DAG) -> None:
    shared = {"huaweicloud_conn_id": "other", "region": "eu-nl", "project_id": "p", "deferrable": True}
    guarded(dag, backup_args={"volume_id": DISK, **shared, "poll_interval": 7}, restore_args={"poll_interval": 9})
    restore = dag.get_task("guard.restore")
    assert isinstance(restore, VbsRestoreBackupOperator)
    assert {name: getattr(restore, name) for name in shared} == shared
    assert (restore.poll_interval, restore.overwrite) == (9, True)


def test_nothing_of_a_guard_is_left_open_when_its_work_cannot_be_built(dag: DAG) -> None:
    with dag:
        with pytest.raises(ZeroDivisionError), backup_guard("guard", **USUAL):
            add_work(str(1 / 0))
        add_work("outside")
    assert dag.has_task("outside")


@pytest.mark.parametrize("service", RESTORE)
def test_the_restore_operator_of_a_service_is_found_by_its_create_operator(service: str) -> None:
    create: Any = CREATE[service]
    assert operator_of_service(create, RESTORE_ENDINGS) is RESTORE[service]


def test_the_restore_operator_is_found_by_a_create_operator_of_the_authors_own() -> None:
    assert operator_of_service(OwnCreateOperator, RESTORE_ENDINGS) is VbsRestoreBackupOperator


def test_the_page_of_operators_names_tasks_of_a_guard_that_exist(dag: DAG) -> None:
    guard = guarded(dag)
    assert all(isinstance(each, BaseOperator) for each in guard.iter_tasks())
    assert [each.task_id.removeprefix("guard.") for each in guard.iter_tasks()] == [
        "backup",
        "work",
        "restore_needed",
        "restore",
        "outcome",
    ]

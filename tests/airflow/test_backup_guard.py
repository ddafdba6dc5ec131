"""Guards in whole DAG runs: when the backup is restored, when it is not, and how the guard ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, task, task_group

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator
from airflow_provider_backup.task_groups.backup_guard import backup_guard
from airflow_provider_backup.task_groups.restore_operators import RESTORE, operator_of_service
from airflow_provider_backup.version_compat import ASKS_PEOPLE, TRIGGERS_HAVE_ON_KILL
from tests.airflow.dag_runs import run_dag
from tests.airflow.guards import (
    AFTER,
    BEFORE,
    answer_questions,
    disk_of,
    guard_of,
    guard_of_disk,
    mark_task,
    states,
    work,
)
from tests.airflow.service_matrix import CREATE, resources

NO_TIME = timedelta(0)
RESTORABLE = [name for name, create in CREATE.items() if operator_of_service(cast("type", create), RESTORE)]
"""The services whose backups can be restored."""
RESTORED = {"backup": "success", "work": "failed", "restore_needed": "success", "restore": "success"}
NOT_RESTORED = {"restore_needed": "skipped", "restore": "skipped"}

WAITS_WITHOUT_TRIGGER = TRIGGERS_HAVE_ON_KILL
"""Whether a task that asks a person waits in a state of its own: 3.3 and later."""

pytestmark = pytest.mark.usefixtures("airflow_database")


@pytest.fixture
def dag(request: pytest.FixtureRequest) -> DAG:
    """A DAG with the name of the test."""
    name: str = request.node.name
    return DAG(dag_id="".join(each if each.isalnum() else "_" for each in name), schedule=None)


def after(*upstream: Any) -> None:
    """Put a task into the DAG that runs when all of these have succeeded."""

    @task
    def after() -> None:
        pass

    list(upstream) >> after()


@pytest.mark.parametrize("service", RESTORABLE)
def test_every_resource_of_the_backup_gets_its_data_back_when_the_work_fails(
    cloud: RunningCloud, dag: DAG, service: str
) -> None:
    @task(task_id="work")
    def change(backup: dict[str, Any]) -> None:
        for resource_id in backup["resource_ids"]:
            cloud.change_content(resource_id, AFTER)
        raise ValueError("the migration is wrong")

    with dag, guard_of(cloud, service) as guard:
        change(guard.backup.output)  # type: ignore[arg-type]
    ends = run_dag(dag)
    backup = ends["guard.backup"].result
    assert {cloud.content(resource_id) for resource_id in backup["resource_ids"]} == {BEFORE}
    assert (ends["guard.outcome"].state, ends["guard.outcome"].tries) == ("failed", 1)
    assert ends["guard.outcome"].result["outcome"] == "restored"
    assert ends["guard.outcome"].result["failed_tasks"] == ["guard.work"]
    assert ends["guard.outcome"].result["backup"] == backup
    assert backup["backup_id"] in ends["guard.outcome"].result["message"]


def test_nothing_is_restored_when_the_work_succeeds_and_the_dag_goes_on(cloud: RunningCloud, dag: DAG) -> None:
    with dag:
        with guard_of_disk(cloud) as guard:
            work(cloud, fails=False)
        after(guard)
    ends = run_dag(dag)
    assert states(ends) == {
        "backup": "success",
        "work": "success",
        **NOT_RESTORED,
        "outcome": "success",
        "after": "success",
    }
    assert ends["guard.outcome"].result["outcome"] == "succeeded"
    assert cloud.content(disk_of(cloud)) == AFTER


@pytest.mark.parametrize(
    ("if_restored", "outcome", "following"),
    [("fail", "failed", "upstream_failed"), ("succeed", "success", "success"), ("skip", "skipped", "skipped")],
)
def test_the_author_says_how_a_guard_that_restored_ends(
    cloud: RunningCloud, dag: DAG, if_restored: Any, outcome: str, following: str
) -> None:
    with dag:
        with guard_of_disk(cloud, if_restored=if_restored) as guard:
            work(cloud, fails=True)
        after(guard)
    ends = run_dag(dag)
    assert states(ends) == {**RESTORED, "outcome": outcome, "after": following}
    assert ends["guard.outcome"].result["outcome"] == "restored"
    assert cloud.content(disk_of(cloud)) == BEFORE


def test_a_guard_that_never_restores_fails_and_names_the_backup(cloud: RunningCloud, dag: DAG) -> None:
    with dag, guard_of_disk(cloud, restore="never"):
        work(cloud, fails=True)
    ends = run_dag(dag)
    assert states(ends) == {"backup": "success", "work": "failed", "outcome": "failed"}
    assert ends["guard.outcome"].result["outcome"] == "not_restored"
    assert ends["guard.outcome"].result["backup"] == ends["guard.backup"].result
    assert cloud.content(disk_of(cloud)) == AFTER


def test_the_work_does_not_begin_and_nothing_is_restored_when_the_backup_fails(cloud: RunningCloud, dag: DAG) -> None:
    cloud.fail_next_backup("vbs", "the array is on fire")
    with dag, guard_of_disk(cloud):
        work(cloud, fails=True)
    ends = run_dag(dag)
    assert states(ends) == {
        "backup": "failed",
        "work": "upstream_failed",
        "restore_needed": "skipped",
        "restore": "upstream_failed",
        "outcome": "failed",
    }
    assert ends["guard.outcome"].result["outcome"] == "not_run"
    assert cloud.content(disk_of(cloud)) == BEFORE


def test_nothing_is_restored_without_a_good_backup_even_if_a_task_of_the_work_ran_and_failed(
    cloud: RunningCloud, dag: DAG
) -> None:
    cloud.fail_next_backup("vbs", "the array is on fire")
    with dag, guard_of_disk(cloud):
        work(cloud, fails=False) >> work(cloud, fails=True, task_id="report", trigger_rule="all_done")
    ends = run_dag(dag)
    assert states(ends)["restore"] == "upstream_failed"
    assert ends["guard.outcome"].result["outcome"] == "not_restored"
    assert "guard.backup has not taken a good backup" in ends["guard.outcome"].result["message"]
    assert cloud.content(disk_of(cloud)) == AFTER


def test_a_guard_whose_work_is_skipped_is_skipped(cloud: RunningCloud, dag: DAG) -> None:
    @task(task_id="work")
    def nothing_to_do() -> None:
        raise AirflowSkipException

    with dag:
        with guard_of_disk(cloud) as guard:
            nothing_to_do()
        after(guard)
    assert states(run_dag(dag)) == {
        "backup": "success",
        "work": "skipped",
        **NOT_RESTORED,
        "outcome": "skipped",
        "after": "skipped",
    }


def test_work_that_succeeds_when_it_is_retried_is_not_restored(cloud: RunningCloud, dag: DAG) -> None:
    tries: list[int] = []

    @task(task_id="work", retries=1, retry_delay=NO_TIME)
    def fails_once() -> None:
        cloud.change_content(disk_of(cloud), AFTER)
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("not yet")

    with dag, guard_of_disk(cloud):
        fails_once()
    ends = run_dag(dag)
    assert ends["guard.work"].tries == 2
    assert states(ends) == {"backup": "success", "work": "success", **NOT_RESTORED, "outcome": "success"}
    assert cloud.content(disk_of(cloud)) == AFTER


def test_the_last_task_is_not_retried(cloud: RunningCloud, dag: DAG) -> None:
    with dag, guard_of_disk(cloud, restore="never", default_args={"retries": 2, "retry_delay": NO_TIME}):
        work(cloud, fails=True, retries=0)
    assert run_dag(dag)["guard.outcome"].tries == 1


def test_the_work_is_restored_when_one_of_its_mapped_tasks_fails(cloud: RunningCloud, dag: DAG) -> None:
    @task(task_id="work")
    def change(number: int) -> None:
        cloud.change_content(disk_of(cloud), AFTER)
        if number == 1:
            raise ValueError("the migration is wrong")

    @task(task_id="work_1")
    def alike() -> None:
        pass

    with dag, guard_of_disk(cloud):
        [change.expand(number=[0, 1, 2]), alike()]
    ends = run_dag(dag)
    assert ends["guard.outcome"].result["failed_tasks"] == ["guard.work[1]"]
    assert states(ends)["restore"] == "success"
    assert cloud.content(disk_of(cloud)) == BEFORE


def test_the_work_is_restored_when_a_task_of_a_group_inside_fails(cloud: RunningCloud, dag: DAG) -> None:
    @task_group
    def steps() -> None:
        work(cloud, fails=True) >> work(cloud, fails=False, task_id="next")

    with dag, guard_of_disk(cloud):
        steps()
    ends = run_dag(dag)
    assert ends["guard.steps.next"].state == "upstream_failed"
    assert ends["guard.outcome"].result["failed_tasks"] == ["guard.steps.work"]
    assert cloud.content(disk_of(cloud)) == BEFORE


def test_the_work_is_restored_when_a_part_of_it_cannot_run(cloud: RunningCloud, dag: DAG) -> None:
    with dag:
        outside = work(cloud, fails=True, task_id="outside")
        with guard_of_disk(cloud):
            work(cloud, fails=False)
            outside >> work(cloud, fails=False, task_id="needs_outside")
    ends = run_dag(dag)
    assert ends["guard.needs_outside"].state == "upstream_failed"
    assert ends["guard.outcome"].result["outcome"] == "restored"
    assert ends["guard.outcome"].result["failed_tasks"] == ["guard.needs_outside"]


def test_a_failure_that_a_later_task_reacts_to_is_a_failure_of_the_work(cloud: RunningCloud, dag: DAG) -> None:
    with dag, guard_of_disk(cloud):
        work(cloud, fails=True) >> work(cloud, fails=False, task_id="report", trigger_rule="all_done")
    ends = run_dag(dag)
    assert states(ends) == {**RESTORED, "report": "success", "outcome": "failed"}


def test_a_teardown_that_fails_is_no_failure_of_the_work(cloud: RunningCloud, dag: DAG) -> None:
    with dag, guard_of_disk(cloud):
        opened, done = work(cloud, fails=False, task_id="open"), work(cloud, fails=False)
        closed = work(cloud, fails=True, task_id="close").as_teardown(setups=opened)
        opened >> done >> closed
    ends = run_dag(dag)
    assert states(ends)["close"] == "failed"
    assert ends["guard.outcome"].result["outcome"] == "succeeded"


def test_a_setup_that_fails_is_a_failure_of_the_work(cloud: RunningCloud, dag: DAG) -> None:
    with dag, guard_of_disk(cloud):
        opened, done = work(cloud, fails=True, task_id="open"), work(cloud, fails=False)
        closed = work(cloud, fails=False, task_id="close").as_teardown(setups=opened)
        opened >> done >> closed
    ends = run_dag(dag)
    assert ends["guard.outcome"].result["outcome"] == "restored"
    assert cloud.content(disk_of(cloud)) == BEFORE


def test_the_outer_of_two_guards_restores_nothing_when_the_inner_one_restored_and_succeeded(
    cloud: RunningCloud, dag: DAG
) -> None:
    with dag, guard_of_disk(cloud, "outer"), guard_of_disk(cloud, "inner", if_restored="succeed"):
        work(cloud, fails=True)
    ends = run_dag(dag)
    assert ends["outer.inner.outcome"].result["outcome"] == "restored"
    assert ends["outer.outcome"].result["outcome"] == "succeeded"
    assert ends["outer.restore"].state == "skipped"


def test_each_guard_in_a_mapped_group_judges_only_its_own_work(cloud: RunningCloud, dag: DAG) -> None:
    attached = resources(cloud, "volumes")[0]
    disks = [attached, disk_of(cloud)]

    @task
    def change(volume_id: str) -> None:
        cloud.change_content(volume_id, AFTER)
        if volume_id != attached:
            raise ValueError("the migration is wrong")

    @task_group
    def maintain(volume_id: str) -> None:
        arguments = {"volume_id": volume_id, "poll_interval": 0.05}
        with backup_guard("guard", backup=VbsCreateBackupOperator, backup_args=arguments, restore="on_failure"):
            change(volume_id)

    with dag:
        maintain.expand(volume_id=disks)
    ends = run_dag(dag)
    assert [ends[f"maintain.guard.outcome[{index}]"].result["outcome"] for index in (0, 1)] == ["succeeded", "restored"]
    assert ends["maintain.guard.outcome[1]"].result["failed_tasks"] == ["maintain.guard.change[1]"]
    assert [ends[f"maintain.guard.restore[{index}]"].state for index in (0, 1)] == ["skipped", "success"]
    assert [cloud.content(disk) for disk in disks] == [AFTER, BEFORE]


def test_a_backup_that_is_too_old_is_not_restored(cloud: RunningCloud, dag: DAG) -> None:
    with dag, guard_of_disk(cloud, max_age=0.001):
        work(cloud, fails=True)
    ends = run_dag(dag)
    assert states(ends) == {**RESTORED, **NOT_RESTORED, "outcome": "failed"}
    assert "max_age" in ends["guard.outcome"].result["message"]
    assert cloud.content(disk_of(cloud)) == AFTER


def test_a_restore_that_fails_is_told_from_one_that_did_not_run(cloud: RunningCloud, dag: DAG) -> None:
    cloud.plan_outcome("vbs.restore", reason="the array is on fire")
    with dag, guard_of_disk(cloud):
        work(cloud, fails=True)
    ends = run_dag(dag)
    assert states(ends) == {**RESTORED, "restore": "failed", "outcome": "failed"}
    assert ends["guard.outcome"].result["outcome"] == "restore_failed"


@pytest.mark.parametrize("mark", ["success", "skipped"])
@pytest.mark.parametrize(("fault", "outcome"), [(None, "restored"), ("the array is on fire", "restore_failed")])
def test_work_that_is_marked_by_hand_after_its_restore_is_not_called_successful(
    cloud: RunningCloud, dag: DAG, mark: str, fault: str | None, outcome: str
) -> None:
    if fault is not None:
        cloud.plan_outcome("vbs.restore", reason=fault)

    @task(trigger_rule="all_done")
    def mark_the_work() -> None:
        mark_task(dag.dag_id, "guard.work", mark)

    with dag:
        with guard_of_disk(cloud):
            work(cloud, fails=True)
        dag.get_task("guard.restore") >> mark_the_work() >> dag.get_task("guard.outcome")
    ends = run_dag(dag)
    assert (ends["guard.work"].state, ends["guard.outcome"].state) == (mark, "failed")
    assert ends["guard.outcome"].result["outcome"] == outcome
    assert "The work had failed, before it was marked otherwise" in ends["guard.outcome"].result["message"]


def test_the_end_says_in_the_log_what_happened_and_what_to_do(
    cloud: RunningCloud, dag: DAG, logged: Callable[[], str]
) -> None:
    with dag, guard_of_disk(cloud):
        work(cloud, fails=True)
    backup = run_dag(dag)["guard.backup"].result
    text = logged()
    assert f"The work failed (guard.work), and the resource was restored: vbs backup {backup['backup_id']}" in text
    assert "Next step: Correct the work, and clear the whole group, guard.backup included." in text


@pytest.mark.skipif(not ASKS_PEOPLE, reason="needs human-in-the-loop operators")
@pytest.mark.parametrize(("choice", "outcome"), [("Approve", "restored"), ("Reject", "not_restored")])
def test_a_person_is_asked_before_the_restore(
    cloud: RunningCloud, dag: DAG, monkeypatch: pytest.MonkeyPatch, choice: str, outcome: str
) -> None:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
    from airflow.sdk.timezone import utcnow

    asked: list[str] = []

    def answer(self: Any, context: Any) -> Any:
        asked.append(self.body)
        person = {"id": "7", "name": "Ada"}
        return self.execute_complete(
            context,
            {"chosen_options": [choice], "params_input": {}, "responded_at": utcnow(), "responded_by_user": person},
        )

    monkeypatch.setattr(ApprovalOperator, "execute", answer)
    with dag, guard_of_disk(cloud, restore="always_ask", ask_args={"response_timeout": timedelta(hours=4)}):
        work(cloud, fails=True)
    ends = run_dag(dag)
    assert ends["guard.backup"].result["backup_id"] in asked[0]
    assert ends["guard.outcome"].result["outcome"] == outcome
    assert ("rejected in guard.approve_restore" in ends["guard.outcome"].result["message"]) is (choice == "Reject")
    assert cloud.content(disk_of(cloud)) == (BEFORE if choice == "Approve" else AFTER)


@pytest.mark.skipif(not WAITS_WITHOUT_TRIGGER, reason="dag.test() waits for people since Airflow 3.3")
@pytest.mark.parametrize(("choice", "content"), [("Approve", BEFORE), ("Reject", AFTER)])
def test_an_answer_in_airflows_own_way_decides_about_the_restore(
    cloud: RunningCloud, dag: DAG, monkeypatch: pytest.MonkeyPatch, choice: str, content: int
) -> None:
    with dag, guard_of_disk(cloud, restore="always_ask"):
        work(cloud, fails=True)
    # dag.test() looks once a second whether a person has answered.
    monkeypatch.setattr("time.sleep", lambda seconds: answer_questions(dag.dag_id, choice))
    ends = run_dag(dag)
    assert ends["guard.approve_restore"].state == "success"
    assert ends["guard.outcome"].result["outcome"] == ("restored" if choice == "Approve" else "not_restored")
    assert cloud.content(disk_of(cloud)) == content


@pytest.mark.skipif(not ASKS_PEOPLE, reason="needs human-in-the-loop operators")
def test_no_person_is_asked_when_the_work_succeeds(cloud: RunningCloud, dag: DAG) -> None:
    with dag, guard_of_disk(cloud, restore="always_ask"):
        work(cloud, fails=False)
    assert states(run_dag(dag)) == {
        "backup": "success",
        "work": "success",
        **NOT_RESTORED,
        "approve_restore": "skipped",
        "outcome": "success",
    }


def test_the_decorator_hands_the_backup_to_the_function(cloud: RunningCloud, dag: DAG) -> None:
    @task(task_id="work")
    def change(backup: dict[str, Any]) -> str:
        return str(backup["backup_id"])

    with dag:

        @guard_of_disk(cloud, None)  # type: ignore[arg-type]
        def maintenance(backup: Any = None) -> None:
            change(backup)

        after(maintenance())
    ends = run_dag(dag)
    assert ends["maintenance.work"].result == ends["maintenance.backup"].result["backup_id"]
    assert ends["after"].state == "success"

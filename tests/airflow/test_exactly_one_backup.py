"""Promise 1: a retry, a crash or a lost answer never makes a second backup, and a clear makes a fresh one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    CloudConnectionError,
    DuplicateNameError,
    InvalidRequestError,
    ResourceBusyError,
)
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError
from tests.airflow.conftest import CONNECTION
from tests.airflow.recording_proxy import Wire, is_post_to
from tests.airflow.service_matrix import (
    DATABASES,
    NAMED,
    SENSORS,
    SERVICE_OF,
    SERVICES,
    create_operator,
    csbs_policy,
    finish_backups,
    let_time_pass,
    resources,
    rows,
    target,
)
from tests.airflow.task_runs import Deferred, TaskRun


def reference_of(run: TaskRun) -> dict[str, Any]:
    """Return the reference that the task pushed for other code."""
    reference: dict[str, Any] = run.ti.xcom_pull(task_ids=run.ti.task_id, key="backup_reference", map_indexes=-1)
    return reference


@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_finds_the_running_backup_again(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, service))
    assert isinstance(run.execute(), Deferred)
    run.retry()
    assert isinstance(run.execute(), Deferred)
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_finds_the_finished_backup_again(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False))
    first = run.execute()
    run.retry()
    # Where a retry finds its backup by name, the reference names the backup and not the job that took it.
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_the_reference_that_a_retry_leaves_can_be_waited_for(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, wait_for_completion=False))
    run.execute()
    run.retry()
    run.execute()
    sensor = SENSORS[service](task_id="wait", backup=reference_of(run), poke_interval=0.05)
    assert TaskRun(sensor).execute()["status"].lower() in ("available", "completed")


@pytest.mark.parametrize("service", SERVICES)
def test_a_cleared_task_takes_a_fresh_backup(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False))
    first = run.execute()
    run.clear()
    assert run.execute()["backup_ids"] != first["backup_ids"]
    assert len(rows(cloud, service)) == 2


@pytest.mark.parametrize("service", NAMED)
def test_a_cleared_task_adopts_its_backup_when_the_author_says_so(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False, on_clear="adopt"))
    first = run.execute()
    run.clear()
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1


def test_without_a_name_a_cleared_task_could_not_find_its_backup_again(cloud: RunningCloud) -> None:
    with pytest.raises(InvalidRequestError, match=r"on_clear: .* only by a generated name \(given: 'adopt'\)"):
        create_operator(cloud, "csbs", on_clear="adopt")


@pytest.mark.parametrize("service", NAMED)
def test_by_a_name_of_the_author_a_cleared_task_could_find_the_backup_of_another_run(
    cloud: RunningCloud, service: str
) -> None:
    with pytest.raises(InvalidRequestError, match=r"on_clear: .* only by a generated name \(given: 'adopt'\)"):
        create_operator(cloud, service, on_clear="adopt", name="nightly")


@pytest.mark.parametrize("service", NAMED)
def test_a_retry_after_a_clear_finds_the_fresh_backup(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=2))
    run.execute()
    run.clear()
    fresh = run.execute()
    run.retry()
    assert run.execute()["backup_ids"] == fresh["backup_ids"]
    assert len(rows(cloud, service)) == 2


@pytest.mark.parametrize("service", SERVICES)
def test_a_failed_backup_is_not_taken_for_this_tasks_own(cloud: RunningCloud, service: str) -> None:
    cloud.fail_next_backup(service, "the array is on fire")
    run = TaskRun(create_operator(cloud, service, deferrable=False))
    with pytest.raises(BackupFailedError):
        run.execute()
    run.retry()
    assert run.execute()["status"].lower() in ("available", "completed")
    assert len(rows(cloud, service)) == 2


@pytest.mark.parametrize("service", DATABASES)
def test_after_many_failed_backups_the_task_says_that_the_name_is_taken(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False))
    for _ in range(5):
        cloud.fail_next_backup(service, "the array is on fire")
        with pytest.raises(BackupFailedError):
            run.execute()
        run.retry()
    with pytest.raises(DuplicateNameError):
        run.execute()


@pytest.mark.parametrize("service", NAMED)
def test_tasks_of_one_run_take_a_backup_each(cloud: RunningCloud, service: str) -> None:
    what = target(cloud, service)
    operators = [
        create_operator(cloud, service, task_id=task_id, deferrable=False, **what) for task_id in ("before", "after")
    ]
    assert len({TaskRun(operator).execute()["name"] for operator in operators}) == 2


def test_runs_of_one_task_take_a_backup_each(cloud: RunningCloud) -> None:
    operator = create_operator(cloud, "rds", deferrable=False)
    results = [TaskRun(operator, run_id=run_id).execute() for run_id in ("first", "second")]
    assert len({result["backup_id"] for result in results}) == 2


def test_mapped_tasks_of_one_instance_take_a_backup_each(cloud: RunningCloud) -> None:
    operator = create_operator(cloud, "rds", deferrable=False)
    results = [TaskRun(operator, map_index=index).execute() for index in (0, 1)]
    assert len({result["backup_id"] for result in results}) == 2


@pytest.mark.parametrize("service", NAMED)
def test_a_name_made_by_the_task_contains_dag_and_task(cloud: RunningCloud, service: str) -> None:
    operator = create_operator(cloud, service, task_id="nightly.copy", deferrable=False)
    name = TaskRun(operator, dag_id="shop").execute()["name"]
    assert name.startswith("shop-nightly-copy-")


@pytest.mark.parametrize("service", NAMED)
def test_long_ids_of_dag_and_task_make_a_name_that_the_service_takes(cloud: RunningCloud, service: str) -> None:
    cloud.fail_next_backup(SERVICE_OF[service], "the array is on fire")
    run = TaskRun(create_operator(cloud, service, task_id="t" * 200, deferrable=False), dag_id="1" + "d" * 200)
    with pytest.raises(BackupFailedError):
        run.execute()
    run.retry()
    assert run.execute()["status"].lower() in ("available", "completed")


@pytest.mark.parametrize("service", NAMED)
def test_a_name_of_the_author_is_used_as_it_is(cloud: RunningCloud, service: str) -> None:
    assert TaskRun(create_operator(cloud, service, name="before-4_2")).run()["name"] == "before-4_2"


@pytest.mark.parametrize("service", NAMED)
def test_a_retry_finds_the_backup_with_the_name_of_the_author(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, name="before-4_2", deferrable=False))
    first = run.execute()
    run.retry()
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", ["vbs", "cbr"])
def test_a_backup_of_an_earlier_run_with_the_same_name_is_not_adopted(cloud: RunningCloud, service: str) -> None:
    operator = create_operator(cloud, service, name="nightly", deferrable=False)
    first = TaskRun(operator, run_id="first").execute()
    second = TaskRun(operator, run_id="second")
    second.dag_run.start_date += timedelta(seconds=10)
    second.retry()
    assert second.execute()["backup_ids"] != first["backup_ids"]


@pytest.mark.parametrize("service", DATABASES)
def test_a_name_that_is_taken_fails_the_task_where_names_are_unique(cloud: RunningCloud, service: str) -> None:
    operator = create_operator(cloud, service, name="nightly", deferrable=False)
    TaskRun(operator, run_id="first").execute()
    with pytest.raises(DuplicateNameError, match=r"nightly|name"):
        TaskRun(operator, run_id="second").execute()


@pytest.mark.parametrize("service", ["vbs", "cbr"])
def test_a_cleared_task_takes_a_second_backup_of_the_authors_name(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, name="nightly", deferrable=False))
    first = run.execute()
    run.clear()
    assert run.execute()["backup_ids"] != first["backup_ids"]


@pytest.mark.parametrize("service", DATABASES)
def test_a_cleared_task_is_refused_a_second_backup_of_the_authors_name_where_names_are_unique(
    cloud: RunningCloud, service: str
) -> None:
    run = TaskRun(create_operator(cloud, service, name="nightly", deferrable=False))
    run.execute()
    run.clear()
    with pytest.raises(DuplicateNameError):
        run.execute()
    assert len(rows(cloud, service)) == 1


def test_a_csbs_retry_finds_its_checkpoint_by_policy_and_servers(cloud: RunningCloud) -> None:
    policy_id = csbs_policy(cloud, servers=3)
    first, second = resources(cloud, "servers")[:2]
    one = TaskRun(create_operator(cloud, "csbs", policy_id=policy_id, server_ids=[first], deferrable=False))
    other = TaskRun(create_operator(cloud, "csbs", policy_id=policy_id, server_ids=[second], deferrable=False))
    results = [one.execute(), other.execute()]
    one.retry()
    assert one.execute()["backup_id"] == results[0]["backup_id"]
    other.retry()
    assert other.execute()["backup_id"] == results[1]["backup_id"]
    assert len(rows(cloud, "csbs")) == 2


def test_a_csbs_retry_does_not_adopt_what_began_before_its_run(cloud: RunningCloud) -> None:
    operator = create_operator(cloud, "csbs", deferrable=False)
    first = TaskRun(operator, run_id="first").execute()
    second = TaskRun(operator, run_id="second")
    second.dag_run.start_date += timedelta(seconds=10)
    second.retry()
    assert second.execute()["backup_id"] != first["backup_id"]


def test_two_tasks_that_execute_one_policy_take_a_checkpoint_each(cloud: RunningCloud) -> None:
    # The call carries no name: without care the second would adopt the first one's checkpoint and say "done".
    policy_id = csbs_policy(cloud)
    results = [
        TaskRun(create_operator(cloud, "csbs", task_id=task_id, policy_id=policy_id, deferrable=False)).execute()
        for task_id in ("before", "after")
    ]
    assert results[0]["backup_id"] != results[1]["backup_id"]


def test_a_running_backup_of_another_task_is_not_adopted(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    operator = create_operator(cloud, "csbs", on_conflict="fail")
    TaskRun(operator, run_id="first").execute()
    with pytest.raises(ResourceBusyError):
        TaskRun(operator, run_id="second").execute()


@pytest.mark.parametrize("service", SERVICES)
def test_a_lost_answer_is_looked_up_and_not_sent_again(wire: Wire, backup_cloud: RunningCloud, service: str) -> None:
    operator = create_operator(backup_cloud, service)
    run = TaskRun(operator)
    already_sent = len(wire.sent_to(service, "POST"))
    with wire.losing_answers_to(is_post_to(service)):
        ended = run.execute()
    assert run.finish(ended)["status"].lower() in ("available", "completed")
    assert len(wire.sent_to(service, "POST")) == already_sent + 1
    assert len(rows(backup_cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_an_answer_whose_backup_cannot_be_found_fails_the_try_and_not_more(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    run = TaskRun(create_operator(backup_cloud, service, deferrable=False))
    already_sent = len(wire.sent_to(service, "POST"))
    with wire.losing_answers_to(lambda request: request.service == service), pytest.raises(CloudConnectionError):
        run.execute()
    assert len(wire.sent_to(service, "POST")) <= already_sent + 1
    run.retry()
    assert run.execute()["status"].lower() in ("available", "completed")
    assert len(rows(backup_cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_request_that_a_dead_connection_swallowed_is_sent_once_more_within_the_try(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    run = TaskRun(create_operator(backup_cloud, service, deferrable=False))
    already_sent = len(wire.sent_to(service, "POST"))
    backup_cloud.misbehave("close_before", service=service, method="POST", count=1)
    assert run.execute()["status"].lower() in ("available", "completed")
    assert len(wire.sent_to(service, "POST")) == already_sent + 2
    assert len(rows(backup_cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_request_is_sent_once_more_and_not_again(wire: Wire, backup_cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(backup_cloud, service, deferrable=False))
    already_sent = len(wire.sent_to(service, "POST"))
    backup_cloud.misbehave("close_before", service=service, method="POST", count=2)
    with pytest.raises(CloudConnectionError):
        run.execute()
    assert len(wire.sent_to(service, "POST")) == already_sent + 2
    run.retry()
    assert run.execute()["status"].lower() in ("available", "completed")
    assert len(rows(backup_cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_request_that_may_still_arrive_is_not_sent_once_more(
    wire: Wire, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv(CONNECTION, wire.connection_json(attempts=2, retry_wait=0.05, total_timeout=0.5))
    run = TaskRun(create_operator(backup_cloud, service, deferrable=False))
    already_sent = len(wire.sent_to(service, "POST"))
    backup_cloud.misbehave("delay", service=service, method="POST", seconds=2, count=1)
    with pytest.raises(CloudConnectionError):
        run.execute()
    assert len(wire.sent_to(service, "POST")) == already_sent + 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_request_whose_backup_no_list_shows_yet_makes_no_second_one_when_it_is_sent_once_more(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    run = TaskRun(create_operator(backup_cloud, service, on_conflict="fail"))
    already_sent = len(wire.sent_to(service, "POST"))
    backup_cloud.set_backup_seconds(3600)
    backup_cloud.misbehave("stale_read", service=service, writes=1)
    backup_cloud.misbehave("close_after", service=service, method="POST", count=1)
    with pytest.raises((ResourceBusyError, DuplicateNameError)):
        run.execute()
    assert len(wire.sent_to(service, "POST")) == already_sent + 2
    backup_cloud.behave()
    run.retry()
    ended = run.execute()
    let_time_pass(backup_cloud)
    assert run.finish(ended)["status"].lower() in ("available", "completed")
    assert len(rows(backup_cloud, service)) == 1


def test_a_request_that_did_not_get_through_is_sent_again(wire: Wire, backup_cloud: RunningCloud) -> None:
    run = TaskRun(create_operator(backup_cloud, "rds", deferrable=False))
    wire.down()
    with pytest.raises(CloudConnectionError):
        run.execute()
    wire.up()
    run.retry()
    assert run.execute()["status"] == "COMPLETED"
    assert len(rows(backup_cloud, "rds")) == 1


def test_an_error_of_the_first_read_does_not_lose_the_new_backup(wire: Wire, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(backup_cloud, "gaussdb"))
    # The search before the request is the first GET; all GETs after the POST fail.
    with wire.failing(lambda request: request.method == "GET" and bool(wire.sent_to("gaussdb", "POST"))):
        ended = run.execute()
    assert isinstance(ended, Deferred)
    let_time_pass(backup_cloud)
    assert run.finish(ended)["status"] == "COMPLETED"


def test_a_backup_that_finished_while_no_task_waited_is_adopted(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, "vbs"))
    run.execute()
    finish_backups(cloud)
    run.retry()
    assert run.execute()["status"] == "available"
    assert len(rows(cloud, "vbs")) == 1

"""Restoring database instances with the operators, in place and to new ones: proved by content, submitted once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BackupError, CloudConnectionError, ResourceBusyError
from airflow_provider_backup.cloud.limits import override_limits
from airflow_provider_backup.cloud.services.databases.restore_operations import (
    InstanceRestoreOperation,
    NewInstanceOperation,
)
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import (
    BackupFailedError,
    BackupTimeoutError,
    InvalidArgumentError,
    UnprovenSubmissionError,
)
from tests.airflow.restorable_instances import (
    JOBS_ROUTE,
    NEW_ROUTE,
    PASSWORD,
    RESTORE_INSTANCE,
    RestorableInstance,
    set_password,
)
from tests.airflow.service_matrix import create_operator, let_time_pass, resources, rows
from tests.airflow.task_runs import Deferred, TaskRun

TARGETS: list[dict[str, Any]] = [{}, {"new_instance_name": "rehearsal"}]


class Died(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    set_password(monkeypatch)


@pytest.fixture(autouse=True)
def _statuses_without_delay() -> Iterator[None]:
    # Restores take fractions of a second here, and may be over before they are looked at.
    with override_limits(longest_status_delay=0.0):
        yield


@pytest.fixture(params=RESTORE_INSTANCE)
def made(cloud: RunningCloud, request: pytest.FixtureRequest) -> RestorableInstance:
    return RestorableInstance(cloud, request.param)


@pytest.fixture
def rds(cloud: RunningCloud) -> RestorableInstance:
    return RestorableInstance(cloud, "rds")


# --------------------------------------------------------------------------------------------------------- in place


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_restore_in_place_brings_back_what_the_backup_holds(made: RestorableInstance, deferrable: bool) -> None:
    made.cloud.set_backup_seconds(0.5)

    result = made.run(deferrable=deferrable).run()

    assert (made.content, made.restores, made.requests) == (1, 1, 1)
    assert result["service"] == made.service
    assert result["operation"] == "restore"
    assert (result["instance_id"], result["resource_ids"]) == (made.instance_id, [made.instance_id])
    assert (result["instance_name"], result["is_new"]) == (made.rows[made.instance_id]["name"], False)
    assert result["source"] == {
        "instance_id": made.instance_id,
        "backup_id": made.backup["backup_id"],
        "restore_time": None,
    }
    assert (result["host"], result["port"]) == ("192.168.0.10", made.rows[made.instance_id]["port"])
    assert result["job_id"]
    assert result["began_at"] <= result["finished_at"]
    assert result["status"] == "ACTIVE"


def test_another_existing_instance_can_be_overwritten(cloud: RunningCloud) -> None:
    made = RestorableInstance(cloud, "gaussdb")
    _, other, _ = resources(cloud, "gaussdb_instances")
    cloud.change_content(other, 7)

    result = made.run(target_instance_id=other).run()

    assert (cloud.content(other), made.content) == (1, 2)
    assert (result["instance_id"], result["source"]["instance_id"]) == (other, made.instance_id)


def test_the_id_of_a_backup_is_enough_for_its_own_instance(made: RestorableInstance) -> None:
    made.run(backup_id=made.backup["backup_id"]).run()

    assert made.content == 1


# ---------------------------------------------------------------------------------------------------- new instances


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_new_instance_has_the_content_of_the_backup_and_is_like_its_source(
    made: RestorableInstance, deferrable: bool
) -> None:
    made.cloud.set_backup_seconds(0.5)

    result = made.run(new_instance_name="rehearsal", deferrable=deferrable).run()

    (new,) = made.made
    source = made.rows[made.instance_id]
    assert (made.cloud.content(new["id"]), made.content, made.creations) == (1, 2, 1)
    assert (result["instance_id"], result["instance_name"], result["is_new"]) == (new["id"], new["name"], True)
    assert new["name"].startswith("rehearsal-")
    assert (result["host"], result["port"]) == ("192.168.0.10", new["port"])
    for field in ("vpc_id", "subnet_id", "security_group_id", "port", "type"):
        assert new[field] == source[field]
    policies = made.cloud.state.table(f"{made.service}.policies")
    assert policies[new["id"]]["keep_days"] == policies[made.instance_id]["keep_days"]


def test_fields_of_a_new_instance_can_be_overridden(rds: RestorableInstance) -> None:
    result = rds.run(
        new_instance_name="rehearsal",
        flavor_ref="rds.mysql.x1.large.2",
        volume={"type": "ULTRAHIGH", "size": 300},
        ha=False,
        port=3307,
        keep_days=1,
        tags={"purpose": "rehearsal"},
    ).run()

    (new,) = rds.made
    assert (new["flavor_ref"], new["size_gb"], new["port"], new["type"]) == (
        "rds.mysql.x1.large.2",
        300,
        3307,
        "Single",
    )
    assert new["tags"] == [{"key": "purpose", "value": "rehearsal"}]
    assert rds.cloud.state.table("rds.policies")[new["id"]]["keep_days"] == 1
    assert result["port"] == 3307


def test_the_password_stays_out_of_logs_results_and_records(
    made: RestorableInstance, logged: Callable[[], str]
) -> None:
    made.misbehave("refuse", route="/v3/{project_id}/instances", status=400, code="DBS.280001", count=1)
    run = made.run(new_instance_name="rehearsal", retries=1, deferrable=True)
    with pytest.raises(Exception, match=r"DBS\.280001"):
        run.run()
    run.retry()
    result = run.run()

    assert run.store is not None
    kept = f"{result}{run.store.values}{run.ti.xcoms}{vars(run.operator)}"
    assert PASSWORD not in logged() + kept


def test_the_reference_is_known_before_the_task_defers(made: RestorableInstance) -> None:
    made.cloud.set_backup_seconds(3600)
    run = made.run(deferrable=True)

    assert isinstance(run.execute(), Deferred)

    reference: dict[str, Any] = run.ti.xcom_pull(task_ids="restore", key="backup_reference", map_indexes=-1)
    assert (reference["operation"], reference["instance_id"]) == ("restore", made.instance_id)


# ----------------------------------------------------------------------------------------------------------- moments


def test_the_state_at_the_latest_moment_comes_back(made: RestorableInstance) -> None:
    made.cloud.state.advance_clock(3600)

    result = made.run(restore_time="latest", source_instance_id=made.instance_id).run()

    assert made.content == 2
    moment = datetime.fromisoformat(result["source"]["restore_time"])
    assert timedelta(minutes=1) < made.cloud.state.now() - moment < timedelta(minutes=10)
    assert (result["source"]["backup_id"], result["backup_ids"]) == (None, [])


@pytest.mark.parametrize("as_text", [True, False])
def test_the_state_at_a_moment_comes_back(made: RestorableInstance, as_text: bool) -> None:
    moment = (made.cloud.state.now() - timedelta(days=1)).astimezone(timezone(timedelta(hours=2)))

    result = made.run(restore_time=moment.isoformat() if as_text else moment, source_instance_id=made.instance_id).run()

    assert made.content == 1
    assert result["source"]["restore_time"] == moment.astimezone(UTC).isoformat()


def test_a_new_instance_can_have_the_state_at_a_moment(made: RestorableInstance) -> None:
    made.cloud.state.advance_clock(3600)

    result = made.run(restore_time="latest", source_instance_id=made.instance_id, new_instance_name="copy").run()

    assert made.cloud.content(result["instance_id"]) == 2


def test_a_moment_outside_the_windows_names_the_nearest_ones_and_sends_nothing(made: RestorableInstance) -> None:
    made.cloud.state.advance_clock(3600)
    future = made.cloud.state.now() + timedelta(hours=1)

    with pytest.raises(InvalidArgumentError, match=r"restore_time: must be in a restore window .* the nearest are \d"):
        made.run(restore_time=future, source_instance_id=made.instance_id).run()

    assert made.requests == 0


def test_an_instance_without_windows_says_what_is_missing(rds: RestorableInstance) -> None:
    rds.cloud.state.table("rds.policies")[rds.instance_id]["keep_days"] = 0

    with pytest.raises(InvalidArgumentError, match="has no restore window; automatic backups must be on"):
        rds.run(restore_time="latest", source_instance_id=rds.instance_id).run()


# ---------------------------------------------------------------------------------------------------------- evidence


@pytest.mark.parametrize("deferrable", [True, False])
def test_an_active_instance_right_after_the_request_is_no_success(made: RestorableInstance, deferrable: bool) -> None:
    # The emulated instance shows RESTORING after a tenth of that.
    made.cloud.set_backup_seconds(3)
    made.cloud.misbehave("refuse", service=made.service, method="GET", route=JOBS_ROUTE, status=400, code="DBS.200543")

    result = made.run(deferrable=deferrable).run()

    assert (made.content, result["status"]) == (1, "ACTIVE")


def test_a_job_that_this_cloud_does_not_tell_is_no_failure(made: RestorableInstance) -> None:
    made.cloud.set_backup_seconds(0.5)
    made.cloud.misbehave("refuse", service=made.service, method="GET", route=JOBS_ROUTE, status=400, code="DBS.200543")

    result = made.run(new_instance_name="rehearsal").run()

    assert made.cloud.content(result["instance_id"]) == 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failed_restore_fails_the_task_with_the_reason(made: RestorableInstance, deferrable: bool) -> None:
    made.cloud.plan_outcome(f"{made.service}.restore", reason="the storage cannot be written", seconds=0.5)

    with pytest.raises(BackupFailedError, match="the storage cannot be written.*partly overwritten"):
        made.run(deferrable=deferrable).run()

    assert made.content == 2


def test_a_new_instance_that_failed_is_named_and_a_retry_creates_another_one(made: RestorableInstance) -> None:
    made.cloud.fail_next_backup(f"{made.service}.restore", "no capacity")
    run = made.run(new_instance_name="rehearsal", retries=1)
    with pytest.raises(BackupFailedError, match="no capacity.*The new instance may exist"):
        run.run()

    run.retry()
    result = run.run()

    failed, good = made.made
    assert result["instance_id"] == good["id"]
    assert good["name"] == f"{failed['name']}-2"
    assert made.cloud.content(good["id"]) == 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_restore_that_never_ends_times_out_and_is_left_alone(made: RestorableInstance, deferrable: bool) -> None:
    made.cloud.plan_outcome(f"{made.service}.restore", stuck=True)

    with pytest.raises(BackupTimeoutError, match="the restore continues in the cloud, and a retry adopts it"):
        made.run(deferrable=deferrable, timeout=1).run()

    assert made.restores == 1


def test_the_task_reads_the_restore_itself_when_the_trigger_died(made: RestorableInstance) -> None:
    made.cloud.set_backup_seconds(0.5)
    run = made.run(deferrable=True)
    assert isinstance(run.execute(), Deferred)
    made.cloud.state.advance_clock(1)

    run.resume_after_failure()

    assert (made.restores, made.content) == (1, 1)


def test_a_restore_that_is_not_waited_for_continues(made: RestorableInstance) -> None:
    made.cloud.set_backup_seconds(3600)

    result = made.run(wait_for_completion=False).execute()

    assert (made.restores, made.content, result["finished_at"]) == (1, 2, None)
    made.cloud.state.advance_clock(3600)
    assert made.content == 1


# -------------------------------------------------------------------------------------------------- retries, crashes


@pytest.mark.parametrize("target", TARGETS)
def test_a_retry_adopts_the_recorded_restore(made: RestorableInstance, target: dict[str, Any]) -> None:
    run = made.run(retries=1, **target)
    first = run.run()

    run.retry()
    second = run.run()

    assert made.restores == 1
    assert second["instance_id"] == first["instance_id"]


def test_a_retry_without_a_record_adopts_the_new_instance_by_its_name(made: RestorableInstance) -> None:
    run = made.run(new_instance_name="rehearsal", retries=1, with_store=False)
    first = run.run()

    run.retry()
    second = run.run()

    assert made.creations == 1
    assert second["instance_id"] == first["instance_id"]


def test_a_new_instance_is_adopted_although_its_backup_was_deleted_since(made: RestorableInstance) -> None:
    run = made.run(new_instance_name="rehearsal", retries=1, with_store=False)
    first = run.run()
    del made.cloud.state.table(f"{made.service}.backups")[made.backup["backup_id"]]

    run.retry()

    assert run.run()["instance_id"] == first["instance_id"]


def test_a_cleared_task_creates_another_instance(made: RestorableInstance) -> None:
    run = made.run(new_instance_name="rehearsal")
    run.run()

    run.clear()
    run.run()

    first, second = made.made
    assert first["name"] != second["name"]


def test_a_lost_answer_to_a_new_instance_is_looked_up_and_not_sent_again(made: RestorableInstance) -> None:
    made.misbehave("close_after", route=NEW_ROUTE, count=1)

    result = made.run(new_instance_name="rehearsal").run()

    assert (made.creations, len(made.made)) == (1, 1)
    assert made.cloud.content(result["instance_id"]) == 1


def test_a_lost_answer_in_place_is_found_by_the_status_of_the_instance(made: RestorableInstance) -> None:
    made.cloud.set_backup_seconds(2)
    made.misbehave("close_after", count=1)
    run = made.run(retries=1)
    with suppress(CloudConnectionError):
        # The status may show before the task has given up.
        run.run()
    made.cloud.state.advance_clock(1.5)

    run.retry()
    run.run()

    assert (made.requests, made.content) == (1, 1)


@pytest.mark.parametrize("is_sent", [True, False])
@pytest.mark.parametrize("with_store", [True, False])
def test_a_retry_that_cannot_prove_what_became_of_its_submission_sends_nothing(
    made: RestorableInstance, monkeypatch: pytest.MonkeyPatch, is_sent: bool, with_store: bool
) -> None:
    run = made.run(with_store=with_store, retries=1)
    _crash(monkeypatch, run, InstanceRestoreOperation, is_sent=is_sent)
    # As long as it runs, the status of the instance would show it.
    made.cloud.state.advance_clock(10)

    run.retry()
    with pytest.raises(UnprovenSubmissionError, match="Nothing was sent.*Check in the cloud whether it started"):
        run.run()

    assert made.requests == int(is_sent)


def test_with_on_uncertain_repeat_such_a_retry_submits_again(
    made: RestorableInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made.run(retries=1, on_uncertain="repeat")
    _crash(monkeypatch, run, InstanceRestoreOperation, is_sent=False)

    run.retry()
    run.run()

    assert (made.requests, made.content) == (1, 1)


def test_a_retry_that_sees_the_restore_of_a_crashed_try_waits_for_it(
    made: RestorableInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.cloud.set_backup_seconds(3)
    run = made.run(retries=1)
    _crash(monkeypatch, run, InstanceRestoreOperation, is_sent=True)
    made.cloud.state.advance_clock(1)

    run.retry()
    run.run()

    assert (made.requests, made.content) == (1, 1)


def test_a_crash_before_the_answer_is_recorded_leaves_one_new_instance(
    made: RestorableInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made.run(new_instance_name="rehearsal", retries=1)
    _crash(monkeypatch, run, NewInstanceOperation, is_sent=True)

    run.retry()
    run.run()

    assert (made.creations, len(made.made)) == (1, 1)


def test_a_retry_that_never_submitted_does_not_adopt_the_restore_of_another_task(made: RestorableInstance) -> None:
    run = made.run(retries=1)
    made.misbehave("refuse", status=403, code="APIGW.0302", count=1)
    with pytest.raises(BackupError, match=r"APIGW\.0302"):
        run.run()
    made.cloud.set_backup_seconds(1)
    made.run(run_id="another", wait_for_completion=False).execute()
    made.cloud.state.advance_clock(0.5)

    run.retry()
    run.run()

    assert (made.restores, made.content) == (2, 1)


def test_nothing_is_sent_in_place_when_the_submission_cannot_be_recorded(made: RestorableInstance) -> None:
    run = made.run()
    assert run.store is not None
    run.store.fails = True

    with pytest.raises(BackupError, match="Nothing was sent.*could not be recorded before"):
        run.run()

    assert made.requests == 0


# -------------------------------------------------------------------------------------------------- busy instances


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_busy_target_is_waited_for(made: RestorableInstance, deferrable: bool) -> None:
    made.cloud.set_backup_seconds(1)
    made.run(wait_for_completion=False).execute()
    made.cloud.state.advance_clock(0.2)
    other = made.run(run_id="another", deferrable=deferrable)

    ended = other.execute()

    if deferrable:
        assert isinstance(ended, Deferred)
        assert ended.is_for_conflict
        assert ended.trigger_arguments["reference"]["operation"] == "restore"
        other.finish(ended)
    assert (made.restores, made.content, made.requests) == (2, 1, 2)


def test_with_on_conflict_fail_a_busy_target_fails_the_task_before_anything_is_sent(made: RestorableInstance) -> None:
    made.cloud.set_backup_seconds(3600)
    made.run(wait_for_completion=False).execute()
    made.cloud.state.advance_clock(2)

    with pytest.raises(ResourceBusyError, match="is RESTORING"):
        made.run(run_id="another", on_conflict="fail").execute()

    assert made.requests == 1


@pytest.mark.parametrize("target", TARGETS)
def test_a_backup_that_is_still_being_taken_is_waited_for(made: RestorableInstance, target: dict[str, Any]) -> None:
    made.cloud.set_backup_seconds(1)
    create = create_operator(made.cloud, made.service, instance_id=made.instance_id, wait_for_completion=False)
    running = TaskRun(create, run_id="running").execute()
    run = made.run(backup=running, deferrable=True, **target)

    ended = run.execute()

    assert isinstance(ended, Deferred)
    assert ended.is_for_conflict
    assert ended.trigger_arguments["reference"]["backup_id"] == running["backup_id"]
    result = run.finish(ended)
    assert made.cloud.content(result["instance_id"]) == 2
    assert made.restores == 1


def test_a_backup_of_an_instance_that_is_restored_waits_in_the_triggerer_for_the_restore(
    made: RestorableInstance,
) -> None:
    made.cloud.set_backup_seconds(1)
    made.run(wait_for_completion=False).execute()
    made.cloud.state.advance_clock(0.2)
    run = TaskRun(create_operator(made.cloud, made.service, instance_id=made.instance_id, timeout=60))

    ended = run.execute()

    assert isinstance(ended, Deferred)
    assert ended.is_for_conflict
    assert ended.trigger_arguments["reference"]["operation"] == "restore"
    run.finish(ended)


def _crash(monkeypatch: pytest.MonkeyPatch, run: TaskRun, operation: Any, *, is_sent: bool) -> None:
    """Let a task's process die around its submission."""
    submit = operation.submit

    async def dies(self: Any, request: Any) -> Any:
        if is_sent:
            await submit(self, request)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(operation, "submit", dies)
        with pytest.raises(Died):
            run.execute()


# ----------------------------------------------------------------------------------------------------- backup_first


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_backup_is_taken_before_the_instance_is_overwritten(made: RestorableInstance, deferrable: bool) -> None:
    made.cloud.set_backup_seconds(0.5)

    result = made.run(backup_first=True, deferrable=deferrable).run()

    assert made.content == 1
    first = result["backup_first"]
    (row,) = [each for each in rows(made.cloud, made.service) if each["id"] == first["backup_id"]]
    assert row["contents"] == {made.instance_id: 2}
    assert (first["status"], result["operation"]) == ("COMPLETED", "restore")


def test_a_retry_adopts_the_backup_and_the_restore(made: RestorableInstance) -> None:
    run = made.run(backup_first=True, retries=1)
    first = run.run()

    run.retry()
    second = run.run()

    assert second["backup_first"]["backup_id"] == first["backup_first"]["backup_id"]
    assert (made.restores, len(rows(made.cloud, made.service))) == (1, 2)


def test_nothing_is_overwritten_when_the_backup_before_it_fails(made: RestorableInstance) -> None:
    made.cloud.fail_next_backup(made.service, "disk full")
    run = made.run(backup_first=True, retries=1)
    with pytest.raises(BackupFailedError, match="Nothing was overwritten"):
        run.run()
    assert made.requests == 0

    run.retry()
    run.run()

    assert (made.content, made.requests) == (1, 1)


def test_a_busy_instance_is_waited_for_before_its_backup(made: RestorableInstance) -> None:
    made.cloud.set_backup_seconds(3600)
    made.run(wait_for_completion=False).execute()
    made.cloud.state.advance_clock(600)
    run = made.run(run_id="another", backup_first=True, deferrable=True)

    ended = run.execute()

    assert isinstance(ended, Deferred)
    assert ended.is_for_conflict
    made.cloud.set_backup_seconds(0.05)
    let_time_pass(made.cloud)
    result = run.finish(ended)
    assert (made.restores, made.content) == (2, 1)
    assert result["backup_first"]["status"] == "COMPLETED"


def test_a_dead_trigger_of_the_backup_leads_on_to_the_restore(made: RestorableInstance) -> None:
    made.cloud.set_backup_seconds(0.5)
    run = made.run(backup_first=True, deferrable=True)
    assert isinstance(run.execute(), Deferred)
    made.cloud.state.advance_clock(1)

    result = run.finish(run.resume_after_failure())

    assert (made.restores, made.content) == (1, 1)
    assert result["backup_first"]["status"] == "COMPLETED"

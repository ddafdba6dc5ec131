"""Restoring with the operators: proved by content, submitted once, never twice by accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    BackupError,
    CloudConnectionError,
    InvalidRequestError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.services.cbr.restores import CbrRestoreOperation
from airflow_provider_backup.cloud.services.csbs.restores import CsbsRestoreOperation
from airflow_provider_backup.cloud.services.vbs.restores import VbsRestoreOperation
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import (
    BackupFailedError,
    BackupTimeoutError,
    InvalidArgumentError,
    UnprovenSubmissionError,
)
from airflow_provider_backup.operators.cbr import CbrRestoreBackupOperator
from airflow_provider_backup.operators.csbs import CsbsRestoreBackupOperator
from airflow_provider_backup.tasks.submission_record import RECORD_KEY
from tests.airflow.restorable import RESTORE, Restorable
from tests.airflow.service_matrix import SENSORS, create_operator
from tests.airflow.services.cbr import cbr_vault_of_file_system
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore

OPERATIONS: dict[str, Any] = {"cbr": CbrRestoreOperation, "csbs": CsbsRestoreOperation, "vbs": VbsRestoreOperation}


class Died(BaseException):
    """The process is gone."""


@pytest.fixture(params=RESTORE)
def made(cloud: RunningCloud, request: pytest.FixtureRequest) -> Restorable:
    return Restorable(cloud, request.param)


@pytest.fixture
def cbr(cloud: RunningCloud) -> Restorable:
    return Restorable(cloud, "cbr")


@pytest.fixture
def csbs(cloud: RunningCloud) -> Restorable:
    return Restorable(cloud, "csbs")


@pytest.fixture(params=["cbr", "csbs"])
def server(cloud: RunningCloud, request: pytest.FixtureRequest) -> Restorable:
    return Restorable(cloud, request.param)


@pytest.fixture
def vbs(cloud: RunningCloud) -> Restorable:
    return Restorable(cloud, "vbs")


# ------------------------------------------------------------------------------------------------------- whole runs


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_restore_brings_back_what_the_backup_holds(made: Restorable, deferrable: bool) -> None:
    made.cloud.set_backup_seconds(0.5)

    result = made.run(deferrable=deferrable).run()

    assert made.content == 1
    assert result["resource_ids"] == [made.resource_id]
    assert result["backup_ids"] == made.backup["backup_ids"]
    assert result["status"] in ("success", "SUCCESS", "available")
    assert made.restores == 1


def test_the_id_of_a_backup_is_enough(made: Restorable) -> None:
    made.run(backup_id=made.backup["backup_ids"][0]).run()

    assert made.content == 1


def test_the_reference_is_known_before_the_task_defers(made: Restorable) -> None:
    made.cloud.set_backup_seconds(3600)
    run = made.run(deferrable=True)

    assert isinstance(run.execute(), Deferred)

    reference = run.ti.xcom_pull(task_ids="restore", key="backup_reference", map_indexes=-1)
    assert (reference["operation"], reference["expected_ids"]) == ("restore", [made.resource_id])


def test_a_restore_that_is_not_waited_for_continues(made: Restorable) -> None:
    made.cloud.set_backup_seconds(3600)

    made.run(wait_for_completion=False).execute()

    assert (made.restores, made.content) == (1, 2)
    made.cloud.state.advance_clock(3600)
    assert made.content == 1


def test_a_mapping_leaves_the_other_disks_alone(cloud: RunningCloud) -> None:
    made = Restorable(cloud, "cbr")
    disks = cloud.state.table("inventory.servers")[made.resource_id]["volumes"]
    (wanted,) = disks[:1]

    made.run(mappings={wanted: wanted}).run()

    assert [cloud.content(disk) for disk in disks] == [1, *[2] * len(disks[1:])]


@pytest.mark.parametrize("names_target", [True, False])
def test_a_file_system_of_cbr_is_brought_back(cloud: RunningCloud, names_target: bool) -> None:
    create = create_operator(cloud, "cbr", deferrable=False, vault_id=cbr_vault_of_file_system(cloud))
    backup = TaskRun(create, run_id="before").execute()
    (file_system,) = backup["resource_ids"]
    cloud.change_content(file_system, 2)
    target = {"resource_id": file_system} if names_target else {}

    result = TaskRun(
        CbrRestoreBackupOperator(
            task_id="restore", backup=backup, overwrite=True, poll_interval=0.05, deferrable=True, **target
        )
    ).run()

    assert result["resource_ids"] == [file_system]
    assert cloud.content(file_system) == 1


def test_a_server_can_be_left_off(server: Restorable) -> None:
    server.run(power_on=False).run()

    assert server.cloud.state.table("inventory.servers")[server.resource_id]["status"] == "SHUTOFF"


def test_a_csbs_backup_is_restored_to_the_disks_that_the_mapping_names(csbs: Restorable) -> None:
    disks = csbs.cloud.state.table("inventory.servers")[csbs.resource_id]["volumes"]

    csbs.run(mappings={disk: disk for disk in disks}).run()

    assert (csbs.restores, csbs.content) == (1, 1)


@pytest.mark.parametrize("deferrable", [True, False])
def test_an_answer_without_a_job_id_is_followed_by_the_operation_log(cbr: Restorable, deferrable: bool) -> None:
    cbr.misbehave("no_body")
    cbr.cloud.set_backup_seconds(0.5)

    result = cbr.run(deferrable=deferrable).run()

    assert (result["status"], cbr.content) == ("success", 1)


def test_what_is_restored_from_is_a_good_backup_to_a_sensor(made: Restorable) -> None:
    made.cloud.set_backup_seconds(3600)
    made.run(wait_for_completion=False).execute()

    sensor = SENSORS[made.service](
        task_id="wait", backup_id=made.backup["backup_ids"][0], deferrable=False, poke_interval=0.05
    )

    assert TaskRun(sensor).run()["status"] == "restoring"


# --------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize("overwrite", [None, False, "True", 1])
@pytest.mark.parametrize("service", RESTORE)
def test_nothing_is_restored_unless_the_author_says_that_it_overwrites(service: str, overwrite: Any) -> None:
    with pytest.raises(InvalidRequestError, match="overwrite: must be True"):
        RESTORE[service](task_id="restore", backup_id="backup-1", overwrite=overwrite)


@pytest.mark.parametrize("service", RESTORE)
def test_a_restore_needs_a_backup(service: str) -> None:
    with pytest.raises(InvalidArgumentError, match="No backup is named"):
        RESTORE[service](task_id="restore", overwrite=True)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"server_id": ""}, "server_id"),
        ({"volume_id": ""}, "volume_id"),
        ({"mappings": {}}, "mappings"),
        ({"mappings": {"disk": ""}}, "mappings"),
        ({"resource_id": ""}, "resource_id"),
        ({"volume_id": "disk", "server_id": "server"}, "volume_id is for the backup of a disk"),
        ({"resource_id": "file system", "server_id": "server"}, "resource_id for that of a file system"),
        ({"power_on": "perhaps"}, "power_on"),
    ],
)
def test_a_wrong_target_is_refused_while_the_dag_is_parsed(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError, match=field):
        CbrRestoreBackupOperator(task_id="restore", backup_id="backup-1", overwrite=True, **arguments)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"server_id": ""}, "server_id"),
        ({"mappings": {}}, "mappings"),
        ({"mappings": {"disk": ""}}, "mappings"),
        ({"power_on": "perhaps"}, "power_on"),
    ],
)
def test_a_wrong_server_of_csbs_is_refused_while_the_dag_is_parsed(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError, match=field):
        CsbsRestoreBackupOperator(task_id="restore", backup_id="backup-1", overwrite=True, **arguments)


def test_a_mapping_of_csbs_that_leaves_a_disk_out_fails_before_anything_is_sent(csbs: Restorable) -> None:
    with pytest.raises(InvalidArgumentError, match="must name disks of the backup.*must name every disk"):
        csbs.run(mappings={"unknown": "disk"}).run()

    assert csbs.requests == 0


def test_what_csbs_finds_not_restorable_fails_before_anything_is_sent_and_leaves_no_doubt(csbs: Restorable) -> None:
    volumes = csbs.cloud.state.table("inventory.volumes")
    (disk, *_) = csbs.cloud.state.table("inventory.servers")[csbs.resource_id]["volumes"]
    size, volumes[disk]["size_gb"] = volumes[disk]["size_gb"], 1
    run = csbs.run(retries=1)
    with pytest.raises(BackupError, match=r"CSBS\.6024.*Nothing was sent"):
        run.run()
    assert csbs.requests == 0
    volumes[disk]["size_gb"] = size

    run.retry()
    run.run()

    assert (csbs.requests, csbs.content) == (1, 1)


def test_what_does_not_fit_the_backup_fails_before_anything_is_sent(cbr: Restorable) -> None:
    with pytest.raises(InvalidArgumentError, match="the backup is one of a server"):
        cbr.run(backup_id=cbr.backup["backup_ids"][0], volume_id="disk").run()

    assert cbr.requests == 0


@pytest.mark.parametrize(
    ("service", "argument"),
    [
        ("cbr", "server_id"),
        ("cbr", "volume_id"),
        ("cbr", "mappings"),
        ("cbr", "power_on"),
        ("csbs", "server_id"),
        ("csbs", "mappings"),
        ("csbs", "power_on"),
        ("vbs", "volume_id"),
    ],
)
def test_a_target_whose_template_has_no_value_does_not_become_what_was_backed_up(
    cloud: RunningCloud, service: str, argument: str
) -> None:
    made = Restorable(cloud, service)
    given: Any = {"disk": "{{ disk }}"} if argument == "mappings" else "{{ target }}"
    run = TaskRun(made.operator(backup_id=made.backup["backup_ids"][0], **{argument: given}), store=TaskStateStore())
    setattr(run.operator, argument, None)

    with pytest.raises(InvalidArgumentError, match=f"Nothing was sent: {argument} is given, but .* has no value"):
        run.run()

    assert (made.requests, made.content) == (0, 2)


def test_a_busy_resource_is_waited_for(made: Restorable) -> None:
    made.cloud.set_backup_seconds(1)
    made.run(wait_for_completion=False).execute()

    TaskRun(made.operator(), run_id="another", store=TaskStateStore()).execute()

    assert made.restores == 2


def test_a_disk_that_is_restored_from_another_backup_is_waited_for(vbs: Restorable) -> None:
    create = create_operator(vbs.cloud, "vbs", deferrable=False, volume_id=vbs.resource_id)
    other_backup = TaskRun(create, run_id="later").execute()["backup_ids"][0]
    vbs.cloud.set_backup_seconds(1)
    TaskRun(vbs.operator(backup_id=other_backup, wait_for_completion=False), run_id="another").execute()

    vbs.run().execute()

    assert (vbs.restores, vbs.content) == (2, 1)


def test_an_outage_is_waited_out_while_a_worker_waits_for_a_busy_resource(
    cbr: Restorable, monkeypatch: pytest.MonkeyPatch
) -> None:
    cbr.cloud.set_backup_seconds(0.5)
    cbr.run(wait_for_completion=False).execute()
    prepare, reads = CbrRestoreOperation.prepare, []

    async def prepared(operation: CbrRestoreOperation, request: Any) -> None:
        reads.append(request)
        if len(reads) == 3:  # the first read after a refusal
            raise CloudConnectionError("The connection was lost", request_sent=True)
        await prepare(operation, request)

    monkeypatch.setattr(CbrRestoreOperation, "prepare", prepared)

    TaskRun(cbr.operator(timeout=60), run_id="another", store=TaskStateStore()).execute()

    assert len(reads) > 3
    assert cbr.restores == 2


def test_a_deferrable_task_waits_in_the_triggerer_for_the_restore_that_keeps_its_resource_busy(
    server: Restorable,
) -> None:
    server.cloud.set_backup_seconds(1)
    server.run(wait_for_completion=False).execute()
    other = TaskRun(server.operator(deferrable=True), run_id="another", store=TaskStateStore())

    ended = other.execute()

    assert isinstance(ended, Deferred)
    assert ended.is_for_conflict
    assert ended.trigger_arguments["reference"]["operation"] == "restore"
    other.finish(ended)
    assert (server.restores, server.content) == (2, 1)


def test_a_server_that_csbs_reports_busy_gets_no_request_until_it_is_free(csbs: Restorable) -> None:
    csbs.cloud.set_backup_seconds(1)
    csbs.run(wait_for_completion=False).execute()

    TaskRun(csbs.operator(), run_id="another", store=TaskStateStore()).execute()

    assert (csbs.requests, csbs.restores) == (2, 2)


def test_a_backup_of_a_server_that_csbs_restores_waits_in_the_triggerer_for_the_restore(csbs: Restorable) -> None:
    csbs.cloud.set_backup_seconds(1)
    csbs.run(wait_for_completion=False).execute()
    backup = create_operator(csbs.cloud, "csbs", timeout=60)
    csbs.cloud.misbehave("refuse", service="csbs", method="POST", status=400, code="CSBS.6005", count=1)
    run = TaskRun(backup)

    ended = run.execute()

    assert isinstance(ended, Deferred)
    assert ended.is_for_conflict
    assert ended.trigger_arguments["reference"]["operation"] == "restore"


def test_a_backup_of_a_resource_that_is_restored_waits_in_the_triggerer_for_the_restore(cbr: Restorable) -> None:
    cbr.cloud.set_backup_seconds(1)
    cbr.run(wait_for_completion=False).execute()
    backup = create_operator(cbr.cloud, "cbr", vault_id=next(iter(cbr.cloud.state.table("cbr.vaults"))), timeout=60)
    cbr.cloud.misbehave("refuse", service="cbr", method="POST", status=400, code="BackupService.6125", count=1)
    run = TaskRun(backup)

    ended = run.execute()

    assert isinstance(ended, Deferred)
    assert ended.is_for_conflict
    assert ended.trigger_arguments["reference"]["operation"] == "restore"
    assert run.finish(ended)["status"] == "available"


def test_with_on_conflict_fail_a_busy_resource_fails_the_task(made: Restorable) -> None:
    made.cloud.set_backup_seconds(3600)
    made.run(wait_for_completion=False).execute()

    with pytest.raises(ResourceBusyError):
        TaskRun(made.operator(on_conflict="fail"), run_id="another", store=TaskStateStore()).execute()


def test_with_on_conflict_adopt_a_running_restore_of_the_same_backup_is_adopted(cbr: Restorable) -> None:
    cbr.cloud.set_backup_seconds(1)
    cbr.run(wait_for_completion=False).execute()

    TaskRun(cbr.operator(on_conflict="adopt"), run_id="another", store=TaskStateStore()).execute()

    assert (cbr.restores, cbr.content) == (1, 1)


# ---------------------------------------------------------------------------------------------- failures, timeouts


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failed_restore_fails_the_task_with_the_reason(made: Restorable, deferrable: bool) -> None:
    made.cloud.plan_outcome(f"{made.service}.restore", reason="the disk cannot be written", seconds=0.5)

    with pytest.raises(BackupFailedError, match="the disk cannot be written.*partly overwritten"):
        made.run(deferrable=deferrable).run()

    assert made.content == 2


def test_a_retry_after_a_failed_restore_submits_another_one(server: Restorable) -> None:
    server.cloud.fail_next_backup(f"{server.service}.restore", "the disk cannot be written")
    run = server.run(retries=1)
    with pytest.raises(BackupFailedError):
        run.run()

    run.retry()
    run.run()

    assert (server.restores, server.content) == (2, 1)


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_restore_that_never_ends_times_out_and_is_left_alone(made: Restorable, deferrable: bool) -> None:
    made.cloud.plan_outcome(f"{made.service}.restore", stuck=True)

    with pytest.raises(BackupTimeoutError, match="the restore continues in the cloud, and a retry adopts it"):
        made.run(deferrable=deferrable, timeout=1).run()

    assert made.restores == 1


def test_the_task_reads_the_restore_itself_when_the_trigger_died(made: Restorable) -> None:
    made.cloud.set_backup_seconds(0.5)
    run = made.run(deferrable=True)
    assert isinstance(run.execute(), Deferred)
    made.cloud.state.advance_clock(1)

    run.resume_after_failure()

    assert (made.restores, made.content) == (1, 1)


# ------------------------------------------------------------------------------------------------ retries, crashes


@pytest.mark.parametrize("service", RESTORE)
def test_a_retry_adopts_the_recorded_restore(cloud: RunningCloud, service: str) -> None:
    made = Restorable(cloud, service)
    run = made.run(retries=1)
    run.run()

    run.retry()
    run.run()

    assert made.restores == 1


def test_a_retry_without_a_record_adopts_the_restore_that_it_finds(cbr: Restorable) -> None:
    run = cbr.run(with_store=False, retries=1)
    run.run()

    run.retry()
    run.run()

    assert cbr.restores == 1


def test_a_retry_that_never_submitted_does_not_adopt_the_restore_of_another_task(cbr: Restorable) -> None:
    run = cbr.run(retries=1)
    _refuse_once(cbr, run)
    _restore_in_another_task(cbr)

    run.retry()
    run.run()

    assert (cbr.restores, cbr.content) == (2, 1)


def test_a_retry_after_a_failed_restore_does_not_adopt_the_restore_of_another_task(cbr: Restorable) -> None:
    cbr.cloud.fail_next_backup("cbr.restore", "the disk cannot be written")
    run = cbr.run(retries=1)
    with pytest.raises(BackupFailedError):
        run.run()
    _restore_in_another_task(cbr)

    run.retry()
    run.run()

    assert (cbr.restores, cbr.content) == (3, 1)


@pytest.mark.parametrize("with_store", [True, False])
def test_a_retry_after_a_clear_does_not_adopt_the_restore_of_before_it(cbr: Restorable, with_store: bool) -> None:
    run = cbr.run(with_store=with_store, retries=1)
    run.run()
    cbr.cloud.change_content(cbr.resource_id, 3)
    run.clear()
    _refuse_once(cbr, run)

    run.retry()
    if with_store:
        run.run()
        assert (cbr.restores, cbr.content) == (2, 1)
    else:
        with pytest.raises(UnprovenSubmissionError, match="Nothing was sent"):
            run.run()
        assert (cbr.restores, cbr.content) == (1, 3)


def test_a_restore_that_was_logged_before_the_submission_is_not_taken_for_it(cbr: Restorable) -> None:
    run = cbr.run(retries=1)
    _restore_in_another_task(cbr)
    cbr.misbehave("close_before", count=1)

    with pytest.raises(CloudConnectionError):
        run.run()

    assert (cbr.restores, cbr.content) == (1, 3)


def test_a_retry_knows_its_submission_although_the_result_of_the_backup_was_written_again(
    made: Restorable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made.run(retries=1)
    _crash(monkeypatch, run, made.service, is_sent=True)
    run.operator.backup = {**run.operator.backup, "status": "another", "finished_at": None}

    run.retry()
    if made.service == "cbr":
        run.run()
    else:
        with pytest.raises(UnprovenSubmissionError):
            run.run()

    assert made.requests == 1


def test_a_crash_before_the_answer_is_recorded_is_found_in_the_log(
    cbr: Restorable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cbr.run(retries=1)
    _crash(monkeypatch, run, "cbr", is_sent=True)

    run.retry()
    run.run()

    assert (cbr.restores, cbr.content) == (1, 1)


@pytest.mark.parametrize(
    ("service", "is_sent"), [("vbs", True), ("vbs", False), ("csbs", True), ("csbs", False), ("cbr", False)]
)
@pytest.mark.parametrize("with_store", [True, False])
def test_a_retry_that_cannot_prove_what_became_of_its_submission_sends_nothing(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str, is_sent: bool, with_store: bool
) -> None:
    made = Restorable(cloud, service)
    run = made.run(with_store=with_store, retries=1)
    _crash(monkeypatch, run, service, is_sent=is_sent)

    run.retry()
    with pytest.raises(UnprovenSubmissionError, match="Nothing was sent.*Check in the cloud whether it started"):
        run.run()

    assert made.requests == int(is_sent)


@pytest.mark.parametrize("service", RESTORE)
def test_a_cleared_task_submits_another_restore(cloud: RunningCloud, service: str) -> None:
    made = Restorable(cloud, service)
    run = made.run()
    run.run()
    cloud.change_content(made.resource_id, 3)

    run.clear()
    run.run()

    assert (made.restores, made.content) == (2, 1)


def test_a_lost_answer_is_looked_up_and_not_sent_again(cbr: Restorable) -> None:
    cbr.misbehave("close_after", count=1)

    cbr.run().run()

    assert (cbr.requests, cbr.content) == (1, 1)


@pytest.mark.parametrize("service", ["csbs", "vbs"])
def test_a_lost_answer_that_cannot_be_looked_up_fails_the_task_and_is_not_sent_again(
    cloud: RunningCloud, service: str
) -> None:
    made = Restorable(cloud, service)
    made.misbehave("close_after", count=1)
    run = made.run(retries=1)
    with pytest.raises(CloudConnectionError):
        run.run()

    run.retry()
    with pytest.raises(UnprovenSubmissionError):
        run.run()

    assert made.requests == 1


def test_a_restore_that_was_refused_is_submitted_again_by_a_retry(made: Restorable) -> None:
    made.misbehave("refuse", status=403, code="APIGW.0302", count=1)
    run = made.run(retries=1)
    with pytest.raises(BackupError, match=r"APIGW\.0302"):
        run.run()

    run.retry()
    run.run()

    assert (made.restores, made.content) == (1, 1)


def test_a_read_that_fails_before_the_submission_leaves_no_doubt(cbr: Restorable) -> None:
    cbr.cloud.misbehave("server_error", service="cbr", method="GET", route="/v3/{project_id}/operation-logs")
    run = cbr.run(retries=1)
    with pytest.raises(BackupError, match="500"):
        run.run()

    cbr.cloud.behave()
    run.retry()
    run.run()

    assert (cbr.restores, cbr.content) == (1, 1)


def test_nothing_is_sent_when_the_submission_cannot_be_recorded(made: Restorable) -> None:
    run = made.run(retries=1)
    assert run.store is not None
    run.store.fails = True
    with pytest.raises(BackupError, match="Nothing was sent.*could not be recorded before"):
        run.run()

    assert made.requests == 0


def test_a_retry_that_cannot_read_its_record_does_not_submit_again(vbs: Restorable) -> None:
    run = vbs.run(retries=1)
    run.run()
    assert run.store is not None
    run.store.fails = True

    run.retry()
    with pytest.raises(UnprovenSubmissionError):
        run.run()

    assert vbs.requests == 1


def test_a_recorded_restore_that_the_service_does_not_know_any_more_is_not_submitted_again(vbs: Restorable) -> None:
    run = vbs.run(retries=1)
    run.run()
    vbs.cloud.state.table("vbs.jobs").clear()
    assert run.store is not None
    record = run.store.get(RECORD_KEY)
    run.store.set(RECORD_KEY, {**record, "noted_at": 0.0})

    run.retry()
    with pytest.raises(UnprovenSubmissionError):
        run.run()

    assert vbs.requests == 1


def test_a_killed_task_leaves_its_restore_alone(made: Restorable) -> None:
    made.cloud.set_backup_seconds(3600)
    run = made.run(deferrable=True)
    run.execute()

    run.operator.on_kill()

    assert made.restores == 1
    made.cloud.state.advance_clock(3600)
    assert made.content == 1


def test_the_log_names_what_is_overwritten(made: Restorable, logged: Callable[[], str]) -> None:
    made.run().run()

    assert "Sending the request for a restore of" in logged()


def _refuse_once(made: Restorable, run: TaskRun) -> None:
    made.misbehave("refuse", status=403, code="APIGW.0302", count=1)
    with pytest.raises(BackupError, match=r"APIGW\.0302"):
        run.run()


def _restore_in_another_task(made: Restorable) -> None:
    """Restore the same backup to the same resource, and change the content afterwards."""
    TaskRun(made.operator(), run_id="another", store=TaskStateStore()).run()
    made.cloud.change_content(made.resource_id, 3)


def _crash(monkeypatch: pytest.MonkeyPatch, run: TaskRun, service: str, *, is_sent: bool) -> None:
    """Let a task's process die around its submission."""
    submit = OPERATIONS[service].submit

    async def dies(self: Any, request: Any) -> Any:
        if is_sent:
            await submit(self, request)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(OPERATIONS[service], "submit", dies)
        with pytest.raises(Died):
            run.execute()

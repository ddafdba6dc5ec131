"""Text from outside forges no log line, colours no terminal and repeats no secret, wherever a service puts it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from contextlib import suppress

import pytest

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.emulator.core.accounts import PASSWORD
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError, BackupPartialError
from airflow_provider_backup.operators.base import BackupCloudOperator
from airflow_provider_backup.operators.cbr import CbrCreatePolicyOperator, CbrUpdatePolicyOperator
from airflow_provider_backup.operators.create_policy import CreatePolicyOperator
from airflow_provider_backup.operators.csbs import CsbsCreatePolicyOperator, CsbsGetPolicyOperator
from airflow_provider_backup.operators.rds import RdsCreateBackupOperator
from airflow_provider_backup.operators.vbs import VbsCreatePolicyOperator
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import SERVICES, create_operator, finish_backups, resources
from tests.airflow.task_runs import Deferred, TaskRun, event_of

HOSTILE = "broken\r\n2031-01-01 INFO FORGED\x1b[31m \u202eder \x9b31m\u2028end"
_FORGING = {each for each in HOSTILE if not each.isprintable()}


def assert_harmless(text: str) -> None:
    """Check that what came from outside stands in one line that changes nothing around it."""
    assert not any(line.startswith(("2031-01-01 INFO FORGED", "end")) for line in text.splitlines())
    assert not {each for each in text if each in _FORGING - {"\n", "\r"}}


def in_json(text: str) -> bytes:
    """Return a text as it stands between quotes in JSON."""
    return json.dumps(text)[1:-1].encode()


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("service", SERVICES)
def test_the_reason_of_a_failure_forges_no_log_line(
    cloud: RunningCloud, service: str, deferrable: bool, logged: Callable[[], str]
) -> None:
    cloud.fail_next_backup(service, HOSTILE)
    run = TaskRun(create_operator(cloud, service, deferrable=deferrable))
    if deferrable:
        cloud.set_backup_seconds(3600)

    def take() -> None:
        ended = run.execute()
        if isinstance(ended, Deferred):
            finish_backups(cloud)
            run.finish(ended)

    with pytest.raises(BackupFailedError) as caught:
        take()
    assert str(caught.value).isprintable()
    assert_harmless(logged())


@pytest.mark.parametrize("service", SERVICES)
def test_the_reason_of_a_failure_that_repeats_the_password_is_reported_without_it(
    cloud: RunningCloud, service: str, logged: Callable[[], str]
) -> None:
    cloud.set_backup_seconds(3600)
    cloud.fail_next_backup(service, f"backup-user / {PASSWORD} is not let in")
    run = TaskRun(create_operator(cloud, service))
    ended = run.execute()
    assert isinstance(ended, Deferred)
    finish_backups(cloud)
    event = event_of(ended.trigger)
    with pytest.raises(BackupFailedError) as caught:
        run.resume(ended.method_name, event=event)
    told = str(caught.value) + repr(caught.value.observation) + json.dumps([event, run.ti.xcoms]) + logged()
    assert PASSWORD not in told


@pytest.mark.parametrize(("service", "status"), [("rds", b"BUILDING"), ("cbr", b"protecting"), ("cbr", b"creating")])
def test_a_status_forges_no_log_line(
    wire: Wire, backup_cloud: RunningCloud, service: str, status: bytes, logged: Callable[[], str]
) -> None:
    backup_cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(backup_cloud, service))
    with wire.replacing((b'"%b"' % status, b'"%b"' % in_json(HOSTILE))):
        ended = run.execute()
        assert isinstance(ended, Deferred)
        finish_backups(backup_cloud)
        run.finish(ended)
    assert_harmless(logged())


@pytest.mark.parametrize(
    "make",
    [
        lambda cloud: VbsCreatePolicyOperator(
            task_id="policy", name="nightly", schedule="daily at 14:00", retention_num=3
        ),
        lambda cloud: CbrCreatePolicyOperator(task_id="policy", name="nightly", schedule="daily at 14:00"),
        lambda cloud: CsbsCreatePolicyOperator(
            task_id="policy",
            name="nightly",
            schedule="daily at 14:00",
            servers=[{"id": resources(cloud, "servers")[0], "name": "app"}],
        ),
    ],
    ids=["vbs", "cbr", "csbs"],
)
def test_the_name_of_a_policy_forges_no_log_line(
    wire: Wire,
    backup_cloud: RunningCloud,
    make: Callable[[RunningCloud], CreatePolicyOperator],
    logged: Callable[[], str],
) -> None:
    with wire.replacing((b"nightly", in_json(HOSTILE))):
        result = TaskRun(make(backup_cloud)).execute()
        if result["service"] == "csbs":
            TaskRun(CsbsGetPolicyOperator(task_id="get", policy_id=result["policy_id"])).execute()
    assert_harmless(logged())


@pytest.mark.parametrize(
    "operator",
    [
        RdsCreateBackupOperator(task_id="backup", instance_id="{{ conf }}", deferrable=False),
        CsbsGetPolicyOperator(task_id="get", policy_id="{{ conf }}"),
        CbrUpdatePolicyOperator(task_id="update", policy_id="{{ conf }}", enabled=False),
    ],
    ids=["backup", "read", "update"],
)
def test_an_id_that_a_run_was_triggered_with_forges_no_log_line(
    cloud: RunningCloud, operator: BackupCloudOperator, logged: Callable[[], str]
) -> None:
    target = "instance_id" if isinstance(operator, RdsCreateBackupOperator) else "policy_id"
    setattr(operator, target, HOSTILE)
    with suppress(BackupError):
        TaskRun(operator).execute()
    assert_harmless(logged())


def test_ids_and_states_are_reported_in_one_line_and_kept_as_they_are() -> None:
    reference = OperationReference("cbr", HOSTILE)
    observation = OperationState(
        reference, HOSTILE, Phase.FAILED, skipped=({"resource_id": HOSTILE, "reason": HOSTILE},)
    )
    for told in (reference, observation, BackupFailedError(observation), BackupPartialError(observation)):
        assert str(told).isprintable()
    assert reference.backup_id == HOSTILE
    assert observation.to_result()["status"] == HOSTILE


def test_letters_of_all_languages_stay_as_they_are() -> None:
    names = "Zürich, Łódź, 東京, Ελλάδα, Київ"
    assert all(unicodedata.category(each)[0] != "C" for each in names)
    assert str(OperationReference("cbr", names)) == f"cbr backup {names}"

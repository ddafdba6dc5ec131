"""No secret gets out: not into logs, XComs, trigger rows, events, reprs or the texts of errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.emulator.core.accounts import Accounts
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.conftest import CONNECTION
from tests.airflow.service_matrix import SERVICES, create_operator, finish_backups
from tests.airflow.task_runs import Deferred, TaskRun, event_of


def secrets_of(cloud: RunningCloud) -> list[str]:
    description = cloud.describe()
    return [description["password"], description["sk"], "MII"]


def assert_clean(cloud: RunningCloud, text: str) -> None:
    assert [secret for secret in secrets_of(cloud) if secret in text] == []


@pytest.mark.parametrize("with_access_key", [False, True])
@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_leaves_no_secret_anywhere(
    cloud: RunningCloud,
    service: str,
    with_access_key: bool,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    monkeypatch.setenv(CONNECTION, cloud.connection_json(with_access_key=with_access_key))
    task = TaskRun(create_operator(cloud, service))

    cloud.set_backup_seconds(3600)
    ended = task.execute()
    assert isinstance(ended, Deferred)
    finish_backups(cloud)
    trigger = BackupTrigger(**ended.trigger_arguments)
    event = event_of(trigger)
    result = task.resume(ended.method_name, event=event)

    text = logged()
    assert "Started" in text
    assert_clean(cloud, text)
    assert_clean(cloud, json.dumps(task.ti.xcoms))
    assert_clean(cloud, json.dumps(trigger.serialize()) + repr(trigger) + str(trigger.__dict__))
    assert_clean(cloud, json.dumps([event, result]))
    assert_clean(cloud, repr(task.operator.hook) + repr(vars(task.operator.hook)))


@pytest.mark.parametrize("with_access_key", [False, True])
def test_the_refusal_of_wrong_credentials_repeats_none_of_them(
    cloud: RunningCloud, with_access_key: bool, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    connection = json.loads(cloud.connection_json(with_access_key=with_access_key, attempts=1))
    connection["password"] = "wrong-and-still-secret"
    connection["extra"]["security_token"] = "token-of-a-temporary-key"
    monkeypatch.setenv(CONNECTION, json.dumps(connection))

    with pytest.raises(BackupError) as refusal:
        BackupCloudHook().run_in_cloud(lambda cloud: cloud.service("rds").observe(_some_backup()))

    told = logged() + str(refusal.value) + repr(refusal.value) + repr(vars(refusal.value))
    assert "wrong-and-still-secret" not in told
    assert "token-of-a-temporary-key" not in told


def test_a_temporary_key_leaves_no_secret_anywhere(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    access_key, security_token, row = Accounts(cloud.state).issue_temporary_key(timedelta(hours=1))
    connection = json.loads(cloud.connection_json(with_access_key=True, security_token=security_token))
    connection |= {"login": access_key, "password": row["secret"]}
    monkeypatch.setenv(CONNECTION, json.dumps(connection))
    task = TaskRun(create_operator(cloud, "cbr"))

    result = task.run()

    told = "".join([logged(), json.dumps(task.ti.xcoms), json.dumps(result), repr(task.operator.hook)])
    assert [secret for secret in (security_token, row["secret"]) if secret in told] == []


def _some_backup() -> OperationReference:
    return OperationReference("rds", "b" * 32 + "br01", instance_id="i" * 32 + "in01")

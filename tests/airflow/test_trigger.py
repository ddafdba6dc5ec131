"""The trigger: it only stores, survives the database, waits for every service, and sends a plain JSON event."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
import time
from typing import Any

import pytest
from airflow.triggers.base import BaseTrigger
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.limits import TaskLimits
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.conftest import CONNECTION
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import SERVICES, create_operator, let_time_pass, rows, started, taken
from tests.airflow.task_runs import Deferred, TaskRun, event_of

ARGUMENTS = set(inspect.signature(BackupTrigger.__init__).parameters) - {"self"}
ONLY_WHEN_SET = {"delete_on_kill"}
"""Arguments that triggerers with an older version do not know."""

CONNECTION_ID = "huaweicloud_backup_default"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def trigger(reference: dict[str, Any], **arguments: Any) -> BackupTrigger:
    """Return a trigger that asks often and has a minute."""
    usual = {"huaweicloud_conn_id": CONNECTION_ID, "poll_interval": 0.05, "deadline": time.time() + 60}
    return BackupTrigger(reference=reference, **{**usual, **arguments})


@given(st.fixed_dictionaries(dict.fromkeys(ARGUMENTS, json_values)))
def test_the_constructor_takes_whatever_json_there_is(arguments: dict[str, Any]) -> None:
    BackupTrigger(**arguments)


@given(st.fixed_dictionaries(dict.fromkeys(ARGUMENTS, json_values)))
def test_every_argument_survives_the_database(arguments: dict[str, Any]) -> None:
    path, kept = BackupTrigger(**arguments).serialize()
    assert path == f"{BackupTrigger.__module__}.{BackupTrigger.__qualname__}"
    assert kept == {name: value for name, value in arguments.items() if value or name not in ONLY_WHEN_SET}
    assert json.loads(json.dumps(kept)) == kept
    assert BackupTrigger(**json.loads(json.dumps(kept))).serialize() == (path, kept)


@pytest.mark.parametrize("service", SERVICES)
def test_what_operators_hand_to_the_trigger_is_plain_json(cloud: RunningCloud, service: str) -> None:
    arguments = started(cloud, service, region="eu-de").trigger.serialize()[1]
    assert arguments.keys() == ARGUMENTS - ONLY_WHEN_SET
    assert json.loads(json.dumps(arguments)) == arguments
    assert arguments["region"] == "eu-de"


def test_nothing_is_looked_up_while_a_trigger_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION, "this is no connection")
    trigger({"service": "rds", "backup_id": "1"}).serialize()


@pytest.mark.parametrize("service", SERVICES)
def test_it_waits_until_the_backup_is_good(cloud: RunningCloud, service: str) -> None:
    deferred = started(cloud, service)
    timer = threading.Timer(0.3, let_time_pass, [cloud])
    timer.start()
    event = event_of(BackupTrigger(**deferred.trigger_arguments))
    timer.join()
    assert (event["outcome"], event["phase"], event["reason"]) == ("over", "good", None)
    assert event["result"]["service"] == service
    assert event["result"]["status"].lower() in ("available", "completed")


@pytest.mark.parametrize("service", ["vbs", "csbs", "cbr", "gaussdb", "taurusdb"])
def test_it_reports_the_reason_of_a_failed_backup(cloud: RunningCloud, service: str) -> None:
    cloud.fail_next_backup(service, "the array is on fire")
    deferred = started(cloud, service)
    let_time_pass(cloud)
    event = event_of(BackupTrigger(**deferred.trigger_arguments))
    assert (event["outcome"], event["phase"]) == ("over", "failed")
    assert "the array is on fire" in event["reason"]


def test_it_ends_at_the_deadline(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, "rds")
    event = event_of(trigger(backup, deadline=time.time() + 0.3))
    assert event["outcome"] == "timeout"
    assert "BUILDING" in event["message"]


def test_it_asks_once_when_the_deadline_has_passed_already(cloud: RunningCloud) -> None:
    backup = taken(cloud, "rds", wait=True)
    assert event_of(trigger(backup, deadline=0.0))["phase"] == "good"


def test_a_refusal_ends_it(cloud: RunningCloud) -> None:
    event = event_of(trigger({"service": "rds", "backup_id": "0" * 32 + "br01", "instance_id": "0" * 32 + "in01"}))
    assert event["outcome"] == "refused"
    assert "404" in event["message"]


def test_a_backup_that_was_just_started_may_be_unknown_yet(cloud: RunningCloud) -> None:
    arguments = started(cloud, "taurusdb").trigger_arguments
    table = cloud.state.table("taurusdb.backups")
    hidden = dict(table)
    table.clear()

    def show() -> None:
        table.update(hidden)
        let_time_pass(cloud)

    timer = threading.Timer(0.3, show)
    timer.start()
    assert event_of(BackupTrigger(**arguments))["phase"] == "good"
    timer.join()


def test_a_connection_that_lacks_something_ends_it(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION, '{"conn_type": "huaweicloud_backup"}')
    event = event_of(trigger({"service": "rds", "backup_id": "1"}))
    assert event["outcome"] == "refused"
    assert "login" in event["message"]


def test_a_cloud_that_is_down_for_a_while_is_outlived(wire: Wire, backup_cloud: RunningCloud) -> None:
    arguments = started(backup_cloud, "rds").trigger_arguments
    wire.down()

    def come_back() -> None:
        let_time_pass(backup_cloud)
        wire.up()

    timer = threading.Timer(0.5, come_back)
    timer.start()
    assert event_of(BackupTrigger(**arguments))["phase"] == "good"
    timer.join()


def test_a_cloud_that_fails_for_a_while_is_outlived(wire: Wire, backup_cloud: RunningCloud) -> None:
    arguments = started(backup_cloud, "rds").trigger_arguments
    let_time_pass(backup_cloud)
    already_asked = len(wire.requests)
    with wire.failing(lambda _: len(wire.requests) < already_asked + 6):
        assert event_of(BackupTrigger(**arguments))["phase"] == "good"


def test_the_last_error_is_reported_at_the_deadline(wire: Wire, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    backup = taken(backup_cloud, "rds")
    wire.down()
    event = event_of(trigger(backup, deadline=time.time() + 0.3))
    assert event["outcome"] == "timeout"
    assert "No connection to 127.0.0.1" in event["message"]


def test_a_token_that_dies_while_waiting_is_renewed(cloud: RunningCloud) -> None:
    arguments = started(cloud, "rds").trigger_arguments

    def die() -> None:
        cloud.revoke_tokens()
        let_time_pass(cloud)

    timer = threading.Timer(0.3, die)
    timer.start()
    assert event_of(BackupTrigger(**arguments))["phase"] == "good"
    timer.join()


def test_the_first_question_comes_after_5_seconds_or_later() -> None:
    assert TaskLimits().earliest_event >= 5


def test_a_cancelled_trigger_leaves_nothing_behind(cloud: RunningCloud) -> None:
    arguments = started(cloud, "cbr").trigger_arguments

    async def cancel_while_it_waits() -> set[asyncio.Task[Any]]:
        task = asyncio.create_task(_first(BackupTrigger(**arguments)))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(cancel_while_it_waits()) == set()
    assert len(rows(cloud, "cbr")) == 1


def test_a_trigger_that_starts_again_fires_the_same_event_and_asks_for_nothing_new(
    wire: Wire, backup_cloud: RunningCloud
) -> None:
    arguments = started(backup_cloud, "vbs").trigger_arguments
    already_sent = len(wire.sent_to("vbs", "POST"))
    let_time_pass(backup_cloud)
    first, second = (event_of(BackupTrigger(**arguments)) for _ in range(2))
    assert first == second
    assert len(wire.sent_to("vbs", "POST")) == already_sent


def test_arguments_of_an_older_version_are_understood(cloud: RunningCloud) -> None:
    backup = taken(cloud, "rds", wait=True)
    reference = {key: backup[key] for key in ("service", "backup_id", "instance_id")}
    old = BackupTrigger(reference=reference, huaweicloud_conn_id="huaweicloud_backup_default")
    assert event_of(old)["phase"] == "good"


def test_a_reference_of_a_newer_version_is_understood(cloud: RunningCloud) -> None:
    backup = taken(cloud, "rds", wait=True)
    assert event_of(trigger({**backup, "vault": "new"}))["phase"] == "good"


def test_a_long_wait_holds_the_event_loop_up_for_no_time(cloud: RunningCloud) -> None:
    arguments = started(cloud, "gaussdb").trigger_arguments
    # Imports, and the first TLS context of the process, are paid before.
    event_of(BackupTrigger(**{**arguments, "deadline": 0.0}))
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            # The loop's own work, which a loaded machine does not make longer.
            before = time.thread_time()
            await asyncio.sleep(0.01)
            longest = max(longest, time.thread_time() - before)

    async def wait_and_beat() -> None:
        heart = asyncio.create_task(beat())
        many = [_first(BackupTrigger(**{**arguments, "deadline": time.time() + 0.5})) for _ in range(20)]
        await asyncio.gather(*many)
        heart.cancel()

    asyncio.run(wait_and_beat())
    assert longest < 1


def test_the_trigger_shows_no_more_than_ids(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    ended = TaskRun(create_operator(cloud, "rds")).execute()
    assert isinstance(ended, Deferred)
    assert cloud.describe()["password"] not in repr(ended.trigger) + str(vars(ended.trigger))


def test_it_logs_what_it_waits_for_without_a_logger_for_each_trigger(
    cloud: RunningCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    backup = taken(cloud, "rds", wait=True)
    waiting = trigger(backup)
    assert event_of(waiting)["phase"] == "good"
    assert f"Waiting for rds backup {backup['backup_id']} (connection {CONNECTION_ID!r})." in caplog.messages
    # Airflow makes that of ``self.log`` when it is first used: half a second and 5 MB for 5,000 triggers.
    assert waiting._log is None


async def _first(trigger: BaseTrigger) -> Any:
    async for event in trigger.run():
        return event.payload

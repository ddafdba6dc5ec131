"""Who shares a client: triggers of one connection do, tasks of one worker and different accounts do not."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.services.cbr.service import CbrService
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.conftest import CONNECTION, ChangeLimits
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import create_operator, let_time_pass, started
from tests.airflow.task_runs import TaskRun

OTHER_CONNECTION = "AIRFLOW_CONN_OTHER"


async def event_of(arguments: dict[str, Any]) -> Any:
    """Run a trigger to its event in the running loop."""
    async for event in BackupTrigger(**arguments).run():
        return event.payload


def events_of(*arguments: dict[str, Any]) -> list[Any]:
    """Run triggers to their events in one loop, as a triggerer does."""

    async def together() -> list[Any]:
        return await asyncio.gather(*(event_of(each) for each in arguments))

    return asyncio.run(together())


def tokens(wire: Wire) -> int:
    """Return how often a token was asked for."""
    return len([request for request in wire.sent_to("iam", "POST") if request.path == "/v3/auth/tokens"])


@pytest.fixture
def waiting(wire: Wire, backup_cloud: RunningCloud) -> dict[str, Any]:
    """The arguments of a trigger that waits for a backup; the wire forgets how the backup was started."""
    arguments = started(backup_cloud, "rds").trigger_arguments
    let_time_pass(backup_cloud)
    wire.requests.clear()
    return arguments


def test_triggers_of_one_connection_share_one_token(wire: Wire, waiting: dict[str, Any]) -> None:
    events = events_of(*[waiting] * 20)
    assert {event["phase"] for event in events} == {"good"}
    assert tokens(wire) == 1


def test_triggers_of_equal_connections_share_one_token(
    wire: Wire, waiting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OTHER_CONNECTION, wire.connection_json(attempts=2, retry_wait=0.05))
    events_of(waiting, {**waiting, "huaweicloud_conn_id": "other"})
    assert tokens(wire) == 1


def test_an_edited_connection_gets_a_token_of_its_own(
    wire: Wire, waiting: dict[str, Any], monkeypatch: pytest.MonkeyPatch, change_limits: ChangeLimits
) -> None:
    change_limits(connection_memory=0.0)

    async def edit_between() -> None:
        first = asyncio.create_task(event_of({**waiting, "poll_interval": 0.5}))
        await asyncio.sleep(0.2)
        monkeypatch.setenv(CONNECTION, wire.connection_json(attempts=3))
        await asyncio.gather(first, event_of(waiting))

    asyncio.run(edit_between())
    assert tokens(wire) == 2


def test_another_account_at_the_same_address_never_gets_the_token(
    wire: Wire, waiting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = json.loads(wire.connection_json(attempts=2)) | {"login": "stranger"}
    monkeypatch.setenv(OTHER_CONNECTION, json.dumps(stranger))
    known, strange = events_of(waiting, {**waiting, "huaweicloud_conn_id": "other"})
    assert known["phase"] == "good"
    assert strange["outcome"] == "refused"
    assert "401" in strange["message"]


def test_a_trigger_that_is_cancelled_does_not_disturb_its_neighbour(wire: Wire, waiting: dict[str, Any]) -> None:
    async def cancel_one() -> Any:
        first = asyncio.create_task(event_of(waiting))
        second = asyncio.create_task(event_of({**waiting, "poll_interval": 0.3}))
        await asyncio.sleep(0.06)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return await second

    assert asyncio.run(cancel_one())["phase"] == "good"


def test_the_last_trigger_that_leaves_closes_the_client(
    waiting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    close = BackupCloud.close

    async def noticed(cloud: BackupCloud) -> None:
        closed.append(cloud)
        await close(cloud)

    monkeypatch.setattr(BackupCloud, "close", noticed)
    events_of(waiting, waiting)
    assert len(closed) == 1


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_nothing_stays_open_after_a_task(cloud: RunningCloud, logged: Callable[[], str]) -> None:
    TaskRun(create_operator(cloud, "rds")).run()
    gc.collect()
    assert "Unclosed" not in logged()


def test_two_tasks_of_one_worker_have_a_client_each(wire: Wire, backup_cloud: RunningCloud) -> None:
    for task_id in ("first", "second"):
        TaskRun(create_operator(backup_cloud, "rds", task_id=task_id, wait_for_completion=False)).execute()
        backup_cloud.set_backup_seconds(0)
        let_time_pass(backup_cloud)
    assert tokens(wire) == 2


def test_threads_of_one_process_do_not_disturb_each_other(wire: Wire) -> None:
    async def policies(cbr: CbrService) -> list[str]:
        return [policy.id async for policy in cbr.policies.list()]

    with ThreadPoolExecutor(5) as threads:
        found = list(threads.map(lambda _: CbrHook().run(policies), range(5)))
    assert found == [[]] * 5
    assert tokens(wire) == 5


def test_region_and_project_of_a_task_reach_the_cloud(wire: Wire, backup_cloud: RunningCloud) -> None:
    project_id = backup_cloud.describe()["project_id"]
    operator = create_operator(backup_cloud, "rds", project_id=project_id, wait_for_completion=False)
    TaskRun(operator).execute()
    scope = wire.sent_to("iam", "POST")[0].json["auth"]["scope"]
    assert scope == {"project": {"id": project_id}}

"""A connection is looked up once for all triggers that start together, and again when it was edited."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from airflow_provider_backup.cloud.clock import override_clock
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.settings import AccessKeyCredentials, CloudSettings
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.hooks.settings_cache import recent_settings
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.conftest import CONNECTION
from tests.airflow.service_matrix import finish_backups, let_time_pass, started
from tests.virtual_clock import VIRTUAL_CLOCK

SETTINGS = CloudSettings(AccessKeyCredentials("AK", "SK"), region="eu-de")
OTHERS = CloudSettings(AccessKeyCredentials("AK", "EDITED"), region="eu-de")


class Connection:
    """A connection that counts how often it is looked up.

    :param found: what the look-ups find, one after another; an exception is raised; the last one stays.
    """

    def __init__(self, *found: CloudSettings | Exception) -> None:
        self._found = list(found)
        self.look_ups = 0

    async def read(self) -> CloudSettings:
        self.look_ups += 1
        await asyncio.sleep(0.01)
        found = self._found.pop(0) if len(self._found) > 1 else self._found[0]
        if isinstance(found, Exception):
            raise found
        return found


async def test_a_hundred_that_ask_together_look_it_up_once() -> None:
    connection = Connection(SETTINGS)
    found = await asyncio.gather(*(recent_settings("key", connection.read) for _ in range(100)))
    assert found == [SETTINGS] * 100
    assert connection.look_ups == 1


async def test_connections_are_looked_up_each_for_itself() -> None:
    first, second = Connection(SETTINGS), Connection(OTHERS)
    assert await recent_settings("first", first.read) == SETTINGS
    assert await recent_settings("second", second.read) == OTHERS


@pytest.mark.virtual_clock
async def test_a_wait_that_starts_later_sees_an_edited_connection() -> None:
    connection = Connection(SETTINGS, OTHERS)
    with override_clock(VIRTUAL_CLOCK):
        assert await recent_settings("key", connection.read) == SETTINGS
        await VIRTUAL_CLOCK.sleep(14)
        assert await recent_settings("key", connection.read) == SETTINGS
        await VIRTUAL_CLOCK.sleep(1.1)
        assert await recent_settings("key", connection.read) == OTHERS


async def test_who_was_refused_sees_an_edited_connection_at_once() -> None:
    connection = Connection(SETTINGS, OTHERS)
    await recent_settings("key", connection.read)
    assert await recent_settings("key", connection.read, not_older_than=time.monotonic()) == OTHERS


async def test_a_hundred_that_were_rejected_together_look_it_up_once() -> None:
    connection = Connection(SETTINGS, OTHERS)
    await recent_settings("key", connection.read)
    refused_at = time.monotonic()
    found = await asyncio.gather(
        *(recent_settings("key", connection.read, not_older_than=refused_at) for _ in range(100))
    )
    assert found == [OTHERS] * 100
    assert connection.look_ups == 2


async def test_waits_that_are_refused_one_after_the_other_look_it_up_once() -> None:
    connection = Connection(SETTINGS, OTHERS)
    await recent_settings("key", connection.read)
    found = [await recent_settings("key", connection.read, not_older_than=time.monotonic()) for _ in range(5)]
    assert found == [OTHERS] * 5
    assert connection.look_ups == 2


async def test_after_a_look_up_that_failed_the_next_one_tries_again() -> None:
    connection = Connection(OSError("the database is away"), SETTINGS)
    found = await asyncio.gather(*(recent_settings("key", connection.read) for _ in range(3)), return_exceptions=True)
    assert isinstance(found[0], OSError)
    assert found[1:] == [SETTINGS] * 2


async def test_who_is_cancelled_while_looking_it_up_leaves_it_to_the_next() -> None:
    connection = Connection(SETTINGS)
    first = asyncio.create_task(recent_settings("key", connection.read))
    second = asyncio.create_task(recent_settings("key", connection.read))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == SETTINGS


def test_each_event_loop_looks_it_up_for_itself() -> None:
    connection = Connection(SETTINGS)
    for _ in range(2):
        asyncio.run(recent_settings("key", connection.read))
    assert connection.look_ups == 2


# ------------------------------------------------------------------------------------------------------------- triggers


async def event_of(arguments: dict[str, Any]) -> Any:
    """Run a trigger to its event in the running loop."""
    async for event in BackupTrigger(**arguments).run():
        return event.payload


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When connections were looked up."""
    found: list[float] = []
    read: Callable[[BackupCloudHook], Awaitable[CloudSettings]] = BackupCloudHook._read_settings

    async def counted(hook: BackupCloudHook) -> CloudSettings:
        found.append(time.monotonic())
        return await read(hook)

    monkeypatch.setattr(BackupCloudHook, "_read_settings", counted)
    return found


def test_a_hundred_triggers_that_start_together_look_the_connection_up_once(
    cloud: RunningCloud, look_ups: list[float]
) -> None:
    arguments = started(cloud, "rds").trigger_arguments
    let_time_pass(cloud)

    async def together() -> list[Any]:
        return await asyncio.gather(*(event_of(arguments) for _ in range(100)))

    assert {event["phase"] for event in asyncio.run(together())} == {Phase.SUCCEEDED.value}
    assert len(look_ups) == 1


@pytest.mark.parametrize("with_access_key", [True, False])
def test_triggers_continue_with_the_edited_connection_when_the_old_one_is_refused(
    cloud: RunningCloud, look_ups: list[float], monkeypatch: pytest.MonkeyPatch, with_access_key: bool
) -> None:
    arguments = started(cloud, "rds").trigger_arguments
    right = cloud.connection_json(with_access_key=with_access_key, attempts=1)
    wrong = json.loads(right) | {"password": "edited" * 3}
    monkeypatch.setenv(CONNECTION, json.dumps(wrong))

    async def edited_in_between() -> list[Any]:
        waits = [asyncio.create_task(event_of({**arguments, "poll_interval": 0.1})) for _ in range(5)]
        await asyncio.sleep(0.03)
        monkeypatch.setenv(CONNECTION, right)
        await asyncio.sleep(0.3)
        finish_backups(cloud)
        return await asyncio.gather(*waits)

    assert {event.get("phase") for event in asyncio.run(edited_in_between())} == {Phase.SUCCEEDED.value}
    assert len(look_ups) == 2


def test_triggers_whose_connection_was_not_edited_tell_the_refusal(
    cloud: RunningCloud, look_ups: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = started(cloud, "rds").trigger_arguments
    wrong = json.loads(cloud.connection_json(attempts=1)) | {"password": "wrong"}
    monkeypatch.setenv(CONNECTION, json.dumps(wrong))

    async def together() -> list[Any]:
        return await asyncio.gather(*(event_of({**arguments, "poll_interval": 0.05}) for _ in range(5)))

    events = asyncio.run(together())
    assert {event["outcome"] for event in events} == {"refused"}
    assert all(" Connection: huaweicloud_backup_default. Next step: " in event["message"] for event in events)
    assert len(look_ups) == 2

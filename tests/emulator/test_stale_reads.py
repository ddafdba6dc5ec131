"""Answers from the past: what a GET sees while the local cloud is told to be behind the time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.emulator.faults.history import History, Moment
from airflow_provider_backup.emulator.faults.specs import StaleRead, read_faults
from airflow_provider_backup.emulator.server import LocalCloud
from tests.emulator.callers import Caller, caller_of

START = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)


class BehindTheTime:
    """A local cloud whose backups take 100 seconds of a clock that tests move."""

    def __init__(self) -> None:
        self.time = START
        self.cloud = LocalCloud(port=0, backup_seconds=100, now=lambda: self.time)
        self.caller: Caller

    def misbehave(self, **order: Any) -> str:
        """Arm a stale read of RDS."""
        return self.cloud.faults.arm(read_faults({"kind": "stale_read", "service": "rds", **order}))[0]

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)

    async def statuses(self) -> list[str]:
        """Return the statuses of the manual backups of the first instance."""
        instance_id = self.cloud.describe()["resources"]["rds_instances"][0]
        path = f"/v3/P/backups?instance_id={instance_id}&backup_type=manual"
        return [backup["status"] for backup in (await self.caller.call("GET", "rds", path)).body["backups"]]


@pytest_asyncio.fixture
async def behind() -> AsyncIterator[BehindTheTime]:
    behind = BehindTheTime()
    await behind.cloud.start()
    try:
        async with caller_of(behind.cloud) as behind.caller:
            yield behind
    finally:
        await behind.cloud.stop()


async def test_a_backup_is_not_seen_right_after_its_creation(behind: BehindTheTime) -> None:
    behind.misbehave(writes=1, count=2)
    assert (await behind.caller.back_up("nightly")).status == 200
    assert [await behind.caller.names() for _ in range(3)] == [[], [], ["nightly"]]


async def test_the_last_writes_are_not_seen_and_those_before_are(behind: BehindTheTime) -> None:
    behind.misbehave(writes=2)
    for number in range(3):
        behind.pass_seconds(101)
        await behind.caller.back_up(f"backup-{number}")
    assert await behind.caller.names() == ["backup-0"]


async def test_before_a_write_there_is_no_past_to_answer_from(behind: BehindTheTime) -> None:
    await behind.caller.back_up("nightly")
    behind.misbehave(writes=1)
    assert await behind.statuses() == ["BUILDING"]
    behind.pass_seconds(101)
    assert await behind.statuses() == ["COMPLETED"]


async def test_time_stands_still_before_the_last_write(behind: BehindTheTime) -> None:
    behind.misbehave(writes=1)
    await behind.caller.back_up("nightly")
    behind.pass_seconds(50)
    await behind.caller.back_up("weekly", instance=1)
    behind.pass_seconds(101)
    assert await behind.statuses() == ["BUILDING"]


async def test_a_write_that_was_refused_is_no_write(behind: BehindTheTime) -> None:
    behind.misbehave(writes=1)
    await behind.caller.back_up("nightly")
    assert (await behind.caller.back_up("nightly")).status == 409
    assert await behind.caller.names() == []


async def test_a_write_to_another_service_is_no_write(behind: BehindTheTime) -> None:
    behind.misbehave(writes=1, service=None)
    await behind.caller.back_up("nightly")
    await behind.caller.enter()
    assert await behind.caller.names() == []


async def test_an_answer_is_as_old_as_configured(behind: BehindTheTime) -> None:
    behind.misbehave(seconds=60)
    behind.pass_seconds(10)
    await behind.caller.back_up("nightly")
    seen = []
    for seconds in (1, 60, 98, 2):
        behind.pass_seconds(seconds)
        seen.append(await behind.statuses())
    assert seen == [[], ["BUILDING"], ["BUILDING"], ["COMPLETED"]]


async def test_an_answer_is_not_older_than_the_fault(behind: BehindTheTime) -> None:
    await behind.caller.back_up("nightly")
    behind.pass_seconds(10)
    behind.misbehave(seconds=60)
    assert await behind.statuses() == ["BUILDING"]


async def test_a_stale_read_changes_nothing(behind: BehindTheTime) -> None:
    behind.misbehave(writes=1)
    await behind.caller.back_up("nightly")
    before = behind.cloud.state.to_json()
    await behind.caller.names()
    assert behind.cloud.state.to_json() == before


async def test_who_may_read_the_past_is_decided_today(behind: BehindTheTime) -> None:
    behind.misbehave(seconds=60, service=None)
    behind.cloud.accounts.revoke_all_tokens()
    assert (await behind.caller.call("GET", "rds", "/v3/P/instances")).status == 401


async def test_an_identity_service_of_the_past_does_not_know_a_new_token_yet(behind: BehindTheTime) -> None:
    behind.misbehave(writes=1, count=1, service="iam")
    token = (await behind.caller.enter()).headers["X-Subject-Token"]
    shown = [await behind.caller.call("GET", "iam", "/v3/auth/tokens", subject=token) for _ in range(2)]
    assert [answer.status for answer in shown] == [401, 200]


async def test_a_stale_read_hits_nothing_but_get(behind: BehindTheTime) -> None:
    fault = behind.misbehave(writes=1)
    await behind.caller.back_up("nightly")
    assert behind.cloud.faults.hits(fault) == 0


CHANGES = st.lists(st.integers(1, 30), max_size=12)


def history_of(order: StaleRead, gaps: list[int]) -> tuple[History, list[datetime]]:
    """A history with a change after each gap; before change N the tables were the text N."""
    history, times, time = History(order, START), [], START
    for number, gap in enumerate(gaps):
        time += timedelta(seconds=gap)
        history.add("rds", time, str(number))
        times.append(time)
    return history, times


@given(CHANGES, st.integers(1, 60), st.integers(0, 60))
def test_looking_back_some_seconds_finds_what_was_known_then(gaps: list[int], seconds: int, later: int) -> None:
    history, times = history_of(StaleRead(seconds=seconds), gaps)
    now = (times or [START])[-1] + timedelta(seconds=later)
    then = max(START, now - timedelta(seconds=seconds))
    changes_until_then = sum(time < then for time in times)
    expected = str(changes_until_then) if changes_until_then < len(times) else None
    assert history.look_back("rds", now) == Moment(then, expected)


@given(CHANGES, st.integers(1, 15))
def test_looking_back_some_writes_finds_what_was_known_before_them(gaps: list[int], writes: int) -> None:
    history, times = history_of(StaleRead(writes=writes), gaps)
    now = START + timedelta(days=1)
    number = max(0, len(times) - writes)
    expected = Moment(times[number], str(number)) if times else Moment(now, None)
    assert history.look_back("rds", now) == expected
    assert history.look_back("cbr", now) == Moment(now, None)

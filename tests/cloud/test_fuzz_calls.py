"""Every call, found by looking, against a server whose answers are real ones with something wrong in them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.services.registry import SERVICES
from tests.cloud.clients import network, settings_for
from tests.cloud.fuzzing.calls import Call, World, all_calls, decoded, look_at_result, recorded_worlds
from tests.cloud.fuzzing.limits import in_time, typed_errors
from tests.cloud.fuzzing.values import encoded, json_values, mutated
from tests.cloud.unruly_server import UnrulyServer, answer

CALLS = all_calls()
STATUSES = (200,) * 12 + (202, 204, 300, 400, 401, 403, 404, 409, 413, 500, 503)  # 429 makes the client wait

each_call = pytest.mark.parametrize("call", CALLS, ids=str)


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    """What calls ask for, and what a good cloud answers."""
    return asyncio.run(recorded_worlds())


@pytest_asyncio.fixture
async def cloud(unruly: UnrulyServer) -> AsyncIterator[BackupCloud]:
    """A client of a server that answers as it is told; it asks once."""
    async with BackupCloud(settings_for(unruly.url, network=network(attempts=1, total_timeout=5.0))) as cloud:
        yield cloud


async def run(call: Call, cloud: BackupCloud, world: World) -> None:
    """Call as a task would, and use what comes."""
    with in_time(20), typed_errors(BackupError):
        look_at_result(await call.run(cloud, world.arguments))


@st.composite
def answers(draw: st.DrawFn, bodies: Sequence[bytes]) -> list[tuple[bytes, int, str]]:
    """Draw what a server answers to the requests of one call: body, status and ``Retry-After``."""
    drawn = []
    for body in bodies or [b"{}"]:
        values = st.one_of(mutated([decoded(body)]), mutated([decoded(body)]), st.just(decoded(body)), json_values)
        wait = draw(st.sampled_from(("", "1", "soon", "9" * 400, "Thu, 99 Xxx 0000 99:99:99", "²")))
        drawn.append((draw(encoded(values)), draw(st.sampled_from(STATUSES)), wait))
    return drawn


def test_every_service_and_every_way_to_read_is_among_the_calls() -> None:
    assert {call.service for call in CALLS} == set(SERVICES)
    names = {str(call) for call in CALLS}
    assert names >= {f"{service}.observe(backup)" for service in SERVICES}
    assert names >= {f"{service}.backups.list" for service in ("vbs", "cbr", "rds", "gaussdb", "taurusdb")}
    assert names >= {"vbs.observe(job)", "csbs.observe(checkpoint)", "cbr.observe(checkpoint)", "cbr.vaults.get"}


@each_call
async def test_a_call_gets_along_with_the_real_answers(
    call: Call, cloud: BackupCloud, unruly: UnrulyServer, worlds: dict[str, World]
) -> None:
    world = worlds[call.service]
    unruly.then(*(answer(body) for body in world.answers.get(str(call), [])))
    await run(call, cloud, world)


@each_call
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
async def test_whatever_is_answered_a_call_ends_with_a_result_or_a_typed_error(
    call: Call, cloud: BackupCloud, unruly: UnrulyServer, worlds: dict[str, World], data: st.DataObject
) -> None:
    world = worlds[call.service]
    drawn = data.draw(answers(world.answers.get(str(call), [])))
    unruly.behaviours.clear()
    unruly.then(*(answer(body, status, Retry_After=wait, X_Request_Id="req-1") for body, status, wait in drawn))
    await run(call, cloud, world)


def test_asynchronous_tests_of_any_body_are_really_run() -> None:
    assert inspect.iscoroutinefunction(
        test_whatever_is_answered_a_call_ends_with_a_result_or_a_typed_error.hypothesis.inner_test
    )


def test_a_result_that_no_database_can_keep_is_noticed() -> None:
    unfit: list[Any] = ["a\0b", "\ud800", float("nan")]
    for value in unfit:
        with pytest.raises((AssertionError, ValueError)):
            look_at_result([value])

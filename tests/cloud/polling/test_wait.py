"""Waiting as triggers and tasks do: one deadline, one final read, no result before its time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import ApiNotFoundError, ServerError
from airflow_provider_backup.cloud.http.time_limit import within_time_limit
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.shared_poller import SharedPoller
from airflow_provider_backup.cloud.polling.wait import wait_until_terminal
from airflow_provider_backup.cloud.polling.wait_errors import WaitTimeoutError, WaitTroubleError
from tests.cloud.polling.fake_service import Service, poller_of
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

DOWN = ServerError(service="cbr", status=503, code="503", detail="down")


class Client:
    """A client of a scripted service.

    :param statuses: how each backup stands.
    """

    def __init__(self, **statuses: str) -> None:
        self.scripted = Service(statuses)
        self._poller = poller_of(self.scripted)

    def poller(self, name: str, operation: str) -> SharedPoller:
        """Return the poller of the only service."""
        return self._poller

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read one backup, as long as the time limit allows."""
        async with within_time_limit("cbr", "GET /v3/backups"):
            return await self.scripted.observe(reference)


async def wait(client: Client, name: str, seconds: float = 30, **arguments: Any) -> OperationState:
    """Wait for so many seconds at most."""
    usual: dict[str, Any] = {"poll_interval": 5, "started_at": VIRTUAL_CLOCK.time()}
    return await wait_until_terminal(
        client, OperationReference("cbr", name), deadline=VIRTUAL_CLOCK.time() + seconds, **{**usual, **arguments}
    )


def now() -> float:
    """Return the time of the event loop."""
    return VIRTUAL_CLOCK.monotonic()


async def test_the_state_of_a_succeeded_backup_is_returned() -> None:
    assert (await wait(Client(a="available"), "a")).phase is Phase.SUCCEEDED


async def test_the_deadline_ends_the_wait_with_the_last_status() -> None:
    began = now()
    with pytest.raises(WaitTimeoutError, match=r"Timed out waiting for cbr backup a \(last status: protecting\)"):
        await wait(Client(a="protecting"), "a", 30)
    assert now() - began == pytest.approx(30, abs=0.001)


async def test_the_final_read_at_the_deadline_finds_a_success() -> None:
    assert (await wait(Client(a="available"), "a", 10, poll_interval=30)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("seconds", [0.0, -3600.0])
async def test_a_deadline_in_the_past_leaves_the_final_read(seconds: float) -> None:
    client = Client(good="available", running="protecting")
    assert (await wait(client, "good", seconds)).phase is Phase.SUCCEEDED
    with pytest.raises(WaitTimeoutError):
        await wait(client, "running", seconds)


async def test_the_deadline_is_kept_while_a_request_hangs() -> None:
    client, began = Client(a="protecting"), now()
    client.scripted.seconds = 3600
    with pytest.raises(WaitTimeoutError, match="no status was read.*cbr did not answer"):
        await wait(client, "a", 30)
    # The final read has five seconds.
    assert now() - began == pytest.approx(35, abs=0.001)


async def test_an_error_of_the_final_read_is_named() -> None:
    client = Client(a="protecting")
    client.scripted.refusals["a"] = DOWN
    with pytest.raises(WaitTimeoutError, match="no status was read.*503"):
        await wait(client, "a", 30)


async def test_one_deadline_does_not_end_the_wait_of_others() -> None:
    client = Client(a="protecting", b="protecting", c="protecting")
    others = [asyncio.create_task(wait(client, name, 3600)) for name in "bc"]
    with pytest.raises(WaitTimeoutError):
        await wait(client, "a", 30)
    client.scripted.statuses = dict.fromkeys("abc", "available")
    assert {each.phase for each in await asyncio.gather(*others)} == {Phase.SUCCEEDED}


async def test_a_result_is_held_back_until_its_earliest_time() -> None:
    began = now()
    assert (await wait(Client(a="available"), "a", earliest_result=20)).phase is Phase.SUCCEEDED
    assert now() - began == pytest.approx(20)


async def test_an_error_is_held_back_as_well() -> None:
    began = now()
    with pytest.raises(ApiNotFoundError):
        await wait(Client(), "a", started_at=None, earliest_result=20)
    assert now() - began == pytest.approx(20)


async def test_a_wait_that_holds_back_its_result_can_be_cancelled_at_once() -> None:
    one = asyncio.create_task(wait(Client(a="available"), "a", earliest_result=300))
    await asyncio.sleep(30)
    one.cancel()
    began = now()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert now() == began


async def test_a_wait_that_holds_back_its_result_sends_nothing_more() -> None:
    client = Client(a="available")
    await wait(client, "a", earliest_result=3600, seconds=7200)
    assert client.scripted.requests.total() == 1


async def test_transient_errors_beyond_the_tolerance_end_the_wait() -> None:
    client, began = Client(a="protecting"), now()
    client.scripted.refusals["a"] = DOWN
    with pytest.raises(WaitTroubleError, match="503"):
        await wait(client, "a", 3600, tolerance=60)
    # The first error comes after one interval of 5 s; failed cycles back off to a minute.
    assert 65 <= now() - began <= 130


async def test_silence_beyond_the_tolerance_ends_the_wait() -> None:
    client, began = Client(a="protecting"), now()
    client.scripted.hanging = {"a"}
    with pytest.raises(WaitTroubleError, match="cbr did not answer within 70 s"):
        await wait(client, "a", 3600, tolerance=60)
    # The interval, the tolerance, and a grace of 5 s in which the query may still report what is wrong.
    assert now() - began == pytest.approx(70, abs=0.02)

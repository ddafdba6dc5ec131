"""The listing of terminal backups: those that it does not show are running, unless that needs confirmation."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from airflow_provider_backup.cloud.errors import BadRequestError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.polling.list_poller import ListPoller
from airflow_provider_backup.cloud.polling.waiter import Waiter
from tests.cloud.polling.fake_service import Service, list_poller_of, waiter_of
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

NAMES = "abcdef"
LONGEST_UNSEEN = Limits().longest_unseen


def service_of(**arguments: object) -> Service:
    """Return a service where all backups are in progress, on three pages."""
    return Service(dict.fromkeys(NAMES, "protecting"), **{"page_size": 2, "has_terminal": True, **arguments})  # type: ignore[arg-type]


def waiters_of(
    names: Sequence[str] = NAMES, expected_ids: tuple[str, ...] = (), seconds_ago: float = LONGEST_UNSEEN + 1
) -> list[Waiter]:
    references = [OperationReference("cbr", name, "checkpoint", expected_ids=expected_ids) for name in names]
    return [waiter_of(reference, started_at=VIRTUAL_CLOCK.time() - seconds_ago) for reference in references]


async def seen_once(list_poller: ListPoller, waiters: Sequence[Waiter], service: Service) -> None:
    """Let all backups be seen running."""
    assert await list_poller.poll(waiters, waiters) == []
    assert {waiter.last_status for waiter in waiters} == {"protecting"}
    service.requests.clear()


async def test_while_all_are_running_a_poll_cycle_is_one_request() -> None:
    service, waiters = service_of(), waiters_of()
    list_poller = list_poller_of(service)
    await seen_once(list_poller, waiters, service)
    before = [waiter.polled_at for waiter in waiters]
    await VIRTUAL_CLOCK.sleep(1)
    assert await list_poller.poll(waiters, waiters) == []
    assert service.requests == {"terminal": 1}
    assert all(waiter.polled_at > moment for waiter, moment in zip(waiters, before, strict=True))


async def test_a_backup_that_was_just_started_needs_no_confirmation() -> None:
    service, waiters = service_of(), waiters_of(seconds_ago=5)
    assert await list_poller_of(service).poll(waiters, waiters) == []
    assert service.requests == {"terminal": 1}


async def test_a_backup_that_others_started_has_to_be_seen_first() -> None:
    service, waiters = service_of(), waiters_of()
    for waiter in waiters:
        waiter.created_at = waiter.creation_time(CloudClock())
        waiter.started_at = None
    list_poller = list_poller_of(service)
    await seen_once(list_poller, waiters, service)
    assert await list_poller.poll(waiters, waiters) == []
    assert service.requests == {"terminal": 1}


async def test_a_success_is_reported_in_the_same_poll_cycle() -> None:
    service, waiters = service_of(), waiters_of()
    list_poller = list_poller_of(service)
    await seen_once(list_poller, waiters, service)
    service.statuses["b"] = "available"
    assert await list_poller.poll(waiters, waiters) == []
    assert [waiter.reference.backup_id for waiter in waiters if waiter.is_finished] == ["b"]
    assert service.requests == {"terminal": 1}


@pytest.mark.parametrize("status", ["error", "deleting", "restoring", "a new word"])
async def test_a_terminal_backup_that_did_not_succeed_is_read(status: str) -> None:
    service, waiters = service_of(), waiters_of()
    list_poller = list_poller_of(service)
    await seen_once(list_poller, waiters, service)
    service.statuses["b"] = status
    assert await list_poller.poll(waiters, waiters) == [waiters[1]]
    assert service.requests == {"terminal": 1}


async def test_a_backup_that_is_listed_in_part_is_read() -> None:
    service, waiters = service_of(), waiters_of(expected_ids=("one", "two"))
    list_poller = list_poller_of(service)
    await seen_once(list_poller, waiters, service)
    service.statuses["b"] = "available"
    assert await list_poller.poll(waiters, waiters) == [waiters[1]]


async def test_many_that_are_listed_in_part_are_confirmed_by_the_recent_backups() -> None:
    service, waiters = service_of(page_size=3), waiters_of(expected_ids=("one", "two"))
    list_poller = list_poller_of(service)
    await seen_once(list_poller, waiters, service)
    service.rows["terminal"] = [{"id": name, "status": "available"} for name in "abcd"]
    service.rows["recent"] = [
        *({"id": name, "status": status} for name in "abcd" for status in ("available", "protecting")),
        *({"id": name, "status": "protecting"} for name in "ef"),
    ]
    assert await list_poller.poll(waiters, waiters) == []
    assert not any(waiter.is_finished for waiter in waiters)
    assert service.requests == {"terminal": 2, "recent": 4}


async def test_a_backup_that_was_never_seen_is_not_assumed_to_be_running() -> None:
    service, waiters = service_of(), waiters_of()
    list_poller = list_poller_of(service)
    await seen_once(list_poller, waiters, service)
    newcomers = waiters_of("x")
    assert await list_poller.poll([*waiters, *newcomers], [*waiters, *newcomers]) == newcomers
    assert service.requests == {"terminal": 1}


async def test_after_a_while_all_backups_have_to_be_seen_again() -> None:
    service, waiters = service_of(), waiters_of()
    list_poller = list_poller_of(service)
    await seen_once(list_poller, waiters, service)
    await list_poller.poll(waiters, waiters)
    del service.statuses["b"]
    await VIRTUAL_CLOCK.sleep(LONGEST_UNSEEN + 1)
    service.requests.clear()
    assert await list_poller.poll(waiters, waiters) == [waiters[1]]
    assert "terminal" not in service.requests


async def test_a_service_that_cannot_list_terminal_backups_is_polled_without() -> None:
    service, waiters = service_of(), waiters_of()
    list_poller = list_poller_of(service)
    await seen_once(list_poller, waiters, service)
    service.troubles["terminal"] = BadRequestError(service="cbr", status=400, code="400", detail="one status only")
    assert await list_poller.poll(waiters, waiters) == []
    assert service.requests["terminal"] == 1
    service.requests.clear()
    assert await list_poller.poll(waiters, waiters) == []
    assert "terminal" not in service.requests

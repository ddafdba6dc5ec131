"""Asking for what is over: who is not in the answer goes on, as long as that is to be believed."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from airflow_provider_backup.cloud.errors import BadRequestError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.polling.list_poller import LONGEST_TRUST, ListPoller
from airflow_provider_backup.cloud.polling.waiter import Waiter
from tests.cloud.polling.fake_service import Service

NAMES = "abcdef"


def service_of(**arguments: object) -> Service:
    """Return a service where all backups are in progress, on three pages."""
    return Service(dict.fromkeys(NAMES, "protecting"), **{"page_size": 2, "has_over": True, **arguments})  # type: ignore[arg-type]


def seats_of(
    names: Sequence[str] = NAMES, expected_ids: tuple[str, ...] = (), seconds_ago: float = LONGEST_TRUST + 1
) -> list[Waiter]:
    references = [OperationReference("cbr", name, "checkpoint", expected_ids=expected_ids) for name in names]
    return [Waiter(reference, poll_interval=1.0, started_at=time.time() - seconds_ago) for reference in references]


async def seen_once(asking: ListPoller, seats: Sequence[Waiter], service: Service) -> None:
    """Let everybody be seen in progress."""
    assert await asking.ask(seats, seats) == []
    assert {seat.last_status for seat in seats} == {"protecting"}
    service.requests.clear()


async def test_while_all_go_on_a_round_is_one_request() -> None:
    service, seats = service_of(), seats_of()
    asking = ListPoller(service.lists)
    await seen_once(asking, seats, service)
    before = [seat.looked_at for seat in seats]
    assert await asking.ask(seats, seats) == []
    assert service.requests == {"over": 1}
    assert all(seat.looked_at > moment for seat, moment in zip(seats, before, strict=True))


async def test_whoever_started_a_backup_lately_knows_that_there_is_one() -> None:
    service, seats = service_of(), seats_of(seconds_ago=5)
    assert await ListPoller(service.lists).ask(seats, seats) == []
    assert service.requests == {"over": 1}


async def test_whoever_waits_for_a_backup_of_others_has_to_see_it_first() -> None:
    service, seats = service_of(), seats_of()
    for seat in seats:
        seat.begun_at = seat.begun(CloudClock())
        seat.started_at = None
    asking = ListPoller(service.lists)
    await seen_once(asking, seats, service)
    assert await asking.ask(seats, seats) == []
    assert service.requests == {"over": 1}


async def test_who_is_over_is_told_in_the_same_round() -> None:
    service, seats = service_of(), seats_of()
    asking = ListPoller(service.lists)
    await seen_once(asking, seats, service)
    service.statuses["b"] = "available"
    assert await asking.ask(seats, seats) == []
    assert [seat.reference.backup_id for seat in seats if seat.is_over] == ["b"]
    assert service.requests == {"over": 1}


@pytest.mark.parametrize("status", ["error", "deleting", "restoring", "a new word"])
async def test_what_is_over_and_not_good_is_looked_at(status: str) -> None:
    service, seats = service_of(), seats_of()
    asking = ListPoller(service.lists)
    await seen_once(asking, seats, service)
    service.statuses["b"] = status
    assert await asking.ask(seats, seats) == [seats[1]]
    assert service.requests == {"over": 1}


async def test_a_backup_that_only_a_part_is_listed_of_is_looked_at() -> None:
    service, seats = service_of(), seats_of(expected_ids=("one", "two"))
    asking = ListPoller(service.lists)
    await seen_once(asking, seats, service)
    service.statuses["b"] = "available"
    assert await asking.ask(seats, seats) == [seats[1]]


async def test_many_that_are_listed_in_part_are_confirmed_by_what_began_lately() -> None:
    service, seats = service_of(page_size=3), seats_of(expected_ids=("one", "two"))
    asking = ListPoller(service.lists)
    await seen_once(asking, seats, service)
    service.rows["over"] = [{"id": name, "status": "available"} for name in "abcd"]
    service.rows["recent"] = [
        *({"id": name, "status": status} for name in "abcd" for status in ("available", "protecting")),
        *({"id": name, "status": "protecting"} for name in "ef"),
    ]
    assert await asking.ask(seats, seats) == []
    assert not any(seat.is_over for seat in seats)
    assert service.requests == {"over": 2, "recent": 4}


async def test_who_was_never_seen_is_not_believed_to_go_on() -> None:
    service, seats = service_of(), seats_of()
    asking = ListPoller(service.lists)
    await seen_once(asking, seats, service)
    newcomers = seats_of("x")
    assert await asking.ask([*seats, *newcomers], [*seats, *newcomers]) == newcomers
    assert service.requests == {"over": 1}


async def test_after_a_while_all_have_to_be_seen_again() -> None:
    service, seats = service_of(), seats_of()
    asking = ListPoller(service.lists)
    await seen_once(asking, seats, service)
    await asking.ask(seats, seats)
    del service.statuses["b"]
    for seat in seats:
        seat.seen_at -= LONGEST_TRUST + 1
    service.requests.clear()
    assert await asking.ask(seats, seats) == [seats[1]]
    assert "over" not in service.requests


async def test_a_service_that_cannot_list_what_is_over_is_asked_as_before() -> None:
    service, seats = service_of(), seats_of()
    asking = ListPoller(service.lists)
    await seen_once(asking, seats, service)
    service.troubles["over"] = BadRequestError(service="cbr", status=400, code="400", detail="one status only")
    assert await asking.ask(seats, seats) == []
    assert service.requests["over"] == 1
    service.requests.clear()
    assert await asking.ask(seats, seats) == []
    assert "over" not in service.requests

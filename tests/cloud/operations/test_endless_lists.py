"""Lists come to an end whatever the service says: repeated pages, markers without end, counts that lie."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.limits import override_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference
from tests.cloud.clients import settings_for
from tests.cloud.unruly_server import UnrulyServer, answer

INSTANCE = "51c0a3bd7a2f4cc2a2f37c60c44a7c11in01"
PAGES = 20

List = Callable[[BackupCloud], AsyncIterator[Any]]
LISTS: dict[str, tuple[str, List]] = {
    "vbs backups": ("backups", lambda cloud: cloud.vbs.backups.list()),
    "vbs summaries": ("backups", lambda cloud: cloud.vbs.backups.summaries()),
    "vbs pages": ("backups", lambda cloud: cloud.vbs.backups.pages()),
    "vbs tasks": ("tasks", lambda cloud: cloud.vbs.policies.tasks("p")),
    "csbs policies": ("policies", lambda cloud: cloud.csbs.policies.list()),
    "csbs items": ("checkpoint_items", lambda cloud: cloud.csbs.checkpoint_items.list()),
    "cbr backups": ("backups", lambda cloud: cloud.cbr.backups.list()),
    "cbr vaults": ("vaults", lambda cloud: cloud.cbr.vaults.list()),
    "cbr logs": ("operation_logs", lambda cloud: cloud.cbr.operation_logs.list()),
    "rds backups": ("backups", lambda cloud: cloud.rds.backups.list(instance_id=INSTANCE)),
    "rds instances": ("instances", lambda cloud: cloud.rds.instances.list()),
    "gaussdb backups": ("backups", lambda cloud: cloud.gaussdb.backups.list()),
    "taurusdb backups": ("backups", lambda cloud: cloud.taurusdb.backups.list()),
}
each_list = pytest.mark.parametrize(("member", "read"), LISTS.values(), ids=LISTS)


@pytest_asyncio.fixture
async def cloud(unruly: UnrulyServer) -> AsyncIterator[BackupCloud]:
    async with BackupCloud(settings_for(unruly.url)) as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def _few_pages_are_many() -> Iterator[None]:
    with override_limits(most_pages=PAGES):
        yield


def serve(unruly: UnrulyServer, rows: Callable[[int], list[Any]], member: str, **said: Any) -> None:
    """Answer every request with a page that names a next one.

    :param rows: the rows of a page, by its number.
    :param said: further members, such as a count.
    """
    numbers = itertools.count()

    async def page(_: web.Request) -> web.StreamResponse:
        number = next(numbers)
        link = {"rel": "next", "href": f"https://elsewhere.example/v2/p/{member}?marker={number}"}
        body = {member: rows(number), f"{member}_links": [link], **said}
        return web.Response(text=json.dumps(body), headers={"X-Request-Id": "req-of-the-page"})

    unruly.then(*[page] * (3 * PAGES))


def row(name: Any) -> dict[str, Any]:
    return {"id": name, "job_id": name, "name": "n", "instance_id": INSTANCE}


async def read_to_the_end(read: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in read]


@each_list
async def test_a_list_that_never_ends_is_reported(
    cloud: BackupCloud, unruly: UnrulyServer, member: str, read: List
) -> None:
    serve(unruly, lambda number: [row(f"r-{number}")], member, count=10**9, total_count=10**9)
    with pytest.raises(UnexpectedResponseError, match=f"does not end: {PAGES} pages"):
        await read_to_the_end(read(cloud))
    assert len(unruly.received) == PAGES


@each_list
@pytest.mark.parametrize("count", [None, "many", -5, 0, 2**70, {}, "9" * 5000])
async def test_a_count_that_lies_does_not_make_a_list_endless(
    cloud: BackupCloud, unruly: UnrulyServer, member: str, read: List, count: Any
) -> None:
    serve(unruly, lambda number: [row(f"r-{number}")], member, count=count, total_count=count)
    try:
        assert await read_to_the_end(read(cloud))
    except UnexpectedResponseError as error:
        assert "does not end" in str(error)  # noqa: PT017
    assert 1 <= len(unruly.received) <= PAGES


@each_list
@pytest.mark.parametrize("count", [None, 10**9, 2**70])
async def test_a_page_that_is_repeated_ends_the_list(
    cloud: BackupCloud, unruly: UnrulyServer, member: str, read: List, count: Any
) -> None:
    serve(unruly, lambda number: [row("always"), row("the-same")], member, count=count, total_count=count)
    assert await read_to_the_end(read(cloud))
    assert len(unruly.received) <= 3


@each_list
async def test_an_empty_page_ends_the_list_whatever_the_count(
    cloud: BackupCloud, unruly: UnrulyServer, member: str, read: List
) -> None:
    serve(unruly, lambda number: [], member, count=5, total_count=5)
    assert all(getattr(each, "rows", ()) == [] for each in await read_to_the_end(read(cloud)))
    assert len(unruly.received) == 1


@each_list
@pytest.mark.parametrize("rows", [[{}], [None], [7], [[]], [{"id": []}], [{"id": {"a": 1}}], [{"id": None}]])
async def test_rows_without_an_id_are_refused_with_the_request_id(
    cloud: BackupCloud, unruly: UnrulyServer, member: str, read: List, rows: list[Any]
) -> None:
    serve(unruly, lambda number: rows, member)
    try:
        came = await read_to_the_end(read(cloud))
    except UnexpectedResponseError as error:
        assert error.request_id == "req-of-the-page"  # noqa: PT017
    else:
        # Pages of rows that nobody has looked at.
        assert all(hasattr(page, "rows") for page in came)
    assert len(unruly.received) <= 2


Calls = Callable[[BackupCloud], Awaitable[Any]]


@pytest.mark.parametrize("body", [{}, {"backup": 7}, {"backup": {}}, {"backups": {}}, [], "words", None])
@pytest.mark.parametrize(
    "read",
    [
        lambda cloud: cloud.cbr.backups.get("1"),
        lambda cloud: cloud.vbs.backups.get("1"),
        lambda cloud: cloud.rds.backups.get("1", instance_id=INSTANCE),
        lambda cloud: cloud.csbs.checkpoint_items.get("1"),
        lambda cloud: cloud.csbs.checkpoint_items.count(),
    ],
    ids=["cbr", "vbs", "rds", "csbs", "csbs count"],
)
async def test_an_answer_that_is_not_as_documented_is_reported_with_its_request_id(
    cloud: BackupCloud, unruly: UnrulyServer, read: Calls, body: Any
) -> None:
    async def answered(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, headers={"X-Request-Id": "req-7"})

    unruly.then(answered)
    with pytest.raises(UnexpectedResponseError) as caught:
        await read(cloud)
    # An answer that is no object has no place for it.
    assert caught.value.request_id == ("req-7" if isinstance(body, dict) else None)


@pytest.mark.parametrize(
    "read",
    [
        lambda cloud: cloud.cbr.backups.get("1"),
        lambda cloud: cloud.vbs.backups.get("1"),
        lambda cloud: cloud.vbs.observe(OperationReference("vbs", "1")),
    ],
    ids=["cbr", "vbs", "vbs observation"],
)
async def test_an_answer_with_an_empty_id_is_refused(cloud: BackupCloud, unruly: UnrulyServer, read: Calls) -> None:
    # Whoever kept it could never look for the backup again.
    unruly.then(answer({"backup": {"id": "", "status": "available"}}))
    with pytest.raises(UnexpectedResponseError, match="id: "):
        await read(cloud)

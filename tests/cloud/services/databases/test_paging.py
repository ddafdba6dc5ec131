"""Reading lists from services that behave in ways the local cloud does not; each is a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.settings import AccessKeyCredentials, CloudSettings

INSTANCE = "51c0a3bd7a2f4cc2a2f37c60c44a7c11in01"


class OddService:
    """Answers every list with what a test wants, and remembers what was asked."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.answer: Callable[[int], Any] = lambda offset: {"backups": [], "total_count": 0}

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        self.requests.append(request)
        return web.json_response(self.answer(int(request.query["offset"])))

    @property
    def offsets(self) -> list[str]:
        """The offsets that were asked for."""
        return [request.query["offset"] for request in self.requests]


@pytest.fixture
def odd_service() -> OddService:
    return OddService()


@pytest_asyncio.fixture
async def odd_cloud(odd_service: OddService) -> AsyncIterator[BackupCloud]:
    application = web.Application()
    application.router.add_get("/v3/project/backups", odd_service.handle)
    async with TestServer(application) as server:
        settings = CloudSettings(
            AccessKeyCredentials("ak", "sk"),
            region="eu-de",
            project_id="project",
            endpoints=CloudSettings.endpoint_pairs({"rds": str(server.make_url("/"))}),
        )
        async with BackupCloud(settings) as cloud:
            yield cloud


async def ids(cloud: BackupCloud, **filters: Any) -> list[str]:
    return [backup.id async for backup in cloud.rds.backups.list(instance_id=INSTANCE, **filters)]


def rows(*names: str) -> list[dict[str, str]]:
    return [{"id": name, "instance_id": INSTANCE} for name in names]


async def test_a_list_ends_when_all_rows_are_read(odd_cloud: BackupCloud, odd_service: OddService) -> None:
    odd_service.answer = lambda offset: {"backups": rows("a", "b", "c")[offset : offset + 2], "total_count": 3}
    assert await ids(odd_cloud, page_size=2) == ["a", "b", "c"]
    assert odd_service.offsets == ["0", "2"]


async def test_a_count_in_text_is_read(odd_cloud: BackupCloud, odd_service: OddService) -> None:
    odd_service.answer = lambda offset: {"backups": rows("a", "b"), "total_count": "2"}
    assert await ids(odd_cloud) == ["a", "b"]
    assert odd_service.offsets == ["0"]


async def test_a_list_without_a_count_ends_with_an_empty_page(odd_cloud: BackupCloud, odd_service: OddService) -> None:
    odd_service.answer = lambda offset: {"backups": rows("a", "b", "c")[offset : offset + 2]}
    assert await ids(odd_cloud, page_size=2) == ["a", "b", "c"]
    assert odd_service.offsets == ["0", "2", "3"]


async def test_a_list_ends_early_when_rows_went_away(odd_cloud: BackupCloud, odd_service: OddService) -> None:
    odd_service.answer = lambda offset: {"backups": rows("a") if offset == 0 else [], "total_count": 5}
    assert await ids(odd_cloud) == ["a"]
    assert odd_service.offsets == ["0", "1"]


async def test_a_row_that_two_pages_show_comes_once(odd_cloud: BackupCloud, odd_service: OddService) -> None:
    pages = {0: rows("b", "a"), 2: rows("a", "z")}
    odd_service.answer = lambda offset: {"backups": pages[offset], "total_count": 4}
    assert await ids(odd_cloud, page_size=2) == ["b", "a", "z"]


async def test_a_service_that_ignores_the_offset_is_not_asked_forever(
    odd_cloud: BackupCloud, odd_service: OddService
) -> None:
    odd_service.answer = lambda offset: {"backups": rows("a", "b"), "total_count": 1000}
    assert await ids(odd_cloud) == ["a", "b"]
    assert odd_service.offsets == ["0", "2"]


@pytest.mark.parametrize("answer", [{}, {"backups": None}, {"backups": {}}, {"backups": ["a"]}, [], {"backups": [{}]}])
async def test_an_answer_that_is_no_list_is_reported(
    odd_cloud: BackupCloud, odd_service: OddService, answer: Any
) -> None:
    odd_service.answer = lambda offset: answer
    with pytest.raises(UnexpectedResponseError):
        await ids(odd_cloud)


async def test_filters_and_language_are_sent_with_every_page(odd_cloud: BackupCloud, odd_service: OddService) -> None:
    odd_service.answer = lambda offset: {"backups": rows("a", "b")[offset : offset + 1], "total_count": 2}
    await ids(odd_cloud, backup_type="manual", page_size=1)
    assert [dict(request.query) for request in odd_service.requests] == [
        {"instance_id": INSTANCE, "backup_type": "manual", "offset": str(offset), "limit": "1"} for offset in (0, 1)
    ]
    assert {request.headers["X-Language"] for request in odd_service.requests} == {"en-us"}


async def test_a_backup_is_looked_for_with_one_request(odd_cloud: BackupCloud, odd_service: OddService) -> None:
    odd_service.answer = lambda offset: {"backups": rows("a"), "total_count": 1}
    assert (await odd_cloud.rds.backups.get("a", instance_id=INSTANCE)).id == "a"
    assert [dict(request.query) for request in odd_service.requests] == [
        {"instance_id": INSTANCE, "backup_id": "a", "offset": "0", "limit": "100"}
    ]


async def test_a_list_that_ignores_the_id_does_not_give_another_backup(
    odd_cloud: BackupCloud, odd_service: OddService
) -> None:
    odd_service.answer = lambda offset: {"backups": rows("x", "a"), "total_count": 2}
    assert (await odd_cloud.rds.backups.get("a", instance_id=INSTANCE)).id == "a"

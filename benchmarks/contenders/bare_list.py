"""The floor: one loop that reads all pages of a list; aiohttp and json, no tasks, no models, no care for errors."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from benchmarks.contenders.cloud_session import cloud_session
from benchmarks.contenders.contender import Contender, News
from benchmarks.schedule import POLL_SECONDS


@dataclass(frozen=True)
class _List:
    """A list that tells of all backups.

    :param path: after the project.
    :param query: beside the page.
    :param rows: name of the list in the answer.
    :param key: the member of a row that names the resource.
    :param running: the status of what is not over.
    :param page: how many rows a page has at most.
    """

    path: str
    rows: str
    key: str
    running: str
    page: int
    query: str = ""


_LISTS = {
    "cbr": _List("/v3/{project}/backups", "backups", "resource_id", "protecting", 1000),
    "csbs": _List("/v1/{project}/checkpoint_items", "checkpoint_items", "resource_id", "protecting", 1000),
    "vbs": _List("/v2/{project}/backups/detail", "backups", "volume_id", "creating", 1000),
    "rds": _List("/v3/{project}/instances", "instances", "id", "BACKING UP", 100),
    "gaussdb": _List("/v3/{project}/backups", "backups", "instance_id", "BUILDING", 100, query="&backup_type=manual"),
    "taurusdb": _List("/v3/{project}/backups", "backups", "instance_id", "BUILDING", 100, query="&backup_type=manual"),
}


class BareList(Contender):
    """What the same news cost at least."""

    async def warm_up(self) -> None:
        """Open a session and read one page."""
        async with cloud_session(self.place) as session:
            await self._page(session, 0)

    async def watch(self, jobs: Sequence[int], news: News) -> None:
        """Read all pages, every five seconds."""
        key, running = self._list.key, self._list.running
        waiting = {self.place.resources[job]: job for job in jobs}
        async with cloud_session(self.place) as session:
            next_round = time.monotonic()
            while waiting:
                next_round += POLL_SECONDS
                await asyncio.sleep(next_round - time.monotonic())
                offset = 0
                while page := await self._page(session, offset):
                    for row in page:
                        if row["status"] != running and row[key] in waiting:
                            news(waiting.pop(row[key]), True)
                    if len(page) < self._list.page:
                        break
                    offset += len(page)

    @property
    def _list(self) -> _List:
        return _LISTS[self.place.service or ""]

    async def _page(self, session: aiohttp.ClientSession, offset: int) -> list[dict[str, str]]:
        cloud, kind = self.place.cloud, self._list
        path = kind.path.format(project=cloud["project_id"])
        url = f"{cloud[self.place.service or '']}{path}?limit={kind.page}&offset={offset}{kind.query}"
        async with session.get(url) as answer:
            content = json.loads(await answer.read())
        rows: list[dict[str, str]] = content[kind.rows]
        return rows

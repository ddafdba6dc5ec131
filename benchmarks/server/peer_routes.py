"""The jobs of a run in the dialects of the published providers; answers hold what their triggers read, little more."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiohttp import web

DBT_ACCOUNT = 1


class PeerJobs:
    """Jobs 1, 2, 3 ... that finish at given moments; job 0 is finished.

    :param offsets: seconds after the start at which each of them finishes.
    """

    def __init__(self, offsets: Sequence[float]) -> None:
        self._offsets = [float("-inf"), *offsets]
        self._start = float("inf")

    def begin(self, start: float) -> None:
        """Let the time run.

        :param start: seconds since the epoch.
        """
        self._start = start

    def application(self) -> web.Application:
        """Return the routes of all dialects."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/api/2.2/jobs/runs/get", self.databricks_run),
                web.get("/jobs/{number}", self.plain_job),
                web.get("/api/v2/accounts/{account}/runs/{number}/", self.dbt_run),
            ]
        )
        return application

    async def databricks_run(self, request: web.Request) -> web.Response:
        """Answer as ``GET /api/2.2/jobs/runs/get``; the provider sends the number in a body."""
        number = int((await request.json())["run_id"])
        is_over = self._is_over(number)
        state = {"life_cycle_state": "TERMINATED" if is_over else "RUNNING", "state_message": ""}
        if is_over:
            state["result_state"] = "SUCCESS"
        return web.json_response({"job_id": number, "run_id": number, "run_page_url": "", "state": state})

    async def plain_job(self, request: web.Request) -> web.Response:
        """Answer 404 until the job is over: what the deferred HTTP sensor waits for."""
        if not self._is_over(int(request.match_info["number"])):
            return web.json_response({"status": "running"}, status=404)
        return web.json_response({"status": "finished"})

    async def dbt_run(self, request: web.Request) -> web.Response:
        """Answer as ``GET /api/v2/accounts/{account}/runs/{run}/``: 3 is running, 10 is success."""
        number = int(request.match_info["number"])
        status = 10 if self._is_over(number) else 3
        return web.json_response({"status": {"code": 200}, "data": {"id": number, "status": status}})

    def _is_over(self, number: int) -> bool:
        offset = self._offsets[number]
        return offset == float("-inf") or time.time() >= self._start + offset

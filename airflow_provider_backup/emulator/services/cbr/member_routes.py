"""The routes that share backups with other projects (CBR section 10).

Rows of ``cbr.members`` are as they go over the wire: ``id``, ``backup_id``, ``dest_project_id`` (the ``member_id`` in
paths), ``status``, ``vault_id``, ``image_id``, ``created_at``, ``updated_at``. ``pending`` becomes ``accepted`` or
``rejected`` once, which the receiver decides. The local cloud has one project in a region: the owner's answers for all
others, so that every status can be reached, and the backup never appears in a list of the receiver.

What is refused, in this order: no such backup (6200); adding: one that is not of a server (6700), is not available
(6702) or is a copy (6707), the own project (6704), one that has it (6703), more than 10 (6701); else: no such member
(6705); answering: a second time or with ``pending`` (6706), no such vault (6105), one of another kind (6713). Which
code stands for a copy, and for a second answer, is not documented.
"""

from __future__ import annotations

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import MemberAddition, MemberUpdate
from airflow_provider_backup.emulator.core.service import checked, json_object, page
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups, wire_time
from airflow_provider_backup.emulator.services.cbr.lists import LARGEST_PAGE, matches
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.schema import MEMBER_UPDATE, refuse_incomplete
from airflow_provider_backup.emulator.services.cbr.vaults import SERVER_TYPE, Vaults

_MOST = 10
_FILTERS = ("dest_project_id", "image_id", "status", "vault_id")


class MemberRoutes:
    """The routes below ``/backups/{backup_id}/members``.

    :param state: keeps the members, and gives the time.
    :param vaults: the vaults that take shared backups in.
    :param backups: what is shared.
    """

    def __init__(self, state: CloudState, vaults: Vaults, backups: Backups) -> None:
        self._state = state
        self._vaults = vaults
        self._backups = backups

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        members = "/v3/{project_id}/backups/{backup_id}/members"
        return [
            web.post(members, self.add_members),
            web.get(members, self.list_members),
            web.get(f"{members}/{{member_id}}", self.get_member),
            web.put(f"{members}/{{member_id}}", self.update_member),
            web.delete(f"{members}/{{member_id}}", self.delete_member),
        ]

    async def add_members(self, request: web.Request) -> web.Response:
        """Share a backup with further projects, or with none of them."""
        backup = self._backups.get(request.match_info["backup_id"])
        project_ids = checked(MemberAddition, await json_object(request, code=INVALID), code=INVALID).members
        if backup["resource_type"] != SERVER_TYPE:
            raise refusal("6700", backup["resource_type"])
        if (status := self._backups.status(backup)) != "available":
            raise refusal("6702", backup["id"], status)
        if "replicated_from" in backup:
            raise refusal("6707", backup["id"])
        held = {row["dest_project_id"] for row in self._of(backup)}
        for project_id in project_ids:
            if project_id == request.match_info["project_id"]:
                raise refusal("6704", project_id)
            if project_id in held:
                raise refusal("6703", backup["id"], project_id)
        if len(held) + len(project_ids) > _MOST:
            raise refusal("6701", _MOST)
        return web.json_response({"members": [self._add(backup, project_id) for project_id in project_ids]})

    async def list_members(self, request: web.Request) -> web.Response:
        """List the projects that a backup is shared with."""
        backup = self._backups.get(request.match_info["backup_id"])
        wanted = {name: request.query.get(name) or None for name in _FILTERS}
        rows = [row for row in self._of(backup) if matches(row, **wanted)]
        # Unlike other lists it does not repeat the limits of the page.
        shown = page(rows, request, code=INVALID, maximum=LARGEST_PAGE)
        return web.json_response({"members": list(shown), "count": len(rows)})

    async def get_member(self, request: web.Request) -> web.Response:
        """Read a member."""
        return web.json_response({"member": self._asked(request)})

    async def update_member(self, request: web.Request) -> web.Response:
        """Accept or reject a shared backup."""
        member = self._asked(request)
        body = await json_object(request, code=INVALID)
        refuse_incomplete(body, MEMBER_UPDATE)
        update = checked(MemberUpdate, body, code=INVALID)
        if member["status"] != "pending" or update.status == "pending":
            raise refusal("6706", member["dest_project_id"], member["status"])
        if update.status == "accepted":
            vault = self._vaults.get(str(update.vault_id))
            if vault["billing"]["object_type"] != "server":
                raise refusal("6713", vault["id"])
            member["vault_id"] = vault["id"]
        member["status"] = update.status
        member["updated_at"] = self._now()
        return web.json_response({"member": member})

    async def delete_member(self, request: web.Request) -> web.Response:
        """Share a backup with a project no longer."""
        del self._state.table("cbr.members")[self._asked(request)["id"]]
        return web.Response(status=204)

    def _add(self, backup: Row, project_id: str) -> Row:
        now = self._now()
        row: Row = {
            "id": self._state.new_uuid(),
            "backup_id": backup["id"],
            "dest_project_id": project_id,
            "status": "pending",
            "image_id": None,
            "vault_id": None,
            "created_at": now,
            "updated_at": now,
        }
        self._state.table("cbr.members")[row["id"]] = row
        return row

    def _asked(self, request: web.Request) -> Row:
        backup, project_id = self._backups.get(request.match_info["backup_id"]), request.match_info["member_id"]
        for row in self._of(backup):
            if row["dest_project_id"] == project_id:
                return row
        raise refusal("6705", backup["id"], project_id)

    def _of(self, backup: Row) -> list[Row]:
        return [row for row in self._state.table("cbr.members").values() if row["backup_id"] == backup["id"]]

    def _now(self) -> str:
        return wire_time(self._state.now().isoformat())

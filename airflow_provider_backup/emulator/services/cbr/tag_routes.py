"""The routes of tags of vaults (CBR section 11). The tags are a member of the rows of ``cbr.vaults``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import (
    Tag,
    TagCondition,
    TagCreation,
    TagDeletion,
    TagSearch,
)
from airflow_provider_backup.emulator.core.service import ServiceError, checked, json_object
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.cbr.lists import LARGEST_PAGE, ordered
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.schema import TAG_CREATE, TAGS_ACTION, refuse_incomplete
from airflow_provider_backup.emulator.services.cbr.vaults import Vaults

MOST_TAGS = 20
"""As OTC; 10 on Huawei Cloud (CBR section 13)."""

_OTHER = object()


class TagRoutes:
    """The routes below ``/vault``, which the service spells in the singular.

    :param vaults: keeps the vaults, and so their tags.
    """

    def __init__(self, vaults: Vaults) -> None:
        self._vaults = vaults

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        vault = "/v3/{project_id}/vault"
        return [
            web.get(f"{vault}/tags", self.project_tags),
            web.post(f"{vault}/resource_instances/action", self.find_vaults),
            web.get(f"{vault}/{{vault_id}}/tags", self.list_tags),
            web.post(f"{vault}/{{vault_id}}/tags", self.create_tag),
            web.post(f"{vault}/{{vault_id}}/tags/action", self.change_tags),
            web.delete(f"{vault}/{{vault_id}}/tags/{{key}}", self.delete_tag),
        ]

    async def list_tags(self, request: web.Request) -> web.Response:
        """Read the tags of a vault."""
        return web.json_response({"tags": self._vault(request)["tags"], "sys_tags": []})

    async def create_tag(self, request: web.Request) -> web.Response:
        """Give a vault a tag; one with the same key is replaced."""
        row = self._vault(request)
        body = await json_object(request, code=INVALID, envelope="tag")
        refuse_incomplete(body, TAG_CREATE)
        _put(row, [checked(Tag, body, code=INVALID)])
        return web.Response(status=204)

    async def change_tags(self, request: web.Request) -> web.Response:
        """Give a vault several tags, or take several off it; one that it does not have is passed over."""
        row = self._vault(request)
        body = await json_object(request, code=INVALID)
        refuse_incomplete(body, TAGS_ACTION)
        if body["action"] == "create":
            _put(row, checked(TagCreation, body, code=INVALID).tags)
        else:
            leaving = {tag.key: tag.value for tag in checked(TagDeletion, body, code=INVALID).tags}
            row["tags"] = [
                tag
                for tag in row["tags"]
                if tag["key"] not in leaving or leaving[tag["key"]] not in (None, tag["value"])
            ]
        return web.Response(status=204)

    async def delete_tag(self, request: web.Request) -> web.Response:
        """Take a tag off a vault."""
        row, key = self._vault(request), request.match_info["key"]
        if all(tag["key"] != key for tag in row["tags"]):
            raise refusal("6601", key)
        row["tags"] = [tag for tag in row["tags"] if tag["key"] != key]
        return web.Response(status=204)

    async def project_tags(self, request: web.Request) -> web.Response:
        """Read the keys of all vaults, each with its values."""
        values: dict[str, dict[str, None]] = defaultdict(dict)
        for row in self._vaults.all():
            for tag in row["tags"]:
                values[tag["key"]][tag["value"]] = None
        return web.json_response({"tags": [{"key": key, "values": list(found)} for key, found in values.items()]})

    async def find_vaults(self, request: web.Request) -> web.Response:
        """Find vaults by tags, or count them. The numbers of a page are texts."""
        body = await json_object(request, code=INVALID)
        action, limit, offset = body.pop("action", None), body.pop("limit", None), body.pop("offset", None)
        if action not in ("filter", "count"):
            raise refusal("9900", f"action: must be filter or count (given: {action!r})")
        if action == "count" and (limit is not None or offset is not None):
            raise refusal("9900", "limit and offset: go with the action filter only")
        search = checked(TagSearch, body, code=INVALID)
        found = ordered([row for row in self._vaults.all() if _fits(row, search)], None)
        if action == "count":
            return web.json_response({"total_count": len(found)})
        first = _number("offset", offset, default=0, least=0)
        shown = found[first : first + _number("limit", limit, default=LARGEST_PAGE, least=1, most=LARGEST_PAGE)]
        resources = [
            {
                "resource_id": row["id"],
                "resource_name": row["name"],
                "resource_detail": {"vault": self._vaults.view(row, request.match_info["project_id"])},
                "tags": row["tags"],
                "sys_tags": [],
            }
            for row in shown
        ]
        return web.json_response({"resources": resources, "total_count": len(found)})

    def _vault(self, request: web.Request) -> Row:
        return self._vaults.get(request.match_info["vault_id"])


def _put(row: Row, tags: Sequence[Tag]) -> None:
    held = {tag["key"]: tag["value"] for tag in row["tags"]} | {tag.key: tag.value for tag in tags}
    if len(held) > MOST_TAGS:
        raise refusal("6600", MOST_TAGS)
    row["tags"] = [{"key": key, "value": value} for key, value in held.items()]


def _fits(row: Mapping[str, Any], search: TagSearch) -> bool:
    name = search.matches[0].value if search.matches else row["name"]
    wanted = {"cloud_type": search.cloud_type, "object_type": search.object_type}
    if row["name"] != name or any(value not in (None, row["billing"][key]) for key, value in wanted.items()):
        return False
    if search.without_any_tag:
        return not row["tags"]
    held = {tag["key"]: tag["value"] for tag in row["tags"]}

    def hold(conditions: Iterable[TagCondition], together: Callable[[Iterable[bool]], bool]) -> bool:
        return together(each.key in held and (not each.values or held[each.key] in each.values) for each in conditions)

    return (
        hold(search.tags or (), all)
        and (search.tags_any is None or hold(search.tags_any, any))
        and (search.not_tags is None or not hold(search.not_tags, all))
        and not hold(search.not_tags_any or (), any)
    )


def _number(name: str, text: Any, *, default: int, least: int, most: int | None = None) -> int:
    if text is None:
        return default
    number = int(text) if isinstance(text, str) and text.isdecimal() else -1
    if number < least or (most is not None and number > most):
        raise ServiceError(400, INVALID, f"{name}: must be the text of a whole number in its range (given: {text!r})")
    return number

"""Tags of vaults: read and change them, and find vaults by them (CBR section 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.cloud.schema.answers import new_rows, parsed, parsed_list, request_id_of
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.schema.fields import whole_number_of
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import (
    ProjectTag,
    Tag,
    TagCreation,
    TagDeletion,
    TaggedVault,
    TagKey,
    TagSearch,
    TagView,
)
from airflow_provider_backup.cloud.services.cbr.paging import LARGEST_PAGE, rows_of


class VaultTags:
    """The tags of vaults. A vault shows its own when it is read, too.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def list(self, vault_id: str) -> Sequence[TagView]:
        """Read the tags of a vault.

        :raises NotFoundError: there is no such vault.
        """
        return parsed_list(TagView, await self._api.get("vault", vault_id, "tags"), "tags")

    async def of_project(self) -> Sequence[ProjectTag]:
        """Read the keys that any vault of the project has, each with its values."""
        return parsed_list(ProjectTag, await self._api.get("vault", "tags"), "tags")

    async def put(self, vault_id: str, tag: Tag) -> None:
        """Give a vault a tag; the value of a tag with the same key is replaced.

        :raises NotFoundError: there is no such vault.
        :raises QuotaExceededError: the vault has as many tags as it may.
        """
        await self._api.post("vault", vault_id, "tags", body={"tag": tag.to_wire()}, repeatable=True)

    async def put_all(self, vault_id: str, tags: Sequence[Tag]) -> None:
        """Give a vault several tags in one request, as :meth:`put` does.

        :param tags: 1 to 20 tags with unique keys.
        :raises NotFoundError: there is no such vault.
        :raises QuotaExceededError: the vault has as many tags as it may.
        """
        await self._change(vault_id, validated(TagCreation, "CBR tags", {"tags": list(tags)}))

    async def delete(self, vault_id: str, key: str) -> None:
        """Take a tag off a vault.

        :raises NotFoundError: there is no such vault, or it has no such tag.
        """
        await self._api.delete("vault", vault_id, "tags", key)

    async def delete_all(self, vault_id: str, tags: Sequence[TagKey]) -> None:
        """Take several tags off a vault in one request.

        :param tags: 1 to 20 keys.
        :raises NotFoundError: there is no such vault.
        """
        await self._change(vault_id, validated(TagDeletion, "CBR tags", {"tags": list(tags)}))

    async def find(self, search: TagSearch) -> AsyncIterator[TaggedVault]:
        """Find vaults by tags, name and kind, page by page.

        :param search: the conditions; all of them must hold.
        """
        seen: set[str] = set()
        read = 0
        most_pages = current_limits().most_pages
        for _ in range(most_pages):
            # This list wants its numbers as texts.
            body = await self._search(search, action="filter", limit=str(LARGEST_PAGE), offset=str(read))
            rows = rows_of(body, "resources")
            fresh = new_rows(rows, seen, "resource_id")
            for row in fresh:
                yield parsed(TaggedVault, row, request_id=request_id_of(body))
            read += len(rows)
            total = whole_number_of(body.get("total_count"))
            if not fresh or (len(rows) < LARGEST_PAGE and read >= (total or 0)):
                return
        raise UnexpectedResponseError(
            f"The list of vaults by tags does not end: {most_pages} pages were read and there are more",
            next_step="Narrow the search down; if there cannot be so many, report it to the provider.",
        )

    async def count(self, search: TagSearch) -> int:
        """Count the vaults that :meth:`find` would return.

        :param search: the conditions.
        :raises UnexpectedResponseError: the answer has no number.
        """
        body = await self._search(search, action="count")
        number = whole_number_of(body.get("total_count")) if isinstance(body, dict) else None
        if number is None:
            raise UnexpectedResponseError("The answer has no 'total_count'", request_id=request_id_of(body))
        return number

    async def _search(self, search: TagSearch, **more: str) -> Any:
        body = {**search.to_wire(), **more}
        return await self._api.post("vault", "resource_instances", "action", body=body, repeatable=True)

    async def _change(self, vault_id: str, change: TagCreation | TagDeletion) -> None:
        await self._api.post("vault", vault_id, "tags", "action", body=change.to_wire(), repeatable=True)

"""Backups of disks that are shared with other projects (VBS section 4.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from airflow_provider_backup.cloud.operations.pagination import paginate, parsed_rows
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.vbs.models import Share
from airflow_provider_backup.cloud.services.vbs.paging import SHARE_PAGES


class Shares:
    """The shares of the project's backups.

    :param api: requests to VBS.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    def list(self) -> AsyncIterator[Share]:
        """Read which backups this project shares with others, page by page."""
        pages = paginate(
            self._api, ("os-vendor-backup-sharing", "detail"), "shared", SHARE_PAGES, {"share_to_me": False}
        )
        return parsed_rows(pages, Share)

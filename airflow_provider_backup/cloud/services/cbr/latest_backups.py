"""The newest backups of resources of CBR (CBR sections 7.2 and 8)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_backup.cloud.errors import ApiError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.freshness import Freshness, FreshnessRule, ListedBackup, read_freshness
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.row_checks import is_same_id
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.cbr.backups import BackupRow, Backups, StoredRow
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from airflow_provider_backup.cloud.services.cbr.models import Backup, OperationLog
from airflow_provider_backup.cloud.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.cloud.services.cbr.paging import LARGEST_PAGE
from airflow_provider_backup.cloud.services.cbr.states import reason_in, to_state

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WantedCopy:
    """The copy that a backup must have to count as good.

    :param region: the region of the copy; ``None`` for any other region than the backup's.
    """

    region: str | None = None

    def is_of(self, backup: Backup) -> bool:
        """Whether a record of a backup tells of such a copy that is good (CBR section 7.5)."""
        return any(
            phase_of(record.status) is Phase.SUCCEEDED
            and record.destination_region
            and record.destination_region != record.source_region
            and self.region in (None, record.destination_region)
            for record in backup.replication_records
        )

    def __str__(self) -> str:
        return "another region" if self.region is None else f"region {self.region}"


class LatestBackups:
    """Looks for the newest backups of resources, once.

    :param backups: the backups of the project.
    :param logs: its operation logs, which have the reasons of failures.
    :param clock: the cloud's clock.
    """

    def __init__(self, backups: Backups, logs: OperationLogs, clock: CloudClock) -> None:
        self._backups = backups
        self._logs = logs
        self._clock = clock
        self._pages_read = 0

    async def read(
        self,
        rule: FreshnessRule,
        resource_ids: Sequence[str],
        vault_id: str | None,
        wanted_copy: WantedCopy | None = None,
    ) -> list[Freshness]:
        """Judge resources by one list: that of a vault, of a single resource or of the project.

        Copies of backups do not count: their times are those of copying.

        :param rule: which backups are fresh enough.
        :param resource_ids: ids of servers, disks or file systems, one or more.
        :param vault_id: only backups in this vault; ``None`` for those in any.
        :param wanted_copy: which copy a good backup must have; one without counts as failed. ``None`` for none.
        """
        only = resource_ids[0] if vault_id is None and len(resource_ids) == 1 else None
        pages = self._pages(vault_id=vault_id, resource_id=only, with_records=wanted_copy is not None)

        def to_backup(row: Any) -> ListedBackup | None:
            backup = parsed(Backup, row)
            # The backups of single disks in that of a server do not count.
            if backup.parent_id is not None or backup.resource_id is None:
                return None
            if vault_id is not None and not is_same_id(backup.vault_id, vault_id):
                return None
            state = to_state(OperationReference("cbr", backup.id), backup)
            if wanted_copy is not None and state.phase is Phase.SUCCEEDED and not wanted_copy.is_of(backup):
                state = replace(state, phase=Phase.FAILED, reason=f"good, but without a good copy in {wanted_copy}")
            return ListedBackup(backup.resource_id, state, backup.extend_info.auto_trigger)

        judged = await read_freshness(pages, to_backup, resource_ids, rule, self._clock.now)
        failed = {
            each.resource_id.lower(): each
            for each in judged
            if not each.is_fresh and each.newer_failure is not None and each.newer_failure.reason is None
        }
        # A long list has cost enough: a reason is no more than a help.
        if failed and self._pages_read <= 1:
            await self._add_reasons(failed, vault_id, only)
        return judged

    async def _pages(
        self, *, vault_id: str | None, resource_id: str | None, with_records: bool
    ) -> AsyncIterator[RowPage]:
        self._pages_read = 0
        async for page in self._backups.pages(
            row=StoredRow if with_records else BackupRow,
            show_replication=True if with_records else None,
            vault_id=vault_id,
            resource_id=resource_id,
            image_type="backup",
            sort="created_at:desc",
            limit=LARGEST_PAGE,
        ):
            self._pages_read += 1
            yield page

    async def _add_reasons(
        self, failed: Mapping[str, Freshness], vault_id: str | None, resource_id: str | None
    ) -> None:
        begun = [each.failed.created_at for each in failed.values() if each.failed and each.failed.created_at]
        logs = self._logs.list(
            operation_type="backup",
            status="failed",
            vault_id=vault_id,
            resource_id=resource_id,
            start_time=min(begun, default=None),
            limit=LARGEST_PAGE,
        )
        read = 0
        try:
            async for log in logs:
                self._add_reason(failed, log)
                read += 1
                if read == LARGEST_PAGE:
                    return
        except ApiError as error:
            logger.debug("The operation log, which has the reasons of failed backups, cannot be read: %s", error)

    @staticmethod
    def _add_reason(failed: Mapping[str, Freshness], log: OperationLog) -> None:
        judged = failed.get((log.extra_info.resource.id or "").lower())
        reason = reason_in(log)
        if judged is None or judged.failed is None or not reason:
            return
        if log.extra_info.backup.backup_id in (None, "", judged.failed.reference.backup_id):
            judged.failed = replace(judged.failed, reason=reason)

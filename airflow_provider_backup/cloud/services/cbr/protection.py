"""How the resources of CBR are protected (CBR sections 4.5, 5.3, 7.2, 8 and 9)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.freshness import Freshness, ListedBackup, read_freshness
from airflow_provider_backup.cloud.operations.protection import (
    PROTECTABLE_KINDS,
    FailedTask,
    PolicyView,
    ProtectableKind,
    ProtectionQuestion,
    ResourceView,
    ServiceProtection,
    VaultView,
)
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.cbr.backups import BackupRow, Backups, StoredRow
from airflow_provider_backup.cloud.services.cbr.models import Backup, OperationLog, Policy, Protectable
from airflow_provider_backup.cloud.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.cloud.services.cbr.paging import LARGEST_PAGE
from airflow_provider_backup.cloud.services.cbr.policies import Policies
from airflow_provider_backup.cloud.services.cbr.protectables import Protectables
from airflow_provider_backup.cloud.services.cbr.states import reason_in, to_state
from airflow_provider_backup.cloud.services.cbr.vaults import Vaults

_REPLICATION = "replication"
_COPIED = "success"
_DELETED = "deleted"


class CbrProtection:
    """Reads policies, vaults, backups and the failed entries of the operation log, each list once; if asked, also what
    can be backed up.

    :param policies: the policies of the project.
    :param vaults: its vaults.
    :param backups: its backups.
    :param logs: its operation logs.
    :param protectables: what can be backed up.
    :param clock: the cloud's clock.
    """

    def __init__(
        self,
        policies: Policies,
        vaults: Vaults,
        backups: Backups,
        logs: OperationLogs,
        protectables: Protectables,
        clock: CloudClock,
    ) -> None:
        self._policies = policies
        self._vaults = vaults
        self._backups = backups
        self._logs = logs
        self._protectables = protectables
        self._clock = clock

    async def read(self, question: ProtectionQuestion) -> ServiceProtection:
        """Read how resources are protected: those that are given, or all that are in vaults for backups, and all of the
        types that are asked for.

        A resource is covered when it is in such a vault. It needs copies when a replication policy that is on is bound
        to its vault; the begin of the copied backup counts, not the time of copying.

        :param question: what is asked.
        """
        policies = [policy async for policy in self._policies.list()]
        vaults = [vault async for vault in self._vaults.list(limit=LARGEST_PAGE)]
        protected = {
            resource.id.lower(): (resource.id, resource.name, vault.id)
            for vault in vaults
            if vault.billing.protect_type != _REPLICATION
            for resource in vault.resources
        }
        copied_vaults = _copied_vaults(policies)
        found = {each.id.lower(): each async for each in self._found(question.protectables)}
        given = question.resource_ids or [resource_id for resource_id, *_ in protected.values()]
        ids = list({each.lower(): each for each in [*(each.id for each in found.values()), *given]}.values())
        copies = {
            each.lower(): Freshness(each)
            for each in ids
            if each.lower() in protected and protected[each.lower()][2].lower() in copied_vaults
        }
        judged = await self._read_backups(question, ids, copies)
        resources = []
        for each in judged:
            key = each.resource_id.lower()
            copy = copies.get(key)
            if copy is not None:
                copy.since = each.since
                copy.judge(question.copy_rule, each.now)
            name = protected[key][1] if key in protected else None
            gap = "it is in no vault"
            if key in found:
                name = name or found[key].name
                gap = _gap(found[key])
            resources.append(ResourceView(each, name, key in protected, gap, copy))
        return ServiceProtection(
            "cbr",
            resources,
            [
                PolicyView(each.id, each.name, each.enabled is not False, bool(each.associated_vaults))
                for each in policies
            ],
            [VaultView(each.id, each.name, each.billing.used or 0, each.billing.size or 0) for each in vaults],
            await self._failed(question),
        )

    async def _read_backups(
        self, question: ProtectionQuestion, ids: Any, copies: Mapping[str, Freshness]
    ) -> list[Freshness]:
        pages = self._backups.pages(
            row=StoredRow if copies else BackupRow,
            image_type="backup",
            show_replication=True if copies else None,
            sort="created_at:desc",
            limit=LARGEST_PAGE,
        )

        def to_backup(row: Any) -> ListedBackup | None:
            backup = parsed(Backup, row)
            # The backups of single disks in that of a server do not count.
            if backup.parent_id is not None or backup.resource_id is None:
                return None
            state = to_state(OperationReference("cbr", backup.id), backup)
            copy = copies.get(backup.resource_id.lower())
            is_copied = any(record.status == _COPIED for record in backup.replication_records)
            if copy is not None and is_copied and state.phase is Phase.SUCCEEDED:
                copy.add(state)
            return ListedBackup(backup.resource_id, state, backup.extend_info.auto_trigger)

        back_to = question.copy_rule.earliest(self._clock.now()) if copies else None
        return await read_freshness(pages, to_backup, ids, question.rule, self._clock.now, back_to=back_to)

    async def _found(self, types: Sequence[ProtectableKind]) -> AsyncIterator[Protectable]:
        # The disks of a server are backed up with it, and servers come first.
        with_servers: set[str] = set()
        for each_type in sorted(set(types), key=PROTECTABLE_KINDS.index):
            async for page in self._protectables.pages(each_type):
                for row in page.rows:
                    resource = parsed(Protectable, row, request_id=page.request_id)
                    if each_type == "server":
                        children = (child for child in resource.children if isinstance(child, Mapping))
                        with_servers |= {str(child.get("id")).lower() for child in children}
                    if resource.status != _DELETED and resource.id.lower() not in with_servers:
                        yield resource

    async def _failed(self, question: ProtectionQuestion) -> list[FailedTask]:
        logs = self._logs.list(status="failed", start_time=question.tasks_begun_since, limit=LARGEST_PAGE)
        return [_failed_task(log) async for log in logs if _is_new(log, question)]


def _copied_vaults(policies: list[Policy]) -> set[str]:
    return {
        vault.vault_id.lower()
        for policy in policies
        if policy.operation_type == _REPLICATION and policy.enabled is not False
        for vault in policy.associated_vaults
        if vault.vault_id is not None
    }


def _gap(resource: Protectable) -> str:
    why = resource.protectable.reason or resource.protectable.message
    is_refused = resource.protectable.result is False and why
    return f"it is in no vault, and none takes it: {why}" if is_refused else "it is in no vault"


def _is_new(log: OperationLog, question: ProtectionQuestion) -> bool:
    moment = log.ended_at or log.updated_at or log.started_at
    return moment is None or moment >= question.since


def _failed_task(log: OperationLog) -> FailedTask:
    about = log.extra_info.resource.name or log.extra_info.resource.id or log.vault_name or log.vault_id or ""
    name = f"{log.operation_type or 'task'} of {about}" if about else log.operation_type
    return FailedTask(log.id, name, log.started_at or log.created_at, reason_in(log) or None)

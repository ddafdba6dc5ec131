"""The deletion of a vault, or of resources in it, as a long-running operation (CBR sections 5.5 and 5.7).

Both destroy backups. A vault is gone when reading it fails; a resource when its vault does not show it any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError, Violation
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.deletion import DELETED
from airflow_provider_backup.cloud.operations.listing import BackupLists, one_read
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.services.cbr.conflicts import backup_in_progress
from airflow_provider_backup.cloud.services.cbr.models import Vault, VaultResourceView

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.cbr.backups import Backups
    from airflow_provider_backup.cloud.services.cbr.operation_logs import OperationLogs
    from airflow_provider_backup.cloud.services.cbr.vaults import Vaults

_FAILED = "error"
_NO_REASON = "the service gives no reason; its console may"


class VaultDeletionRequest(RequestModel):
    """A vault to delete.

    :param vault_id: the vault.
    :param delete_backups: whether the backups in it are deleted, too.
    """

    vault_id: Identifier
    delete_backups: bool = False


def deletion_of_vault(vault_id: str) -> OperationReference:
    """Return what the deletion of a vault is observed by.

    :param vault_id: the vault.
    """
    return OperationReference("cbr", vault_id, "vault", operation=VaultDeletion.name)


def removal_from_vault(vault_id: str, resources: Sequence[VaultResourceView]) -> OperationReference:
    """Return what the removal of resources from a vault is observed by.

    :param vault_id: the vault.
    :param resources: the resources as they were before their removal, one or more.
    """
    return replace(
        deletion_of_vault(vault_id),
        parts=tuple(resource.id for resource in resources),
        failed_before=tuple(resource.id for resource in resources if resource.protect_status == _FAILED),
    )


async def refuse_to_delete_backups(backups: Backups, vault: Vault) -> None:
    """Refuse to delete a vault that has backups.

    :param backups: the backups of the project.
    :param vault: the vault.
    :raises InvalidRequestError: there is a backup in it.
    """
    async for _ in backups.list(vault_id=vault.id, limit=1):
        rule = f"must be True: the vault {vault.name!r} ({vault.id}) has backups, which are deleted along with it"
        raise InvalidRequestError("Deletion of a CBR vault", [Violation("delete_backups", rule, False)])


class VaultDeletion:
    """Delete a vault with all its backups.

    :param vaults: the vaults of the project.
    :param backups: the backups in them.
    :param logs: tell why the removal of a resource failed.
    """

    name: ClassVar[str] = "vault_deletion"
    # The id of a vault is never used again: a second request cannot delete another one.
    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False, is_destructive=True, is_idempotent=True)

    def __init__(self, vaults: Vaults, backups: Backups, logs: OperationLogs) -> None:
        self._vaults = vaults
        self._backups = backups
        self._logs = logs
        self._before: OperationState | None = None
        # The list of vaults repeats all their resources: a single read is cheaper.
        self.lists = BackupLists(reads=one_read)

    def subject(self, request: VaultDeletionRequest) -> str:
        """Return which vault is deleted."""
        return f"vault_id {request.vault_id}"

    def name_in(self, request: VaultDeletionRequest) -> str | None:
        """Return ``None``: a deletion carries no name."""
        return None

    async def prepare(self, request: VaultDeletionRequest) -> None:
        """Read the vault; it is :attr:`before` from then on.

        :param request: the vault.
        :raises NotFoundError: there is no such vault.
        :raises InvalidRequestError: it has backups that the request does not want to be deleted.
        """
        vault = await self._vaults.get(request.vault_id)
        if not request.delete_backups:
            await refuse_to_delete_backups(self._backups, vault)
        is_failed = vault.billing.status == _FAILED
        self._before = _state(
            replace(deletion_of_vault(vault.id), operation="backup", was_failed=is_failed),
            vault,
            Phase.DELETING if vault.billing.status == "deleting" else Phase.SUCCEEDED,
        )

    @property
    def before(self) -> OperationState:
        """How the vault stood before its deletion was submitted; known after :meth:`prepare`."""
        if self._before is None:
            raise AssertionError("prepare comes first")
        return self._before

    def reference_to(self, before: OperationState) -> OperationReference:
        """Return the reference of the deletion of a vault."""
        return replace(before.reference, operation=self.name)

    async def submit(self, request: VaultDeletionRequest) -> OperationReference:
        """Submit the deletion.

        :param request: the vault.
        :raises NotFoundError: there is no such vault (any more).
        :raises ResourceBusyError: a backup is being made.
        """
        await self._vaults.delete(request.vault_id)
        return self.reference_to(self.before)

    async def find(
        self,
        request: VaultDeletionRequest,
        *,
        since: datetime | None = None,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return the deletion that is under way; ``None`` if the vault does not show one.

        :param request: the vault.
        """
        return self.reference_to(self.before) if self.before.phase is Phase.DELETING else None

    async def find_running(self, request: VaultDeletionRequest) -> OperationReference | None:
        """Return the deletion that is under way, see :meth:`find`."""
        return await self.find(request)

    async def find_conflict(self, request: VaultDeletionRequest) -> OperationReference | None:
        """Look for a backup in the vault that is being made."""
        return await backup_in_progress(self._backups, vault_id=request.vault_id)

    async def is_running(self, reference: OperationReference) -> bool:
        """Return whether the vault shows that it is being deleted.

        :param reference: of a deletion.
        """
        return self.before.phase is Phase.DELETING

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the vault once.

        :param reference: from :func:`deletion_of_vault` or :func:`removal_from_vault`. That of the returned state lacks
            the resources that are gone.
        """
        try:
            vault = await self._vaults.get(reference.backup_id)
        except NotFoundError:
            return OperationState(reference, DELETED, Phase.SUCCEEDED)
        if reference.parts:
            return await self._removal(reference, vault)
        has_failed = vault.billing.status == _FAILED and not reference.was_failed
        return _state(reference, vault, Phase.FAILED if has_failed else Phase.IN_PROGRESS)

    async def _removal(self, reference: OperationReference, vault: Vault) -> OperationState:
        left = [resource for resource in vault.resources if resource.id in reference.parts]
        if not left:
            return OperationState(reference, DELETED, Phase.SUCCEEDED, name=vault.name)
        failed = [each.id for each in left if each.protect_status == _FAILED and each.id not in reference.failed_before]
        # A failed status that follows the removal is that of the removal.
        before = tuple(each.id for each in left if each.protect_status == _FAILED and each.id not in failed)
        reference = replace(reference, parts=tuple(each.id for each in left), failed_before=before)
        if len(failed) < len(left):
            return OperationState(reference, f"removing {len(left)}", Phase.IN_PROGRESS, name=vault.name)
        return OperationState(
            reference, _FAILED, Phase.FAILED, name=vault.name, reason=await self._reason(vault), resource_ids=(*failed,)
        )

    async def _reason(self, vault: Vault) -> str:
        async for entry in self._logs.list(
            vault_id=vault.id, operation_type="remove_resource", status="failed", limit=1
        ):
            return entry.error_info.message or _NO_REASON
        return _NO_REASON


def _state(reference: OperationReference, vault: Vault, phase: Phase) -> OperationState:
    return OperationState(
        reference,
        vault.billing.status or "available",
        phase,
        name=vault.name,
        reason=_NO_REASON if phase is Phase.FAILED else None,
        resource_ids=tuple(resource.id for resource in vault.resources),
    )

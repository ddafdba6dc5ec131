"""Vaults with CBR: described, read and deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import conf

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.deletion import target_of
from airflow_provider_backup.cloud.operations.described_state import AppliedResult, Difference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.cbr.applied_vault import (
    change_vault,
    create_vault,
    read_vault,
    vaults_named,
)
from airflow_provider_backup.cloud.services.cbr.described_vault import (
    VaultDescription,
    conflicts,
    described_fields,
    undescribed_resources,
)
from airflow_provider_backup.cloud.services.cbr.models import VaultQuery
from airflow_provider_backup.cloud.services.cbr.vault_deletion import (
    VaultDeletion,
    VaultDeletionRequest,
    deletion_of_vault,
    refuse_to_delete_backups,
)
from airflow_provider_backup.cloud.services.cbr.vault_results import VaultResult, vault_result
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.exceptions import BackupFailedError, BackupTimeoutError, VaultMissingError
from airflow_provider_backup.operators.apply import ApplyNamedOperator
from airflow_provider_backup.operators.base import BackupCloudOperator, check_ids, in_seconds, listed
from airflow_provider_backup.operators.deletion import DeletionOperator
from airflow_provider_backup.tasks.deferral import OperatorWaitMixin, wait_plan
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from airflow_provider_backup.version_compat import own_xcom

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.cbr.applied_vault import FoundVault


class CbrVaultArguments(BackupCloudOperator):
    """The arguments that describe a vault (CBR section 5); those that are ``None`` leave their part as it is.

    :param name: 1 to 64 letters, digits, ``_`` or ``-`` (templated).
    :param size: GB, 10 to 10,485,760, and never less than the backups in the vault take (templated). A vault that
        expands by itself may be larger.
    :param object_type: what the vault holds: ``server``, ``disk``, ``turbo`` and others; fixed at the creation
        (templated).
    :param protect_type: ``backup``, or ``replication`` for a vault that receives copies; fixed at the creation
        (templated). ``None`` creates one for backups.
    :param consistent_level: ``crash_consistent`` or ``app_consistent`` (templated). ``None`` creates a vault with
        ``crash_consistent``.
    :param charging_mode: ``post_paid``: a subscription is an order with a bill, and is placed in the provider's console
        (templated).
    :param description: 0 to 64 characters without ``<`` and ``>``; fixed at the creation (templated).
    :param backup_name_prefix: beginning of the names of automatic backups, 0 to 32 characters; fixed at the creation
        (templated).
    :param enterprise_project_id: ``0`` for the default one; fixed at the creation (templated).
    :param tags: all tags of the vault, at most 20 (10 on Huawei Cloud): others are taken off (templated).
    :param auto_bind: whether the vault takes in resources by itself (templated).
    :param bind_rules: tags of the resources that it takes in, 1 to 5 (templated).
    :param auto_expand: whether it grows when it is full (templated).
    :param smn_notify: whether a message is sent when ``threshold`` is reached (templated).
    :param threshold: used part in per cent, 1 to 100 (templated).
    :param locked: whether the automatic backups are protected from deletion, which **can never be undone** (templated).
    :param irreversible: must be ``True`` with ``locked=True``.
    :param resource_ids: ids of the resources in the vault, at most 256 together with ``resource_details``; what is
        missing is added (templated). What neither of the two names is left in, unless ``delete_backups`` is set.
    :param resource_details: further resources with types, each ``{"id": ..., "type": ...}``, and where wanted ``name``
        and ``extra_info``, which says which disks of a server are backed up (templated).
    :param backup_policy_id: id of the backup policy that the vault is bound to, an empty text for none (templated).
    :param replication_policy_id: likewise for the replication policy; with ``destination_vault_id`` (templated).
    :param destination_vault_id: id of the vault that receives the copies (templated).
    :param delete_backups: whether resources that are not described are removed. The removal **destroys all
        backups of a resource in the vault**. With ``state="absent"``: whether a vault that has backups is deleted.
    """

    described: Sequence[str] = tuple(VaultDescription.model_fields)
    template_fields: Sequence[str] = (
        *BackupCloudOperator.template_fields,
        *(name for name in VaultDescription.model_fields if name not in ("irreversible", "delete_backups")),
    )

    def __init__(
        self,
        *,
        name: str | None = None,
        size: int | None = None,
        object_type: str | None = None,
        protect_type: str | None = None,
        consistent_level: str | None = None,
        charging_mode: str | None = None,
        description: str | None = None,
        backup_name_prefix: str | None = None,
        enterprise_project_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        auto_bind: bool | None = None,
        bind_rules: Mapping[str, str] | None = None,
        auto_expand: bool | None = None,
        smn_notify: bool | None = None,
        threshold: int | None = None,
        locked: bool | None = None,
        irreversible: bool = False,
        resource_ids: Sequence[str] | None = None,
        resource_details: Sequence[Mapping[str, Any]] | None = None,
        backup_policy_id: str | None = None,
        replication_policy_id: str | None = None,
        destination_vault_id: str | None = None,
        delete_backups: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.size = size
        self.object_type = object_type
        self.protect_type = protect_type
        self.consistent_level = consistent_level
        self.charging_mode = charging_mode
        self.description = description
        self.backup_name_prefix = backup_name_prefix
        self.enterprise_project_id = enterprise_project_id
        self.tags = tags
        self.auto_bind = auto_bind
        self.bind_rules = bind_rules
        self.auto_expand = auto_expand
        self.smn_notify = smn_notify
        self.threshold = threshold
        self.locked = locked
        self.irreversible = irreversible
        self.resource_ids = resource_ids
        self.resource_details = resource_details
        self.backup_policy_id = backup_policy_id
        self.replication_policy_id = replication_policy_id
        self.destination_vault_id = destination_vault_id
        self.delete_backups = delete_backups

    def vault_description(self, *, is_complete: bool) -> VaultDescription:
        """Build the description from the arguments.

        :param is_complete: whether a vault may have to be created from it.
        :raises InvalidRequestError: a documented rule is broken, or arguments do not go together.
        """
        values = {name: listed(getattr(self, name)) for name in self.described}
        rule = "must be given, unless the vault is named by vault_id: without one of this name it is created"
        needed = ("size", "object_type") if is_complete else ()
        wrong = [Violation(name, rule, None) for name in needed if values[name] is None]
        try:
            description = validated(VaultDescription, "CBR vault", values)
        except InvalidRequestError as error:
            # A template elsewhere hides nothing that is wrong already.
            raise InvalidRequestError("CBR vault", [*wrong, *error.violations, *conflicts(values)]) from None
        if wrong := [*wrong, *conflicts(description.model_dump())]:
            raise InvalidRequestError("CBR vault", wrong)
        return description


class CbrApplyVaultOperator(CbrVaultArguments, OperatorWaitMixin, ApplyNamedOperator["FoundVault"]):
    """Bring a vault to the described state: create it, change only what differs, or do nothing (CBR section 5).

    Resources are added freely. They are removed only with ``delete_backups=True``, because the removal destroys their
    backups; the task waits until they are gone. A vault never becomes smaller than what its backups take. The arguments
    of the vault are described at :class:`CbrVaultArguments`.

    :param vault_id: id of the vault, which must exist; ``name`` becomes its name (templated). ``None``: the vault is
        found by ``name``, and created if there is none; then ``size`` and ``object_type`` must be given.
    :param state: ``present``, or ``absent`` to delete the vault; if there are backups in it, with
        ``delete_backups=True`` only.
    :param dry_run: whether to read, log and return what differs, and to send nothing that changes anything.
    :param wait_for_completion: whether the task waits until what is removed is gone; otherwise it ends after the
        request.
    :param deferrable: whether to wait in the triggerer; ``None`` follows ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0, counted from the start of each try. The removal
        continues in the cloud after it.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    """

    template_fields: Sequence[str] = (*CbrVaultArguments.template_fields, "vault_id")
    service_name = "cbr"
    kind = "vault"
    title = "CBR vault"
    id_argument = "vault_id"
    timeout_error = BackupTimeoutError
    waits_for = VaultDeletion.name
    next_step_after_timeout = "Give it more time (timeout); the removal continues in the cloud, and a retry awaits it."

    def __init__(
        self,
        *,
        vault_id: str | None = None,
        wait_for_completion: bool = True,
        deferrable: bool | None = None,
        poll_interval: float | timedelta = 10.0,
        timeout: float | timedelta = 60 * 60,
        tolerance: float | timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vault_id = vault_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable
        self.poll_interval = in_seconds(self.task_id, "poll_interval", poll_interval)
        self.timeout = in_seconds(self.task_id, "timeout", timeout)
        self.tolerance = None if tolerance is None else in_seconds(self.task_id, "tolerance", tolerance)
        self._removal: OperationReference | None = None

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        if self.state == "present":
            self.check_while_parsing(self._description)

    def identity(self, found: FoundVault | None) -> tuple[str | None, str | None]:
        """Return id and name of the vault."""
        return (self.vault_id, self.name) if found is None else (found.vault.id, found.vault.name)

    async def read(self, cloud: BackupCloud, identifier: str) -> FoundVault:
        """Read the vault with this id."""
        return await read_vault(cloud.cbr, identifier)

    def listed_by_name(self, cloud: BackupCloud, name: str) -> AsyncIterator[FoundVault]:
        """Read the vaults of this name."""
        return vaults_named(cloud.cbr, name)

    def held(self, found: FoundVault) -> dict[str, Any]:
        """Return the state of the vault; a removal that an earlier run requested is waited for."""
        self._removal = found.removal
        return found.fields

    def wanted(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Return the described state."""
        description = self._description()
        fields = described_fields(description, held)
        left_in = [] if description.delete_backups else undescribed_resources(description, held)
        if left_in:
            self.log.warning(
                "%d resources are not described and stay in the vault, as delete_backups is not set: %s",
                len(left_in),
                one_line(", ".join(left_in)),
            )
        return fields

    async def create(self, cloud: BackupCloud) -> FoundVault:
        """Create the vault."""
        return await create_vault(cloud.cbr, self._description())

    async def change(self, cloud: BackupCloud, found: FoundVault, plan: Sequence[Difference]) -> None:
        """Change what differs."""
        changes = {each["field"]: each["to"] for each in plan}
        removal = await change_vault(cloud.cbr, self._description(), found, changes)
        self._removal = removal or found.removal

    async def delete(self, cloud: BackupCloud, found: FoundVault) -> None:
        """Delete the vault.

        :raises InvalidRequestError: there are backups in it, and ``delete_backups`` is not set.
        """
        if not self.delete_backups:
            await refuse_to_delete_backups(cloud.cbr.backups, found.vault)
        await cloud.cbr.vaults.delete(found.vault.id)
        self._removal = deletion_of_vault(found.vault.id)

    def perform(self, context: Any) -> AppliedResult:
        """Compare, change what differs, and wait until what is removed is gone.

        :return: see :class:`~airflow_provider_backup.cloud.operations.described_state.AppliedResult`.
        :raises InvalidArgumentError: a documented rule is broken; nothing was sent that changes anything.
        :raises AmbiguousNameError: several vaults have the name.
        :raises BackupFailedError: a removal failed.
        :raises BackupTimeoutError: what is removed is still there after ``timeout``.
        """
        deadline = current_clock().time() + self.timeout
        self._removal = None
        result: AppliedResult = super().perform(context)
        # Finding and changing the vault have set it.
        removal = cast("OperationReference | None", self._removal)
        if removal is None or self.is_dry_run or not self.wait_for_completion:
            return result
        seen = self.act(lambda cloud: self.look(cloud, removal, is_new=True))
        wait = wait_plan(seen.reference, self.poll_interval, deadline, tolerance=self.tolerance)
        # For the result after a deferral; not for the trigger.
        wait["result"] = result
        ended: AppliedResult = self.wait(context, wait, seen)
        return ended

    def succeeded(self, context: Any, result: dict[str, Any]) -> AppliedResult:
        """Return what was changed, now that the trigger reported that what is removed is gone.

        :param context: the context of the task.
        :param result: how the removal was last observed.
        """
        wait = own_xcom(context["ti"], WAIT_XCOM)
        if not isinstance(wait, dict) or "result" not in wait:
            raise BackupError(
                "What was to be removed is gone, but the XCom that holds what was changed was deleted.",
                next_step="Nothing has to be done; the log of this task names the changes.",
            )
        ended: AppliedResult = wait["result"]
        return ended

    def finish(self, plan: dict[str, Any], observation: OperationState) -> AppliedResult:
        """Return what was changed.

        :param plan: the wait, from ``wait_plan``.
        :param observation: the terminal state of the removal.
        :raises BackupFailedError: the removal failed.
        """
        if observation.phase is not Phase.SUCCEEDED:
            raise BackupFailedError(
                observation, next_step="Check it in the cloud; a retry, or clearing the task, requests it again."
            )
        ended: AppliedResult = plan["result"]
        return ended

    def _description(self) -> VaultDescription:
        return self.vault_description(is_complete=self.vault_id is None)


class CbrGetVaultOperator(BackupCloudOperator):
    """Read a vault with the policies that it is bound to: ``GET /v3/{project_id}/vaults/{vault_id}`` (CBR section 5.2).

    :param vault_id: id of the vault (templated).
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, "vault_id")

    def __init__(self, *, vault_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vault_id = vault_id

    def check_arguments(self) -> None:
        """Reject an id that is no text or empty."""
        super().check_arguments()
        check_ids(self.task_id, vault_id=self.vault_id)

    def perform(self, context: Any) -> VaultResult:
        """Read the vault.

        :return: see :class:`~airflow_provider_backup.cloud.services.cbr.vault_results.VaultResult`.
        :raises NotFoundError: there is no such vault.
        """
        self.built(lambda: check_ids(self.task_id, vault_id=self.vault_id))
        found = self.act(lambda cloud: read_vault(cloud.cbr, self.vault_id))
        return vault_result(found.vault, found.policies)


class CbrListVaultsOperator(BackupCloudOperator):
    """Read all vaults, or those that match: ``GET /v3/{project_id}/vaults`` (CBR section 5.3).

    The policies of all vaults take one request more.

    :param name: the exact name; ``None`` for all (templated).
    :param object_type: what the vaults hold, such as ``server``; ``None`` for all (templated).
    :param protect_type: ``backup`` or ``replication``; ``None`` for both (templated).
    :param policy_id: vaults that are bound to this policy; ``None`` for all (templated).
    :param resource_ids: vaults that have one of these resources; ``None`` for all (templated).
    """

    filters: Sequence[str] = ("name", "object_type", "protect_type", "policy_id", "resource_ids")
    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, *filters)

    def __init__(
        self,
        *,
        name: str | None = None,
        object_type: str | None = None,
        protect_type: str | None = None,
        policy_id: str | None = None,
        resource_ids: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.object_type = object_type
        self.protect_type = protect_type
        self.policy_id = policy_id
        self.resource_ids = resource_ids

    def check_arguments(self) -> None:
        """Reject filters that the service does not know.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        self.check_while_parsing(self._query)

    def perform(self, context: Any) -> list[VaultResult]:
        """Read the vaults.

        :return: a :class:`~airflow_provider_backup.cloud.services.cbr.vault_results.VaultResult` for each.
        """
        query = self.built(self._query)
        return self.act(lambda cloud: self._read(cloud, query))

    def _query(self) -> VaultQuery:
        values = {name: listed(getattr(self, name)) for name in self.filters}
        if (ids := values["resource_ids"]) is not None:
            if not isinstance(ids, list) or not ids or not all(isinstance(each, str) and each for each in ids):
                rule = "must be a list of one id or more"
                raise InvalidRequestError("CBR vault list", [Violation("resource_ids", rule, ids)])
            values["resource_ids"] = ",".join(ids)
        return validated(VaultQuery, "CBR vault list", values)

    async def _read(self, cloud: BackupCloud, query: VaultQuery) -> list[VaultResult]:
        vaults = [vault async for vault in cloud.cbr.vaults.list(**query.to_wire())]
        policies = [policy async for policy in cloud.cbr.policies.list()] if vaults else []
        return [vault_result(vault, policies) for vault in vaults]


class CbrDeleteVaultOperator(DeletionOperator):
    """Delete a vault **with every backup in it**, and wait until it is gone (CBR section 5.5).

    The vault is read before, and nothing is sent if it has backups, unless ``delete_backups`` is set. The other
    arguments are those of :class:`~airflow_provider_backup.operators.deletion.DeletionOperator`.

    :param vault_id: id of the vault (templated).
    :param delete_backups: whether a vault that has backups is deleted.
    """

    template_fields: Sequence[str] = (*DeletionOperator.template_fields, "vault_id")
    waits_for = VaultDeletion.name
    missing_error = VaultMissingError

    def __init__(self, *, vault_id: str, delete_backups: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vault_id = vault_id
        self.delete_backups = delete_backups

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: an id is empty or missing, whatever the templates become.
        """
        super().check_arguments()
        self.check_while_parsing(self.request)

    def target(self) -> OperationReference:
        """Return the vault that the arguments name."""
        return target_of(deletion_of_vault(self.vault_id))

    def request(self) -> VaultDeletionRequest:
        """Build the request of the deletion from the arguments."""
        values = {"vault_id": self.vault_id, "delete_backups": self.delete_backups}
        return validated(VaultDeletionRequest, "Deletion of a CBR vault", values)

    def operation_of(self, cloud: BackupCloud) -> VaultDeletion:
        """Return the deletion of a vault."""
        return cloud.cbr.vault_deletion

    def names_of(self, before: OperationState) -> tuple[str, ...]:
        """Return the vault with its name."""
        return (f"{before.reference} {before.name!r}",)

    def result_of(self, target: OperationReference) -> dict[str, Any]:
        """Return service and vault."""
        return {"service": target.service, "vault_id": target.backup_id}

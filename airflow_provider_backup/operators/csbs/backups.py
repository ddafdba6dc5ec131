"""Backups of servers with CSBS, of one or by a policy: taken, found, restored and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.csbs.models import CheckpointCreate, Protection
from airflow_provider_backup.cloud.services.csbs.operations import (
    CsbsBackupOperation,
    CsbsServerBackupOperation,
    ServerBackup,
)
from airflow_provider_backup.cloud.services.csbs.restores import CsbsRestoreOperation, CsbsRestoreRequest, RestoreTarget
from airflow_provider_backup.operators.base import check_ids, key_value_pairs, listed
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.delete_backup import CheckpointDeleteBackupOperator
from airflow_provider_backup.operators.latest_backup import GetLatestBackupOperator
from airflow_provider_backup.operators.prune_backups import PruneBackupsOperator
from airflow_provider_backup.operators.restore_backup import RestoreBackupOperator
from airflow_provider_backup.tasks.freshness_targets import ServerFreshness
from airflow_provider_backup.tasks.reference_arguments import CheckpointReferenceMixin

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class CsbsExecutePolicyOperator(CreateBackupOperator):
    """Execute a backup policy now: ``POST /v1/{project_id}/providers/{provider_id}/checkpoints`` (CSBS section 4.2).

    The task succeeds when the checkpoint is available. The request carries no name: a retry finds its checkpoint by the
    recorded id (Airflow 3.3 and later), otherwise by policy, servers and time. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.create_backup.CreateBackupOperator`.

    :param policy_id: id of the policy; its schedule may be disabled (templated).
    :param server_ids: some of the policy's servers; ``None`` for all, which are read from the policy (templated).
    :param auto_trigger: whether the backup counts as a scheduled one, which the policy's retention removes
        (templated).
    :param fail_on_skipped: whether a checkpoint without some of the servers counts as failed.
    """

    operation = CsbsBackupOperation

    template_fields: Sequence[str] = (
        *CreateBackupOperator.template_fields,
        "policy_id",
        "server_ids",
        "auto_trigger",
    )

    def __init__(
        self,
        *,
        policy_id: str,
        server_ids: Sequence[str] | None = None,
        auto_trigger: bool = False,
        fail_on_skipped: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fail_on_skipped = fail_on_skipped
        self.policy_id = policy_id
        self.server_ids = server_ids
        self.auto_trigger = auto_trigger

    def request(self, name: str) -> CheckpointCreate:
        """Build the request; it carries no name."""
        parameters = {"auto_trigger": self.auto_trigger, "resources": listed(self.server_ids)}
        return validated(
            CheckpointCreate, "CSBS policy execution", {"plan_id": self.policy_id, "parameters": parameters}
        )

    def operation_of(self, cloud: BackupCloud) -> CsbsBackupOperation:
        """Return the execution of a policy."""
        return CsbsBackupOperation(cloud.csbs)


class CsbsCreateBackupOperator(CreateBackupOperator):
    """Back up one server without a policy (CSBS section 4.1).

    Sends ``POST /v1/{project_id}/providers/{provider_id}/resources/{server_id}/action``. The task succeeds when the
    backup is available. No retention of a policy removes it: it stays until it is deleted, see
    :class:`CsbsPruneBackupsOperator`. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.create_backup.CreateBackupOperator`.

    :param server_id: id of the server (templated).
    :param name: name of the backup, 1 to 255 letters, digits, ``_`` or ``-`` (templated). ``None``: generated from DAG,
        task and a key of the task instance.
    :param description: at most 255 characters without ``<`` and ``>`` (templated).
    :param incremental: ``False`` for a full backup; ``None`` leaves it to the service; the first backup of a server is
        full in any case (templated).
    :param tags: at most 10 labels (templated).
    """

    operation = CsbsServerBackupOperation

    template_fields: Sequence[str] = (
        *CreateBackupOperator.template_fields,
        "server_id",
        "name",
        "description",
        "incremental",
        "tags",
    )

    def __init__(
        self,
        *,
        server_id: str,
        name: str | None = None,
        description: str | None = None,
        incremental: bool | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.server_id = server_id
        self.name = name
        self.description = description
        self.incremental = incremental
        self.tags = tags

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        check_ids(self.task_id, server_id=self.server_id)
        super().check_arguments()

    def request(self, name: str) -> ServerBackup:
        """Build the request."""
        check_ids(self.task_id, server_id=self.server_id)
        values = {
            "backup_name": name,
            "description": self.description,
            "incremental": self.incremental,
            "tags": key_value_pairs(self.tags),
        }
        return ServerBackup(self.server_id, validated(Protection, "CSBS backup", values))

    def operation_of(self, cloud: BackupCloud) -> CsbsServerBackupOperation:
        """Return the backup of a server."""
        return CsbsServerBackupOperation(cloud.csbs)


class CsbsDeleteBackupOperator(CheckpointDeleteBackupOperator):
    """Delete a checkpoint with all its backups, or one backup in it (CSBS section 6.3).

    The arguments are those of :class:`~airflow_provider_backup.operators.delete_backup.CheckpointDeleteBackupOperator`.
    """

    service_name = "csbs"


class CsbsRestoreBackupOperator(CheckpointReferenceMixin, RestoreBackupOperator):
    """Overwrite a server with a backup: ``POST /v1/{project_id}/restores`` (CSBS section 6.4).

    Before, the service is asked whether the backup can be restored to the server (``check_restorable``, CSBS section
    4.4). The service shows no restores: this one has succeeded when its backup is available and has changed since the
    submission. A retry can adopt a restore only by the record of Airflow 3.3 and later. The other arguments are those
    of :class:`~airflow_provider_backup.operators.restore_backup.RestoreBackupOperator`.

    :param checkpoint_id: id of a checkpoint, whose backup of the server is restored. Mutually exclusive with
        ``backup_id`` (templated).
    :param server_id: id of the server to overwrite; ``None`` for the one that was backed up (templated). Another one
        needs ``mappings``.
    :param mappings: the disks to overwrite: keys are ids of the disks that were backed up, or of their backups, values
        are ids of disks of the server (templated). Every disk that was backed up must be named. ``None`` overwrites
        the disks that were backed up.
    :param power_on: whether the server is started afterwards; ``None`` means ``True`` (templated).
    """

    target_fields = ("server_id", "mappings", "power_on")
    template_fields: Sequence[str] = (*RestoreBackupOperator.template_fields, "checkpoint_id", *target_fields)
    service_name = "csbs"
    operation = CsbsRestoreOperation

    def __init__(
        self,
        *,
        checkpoint_id: str | None = None,
        server_id: str | None = None,
        mappings: Mapping[str, str] | None = None,
        power_on: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.checkpoint_id = checkpoint_id
        self.server_id = server_id
        self.mappings = mappings
        self.power_on = power_on

    def target(self) -> RestoreTarget:
        """Build what is overwritten."""
        power_on = True if self.power_on is None else self.power_on
        values = {"server_id": self.server_id, "mappings": self.mappings, "power_on": power_on}
        return validated(RestoreTarget, "CSBS restore", values)

    def request(self, name: str) -> CsbsRestoreRequest:
        """Build the request."""
        return CsbsRestoreRequest(self.reference(), self.target())

    def operation_of(self, cloud: BackupCloud) -> CsbsRestoreOperation:
        """Return the restore of a backup."""
        return cloud.csbs.restores


class CsbsGetLatestBackupOperator(ServerFreshness, GetLatestBackupOperator):
    """Return the newest good backup of a server, or of each of several (CSBS section 5).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.ServerFreshness` and
    :class:`~airflow_provider_backup.operators.latest_backup.GetLatestBackupOperator`.
    """

    template_fields: Sequence[str] = (*GetLatestBackupOperator.template_fields, *ServerFreshness.target_fields)
    service_name = "csbs"


class CsbsPruneBackupsOperator(PruneBackupsOperator):
    """Delete the backups of servers that no rule keeps (CSBS section 6.3).

    A backup that an execution of a policy takes carries no name that tells the DAG: the scope ``dag`` is about those of
    :class:`CsbsCreateBackupOperator` only.

    The other arguments are those of :class:`~airflow_provider_backup.operators.prune_backups.PruneBackupsOperator`.

    :param server_ids: ids of one server or more (templated).
    """

    template_fields: Sequence[str] = (*PruneBackupsOperator.template_fields, "server_ids")
    service_name = "csbs"
    targets_argument = "server_ids"

    def __init__(self, *, server_ids: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.server_ids = server_ids

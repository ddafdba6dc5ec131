"""What is judged by the operator and the sensor of fresh backups of each kind of resource."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.freshness_question import FreshnessQuestion
from airflow_provider_backup.tasks.freshness_arguments import FreshnessArguments, is_id


class VaultResourceFreshness(FreshnessArguments):
    """Whether servers, disks and file systems have fresh backups.

    Give exactly one of ``resource_id``, ``resource_ids`` and ``vault_id``. The other arguments are those of
    :class:`~airflow_provider_backup.tasks.freshness_arguments.FreshnessArguments`.

    :param resource_id: id of the server, disk or file system (templated).
    :param resource_ids: ids of several of them (templated).
    :param vault_id: id of a vault: each of its resources, and only backups in it (templated).
    :param offsite: whether only backups count that have a good copy in another region, by their records (templated).
    :param copy_region: only backups count that have a good copy in this region, by their records; ``None`` for any
        (templated).
    """

    one = "resource_id"
    several = "resource_ids"
    groups = ("vault_id",)
    target_fields = ("resource_id", "resource_ids", "vault_id", "offsite", "copy_region")

    def __init__(
        self,
        *,
        resource_id: str | None = None,
        resource_ids: Sequence[str] | None = None,
        vault_id: str | None = None,
        offsite: bool | str = False,
        copy_region: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource_id = resource_id
        self.resource_ids = resource_ids
        self.vault_id = vault_id
        self.offsite = offsite
        self.copy_region = copy_region

    def question(self) -> FreshnessQuestion:
        """Build the question from the arguments.

        :raises InvalidRequestError: an argument is wrong, or not exactly one says what is judged.
        """
        asked = super().question()
        violations = []
        # A template results in a text.
        is_offsite = {"true": True, "false": False}.get(str(self.offsite).lower())
        if is_offsite is None:
            violations.append(Violation("offsite", "must be True or False", self.offsite))
        if self.copy_region is not None and not is_id(self.copy_region):
            violations.append(Violation("copy_region", "must be the name of a region and not empty", self.copy_region))
        if violations:
            raise InvalidRequestError("The search for a fresh backup", violations)
        copies: dict[str, Any] = {"offsite": True} if is_offsite else {}
        if self.copy_region is not None:
            copies["copy_region"] = self.copy_region
        return replace(asked, targets=asked.targets | copies)


class ServerFreshness(FreshnessArguments):
    """Whether servers have fresh backups.

    Give exactly one of ``server_id``, ``server_ids`` and ``policy_id``. The other arguments are those of
    :class:`~airflow_provider_backup.tasks.freshness_arguments.FreshnessArguments`.

    :param server_id: id of the server (templated).
    :param server_ids: ids of several servers (templated).
    :param policy_id: id of a policy: each of its servers, and only backups that it took (templated).
    """

    one = "server_id"
    several = "server_ids"
    groups = ("policy_id",)
    target_fields = ("server_id", "server_ids", "policy_id")

    def __init__(
        self,
        *,
        server_id: str | None = None,
        server_ids: Sequence[str] | None = None,
        policy_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.server_id = server_id
        self.server_ids = server_ids
        self.policy_id = policy_id


class VolumeFreshness(FreshnessArguments):
    """Whether disks have fresh backups.

    Give exactly one of ``volume_id`` and ``volume_ids``. The other arguments are those of
    :class:`~airflow_provider_backup.tasks.freshness_arguments.FreshnessArguments`.

    :param volume_id: id of the disk (templated).
    :param volume_ids: ids of several disks (templated).
    """

    one = "volume_id"
    several = "volume_ids"
    target_fields = ("volume_id", "volume_ids")

    def __init__(
        self,
        *,
        volume_id: str | None = None,
        volume_ids: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.volume_id = volume_id
        self.volume_ids = volume_ids


class DatabaseFreshness(FreshnessArguments):
    """Whether database instances have fresh backups.

    Give exactly one of ``instance_id`` and ``instance_ids``. The other arguments are those of
    :class:`~airflow_provider_backup.tasks.freshness_arguments.FreshnessArguments`.

    :param instance_id: id of the instance (templated).
    :param instance_ids: ids of several instances; RDS has one list for each (templated).
    """

    one = "instance_id"
    several = "instance_ids"
    target_fields = ("instance_id", "instance_ids")

    def __init__(
        self,
        *,
        instance_id: str | None = None,
        instance_ids: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id
        self.instance_ids = instance_ids

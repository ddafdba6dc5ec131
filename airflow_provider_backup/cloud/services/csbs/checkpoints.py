"""Taking, deleting and restoring backups with CSBS: checkpoints (CSBS sections 4, 6.3 and 6.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_backup.cloud.schema.answers import parsed, row_id
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.csbs.models import (
    PROVIDER_ID,
    Checkpoint,
    CheckpointCreate,
    Protectability,
    ProtectableAnswer,
    ProtectableQuestion,
    Protection,
    RestorableAnswer,
    RestorableQuestion,
    RestoreCreate,
)


class Checkpoints:
    """``cloud.csbs.checkpoints``.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def execute_policy(
        self, policy_id: str, *, server_ids: Sequence[str] | None = None, auto_trigger: bool = False
    ) -> Checkpoint:
        """Back up the servers of a policy now, in one checkpoint; the answer comes at once, the backup continues.

        :param policy_id: id of the policy; its schedule may be off.
        :param server_ids: some of the policy's servers; ``None`` for all.
        :param auto_trigger: whether the backup counts as a scheduled one (then the policy's retention removes it).
        :raises InvalidRequestError: the list of servers is empty.
        :raises NotFoundError: there is no such policy.
        :raises ResourceBusyError: the policy is running already.
        """
        request = validated(
            CheckpointCreate,
            "CSBS policy execution",
            {"plan_id": policy_id, "parameters": {"auto_trigger": auto_trigger, "resources": server_ids}},
        )
        body = await self._api.post("providers", PROVIDER_ID, "checkpoints", body={"checkpoint": request.to_wire()})
        return parsed(Checkpoint, body, "checkpoint")

    async def protect(self, server_id: str, protection: Protection | None = None) -> Checkpoint:
        """Back up one server now; the answer comes at once, the backup continues.

        :param server_id: id of the server.
        :param protection: name and kind of the backup; ``None`` leaves all to the service.
        :raises NotFoundError: there is no such server.
        :raises BadRequestError: the server cannot be backed up.
        """
        request = (protection or Protection()).to_wire()
        body = await self._api.post(
            "providers", PROVIDER_ID, "resources", server_id, "action", body={"protect": request}
        )
        return parsed(Checkpoint, body, "checkpoint")

    async def check_protectable(self, server_ids: Sequence[str]) -> list[Protectability]:
        """Ask which servers can be backed up now, and why others cannot.

        :param server_ids: ids of the servers.
        :return: one answer for each server.
        """
        questions = [
            ProtectableQuestion(resource_id=server_id, resource_type="OS::Nova::Server").to_wire()
            for server_id in server_ids
        ]
        body = await self._api.post(
            "providers", PROVIDER_ID, "resources", "action", body={"check_protectable": questions}, repeatable=True
        )
        return parsed(ProtectableAnswer, body).protectable

    async def check_restorable(self, questions: Sequence[RestorableQuestion]) -> list[Protectability]:
        """Ask which backups can be restored now, and why others cannot (CSBS section 4.4).

        :param questions: the backups, each with what would be overwritten.
        :return: one answer for each backup.
        """
        body = await self._api.post(
            "providers",
            PROVIDER_ID,
            "resources",
            "action",
            body={"check_restorable": [question.to_wire() for question in questions]},
            repeatable=True,
        )
        return parsed(RestorableAnswer, body).restorable

    async def restore(self, restore: RestoreCreate) -> str | None:
        """Start to overwrite a server with a backup (CSBS section 6.4). Each call restores once more.

        A restore cannot be stopped and not be undone.

        :param restore: what is restored, and what is overwritten.
        :return: id of the restore, which no documented call reads; ``None`` where the service names none.
        :raises NotFoundError: there is no such backup or server.
        :raises ResourceBusyError: the server or the backup is busy.
        :raises BadRequestError: the backup cannot be restored to this server.
        """
        answer = await self._api.post("restores", body={"restore": restore.to_wire()})
        return row_id(answer.get("restore") if isinstance(answer, Mapping) else None) or None

    async def delete(self, checkpoint_id: str, item_ids: Sequence[str] | None = None) -> None:
        """Start the deletion of a checkpoint's backups; it may take half an hour.

        :param checkpoint_id: id of the checkpoint.
        :param item_ids: ids of some of its backups; ``None`` for all.
        :raises NotFoundError: there is no such checkpoint or backup (any more).
        :raises ResourceBusyError: a backup is being made, restored or deleted.
        """
        query = {"checkpoint_items": ",".join(item_ids)} if item_ids else None
        await self._api.delete("providers", PROVIDER_ID, "checkpoints", checkpoint_id, query=query)

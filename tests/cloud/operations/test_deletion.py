"""The deletion of a backup as an operation: what is submitted, what is adopted, and how its outcome is read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import CloudConnectionError, InvalidRequestError, NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SingleBackup
from airflow_provider_backup.cloud.operations.deletion import Deletion, DeletionList, deletion_of, target_of
from airflow_provider_backup.cloud.operations.listing import BackupLists, one_read
from airflow_provider_backup.cloud.operations.operation import Operation
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from tests.cloud.polling.fake_service import Service

CHECKPOINT = OperationReference("cbr", "c", "checkpoint", expected_ids=("s1", "s2"))


class Backups:
    """A service with single backups, whose statuses a test sets."""

    name = "cbr"
    lists = BackupLists(reads=one_read)

    def __init__(self, **statuses: str) -> None:
        self.statuses = statuses
        self.looks: list[str] = []
        self.deleted: list[OperationReference] = []

    async def observe(self, reference: OperationReference) -> OperationState:
        self.looks.append(reference.backup_id)
        if reference.kind == "checkpoint":
            parts = tuple(SingleBackup(backup_id) for backup_id in self.statuses)
            status = next(iter(self.statuses.values()))
            return OperationState(reference, status, phase_of(status), parts=parts)
        if reference.backup_id not in self.statuses:
            raise NotFoundError(f"There is no backup {reference.backup_id}.")
        status = self.statuses[reference.backup_id]
        part = SingleBackup(reference.backup_id)
        return OperationState(reference, status, phase_of(status), reason="on fire", name="nightly", parts=(part,))

    observe_single = observe

    async def delete_backup(self, reference: OperationReference) -> None:
        self.deleted.append(reference)


def deletion(*parts: str, was_failed: bool = False) -> OperationReference:
    return replace(CHECKPOINT, operation="deletion", parts=parts, was_failed=was_failed)


def test_a_deletion_is_an_operation() -> None:
    operation: Operation[OperationReference] = Deletion(Backups())
    assert operation.name == "deletion"


def test_the_reference_of_a_deletion_survives_json() -> None:
    reference = deletion("b1", "b2", was_failed=True)
    assert OperationReference.from_dict(json.loads(json.dumps(reference.to_dict()))) == reference


def test_the_reference_of_a_backup_has_no_members_of_a_deletion() -> None:
    assert not {"operation", "parts", "was_failed"} & CHECKPOINT.to_dict().keys()


def test_the_reference_of_a_deletion_leads_back_to_the_backup() -> None:
    assert target_of(deletion("b1", was_failed=True)) == CHECKPOINT


def test_the_reference_of_a_deletion_reads_as_what_is_deleted() -> None:
    assert str(deletion("b1")) == "deletion of cbr checkpoint c"


async def test_the_deletion_of_a_checkpoint_names_its_backups() -> None:
    service = Backups(b1="available", b2="available")
    operation = Deletion(service)
    await operation.prepare(CHECKPOINT)
    assert await operation.submit(CHECKPOINT) == deletion("b1", "b2")
    assert service.deleted == [CHECKPOINT]


async def test_a_backup_that_failed_before_is_noted_in_the_reference() -> None:
    service = Backups(b1="error")
    assert deletion_of(await service.observe(CHECKPOINT)).was_failed


@pytest.mark.parametrize(("statuses", "adopts"), [(["deleting"], True), (["deleting", "available"], False)])
async def test_only_a_single_deletion_under_way_is_adopted(statuses: list[str], adopts: bool) -> None:
    operation = Deletion(Backups(**{f"b{number}": status for number, status in enumerate(statuses)}))
    await operation.prepare(CHECKPOINT)
    assert (await operation.find_running(CHECKPOINT) is not None) is adopts


async def test_a_backup_that_is_not_being_deleted_is_no_deletion_under_way() -> None:
    operation = Deletion(Backups(b1="available"))
    await operation.prepare(CHECKPOINT)
    assert await operation.find_running(CHECKPOINT) is None


@pytest.mark.parametrize("status", ["deleting", "waiting_delete", "available", "protecting"])
async def test_a_backup_that_is_still_there_is_a_deletion_in_progress(status: str) -> None:
    state = await Deletion(Backups(b1=status)).observe(deletion("b1"))
    assert (state.phase, state.status) == (Phase.IN_PROGRESS, status)


async def test_a_backup_that_is_not_found_is_a_successful_deletion() -> None:
    assert (await Deletion(Backups()).observe(deletion("b1"))).phase is Phase.SUCCEEDED


async def test_a_backup_whose_status_is_deleted_is_a_successful_deletion() -> None:
    assert (await Deletion(Backups(b1="deleted")).observe(deletion("b1"))).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("status", ["error", "error_deleting", "FAILED"])
async def test_a_backup_that_fails_while_it_is_deleted_is_a_failed_deletion(status: str) -> None:
    state = await Deletion(Backups(b1=status)).observe(deletion("b1"))
    assert (state.phase, state.reason) == (Phase.FAILED, "on fire")
    assert str(state) == f"deletion of cbr checkpoint c 'nightly' is {status} (failed)"


async def test_the_status_of_a_backup_that_had_failed_says_nothing_about_its_deletion() -> None:
    state = await Deletion(Backups(b1="error")).observe(deletion("b1", was_failed=True))
    assert (state.phase, state.reason) == (Phase.IN_PROGRESS, None)


async def test_a_failure_after_the_deletion_was_seen_to_run_is_that_of_the_deletion() -> None:
    service = Backups(b1="deleting")
    state = await Deletion(service).observe(deletion("b1", was_failed=True))
    service.statuses["b1"] = "error"
    assert (await Deletion(service).observe(state.reference)).phase is Phase.FAILED


async def test_the_deletion_of_one_backup_says_nothing_about_the_failed_status_of_another() -> None:
    service = Backups(b1="deleting", b2="error")
    state = await Deletion(service).observe(deletion("b1", "b2", was_failed=True))
    del service.statuses["b1"]
    assert (await Deletion(service).observe(state.reference)).phase is Phase.IN_PROGRESS


async def test_each_backup_of_a_checkpoint_is_read_until_it_is_gone_and_never_again() -> None:
    service = Backups(b2="deleting", b3="deleting")
    state = await Deletion(service).observe(deletion("b1", "b2", "b3"))
    assert (state.phase, state.reference.parts) == (Phase.IN_PROGRESS, ("b2", "b3"))
    del service.statuses["b2"], service.statuses["b3"]
    assert (await Deletion(service).observe(state.reference)).phase is Phase.SUCCEEDED
    assert service.looks == ["b1", "b2", "b2", "b3"]


async def test_an_error_about_something_else_says_nothing_about_the_deletion() -> None:
    class Unreachable(Backups):
        async def observe_single(self, reference: OperationReference) -> OperationState:
            raise CloudConnectionError("no answer", request_sent=True)

    with pytest.raises(CloudConnectionError):
        await Deletion(Unreachable()).observe(deletion("b1"))


async def test_a_reference_that_names_no_backup_is_never_taken_for_a_successful_deletion() -> None:
    with pytest.raises(InvalidRequestError, match="parts"):
        await Deletion(Backups()).observe(deletion())


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"status": "deleting"}, "deleting"),
        ({"status": "available"}, "available"),
        ({"status": "error_deleting"}, None),
        ({"status": "DELETED"}, None),
        ({"status": None}, None),
        ({"status": 7}, None),
        ({}, None),
    ],
)
def test_a_listed_backup_is_still_there_unless_it_failed(row: dict[str, Any], status: str | None) -> None:
    backups = Service().lists.recent
    assert backups is not None
    assert DeletionList(backups).running_status(row) == status


def test_a_deletion_is_found_in_lists_by_its_only_backup_and_by_the_checkpoint_of_several() -> None:
    backups = Service().lists.recent
    assert backups is not None
    listed = DeletionList(backups)
    assert (listed.key_of(deletion("b1")), listed.key_of(deletion("b1", "b2"))) == ("b1", "c")

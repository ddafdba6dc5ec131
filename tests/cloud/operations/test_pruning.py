"""Deletions of a prune: what a refusal, an outage or a lost answer means, and when all of them are over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    ApiError,
    ApiNotFoundError,
    ApiResourceBusyError,
    AuthenticationError,
    BackupError,
    BadRequestError,
    CloudConnectionError,
    ServerError,
)
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.pruning import DeletionOutcome, Pruning, delete_each, pruning_of
from airflow_provider_backup.cloud.operations.retention import StoredBackup
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.databases.batch_deletions import BatchDeletion
from airflow_provider_backup.cloud.services.databases.stored_backups import DatabaseStoredBackups

GOOD, FAILED, DELETING = Phase.SUCCEEDED, Phase.FAILED, Phase.DELETING
NOON = datetime(2031, 4, 2, 12, tzinfo=UTC)


def stored(backup_id: str, phase: Phase = GOOD, engine: str = "") -> StoredBackup:
    """Return a manual backup of ``r``."""
    state = OperationState(OperationReference("rds", backup_id, instance_id="r"), phase.name, phase, created_at=NOON)
    return StoredBackup("r", state, is_automatic=False, engine=engine)


def error(kind: type[ApiError] = BadRequestError) -> ApiError:
    """Return an answer of the service."""
    return kind(service="rds", status=400, code="X.1", detail="no way", request_id=None)


async def outcomes(found: AsyncIterator[DeletionOutcome]) -> dict[str, bool]:
    """Return which backups are deleted, by their ids."""
    return {each.backup.backup_id: each.refusal is None async for each in found}


class Deleting:
    """Deletes backups, some of which it refuses.

    :param refusals: what is raised, by id.
    """

    def __init__(self, **refusals: BackupError) -> None:
        self.refusals = refusals
        self.asked: list[str] = []

    async def __call__(self, backup: StoredBackup) -> None:
        self.asked.append(backup.backup_id)
        if refusal := self.refusals.get(backup.backup_id):
            raise refusal


@pytest.mark.parametrize("kind", [BadRequestError, ApiResourceBusyError])
async def test_one_refusal_does_not_stop_the_others(kind: type[ApiError]) -> None:
    deleting = Deleting(b=error(kind))

    found = await outcomes(delete_each([stored(each) for each in "abc"], deleting))

    assert found == {"a": True, "b": False, "c": True}


async def test_a_backup_that_is_gone_counts_as_deleted() -> None:
    assert await outcomes(delete_each([stored("a")], Deleting(a=error(ApiNotFoundError)))) == {"a": True}


@pytest.mark.parametrize(
    "trouble",
    [error(ServerError), error(AuthenticationError), CloudConnectionError("away", request_sent=True)],
    ids=repr,
)
async def test_an_outage_is_no_refusal_and_ends_the_deletions(trouble: BackupError) -> None:
    deleting = Deleting(b=trouble)

    with pytest.raises(type(trouble)):
        await outcomes(delete_each([stored(each) for each in "abc"], deleting))
    assert deleting.asked == ["a", "b"]


class Service:
    """A service with some backups, which counts what it is asked.

    :param backups: what its list shows.
    """

    name = "rds"

    def __init__(self, *backups: StoredBackup) -> None:
        self.backups = {each.backup_id: each for each in backups}
        self.asked: list[str] = []

    @property
    def stored_backups(self) -> Any:
        """Itself."""
        return self

    async def read(self, target_ids: Sequence[str]) -> list[StoredBackup]:
        """List the backups."""
        self.asked.append(f"list of {', '.join(target_ids)}")
        return list(self.backups.values())

    async def observe_single(self, reference: OperationReference) -> OperationState:
        """Read one."""
        self.asked.append(reference.backup_id)
        if reference.backup_id not in self.backups:
            raise error(ApiNotFoundError)
        return self.backups[reference.backup_id].state


def awaited(*backups: StoredBackup) -> OperationReference:
    """Return what the deletions of backups are waited for by, as it survives XCom."""
    return OperationReference.from_dict(pruning_of("rds", ["r"], backups).to_dict())


async def test_while_the_last_backup_is_there_only_that_one_is_read() -> None:
    service = Service(stored("a"), stored("b", DELETING))

    state = await Pruning(service).observe(awaited(stored("a"), stored("b")))

    assert state.phase is Phase.IN_PROGRESS
    assert service.asked == ["b"]


async def test_then_the_list_tells_what_is_left() -> None:
    service = Service(stored("other"), stored("b", DELETING))

    state = await Pruning(service).observe(awaited(stored("a"), stored("b"), stored("c")))

    assert state.phase is Phase.IN_PROGRESS
    assert state.reference.parts == ("b",)
    assert service.asked == ["c", "list of r"]


async def test_it_is_over_when_all_are_gone() -> None:
    state = await Pruning(Service(stored("other"))).observe(awaited(stored("a"), stored("b")))

    assert (state.phase, state.skipped) == (Phase.SUCCEEDED, ())


async def test_a_failed_deletion_does_not_end_the_wait_for_the_others_and_is_reported_in_the_end() -> None:
    service = Service(stored("b", DELETING), stored("c", FAILED))
    pruning = Pruning(service)
    state = await pruning.observe(awaited(stored("a"), stored("b"), stored("c")))
    assert state.phase is Phase.IN_PROGRESS
    del service.backups["b"]

    state = await pruning.observe(OperationReference.from_dict(state.reference.to_dict()))

    assert state.phase is Phase.SUCCEEDED
    assert [each["resource_id"] for each in state.skipped] == ["c"]


async def test_a_backup_that_had_failed_before_is_waited_for_until_it_is_gone() -> None:
    service = Service(stored("a", FAILED))

    state = await Pruning(service).observe(awaited(stored("a", FAILED)))

    assert state.phase is Phase.IN_PROGRESS


async def test_its_deletion_has_failed_when_it_fails_after_it_was_seen_to_be_deleted() -> None:
    service = Service(stored("a", DELETING), stored("b"))
    pruning = Pruning(service)
    del service.backups["b"]
    state = await pruning.observe(awaited(stored("a", FAILED), stored("b")))
    service.backups["a"] = stored("a", FAILED)

    state = await pruning.observe(state.reference)

    assert state.phase is Phase.SUCCEEDED
    assert [each["resource_id"] for each in state.skipped] == ["a"]


# Several at once


class Batch:
    """Deletes several backups with one request.

    :param answer: the refusals, or what is raised.
    """

    def __init__(self, answer: Mapping[str, ApiError] | BackupError) -> None:
        self.answer = answer
        self.asked: list[list[str]] = []

    async def __call__(self, backup_ids: Sequence[str]) -> Mapping[str, ApiError]:
        self.asked.append(list(backup_ids))
        if isinstance(self.answer, BackupError):
            raise self.answer
        return self.answer


def databases(service: Service, batch: Batch, deleting: Deleting, *engines: str) -> DatabaseStoredBackups:
    """Return the backups of a database service that can delete several at once."""

    async def delete(reference: OperationReference) -> None:
        await deleting(stored(reference.backup_id))

    return DatabaseStoredBackups(
        "rds",
        None,  # type: ignore[arg-type]
        delete,
        service.observe_single,
        lists_all_instances=True,
        batch=BatchDeletion(batch, frozenset(engines) if engines else None),
    )


async def test_fifty_are_deleted_with_one_request() -> None:
    backups = [stored(f"{number:03}") for number in range(101)]
    batch, deleting = Batch({}), Deleting()

    found = await outcomes(databases(Service(), batch, deleting).delete(backups))

    assert [len(each) for each in batch.asked] == [50, 50, 1]
    assert all(found.values())
    assert deleting.asked == []


async def test_a_refusal_of_one_of_several_is_reported_for_that_one() -> None:
    backups = [stored("a"), stored("b")]

    found = await outcomes(databases(Service(*backups), Batch({"b": error()}), Deleting()).delete(backups))

    assert found == {"a": True, "b": False}


async def test_a_refusal_of_what_is_being_deleted_already_does_not_count() -> None:
    backups = [stored("a"), stored("b")]
    service = Service(stored("b", DELETING))

    found = await outcomes(databases(service, Batch({"a": error(), "b": error()}), Deleting()).delete(backups))

    assert found == {"a": True, "b": True}


async def test_a_request_for_several_that_is_refused_as_a_whole_becomes_single_ones() -> None:
    deleting = Deleting(b=error())

    found = await outcomes(databases(Service(), Batch(error()), deleting).delete([stored("a"), stored("b")]))

    assert found == {"a": True, "b": False}


async def test_an_outage_does_not_become_single_requests() -> None:
    deleting = Deleting()

    with pytest.raises(ServerError):
        await outcomes(databases(Service(), Batch(error(ServerError)), deleting).delete([stored("a"), stored("b")]))
    assert deleting.asked == []


async def test_only_engines_that_allow_it_are_deleted_together() -> None:
    backups = [stored("a", engine="mysql"), *(stored(each, engine="sqlserver") for each in "bc")]
    batch, deleting = Batch({}), Deleting()

    await outcomes(databases(Service(), batch, deleting, "sqlserver").delete(backups))

    assert batch.asked == [["b", "c"]]
    assert deleting.asked == ["a"]


def test_a_reference_of_a_prune_survives_xcom() -> None:
    reference = pruning_of("rds", ["r"], [stored("a", FAILED), stored("b")])

    assert OperationReference.from_dict(reference.to_dict()) == reference
    assert reference.failed_before == ("a",)
    assert replace(reference, failed_before=()).to_dict().keys() < reference.to_dict().keys()

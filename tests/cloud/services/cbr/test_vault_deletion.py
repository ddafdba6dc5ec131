"""The deletion of a vault, and of resources in it, observed."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.cbr.models import VaultResourceView
from airflow_provider_backup.cloud.services.cbr.vault_deletion import deletion_of_vault, removal_from_vault

from .conftest import Recorder

GONE = (404, {"error_code": "BackupService.6105", "error_msg": "no"})


def answer(*resources: tuple[str, str], status: str = "available") -> tuple[int, Any]:
    rows = [{"id": identifier, "protect_status": protect_status} for identifier, protect_status in resources]
    return (200, {"vault": {"id": "v", "name": "app", "billing": {"status": status}, "resources": rows}})


def removal(*resources: tuple[str, str]) -> OperationReference:
    return removal_from_vault("v", [VaultResourceView(id=each, protect_status=status) for each, status in resources])


@pytest.mark.parametrize(
    ("status", "phase"), [("available", Phase.IN_PROGRESS), ("deleting", Phase.IN_PROGRESS), ("error", Phase.FAILED)]
)
async def test_a_vault_that_is_there_is_not_deleted_yet(recorder: Recorder, status: str, phase: Phase) -> None:
    recorder.answers = [answer(status=status)]
    assert (await recorder.cbr.vault_deletion.observe(deletion_of_vault("v"))).phase is phase


@pytest.mark.parametrize("reference", [deletion_of_vault("v"), removal(("s", "available"))])
async def test_a_vault_that_is_gone_has_nothing_left(recorder: Recorder, reference: OperationReference) -> None:
    recorder.answers = [GONE]
    assert (await recorder.cbr.vault_deletion.observe(reference)).phase is Phase.SUCCEEDED


async def test_a_removal_ends_when_its_resources_are_gone(recorder: Recorder) -> None:
    reference = removal(("a", "available"), ("b", "available"))
    recorder.answers = [answer(("a", "removing"), ("b", "removing")), answer(("b", "removing")), answer(("c", "error"))]
    phases = []
    for _ in range(3):
        state = await recorder.cbr.vault_deletion.observe(reference)
        reference = state.reference
        phases.append((state.phase, reference.parts))
    assert phases == [
        (Phase.IN_PROGRESS, ("a", "b")),
        (Phase.IN_PROGRESS, ("b",)),
        (Phase.SUCCEEDED, ("b",)),
    ]


async def test_a_removal_that_failed_names_the_reason(recorder: Recorder) -> None:
    log = {"id": "l", "vault_id": "v", "operation_type": "remove_resource", "error_info": {"message": "in use"}}
    recorder.answers = [answer(("a", "error")), (200, {"operation_logs": [log]})]
    state = await recorder.cbr.vault_deletion.observe(removal(("a", "available")))
    assert (state.phase, state.reason, state.resource_ids) == (Phase.FAILED, "in use", ("a",))


async def test_a_resource_that_had_failed_before_is_waited_for_until_its_removal_fails(recorder: Recorder) -> None:
    recorder.answers = [answer(("a", "error")), answer(("a", "removing")), answer(("a", "error")), (200, {})]
    reference = removal(("a", "error"))
    phases = []
    for _ in range(3):
        state = await recorder.cbr.vault_deletion.observe(reference)
        reference = OperationReference.from_dict(state.reference.to_dict())
        phases.append(state.phase)
    assert phases == [Phase.IN_PROGRESS, Phase.IN_PROGRESS, Phase.FAILED]


def test_a_reference_says_what_is_deleted() -> None:
    assert str(deletion_of_vault("v")) == "deletion of cbr vault v"
    assert str(removal(("a", "available"))) == "removal of 1 resources from cbr vault v"

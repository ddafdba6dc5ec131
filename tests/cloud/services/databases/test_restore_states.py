"""When the restore of a database instance counts as over: two kinds of evidence, or a bounded time.

See databases section 8.3.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from airflow_provider_backup.cloud.errors import NotListedError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.databases.models import Instance, Job
from airflow_provider_backup.cloud.services.databases.restore_states import NOT_BEGUN, RestoreObserver

NOW = datetime(2031, 4, 2, 9, tzinfo=UTC)


class _Clock:
    def now(self) -> datetime:
        return NOW


class _Known:
    """One object that a service knows; ``None`` for none."""

    def __init__(self, known: Any) -> None:
        self._known = known

    async def get(self, identifier: str) -> Any:
        if self._known is None:
            raise NotListedError("rds", identifier, "the list", next_step="-")
        return self._known

    async def find(self, identifier: str | None) -> Any:
        return self._known


def reference(*, submitted: float = 5, **members: Any) -> OperationReference:
    """A restore that was submitted some seconds ago."""
    values = {"instance_id": "i", "job_id": "j", "submitted_at": (NOW - timedelta(seconds=submitted)).isoformat()}
    return OperationReference("rds", "b", operation="restore", **{**values, **members})


def job(status: str, *, ended: float = 1, **members: Any) -> Job:
    """A job that ended some seconds ago."""
    stamp = (NOW - timedelta(seconds=ended)).isoformat() if status != "Running" else ""
    return Job(id="j", status=status, ended=cast("Any", stamp), **members)


async def observed(restore: OperationReference, seen: Job | None, status: str | None) -> Any:
    instance = Instance(id="i", name="orders", status=status) if status is not None else None
    observer = RestoreObserver(cast("Any", _Known(instance)), cast("Any", _Known(seen)), cast("Any", _Clock()))
    return await observer.observe(restore)


@pytest.mark.parametrize(
    ("members", "seen", "status", "phase"),
    [
        # The job tells.
        ({}, job("Running"), "RESTORING", Phase.IN_PROGRESS),
        ({}, job("Running"), "ACTIVE", Phase.IN_PROGRESS),
        ({"was_restoring": True}, job("Running"), "ACTIVE", Phase.IN_PROGRESS),
        ({}, job("Completed"), "RESTORING", Phase.IN_PROGRESS),
        ({"was_restoring": True}, job("Completed"), "ACTIVE", Phase.SUCCEEDED),
        ({"was_restoring": True}, job("Completed"), "BACKING UP", Phase.SUCCEEDED),
        ({"was_restoring": True}, job("Completed"), "REBOOTING", Phase.IN_PROGRESS),
        ({"was_restoring": True}, job("Completed"), "FAILED", Phase.FAILED),
        ({}, job("Failed"), "ACTIVE", Phase.FAILED),
        # Restoring was not seen.
        ({}, job("Completed"), "ACTIVE", Phase.IN_PROGRESS),
        ({}, job("Completed", ended=60), "ACTIVE", Phase.SUCCEEDED),
        # No job is known.
        ({}, None, "ACTIVE", Phase.IN_PROGRESS),
        ({}, None, "RESTORING", Phase.IN_PROGRESS),
        ({"was_restoring": True}, None, "ACTIVE", Phase.SUCCEEDED),
        ({"submitted": 601}, None, "ACTIVE", Phase.SUCCEEDED),
        ({"submitted": 601}, None, "RESTORING", Phase.IN_PROGRESS),
        # A new instance is not ready before it is restored.
        ({"is_new": True}, None, "BUILD", Phase.IN_PROGRESS),
        ({"is_new": True}, None, "ACTIVE", Phase.SUCCEEDED),
        ({"is_new": True}, job("Running"), "ACTIVE", Phase.IN_PROGRESS),
        ({"is_new": True}, job("Completed"), "ACTIVE", Phase.SUCCEEDED),
        ({"is_new": True}, None, "CREATE FAIL", Phase.FAILED),
        ({"is_new": True}, job("Failed"), None, Phase.FAILED),
    ],
)
async def test_a_restore_is_over_when_both_kinds_of_evidence_agree(
    members: dict[str, Any], seen: Job | None, status: str | None, phase: Phase
) -> None:
    assert (await observed(reference(**members), seen, status)).phase is phase


async def test_the_reference_remembers_that_the_instance_was_being_restored() -> None:
    state = await observed(reference(), job("Running"), "RESTORING")

    assert state.reference.was_restoring
    assert OperationReference.from_dict(state.reference.to_dict()).was_restoring
    assert (await observed(state.reference, job("Completed"), "ACTIVE")).phase is Phase.SUCCEEDED


async def test_a_restore_that_does_not_show_yet_is_named_so() -> None:
    assert (await observed(reference(), None, "ACTIVE")).status == NOT_BEGUN


async def test_a_failed_job_gives_its_reason() -> None:
    assert (await observed(reference(), job("Failed", fail_reason="disk full"), "ACTIVE")).reason == "disk full"


async def test_a_restore_to_a_moment_survives_without_a_backup() -> None:
    restore = reference(restore_time="2031-04-02T08:00:00+00:00")
    values = {key: value for key, value in restore.to_dict().items() if key != "backup_id"}

    result = (await observed(OperationReference.from_dict(values), job("Completed", ended=60), "ACTIVE")).to_result()

    assert result["source"] == {
        "instance_id": None,
        "backup_id": None,
        "restore_time": "2031-04-02T08:00:00+00:00",
    }

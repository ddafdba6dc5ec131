"""What a checkpoint or a backup says about itself: good only when every part is, never "done" too early."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SingleBackup
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.cbr.models import Backup, Checkpoint, OperationLog
from airflow_provider_backup.cloud.services.cbr.states import checkpoint_to_state, to_state

REFERENCE = OperationReference("cbr", "c", "checkpoint")


def checkpoint(status: str, *resource_ids: str, **changes: Any) -> Checkpoint:
    vault = {
        "id": "v",
        "resources": [{"id": resource_id} for resource_id in resource_ids],
        "skipped_resources": changes.pop("skipped", []),
    }
    return Checkpoint.model_validate({"id": "c", "status": status, "vault": vault, **changes})


def backup(number: int, status: str, **changes: Any) -> Backup:
    return Backup.model_validate(
        {"id": f"b{number}", "resource_id": f"r{number}", "status": status, "checkpoint_id": "c", **changes}
    )


def entry(number: int, status: str, code: str = "", message: str = "") -> OperationLog:
    return OperationLog.model_validate(
        {
            "id": f"l{number}",
            "status": status,
            "checkpoint_id": "c",
            "extra_info": {"resource": {"id": f"r{number}", "name": f"app-{number}"}},
            "error_info": {"code": code, "message": message},
        }
    )


def observed(whole: Checkpoint, backups: Sequence[Backup], logs: Sequence[OperationLog] = ()) -> OperationState:
    return checkpoint_to_state(REFERENCE, whole, backups, logs)


def test_a_checkpoint_with_good_backups_is_good() -> None:
    seen = observed(checkpoint("available", "r1", "r2"), [backup(1, "available"), backup(2, "available")])
    assert (seen.status, seen.phase) == ("available", Phase.SUCCEEDED)
    assert seen.backup_ids == ("b1", "b2")
    assert seen.resource_ids == ("r1", "r2")


def test_an_available_checkpoint_with_a_failed_backup_has_failed() -> None:
    seen = observed(checkpoint("available", "r1", "r2"), [backup(1, "available"), backup(2, "error")])
    assert (seen.status, seen.phase) == ("error", Phase.FAILED)


def test_an_available_checkpoint_with_a_running_backup_is_in_progress() -> None:
    seen = observed(checkpoint("available", "r1"), [backup(1, "waiting_protect")])
    assert (seen.status, seen.phase) == ("waiting_protect", Phase.IN_PROGRESS)


def test_a_running_checkpoint_with_good_backups_is_in_progress() -> None:
    assert observed(checkpoint("protecting", "r1"), [backup(1, "available")]).phase is Phase.IN_PROGRESS


def test_a_running_checkpoint_without_backups_yet_is_in_progress() -> None:
    assert observed(checkpoint("protecting", "r1"), []).phase is Phase.IN_PROGRESS


def test_an_available_checkpoint_whose_backups_are_not_listed_yet_is_in_progress() -> None:
    assert observed(checkpoint("available", "r1"), []).phase is Phase.IN_PROGRESS


def test_a_checkpoint_that_skipped_everything_has_failed_with_the_reasons() -> None:
    skipped = [{"id": "r1", "code": "BackupService.7101", "reason": "status forbids"}, {"id": "r2"}]
    seen = observed(checkpoint("available", skipped=skipped), [])
    assert seen.phase is Phase.FAILED
    assert seen.reason == (
        "every resource was skipped: r1: status forbids (BackupService.7101), r2: the service gave no reason"
    )


def test_a_checkpoint_that_skipped_something_is_good_and_reports_it() -> None:
    skipped = [{"id": "r2", "code": "BackupService.7101", "reason": "status forbids"}]
    seen = observed(checkpoint("available", "r1", skipped=skipped), [backup(1, "available")])
    assert seen.phase is Phase.SUCCEEDED
    assert seen.skipped == ({"resource_id": "r2", "reason": "status forbids (BackupService.7101)"},)


def test_the_logs_give_the_reasons_of_a_failure() -> None:
    seen = observed(
        checkpoint("error", "r1", "r2"),
        [backup(1, "error"), backup(2, "available")],
        [entry(1, "failed", "BackupService.9910", "disk full"), entry(2, "success")],
    )
    assert seen.reason == "app-1: disk full (BackupService.9910)"


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [("X.1", "", "app-1: X.1"), ("", "bad", "app-1: bad"), ("", "", None)],
)
def test_half_a_reason_is_reported_as_well(code: str, message: str, reason: str | None) -> None:
    seen = observed(checkpoint("error", "r1"), [backup(1, "error")], [entry(1, "failed", code, message)])
    assert seen.reason == reason


def test_a_resource_whose_log_failed_before_it_had_a_backup_fails_the_checkpoint() -> None:
    seen = observed(
        checkpoint("available", "r1", "r2"), [backup(1, "available")], [entry(2, "failed", "X.1", "no snapshot")]
    )
    assert (seen.status, seen.phase, seen.reason) == ("failed", Phase.FAILED, "app-2: no snapshot (X.1)")


@pytest.mark.parametrize("status", ["running", "waiting", "success"])
def test_a_resource_that_should_have_a_backup_but_has_none_is_waited_for(status: str) -> None:
    seen = observed(checkpoint("available", "r1", "r2"), [backup(1, "available")], [entry(2, status)])
    assert seen.phase is Phase.IN_PROGRESS


def test_a_resource_that_no_log_speaks_of_is_waited_for_and_reported_as_skipped_in_the_end() -> None:
    whole, backups, logs = checkpoint("available", "r1", "r2"), [backup(1, "available")], [entry(1, "success")]
    seen = observed(whole, backups, logs)
    assert (seen.status, seen.phase) == ("available, incomplete", Phase.IN_PROGRESS)
    seen = checkpoint_to_state(REFERENCE, whole, backups, logs, more_may_show_up=False)
    assert (seen.status, seen.phase, seen.reference.expected_ids) == ("available", Phase.SUCCEEDED, ("r1", "r2"))
    reason = "no backup of it is listed, and the operation log gives no reason"
    assert seen.skipped == ({"resource_id": "r2", "reason": reason},)


def test_a_backup_that_the_log_says_is_made_but_no_list_shows_does_not_count_in_the_end() -> None:
    whole, logs = checkpoint("available", "r1", "r2"), [entry(2, "success")]
    seen = checkpoint_to_state(REFERENCE, whole, [backup(1, "available")], logs, more_may_show_up=False)
    assert seen.phase is Phase.SUCCEEDED
    reason = "no backup of it is listed, and the operation log says success"
    assert seen.skipped == ({"resource_id": "r2", "reason": reason},)


def test_a_backup_that_the_log_says_is_being_made_is_waited_for_however_long_it_takes() -> None:
    whole, logs = checkpoint("available", "r1", "r2"), [entry(2, "running")]
    seen = checkpoint_to_state(REFERENCE, whole, [backup(1, "available")], logs, more_may_show_up=False)
    assert (seen.status, seen.phase) == ("running", Phase.IN_PROGRESS)


def test_a_good_checkpoint_that_names_nothing_and_holds_nothing_fails_in_the_end() -> None:
    seen = checkpoint_to_state(REFERENCE, checkpoint("available"), [], more_may_show_up=False)
    assert (seen.phase, seen.reason) == (Phase.FAILED, "no backup in it is listed")


def test_a_resource_whose_log_was_skipped_counts_as_skipped() -> None:
    seen = observed(
        checkpoint("available", "r1", "r2"), [backup(1, "available")], [entry(2, "skipped", "X.2", "not now")]
    )
    assert seen.phase is Phase.SUCCEEDED
    assert seen.skipped == ({"resource_id": "r2", "reason": "not now (X.2)"},)


def test_backups_of_disks_inside_a_servers_backup_do_not_count() -> None:
    seen = observed(checkpoint("available", "r1"), [backup(1, "available"), backup(2, "error", parent_id="b1")])
    assert (seen.phase, seen.backup_ids) == (Phase.SUCCEEDED, ("b1",))


@pytest.mark.parametrize(("status", "phase"), [("deleting", Phase.DELETING), ("deleted", Phase.DELETED)])
def test_a_checkpoint_that_is_deleted_is_not_good(status: str, phase: Phase) -> None:
    assert observed(checkpoint(status, "r1"), [backup(1, "deleting")] if status == "deleting" else []).phase is phase


def test_the_name_is_that_of_the_checkpoint() -> None:
    seen = observed(checkpoint("available", "r1", extra_info={"name": "a"}), [backup(1, "available", name="a-0001")])
    assert seen.name == "a"


def test_the_name_is_that_of_a_backup_when_the_checkpoint_lost_its_own() -> None:
    seen = observed(checkpoint("available", "r1", extra_info=None), [backup(1, "available", name="a")])
    assert seen.name == "a"


def test_the_progress_is_the_mean_of_the_backups() -> None:
    backups = [backup(number, "protecting", extend_info={"progress": 30 * number}) for number in (1, 2)]
    assert observed(checkpoint("protecting", "r1", "r2"), backups).progress == 45


def test_the_end_is_the_latest_change_of_a_backup() -> None:
    backups = [backup(number, "available", updated_at=f"2031-04-02T09:15:0{number}") for number in (1, 2)]
    seen = observed(checkpoint("available", "r1", "r2"), backups)
    assert seen.finished_at == datetime(2031, 4, 2, 9, 15, 2, tzinfo=UTC)


def test_a_running_checkpoint_has_no_end() -> None:
    backups = [backup(1, "protecting", updated_at="2031-04-02T09:15:01")]
    assert observed(checkpoint("protecting", "r1"), backups).finished_at is None


@given(st.sampled_from(["protecting", "available"]), st.lists(st.sampled_from(["protecting", "available", "error"])))
def test_a_checkpoint_is_good_exactly_when_it_and_all_its_backups_are(status: str, statuses: list[str]) -> None:
    backups = [backup(number, each) for number, each in enumerate(statuses)]
    seen = observed(checkpoint(status, *(f"r{number}" for number in range(len(statuses)))), backups)
    assert (seen.phase is Phase.SUCCEEDED) == (
        status == "available" and bool(statuses) and set(statuses) == {"available"}
    )
    assert (seen.phase is Phase.FAILED) == ("error" in statuses)


def test_a_single_backup_is_described() -> None:
    reference = OperationReference("cbr", "b1")
    one = backup(1, "error", name="a", created_at="2031-04-02T09:15:01", updated_at="2031-04-02T09:16:01")
    seen = to_state(reference, one, [entry(1, "failed", "X.1", "no snapshot")])
    assert seen == OperationState(
        reference=reference,
        status="error",
        phase=Phase.FAILED,
        name="a",
        reason="app-1: no snapshot (X.1)",
        backup_ids=("b1",),
        resource_ids=("r1",),
        created_at=datetime(2031, 4, 2, 9, 15, 1, tzinfo=UTC),
        finished_at=datetime(2031, 4, 2, 9, 16, 1, tzinfo=UTC),
        parts=(SingleBackup("b1", "a", "r1", one.resource_name),),
    )

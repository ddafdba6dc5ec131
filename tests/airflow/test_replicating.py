"""Tasks that copy backups to another region: once, with the reason of a failure, found again by a retry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BackupError, ResourceBusyError
from airflow_provider_backup.emulator.core.regions import HOME, SECOND
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import (
    BackupFailedError,
    BackupTimeoutError,
    FinalBackupFailedError,
    InvalidArgumentError,
)
from airflow_provider_backup.operators.cbr import CbrDeleteBackupOperator, CbrPruneBackupsOperator
from tests.airflow.replicable import ROUTE, Replicable, vault_for_copies
from tests.airflow.task_runs import Deferred, TaskRun

UNKNOWN = "2d9f0c11-0d41-4f0f-9a51-27d1d6a40001"


@pytest.fixture
def made(cloud: RunningCloud) -> Replicable:
    return Replicable(cloud)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_backup_is_copied_to_the_other_region(made: Replicable, deferrable: bool) -> None:
    made.cloud.plan_outcome("cbr.replication", seconds=0.3)
    (backup_id,) = made.checkpoint["backup_ids"]

    result = made.run(backup_id=backup_id, deferrable=deferrable, name="copied", description="offsite").run()

    (copy,) = made.copies
    assert result == {
        "service": "cbr",
        "kind": "backup",
        "backup_id": backup_id,
        "backup_ids": [backup_id],
        "status": "success",
        "source_region": HOME.name,
        "destination_region": SECOND.name,
        "destination_project_id": SECOND.project_id,
        "destination_vault_id": made.copies_vault_id,
        "copy_ids": [copy["id"]],
        "copies": [
            {
                "backup_id": backup_id,
                "resource_id": made.checkpoint["resource_ids"][0],
                "copy_id": copy["id"],
                "status": "success",
                "created_at": result["created_at"],
            }
        ],
        "created_at": result["created_at"],
    }
    assert (copy["name"], copy["description"], copy["vault_id"]) == ("copied", "offsite", made.copies_vault_id)


def test_each_backup_of_a_checkpoint_is_copied(cloud: RunningCloud) -> None:
    made = Replicable(cloud, servers=2)
    result = made.run(name="copied").run()
    assert (result["kind"], result["backup_id"]) == ("checkpoint", made.checkpoint["backup_id"])
    assert sorted(result["copy_ids"]) == sorted(copy["id"] for copy in made.copies)
    assert {copy["name"] for copy in made.copies} == {"copied-0001", "copied-0002"}
    assert made.requests == 2


def test_a_copy_that_fails_fails_the_task_with_the_reason_of_the_service(made: Replicable) -> None:
    made.cloud.plan_outcome("cbr.replication", reason="The line between the regions is cut.")
    with pytest.raises(BackupFailedError, match=r"The line between the regions is cut\. \(BackupService\.1006\)"):
        made.run().run()


def test_a_failed_copy_is_reported_when_the_others_are_over(cloud: RunningCloud) -> None:
    made = Replicable(cloud, servers=2)
    made.cloud.plan_outcome("cbr.replication", reason="no room", seconds=0)
    made.cloud.plan_outcome("cbr.replication", seconds=0.3)
    with pytest.raises(BackupFailedError, match="no room"):
        made.run().run()
    assert sum(not copy["failure"] for copy in made.copies) == 1


def test_a_retry_copies_only_what_has_no_good_copy(cloud: RunningCloud) -> None:
    made = Replicable(cloud, servers=2)
    made.cloud.plan_outcome("cbr.replication", reason="no room")
    run = made.run(retries=1)
    with pytest.raises(BackupFailedError):
        run.run()

    run.retry()
    result = run.run()

    assert len(result["copy_ids"]) == 2
    assert made.requests == 3


def test_a_failed_copy_is_final_without_retry_failed(made: Replicable) -> None:
    made.cloud.plan_outcome("cbr.replication", reason="no room")
    with pytest.raises(FinalBackupFailedError):
        made.run(retry_failed=False).run()


def test_a_copy_that_is_there_is_not_sent_again(made: Replicable) -> None:
    first = made.run().run()
    again = TaskRun(made.operator(), run_id="another").run()
    assert again["copy_ids"] == first["copy_ids"]
    assert made.requests == 1


def test_a_copy_that_another_task_began_is_waited_for(made: Replicable) -> None:
    made.cloud.plan_outcome("cbr.replication", seconds=0.5)
    made.run(wait_for_completion=False).run()
    result = TaskRun(made.operator(), run_id="another").run()
    assert (result["status"], made.requests) == ("success", 1)


def test_a_task_that_does_not_wait_names_the_copies_that_began(made: Replicable) -> None:
    made.cloud.plan_outcome("cbr.replication", stuck=True)
    result = made.run(wait_for_completion=False).run()
    assert (result["status"], result["copy_ids"]) == ("replicating", [])
    assert [copy["status"] for copy in result["copies"]] == ["replicating"]


def test_a_copy_that_never_ends_times_out_and_a_retry_finds_it(made: Replicable) -> None:
    made.cloud.plan_outcome("cbr.replication", stuck=True)
    run = made.run(retries=1, timeout=0.5)
    with pytest.raises(BackupTimeoutError, match="the copy continues in the cloud"):
        run.run()
    run.retry()
    with pytest.raises(BackupTimeoutError):
        run.run()
    assert made.requests == 1


def test_a_lost_answer_is_found_by_the_record(made: Replicable) -> None:
    made.misbehave("close_after", count=1)
    result = made.run().run()
    assert (result["status"], made.requests) == ("success", 1)


def test_a_request_that_never_arrived_is_sent_once_more(made: Replicable) -> None:
    made.misbehave("close_before", count=1)
    result = made.run().run()
    assert (result["status"], len(made.copies)) == ("success", 1)


def test_a_clear_while_a_copy_is_made_begins_no_second_one(made: Replicable) -> None:
    made.cloud.plan_outcome("cbr.replication", seconds=0.5)
    run = made.run(deferrable=True)
    assert isinstance(run.execute(), Deferred)
    run.clear()
    assert run.run()["status"] == "success"
    assert made.requests == 1


def test_a_backup_that_is_still_made_is_waited_for(made: Replicable) -> None:
    made.cloud.set_backup_seconds(0.5)
    checkpoint = CbrBackupThatRuns(made).checkpoint
    result = made.run(backup=checkpoint).run()
    assert result["status"] == "success"


def test_a_backup_that_is_still_made_fails_the_task_if_told_so(made: Replicable) -> None:
    made.cloud.set_backup_seconds(30)
    with pytest.raises(ResourceBusyError, match="6203"):
        made.run(backup=CbrBackupThatRuns(made).checkpoint, on_conflict="fail").run()


def test_a_copy_in_another_vault_of_the_region_is_refused_before_anything_is_sent(made: Replicable) -> None:
    made.run().run()
    other = vault_for_copies()
    with pytest.raises(BackupError, match=f"Nothing was sent.*in vault {made.copies_vault_id}.*delete it there"):
        made.run(destination_vault_id=other).run()
    assert made.requests == 1


def test_a_region_that_takes_no_copies_is_refused_with_those_that_do(made: Replicable) -> None:
    with pytest.raises(InvalidArgumentError, match=r"destination_region.*eu-de, eu-nl.*eu-fr"):
        made.run(destination_region="eu-fr").run()
    assert made.requests == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"destination_vault_id": UNKNOWN}, "6120"),
        ({"destination_project_id": HOME.project_id}, "1011"),
        ({"backup_id": UNKNOWN}, "6200"),
    ],
)
def test_what_is_not_there_fails_the_task_with_the_words_of_the_service(
    made: Replicable, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BackupError, match=message):
        made.run(**arguments).run()
    assert made.copies == []


def test_a_copy_of_a_copy_is_refused_before_anything_is_sent(made: Replicable) -> None:
    (copy_id,) = made.run().run()["copy_ids"]
    back = made.operator(
        backup_id=copy_id,
        destination_region=HOME.name,
        destination_project_id=HOME.project_id,
        region=SECOND.name,
        project_id=SECOND.project_id,
    )
    with pytest.raises(InvalidArgumentError, match="a copy itself"):
        TaskRun(back).run()
    assert made.cloud.requests[f"cbr@{SECOND.name}", "POST", ROUTE] == 0


def test_a_backup_that_failed_is_refused_before_anything_is_sent(made: Replicable) -> None:
    made.cloud.fail_next_backup("cbr", "disk full")
    with pytest.raises(BackupFailedError) as failed:
        made.back_up(run_id="failed")
    reference = failed.value.observation.reference.to_dict()
    with pytest.raises(BackupError, match="is error and cannot be copied"):
        made.run(backup=reference).run()
    assert made.requests == 0


def test_a_copy_is_deleted_through_its_own_region_and_its_source_stays(made: Replicable) -> None:
    (copy_id,) = made.run().run()["copy_ids"]
    delete = CbrDeleteBackupOperator(
        task_id="delete",
        backup_id=copy_id,
        region=SECOND.name,
        project_id=SECOND.project_id,
        poll_interval=0.05,
        deferrable=False,
    )
    TaskRun(delete).run()
    assert made.cloud.requests[f"cbr@{SECOND.name}", "DELETE", "/v3/{project_id}/backups/{backup_id}"] == 1
    assert made.cloud.requests["cbr", "DELETE", "/v3/{project_id}/backups/{backup_id}"] == 0


def test_a_prune_leaves_alone_what_was_copied_and_the_copies(made: Replicable) -> None:
    made.run().run()
    made.back_up("newer")
    rules: dict[str, Any] = {"keep_last": 1, "scope": "manual", "poll_interval": 0.05, "deferrable": False}
    here = CbrPruneBackupsOperator(task_id="here", vault_ids=[made.vault_id], **rules)
    there = CbrPruneBackupsOperator(
        task_id="there",
        vault_ids=[made.copies_vault_id],
        region=SECOND.name,
        project_id=SECOND.project_id,
        **rules,
    )

    (kept,) = [row for row in TaskRun(here).run()["kept"] if "replicated" in row["rules"]]
    assert kept["backup_id"] == made.checkpoint["backup_ids"][0]
    assert TaskRun(there).run()["kept"] == []
    assert len(made.copies) == 1


def test_no_backup_or_several_ones_are_refused_while_a_dag_is_parsed(made: Replicable) -> None:
    for named in ({"backup": None}, {"backup_id": "a", "checkpoint_id": "b"}):
        with pytest.raises(InvalidArgumentError):
            made.operator(**named)


@pytest.mark.parametrize("parameter", ["destination_region", "destination_project_id", "destination_vault_id"])
def test_a_template_without_a_value_is_refused_before_anything_is_sent(made: Replicable, parameter: str) -> None:
    operator = made.operator()
    setattr(operator, parameter, None)
    with pytest.raises(BackupError, match=parameter):
        TaskRun(operator).run()
    assert made.requests == 0


def test_the_log_names_the_destination(made: Replicable, logged: Callable[[], str]) -> None:
    made.run().run()
    assert f"to region {SECOND.name}" in logged()


class CbrBackupThatRuns:
    """A checkpoint that was just begun."""

    def __init__(self, made: Replicable) -> None:
        from airflow_provider_backup.operators.cbr import CbrCreateBackupOperator

        create = CbrCreateBackupOperator(
            task_id="create", vault_id=made.vault_id, wait_for_completion=False, poll_interval=0.05
        )
        self.checkpoint: dict[str, Any] = TaskRun(create, run_id="running").execute()

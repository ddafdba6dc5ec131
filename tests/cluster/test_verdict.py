"""The verdict of the cluster test, held against worlds that are not as they should be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster.verdict import Expected, FoundBackup, Restore, faults_found, restore_faults

EXPECTED = {("rds", 0): Expected("rds", "instance", "key"), ("csbs", 0): Expected("csbs", "server", None)}
STATES = {("rds", 0): "success", ("csbs", 0): "success"}
REPORTED = {("rds", 0): ["r1"], ("csbs", 0): ["c1"]}
RDS = FoundBackup("rds", "r1", "key", "instance", is_good=True)
CSBS = FoundBackup("csbs", "c1", "manualbk_1", "server", is_good=True)

RESTORE = Restore("cbr", "b1", "server")
RESTORES = {("cbr_restore", 0): RESTORE}


def test_a_good_backup_for_each_task_is_no_fault() -> None:
    assert faults_found(EXPECTED, STATES, REPORTED, [RDS, CSBS]) == []


@pytest.mark.parametrize(
    ("backups", "fault"),
    [
        ([RDS], "csbs server of task csbs[0] has 0 backups"),
        ([RDS, CSBS, replace(RDS, backup_id="r2")], "rds instance of task rds[0] has 2 backups"),
        ([RDS, CSBS, replace(RDS, resource_id="other")], "not requested by a task:"),
        ([replace(RDS, is_good=False), CSBS], "is not good"),
        ([replace(RDS, name="another"), CSBS], "is not called key"),
        ([replace(RDS, backup_id="r2"), CSBS], "returned ['r1'], but the cloud has"),
    ],
)
def test_what_is_wrong_in_the_cloud_is_a_fault(backups: list[FoundBackup], fault: str) -> None:
    [found] = faults_found(EXPECTED, STATES, REPORTED, backups)

    assert fault in found


def test_a_task_that_did_not_succeed_is_a_fault() -> None:
    assert faults_found(EXPECTED, STATES | {("rds", 0): "failed"}, REPORTED, [RDS, CSBS]) == ["task rds[0] is failed"]


def test_a_task_that_is_not_there_is_a_fault() -> None:
    states = {("csbs", 0): "success"}

    assert faults_found(EXPECTED, states, REPORTED, [RDS, CSBS]) == ["task rds[0] does not exist"]


def test_a_backup_that_two_tasks_returned_is_a_fault() -> None:
    faults = faults_found(EXPECTED, STATES, REPORTED | {("csbs", 0): ["r1"]}, [RDS, CSBS])

    assert "2 tasks returned the backup r1" in faults


def test_a_restore_for_each_task_that_succeeded_is_no_fault() -> None:
    assert _restore_faults("success", [RESTORE], version=1) == []


@pytest.mark.parametrize("accepted", [[], [RESTORE]])
def test_a_task_that_failed_because_it_could_not_prove_its_restore_is_no_fault(accepted: list[Restore]) -> None:
    assert _restore_faults("failed", accepted, version=2, is_unproven=True) == []


@pytest.mark.parametrize(
    ("state", "accepted", "version", "is_unproven", "fault"),
    [
        ("success", [RESTORE, RESTORE], 1, False, "cbr_restore[0] restored 2 times"),
        ("failed", [RESTORE, RESTORE], 1, True, "cbr_restore[0] restored 2 times"),
        ("success", [], 1, False, "nothing was restored"),
        ("success", [RESTORE], 2, False, "succeeded, but the content is 2"),
        ("failed", [RESTORE], 1, False, "task cbr_restore[0] is failed"),
        ("deferred", [RESTORE], 1, True, "task cbr_restore[0] is deferred"),
        ("success", [RESTORE, replace(RESTORE, resource_id="other")], 1, False, "not requested by a task:"),
    ],
)
def test_what_is_wrong_with_restores_is_a_fault(
    state: str, accepted: list[Restore], version: int, is_unproven: bool, fault: str
) -> None:
    [found] = _restore_faults(state, accepted, version=version, is_unproven=is_unproven)

    assert fault in found


def _restore_faults(state: str, accepted: list[Restore], *, version: int, is_unproven: bool = False) -> list[str]:
    return restore_faults(
        RESTORES,
        dict.fromkeys(RESTORES, state),
        accepted,
        unproven=RESTORES if is_unproven else (),
        versions={"server": version},
        wanted=1,
    )

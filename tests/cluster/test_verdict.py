"""The verdict of the cluster test, held against worlds that are not as they should be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster.verdict import Expected, FoundBackup, faults_found

EXPECTED = {("rds", 0): Expected("rds", "instance", "key"), ("csbs", 0): Expected("csbs", "server", None)}
STATES = {("rds", 0): "success", ("csbs", 0): "success"}
REPORTED = {("rds", 0): ["r1"], ("csbs", 0): ["c1"]}
RDS = FoundBackup("rds", "r1", "key", "instance", is_good=True)
CSBS = FoundBackup("csbs", "c1", "manualbk_1", "server", is_good=True)


def test_a_good_backup_for_each_task_is_no_fault() -> None:
    assert faults_found(EXPECTED, STATES, REPORTED, [RDS, CSBS]) == []


@pytest.mark.parametrize(
    ("backups", "fault"),
    [
        ([RDS], "csbs server of task csbs[0] has 0 backups"),
        ([RDS, CSBS, replace(RDS, backup_id="r2")], "rds instance of task rds[0] has 2 backups"),
        ([RDS, CSBS, replace(RDS, resource_id="other")], "nobody asked for"),
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

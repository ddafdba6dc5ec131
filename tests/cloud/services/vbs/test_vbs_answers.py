"""What VBS answers are understood to say, in all the forms that they are known to come in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.vbs.models import AssociationResult, Backup, Job, Policy, PolicyTask
from airflow_provider_backup.cloud.services.vbs.states import job_to_state, to_state

BACKUP: dict[str, Any] = {
    "id": "9a7de0b4-6a0e-4a31-8f4c-5f0b1c2d3e4f",
    "name": "before-upgrade",
    "status": "available",
    "size": 40,
    "volume_id": "c2b7d9c4-2f61-4a6e-9a53-6b1c5f2f0a77",
    "snapshot_id": "0d6a1b52-3c4d-4e5f-8a9b-1c2d3e4f5a6b",
    "container": "0d6a1b52-3c4d-4e5f-8a9b-1c2d3e4f5a6b",
    "availability_zone": "eu-de-01",
    "object_count": 0,
    "description": '{"DESC": "v4 rollout", "INC": 0}',
    "fail_reason": None,
    "created_at": "2026-05-02T10:14:10.114902",
    "updated_at": "2026-05-02T10:25:27.003311",
    "data_timestamp": "2026-05-02T10:14:10.114902",
    "has_dependent_backups": False,
    "is_incremental": False,
    "os-bak-tenant-attr:tenant_id": "4d0f7b0c2a7e4b5f9f8e1d2c3b4a5968",
    "service_metadata": ' {"bootable": true, "progress": "100", "Type": 0, "ST": 0} ',
    "links": [{"rel": "self", "href": "https://vbs.example/v2/p/backups/9a7de0b4-6a0e-4a31-8f4c-5f0b1c2d3e4f"}],
}
JOB: dict[str, Any] = {
    "job_id": "4010b39b6aa1c2d3016aa9c0f1e24d77",
    "job_type": "bksCreateBackup",
    "status": "SUCCESS",
    "entities": {
        "backup_id": "9a7de0b4-6a0e-4a31-8f4c-5f0b1c2d3e4f",
        "volume_id": "c2b7d9c4-2f61-4a6e-9a53-6b1c5f2f0a77",
        "snapshot_id": "0d6a1b52-3c4d-4e5f-8a9b-1c2d3e4f5a6b",
        "bks_create_volume_name": "autobk_volume_x",
    },
    "begin_time": "2026-05-02T10:14:09.466Z",
    "end_time": "2026-05-02T10:25:27.690Z",
    "error_code": None,
    "fail_reason": None,
}


def backup(**changes: Any) -> Backup:
    return parsed(Backup, BACKUP | changes)


def job(**changes: Any) -> Job:
    return parsed(Job, JOB | changes)


# ----------------------------------------------------------------------------------------------------------- policies


def test_a_policy_of_the_list_is_read_with_the_right_names() -> None:
    policy = parsed(
        Policy,
        {
            "backup_policy_id": "3f0d2c55-8a0e-4a5d-9c38-0f6f3a7d1b11",
            "backup_policy_name": "nightly-db",
            "scheduled_policy": {
                "start_time": "01:00,13:00",
                "week_frequency": ["MON", "THU"],
                "rentention_day": 21,
                "remain_first_backup_of_curMonth": "N",
                "status": "ON",
            },
            "policy_resource_count": 2,
            "time_zone": "UTC+01:00",
        },
    )
    assert (policy.id, policy.name) == ("3f0d2c55-8a0e-4a5d-9c38-0f6f3a7d1b11", "nightly-db")
    assert (policy.policy_resource_count, policy.time_zone) == (2, "UTC+01:00")
    schedule = policy.scheduled_policy
    assert (schedule.start_time, schedule.frequency, schedule.week_frequency) == ("01:00,13:00", None, ["MON", "THU"])
    assert (schedule.retention_num, schedule.retention_day) == (None, 21)
    assert (schedule.keep_first_backup_of_month, schedule.enabled) == (False, True)


def test_a_policy_is_written_again_as_it_was_read() -> None:
    answer = {
        "backup_policy_id": "p",
        "backup_policy_name": "nightly",
        "scheduled_policy": {
            "start_time": "01:00",
            "frequency": 1,
            "rentention_num": 7,
            "remain_first_backup_of_curMonth": "Y",
            "status": "OFF",
            "something_new": 1,
        },
        "policy_resource_count": 0,
    }
    assert parsed(Policy, answer).model_dump(mode="json", by_alias=True, exclude_none=True) == answer


def test_a_blank_after_the_name_of_a_member_does_not_hide_it() -> None:
    assert parsed(Policy, {"backup_policy_id": "p", "backup_policy_name ": "nightly"}).name == "nightly"


def test_numbers_as_text_and_truth_values_in_place_of_words_are_understood() -> None:
    schedule = {"frequency": "3", "rentention_num": "10", "remain_first_backup_of_curMonth": True, "status": "OFF"}
    read = parsed(Policy, {"backup_policy_id": "p", "scheduled_policy": schedule}).scheduled_policy
    assert (read.frequency, read.retention_num, read.keep_first_backup_of_month, read.enabled) == (3, 10, True, False)


def test_tasks_are_read_with_times_in_utc_and_without_an_end() -> None:
    task = parsed(
        PolicyTask,
        {
            "job_id": "5b8c1f0e-77a1-4b0a-8f5d-2f8c2c9a6e10",
            "status": "EXECUTE_FAIL",
            "created_at": "2026-05-02T01:00:00.317",
            "backup_name": "autobk_9c2f",
            "resource_id": "c2b7d9c4-2f61-4a6e-9a53-6b1c5f2f0a77",
            "resource_type": "volume",
        },
    )
    assert task.created_at == datetime(2026, 5, 2, 1, 0, 0, 317000, UTC)
    assert (task.finished_at, task.vbs_job_id) == (None, None)


def test_disks_that_failed_are_read_with_and_without_their_code() -> None:
    result = parsed(
        AssociationResult,
        {"fail_resources": [{"resource_id": "a"}, {"resource_id": "b", "code": "AutoBackup.0206", "message": "bad"}]},
    )
    assert result.success_resources == []
    assert [item.code for item in result.fail_resources] == [None, "AutoBackup.0206"]


# ------------------------------------------------------------------------------------------------------------ backups


def test_a_good_backup_is_observed_with_everything_that_is_known() -> None:
    observation = to_state(backup())
    what = "vbs backup 9a7de0b4-6a0e-4a31-8f4c-5f0b1c2d3e4f 'before-upgrade' of c2b7d9c4-2f61-4a6e-9a53-6b1c5f2f0a77"
    assert str(observation) == f"{what} is available (good)"
    result = dict(observation.to_result())
    assert result == result | {
        "service": "vbs",
        "backup_id": "9a7de0b4-6a0e-4a31-8f4c-5f0b1c2d3e4f",
        "kind": "backup",
        "instance_id": None,
        "name": "before-upgrade",
        "status": "available",
        "backup_ids": ["9a7de0b4-6a0e-4a31-8f4c-5f0b1c2d3e4f"],
        "resource_ids": ["c2b7d9c4-2f61-4a6e-9a53-6b1c5f2f0a77"],
        "skipped": [],
        "size_mb": 40960,
        "created_at": "2026-05-02T10:14:10.114902+00:00",
        "finished_at": "2026-05-02T10:25:27.003311+00:00",
    }
    assert observation.progress == 100


def test_a_good_backup_has_no_reason_of_failure_although_the_service_reports_one() -> None:
    assert to_state(backup(fail_reason="leftover")).reason is None


def test_a_failed_backup_is_observed_with_its_reason() -> None:
    observation = to_state(backup(status="error", fail_reason="snapshot lost"))
    assert (observation.phase, observation.reason) == (Phase.FAILED, "snapshot lost")


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("creating", Phase.IN_PROGRESS),
        ("restoring", Phase.SUCCEEDED),
        ("deleting", Phase.DELETING),
        ("available", Phase.SUCCEEDED),
        ("error", Phase.FAILED),
        ("error_restoring", Phase.FAILED),
        ("error_deleting", Phase.FAILED),
        ("brand-new", Phase.IN_PROGRESS),
    ],
)
def test_every_status_of_a_backup_has_its_place_in_the_life_cycle(status: str, phase: Phase) -> None:
    assert to_state(backup(status=status)).phase is phase


def test_a_backup_in_progress_has_no_end() -> None:
    metadata = json.dumps({"progress": 40})
    observation = to_state(backup(status="creating", service_metadata=metadata))
    assert (observation.finished_at, observation.progress) == (None, 40)


@pytest.mark.parametrize("metadata", [None, "", "not JSON", "[]", '{"progress": ""}', '{"progress": null}'])
def test_a_backup_without_progress_is_still_observed(metadata: str | None) -> None:
    assert to_state(backup(service_metadata=metadata)).progress is None


def test_a_backup_of_which_nearly_everything_is_null_is_still_observed() -> None:
    nulls = dict.fromkeys(BACKUP) | {"id": "b", "status": "creating"}
    observation = to_state(parsed(Backup, nulls))
    assert (observation.name, observation.resource_ids, observation.size_mb) == (None, (), None)


def test_a_time_that_cannot_be_read_does_not_spoil_the_backup() -> None:
    assert backup(created_at="2016-01-15T01:0807.476Z").created_at is None


@pytest.mark.parametrize(
    ("description", "read"),
    [
        ('{"DESC": "v4 rollout", "INC": 1}', "v4 rollout"),
        (' {"DESC":"v4 rollout"} ', "v4 rollout"),
        ("v4 rollout", "v4 rollout"),
        ("{not JSON", "{not JSON"),
        ('{"other": 1}', '{"other": 1}'),
        (None, None),
    ],
)
def test_the_description_is_taken_out_of_the_text_around_it(description: str | None, read: str | None) -> None:
    assert backup(description=description).description == read


@pytest.mark.parametrize(
    "name", ["os-bak-tenant-attr:tenant_id", "os-backup-project-attr:project_id", "os-backup-project-attr:tenant_id"]
)
def test_the_owner_is_read_under_each_of_its_names(name: str) -> None:
    assert parsed(Backup, {"id": "b", name: "owner"}).project_id == "owner"


def test_dependent_backups_are_read_under_both_names() -> None:
    assert parsed(Backup, {"id": "b", "has_dependent_backup": "true"}).has_dependent_backups is True


# --------------------------------------------------------------------------------------------------------------- jobs


def test_a_failed_job_is_observed_with_code_and_words() -> None:
    observation = job_to_state(
        job(status="FAIL", error_code="VolumeBackup.0064", fail_reason="CreateBackup Task-fail: disk lost")
    )
    assert observation.phase is Phase.FAILED
    assert observation.reason == "VolumeBackup.0064: CreateBackup Task-fail: disk lost"
    assert observation.reference.kind == "job"
    assert observation.resource_ids == ("c2b7d9c4-2f61-4a6e-9a53-6b1c5f2f0a77",)


@pytest.mark.parametrize(
    ("error_code", "fail_reason", "reason"), [(None, None, None), ("X.1", None, "X.1"), (None, "lost", "lost")]
)
def test_the_reason_of_a_failed_job_is_what_the_service_gave(
    error_code: str | None, fail_reason: str | None, reason: str | None
) -> None:
    assert job_to_state(job(status="FAIL", error_code=error_code, fail_reason=fail_reason)).reason == reason


@pytest.mark.parametrize("entities", [{}, None, {"backup_id": ""}, {"backup_id": None}, ""])
def test_a_job_that_names_no_backup_has_none(entities: Any) -> None:
    assert job(entities=entities).backup_id is None


@pytest.mark.parametrize("sub_jobs", [None, "", " ", []])
def test_blank_sub_jobs_are_none(sub_jobs: Any) -> None:
    assert job(sub_jobs=sub_jobs).sub_jobs == []


def test_sub_jobs_are_read_like_jobs() -> None:
    assert job(sub_jobs=[JOB]).sub_jobs[0].backup_id == "9a7de0b4-6a0e-4a31-8f4c-5f0b1c2d3e4f"

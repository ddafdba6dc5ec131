"""References, observations and results: plain JSON in and out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SkippedResource
from airflow_provider_backup.cloud.operations.status import Phase

texts = st.text(min_size=1)
references = st.builds(
    OperationReference,
    service=texts,
    backup_id=texts,
    kind=st.sampled_from(["backup", "checkpoint", "job"]),
    instance_id=st.none() | texts,
    job_id=st.none() | texts,
)
MOMENT = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)


@given(references)
def test_a_reference_survives_json(reference: OperationReference) -> None:
    assert OperationReference.from_dict(json.loads(json.dumps(reference.to_dict()))) == reference


@given(references)
def test_a_reference_from_a_newer_version_is_read_without_what_is_unknown(reference: OperationReference) -> None:
    assert OperationReference.from_dict(reference.to_dict() | {"colour": "blue"}) == reference


def test_a_reference_has_no_empty_members_as_a_dict() -> None:
    assert OperationReference("cbr", "b").to_dict() == {"service": "cbr", "backup_id": "b", "kind": "backup"}


def test_a_reference_reads_as_service_kind_and_id() -> None:
    assert str(OperationReference("csbs", "c-1", "checkpoint")) == "csbs checkpoint c-1"


def test_an_observation_shows_the_progress_only_while_there_is_some() -> None:
    reference = OperationReference("cbr", "b")
    going_on = OperationState(reference, "protecting", Phase.IN_PROGRESS, progress=40)
    over = OperationState(reference, "available", Phase.SUCCEEDED, progress=100)
    assert str(going_on) == "cbr backup b is protecting (in progress, 40 %)"
    assert str(over) == "cbr backup b is available (good)"


def test_an_observation_names_the_backup_and_its_resources() -> None:
    reference = OperationReference("cbr", "c", "checkpoint")
    few = OperationState(reference, "available", Phase.SUCCEEDED, name="nightly", resource_ids=("s1", "s2"))
    many = OperationState(reference, "available", Phase.SUCCEEDED, resource_ids=tuple(f"s{n}" for n in range(1, 65)))
    assert str(few) == "cbr checkpoint c 'nightly' of s1, s2 is available (good)"
    assert str(many) == "cbr checkpoint c of s1, s2, s3 and 61 more is available (good)"


def test_a_result_is_plain_json() -> None:
    observation = OperationState(
        OperationReference("rds", "b", instance_id="i"),
        "COMPLETED",
        Phase.SUCCEEDED,
        name="nightly",
        backup_ids=("b",),
        resource_ids=("i",),
        skipped=(SkippedResource(resource_id="j", reason="stopped"),),
        size_mb=4.0,
        created_at=MOMENT,
    )
    result = json.loads(json.dumps(observation.to_result()))
    assert result == dict(observation.to_result())
    assert (result["service"], result["backup_id"], result["instance_id"]) == ("rds", "b", "i")
    assert (result["created_at"], result["finished_at"]) == ("2031-04-02T09:15:07+00:00", None)
    assert result["skipped"] == [{"resource_id": "j", "reason": "stopped"}]

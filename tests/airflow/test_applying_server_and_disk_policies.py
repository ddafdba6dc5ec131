"""Policies of CSBS and VBS as code: created, changed where they differ, left alone, deleted; with servers and disks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BadRequestError, CloudConnectionError, InvalidRequestError
from airflow_provider_backup.cloud.operations import schedules
from airflow_provider_backup.cloud.services.csbs.policies import Policies as CsbsPolicies
from airflow_provider_backup.cloud.services.vbs.policies import Policies as VbsPolicies
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import AmbiguousNameError, DisksNotBoundError
from airflow_provider_backup.operators.csbs import (
    CsbsApplyPolicyOperator,
    CsbsDeletePolicyOperator,
    CsbsGetPolicyOperator,
    CsbsListPoliciesOperator,
    CsbsUpdatePolicyOperator,
)
from airflow_provider_backup.operators.vbs import (
    VbsApplyPolicyOperator,
    VbsDeletePolicyOperator,
    VbsGetPolicyOperator,
    VbsListPoliciesOperator,
    VbsUpdatePolicyOperator,
)
from tests.airflow.recording_proxy import Wire, is_post_to
from tests.airflow.service_matrix import resources
from tests.airflow.task_runs import TaskRun

APPLY: dict[str, Any] = {"csbs": CsbsApplyPolicyOperator, "vbs": VbsApplyPolicyOperator}
UPDATE: dict[str, Any] = {"csbs": CsbsUpdatePolicyOperator, "vbs": VbsUpdatePolicyOperator}
GET: dict[str, Any] = {"csbs": CsbsGetPolicyOperator, "vbs": VbsGetPolicyOperator}
LIST: dict[str, Any] = {"csbs": CsbsListPoliciesOperator, "vbs": VbsListPoliciesOperator}
DELETE: dict[str, Any] = {"csbs": CsbsDeletePolicyOperator, "vbs": VbsDeletePolicyOperator}
PLAIN: dict[str, dict[str, Any]] = {
    "csbs": {"schedule": "Mon,Thu at 02:00, 14:00", "max_backups": 7},
    "vbs": {"schedule": "Mon,Thu at 02:00, 14:00", "retention_num": 7},
}
OTHER: dict[str, dict[str, Any]] = {
    "csbs": {"schedule": "daily at 03:00", "retention_duration_days": 30, "enabled": False},
    "vbs": {"schedule": "daily at 03:00", "retention_num": None, "retention_day": 30, "enabled": False},
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"

each_service = pytest.mark.parametrize("service", APPLY)


def apply(service: str, **arguments: Any) -> dict[str, Any]:
    """Describe the policy ``nightly``, unless said otherwise, and return the result."""
    name = {} if "policy_id" in arguments else {"name": "nightly"}
    described = {"task_id": "apply", **name, **PLAIN[service], **arguments}
    result: dict[str, Any] = TaskRun(APPLY[service](**described)).run()
    return result


def changes(wire: Wire, service: str) -> list[str]:
    """Return the methods of the requests that may change something."""
    return [request.method for request in wire.sent_to(service) if request.method != "GET"]


def fields(result: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differed: before and after by field."""
    return {each["field"]: (each["from"], each["to"]) for each in result["differences"]}


def servers(cloud: RunningCloud, *numbers: int) -> list[dict[str, str]]:
    """Return servers of the cloud as arguments."""
    return [{"id": resources(cloud, "servers")[number], "name": f"app{number}"} for number in numbers]


def bound(cloud: RunningCloud, policy_id: str) -> list[str]:
    """Return the disks that the cloud has under a policy."""
    return sorted(cloud.state.table("vbs.policies")[policy_id]["volumes"])


# ------------------------------------------------------------------------------------------------------ both services


@each_service
def test_a_policy_that_is_absent_is_created_and_then_left_alone(wire: Wire, service: str) -> None:
    first = apply(service)
    sent = changes(wire, service)
    second = apply(service)

    assert (first["changed"], first["created"], sent) == (True, True, ["POST"])
    assert (second["changed"], second["differences"], second["id"]) == (False, [], first["id"])
    assert changes(wire, service) == sent


@each_service
def test_only_what_differs_is_changed_in_one_request(wire: Wire, service: str) -> None:
    policy_id = apply(service)["id"]
    sent = len(changes(wire, service))

    result = apply(service, **OTHER[service])

    assert (result["id"], result["changed"], result["created"]) == (policy_id, True, False)
    assert changes(wire, service)[sent:] == ["PUT"]
    assert fields(result)["enabled"] == (True, False)
    assert apply(service, **OTHER[service])["changed"] is False


@each_service
def test_what_is_not_described_stays(cloud: RunningCloud, service: str) -> None:
    policy_id = apply(service, enabled=False)["id"]

    apply(service, policy_id=policy_id, name="renamed")

    result = TaskRun(GET[service](task_id="get", policy_id=policy_id)).run()
    assert (result["name"], result["enabled"]) == ("renamed", False)


@each_service
def test_a_dry_run_reports_the_difference_and_changes_nothing(wire: Wire, service: str) -> None:
    apply(service)
    sent = len(changes(wire, service))

    announced = apply(service, **OTHER[service], dry_run=True)

    assert len(changes(wire, service)) == sent
    assert {**announced, "dry_run": False} == apply(service, **OTHER[service])


@each_service
def test_a_policy_that_shall_be_absent_is_deleted_once(cloud: RunningCloud, service: str) -> None:
    apply(service)

    assert apply(service, state="absent")["deleted"] is True
    assert apply(service, state="absent")["changed"] is False
    assert not cloud.state.table(f"{service}.policies")


@each_service
def test_a_creation_whose_answer_was_lost_is_not_repeated(wire: Wire, backup_cloud: RunningCloud, service: str) -> None:
    with wire.losing_answers_to(is_post_to(service)):
        result = apply(service)

    assert result["created"] is True
    assert len(backup_cloud.state.table(f"{service}.policies")) == 1


@each_service
def test_a_change_that_was_killed_before_it_was_sent_is_made_by_the_next_run(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    apply(service)

    async def dies(*arguments: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CsbsPolicies if service == "csbs" else VbsPolicies, "update", dies)
        with pytest.raises(KeyboardInterrupt):
            apply(service, **OTHER[service])

    assert apply(service, **OTHER[service])["changed"] is True
    assert apply(service, **OTHER[service])["changed"] is False


@each_service
def test_local_time_is_kept_over_daylight_saving(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    def on(month: int, day: int) -> dict[str, Any]:
        moment = datetime(2027, month, day, 12, tzinfo=UTC).timestamp()
        monkeypatch.setattr(schedules, "current_clock", lambda: SimpleNamespace(time=lambda: moment))
        return apply(service, schedule="daily at 02:00", time_zone="Europe/Berlin")

    on(3, 26)

    assert [on(3, day)["changed"] for day in (27, 28, 29)] == [False, True, False]
    assert [on(10, day)["changed"] for day in (30, 31)] == [False, True]


def test_two_policies_of_one_name_are_told_apart_by_id(cloud: RunningCloud) -> None:
    table = cloud.state.table("vbs.policies")
    first = apply("vbs")["id"]
    table["other"] = {**table[first], "id": "other"}

    with pytest.raises(AmbiguousNameError, match="policy_id"):
        apply("vbs")
    assert apply("vbs", policy_id=first)["changed"] is False


@each_service
def test_policies_are_listed_read_changed_and_deleted(cloud: RunningCloud, service: str) -> None:
    policy_id = apply(service)["id"]
    apply(service, name="weekly")

    assert {each["name"] for each in TaskRun(LIST[service](task_id="list")).run()} == {"nightly", "weekly"}
    assert [each["policy_id"] for each in TaskRun(LIST[service](task_id="list", name="nightly")).run()] == [policy_id]
    changed = TaskRun(UPDATE[service](task_id="update", policy_id=policy_id, **OTHER[service])).run()
    assert (changed["policy_id"], changed["enabled"]) == (policy_id, False)
    assert apply(service, **OTHER[service])["changed"] is False
    deleted = TaskRun(DELETE[service](task_id="delete", policy_id=policy_id)).run()
    assert (deleted["id"], deleted["deleted"]) == (policy_id, True)
    assert (
        TaskRun(DELETE[service](task_id="delete", policy_id=policy_id, if_missing="ignore")).run()["deleted"] is False
    )


@each_service
def test_a_change_of_nothing_is_refused(service: str) -> None:
    with pytest.raises(InvalidRequestError, match="give at least one field to change"):
        UPDATE[service](task_id="update", policy_id=UNKNOWN)


@each_service
def test_a_new_policy_needs_a_schedule(service: str) -> None:
    with pytest.raises(InvalidRequestError, match="schedule: must be given, unless the policy is named by policy_id"):
        apply(service, schedule=None)


# ------------------------------------------------------------------------------------------------------ servers: CSBS


def test_numbers_that_the_service_writes_as_text_are_no_difference(cloud: RunningCloud) -> None:
    policy_id = apply("csbs", retention_duration_days=-1)["id"]

    (operation,) = cloud.state.table("csbs.policies")[policy_id]["scheduled_operations"]

    assert operation["operation_definition"]["max_backups"] == "7"
    assert apply("csbs", max_backups="7", retention_duration_days=-1)["changed"] is False


def test_a_policy_that_keeps_all_backups_is_made_to_heed_a_number(cloud: RunningCloud) -> None:
    apply("csbs", max_backups=None, permanent=True)

    assert fields(apply("csbs", max_backups=3)) == {"max_backups": (-1, 3), "permanent": (True, False)}


def test_servers_are_added_and_others_stay(cloud: RunningCloud) -> None:
    policy_id = apply("csbs", servers=servers(cloud, 0))["id"]

    result = apply("csbs", servers=servers(cloud, 1))

    assert len(result["differences"]) == 1
    held = cloud.state.table("csbs.policies")[policy_id]["resources"]
    assert {each["id"]: each["name"] for each in held} == {each["id"]: each["name"] for each in servers(cloud, 0, 1)}
    assert apply("csbs", servers=servers(cloud, 1))["changed"] is False


def test_others_lose_their_policy_only_when_asked_for(cloud: RunningCloud) -> None:
    apply("csbs", servers=servers(cloud, 0, 1))
    (kept,) = servers(cloud, 1)

    result = apply("csbs", servers=[kept], unbind_others=True)

    assert fields(result)["servers"][1] == [kept["id"]]
    assert apply("csbs", servers=[], unbind_others=True)["changed"] is True
    assert apply("csbs", servers=[], unbind_others=True)["changed"] is False


def test_a_server_of_another_policy_is_refused_by_the_service(cloud: RunningCloud) -> None:
    apply("csbs", name="other", servers=servers(cloud, 0))

    with pytest.raises(BadRequestError, match=r"CSBS\.6004"):
        apply("csbs", servers=servers(cloud, 0))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"unbind_others": True}, "unbind_others: needs servers"),
        ({"servers": [{"id": UNKNOWN}]}, r"resources\.0\.name"),
        ({"servers": [{"id": str(each), "name": "app"} for each in range(65)]}, "at most 64"),
        ({"max_backups": -2}, "max_backups"),
        ({"schedule": "daily at 02:00, 03:30"}, "share their minute"),
        ({"policy_id": ""}, "policy_id: must be an id"),
    ],
)
def test_a_wrong_description_of_a_csbs_policy_is_refused_while_the_dag_is_parsed(
    arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        CsbsApplyPolicyOperator(**{"task_id": "apply", "name": "nightly", **PLAIN["csbs"], **arguments})


# --------------------------------------------------------------------------------------------------------- disks: VBS


def test_disks_are_put_under_a_policy_and_then_nothing_differs(cloud: RunningCloud) -> None:
    volumes = resources(cloud, "volumes")[:2]

    first = apply("vbs", volume_ids=volumes)
    second = apply("vbs", volume_ids=volumes)

    assert bound(cloud, first["id"]) == sorted(volumes)
    assert fields(first)["policy_resource_count"] == (0, 2)
    assert (second["changed"], second["differences"]) == (False, [])


def test_a_disk_that_another_policy_took_comes_back(cloud: RunningCloud) -> None:
    volumes = resources(cloud, "volumes")[:2]
    policy_id = apply("vbs", volume_ids=volumes)["id"]
    apply("vbs", name="other", volume_ids=volumes[:1])

    result = apply("vbs", volume_ids=volumes)

    assert fields(result) == {"policy_resource_count": (1, 2)}
    assert bound(cloud, policy_id) == sorted(volumes)


def test_another_disk_instead_of_one_is_put_under_the_policy(cloud: RunningCloud) -> None:
    first, second = resources(cloud, "volumes")[:2]
    policy_id = apply("vbs", volume_ids=[first])["id"]

    result = apply("vbs", volume_ids=[second], unbind_volume_ids=[first])

    assert fields(result) == {"policy_resource_count": (1, 2), "unbind_volume_ids": ([first], [])}
    assert bound(cloud, policy_id) == [second]
    assert apply("vbs", volume_ids=[second], unbind_volume_ids=[first])["changed"] is False


def test_a_dry_run_compares_the_number_of_disks(wire: Wire, backup_cloud: RunningCloud) -> None:
    volumes = resources(backup_cloud, "volumes")[:3]
    apply("vbs", volume_ids=volumes[:1])
    sent = len(changes(wire, "vbs"))

    result = apply("vbs", volume_ids=volumes, dry_run=True)

    assert fields(result) == {"policy_resource_count": (1, 3)}
    assert len(changes(wire, "vbs")) == sent


def test_a_dry_run_of_a_policy_that_is_absent_counts_its_disks(cloud: RunningCloud) -> None:
    result = apply("vbs", volume_ids=resources(cloud, "volumes")[:2], dry_run=True)

    assert (result["id"], fields(result)["policy_resource_count"]) == (None, (0, 2))
    assert not cloud.state.table("vbs.policies")


def test_a_disk_that_is_refused_fails_the_task_and_the_others_are_under_the_policy(cloud: RunningCloud) -> None:
    (volume,) = resources(cloud, "volumes")[:1]

    with pytest.raises(DisksNotBoundError, match=rf"{UNKNOWN} \(AutoBackup\.1400: .*next run tries again"):
        apply("vbs", volume_ids=[volume, UNKNOWN])

    (policy_id,) = cloud.state.table("vbs.policies")
    assert bound(cloud, policy_id) == [volume]


def test_disks_that_a_killed_run_left_out_are_bound_by_the_next_one(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes = resources(cloud, "volumes")[:2]

    async def dies(*arguments: Any, **more: Any) -> None:
        raise CloudConnectionError("killed", request_sent=False)

    with monkeypatch.context() as patch:
        patch.setattr(VbsPolicies, "associate", dies)
        with pytest.raises(CloudConnectionError):
            apply("vbs", volume_ids=volumes)

    result = apply("vbs", volume_ids=volumes)

    assert (result["created"], fields(result)) == (False, {"policy_resource_count": (0, 2)})


def test_one_retention_replaces_the_other(cloud: RunningCloud) -> None:
    apply("vbs")

    result = apply("vbs", retention_num=None, retention_day=30)

    assert fields(result) == {"retention_num": (7, None), "retention_day": (None, 30)}
    assert apply("vbs", retention_num=None, retention_day=30)["changed"] is False


def test_every_difference_of_disks_has_a_line_in_the_log(cloud: RunningCloud, logged: Callable[[], str]) -> None:
    apply("vbs", volume_ids=resources(cloud, "volumes")[:2])

    assert "policy_resource_count: 0 -> 2" in logged()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"volume_ids": "disk"}, "volume_ids: must be a list of ids"),
        ({"volume_ids": [""]}, "volume_ids: must be a list of ids"),
        ({"unbind_volume_ids": [5]}, "unbind_volume_ids: must be a list of ids"),
        ({"volume_ids": [UNKNOWN], "unbind_volume_ids": [UNKNOWN]}, "names a disk of volume_ids"),
        ({"retention_num": None}, "one of retention_num, retention_day must be given"),
        ({"retention_day": 30}, "cannot be given together with retention_num"),
        ({"schedule": None, "time_zone": "UTC+02:00", "policy_id": UNKNOWN}, "time_zone: needs schedule"),
        ({"schedule": "daily at 02:30"}, "full hours in UTC"),
        ({"policy_id": 5}, "policy_id: must be an id"),
    ],
)
def test_a_wrong_description_of_a_vbs_policy_is_refused_while_the_dag_is_parsed(
    arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        VbsApplyPolicyOperator(**{"task_id": "apply", "name": "nightly", **PLAIN["vbs"], **arguments})

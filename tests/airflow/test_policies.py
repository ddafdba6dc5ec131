"""Operators of policies: create or adopt, read, change; plain arguments or the model, never both."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    ApiError,
    BackupError,
    CloudConnectionError,
    DuplicateNameError,
    InvalidRequestError,
    NotFoundError,
)
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.services.cbr.models import PolicyCreate as CbrPolicyCreate
from airflow_provider_backup.cloud.services.cbr.models import PolicyUpdate as CbrPolicyUpdate
from airflow_provider_backup.cloud.services.csbs.models import PolicyCreate as CsbsPolicyCreate
from airflow_provider_backup.cloud.services.vbs.models import PolicyCreate as VbsPolicyCreate
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.operators.cbr import CbrCreatePolicyOperator, CbrUpdatePolicyOperator
from airflow_provider_backup.operators.csbs import CsbsCreatePolicyOperator, CsbsGetPolicyOperator
from airflow_provider_backup.operators.vbs import VbsCreatePolicyOperator
from tests.airflow.invalid_arguments import UUID
from tests.airflow.recording_proxy import Wire, WireRequest, is_post_to
from tests.airflow.service_matrix import cbr_vault, csbs_policy, resources
from tests.airflow.task_runs import TaskRun

SERVICES = ("vbs", "csbs", "cbr")
OPERATORS: dict[str, Any] = {
    "vbs": VbsCreatePolicyOperator,
    "csbs": CsbsCreatePolicyOperator,
    "cbr": CbrCreatePolicyOperator,
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "vbs": {"schedule": "daily at 14:00", "retention_num": 7},
    "csbs": {"schedule": "daily at 14:00", "max_backups": 7},
    "cbr": {"schedule": "daily at 14:00", "max_backups": 7},
}
MODELS: dict[str, RequestModel] = {
    "vbs": VbsPolicyCreate.model_validate(
        {"name": "nightly", "scheduled_policy": {"start_time": "14:00", "frequency": 1, "rentention_num": 7}}
    ),
    "csbs": CsbsPolicyCreate.model_validate(
        {
            "name": "nightly",
            "scheduled_operations": [
                {
                    "enabled": True,
                    "operation_definition": {"max_backups": 7},
                    "trigger": {
                        "properties": {
                            "pattern": "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:FREQ=DAILY;BYHOUR=14;"
                            "BYMINUTE=0\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
                        }
                    },
                }
            ],
        }
    ),
    "cbr": CbrPolicyCreate.model_validate(
        {
            "name": "nightly",
            "operation_type": "backup",
            "operation_definition": {"max_backups": 7},
            "trigger": {"properties": {"pattern": ["FREQ=DAILY;INTERVAL=1;BYHOUR=14;BYMINUTE=00"]}},
        }
    ),
}


def create(service: str, **arguments: Any) -> Any:
    """Run an operator that creates a policy ``nightly``, and return its result."""
    return TaskRun(OPERATORS[service](task_id="create", **{"name": "nightly", **ARGUMENTS[service], **arguments})).run()


def policies(cloud: RunningCloud, service: str) -> list[str]:
    """Return the ids of the policies that the cloud has."""
    return list(cloud.state.table(f"{service}.policies"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_policy_is_created_and_described(cloud: RunningCloud, service: str) -> None:
    before = policies(cloud, service)
    result = create(service)
    assert set(result) == {"service", "policy_id", "name", "enabled", "resource_ids", "created", "policy"}
    assert (result["service"], result["name"], result["enabled"], result["created"]) == (service, "nightly", True, True)
    assert set(policies(cloud, service)) - set(before) == {result["policy_id"]}


@pytest.mark.parametrize("service", SERVICES)
def test_the_id_of_the_policy_is_an_xcom_of_its_own(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(OPERATORS[service](task_id="create", name="nightly", **ARGUMENTS[service]))
    result = run.execute()
    assert run.ti.xcom_pull(task_ids="create", key="policy_id", map_indexes=-1) == result["policy_id"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_policy_that_is_there_already_is_adopted_as_it_is(cloud: RunningCloud, service: str) -> None:
    first = create(service)
    second = create(service, schedule="daily at 04:00")
    assert (second["policy_id"], second["created"]) == (first["policy_id"], False)
    assert {key for key, value in second.items() if value != first[key]} <= {"created", "policy"}
    # The schedule is still the old one.
    assert "14" in str(second["policy"])
    assert "04:00" not in str(second["policy"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_policy_that_is_there_already_fails_the_task_when_the_author_says_so(
    cloud: RunningCloud, service: str
) -> None:
    first = create(service)
    before = policies(cloud, service)
    with pytest.raises(DuplicateNameError, match="'nightly'.*adopt") as caught:
        create(service, if_exists="fail")
    assert first["policy_id"] in str(caught.value)
    assert str(caught.value).startswith("Nothing was sent (if_exists is 'fail'): ")
    assert not isinstance(caught.value, ApiError)
    assert policies(cloud, service) == before


@pytest.mark.parametrize("service", SERVICES)
def test_a_policy_without_a_schedule_is_refused_with_the_name_of_the_argument(service: str) -> None:
    others = {name: value for name, value in ARGUMENTS[service].items() if name != "schedule"}
    with pytest.raises(
        InvalidRequestError, match=r"nothing was sent: schedule: one of schedule, .*policy must be given"
    ):
        OPERATORS[service](task_id="policy", name="nightly", **others)


@pytest.mark.parametrize("service", SERVICES)
def test_a_policy_whose_answer_cannot_be_read_is_found_and_not_made_again(cloud: RunningCloud, service: str) -> None:
    cloud.misbehave("not_json", service=service, method="POST", count=1)

    result = create(service)

    assert result["created"] is True
    assert len(policies(cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_another_name_that_begins_alike_is_not_adopted(cloud: RunningCloud, service: str) -> None:
    first = create(service, name="nightly-2")
    assert create(service)["policy_id"] != first["policy_id"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_model_makes_the_same_policy_as_the_arguments(wire: Wire, service: str) -> None:
    create(service)
    with_arguments = wire.sent_to(service, "POST")[-1].json
    wire.requests.clear()
    TaskRun(OPERATORS[service](task_id="create", policy=MODELS[service], if_exists="adopt")).run()
    assert wire.sent_to(service, "POST") == []
    assert MODELS[service].to_wire() == with_arguments.get("policy", with_arguments)


@pytest.mark.parametrize("service", SERVICES)
def test_the_model_creates_a_policy(cloud: RunningCloud, service: str) -> None:
    result = TaskRun(OPERATORS[service](task_id="create", policy=MODELS[service])).run()
    assert (result["name"], result["created"]) == ("nightly", True)


@pytest.mark.parametrize(
    ("service", "arguments"),
    [
        ("vbs", {"name": "nightly"}),
        ("vbs", {"schedule": "daily at 14:00"}),
        ("vbs", {"retention_num": 7}),
        ("vbs", {"retention_day": 7}),
        ("vbs", {"keep_first_backup_of_month": False}),
        ("vbs", {"enabled": False}),
        ("vbs", {"tags": {"team": "platform"}}),
        ("csbs", {"name": "nightly"}),
        ("csbs", {"servers": []}),
        ("csbs", {"max_backups": 7}),
        ("csbs", {"permanent": True}),
        ("csbs", {"description": "x"}),
        ("csbs", {"tags": {"team": "platform"}}),
        ("cbr", {"name": "nightly"}),
        ("cbr", {"patterns": ["FREQ=DAILY;BYHOUR=1;BYMINUTE=0"]}),
        ("cbr", {"enabled": False}),
        ("cbr", {"max_backups": 7}),
        ("cbr", {"full_backup_interval": 7}),
        ("cbr", {"destination_region": "eu-nl"}),
    ],
)
def test_the_model_and_an_argument_are_too_much(service: str, arguments: dict[str, Any]) -> None:
    (name,) = arguments
    with pytest.raises(InvalidRequestError, match=f"{name}: mutually exclusive with policy"):
        OPERATORS[service](task_id="create", policy=MODELS[service], **arguments)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("policy", [{"name": "nightly"}, "nightly", CbrPolicyUpdate(enabled=False)])
def test_something_else_than_the_model_is_refused(service: str, policy: Any) -> None:
    with pytest.raises(InvalidRequestError, match=rf"policy: must be a PolicyCreate of .*{service}"):
        OPERATORS[service](task_id="create", policy=policy)


def test_something_else_than_the_model_of_a_change_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"policy: must be a PolicyUpdate of .*cbr"):
        CbrUpdatePolicyOperator(task_id="update", policy_id=UUID, policy={"enabled": False})  # type: ignore[arg-type]


@pytest.mark.parametrize("service", SERVICES)
def test_an_unknown_way_with_existing_policies_is_refused(service: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"if_exists: must be one of adopt, fail \(given: 'replace'\)"):
        OPERATORS[service](task_id="create", name="nightly", **ARGUMENTS[service], if_exists="replace")


@pytest.mark.parametrize("service", SERVICES)
def test_a_policy_whose_answer_got_lost_is_found_and_not_made_again(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    before = policies(backup_cloud, service)
    with wire.losing_answers_to(is_post_to(service)):
        result = create(service)
    assert result["created"] is True
    assert len(wire.sent_to(service, "POST")) == 1
    assert set(policies(backup_cloud, service)) - set(before) == {result["policy_id"]}


def test_a_cloud_that_is_down_fails_the_task(wire: Wire) -> None:
    wire.down()
    with pytest.raises(CloudConnectionError):
        create("cbr")


def test_reading_a_policy_reports_its_servers(cloud: RunningCloud) -> None:
    policy_id = csbs_policy(cloud, servers=2)
    result = TaskRun(CsbsGetPolicyOperator(task_id="get", policy_id=policy_id)).run()
    assert result["policy_id"] == policy_id
    assert result["created"] is None
    assert result["resource_ids"] == resources(cloud, "servers")[:2]


def test_reading_a_policy_that_is_not_there_fails_the_task(cloud: RunningCloud) -> None:
    with pytest.raises(NotFoundError, match=r"CSBS\.3000"):
        TaskRun(CsbsGetPolicyOperator(task_id="get", policy_id=UUID)).run()


def test_changing_a_policy_that_is_not_there_fails_the_task(cloud: RunningCloud) -> None:
    with pytest.raises(NotFoundError, match=r"BackupService\.6000"):
        TaskRun(CbrUpdatePolicyOperator(task_id="update", policy_id=UUID, enabled=False)).run()


def test_a_policy_can_be_changed_with_the_model(cloud: RunningCloud) -> None:
    policy_id = create("cbr")["policy_id"]
    change = CbrPolicyUpdate(name="weekly")
    result = TaskRun(CbrUpdatePolicyOperator(task_id="update", policy_id=policy_id, policy=change)).run()
    assert (result["name"], result["policy"]["operation_definition"]["max_backups"]) == ("weekly", 7)


@pytest.mark.parametrize(
    "arguments", [{"name": "a"}, {"enabled": True}, {"schedule": "daily at 1:00"}, {"max_backups": 1}]
)
def test_the_model_of_a_change_and_an_argument_are_too_much(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="mutually exclusive with policy"):
        CbrUpdatePolicyOperator(task_id="update", policy_id=UUID, policy=CbrPolicyUpdate(name="b"), **arguments)


def test_a_change_can_be_repeated(cloud: RunningCloud) -> None:
    policy_id = create("cbr")["policy_id"]
    run = TaskRun(CbrUpdatePolicyOperator(task_id="update", policy_id=policy_id, max_backups=14))
    assert run.execute() == run.execute()


def test_a_change_whose_answer_got_lost_is_sent_again(wire: Wire) -> None:
    policy_id = create("cbr")["policy_id"]
    lost = 0

    def first_change(request: WireRequest) -> bool:
        nonlocal lost
        lost += request.method == "PUT"
        return request.method == "PUT" and lost == 1

    with wire.losing_answers_to(first_change):
        result = TaskRun(CbrUpdatePolicyOperator(task_id="update", policy_id=policy_id, max_backups=14)).run()
    assert result["policy"]["operation_definition"]["max_backups"] == 14
    assert len(wire.sent_to("cbr", "PUT")) == 2


@pytest.mark.parametrize(
    ("schedule", "time_zone", "start_time", "offset"),
    [
        ("daily at 00:00, 02:00, 04:00", "UTC+02:00", "22:00,00:00,02:00", "UTC+02:00"),
        ("daily at 05:30", "UTC+05:30", "00:00", "UTC+05:30"),
        ("daily at 05:00", "UTC", "05:00", None),
    ],
)
def test_the_times_of_a_vbs_policy_are_sent_in_utc_with_their_zone(
    wire: Wire, schedule: str, time_zone: str, start_time: str, offset: str | None
) -> None:
    create("vbs", schedule=schedule, time_zone=time_zone)
    sent = wire.sent_to("vbs", "POST")[0].json
    assert sent["scheduled_policy"]["start_time"] == start_time
    assert sent.get("time_zone") == offset


def test_the_days_of_a_cbr_policy_move_along_with_the_time(wire: Wire) -> None:
    create("cbr", schedule="Mon,Wed at 00:30", time_zone="UTC+02:00")
    sent = wire.sent_to("cbr", "POST")[0].json["policy"]
    assert sent["trigger"]["properties"]["pattern"] == ["FREQ=WEEKLY;BYDAY=TU,SU;BYHOUR=22;BYMINUTE=30"]


def test_a_refusal_of_the_service_keeps_its_code_and_the_request_id(cloud: RunningCloud) -> None:
    server = resources(cloud, "servers")[0]
    create("csbs", name="first", servers=[{"id": server, "name": "web"}])
    with pytest.raises(BackupError, match=r"csbs answered \d+ CSBS\.6004: .*\(request id [0-9a-f]{32}\)"):
        create("csbs", name="second", servers=[{"id": server, "name": "web"}])


def test_a_cbr_policy_reports_the_vaults_that_it_is_bound_to(cloud: RunningCloud) -> None:
    policy_id = create("cbr")["policy_id"]
    vault_id = cbr_vault(cloud)
    cloud.state.table("cbr.vaults")[vault_id]["policy_id"] = policy_id
    result = TaskRun(CbrUpdatePolicyOperator(task_id="update", policy_id=policy_id, enabled=False)).run()
    assert isinstance(result["resource_ids"], list)


def changed(cloud: RunningCloud, before: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    """Make a CBR policy with a definition, change it, and return the definition that the cloud has then."""
    policy_id = create("cbr")["policy_id"]
    row = cloud.state.table("cbr.policies")[policy_id]
    row["operation_definition"] = before
    TaskRun(CbrUpdatePolicyOperator(task_id="update", policy_id=policy_id, **arguments)).run()
    definition: dict[str, Any] = row["operation_definition"]
    return definition


HELD = {"max_backups": 14, "day_backups": 7, "year_backups": 0, "timezone": "UTC+08:00"}


def test_a_change_of_a_long_term_number_keeps_the_zone_and_the_other_numbers(cloud: RunningCloud) -> None:
    assert changed(cloud, HELD, day_backups=30) == {**HELD, "day_backups": 30}


def test_a_change_of_a_number_keeps_the_long_term_numbers(cloud: RunningCloud) -> None:
    assert changed(cloud, HELD, max_backups=-1) == {**HELD, "max_backups": -1}


def test_a_zone_alone_changes_the_zone(cloud: RunningCloud) -> None:
    assert changed(cloud, HELD, time_zone="UTC-05:30") == {**HELD, "timezone": "UTC-05:30"}


def test_a_schedule_with_a_zone_changes_the_zone_of_the_numbers_too(cloud: RunningCloud) -> None:
    assert changed(cloud, HELD, schedule="daily at 02:00", time_zone="UTC+02:00") == {**HELD, "timezone": "UTC+02:00"}


def test_a_schedule_without_a_zone_leaves_the_definition_alone_and_asks_nothing_first(wire: Wire) -> None:
    policy_id = create("cbr")["policy_id"]
    wire.requests.clear()
    TaskRun(CbrUpdatePolicyOperator(task_id="update", policy_id=policy_id, schedule="daily at 02:00")).run()
    (sent,) = [request for request in wire.requests if request.service == "cbr"]
    assert list(sent.json["policy"]) == ["trigger"]


def test_long_term_numbers_of_a_policy_without_a_zone_count_in_utc(cloud: RunningCloud) -> None:
    expected = {"max_backups": 7, "week_backups": 4, "timezone": "UTC+00:00"}
    assert changed(cloud, {"max_backups": 7}, week_backups=4) == expected


def test_a_change_of_the_destination_keeps_what_else_a_replication_policy_holds(cloud: RunningCloud) -> None:
    held = {"max_backups": 3, "destination_region": "eu-nl", "destination_project_id": "p", "enable_acceleration": True}
    assert changed(cloud, held, destination_region="eu-ch2") == {**held, "destination_region": "eu-ch2"}


def test_what_is_empty_or_off_is_not_repeated(cloud: RunningCloud) -> None:
    held = {"max_backups": 3, "destination_region": "", "destination_project_id": "", "enable_acceleration": False}
    assert changed(cloud, held, max_backups=5) == {"max_backups": 5}


@pytest.mark.parametrize("service", SERVICES)
def test_none_means_not_given_for_every_argument_of_a_new_policy(wire: Wire, service: str) -> None:
    needed = {"name", "huaweicloud_conn_id", *ARGUMENTS[service]}
    names = set(OPERATORS[service].template_fields) - needed
    create(service, name="first", **dict.fromkeys(names))
    create(service, name="other")
    first, other = (json.dumps(request.json) for request in wire.sent_to(service, "POST"))
    assert "time_zone" in names
    assert first.replace("first", "other") == other


def test_none_means_not_given_for_every_argument_of_a_change(cloud: RunningCloud) -> None:
    names = set(CbrUpdatePolicyOperator.template_fields) - {"huaweicloud_conn_id", "policy_id", "enabled"}
    assert changed(cloud, HELD, enabled=False, **dict.fromkeys(names)) == HELD


def test_a_bad_number_is_refused_before_the_policy_is_read(wire: Wire) -> None:
    with pytest.raises(InvalidRequestError, match="day_backups"):
        CbrUpdatePolicyOperator(task_id="update", policy_id=UUID, day_backups=101)
    templated = CbrUpdatePolicyOperator(task_id="update", policy_id=UUID, day_backups="{{ 101 }}")
    templated.day_backups = 101
    with pytest.raises(InvalidArgumentError, match="day_backups"):
        TaskRun(templated).run()
    assert not wire.requests

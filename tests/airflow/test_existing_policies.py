"""Policies are read, listed and deleted by operators, the same for every service that has them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.operators.cbr import (
    CbrApplyPolicyOperator,
    CbrCreatePolicyOperator,
    CbrDeletePolicyOperator,
    CbrGetPolicyOperator,
    CbrListPoliciesOperator,
)
from airflow_provider_backup.operators.csbs import (
    CsbsCreatePolicyOperator,
    CsbsDeletePolicyOperator,
    CsbsGetPolicyOperator,
    CsbsListPoliciesOperator,
)
from airflow_provider_backup.operators.vbs import (
    VbsCreatePolicyOperator,
    VbsDeletePolicyOperator,
    VbsGetPolicyOperator,
    VbsListPoliciesOperator,
)
from tests.airflow.invalid_arguments import UUID
from tests.airflow.recording_proxy import Wire, WireRequest
from tests.airflow.service_matrix import cbr_vault
from tests.airflow.task_runs import TaskRun

SERVICES = ("vbs", "csbs", "cbr")
CREATE: dict[str, Any] = {
    "vbs": VbsCreatePolicyOperator,
    "csbs": CsbsCreatePolicyOperator,
    "cbr": CbrCreatePolicyOperator,
}
GET: dict[str, Any] = {"vbs": VbsGetPolicyOperator, "csbs": CsbsGetPolicyOperator, "cbr": CbrGetPolicyOperator}
LIST: dict[str, Any] = {
    "vbs": VbsListPoliciesOperator,
    "csbs": CsbsListPoliciesOperator,
    "cbr": CbrListPoliciesOperator,
}
DELETE: dict[str, Any] = {
    "vbs": VbsDeletePolicyOperator,
    "csbs": CsbsDeletePolicyOperator,
    "cbr": CbrDeletePolicyOperator,
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "vbs": {"schedule": "daily at 14:00", "retention_num": 7},
    "csbs": {"schedule": "daily at 14:00", "max_backups": 7},
    "cbr": {"schedule": "daily at 14:00", "max_backups": 7},
}

pytestmark = pytest.mark.parametrize("service", SERVICES)


def create(service: str, name: str = "nightly") -> dict[str, Any]:
    """Create a policy, and return it."""
    created: dict[str, Any] = TaskRun(CREATE[service](task_id="create", name=name, **ARGUMENTS[service])).run()
    return created


def policies(cloud: RunningCloud, service: str) -> set[str]:
    """Return the ids of the policies that the cloud has."""
    return set(cloud.state.table(f"{service}.policies"))


@pytest.mark.usefixtures("cloud")
def test_a_policy_is_read(service: str) -> None:
    created = create(service)

    run = TaskRun(GET[service](task_id="get", policy_id=created["policy_id"]))
    result = run.execute()

    assert {**result, "policy": None} == {**created, "created": None, "policy": None}
    assert run.ti.xcom_pull("get", "policy_id", -1) == created["policy_id"]


@pytest.mark.usefixtures("cloud")
def test_reading_a_policy_that_is_not_there_fails_the_task(service: str) -> None:
    with pytest.raises(NotFoundError):
        TaskRun(GET[service](task_id="get", policy_id=UUID)).run()


@pytest.mark.usefixtures("cloud")
def test_all_policies_are_listed(service: str) -> None:
    ids = [create(service, name)["policy_id"] for name in ("nightly", "weekly")]

    listed = TaskRun(LIST[service](task_id="list")).run()

    assert sorted(each["policy_id"] for each in listed) == sorted(ids)
    assert {each["created"] for each in listed} == {None}


@pytest.mark.usefixtures("cloud")
def test_policies_of_one_name_are_listed(service: str) -> None:
    create(service, "nightly-2")
    policy_id = create(service)["policy_id"]

    listed = TaskRun(LIST[service](task_id="list", name="nightly")).run()

    assert [each["policy_id"] for each in listed] == [policy_id]


@pytest.mark.usefixtures("cloud")
def test_a_list_without_policies_is_empty(service: str) -> None:
    assert TaskRun(LIST[service](task_id="list")).run() == []


def test_a_policy_is_deleted_and_the_others_stay(cloud: RunningCloud, service: str) -> None:
    kept = create(service, "weekly")["policy_id"]
    policy_id = create(service)["policy_id"]

    result = TaskRun(DELETE[service](task_id="delete", policy_id=policy_id)).run()

    assert policies(cloud, service) == {kept}
    assert (result["id"], result["name"], result["state"]) == (policy_id, "nightly", "absent")
    assert (result["deleted"], result["changed"]) == (True, True)


@pytest.mark.usefixtures("cloud")
def test_deleting_a_policy_that_is_not_there_fails_the_task(service: str) -> None:
    with pytest.raises(NotFoundError):
        TaskRun(DELETE[service](task_id="delete", policy_id=UUID)).run()


@pytest.mark.usefixtures("cloud")
def test_a_policy_that_is_not_there_can_count_as_deleted(service: str) -> None:
    result = TaskRun(DELETE[service](task_id="delete", policy_id=UUID, if_missing="ignore")).run()

    assert (result["id"], result["deleted"], result["changed"]) == (UUID, False, False)


def test_a_deletion_whose_answer_got_lost_is_sent_again_and_succeeds(wire: Wire, service: str) -> None:
    policy_id = create(service)["policy_id"]

    def is_first_deletion(request: WireRequest) -> bool:
        return request.method == "DELETE" and len(wire.sent_to(service, "DELETE")) == 1

    with wire.losing_answers_to(is_first_deletion):
        result = TaskRun(DELETE[service](task_id="delete", policy_id=policy_id)).run()

    assert result["deleted"] is True
    assert len(wire.sent_to(service, "DELETE")) == 2


def test_an_unknown_way_with_missing_policies_is_refused(service: str) -> None:
    with pytest.raises(InvalidRequestError, match="if_missing: must be one of fail, ignore"):
        DELETE[service](task_id="delete", policy_id=UUID, if_missing="create")


@pytest.mark.usefixtures("cloud")
def test_an_id_that_turns_out_to_be_empty_fails_the_task_before_anything_is_sent(service: str) -> None:
    for operator in (GET[service], DELETE[service]):
        run = TaskRun(operator(task_id="policy", policy_id="{{ params.x }}"))
        run.operator.policy_id = ""
        with pytest.raises(InvalidArgumentError, match="policy_id: must be an id"):
            run.run()


def test_cbr_policies_of_one_vault_and_type_are_listed(cloud: RunningCloud, service: str) -> None:
    vault = cbr_vault(cloud)
    apply = CbrApplyPolicyOperator(task_id="apply", name="nightly", schedule="daily at 14:00", vault_ids=[vault])
    policy_id = TaskRun(apply).run()["id"]
    create(service, "weekly")

    of_vault = TaskRun(CbrListPoliciesOperator(task_id="list", vault_id=vault)).run()
    copies = TaskRun(CbrListPoliciesOperator(task_id="list", operation_type="replication")).run()

    assert [each["policy_id"] for each in of_vault] == [policy_id]
    assert of_vault[0]["resource_ids"] == [vault]
    assert copies == []

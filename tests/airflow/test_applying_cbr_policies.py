"""A CBR policy is brought to the described state: created, changed where it differs, bound, deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, NotFoundError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import AmbiguousNameError, InvalidArgumentError
from airflow_provider_backup.operators.cbr import CbrApplyPolicyOperator, CbrCreatePolicyOperator
from tests.airflow.invalid_arguments import UUID
from tests.airflow.killed_processes import kill_when
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import cbr_vault
from tests.airflow.task_runs import TaskRun

NIGHTLY: dict[str, Any] = {"name": "nightly", "schedule": "daily at 02:00", "max_backups": 14}
REGION: dict[str, Any] = {"destination_region": "eu-nl", "destination_project_id": "project-in-nl"}
COPIES: dict[str, Any] = {"operation_type": "replication", "schedule": "daily at 02:00", **REGION}
Row = dict[str, Any]


def operator(**arguments: Any) -> CbrApplyPolicyOperator:
    """Return the operator for a policy ``nightly``, with other arguments where they are given."""
    return CbrApplyPolicyOperator(task_id="apply", **{**NIGHTLY, **arguments})


def apply(**arguments: Any) -> dict[str, Any]:
    """Run the operator, and return its result."""
    result: dict[str, Any] = TaskRun(operator(**arguments)).run()
    return result


def changes(result: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the differences of a result by field."""
    return {each["field"]: (each["from"], each["to"]) for each in result["differences"]}


def policies(cloud: RunningCloud) -> dict[str, Row]:
    """Return the policies that the cloud has."""
    rows: dict[str, Row] = cloud.state.table("cbr.policies")
    return rows


def the_policy(cloud: RunningCloud) -> Row:
    """Return the only policy that the cloud has."""
    (row,) = policies(cloud).values()
    return row


def bindings(cloud: RunningCloud, vault_id: str) -> list[str]:
    """Return the policies that a vault is bound to."""
    return [each["policy_id"] for each in cloud.state.table("cbr.vaults")[vault_id]["bindings"]]


def writes(wire: Wire) -> list[str]:
    """Return the requests that change something, each with the last part of its path."""
    sent = [each for each in wire.sent_to("cbr") if each.method != "GET"]
    return [f"{each.method} {each.path.rpartition('/')[2]}" for each in sent]


def test_a_policy_is_created_and_bound(cloud: RunningCloud) -> None:
    vault = cbr_vault(cloud)

    result = apply(vault_ids=[vault])

    policy = the_policy(cloud)
    assert (policy["name"], policy["enabled"], policy["operation_type"]) == ("nightly", True, "backup")
    assert policy["operation_definition"] == {"max_backups": 14}
    assert policy["properties"]["pattern"] == ["FREQ=DAILY;INTERVAL=1;BYHOUR=2;BYMINUTE=00"]
    assert bindings(cloud, vault) == [policy["id"]]
    assert (result["id"], result["name"], result["created"], result["changed"]) == (policy["id"], "nightly", True, True)
    assert changes(result)["vault_ids"] == (None, [vault])


def test_a_policy_that_is_as_described_is_not_sent_again(wire: Wire, backup_cloud: RunningCloud) -> None:
    described = {"vault_ids": [cbr_vault(backup_cloud)], "day_backups": 7, "time_zone": "Europe/Berlin"}
    first = apply(**described)
    wire.requests.clear()

    second = apply(**described)

    assert writes(wire) == []
    assert (second["id"], second["changed"], second["differences"]) == (first["id"], False, [])


def test_only_what_differs_is_sent(wire: Wire) -> None:
    apply(day_backups=7)
    wire.requests.clear()

    result = apply(day_backups=7, max_backups=21)

    (request,) = wire.sent_to("cbr", "PUT")
    assert writes(wire) == [f"PUT {result['id']}"]
    assert request.json["policy"] == {
        "operation_definition": {"max_backups": 21, "day_backups": 7, "timezone": "UTC+00:00"}
    }
    assert changes(result) == {"max_backups": (14, 21)}


def test_what_is_not_described_stays(cloud: RunningCloud) -> None:
    apply(retention_duration_days=30, enabled=False)

    result = apply(max_backups=7)

    assert the_policy(cloud)["operation_definition"] == {"max_backups": 7, "retention_duration_days": 30}
    assert the_policy(cloud)["enabled"] is False
    assert changes(result) == {"max_backups": (14, 7)}


@pytest.mark.parametrize(
    "shown",
    [
        {"max_backups": "14", "day_backups": "7", "timezone": "UTC+01:00"},
        {"max_backups": 14, "retention_duration_days": -1, "day_backups": 7, "week_backups": 0, "timezone": "UTC+1:00"},
        {"max_backups": 14, "day_backups": 7, "timezone": "UTC+01:00", "enable_acceleration": False},
    ],
)
def test_what_the_service_writes_differently_is_no_difference(cloud: RunningCloud, shown: Row) -> None:
    apply()
    the_policy(cloud)["operation_definition"] = shown

    assert (
        apply(day_backups=7, retention_duration_days=-1, time_zone="UTC+01:00", schedule="daily at 03:00")[
            "differences"
        ]
        == []
    )


def test_rules_in_another_order_and_form_are_no_difference(cloud: RunningCloud) -> None:
    apply(schedule="Mon,Thu at 02:00, 14:00")
    the_policy(cloud)["properties"]["pattern"] = ["FREQ=WEEKLY;BYDAY=TH,MO;BYHOUR=14,2;BYMINUTE=0"]

    assert apply(schedule="Mon,Thu at 02:00, 14:00")["changed"] is False


def test_a_limit_is_removed_with_minus_one(cloud: RunningCloud) -> None:
    apply(retention_duration_days=30)

    assert changes(apply(max_backups=-1)) == {"max_backups": (14, -1)}
    assert apply(max_backups=-1)["changed"] is False
    assert the_policy(cloud)["operation_definition"]["retention_duration_days"] == 30


def test_a_policy_is_switched_off_and_on(cloud: RunningCloud) -> None:
    apply()

    assert changes(apply(enabled=False)) == {"enabled": (True, False)}
    assert the_policy(cloud)["enabled"] is False
    assert changes(apply(enabled=True)) == {"enabled": (False, True)}


def test_a_daily_run_keeps_local_time_over_daylight_saving(
    cloud: RunningCloud, later: Callable[[float], object]
) -> None:
    def run_on(month: int, day: int) -> dict[str, tuple[Any, Any]]:
        later(datetime(2031, month, day, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() - time.time())
        return changes(apply(time_zone="Europe/Berlin", day_backups=7))

    winter, summer = ["FREQ=DAILY;INTERVAL=1;BYHOUR=1;BYMINUTE=00"], ["FREQ=DAILY;INTERVAL=1;BYHOUR=0;BYMINUTE=00"]
    run_on(3, 28)
    assert the_policy(cloud)["properties"]["pattern"] == winter

    assert run_on(3, 29) == {}
    assert run_on(3, 30) == {"patterns": (winter, summer), "time_zone": ("UTC+01:00", "UTC+02:00")}
    assert run_on(3, 31) == {}
    assert run_on(10, 26) == {"patterns": (summer, winter), "time_zone": ("UTC+02:00", "UTC+01:00")}
    assert the_policy(cloud)["operation_definition"]["timezone"] == "UTC+01:00"


def test_a_vault_that_is_missing_is_bound_and_the_others_stay(cloud: RunningCloud) -> None:
    first, second = cbr_vault(cloud, servers=0), cbr_vault(cloud, servers=0)
    apply(vault_ids=[first])

    result = apply(vault_ids=[second])

    assert changes(result) == {"vault_ids": ([first], sorted([first, second]))}
    assert bindings(cloud, first) == bindings(cloud, second) == [result["id"]]


def test_the_policy_is_taken_off_other_vaults_only_when_the_author_says_so(cloud: RunningCloud) -> None:
    first, second = cbr_vault(cloud, servers=0), cbr_vault(cloud, servers=0)
    apply(vault_ids=[first])

    result = apply(vault_ids=[second], unbind_others=True)

    assert changes(result) == {"vault_ids": ([first], [second])}
    assert (bindings(cloud, first), bindings(cloud, second)) == ([], [result["id"]])


def test_without_vaults_in_the_description_bindings_are_left_alone(cloud: RunningCloud) -> None:
    vault = cbr_vault(cloud)
    policy_id = apply(vault_ids=[vault])["id"]

    apply(max_backups=3)

    assert bindings(cloud, vault) == [policy_id]


def test_another_policy_of_a_vault_is_replaced_and_named_in_the_log(
    cloud: RunningCloud, logged: Callable[[], str]
) -> None:
    vault = cbr_vault(cloud)
    other = apply(name="weekly", vault_ids=[vault])["id"]

    result = apply(vault_ids=[vault])

    assert bindings(cloud, vault) == [result["id"]]
    assert f"Vault {vault} was bound to CBR policy weekly ({other}), which is replaced." in logged()


def test_a_policy_with_an_id_is_renamed_and_needs_no_schedule(cloud: RunningCloud) -> None:
    policy_id = apply()["id"]

    result = apply(policy_id=policy_id, name="weekly", schedule=None, max_backups=None)

    assert changes(result) == {"name": ("nightly", "weekly")}
    assert (the_policy(cloud)["id"], the_policy(cloud)["name"]) == (policy_id, "weekly")


def test_a_policy_with_an_unknown_id_fails_the_task(cloud: RunningCloud) -> None:
    with pytest.raises(NotFoundError, match=r"BackupService\.6000"):
        apply(policy_id=UUID)
    assert policies(cloud) == {}


def test_two_policies_of_one_name_fail_the_task_with_the_ids_of_both(wire: Wire, backup_cloud: RunningCloud) -> None:
    first = apply()["id"]
    row = the_policy(backup_cloud)
    second = UUID
    backup_cloud.state.table("cbr.policies")[second] = {**row, "id": second}
    wire.requests.clear()

    with pytest.raises(AmbiguousNameError, match=r"CBR policy 'nightly'.*by its id \(policy_id\)") as caught:
        apply(max_backups=3)

    assert set(caught.value.ids) == {first, second}
    assert writes(wire) == []


def test_a_replication_policy_of_the_same_name_is_another_policy(cloud: RunningCloud) -> None:
    backup = apply()["id"]

    result = apply(**COPIES)

    assert result["created"] is True
    assert {row["operation_type"] for row in policies(cloud).values()} == {"backup", "replication"}
    assert result["id"] != backup


def test_the_type_of_a_policy_cannot_be_changed(wire: Wire) -> None:
    policy_id = apply()["id"]
    wire.requests.clear()

    with pytest.raises(InvalidArgumentError, match="operation_type: cannot be changed, the policy is for backup"):
        apply(policy_id=policy_id, **COPIES)

    assert writes(wire) == []


def test_a_replication_policy_is_bound_with_the_vault_that_receives_its_copies(cloud: RunningCloud) -> None:
    vault = cbr_vault(cloud)

    apply(**COPIES, vault_ids={vault: "copies-1"})
    result = apply(**COPIES, vault_ids={vault: "copies-2"})

    assert changes(result) == {"vault_ids": ({vault: "copies-1"}, {vault: "copies-2"})}
    (binding,) = cloud.state.table("cbr.vaults")[vault]["bindings"]
    assert binding == {"policy_id": result["id"], "destination_vault_id": "copies-2"}
    assert apply(**COPIES, vault_ids={vault: "copies-2"})["changed"] is False


def test_a_dry_run_reports_the_differences_and_sends_nothing_that_changes_anything(
    wire: Wire, backup_cloud: RunningCloud
) -> None:
    vault = cbr_vault(backup_cloud)
    wire.requests.clear()

    created = apply(vault_ids=[vault], dry_run=True)
    assert writes(wire) == []
    assert (created["id"], created["name"], created["created"], created["dry_run"]) == (None, "nightly", True, True)
    apply()
    wire.requests.clear()

    changed = apply(max_backups=3, vault_ids=[vault], dry_run=True)
    deleted = apply(state="absent", dry_run=True)

    assert writes(wire) == []
    assert changes(changed) == {"max_backups": (14, 3), "vault_ids": ([], [vault])}
    assert (deleted["changed"], deleted["deleted"], len(policies(backup_cloud))) == (True, True, 1)


def test_a_policy_that_shall_be_absent_is_deleted_once(wire: Wire, backup_cloud: RunningCloud) -> None:
    vault = cbr_vault(backup_cloud)
    policy_id = apply(vault_ids=[vault])["id"]
    wire.requests.clear()

    first = apply(state="absent", schedule=None)
    second = apply(state="absent", schedule=None)

    assert writes(wire) == [f"DELETE {policy_id}"]
    assert (policies(backup_cloud), bindings(backup_cloud, vault)) == ({}, [])
    assert (first["id"], first["deleted"], second["deleted"], second["changed"]) == (policy_id, True, False, False)


def test_a_vault_that_the_service_does_not_know_fails_the_task_and_the_next_run_finishes(cloud: RunningCloud) -> None:
    with pytest.raises(NotFoundError):
        apply(vault_ids=[UUID])
    vault = cbr_vault(cloud)

    result = apply(vault_ids=[vault])

    assert (result["created"], result["id"]) == (False, the_policy(cloud)["id"])
    assert bindings(cloud, vault) == [result["id"]]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"name": None}, "name: one of policy_id, name must be given"),
        (
            {"schedule": None},
            "schedule: one of schedule, patterns must be given, unless the policy is named by policy_id",
        ),
        ({"operation_type": "restore"}, "operation_type: must be one of backup, replication"),
        ({"vault_ids": "vault"}, "vault_ids: must be a list of the vaults"),
        ({"vault_ids": ["vault"], **COPIES}, "vault_ids: must map each vault of a replication policy"),
        ({"unbind_others": True}, "unbind_others: needs vault_ids"),
        ({"policy_id": " "}, "policy_id: must be an id"),
        ({"state": "off"}, "state: must be one of present, absent"),
    ],
)
def test_a_wrong_description_is_refused_while_the_dag_is_parsed(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(InvalidRequestError, match=error):
        operator(**arguments)


# What a task was doing when it was killed, or when the answer got lost: method and end of the path, what was there
# before, and what shall be.
STEPS: dict[str, tuple[str, str, dict[str, Any] | None, dict[str, Any]]] = {
    "create": ("POST", "/policies$", None, {"vault": True}),
    "change": ("PUT", "/policies/[^/]+$", {}, {"max_backups": 3, "vault": True}),
    "bind": ("POST", "/associatepolicy$", {}, {"max_backups": 3, "vault": True}),
    "unbind": ("POST", "/dissociatepolicy$", {"vault": True}, {"max_backups": 3, "only": True}),
    "delete": ("DELETE", "/policies/[^/]+$", {"vault": True}, {"state": "absent"}),
}


class Interrupted:
    """A description whose way there is interrupted at one request.

    :param cloud: the cloud, which has what was there before.
    :param step: the request.
    """

    def __init__(self, cloud: RunningCloud, step: str) -> None:
        self._cloud = cloud
        self._method, self._route, before, after = STEPS[step]
        self._vault = cbr_vault(cloud)
        self.described = self._arguments(after)
        if before is not None:
            apply(**self._arguments(before))

    def misbehave(self, kind: Any, **parameters: Any) -> None:
        """Let the request fail once."""
        route = f"^/v3/[^/]+.*{self._route}"
        self._cloud.misbehave(kind, service="cbr", method=self._method, route=route, count=1, **parameters)

    def snapshot(self) -> str:
        """Return all that the cloud has of policies and bindings."""
        return repr((policies(self._cloud), bindings(self._cloud, self._vault)))

    def check(self) -> None:
        """Require that the described state is there, once, and that the next run finds nothing to do."""
        assert apply(**self.described)["changed"] is False
        if self.described.get("state") == "absent":
            assert policies(self._cloud) == {}
            return
        policy = the_policy(self._cloud)
        assert policy["operation_definition"] == {"max_backups": self.described.get("max_backups", 14)}
        assert bindings(self._cloud, self._vault) == ([policy["id"]] if self.described["vault_ids"] else [])

    def _arguments(self, state: dict[str, Any]) -> dict[str, Any]:
        vaults = [self._vault] if state.get("vault") else []
        plain = {name: value for name, value in state.items() if name not in ("vault", "only")}
        return {**plain, "vault_ids": vaults, "unbind_others": "only" in state}


@pytest.fixture(params=STEPS)
def interrupted(cloud: RunningCloud, request: pytest.FixtureRequest) -> Interrupted:
    return Interrupted(cloud, request.param)


def test_a_run_that_is_killed_between_request_and_answer_is_finished_by_the_next(interrupted: Interrupted) -> None:
    interrupted.misbehave("delay", seconds=60, after_effect=True)
    before = interrupted.snapshot()
    run = TaskRun(operator(**interrupted.described, retries=1))
    kill_when(run, _comes_to(interrupted, before))

    run.retry()
    run.run()

    interrupted.check()


def _comes_to(interrupted: Interrupted, before: str) -> Callable[[], bool]:
    """Return the condition that the delayed request had its effect: the state stays another one for a while."""
    seen: list[str] = []

    def has_come() -> bool:
        seen.append(interrupted.snapshot())
        return seen[-1] != before and seen[-60:] == [seen[-1]] * 60

    return has_come


@pytest.mark.parametrize("kind", ["close_after", "half_body", "not_json"])
def test_a_run_whose_answer_gets_lost_finishes_by_itself(interrupted: Interrupted, kind: str) -> None:
    interrupted.misbehave(kind)

    result = apply(**interrupted.described)

    assert result["changed"] is True
    interrupted.check()


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("close_before", {}),
        ("server_error", {"status": 500}),
        ("server_error", {"status": 503}),
        ("refuse", {"status": 400, "code": "BackupService.9900"}),
        ("throttle", {"retry_after": 0}),
    ],
)
def test_a_request_without_effect_leaves_a_state_that_the_next_run_finishes(
    interrupted: Interrupted, kind: str, parameters: dict[str, Any]
) -> None:
    interrupted.misbehave(kind, **parameters)

    try:
        apply(**interrupted.described)
    except BackupError:
        apply(**interrupted.described)

    interrupted.check()


def test_a_policy_that_was_created_by_the_other_operator_is_taken_as_it_is(cloud: RunningCloud) -> None:
    created = TaskRun(CbrCreatePolicyOperator(task_id="create", **NIGHTLY)).run()

    result = apply()

    assert (result["id"], result["changed"]) == (created["policy_id"], False)

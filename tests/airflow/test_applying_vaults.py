"""Bringing vaults to a described state, reading and deleting them: nothing twice, and no backup lost by accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ResourceBusyError,
)
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import (
    AmbiguousNameError,
    BackupFailedError,
    BackupTimeoutError,
    InvalidArgumentError,
    VaultMissingError,
)
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.operators.cbr import (
    CbrApplyVaultOperator,
    CbrCreateBackupOperator,
    CbrCreatePolicyOperator,
    CbrDeleteVaultOperator,
    CbrGetVaultOperator,
    CbrListVaultsOperator,
)
from tests.airflow.task_runs import Deferred, TaskRun, event_of

UNKNOWN = "2d9f0c11-0d41-4f0f-9a51-27d1d6a40001"
Logged = Callable[[], str]


class Account:
    """An account with vaults.

    :param cloud: the local cloud.
    """

    def __init__(self, cloud: RunningCloud) -> None:
        self.cloud = cloud
        self.servers: list[str] = sorted(cloud.describe()["resources"]["servers"])

    @property
    def vaults(self) -> list[Row]:
        return list(self.cloud.state.table("cbr.vaults").values())

    @property
    def changes(self) -> int:
        """How many requests were sent that may change something."""
        return sum(
            number
            for (service, method, _), number in self.cloud.requests.items()
            if service == "cbr" and method != "GET"
        )

    def task(self, **arguments: Any) -> TaskRun:
        usual: dict[str, Any] = {"name": "app", "poll_interval": 0.05, "deferrable": False}
        if "vault_id" not in arguments:
            usual |= {"size": 1000, "object_type": "server"}
        return TaskRun(CbrApplyVaultOperator(task_id="apply", **{**usual, **arguments}))

    def apply(self, **arguments: Any) -> dict[str, Any]:
        result: dict[str, Any] = self.task(**arguments).run()
        return result

    def back_up(self) -> None:
        """Back up everything in the only vault."""
        (vault,) = self.vaults
        operator = CbrCreateBackupOperator(task_id="backup", vault_id=vault["id"], poll_interval=0.05, deferrable=False)
        TaskRun(operator).run()

    def policy(self, operation_type: str = "backup", name: str = "nightly") -> str:
        arguments: dict[str, Any] = {"schedule": "daily at 01:00", "operation_type": operation_type, "name": name}
        if operation_type == "replication":
            arguments |= {"destination_region": "eu-nl", "destination_project_id": "p"}
        return str(TaskRun(CbrCreatePolicyOperator(task_id="policy", **arguments)).run()["policy_id"])


@pytest.fixture
def account(cloud: RunningCloud) -> Account:
    cloud.set_backup_seconds(0)
    return Account(cloud)


def changed(result: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the differences of a result, by field."""
    return {each["field"]: (each["from"], each["to"]) for each in result["differences"]}


def whole(account: Account) -> dict[str, Any]:
    """Return a description with everything in it."""
    return {
        "size": 500,
        "object_type": "server",
        "protect_type": "backup",
        "consistent_level": "crash_consistent",
        "charging_mode": "post_paid",
        "description": "of the app",
        "backup_name_prefix": "app",
        "enterprise_project_id": "0",
        "tags": {"team": "a", "stage": ""},
        "auto_bind": True,
        "bind_rules": {"backup": "yes"},
        "auto_expand": True,
        "smn_notify": False,
        "threshold": 70,
        "resource_ids": account.servers[:2],
    }


# ------------------------------------------------------------------------------------------------------ create, change


def test_a_vault_that_is_absent_is_created_as_described(account: Account) -> None:
    policy_id = account.policy()

    result = account.apply(**whole(account), backup_policy_id=policy_id)

    (vault,) = account.vaults
    assert (result["id"], result["created"], result["changed"]) == (vault["id"], True, True)
    assert sorted(each["id"] for each in vault["resources"]) == account.servers[:2]
    assert [each["policy_id"] for each in vault["bindings"]] == [policy_id]
    assert {each["key"]: each["value"] for each in vault["tags"]} == {"team": "a", "stage": ""}


def test_a_vault_that_is_as_described_is_not_changed(account: Account) -> None:
    description = {**whole(account), "backup_policy_id": account.policy()}
    account.apply(**description)
    before = account.changes

    result = account.apply(**description)

    assert (result["changed"], result["differences"]) == (False, [])
    assert account.changes == before


def test_only_what_differs_is_changed(account: Account) -> None:
    account.apply(**whole(account))
    description = {**whole(account), "size": 600, "threshold": 80, "tags": {"team": "b"}}
    before = account.changes

    result = account.apply(**description)

    assert changed(result) == {
        "size": (500, 600),
        "threshold": (70, 80),
        "tags": ({"team": "a", "stage": ""}, {"team": "b"}),
    }
    (vault,) = account.vaults
    assert (vault["billing"]["size"], vault["threshold"], vault["tags"]) == (600, 80, [{"key": "team", "value": "b"}])
    # One change of the vault, one deletion of tags, one new value.
    assert account.changes == before + 3


def test_what_is_not_described_stays(account: Account) -> None:
    account.apply(**whole(account))
    (before,) = account.vaults

    account.apply(size=500)

    assert account.vaults == [before]


def test_a_dry_run_sends_nothing_that_changes_anything(account: Account) -> None:
    result = account.apply(dry_run=True, resource_ids=account.servers[:1])
    assert (result["created"], result["id"], account.changes, account.vaults) == (True, None, 0, [])

    account.apply()
    before = account.changes
    result = account.apply(dry_run=True, size=2000, resource_ids=account.servers[:1])

    assert changed(result) == {"size": (1000, 2000), "resource_ids": ([], account.servers[:1])}
    assert (result["changed"], result["dry_run"]) == (True, True)
    assert account.changes == before


def test_a_vault_is_renamed_by_its_id(account: Account) -> None:
    vault_id = account.apply()["id"]

    result = account.apply(vault_id=vault_id, name="other")

    assert changed(result) == {"name": ("app", "other")}
    assert account.vaults[0]["name"] == "other"


def test_a_name_that_two_vaults_have_changes_nothing(account: Account) -> None:
    first = account.apply()["id"]
    second = account.apply(name="other")["id"]
    account.apply(vault_id=second, name="app")
    before = account.changes

    with pytest.raises(AmbiguousNameError, match=first):
        account.apply(size=2000)

    assert account.changes == before


def test_a_vault_id_that_is_unknown_creates_nothing(account: Account) -> None:
    with pytest.raises(NotFoundError):
        account.apply(vault_id=UNKNOWN)

    assert account.vaults == []


# ------------------------------------------------------------------------------------------------------------- policies


def test_policies_are_bound_and_taken_off(account: Account) -> None:
    first, second = account.policy(), account.policy(name="weekly")
    copying = account.policy("replication", "copies")
    destination = account.apply(name="copies", protect_type="replication")["id"]

    account.apply(backup_policy_id=first)
    account.apply(backup_policy_id=second, replication_policy_id=copying, destination_vault_id=destination)
    vault = next(each for each in account.vaults if each["name"] == "app")
    assert vault["bindings"] == [
        {"policy_id": second, "destination_vault_id": None},
        {"policy_id": copying, "destination_vault_id": destination},
    ]

    result = account.apply(backup_policy_id="", replication_policy_id="")
    assert changed(result) == {"backup_policy_id": (second, ""), "replication_policy_id": (copying, "")}
    assert vault["bindings"] == []


def test_another_destination_of_copies_is_a_difference(account: Account) -> None:
    copying = account.policy("replication", "copies")
    first, second = (account.apply(name=name, protect_type="replication")["id"] for name in ("c1", "c2"))
    account.apply(replication_policy_id=copying, destination_vault_id=first)

    result = account.apply(replication_policy_id=copying, destination_vault_id=second)

    assert changed(result) == {"destination_vault_id": (first, second)}
    assert account.apply(replication_policy_id=copying, destination_vault_id=second)["changed"] is False


# ------------------------------------------------------------------------------------------------------------ resources


def test_resources_are_added_to_those_that_are_there(account: Account, logged: Logged) -> None:
    account.apply(resource_ids=account.servers[:1])
    account.back_up()

    result = account.apply(resource_ids=account.servers[1:2])

    assert changed(result) == {"resource_ids": (account.servers[:1], account.servers[:2])}
    assert (
        f"1 resources are not described and stay in the vault, as delete_backups is not set: {account.servers[0]}"
        in (logged())
    )
    assert account.cloud.state.table("cbr.backups")


def test_a_resource_is_described_with_its_type_and_disks(account: Account) -> None:
    server = {"id": account.servers[0], "type": "OS::Nova::Server", "extra_info": {"exclude_volumes": [UNKNOWN]}}

    account.apply(resource_details=[server])

    (resource,) = account.vaults[0]["resources"]
    assert resource["extra_info"] == {"exclude_volumes": [UNKNOWN]}
    assert account.apply(resource_ids=[account.servers[0].upper()])["changed"] is False


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_resource_is_removed_with_its_backups_when_that_is_said(account: Account, deferrable: bool) -> None:
    account.apply(resource_ids=account.servers[:2])
    account.back_up()
    account.cloud.set_backup_seconds(0.4)

    result = account.apply(resource_ids=account.servers[:1], delete_backups=True, deferrable=deferrable)

    assert changed(result) == {"resource_ids": (account.servers[:2], account.servers[:1])}
    (resource,) = CbrHook().run(lambda cbr: cbr.vaults.get(result["id"])).resources
    assert resource.id == account.servers[0]
    assert [each["resource_id"] for each in account.cloud.state.table("cbr.backups").values()] == account.servers[:1]


def test_the_task_need_not_wait_for_a_removal(account: Account) -> None:
    account.apply(resource_ids=account.servers[:2])
    account.cloud.set_backup_seconds(3600)

    account.apply(resource_ids=account.servers[:1], delete_backups=True, wait_for_completion=False)

    assert sum(each["removal"] is not None for each in account.vaults[0]["resources"]) == 1


def test_a_removal_that_does_not_end_times_out_and_the_next_run_waits_for_it(account: Account) -> None:
    account.apply(resource_ids=account.servers[:2])
    account.cloud.set_backup_seconds(3600)
    description: dict[str, Any] = {"resource_ids": account.servers[:1], "delete_backups": True}
    with pytest.raises(BackupTimeoutError, match="removal of 1 resources from cbr vault"):
        account.apply(**description, timeout=0.3)
    before = account.changes

    with pytest.raises(BackupTimeoutError):
        account.apply(**description, timeout=0.3)

    assert account.changes == before


def test_a_removal_that_fails_is_reported_and_requested_again(account: Account) -> None:
    account.apply(resource_ids=account.servers[:2])
    description: dict[str, Any] = {"resource_ids": account.servers[:1], "delete_backups": True}
    account.cloud.state.plan_failure("cbr.deletion", "The snapshot is in use.")
    with pytest.raises(BackupFailedError, match="The snapshot is in use"):
        account.apply(**description)

    assert account.apply(**description)["changed"] is True
    assert account.apply(**description)["changed"] is False


def test_a_resource_that_is_leaving_is_not_added(account: Account) -> None:
    account.apply(resource_ids=account.servers[:2])
    account.cloud.set_backup_seconds(3600)
    account.apply(resource_ids=account.servers[:1], delete_backups=True, wait_for_completion=False)

    with pytest.raises(ResourceBusyError, match="an earlier removal"):
        account.apply(resource_ids=account.servers[:2])


def test_a_resource_that_is_being_backed_up_is_not_removed(account: Account) -> None:
    account.apply(resource_ids=account.servers[:2])
    account.cloud.set_backup_seconds(3600)
    vault_id = account.vaults[0]["id"]
    TaskRun(CbrCreateBackupOperator(task_id="backup", vault_id=vault_id, wait_for_completion=False)).run()

    with pytest.raises(ResourceBusyError):
        account.apply(resource_ids=account.servers[:1], delete_backups=True)


# -------------------------------------------------------------------------------------------------------- size, locking


def test_a_vault_that_has_grown_by_itself_is_as_described(account: Account) -> None:
    account.apply(auto_expand=True)
    account.vaults[0]["billing"]["size"] = 1250

    assert account.apply(auto_expand=True)["changed"] is False
    assert changed(account.apply(auto_expand=False)) == {"auto_expand": (True, False), "size": (1250, 1000)}


def test_a_vault_does_not_become_smaller_than_its_backups(account: Account) -> None:
    account.apply(resource_ids=account.servers)
    account.back_up()
    before = account.changes

    with pytest.raises(InvalidArgumentError, match=r"size: must be \d+ or more, as the backups in the vault take so"):
        account.apply(size=10)

    assert account.changes == before


def test_a_vault_is_locked_only_with_a_confirmation(account: Account) -> None:
    with pytest.raises(InvalidRequestError, match="locked: needs irreversible=True"):
        account.task(locked=True)
    account.apply()

    account.apply(locked=True, irreversible=True)

    assert account.vaults[0]["locked"] is True
    assert account.apply(locked=True, irreversible=True)["changed"] is False
    with pytest.raises(InvalidArgumentError, match="locked: cannot be False"):
        account.apply(locked=False)


def test_resources_leave_before_the_vault_is_locked(account: Account) -> None:
    account.apply(resource_ids=account.servers[:2])

    account.apply(resource_ids=account.servers[:1], delete_backups=True, locked=True, irreversible=True)

    assert account.vaults[0]["locked"] is True
    with pytest.raises(InvalidArgumentError, match="a locked vault lets no resource go"):
        account.apply(resource_ids=[], delete_backups=True)


def test_what_is_fixed_at_the_creation_is_refused_before_anything_is_sent(account: Account) -> None:
    account.apply()
    before = account.changes

    with pytest.raises(InvalidArgumentError, match="object_type: cannot be changed after the creation"):
        account.apply(object_type="disk")

    assert account.changes == before


# ------------------------------------------------------------------------------------------------------------- deletion


def test_a_vault_without_backups_is_deleted(account: Account) -> None:
    account.apply(resource_ids=account.servers[:1])

    result = account.apply(state="absent")

    assert (result["deleted"], result["changed"], account.vaults) == (True, True, [])
    assert account.apply(state="absent")["changed"] is False


def test_a_vault_with_backups_is_deleted_only_when_that_is_said(account: Account) -> None:
    account.apply(resource_ids=account.servers[:1])
    account.back_up()
    with pytest.raises(InvalidArgumentError, match="delete_backups: must be True: the vault 'app'"):
        account.apply(state="absent")
    assert len(account.vaults) == 1

    account.apply(state="absent", delete_backups=True)

    assert account.vaults == []


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_vault_is_deleted_by_its_id(account: Account, deferrable: bool) -> None:
    vault_id = account.apply(resource_ids=account.servers[:1])["id"]
    account.back_up()
    arguments: dict[str, Any] = {"vault_id": vault_id, "poll_interval": 0.05, "deferrable": deferrable}
    with pytest.raises(InvalidArgumentError, match="delete_backups: must be True"):
        TaskRun(CbrDeleteVaultOperator(task_id="delete", **arguments)).run()
    assert len(account.vaults) == 1

    result = TaskRun(CbrDeleteVaultOperator(task_id="delete", delete_backups=True, **arguments)).run()

    assert (result, account.vaults) == ({"service": "cbr", "vault_id": vault_id}, [])


def test_a_vault_that_is_missing_is_reported_unless_that_does_not_matter(account: Account) -> None:
    with pytest.raises(VaultMissingError, match=f"cbr vault {UNKNOWN} does not exist"):
        TaskRun(CbrDeleteVaultOperator(task_id="delete", vault_id=UNKNOWN)).run()

    result = TaskRun(CbrDeleteVaultOperator(task_id="delete", vault_id=UNKNOWN, if_missing="ignore")).run()
    assert result["vault_id"] == UNKNOWN


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_deletion_waits_for_a_backup_that_is_being_made(account: Account, deferrable: bool) -> None:
    vault_id = account.apply(resource_ids=account.servers[:1])["id"]
    account.cloud.set_backup_seconds(0.4)
    TaskRun(CbrCreateBackupOperator(task_id="backup", vault_id=vault_id, wait_for_completion=False)).run()

    arguments: dict[str, Any] = {"vault_id": vault_id, "delete_backups": True, "poll_interval": 0.05}
    TaskRun(CbrDeleteVaultOperator(task_id="delete", deferrable=deferrable, **arguments)).run()

    assert account.vaults == []


# -------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("POST", "/v3/{project_id}/vaults"),
        ("PUT", "/v3/{project_id}/vaults/{vault_id}"),
        ("POST", "/v3/{project_id}/vaults/{vault_id}/addresources"),
        ("POST", "/v3/{project_id}/vault/{vault_id}/tags/action"),
        ("POST", "/v3/{project_id}/vaults/{vault_id}/associatepolicy"),
        ("POST", "/v3/{project_id}/vaults/{vault_id}/removeresources"),
    ],
)
@pytest.mark.parametrize("kind", ["close_after", "half_body"])
def test_a_lost_answer_changes_nothing_twice(account: Account, kind: Any, method: str, route: str) -> None:
    policy_id = account.policy()
    if route.count("/") > 3:
        account.apply(size=500, resource_ids=account.servers[1:2])
    description = {
        "size": 600,
        "tags": {"team": "a"},
        "resource_ids": account.servers[:1],
        "backup_policy_id": policy_id,
        "delete_backups": True,
    }
    account.cloud.misbehave(kind, service="cbr", method=method, route=route, count=1)

    account.apply(**description)

    assert account.apply(**description)["changed"] is False
    (vault,) = account.vaults
    assert [each["id"] for each in vault["resources"] if each["removal"] is None] == account.servers[:1]


def test_a_run_that_was_killed_in_the_middle_is_finished_by_the_next_one(account: Account) -> None:
    description = {"size": 600, "tags": {"team": "a"}, "resource_ids": account.servers[:2]}
    account.apply(size=500)
    account.cloud.misbehave(
        "refuse",
        service="cbr",
        route="/v3/{project_id}/vaults/{vault_id}/addresources",
        status=403,
        code="BackupService.8600",
    )
    with pytest.raises(PermissionDeniedError):
        account.apply(**description)
    account.cloud.behave()
    assert account.vaults[0]["billing"]["size"] == 600

    result = account.apply(**description)

    assert set(changed(result)) == {"resource_ids"}
    assert account.apply(**description)["changed"] is False


# ------------------------------------------------------------------------------------------------------------ get, list


def test_a_vault_is_read_with_its_policies(account: Account) -> None:
    policy_id = account.policy()
    vault_id = account.apply(resource_ids=account.servers[:1], tags={"team": "a"}, backup_policy_id=policy_id)["id"]

    assert TaskRun(CbrGetVaultOperator(task_id="get", vault_id=vault_id)).run() == {
        "service": "cbr",
        "id": vault_id,
        "name": "app",
        "status": "available",
        "object_type": "server",
        "protect_type": "backup",
        "consistent_level": "crash_consistent",
        "size_gb": 1000,
        "used_mb": 0,
        "locked": False,
        "auto_bind": False,
        "auto_expand": False,
        "tags": {"team": "a"},
        "resource_ids": account.servers[:1],
        "backup_policy_id": policy_id,
        "replication_policy_id": None,
    }


def test_vaults_are_listed_by_what_they_have(account: Account) -> None:
    policy_id = account.policy()
    first = account.apply(resource_ids=account.servers[:1], backup_policy_id=policy_id)["id"]
    second = account.apply(name="disks", object_type="disk")["id"]

    def ids(**filters: Any) -> list[str]:
        return sorted(each["id"] for each in TaskRun(CbrListVaultsOperator(task_id="list", **filters)).run())

    assert ids() == sorted([first, second])
    assert ids(object_type="disk") == ids(name="disks") == [second]
    assert ids(policy_id=policy_id) == ids(resource_ids=[UNKNOWN, account.servers[0]]) == [first]
    assert ids(protect_type="replication") == []
    listed = TaskRun(CbrListVaultsOperator(task_id="list", name="app")).run()
    assert [each["backup_policy_id"] for each in listed] == [policy_id]


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"size": 9}, "size"),
        ({"size": None}, "size"),
        ({"object_type": None}, "object_type"),
        ({"object_type": "car"}, "object_type"),
        ({"charging_mode": "pre_paid"}, "charging_mode"),
        ({"name": "a b"}, "name"),
        ({"name": None}, "name"),
        ({"tags": {"": "a"}}, "tags"),
        ({"tags": {f"k{number}": "" for number in range(21)}}, "tags"),
        ({"bind_rules": {}}, "bind_rules"),
        ({"threshold": 101}, "threshold"),
        ({"locked": True}, "locked"),
        ({"resource_ids": [UNKNOWN, UNKNOWN.upper()]}, "resource_ids"),
        ({"resource_ids": [""]}, "resource_ids"),
        ({"resource_ids": UNKNOWN}, "resource_ids"),
        ({"resource_details": [{"id": UNKNOWN, "type": "OS::Cinder::Volume"}]}, "resource_details"),
        ({"resource_details": [{"id": UNKNOWN}]}, "resource_details"),
        ({"replication_policy_id": UNKNOWN}, "replication_policy_id"),
        ({"destination_vault_id": UNKNOWN}, "destination_vault_id"),
        ({"protect_type": "replication", "backup_policy_id": UNKNOWN}, "backup_policy_id"),
        ({"auto_bind": True, "resource_ids": [UNKNOWN], "delete_backups": True}, "delete_backups"),
        ({"vault_id": " "}, "vault_id"),
        ({"state": "gone"}, "state"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_wrong_arguments_are_rejected_while_the_dag_is_parsed(
    account: Account, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequestError, match=field):
        account.task(**arguments)


@pytest.mark.parametrize("filters", [{"object_type": "car"}, {"resource_ids": []}, {"resource_ids": UNKNOWN}])
def test_wrong_filters_are_rejected_while_the_dag_is_parsed(filters: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match=next(iter(filters))):
        CbrListVaultsOperator(task_id="list", **filters)


def test_the_trigger_knows_what_is_removed(account: Account) -> None:
    account.apply(resource_ids=account.servers[:2])
    account.cloud.set_backup_seconds(0.4)
    run = account.task(resource_ids=account.servers[:1], delete_backups=True, deferrable=True)

    deferred = run.execute()

    assert isinstance(deferred, Deferred)
    reference = deferred.trigger_arguments["reference"]
    assert (reference["operation"], reference["parts"]) == ("vault_deletion", account.servers[1:2])
    event = event_of(deferred.rebuilt())
    assert event["phase"] == "good"
    assert run.resume(deferred.method_name, event=event)["changed"] is True

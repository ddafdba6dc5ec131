"""Automatic and offsite backup policies of database instances, brought to a described state (databases section 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    ApiError,
    BackupError,
    InvalidRequestError,
    NotFoundError,
    ResourceBusyError,
    ServerError,
)
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.rds import EmulatedRds
from airflow_provider_backup.emulator.services.registry import SERVICES
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.operators.gaussdb import (
    GaussDbApplyBackupPolicyOperator,
    GaussDbGetBackupPolicyOperator,
)
from airflow_provider_backup.operators.rds import (
    RdsApplyBackupPolicyOperator,
    RdsApplyOffsiteBackupPolicyOperator,
    RdsGetBackupPolicyOperator,
)
from airflow_provider_backup.operators.taurusdb import (
    TaurusDbApplyBackupPolicyOperator,
    TaurusDbGetBackupPolicyOperator,
)
from tests.airflow.recording_proxy import Wire
from tests.airflow.task_runs import TaskRun

APPLY: dict[str, Any] = {
    "rds": RdsApplyBackupPolicyOperator,
    "gaussdb": GaussDbApplyBackupPolicyOperator,
    "taurusdb": TaurusDbApplyBackupPolicyOperator,
}
GET: dict[str, Any] = {
    "rds": RdsGetBackupPolicyOperator,
    "gaussdb": GaussDbGetBackupPolicyOperator,
    "taurusdb": TaurusDbGetBackupPolicyOperator,
}
OWN: dict[str, dict[str, Any]] = {
    "rds": {},
    "gaussdb": {"differential_period": 60, "rate_limit": 0, "prefetch_block": 128, "file_split_size": 8},
    "taurusdb": {"retention_num_backup_level1": 1},
}
WEEKLY: dict[str, Any] = {"keep_days": 30, "schedule": "Mon,Thu 22:00", "time_zone": "UTC-04:00"}
"""In UTC on Tuesday and Friday."""
EVERY_DAY = "1,2,3,4,5,6,7"
OFFSITE: dict[str, Any] = {
    "destination_region": "eu-nl",
    "destination_project_id": "10ca1c100d0000000000000000000002",
    "keep_days": 30,
}
services = pytest.mark.parametrize("service", list(APPLY))


def instance_of(cloud: RunningCloud, service: str, number: int = 0) -> str:
    """Return the id of a seeded instance."""
    return str(cloud.describe()["resources"][f"{service}_instances"][number])


def policy_of(cloud: RunningCloud, service: str, number: int = 0) -> Row:
    """Return the policy that the local cloud keeps."""
    return cloud.state.table(f"{service}.policies")[instance_of(cloud, service, number)]


def apply(cloud: RunningCloud, service: str, number: int = 0, **arguments: Any) -> dict[str, Any]:
    """Run the operator, and return its result."""
    instance_id = instance_of(cloud, service, number)
    operator = APPLY[service](task_id="apply", instance_id=instance_id, **arguments)
    result: dict[str, Any] = TaskRun(operator).run()
    return result


def copying(cloud: RunningCloud, number: int = 0, **arguments: Any) -> dict[str, Any]:
    """Run the operator for copies in another region, and return its result."""
    instance_id = instance_of(cloud, "rds", number)
    operator = RdsApplyOffsiteBackupPolicyOperator(task_id="copy", instance_id=instance_id, **{**OFFSITE, **arguments})
    result: dict[str, Any] = TaskRun(operator).run()
    return result


def copied(cloud: RunningCloud) -> dict[str, int]:
    """Return the days of each type of backup that the first instance copies."""
    policies = cloud.state.table("rds.offsite_policies")
    days: dict[str, int] = policies.get(instance_of(cloud, "rds"), {"days": {}})["days"]
    return days


def changes_of(result: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the differences of a result by field."""
    return {each["field"]: (each["from"], each["to"]) for each in result["differences"]}


# Automatic backups


@services
def test_a_policy_is_brought_to_its_description(cloud: RunningCloud, service: str) -> None:
    result = apply(cloud, service, **WEEKLY, **OWN[service])

    held = policy_of(cloud, service)
    assert (held["keep_days"], held["start_time"], held["period"]) == (30, "02:00-03:00", "2,5")
    assert {name: int(held[name]) for name in OWN[service]} == OWN[service]
    assert changes_of(result) == {
        "keep_days": (7, 30),
        "start_time": ("01:00-02:00", "02:00-03:00"),
        "period": (EVERY_DAY, "2,5"),
        **{name: (int(first), OWN[service][name]) for name, first in FIRST_OWN[service].items()},
    }
    assert (result["service"], result["kind"], result["id"]) == (service, "backup_policy", instance_of(cloud, service))
    assert (result["changed"], result["created"], result["deleted"]) == (True, False, False)


FIRST_OWN: dict[str, dict[str, int]] = {
    "rds": {},
    "gaussdb": {"differential_period": 30, "rate_limit": 75, "prefetch_block": 64, "file_split_size": 4},
    "taurusdb": {"retention_num_backup_level1": 0},
}


@services
def test_a_policy_that_is_as_described_is_not_sent_again(wire: Wire, backup_cloud: RunningCloud, service: str) -> None:
    apply(backup_cloud, service, **WEEKLY, **OWN[service])
    before = len(wire.requests)

    result = apply(backup_cloud, service, **WEEKLY, **OWN[service])

    assert (result["changed"], result["differences"]) == (False, [])
    assert {request.method for request in wire.requests[before:] if service in request.service} == {"GET"}


@services
def test_what_is_not_described_stays(cloud: RunningCloud, service: str) -> None:
    apply(cloud, service, **WEEKLY, **OWN[service])
    before = dict(policy_of(cloud, service))

    result = apply(cloud, service, keep_days=60)

    assert changes_of(result) == {"keep_days": (30, 60)}
    assert policy_of(cloud, service) == {**before, "keep_days": 60}


@services
def test_a_dry_run_tells_what_differs_and_changes_nothing(
    cloud: RunningCloud, service: str, logged: Callable[[], str]
) -> None:
    before = dict(policy_of(cloud, service))

    result = apply(cloud, service, keep_days=60, dry_run=True)

    assert changes_of(result) == {"keep_days": (7, 60)}
    assert (result["changed"], result["dry_run"]) == (True, True)
    assert policy_of(cloud, service) == before
    assert "keep_days: 7 -> 60 (dry_run: is not changed)" in logged()


@services
def test_each_instance_of_many_has_a_result_of_its_own(cloud: RunningCloud, service: str) -> None:
    apply(cloud, service, 1, keep_days=30)

    results = [apply(cloud, service, number, keep_days=30) for number in (0, 1)]

    assert [result["changed"] for result in results] == [True, False]


@pytest.mark.parametrize(
    ("day", "window"),
    [(datetime(2031, 1, 15, 12, tzinfo=UTC), "01:00-02:00"), (datetime(2031, 7, 15, 12, tzinfo=UTC), "00:00-01:00")],
)
def test_a_policy_that_is_applied_every_day_keeps_its_local_time_over_daylight_saving(
    cloud: RunningCloud, later: Callable[[float], object], day: datetime, window: str
) -> None:
    ahead = day - datetime.now(UTC)
    later(ahead.total_seconds())
    cloud.state.now = lambda: datetime.now(UTC) + ahead

    apply(cloud, "gaussdb", schedule="daily at 02:00", time_zone="Europe/Berlin")

    assert policy_of(cloud, "gaussdb")["start_time"] == window


def test_automatic_backups_are_switched_off_only_when_that_is_allowed(cloud: RunningCloud) -> None:
    with pytest.raises(InvalidRequestError, match="allow_disable: must be True"):
        apply(cloud, "rds", state="absent")
    assert policy_of(cloud, "rds")["keep_days"] == 7

    result = apply(cloud, "rds", state="absent", allow_disable=True)

    assert policy_of(cloud, "rds")["keep_days"] == 0
    assert (result["deleted"], changes_of(result)) == (True, {"state": ("present", "absent")})


def test_what_is_off_already_is_left_alone(wire: Wire, backup_cloud: RunningCloud) -> None:
    apply(backup_cloud, "rds", state="absent", allow_disable=True)
    before = len(wire.requests)

    result = apply(backup_cloud, "rds", state="absent", allow_disable=True, reserve_backups=False)

    assert (result["changed"], result["deleted"]) == (False, False)
    assert "PUT" not in {request.method for request in wire.requests[before:]}


@pytest.mark.parametrize(("reserve", "left"), [(True, 1), (False, 0)])
def test_old_backups_stay_unless_they_shall_go(cloud: RunningCloud, reserve: bool, left: int) -> None:
    apply(cloud, "rds", state="absent", allow_disable=True, reserve_backups=reserve)

    backups = cloud.state.table("rds.backups").values()
    stay = [row for row in backups if row["instance_id"] == instance_of(cloud, "rds") and not row["gone_at"]]
    assert len(stay) == left


def test_a_dry_run_switches_nothing_off(cloud: RunningCloud) -> None:
    result = apply(cloud, "rds", state="absent", allow_disable=True, dry_run=True)

    assert (result["deleted"], policy_of(cloud, "rds")["keep_days"]) == (True, 7)


def test_automatic_backups_are_switched_on_again(cloud: RunningCloud) -> None:
    apply(cloud, "rds", state="absent", allow_disable=True)

    result = apply(cloud, "rds", keep_days=14, schedule="daily at 03:15")

    held = policy_of(cloud, "rds")
    assert (held["keep_days"], held["start_time"], held["period"]) == (14, "03:15-04:15", EVERY_DAY)
    assert (result["created"], result["differences"][0]["field"]) == (True, "state")


@pytest.mark.parametrize("dry_run", [False, True])
def test_half_a_description_cannot_switch_automatic_backups_on(cloud: RunningCloud, dry_run: bool) -> None:
    apply(cloud, "rds", state="absent", allow_disable=True)

    with pytest.raises(InvalidArgumentError, match="schedule: must be given: automatic backups of .* are off"):
        apply(cloud, "rds", keep_days=14, dry_run=dry_run)


@pytest.mark.parametrize("service", ["gaussdb", "taurusdb"])
def test_services_that_cannot_switch_off_say_so(cloud: RunningCloud, service: str) -> None:
    with pytest.raises(InvalidRequestError, match="no way to switch automatic backups off"):
        apply(cloud, service, state="absent")


@services
def test_a_change_whose_answer_is_lost_counts_once_it_is_seen(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    with wire.losing_answers_to(lambda request: request.method == "PUT"):
        result = apply(backup_cloud, service, keep_days=60, schedule="Mon 02:00", **OWN[service])

    assert (result["changed"], policy_of(backup_cloud, service)["keep_days"]) == (True, 60)
    assert apply(backup_cloud, service, keep_days=60, schedule="Mon 02:00", **OWN[service])["changed"] is False


@services
def test_a_change_that_does_not_get_through_fails_and_the_next_run_makes_it(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    with wire.failing(lambda request: request.method == "PUT"), pytest.raises(ServerError):
        apply(backup_cloud, service, keep_days=60)

    assert apply(backup_cloud, service, keep_days=60)["changed"] is True
    assert policy_of(backup_cloud, service)["keep_days"] == 60


@services
def test_a_task_that_was_killed_before_its_request_is_finished_by_the_next_run(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(APPLY[service], "change", die)
        with pytest.raises(KeyboardInterrupt):
            apply(cloud, service, keep_days=60)

    assert apply(cloud, service, keep_days=60)["changed"] is True
    assert policy_of(cloud, service)["keep_days"] == 60


@services
def test_a_zone_without_a_schedule_is_rejected(cloud: RunningCloud, service: str) -> None:
    with pytest.raises(InvalidRequestError, match="time_zone: needs schedule"):
        apply(cloud, service, keep_days=30, time_zone="Europe/Berlin")


@services
def test_an_instance_that_does_not_exist_is_not_found(cloud: RunningCloud, service: str) -> None:
    unknown = "0" * 32 + instance_of(cloud, service)[-4:]
    with pytest.raises(NotFoundError):
        TaskRun(APPLY[service](task_id="apply", instance_id=unknown, keep_days=30)).run()


@services
def test_a_policy_is_read(cloud: RunningCloud, service: str, logged: Callable[[], str]) -> None:
    instance_id = instance_of(cloud, service)

    result = TaskRun(GET[service](task_id="read", instance_id=instance_id)).run()

    assert {name: result[name] for name in ("service", "instance_id", "enabled", "keep_days", "start_time")} == {
        "service": service,
        "instance_id": instance_id,
        "enabled": True,
        "keep_days": 7,
        "start_time": "01:00-02:00",
    }
    assert result["policy"]["period"] == EVERY_DAY
    assert "are taken at 01:00-02:00 UTC" in logged()


def test_a_policy_that_is_off_is_read(cloud: RunningCloud, logged: Callable[[], str]) -> None:
    apply(cloud, "rds", state="absent", allow_disable=True)

    result = TaskRun(RdsGetBackupPolicyOperator(task_id="read", instance_id=instance_of(cloud, "rds"))).run()

    assert (result["enabled"], result["keep_days"]) == (False, 0)
    assert "are off" in logged()


@services
def test_a_policy_changes_when_the_local_cloud_takes_backups(cloud: RunningCloud, service: str) -> None:
    tomorrow = (cloud.state.now() + timedelta(days=1)).replace(hour=3, minute=0, second=0, microsecond=0)
    apply(cloud, service, keep_days=30, schedule=f"{tomorrow:%a} 03:00")
    schedules = SERVICES[service](cloud.state, Inventory(cloud.state)).schedules
    assert schedules is not None

    (times,) = schedules.run_times(instance_of(cloud, service))

    assert times.next(cloud.state.now()) == tomorrow


# Copies in another region


def test_copying_is_switched_on_and_then_left_alone(cloud: RunningCloud) -> None:
    first, second = copying(cloud), copying(cloud)

    assert copied(cloud) == {"auto": 30, "incremental": 30}
    assert (first["created"], first["changed"], first["kind"]) == (True, True, "backup_policy")
    assert changes_of(first)["destination_region"] == (None, "eu-nl")
    assert (second["changed"], second["differences"]) == (False, [])


def test_a_dry_run_copies_nothing(cloud: RunningCloud) -> None:
    assert copying(cloud, dry_run=True)["created"] is True
    assert copied(cloud) == {}


def test_sql_server_copies_all_types(cloud: RunningCloud) -> None:
    assert copying(cloud, 2)["created"] is True
    assert copying(cloud, 2)["changed"] is False


def test_the_days_of_copies_are_changed(cloud: RunningCloud) -> None:
    copying(cloud)

    assert changes_of(copying(cloud, keep_days=60)) == {"keep_days": (30, 60)}
    assert copied(cloud) == {"auto": 60, "incremental": 60}


def test_incremental_backups_are_copied_as_well(cloud: RunningCloud) -> None:
    copying(cloud, backup_type="auto")

    assert changes_of(copying(cloud, keep_days=60)) == {"backup_type": ("auto", "all"), "keep_days": (30, 60)}
    assert copied(cloud) == {"auto": 60, "incremental": 60}


@pytest.mark.parametrize("changes", [{"backup_type": "auto"}, {"state": "absent", "allow_disable": True}])
def test_incremental_copies_go_only_when_that_is_allowed(cloud: RunningCloud, changes: dict[str, Any]) -> None:
    copying(cloud)

    with pytest.raises(InvalidArgumentError, match="delete_incremental_copies: must be True"):
        copying(cloud, **changes)
    assert copied(cloud) == {"auto": 30, "incremental": 30}

    assert copying(cloud, **changes, delete_incremental_copies=True)["changed"] is True
    assert "incremental" not in copied(cloud)


def test_fewer_types_and_other_days_at_once_take_two_requests(cloud: RunningCloud) -> None:
    copying(cloud)

    copying(cloud, backup_type="auto", keep_days=60, delete_incremental_copies=True)

    assert copied(cloud) == {"auto": 60}


def test_a_task_that_was_killed_between_two_requests_is_finished_by_the_next_run(
    wire: Wire, backup_cloud: RunningCloud
) -> None:
    copying(backup_cloud)
    fewer: dict[str, Any] = {"backup_type": "auto", "keep_days": 60, "delete_incremental_copies": True}

    def is_second(request: Any) -> bool:
        return request.method == "PUT" and b'"auto"' in request.body

    with wire.failing(is_second), pytest.raises(BackupError):
        copying(backup_cloud, **fewer)
    assert copied(backup_cloud) == {"auto": 30}

    assert changes_of(copying(backup_cloud, **fewer)) == {"keep_days": (30, 60)}
    assert copied(backup_cloud) == {"auto": 60}


def test_copying_is_switched_off_only_when_that_is_allowed(cloud: RunningCloud) -> None:
    copying(cloud, backup_type="auto")

    with pytest.raises(InvalidRequestError, match="allow_disable: must be True"):
        copying(cloud, state="absent")
    result = copying(cloud, state="absent", allow_disable=True)

    assert (result["deleted"], copied(cloud)) == (True, {})
    assert copying(cloud, state="absent", allow_disable=True)["changed"] is False


def test_another_destination_has_to_wait_until_copying_is_off(cloud: RunningCloud) -> None:
    copying(cloud)

    with pytest.raises(InvalidArgumentError, match="destination_region: cannot be changed while copying is on"):
        copying(cloud, destination_region="eu-ch2")


def test_an_instance_that_is_backed_up_is_busy(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    EmulatedRds(cloud.state, Inventory(cloud.state)).store.start_automatic(
        Inventory(cloud.state).instances("rds")[instance_of(cloud, "rds")]
    )

    with pytest.raises(ResourceBusyError, match="another operation runs") as caught:
        copying(cloud)
    assert isinstance(caught.value, ApiError)

"""No argument of ours can hurt a triggerer: every trigger, every argument, every operator and sensor that defers."""

from __future__ import annotations

import asyncio
import inspect
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, TaskDeferred
from airflow.triggers.base import BaseTrigger
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.operators.cbr import (
    CbrApplyVaultOperator,
    CbrCreateBackupOperator,
    CbrDeleteVaultOperator,
    CbrReplicateBackupOperator,
)
from airflow_provider_backup.operators.rds import RdsRestoreTablesOperator
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM, DeferredWait
from tests.airflow.replicable import Replicable
from tests.airflow.restorable import RESTORE, Restorable
from tests.airflow.restorable_instances import DELETE_INSTANCE, RESTORE_INSTANCE, RestorableInstance
from tests.airflow.service_matrix import (
    CREATE,
    DATABASES,
    DELETE,
    FRESH,
    PRUNE,
    SENSORS,
    SERVICES,
    create_operator,
    let_time_pass,
    taken,
)
from tests.airflow.stored_backups import StoredDays
from tests.airflow.task_runs import TaskRun
from tests.airflow.trigger_rows import arguments_from, row_of, trigger_classes

TRIGGERS = trigger_classes()
EVERY_ARGUMENT = [
    (trigger, name) for trigger in TRIGGERS for name in inspect.signature(trigger.__init__).parameters if name != "self"
]
REFERENCE = {"service": "rds", "backup_id": "b", "instance_id": "i", "expected_ids": ["1", "2"]}
EXTREMES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    2**63,
    0.1,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    "",
    "x" * 10_000,
    "ümläut 備份 \U0001f5c4",
    "{{ not rendered }}",
    "__classname__",
    [],
    {},
    [[], {}],
    REFERENCE,
    {"nested": {"deep": [{"list": [1, "2", None, {}]}]}},
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
each_trigger = pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.__name__)
each_argument = pytest.mark.parametrize(
    ("trigger", "name"), EVERY_ARGUMENT, ids=[f"{trigger.__name__}.{name}" for trigger, name in EVERY_ARGUMENT]
)


class Odd(BaseModel):
    """Something that ends a triggerer of Airflow 3.3 when it is an argument of a trigger."""

    a: int = 1


ODD_OBJECTS: list[Any] = [
    5,
    True,
    1.5,
    float("inf"),
    datetime(2026, 1, 1, tzinfo=UTC),
    Decimal("1.5"),
    b"bytes",
    {"a": 1},
    ["x"],
    ("x",),
    {"x"},
    Odd(),
    object(),
]


def required(trigger: type[BaseTrigger], **given: Any) -> dict[str, Any]:
    """Return arguments with which a trigger can be built, with some given."""
    parameters = inspect.signature(trigger.__init__).parameters
    needed = {name for name, parameter in parameters.items() if parameter.default is parameter.empty} - {"self"}
    return {name: REFERENCE if name == "reference" else "text" for name in needed} | given


def assert_plain(value: Any) -> None:
    """Make sure that a value is the same after JSON, and no number that JSON has not."""
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert type(json.loads(json.dumps(value))) is type(value)


def test_the_triggers_are_found() -> None:
    assert {"BackupTrigger", "FreshBackupTrigger"} <= {trigger.__name__ for trigger in TRIGGERS}


@each_argument
@pytest.mark.parametrize("value", EXTREMES, ids=lambda value: f"{value!r:.20}")
def test_every_argument_survives_json_and_airflow(trigger: type[BaseTrigger], name: str, value: Any) -> None:
    path, arguments = trigger(**required(trigger, **{name: value})).serialize()
    assert path == f"{trigger.__module__}.{trigger.__qualname__}"
    assert_plain(arguments)
    received = arguments_from(row_of(arguments))
    assert received == arguments
    assert {key: type(each) for key, each in received.items()} == {key: type(each) for key, each in arguments.items()}
    assert trigger(**received).serialize() == (path, arguments)


@each_trigger
@given(data=st.data())
def test_a_constructor_takes_whatever_json_there_is_and_only_stores_it(
    trigger: type[BaseTrigger], data: st.DataObject
) -> None:
    names = [name for each, name in EVERY_ARGUMENT if each is trigger]
    arguments = data.draw(st.fixed_dictionaries(dict.fromkeys(names, json_values)))
    built = trigger(**arguments)
    assert {name: getattr(built, name) for name in names} == arguments
    kept = built.serialize()[1]
    assert kept == {name: arguments[name] for name in kept}
    assert all(not arguments[name] for name in arguments.keys() - kept.keys())
    assert json.loads(json.dumps(kept)) == kept


@each_trigger
def test_a_constructor_raises_nothing_whatever_it_is_given(trigger: type[BaseTrigger]) -> None:
    names = [name for each, name in EVERY_ARGUMENT if each is trigger]
    for value in [*EXTREMES, *ODD_OBJECTS]:
        trigger(**dict.fromkeys(names, value))


# ------------------------------------------------------------------------------- what operators and sensors hand over


def deferring_classes() -> set[type[Any]]:
    """Return every operator and sensor that can defer and that authors can use."""
    found: set[type[Any]] = set()
    waiting: list[type[Any]] = [DeferredWait]
    while waiting:
        for each in waiting.pop().__subclasses__():
            waiting.append(each)
            if _is_ours(each) and not any(map(_is_ours, each.__subclasses__())):
                found.add(each)
    return found


def _is_ours(each: type[Any]) -> bool:
    # Tests make subclasses of their own.
    return each.__module__.startswith("airflow_provider_backup.")


def sensor(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return a sensor that waits for a backup of an hour."""
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, service)
    usual = {"task_id": "wait", "backup": backup, "deferrable": True, "poke_interval": 0.05}
    return SENSORS[service](**{**usual, **arguments})


def operator(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator that takes a backup of an hour."""
    cloud.set_backup_seconds(3600)
    return create_operator(cloud, service, **arguments)


def deletion(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator that deletes a backup, which takes an hour (databases: a second)."""
    backup = taken(cloud, service, wait=True)
    cloud.set_backup_seconds(3600)
    usual = {"task_id": "delete", "backup": backup, "deferrable": True, "poll_interval": 0.05}
    return DELETE[service](**{**usual, **arguments})


def restore(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator whose restore takes an hour."""
    made = Restorable(cloud, service)
    cloud.set_backup_seconds(3600)
    return made.operator(deferrable=True, **arguments)


def freshness(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return a sensor that waits for the end of a backup of an hour."""
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, service)
    (resource_id,) = backup["resource_ids"] or backup["expected_ids"] or [backup["instance_id"]]
    after = datetime.now(UTC) - timedelta(minutes=1)
    usual = {"task_id": "fresh", "after": after, "deferrable": True, "poke_interval": 0.05}
    sensor = FRESH[service]
    return sensor(**{sensor.several: [resource_id], **usual, **arguments})


def instance_restore(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator whose restore of an instance takes an hour."""
    made = RestorableInstance(cloud, service)
    cloud.set_backup_seconds(3600)
    return made.operator(**{"deferrable": True, **arguments})


def instance_deletion(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator whose deletion of an instance takes an hour."""
    cloud.set_backup_seconds(3600)
    row = next(iter(cloud.state.table(f"inventory.{service}_instances").values()))
    named = {"instance_id": row["id"], "confirm_name": row["name"]}
    usual = {"task_id": "delete", "deferrable": True, "poll_interval": 0.05}
    return DELETE_INSTANCE[service](**{**named, **usual, **arguments})


def pruning(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator whose deletions take an hour."""
    stored = StoredDays(cloud, service, range(3))
    cloud.set_backup_seconds(3600)
    prune: Any = PRUNE[service]
    usual = {"task_id": "prune", "scope": "manual", "keep_last": 1, "deferrable": True, "poll_interval": 0.05}
    return prune(**{prune.targets_argument: [stored.target_id], **usual, **arguments})


def table_restore(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator whose restore of tables takes an hour."""
    cloud.set_backup_seconds(3600)
    rows = cloud.state.table(f"inventory.{service}_instances").values()
    instance_id = next(row["id"] for row in rows if row["engine"] == "MySQL")
    what = {"instance_id": instance_id, "restore_time": "latest", "databases": {"shop": "shop_before"}}
    usual = {"task_id": "restore", "deferrable": True, "poll_interval": 0.05}
    return RdsRestoreTablesOperator(**{**what, **usual, **arguments})


def vault(cloud: RunningCloud) -> tuple[str, list[str]]:
    """Make a vault with two servers, and return its id and theirs."""
    servers = cloud.describe()["resources"]["servers"][:2]
    described = {"name": "app", "size": 1000, "object_type": "server", "resource_ids": servers}
    return TaskRun(CbrApplyVaultOperator(task_id="vault", **described)).run()["id"], servers


def vault_removal(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator whose removal of a server from a vault takes an hour."""
    vault_id, servers = vault(cloud)
    cloud.set_backup_seconds(3600)
    usual = {"task_id": "apply", "deferrable": True, "poll_interval": 0.05, "delete_backups": True}
    return CbrApplyVaultOperator(**{"vault_id": vault_id, "resource_ids": servers[:1], **usual, **arguments})


def vault_deletion(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator that deletes a vault after a backup of an hour."""
    vault_id, _ = vault(cloud)
    cloud.set_backup_seconds(3600)
    TaskRun(CbrCreateBackupOperator(task_id="backup", vault_id=vault_id, wait_for_completion=False)).run()
    usual = {"task_id": "delete", "deferrable": True, "poll_interval": 0.05, "delete_backups": True}
    return CbrDeleteVaultOperator(**{"vault_id": vault_id, **usual, **arguments})


def replication(cloud: RunningCloud, service: str, **arguments: Any) -> Any:
    """Return an operator whose copy of a backup takes an hour."""
    made = Replicable(cloud)
    cloud.set_backup_seconds(3600)
    return made.operator(deferrable=True, **arguments)


def deferral(task: Any) -> tuple[TaskRun, TaskDeferred]:
    """Run a task until it is put aside."""
    run = TaskRun(task)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(run.context)
    return run, deferred.value


async def _only_event(trigger: BaseTrigger) -> Any:
    (event,) = [event async for event in trigger.run()]
    return event.payload


def test_everything_that_defers_is_built_here() -> None:
    # By name: a test that imports a module anew makes its classes anew.
    here: list[dict[str, Any]] = [CREATE, SENSORS, DELETE, RESTORE, FRESH, PRUNE, RESTORE_INSTANCE, DELETE_INSTANCE]
    names = {getattr(each, "__name__", None) for classes in here for each in classes.values()}
    assert {each.__name__ for each in deferring_classes()} == {
        *names,
        *(each.__name__ for each in (RdsRestoreTablesOperator, CbrReplicateBackupOperator)),
        *(each.__name__ for each in (CbrApplyVaultOperator, CbrDeleteVaultOperator)),
    }


@pytest.mark.parametrize("arguments", [{}, {"region": "eu-de"}], ids=["plain", "region"])
@pytest.mark.parametrize(
    ("service", "build"),
    [(service, build) for service in SERVICES for build in (operator, sensor, deletion, freshness)]
    + [(service, restore) for service in RESTORE]
    + [(service, pruning) for service in SERVICES]
    + [(service, build) for service in DATABASES for build in (instance_restore, instance_deletion)]
    + [("rds", table_restore), ("cbr", vault_removal), ("cbr", vault_deletion), ("cbr", replication)],
)
def test_what_a_task_hands_to_its_trigger_survives_and_so_does_the_event(
    cloud: RunningCloud, service: str, build: Any, arguments: dict[str, Any]
) -> None:
    run, deferred = deferral(build(cloud, service, **arguments))

    path, handed_over = deferred.trigger.serialize()
    assert_plain(handed_over)
    assert arguments_from(row_of(handed_over)) == handed_over
    assert_plain(deferred.kwargs or {})
    assert_plain(json.loads(run.ti.xcoms[WAIT_XCOM]))

    let_time_pass(cloud)
    (trigger,) = [each for each in TRIGGERS if path.endswith(f".{each.__qualname__}")]
    event = asyncio.run(_only_event(trigger(**arguments_from(row_of(handed_over)))))
    assert_plain(event)
    result = run.resume(deferred.method_name, event=event)
    assert_plain(result)
    if build is freshness:
        assert (event, len(result)) == ({"outcome": "over"}, 1)
    elif build is pruning:
        assert len(result["deleted"]) == 2
    elif build is replication:
        assert len(result["copy_ids"]) == 1
    elif build is vault_removal:
        assert result["changed"] is True
    elif build is vault_deletion:
        assert result["vault_id"]
    elif build in (instance_deletion, instance_restore, table_restore):
        assert result["instance_id"]
    else:
        assert result["backup_id"] == event["result"]["backup_id"]


@pytest.mark.parametrize("arguments", [{"timeout": 0.3}, {"timeout": 60 * 60 * 24 * 365 * 50}], ids=["short", "long"])
@pytest.mark.parametrize("build", [operator, sensor, deletion, freshness])
def test_times_of_any_length_are_handed_over_as_plain_numbers(
    cloud: RunningCloud, build: Any, arguments: dict[str, Any]
) -> None:
    _, deferred = deferral(build(cloud, "rds", **arguments))
    handed_over = deferred.trigger.serialize()[1]
    assert_plain(handed_over)
    assert isinstance(handed_over["deadline"], float)


@pytest.mark.parametrize("seconds", [1e9, 8e13])  # Airflow itself refuses more
def test_an_endless_wait_is_handed_over_as_a_time_that_json_and_airflow_know(
    cloud: RunningCloud, seconds: float
) -> None:
    for arguments in ({"timeout": seconds}, {"timeout": seconds, "poke_interval": 1e9}):
        _, deferred = deferral(sensor(cloud, "rds", **arguments))
        handed_over = deferred.trigger.serialize()[1]
        assert_plain(handed_over)
        assert arguments_from(row_of(handed_over)) == handed_over


@pytest.mark.parametrize("build", [operator, deletion])
@pytest.mark.parametrize("name", ["poll_interval", "timeout", "tolerance"])
def test_an_operator_refuses_times_without_end(cloud: RunningCloud, build: Any, name: str) -> None:
    for seconds in (float("inf"), float("nan"), -1, 0, "30"):
        with pytest.raises(BackupError, match=name):
            build(cloud, "rds", **{name: seconds})


@pytest.mark.parametrize("value", ODD_OBJECTS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", ["huaweicloud_conn_id", "region", "project_id"])
@pytest.mark.parametrize("build", [operator, sensor, deletion, freshness])
def test_a_template_that_became_an_odd_object_never_reaches_a_trigger(
    cloud: RunningCloud, build: Any, name: str, value: Any
) -> None:
    task = build(cloud, "rds")
    setattr(task, name, value)
    run = TaskRun(task)
    with pytest.raises((BackupError, AirflowException, TypeError, AttributeError)) as ended:
        task.execute(run.context)
    assert not isinstance(ended.value, TaskDeferred)


@pytest.mark.parametrize("value", ODD_OBJECTS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", ["backup_id", "kind", "instance_id", "job_id", "expected_ids"])
def test_a_result_with_an_odd_object_in_it_is_refused_by_a_sensor(cloud: RunningCloud, name: str, value: Any) -> None:
    task = sensor(cloud, "rds")
    task.backup = {**task.backup, name: value}
    run = TaskRun(task)
    if name == "expected_ids" and value in (["x"], ("x",)):
        with pytest.raises(TaskDeferred) as deferred:
            task.execute(run.context)
        assert_plain(deferred.value.trigger.serialize()[1])
    else:
        with pytest.raises(InvalidArgumentError, match=f"{name}="):
            task.execute(run.context)

"""Every argument that says what to do is templated, takes XComs, and can be mapped."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, task

from airflow_provider_backup.operators.cbr import (
    CbrApplyPolicyOperator,
    CbrApplyVaultOperator,
    CbrCreateBackupOperator,
    CbrCreatePolicyOperator,
    CbrDeletePolicyOperator,
    CbrDeleteVaultOperator,
    CbrGetPolicyOperator,
    CbrGetVaultOperator,
    CbrListPoliciesOperator,
    CbrListVaultsOperator,
    CbrUpdatePolicyOperator,
)
from airflow_provider_backup.operators.csbs import (
    CsbsCreatePolicyOperator,
    CsbsExecutePolicyOperator,
    CsbsGetPolicyOperator,
)
from airflow_provider_backup.operators.gaussdb import (
    GaussDbApplyBackupPolicyOperator,
    GaussDbGetBackupPolicyOperator,
    GaussDbGetRestoreWindowsOperator,
)
from airflow_provider_backup.operators.protection_report import ProtectionReportOperator
from airflow_provider_backup.operators.rds import (
    RdsApplyBackupPolicyOperator,
    RdsApplyOffsiteBackupPolicyOperator,
    RdsCreateBackupOperator,
    RdsDeleteInstanceOperator,
    RdsGetRestoreWindowsOperator,
    RdsRestoreTablesOperator,
)
from airflow_provider_backup.operators.taurusdb import TaurusDbApplyBackupPolicyOperator
from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator, VbsCreatePolicyOperator
from tests.airflow.invalid_arguments import CASES, INSTANCE, UUID
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import CREATE, DELETE, PRUNE, SENSORS
from tests.airflow.task_runs import TaskRun

CLASSES: list[Any] = [
    *CREATE.values(),
    *DELETE.values(),
    *SENSORS.values(),
    VbsCreatePolicyOperator,
    CsbsCreatePolicyOperator,
    CsbsGetPolicyOperator,
    CbrCreatePolicyOperator,
    CbrUpdatePolicyOperator,
    CbrApplyPolicyOperator,
    CbrGetPolicyOperator,
    CbrListPoliciesOperator,
    CbrDeletePolicyOperator,
    RdsDeleteInstanceOperator,
    RdsGetRestoreWindowsOperator,
    RdsRestoreTablesOperator,
    GaussDbGetRestoreWindowsOperator,
    RdsApplyBackupPolicyOperator,
    GaussDbApplyBackupPolicyOperator,
    TaurusDbApplyBackupPolicyOperator,
    RdsApplyOffsiteBackupPolicyOperator,
    GaussDbGetBackupPolicyOperator,
    *PRUNE.values(),
    CbrApplyVaultOperator,
    CbrGetVaultOperator,
    CbrListVaultsOperator,
    CbrDeleteVaultOperator,
    ProtectionReportOperator,
]
HOW = {
    "wait_for_completion",
    "deferrable",
    "poll_interval",
    "tolerance",
    "on_conflict",
    "on_clear",
    "on_uncertain",
    "delete_on_kill",
    "timeout",
    "fail_on_skipped",
    "if_exists",
    "if_missing",
    "dry_run",
    "fail_on_refused",
    "retry_failed",
    "policy",
    "state",
    "delete_backups",
    "irreversible",
    "unbind_others",
    "allow_disable",
    "reserve_backups",
    "delete_incremental_copies",
}
"""Arguments that say how to do it, and the model of a policy: these are plain values of the DAG file."""

TEMPLATE = "{{ params.x }}"
REQUIRED = {case.operator: {**case.good, case.argument: UUID} for case in CASES if not case.good}
"""Good arguments of those operators whose cases have none."""


def arguments_of(operator: type[BaseOperator]) -> set[str]:
    """Return the arguments that this package adds to those of every operator."""
    own = [each for each in operator.__mro__ if each.__module__.startswith("airflow_provider_backup.")]
    names = {
        name
        for each in own
        if "__init__" in vars(each)
        for name, parameter in inspect.signature(vars(each)["__init__"]).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    return names - {"task_id"}


def what_arguments(operator: type[BaseOperator]) -> list[str]:
    """Return the arguments that say what to do."""
    return sorted(arguments_of(operator) - HOW)


def good_arguments(operator: Any) -> dict[str, Any]:
    """Return literal arguments that the operator takes."""
    if operator in REQUIRED:
        return REQUIRED[operator]
    for case in CASES:
        if case.operator is operator:
            return dict(case.good)
    if operator in PRUNE.values():
        return {operator.targets_argument: [UUID], "keep_last": 3, "scope": "manual"}
    values: dict[str, Any] = {
        "instance_id": INSTANCE,
        **dict.fromkeys(("backup_id", "policy_id", "vault_id", "volume_id"), UUID),
    }
    values["services"] = ["cbr"]
    return {name: value for name, value in values.items() if name in arguments_of(operator)}


@pytest.fixture
def dag() -> Iterator[DAG]:
    """A DAG that everything in the test belongs to."""
    with DAG(dag_id="templates", schedule=None) as dag:
        yield dag


@pytest.mark.parametrize("operator", CLASSES)
def test_every_argument_that_says_what_to_do_is_templated(operator: type[BaseOperator]) -> None:
    assert sorted(operator.template_fields) == what_arguments(operator)


@pytest.mark.parametrize("operator", CLASSES)
def test_all_arguments_may_be_templates_at_once_and_all_are_rendered(operator: Any) -> None:
    names = what_arguments(operator)
    task = operator(task_id="task", **{name: f"{{{{ params.{name} }}}}" for name in names})
    task.render_template_fields({"params": {name: f"rendered {name}" for name in names}})
    assert {name: getattr(task, name) for name in names} == {name: f"rendered {name}" for name in names}


@pytest.mark.parametrize("operator", CLASSES)
def test_all_arguments_may_be_xcoms_at_once(operator: Any, dag: DAG) -> None:
    @task
    def told() -> str:
        return ""

    value = told()
    operator(task_id="task", **dict.fromkeys(what_arguments(operator), value))
    assert dag.get_task("task").upstream_task_ids == {"told"}


@pytest.mark.parametrize(
    ("operator", "name", "value"),
    [
        (VbsCreatePolicyOperator, "tags", {"key": TEMPLATE}),
        (VbsCreateBackupOperator, "tags", {"key": TEMPLATE}),
        (CsbsCreatePolicyOperator, "tags", {"key": TEMPLATE}),
        (CsbsCreatePolicyOperator, "servers", [{"id": TEMPLATE, "name": TEMPLATE}]),
        (CsbsExecutePolicyOperator, "server_ids", [TEMPLATE]),
        (CbrCreateBackupOperator, "resource_ids", [TEMPLATE]),
        (CbrCreateBackupOperator, "resource_details", [{"id": TEMPLATE, "type": "OS::Nova::Server"}]),
        (RdsCreateBackupOperator, "databases", [TEMPLATE]),
        (CbrUpdatePolicyOperator, "patterns", [TEMPLATE]),
    ],
)
def test_templates_inside_of_an_argument_are_rendered(operator: Any, name: str, value: Any) -> None:
    task = operator(task_id="task", **good_arguments(operator), **{name: value})
    task.render_template_fields({"params": {"x": "rendered"}})
    shown = str(getattr(task, name))
    assert "rendered" in shown
    assert TEMPLATE not in shown


@pytest.mark.parametrize("operator", CLASSES)
def test_every_argument_survives_dynamic_mapping(operator: Any, dag: DAG) -> None:
    good = good_arguments(operator)
    mapped = operator.partial(task_id="task", retries=3, huaweicloud_conn_id="mine").expand(
        **{name: [value, value] for name, value in good.items()}
    )
    unmapped = mapped.unmap(good)
    assert {name: getattr(unmapped, name) for name in good} == good
    assert (unmapped.huaweicloud_conn_id, unmapped.retries) == ("mine", 3)


@pytest.mark.parametrize("operator", CLASSES)
def test_every_argument_can_be_mapped_and_every_argument_can_be_partial(operator: Any, dag: DAG) -> None:
    names = arguments_of(operator) - {"policy"}
    operator.partial(task_id="expanded").expand(**{name: ["x"] for name in names})
    operator.partial(task_id="partial", **dict.fromkeys(names - {"region"}, "x")).expand(region=["eu-de", "eu-nl"])
    assert {"expanded", "partial"} <= set(dag.task_ids)


def test_a_wrong_literal_of_a_mapped_task_is_refused_when_it_is_made(dag: DAG) -> None:
    mapped = RdsCreateBackupOperator.partial(task_id="task", instance_id=INSTANCE).expand(name=["good", "x"])
    with pytest.raises(ValueError, match="name: must be 4 to 64 characters"):
        mapped.unmap({"name": "x"})  # type: ignore[arg-type,unused-ignore]


def test_numbers_and_truth_values_may_be_rendered_to_text(wire: Wire) -> None:
    operator = VbsCreatePolicyOperator(
        task_id="create",
        name="nightly",
        schedule="daily at 04:00",
        retention_num="7",  # type: ignore[arg-type]
        enabled="False",  # type: ignore[arg-type]
        keep_first_backup_of_month="True",  # type: ignore[arg-type]
    )
    TaskRun(operator).execute()
    assert wire.sent_to("vbs", "POST")[0].json["scheduled_policy"] == {
        "start_time": "04:00",
        "frequency": 1,
        "rentention_num": 7,
        "status": "OFF",
        "remain_first_backup_of_curMonth": "Y",
    }


def test_numbers_of_retention_may_be_rendered_to_text(wire: Wire) -> None:
    operator = CbrCreatePolicyOperator(
        task_id="create",
        name="nightly",
        schedule="daily at 04:00",
        enabled="True",
        max_backups="14",
        month_backups="3",
    )
    TaskRun(operator).execute()
    sent = wire.sent_to("cbr", "POST")[0].json["policy"]
    assert sent["enabled"] is True
    assert sent["operation_definition"] == {"max_backups": 14, "month_backups": 3, "timezone": "UTC+00:00"}


class Outputs(Sequence[str]):
    """What the outputs of mapped tasks arrive as: a sequence that is no list."""

    def __init__(self, *values: str) -> None:
        self._values = values

    def __getitem__(self, index: Any) -> Any:
        return self._values[index]

    def __len__(self) -> int:
        return len(self._values)


@pytest.mark.parametrize(
    ("operator", "wire_value"),
    [
        (
            RdsCreateBackupOperator(task_id="task", instance_id=INSTANCE, databases=Outputs("a", "b")),
            {"databases": [{"name": "a"}, {"name": "b"}]},
        ),
        (
            CsbsExecutePolicyOperator(task_id="task", policy_id=UUID, server_ids=Outputs("a", "b")),
            {"parameters": {"auto_trigger": False, "resources": ["a", "b"]}},
        ),
        (
            CbrCreateBackupOperator(task_id="task", vault_id=UUID, resource_ids=Outputs(UUID)),
            {"parameters": {"name": "name", "resources": [UUID]}},
        ),
    ],
)
def test_the_outputs_of_mapped_tasks_are_taken_as_a_list(operator: Any, wire_value: dict[str, Any]) -> None:
    sent = operator.request("name").to_wire()
    assert {name: sent[name] for name in wire_value} == wire_value


def test_a_template_that_is_rendered_to_text_is_no_list(wire: Wire) -> None:
    operator = RdsCreateBackupOperator(task_id="task", instance_id=INSTANCE, databases="{{ params.names }}")
    operator.render_template_fields({"params": {"names": "orders"}})  # type: ignore[typeddict-item,unused-ignore]
    with pytest.raises(Exception, match=r"databases: .*\(given: 'orders'\)"):
        TaskRun(operator).execute()
    assert wire.requests == []


def test_a_name_may_hold_the_time_of_the_run(wire: Wire) -> None:
    name = "before-{{ dag_run.start_date | ts_nodash }}"
    operator = VbsCreateBackupOperator(task_id="task", volume_id=UUID, name=name)
    run = SimpleNamespace(start_date=datetime(2026, 1, 1, tzinfo=UTC))
    operator.render_template_fields({"dag_run": run})  # type: ignore[typeddict-item,unused-ignore]
    assert operator.request(operator.own_name() or "").name == "before-20260101T000000"

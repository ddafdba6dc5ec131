"""Bad input: a wrong literal fails while the DAG is parsed, a wrong template when the task runs; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.operators.rds import RdsCreateBackupOperator
from airflow_provider_backup.operators.vbs import VbsCreatePolicyOperator
from tests.airflow.conftest import CONNECTION
from tests.airflow.dag_runs import dag_bag
from tests.airflow.invalid_arguments import CASES, DATABASE, TIMING, VBS_POLICY, Case
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import DELETE, SENSORS
from tests.airflow.task_runs import TaskRun

TEMPLATE = "{{ params.value }}"


def shown(value: Any) -> str:
    """Return a value as an error shows it."""
    text = repr(value)
    return text if len(text) <= 120 else text[:117]


@pytest.mark.parametrize("case", [*CASES, *TIMING], ids=str)
def test_a_wrong_literal_is_refused_at_construction(case: Case) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        case.operator(task_id="wrong", **case.arguments)
    text = str(caught.value)
    assert "'wrong'" in text
    assert case.field in text
    assert "(given: " in text


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case.value, str | int)], ids=str)
def test_the_error_shows_the_value(case: Case) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        case.operator(task_id="wrong", **case.arguments)
    if "schedule" in (case.argument, case.field) or case.argument.startswith("destination"):
        return  # rules about several arguments show the other one, or both
    assert shown(case.value) in str(caught.value)


@pytest.fixture(scope="module")
def quiet_wire() -> Iterator[Wire]:
    """A wire that nothing ever goes through."""
    with RunningCloud() as cloud, Wire(cloud) as wire:
        yield wire


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_same_as_a_template_is_refused_when_the_task_runs_and_nothing_is_sent(
    case: Case, quiet_wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, quiet_wire.connection_json())
    good = {**case.good, **case.rest}
    operator = case.operator(task_id="wrong", **{**good, case.argument: TEMPLATE})
    setattr(operator, case.argument, case.value)
    with pytest.raises(InvalidArgumentError) as caught:
        TaskRun(operator).execute()
    assert isinstance(caught.value, AirflowFailException)
    assert quiet_wire.requests == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_template_elsewhere_hides_no_wrong_literal(case: Case) -> None:
    templated = {
        name: TEMPLATE
        for name in ({**case.good, **case.rest}).keys() - {case.argument}
        # Where a rule is about two arguments, both must be known.
        if not (case.rest or {name, case.argument} <= {"schedule", "time_zone", "patterns"})
        and {name, case.argument} != {"retention_num", "retention_day"}
    }
    with pytest.raises(InvalidRequestError):
        case.operator(task_id="wrong", **{**case.arguments, **templated})


def test_several_wrong_literals_are_named_at_once() -> None:
    with pytest.raises(InvalidRequestError, match=r"name:.*tags"):
        VbsCreatePolicyOperator(task_id="wrong", **{**VBS_POLICY, "name": "a b", "tags": {"k y": ""}})


def test_a_wrong_item_beside_a_templated_one_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"databases\.1\.name"):
        RdsCreateBackupOperator(task_id="wrong", **DATABASE, databases=[TEMPLATE, ""])


@pytest.mark.parametrize("zone", ["UTC", TEMPLATE])
def test_a_templated_schedule_does_not_hide_a_wrong_zone(zone: str) -> None:
    with pytest.raises(InvalidRequestError, match="Mars/Base"):
        VbsCreatePolicyOperator(task_id="wrong", **{**VBS_POLICY, "schedule": TEMPLATE}, time_zone="Mars/Base")


def test_a_templated_zone_does_not_hide_a_wrong_schedule() -> None:
    with pytest.raises(InvalidRequestError, match="sometimes"):
        VbsCreatePolicyOperator(task_id="wrong", **{**VBS_POLICY, "schedule": "sometimes"}, time_zone=TEMPLATE)


@pytest.mark.parametrize("case", {case.operator: case for case in CASES}.values(), ids=str)
def test_no_connection_is_read_at_construction(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION, "this is no connection")
    case.operator(task_id="right", **{**case.good, case.argument: TEMPLATE})


NAMES = [
    ({}, "No backup is named.*Give exactly one of backup, "),
    ({"backup_id": ""}, "No backup is named"),
    ({"backup": {"service": "other", "backup_id": "1"}}, "'other'"),
    ({"backup": {"service": "vbs"}}, "must be the result of a create operator or a sensor"),
    ({"backup": "some-id"}, "must be the result of a create operator or a sensor"),
    ({"backup": {"service": "vbs", "backup_id": "1"}, "backup_id": "1"}, "Both backup and backup_id"),
    ({"backup_id": 5}, r"backup_id must be a text \(given: 5\)"),
]
OF_A_BACKUP: list[Any] = [*SENSORS.values(), *DELETE.values()]


@pytest.mark.parametrize(("arguments", "text"), NAMES)
@pytest.mark.parametrize("operator", OF_A_BACKUP)
def test_arguments_that_do_not_name_one_backup_are_refused_at_construction(
    operator: Any, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        operator(task_id="wrong", **arguments)


@pytest.mark.parametrize("operator", OF_A_BACKUP)
def test_no_connection_is_read_while_a_sensor_or_a_deletion_is_made(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, "this is no connection")
    operator(task_id="right", backup=TEMPLATE)


@pytest.mark.parametrize("operator", OF_A_BACKUP)
def test_arguments_that_may_name_one_backup_are_left_for_later(operator: Any) -> None:
    operator(task_id="task", backup=TEMPLATE, backup_id=TEMPLATE)


@pytest.mark.parametrize("operator", [SENSORS["csbs"], SENSORS["cbr"], DELETE["csbs"], DELETE["cbr"]])
def test_a_checkpoint_and_one_backup_of_it_are_too_much(operator: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="2 backups are named"):
        operator(task_id="wrong", backup_id="1", checkpoint_id="2")


@pytest.mark.parametrize("operator", [SENSORS["rds"], DELETE["rds"]])
def test_rds_needs_the_instance_of_a_backup(operator: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="no instance_id is given"):
        operator(task_id="wrong", backup_id="1")


@pytest.mark.parametrize("operator", list(DELETE.values()))
@pytest.mark.parametrize("argument", ["poll_interval", "timeout"])
def test_the_times_of_a_deletion_are_checked_at_construction(operator: Any, argument: str) -> None:
    with pytest.raises(
        InvalidRequestError, match=rf"{argument}: must be a number of seconds or a timedelta, above 0 \(given: 0\)"
    ):
        operator(task_id="wrong", backup=TEMPLATE, **{argument: 0})


@pytest.mark.parametrize("operator", list(DELETE.values()))
def test_what_happens_to_a_missing_backup_is_one_of_two_choices(operator: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"if_missing: must be one of fail, ignore \(given: 'maybe'\)"):
        operator(task_id="wrong", backup=TEMPLATE, if_missing="maybe")


@pytest.mark.parametrize("operator", OF_A_BACKUP)
@pytest.mark.parametrize("text", ["None", "null", " "])
def test_a_text_that_stands_for_nothing_is_no_id(operator: Any, text: str) -> None:
    instance = {"instance_id": "i"} if operator.needs_instance else {}
    with pytest.raises(InvalidArgumentError, match=f"backup_id is {text!r}, which is not an id"):
        operator(task_id="wrong", backup_id=text, **instance)


DAG_FILE = """
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_backup.operators.vbs import VbsCreatePolicyOperator

with DAG(dag_id="wrong", schedule=None):
    VbsCreatePolicyOperator(task_id="policy", name="nightly", schedule="daily at 14:30", retention_num=7)
"""


def import_errors(folder: Path) -> dict[str, str]:
    """Return the errors of the DAG files in a folder, as the UI shows them."""
    return {Path(name).name: text for name, text in dag_bag(folder).import_errors.items()}


def test_a_dag_with_a_wrong_literal_shows_up_as_an_import_error_that_its_author_understands(
    tmp_path: Path, airflow_database: Path
) -> None:
    (tmp_path / "wrong.py").write_text(DAG_FILE)
    errors = import_errors(tmp_path)
    assert set(errors) == {"wrong.py"}
    assert (
        "VBS schedule of task 'policy' is not valid, nothing was sent: schedule: a VBS policy starts at full hours"
        in (errors["wrong.py"])
    )


def test_the_example_dags_have_no_errors(airflow_database: Path) -> None:
    folder = Path(__file__).parents[2] / "example_dags"
    assert import_errors(folder) == {}

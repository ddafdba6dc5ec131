"""Promise 1 to 3, whatever happens in whatever order: one task under random faults, for every service and kind.

``make test-model`` draws many more examples, others each time.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from airflow_provider_backup.cloud.limits import override_limits
from tests.airflow.conftest import CONNECTION, ChangeLimits
from tests.airflow.model.backup_first_trial import BackupFirstTrial
from tests.airflow.model.backup_machine import OneBackupTask
from tests.airflow.model.deletion_case import BackupDeletionCase, InstanceDeletionCase
from tests.airflow.model.deletion_machine import OneDeletionTask
from tests.airflow.model.instance_cases import BackupFirstCase, InPlaceCase, NewInstanceCase
from tests.airflow.model.machine import TaskMachine
from tests.airflow.model.restore_case import BackupCase, RestoreCase
from tests.airflow.model.restore_machine import OneRestoreTask
from tests.airflow.restorable import RESTORE
from tests.airflow.restorable_instances import DELETE_INSTANCE, RESTORE_INSTANCE, set_password
from tests.airflow.service_matrix import CASES, SERVICES

pytestmark = pytest.mark.alone

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
"""How many examples to draw for each service; 0 for the same few every time."""


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch, change_limits: ChangeLimits, service: str) -> Iterator[None]:
    monkeypatch.setenv(CONNECTION, "")
    change_limits(earliest_event=0.005, lost_answer_searches=(0.005, 0.01))
    # The clocks are one here, so what the known exceptions let through is as little as the services' times allow.
    tolerance = timedelta(0 if service == "csbs" else 1)
    logging.disable(logging.CRITICAL)
    with override_limits(longest_retry_pause=0.01, clock_tolerance=tolerance):
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("service", CASES)
def test_there_is_exactly_one_backup_whatever_happens(service: str) -> None:
    # The second way of a service shares most of its code with the first.
    _run(OneBackupTask, service, examples=40 if service in SERVICES else 20)


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("service", RESTORE)
def test_nothing_is_restored_twice_or_called_done_while_the_data_are_old(service: str) -> None:
    _run(OneRestoreTask, service, examples=15, case=BackupCase)


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("service", RESTORE_INSTANCE)
@pytest.mark.parametrize("case", [InPlaceCase, NewInstanceCase])
def test_no_instance_is_restored_or_created_twice_whatever_happens(
    service: str, case: type[RestoreCase], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_password(monkeypatch)
    # Restores end at once here, and may be over before they are looked at. Where a service tells no job, time replaces
    # what it does not show, so that an answer of long ago is believed.
    with override_limits(longest_status_delay=0.0):
        _run(OneRestoreTask, service, examples=8, case=case, with_stale_reads=case.has_key)


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("service", RESTORE_INSTANCE)
def test_no_instance_is_overwritten_before_the_one_backup_that_its_author_wants_first_is_good(service: str) -> None:
    with override_limits(longest_status_delay=0.0):
        members = {"case": BackupFirstCase, "trial_type": BackupFirstTrial, "with_stale_reads": False}
        _run(OneRestoreTask, service, examples=8, **members)


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("service", SERVICES)
def test_only_the_backup_that_is_named_is_deleted_and_done_means_that_it_is_gone(service: str) -> None:
    _run(OneDeletionTask, service, examples=8, case=BackupDeletionCase)


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("service", DELETE_INSTANCE)
def test_only_the_instance_that_is_confirmed_is_deleted_and_done_means_that_it_is_gone(service: str) -> None:
    _run(OneDeletionTask, service, examples=8, case=InstanceDeletionCase)


def _run(machine: type[TaskMachine], service: str, *, examples: int, **members: Any) -> None:
    of_service = type(f"{machine.__name__}Of{service.title()}", (machine,), {"service": service, **members})
    run_state_machine_as_test(
        of_service,
        settings=settings(
            max_examples=EXAMPLES or examples,
            stateful_step_count=30 if EXAMPLES else 15,
            derandomize=not EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # To shorten what failed takes many minutes.
            phases=[Phase.generate, *([Phase.shrink] if EXAMPLES else [])],
        ),
    )

"""Promise 1 to 3, whatever happens in whatever order: one task under random faults, for every service.

``make test-model`` draws many more examples, others each time.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from airflow_provider_backup.cloud.limits import override_limits
from tests.airflow.conftest import CONNECTION, ChangeLimits
from tests.airflow.model.machine import OneTask
from tests.airflow.service_matrix import SERVICES

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
"""How many examples to draw for each service; 0 for the same few every time."""

SETTINGS = settings(
    max_examples=EXAMPLES or 40,
    stateful_step_count=30 if EXAMPLES else 15,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.explain],
)


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
@pytest.mark.parametrize("service", SERVICES)
def test_there_is_exactly_one_backup_whatever_happens(service: str) -> None:
    machine = type(f"OneTaskOf{service.title()}", (OneTask,), {"service": service})
    run_state_machine_as_test(machine, settings=SETTINGS)

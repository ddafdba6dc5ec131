"""One life cycle over the statuses of all services."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations import status as life_cycle
from airflow_provider_backup.cloud.operations.status import Phase, combined_phase
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from airflow_provider_backup.cloud.services.registry import SERVICES
from tests import statuses

# The status tables: CBR section 3, CSBS section 6.1, VBS sections 3.5, 4.4, 4.6, databases section 2.
STATUSES = {
    Phase.IN_PROGRESS: {
        "cbr": "protecting waiting_protect waiting running",
        "csbs": "waiting_protect protecting",
        "vbs": "creating INIT RUNNING WAITING",
        "rds": "BUILDING Running Pending",
    },
    Phase.SUCCEEDED: {
        "cbr": "available waiting_restore restoring success",
        "csbs": "available waiting_restore restoring",
        "vbs": "available restoring SUCCESS EXECUTE_SUCCESS",
        "rds": "COMPLETED AVAILABLE Completed",
    },
    Phase.FAILED: {
        "cbr": "error error-deleting failed timeout skipped",
        "csbs": "error error-deleting",
        "vbs": "error error_restoring error_deleting FAIL EXECUTE_FAIL EXECUTE_TIMEOUT SKIP",
        "rds": "FAILED Failed",
    },
    Phase.DELETING: {
        "cbr": "deleting waiting_delete",
        "csbs": "waiting_delete deleting",
        "vbs": "deleting",
        "rds": "DELETING",
    },
    Phase.DELETED: {"cbr": "deleted", "csbs": "deleted"},
}
EVERY_STATUS = [
    pytest.param(service, status, phase, id=f"{service} {status}")
    for phase, services in STATUSES.items()
    for service, words in services.items()
    for status in words.split()
]


@pytest.fixture(autouse=True)
def _nothing_seen_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life_cycle, "_unknown_seen", set())


@pytest.mark.parametrize(("service", "status", "phase"), EVERY_STATUS)
def test_every_documented_status_has_its_phase(
    service: str, status: str, phase: Phase, caplog: pytest.LogCaptureFixture
) -> None:
    assert statuses.phase_of(service, status) is phase
    assert not caplog.records


@pytest.mark.parametrize(("service", "status", "phase"), EVERY_STATUS)
def test_case_and_blanks_around_a_status_do_not_count(service: str, status: str, phase: Phase) -> None:
    for text in (f" {status.upper()} ", status.lower()):
        assert statuses.phase_of(service, text) is phase


@pytest.mark.parametrize("service", ["gaussdb", "taurusdb"])
def test_the_database_services_share_their_statuses(service: str) -> None:
    assert SERVICES[service].statuses == SERVICES["rds"].statuses


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("status", "phase"), [("success", Phase.SUCCEEDED), ("failed", Phase.FAILED), ("deleted", Phase.DELETED)]
)
def test_words_that_mean_the_same_everywhere_have_their_phase_in_every_service(
    service: str, status: str, phase: Phase
) -> None:
    assert statuses.phase_of(service, status) is phase


def test_a_word_of_one_service_is_unknown_to_another() -> None:
    assert statuses.phase_of("vbs", "SKIP") is Phase.FAILED
    assert statuses.phase_of("rds", "SKIP") is Phase.IN_PROGRESS


@given(st.none() | st.text())
def test_any_status_has_a_phase(status: str | None) -> None:
    assert phase_of(status) in Phase


def test_an_unknown_status_counts_as_in_progress_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert [phase_of("levitating"), phase_of("LEVITATING")] == [Phase.IN_PROGRESS] * 2
    assert [record.getMessage() for record in caplog.records] == [
        "Unknown backup status 'levitating': treated as in progress."
    ]


@pytest.mark.parametrize("status", [None, "", "  "])
def test_a_missing_status_counts_as_in_progress_and_is_not_logged(
    status: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert phase_of(status) is Phase.IN_PROGRESS
    assert not caplog.records


def test_waiting_is_over_in_every_phase_but_in_progress() -> None:
    assert [phase for phase in Phase if not phase.is_terminal] == [Phase.IN_PROGRESS]


def test_a_phase_is_its_text_in_json_and_in_messages() -> None:
    assert (json.dumps(Phase.SUCCEEDED), str(Phase.SUCCEEDED), f"{Phase.IN_PROGRESS}") == (
        '"good"',
        "good",
        "in progress",
    )


@given(st.lists(st.sampled_from(Phase), min_size=1))
def test_a_whole_is_good_only_when_every_part_is(phases: list[Phase]) -> None:
    assert (combined_phase(phases) is Phase.SUCCEEDED) == (set(phases) == {Phase.SUCCEEDED})


@given(st.lists(st.sampled_from(Phase)))
def test_a_whole_is_failed_as_soon_as_one_part_is(phases: list[Phase]) -> None:
    assert (combined_phase(phases) is Phase.FAILED) == (Phase.FAILED in phases)


@given(st.lists(st.sampled_from(Phase)))
def test_order_and_number_of_equal_parts_do_not_count(phases: list[Phase]) -> None:
    assert combined_phase(sorted(phases, reverse=True) * 2) is combined_phase(phases)


@given(st.sampled_from(Phase))
def test_a_whole_of_one_part_has_the_phase_of_that_part(phase: Phase) -> None:
    assert combined_phase([phase]) is phase


def test_a_whole_without_parts_is_in_progress() -> None:
    assert combined_phase([]) is Phase.IN_PROGRESS

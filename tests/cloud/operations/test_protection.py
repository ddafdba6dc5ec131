"""The judgement of an account's protection: which of what the lists show is a finding, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.freshness import Freshness, FreshnessRule, ListedBackup
from airflow_provider_backup.cloud.operations.protection import (
    FINDING_KINDS,
    FailedTask,
    Finding,
    NotedFailures,
    PolicyView,
    ProtectionQuestion,
    ResourceView,
    ServiceProtection,
    VaultView,
    findings_of,
)
from airflow_provider_backup.cloud.operations.status import Phase

NOW = datetime(2031, 4, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
QUESTION = ProtectionQuestion((), since=NOW - DAY, max_age=DAY, max_copy_age=2 * DAY, max_used=80.0)


def state(hours: float, phase: Phase = Phase.SUCCEEDED, **members: Any) -> OperationState:
    """Return a backup that began some hours before now."""
    reference = OperationReference("cbr", f"backup-{hours}")
    return OperationState(reference, phase.name, phase, created_at=NOW - timedelta(hours=hours), **members)


def judged(hours: float | None, *, max_age: timedelta = DAY) -> Freshness:
    """Return a resource whose last good backup began some hours ago; ``None`` for one without any."""
    freshness = Freshness("server")
    if hours is not None:
        freshness.add(state(hours))
    freshness.judge(FreshnessRule(max_age=max_age), NOW)
    return freshness


def findings(**seen: Any) -> list[Finding]:
    """Return the findings of what a service shows."""
    return findings_of(ServiceProtection("cbr", **seen), QUESTION)


def kinds(**seen: Any) -> list[str]:
    """Return their kinds."""
    return [each["kind"] for each in findings(**seen)]


def test_a_resource_with_a_fresh_backup_is_no_finding_whatever_takes_it() -> None:
    for is_covered in (True, False, None):
        assert kinds(resources=[ResourceView(judged(1), is_covered=is_covered)]) == []


@pytest.mark.parametrize(
    ("hours", "is_covered", "kind"),
    [
        (26, True, "stale"),
        (None, True, "stale"),
        (26, False, "unprotected"),
        (None, False, "unprotected"),
        (26, None, "stale"),
        (None, None, "unprotected"),
    ],
)
def test_a_resource_without_a_fresh_backup_is_stale_if_something_backs_it_up(
    hours: float | None, is_covered: bool | None, kind: str
) -> None:
    assert kinds(resources=[ResourceView(judged(hours), is_covered=is_covered)]) == [kind]


def test_a_finding_tells_when_the_last_good_backup_began_and_how_old_it_is() -> None:
    (finding,) = findings(resources=[ResourceView(judged(26), "web|1\n", is_covered=False, gap="it is in no vault")])

    assert finding == {
        "service": "cbr",
        "kind": "unprotected",
        "id": "server",
        "name": "web|1 ",
        "at": "2031-04-01T10:00:00+00:00",
        "reason": "it is in no vault; last good 26 h ago",
    }


def test_a_resource_that_is_to_be_copied_needs_a_fresh_copied_backup() -> None:
    fresh, old, none = (judged(hours, max_age=2 * DAY) for hours in (30, 72, None))

    assert kinds(resources=[ResourceView(judged(1), is_covered=True, copy=fresh)]) == []
    (finding,) = findings(resources=[ResourceView(judged(1), is_covered=True, copy=old)])
    assert (finding["kind"], finding["at"]) == ("missing_copy", "2031-03-30T12:00:00+00:00")
    assert finding["reason"] == "the last backup that was copied began 3 d ago"
    (finding,) = findings(resources=[ResourceView(judged(1), is_covered=True, copy=none)])
    assert finding["reason"] == "no backup was copied"


def test_a_policy_that_is_off_or_bound_to_nothing_is_a_finding() -> None:
    policies = [
        PolicyView("on", "nightly", is_on=True, is_bound=True),
        PolicyView("off", "nightly", is_on=False, is_bound=True),
        PolicyView("unbound", "nightly", is_on=True, is_bound=False),
        PolicyView("unknown", "nightly", is_on=True, is_bound=None),
    ]

    found = [(each["kind"], each["id"]) for each in findings(policies=policies)]

    assert found == [("policy_off", "off"), ("policy_unbound", "unbound")]


@pytest.mark.parametrize(("used", "size", "expected"), [(819, 1, []), (820, 1, ["vault_full"]), (5, 0, [])])
def test_a_vault_is_full_above_its_limit(used: int, size: int, expected: list[str]) -> None:
    assert kinds(vaults=[VaultView("vault", "main", used, size)]) == expected


def test_a_failed_task_is_told_in_the_words_of_the_service() -> None:
    tasks = [FailedTask("t1", "backup of web", NOW, "disk full"), FailedTask("t2", None, None, None)]

    assert [(each["at"], each["reason"]) for each in findings(failed=tasks)] == [
        (NOW.isoformat(), "disk full"),
        (None, "the service gives no reason"),
    ]


def test_only_backups_that_failed_since_then_are_noted() -> None:
    rows = [
        ListedBackup("server", state(1, Phase.FAILED, reason="disk full")),
        ListedBackup("server", state(30, Phase.FAILED, finished_at=NOW - timedelta(hours=2))),
        ListedBackup("server", state(30, Phase.FAILED)),
        ListedBackup("server", state(2)),
    ]
    noted = NotedFailures(lambda row: row, QUESTION.since)

    assert [noted(row) for row in rows] == rows
    assert [(task.id, task.reason) for task in noted.tasks] == [("backup-1", "disk full"), ("backup-30", None)]


def test_lists_are_read_back_to_before_the_last_report_also_at_the_beginning_of_the_calendar() -> None:
    first = ProtectionQuestion((), datetime.min.replace(tzinfo=UTC), None, None, 80.0)

    assert QUESTION.backups_begun_since < QUESTION.since
    assert QUESTION.tasks_begun_since < QUESTION.backups_begun_since
    assert first.tasks_begun_since <= first.backups_begun_since


@given(
    hours=st.none() | st.floats(0, 1e5),
    is_covered=st.none() | st.booleans(),
    is_on=st.booleans(),
    used=st.integers(0, 10**9),
    size=st.integers(0, 10**7),
)
def test_every_finding_is_of_a_known_kind_and_a_resource_has_one_at_most(
    hours: float | None, is_covered: bool | None, is_on: bool, used: int, size: int
) -> None:
    found = kinds(
        resources=[ResourceView(judged(hours), is_covered=is_covered)],
        policies=[PolicyView("p", None, is_on, is_bound=True)],
        vaults=[VaultView("v", None, used, size)],
    )

    assert set(found) <= set(FINDING_KINDS)
    assert len({"stale", "unprotected"} & set(found)) == (0 if judged(hours).is_fresh else 1)
    assert ("policy_off" in found) is not is_on
    assert ("vault_full" in found) is (size > 0 and used > 0.8 * 1024 * size)

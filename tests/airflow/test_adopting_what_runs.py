"""``on_conflict="adopt"``: a task whose resource is busy adopts the backup that is running there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupTimeoutError
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import (
    NAMED,
    SERVICES,
    cbr_vault,
    create_operator,
    csbs_policy,
    finish_backups,
    resources,
    rows,
    taken,
    target,
)
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore


@pytest.fixture(autouse=True)
def _long_backups(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)


def adopting(cloud: RunningCloud, service: str, what: dict[str, Any], **arguments: Any) -> TaskRun:
    """Return a task that adopts what runs on its resource."""
    store = arguments.pop("store", None)
    usual = {"on_conflict": "adopt", "timeout": 60}
    return TaskRun(create_operator(cloud, service, **{**usual, **what, **arguments}), store=store)


def busy(cloud: RunningCloud, service: str) -> dict[str, Any]:
    """Start a backup as another task would, and return the arguments that name its resource."""
    what: dict[str, Any] = target(cloud, service)
    taken(cloud, service, task_id="other", **what)
    return what


@pytest.mark.parametrize("service", SERVICES)
def test_the_backup_that_another_task_started_is_waited_for(cloud: RunningCloud, service: str) -> None:
    what = busy(cloud, service)
    run = adopting(cloud, service, what)

    ended = run.execute()

    assert isinstance(ended, Deferred)
    finish_backups(cloud)
    assert run.finish(ended)["status"].lower() in ("available", "completed")
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_free_resource_gets_a_backup_of_its_own(cloud: RunningCloud, service: str) -> None:
    what = busy(cloud, service)
    finish_backups(cloud)

    adopting(cloud, service, what, wait_for_completion=False).execute()

    assert len(rows(cloud, service)) == 2


def test_its_time_counts_from_the_start_of_the_task(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    rows(cloud, "rds")[0]["started_at"] = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    run = adopting(cloud, "rds", what, store=TaskStateStore())
    deadline = run.ti.start_date.timestamp() + 60

    for _ in range(2):
        ended = run.execute()
        assert isinstance(ended, Deferred)
        assert ended.trigger_arguments["deadline"] == pytest.approx(deadline, abs=0.5)
        run.retry()
        run.ti.start_date += timedelta(seconds=20)


@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_keeps_what_was_adopted_even_when_it_is_terminal(cloud: RunningCloud, service: str) -> None:
    what = busy(cloud, service)
    run = adopting(cloud, service, what, store=TaskStateStore())
    run.execute()
    finish_backups(cloud)
    run.retry()

    assert run.execute()["status"].lower() in ("available", "completed")
    assert len(rows(cloud, service)) == 1


def test_what_was_adopted_is_never_deleted_with_the_task(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")

    ended = adopting(cloud, "rds", what, delete_on_kill=True, store=TaskStateStore()).execute()

    assert isinstance(ended, Deferred)
    assert not ended.trigger.delete_on_kill


def test_what_was_adopted_is_not_deleted_with_a_retry_either(cloud: RunningCloud) -> None:
    what = busy(cloud, "rds")
    run = adopting(cloud, "rds", what, delete_on_kill=True, store=TaskStateStore())
    run.execute()
    run.retry()

    ended = run.execute()

    assert isinstance(ended, Deferred)
    assert not ended.trigger.delete_on_kill


def test_a_backup_of_fewer_servers_is_waited_for(cloud: RunningCloud) -> None:
    policy_id = csbs_policy(cloud, servers=2)
    first, _ = resources(cloud, "servers")[:2]
    part = taken(cloud, "csbs", task_id="other", policy_id=policy_id, server_ids=[first])

    with pytest.raises(BackupTimeoutError, match=f"policy_id {policy_id} was busy"):
        adopting(cloud, "csbs", {"policy_id": policy_id}, timeout=1.5).run()
    run = adopting(cloud, "csbs", {"policy_id": policy_id, "server_ids": [first]}, wait_for_completion=False)
    assert run.execute()["backup_id"] == part["backup_id"]


def test_a_backup_of_more_servers_is_good_enough(cloud: RunningCloud) -> None:
    policy_id = csbs_policy(cloud, servers=2)
    whole = taken(cloud, "csbs", task_id="other", policy_id=policy_id)
    server_ids = resources(cloud, "servers")[1:2]

    run = adopting(cloud, "csbs", {"policy_id": policy_id, "server_ids": server_ids}, wait_for_completion=False)

    assert run.execute()["backup_id"] == whole["backup_id"]


def test_a_backup_of_other_resources_of_the_vault_is_waited_for(cloud: RunningCloud) -> None:
    vault_id = cbr_vault(cloud, servers=2)
    first, second = resources(cloud, "servers")[:2]
    part = taken(cloud, "cbr", task_id="other", vault_id=vault_id, resource_ids=[first])

    what: dict[str, Any]
    for what in ({}, {"resource_ids": [second]}):
        with pytest.raises(BackupTimeoutError, match=f"vault_id {vault_id} was busy"):
            adopting(cloud, "cbr", {"vault_id": vault_id, **what}, timeout=1.5).run()
    for what in ({"resource_ids": [first]}, {"resource_details": [{"id": first, "type": "OS::Nova::Server"}]}):
        run = adopting(cloud, "cbr", {"vault_id": vault_id, **what}, wait_for_completion=False)
        assert run.execute()["backup_id"] == part["backup_id"]


@pytest.mark.parametrize("service", NAMED)
def test_with_a_name_of_ones_own_what_runs_is_adopted_whatever_its_name(cloud: RunningCloud, service: str) -> None:
    what = busy(cloud, service)

    ended = adopting(cloud, service, what, name="nightly").execute()

    assert isinstance(ended, Deferred)
    assert len(rows(cloud, service)) == 1


def test_nothing_is_searched_for_as_long_as_the_resource_is_free(wire: Wire, backup_cloud: RunningCloud) -> None:
    run = adopting(backup_cloud, "csbs", target(backup_cloud, "csbs"), wait_for_completion=False)
    run.execute()

    assert not [request for request in wire.sent_to("csbs", "GET") if "resource_id" in request.path]

"""What a task does with a backup that has the name which its author chose."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_backup.cloud.errors import ApiError, CloudConnectionError, DuplicateNameError, InvalidRequestError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupExistsError, BackupFailedError
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import (
    DATABASES,
    NAMED,
    SERVICE_OF,
    cbr_vault,
    create_operator,
    finish_backups,
    resources,
    rows,
    taken,
    target,
)
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore


def of_another_run(cloud: RunningCloud, service: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Take a backup with the name ``nightly``, and return what was backed up and the result."""
    what = target(cloud, service)
    return what, taken(cloud, service, wait=True, task_id="other", name="nightly", **what)


def nightly(cloud: RunningCloud, service: str, if_exists: str, what: dict[str, str], **arguments: Any) -> TaskRun:
    """Return a task that takes a backup with the name ``nightly`` some time later."""
    usual = {"name": "nightly", "if_exists": if_exists, "deferrable": False}
    run = TaskRun(create_operator(cloud, service, **{**usual, **what, **arguments}), run_id="later")
    run.ti.start_date += timedelta(seconds=10)
    run.dag_run.start_date += timedelta(seconds=10)
    return run


@pytest.mark.parametrize("service", NAMED)
def test_adopt_takes_a_good_backup_of_the_name(cloud: RunningCloud, service: str) -> None:
    what, other = of_another_run(cloud, service)

    assert nightly(cloud, service, "adopt", what).execute()["backup_ids"] == other["backup_ids"]
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", NAMED)
def test_adopt_takes_a_running_backup_of_the_name(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(3600)
    what: dict[str, Any] = target(cloud, service)
    taken(cloud, service, task_id="other", name="nightly", **what)
    run = nightly(cloud, service, "adopt", what, deferrable=True)

    ended = run.execute()

    assert isinstance(ended, Deferred)
    finish_backups(cloud)
    assert run.finish(ended)["name"].startswith("nightly")
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", ["vbs", "cbr"])
def test_adopt_takes_a_fresh_backup_in_place_of_a_failed_one(cloud: RunningCloud, service: str) -> None:
    what = target(cloud, service)
    cloud.fail_next_backup(service, "the array is on fire")
    with pytest.raises(BackupFailedError):
        taken(cloud, service, wait=True, task_id="other", name="nightly", **what)

    assert nightly(cloud, service, "adopt", what).execute()["status"] == "available"


@pytest.mark.parametrize("service", DATABASES)
def test_adopt_says_so_when_a_failed_backup_keeps_the_name_for_itself(cloud: RunningCloud, service: str) -> None:
    what = target(cloud, service)
    cloud.fail_next_backup(service, "the array is on fire")
    with pytest.raises(BackupFailedError):
        taken(cloud, service, wait=True, task_id="other", name="nightly", **what)

    with pytest.raises(DuplicateNameError, match=r"accepts each name once.* belongs to a backup that failed"):
        nightly(cloud, service, "adopt", what).execute()


def test_adopt_takes_only_a_checkpoint_of_all_the_resources(cloud: RunningCloud) -> None:
    vault_id = cbr_vault(cloud, servers=2)
    first, second = resources(cloud, "servers")[:2]
    part = taken(cloud, "cbr", wait=True, task_id="other", vault_id=vault_id, name="nightly", resource_ids=[first])

    assert nightly(cloud, "cbr", "adopt", {"vault_id": vault_id}).execute()["backup_id"] != part["backup_id"]
    for wanted, is_in_it in ((first, True), (second, False)):
        run = nightly(cloud, "cbr", "adopt", {"vault_id": vault_id}, resource_ids=[wanted])
        assert wanted in run.execute()["resource_ids"], is_in_it
    assert len({row["checkpoint_id"] for row in rows(cloud, "cbr")}) == 2


@pytest.mark.parametrize("service", NAMED)
def test_adopt_takes_a_backup_when_there_is_none_of_the_name(cloud: RunningCloud, service: str) -> None:
    run = nightly(cloud, service, "adopt", target(cloud, service))

    assert run.execute()["name"].startswith("nightly")
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", NAMED)
def test_adopt_takes_its_own_backup_also_after_a_clear(cloud: RunningCloud, service: str) -> None:
    run = nightly(cloud, service, "adopt", target(cloud, service))
    first = run.execute()
    run.clear()

    assert run.execute()["backup_ids"] == first["backup_ids"]


@pytest.mark.parametrize("service", NAMED)
def test_fail_names_the_backup_that_has_the_name_and_sends_nothing(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    what, other = of_another_run(backup_cloud, service)
    run = nightly(backup_cloud, service, "fail", what)
    already_sent = len(wire.sent_to(service, "POST"))

    with pytest.raises(BackupExistsError, match=f"{other['backup_ids'][0]}|{other['backup_id']}") as caught:
        run.execute()

    assert "'nightly'" in str(caught.value)
    assert str(caught.value).startswith("Nothing was sent (if_exists is 'fail'): ")
    assert isinstance(caught.value, DuplicateNameError)
    assert not isinstance(caught.value, ApiError)
    assert len(wire.sent_to(service, "POST")) == already_sent


def test_fail_is_not_retried_because_the_retry_could_take_the_other_for_its_own(cloud: RunningCloud) -> None:
    assert issubclass(BackupExistsError, AirflowFailException)


@pytest.mark.parametrize("service", NAMED)
def test_fail_takes_a_backup_when_there_is_none_of_the_name(cloud: RunningCloud, service: str) -> None:
    assert nightly(cloud, service, "fail", target(cloud, service)).execute()["name"].startswith("nightly")


@pytest.mark.parametrize("has_store", [True, False])
@pytest.mark.parametrize("service", NAMED)
def test_with_fail_a_retry_finds_its_own_backup(cloud: RunningCloud, service: str, has_store: bool) -> None:
    operator = create_operator(cloud, service, name="nightly", if_exists="fail", deferrable=False)
    run = TaskRun(operator, store=TaskStateStore() if has_store else None)
    first = run.execute()
    run.retry()

    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", NAMED)
def test_with_fail_a_retry_after_a_lost_answer_finds_its_own_backup(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    run = TaskRun(create_operator(backup_cloud, service, name="nightly", if_exists="fail", deferrable=False))
    after_the_effect = wire.losing_answers_to(
        lambda request: request.service == SERVICE_OF[service] and bool(rows(backup_cloud, service))
    )
    with after_the_effect, pytest.raises(CloudConnectionError):
        run.execute()
    run.retry()

    assert run.execute()["status"].lower() in ("available", "completed")
    assert len(rows(backup_cloud, service)) == 1


@pytest.mark.parametrize("service", ["vbs", "cbr"])
def test_with_fail_a_retry_does_not_take_an_older_backup_for_its_own(cloud: RunningCloud, service: str) -> None:
    what, _ = of_another_run(cloud, service)
    run = nightly(cloud, service, "fail", what)
    run.retry()

    with pytest.raises(BackupExistsError):
        run.execute()


@pytest.mark.parametrize("service", ["vbs", "cbr"])
def test_new_takes_a_second_backup_of_the_name(cloud: RunningCloud, service: str) -> None:
    what, other = of_another_run(cloud, service)

    assert nightly(cloud, service, "new", what).execute()["backup_ids"] != other["backup_ids"]


@pytest.mark.parametrize("service", DATABASES)
def test_new_says_what_to_do_where_each_name_is_taken_once(cloud: RunningCloud, service: str) -> None:
    what, _ = of_another_run(cloud, service)

    with pytest.raises(DuplicateNameError, match=r"once.*dag_run\.start_date \| ts_nodash.*if_exists='adopt'"):
        nightly(cloud, service, "new", what).execute()


@pytest.mark.parametrize("service", NAMED)
def test_new_is_what_is_done_without_a_word(cloud: RunningCloud, service: str) -> None:
    assert create_operator(cloud, service, name="nightly").if_exists == "new"


@pytest.mark.parametrize("if_exists", ["adopt", "fail"])
@pytest.mark.parametrize("service", NAMED)
def test_without_a_name_of_ones_own_nothing_can_have_it(cloud: RunningCloud, service: str, if_exists: str) -> None:
    with pytest.raises(InvalidRequestError, match=rf"if_exists: requires name \(given: '{if_exists}'\)"):
        create_operator(cloud, service, if_exists=if_exists)


@pytest.mark.parametrize("if_exists", ["adopt", "fail"])
def test_where_the_request_carries_no_name_nothing_can_have_it(cloud: RunningCloud, if_exists: str) -> None:
    with pytest.raises(InvalidRequestError, match="if_exists: .* the request carries no name"):
        create_operator(cloud, "csbs", if_exists=if_exists)


def test_a_choice_that_does_not_exist_is_refused_while_the_dag_is_parsed(cloud: RunningCloud) -> None:
    with pytest.raises(InvalidRequestError, match=r"if_exists: must be one of new, adopt, fail \(given: 'ignore'\)"):
        create_operator(cloud, "rds", name="nightly", if_exists="ignore")


@pytest.mark.parametrize("if_exists", ["adopt", "fail"])
def test_a_name_that_is_a_template_is_a_name_of_ones_own(cloud: RunningCloud, if_exists: str) -> None:
    operator = create_operator(cloud, "vbs", name="{{ ds }}", if_exists=if_exists)
    assert operator.if_exists == if_exists

"""Deleting a database instance: confirmed by its name, waited for until it is gone, never a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import ResourceBusyError
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import (
    BackupFailedError,
    BackupTimeoutError,
    InstanceMissingError,
    InvalidArgumentError,
)
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.killed_triggers import end_from_outside
from tests.airflow.restorable_instances import DELETE_INSTANCE, RestorableInstance
from tests.airflow.service_matrix import DATABASES, create_operator, finish_backups, taken
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore, event_of

ROUTE = "/v3/{project_id}/instances/{instance_id}"


class Deletable:
    """An instance of a service.

    :param cloud: the local cloud.
    :param service: name of the service.
    """

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        self.cloud = cloud
        self.service = service
        self.instance_id = next(iter(self.rows))
        self.name: str = self.rows[self.instance_id]["name"]

    @property
    def rows(self) -> dict[str, Row]:
        return self.cloud.state.table(f"inventory.{self.service}_instances")

    @property
    def requests(self) -> int:
        """How many deletions were requested."""
        return self.cloud.requests[self.service, "DELETE", ROUTE]

    @property
    def is_there(self) -> bool:
        """Whether the instance is there and not being deleted."""
        return "change" not in self.rows.get(self.instance_id, {"change": None})

    def run(self, *, store: TaskStateStore | None = None, **arguments: Any) -> TaskRun:
        usual = {"instance_id": self.instance_id, "confirm_name": self.name, "poll_interval": 0.05, "deferrable": False}
        return TaskRun(DELETE_INSTANCE[self.service](task_id="delete", **{**usual, **arguments}), store=store)

    def misbehave(self, kind: Any, **parameters: Any) -> None:
        self.cloud.misbehave(kind, service=self.service, method="DELETE", route=ROUTE, **parameters)


@pytest.fixture(params=DATABASES)
def made(cloud: RunningCloud, request: pytest.FixtureRequest) -> Deletable:
    return Deletable(cloud, request.param)


@pytest.fixture
def rds(cloud: RunningCloud) -> Deletable:
    return Deletable(cloud, "rds")


def deferred(run: TaskRun) -> Deferred:
    ended = run.execute()
    assert isinstance(ended, Deferred)
    return ended


# -------------------------------------------------------------------------------------------------------- whole runs


@pytest.mark.parametrize("deferrable", [True, False])
def test_an_instance_is_deleted_and_waited_for(made: Deletable, deferrable: bool) -> None:
    made.cloud.set_backup_seconds(0.4)

    result = made.run(deferrable=deferrable).run()

    assert (result["service"], result["instance_id"]) == (made.service, made.instance_id)
    assert result["job_id"] in made.cloud.state.table(f"{made.service}.jobs")
    assert made.instance_id not in made.rows
    assert made.requests == 1


def test_manual_backups_of_the_instance_stay(made: Deletable) -> None:
    backup = taken(made.cloud, made.service, wait=True, instance_id=made.instance_id)

    made.run().run()

    assert set(made.cloud.state.table(f"{made.service}.backups")) >= {backup["backup_id"]}


def test_the_task_need_not_wait(made: Deletable) -> None:
    made.cloud.set_backup_seconds(3600)

    result = made.run(wait_for_completion=False).execute()

    assert result["instance_id"] == made.instance_id
    assert (made.requests, made.is_there) == (1, False)
    assert made.instance_id in made.rows


def test_the_log_names_the_instance(made: Deletable, logged: Callable[[], str]) -> None:
    made.cloud.set_backup_seconds(0.4)

    made.run(deferrable=True).run()

    named = f"{made.service} instance {made.instance_id} {made.name!r}"
    assert f"To be deleted: {named}." in logged()
    assert f"Deleted: {named}." in logged()


def test_the_last_backup_that_rds_takes_is_waited_for(rds: Deletable) -> None:
    rds.cloud.set_backup_seconds(3600)
    run = rds.run(deferrable=True, timeout=60)

    ended = deferred(run)

    assert isinstance(run.resume(ended.method_name, event={"outcome": "trouble", "message": "none"}), Deferred)
    finish_backups(rds.cloud)
    rds.rows[rds.instance_id]["change"]["ready_at"] = rds.cloud.state.now().isoformat()
    assert run.finish(ended)["instance_id"] == rds.instance_id


def test_the_event_is_enough_for_the_result_when_the_xcoms_are_gone(made: Deletable) -> None:
    made.cloud.set_backup_seconds(0.4)
    run = made.run(deferrable=True)
    ended = deferred(run)
    event = event_of(BackupTrigger(**ended.trigger_arguments))
    run.ti.xcoms.clear()

    assert run.resume(ended.method_name, event=event)["instance_id"] == made.instance_id


def test_a_cloud_that_does_not_tell_the_job_is_believed_by_its_list(made: Deletable) -> None:
    made.cloud.misbehave("refuse", service=made.service, method="GET", route="/v3/{project_id}/jobs", status=400,
                         code="DBS.200543", message="The job does not exist.")  # fmt: skip
    made.cloud.set_backup_seconds(0.4)

    assert made.run().run()["instance_id"] == made.instance_id


# ------------------------------------------------------------------------------------------------------- confirmation


@pytest.mark.parametrize("confirm_name", ["another", "rehearsal-", "rehearsal-1", "ORDERS-MYSQL", " "])
def test_another_name_deletes_nothing_and_tells_the_right_one(made: Deletable, confirm_name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"confirm_name: must be the name of the instance.*{made.name}"):
        made.run(confirm_name=confirm_name).execute()

    assert (made.requests, made.is_there) == (0, True)


def test_an_instance_of_a_rehearsal_is_confirmed_by_the_prefix(made: Deletable) -> None:
    made.rows[made.instance_id]["name"] = "rehearsal-of-tonight"

    made.run(confirm_name="rehearsal-").run()

    assert made.instance_id not in made.rows


def test_no_other_prefix_confirms(made: Deletable) -> None:
    made.rows[made.instance_id]["name"] = "rehearsal-of-tonight"

    with pytest.raises(InvalidArgumentError, match="confirm_name"):
        made.run(confirm_name="rehearsal-of").execute()

    assert made.is_there


def test_a_name_that_a_template_turns_into_nothing_deletes_nothing(rds: Deletable) -> None:
    run = rds.run(confirm_name="{{ params.name }}")
    run.operator.confirm_name = None

    with pytest.raises(InvalidArgumentError, match="confirm_name"):
        run.execute()

    assert rds.requests == 0


# ------------------------------------------------------------------------------------------------- missing and failed


def test_an_instance_that_does_not_exist_fails_the_task(made: Deletable) -> None:
    unknown = "0" * 32 + made.instance_id[32:]
    place = f"region eu-de, project {made.cloud.describe()['project_id']}"

    with pytest.raises(InstanceMissingError, match=f"{made.service} instance {unknown} does not exist in {place}"):
        made.run(instance_id=unknown).execute()


def test_an_instance_that_does_not_exist_is_ignored_by_choice(made: Deletable) -> None:
    unknown = "0" * 32 + made.instance_id[32:]

    result = made.run(instance_id=unknown, if_missing="ignore").execute()

    assert result == {"service": made.service, "instance_id": unknown, "job_id": None}


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_deletion_that_fails_fails_the_task_with_its_reason(made: Deletable, deferrable: bool) -> None:
    made.cloud.plan_outcome(f"{made.service}.instance_deletion", reason="the array is on fire")
    made.cloud.set_backup_seconds(0.4)

    with pytest.raises(BackupFailedError, match=f"deletion of {made.service} instance .*the array is on fire"):
        made.run(deferrable=deferrable).run()

    assert made.instance_id in made.rows


def test_a_retry_submits_a_failed_deletion_again(made: Deletable) -> None:
    made.cloud.plan_outcome(f"{made.service}.instance_deletion", reason="the array is on fire")
    run = made.run(store=TaskStateStore())
    with pytest.raises(BackupFailedError):
        run.run()
    run.retry()

    assert run.run()["instance_id"] == made.instance_id
    assert made.requests == 2


def test_a_deletion_that_takes_too_long_times_out_and_continues(rds: Deletable) -> None:
    rds.cloud.set_backup_seconds(3600)

    with pytest.raises(BackupTimeoutError, match=r"deletion of rds instance .*continues in the cloud.*adopts it"):
        rds.run(timeout=1.2).execute()

    assert not rds.is_there


# ------------------------------------------------------------------------------------------------------------ retries


def test_a_retry_adopts_the_deletion_that_is_under_way(made: Deletable, logged: Callable[[], str]) -> None:
    made.cloud.set_backup_seconds(3600)
    run = made.run(deferrable=True, store=TaskStateStore())
    deferred(run)
    run.retry()

    ended = deferred(run)

    assert not ended.is_for_conflict
    assert made.requests == 1
    assert f"The deletion of {made.service} instance {made.instance_id} is running already; adopting it." in logged()
    finish_backups(made.cloud)
    made.rows[made.instance_id]["change"]["ready_at"] = made.cloud.state.now().isoformat()
    assert run.finish(ended)["instance_id"] == made.instance_id


@pytest.mark.parametrize("with_store", [True, False])
def test_a_retry_after_a_lost_answer_ends_when_the_instance_is_gone(made: Deletable, with_store: bool) -> None:
    made.misbehave("close_after", count=1)
    made.cloud.set_backup_seconds(1)

    result = made.run(store=TaskStateStore() if with_store else None).run()

    assert result["instance_id"] == made.instance_id
    assert made.instance_id not in made.rows


def test_a_retry_without_a_record_waits_until_the_busy_instance_is_gone(made: Deletable) -> None:
    made.cloud.set_backup_seconds(3600)
    run = made.run(deferrable=True, wait_for_completion=False)
    run.execute()
    run.retry()
    ended = deferred(run)
    assert ended.is_for_conflict

    made.rows[made.instance_id]["change"]["ready_at"] = made.cloud.state.now().isoformat()

    assert run.finish(ended)["instance_id"] == made.instance_id


def test_a_retry_succeeds_when_the_try_before_saw_the_instance(made: Deletable) -> None:
    run = made.run(wait_for_completion=False, store=TaskStateStore())
    run.execute()
    made.rows[made.instance_id]["change"]["ready_at"] = made.cloud.state.now().isoformat()
    run.retry()

    assert run.execute()["instance_id"] == made.instance_id


def test_a_retry_that_cannot_know_of_an_earlier_try_says_so(made: Deletable) -> None:
    run = made.run(wait_for_completion=False)
    run.execute()
    made.rows[made.instance_id]["change"]["ready_at"] = made.cloud.state.now().isoformat()
    run.retry()

    with pytest.raises(InstanceMissingError, match=r"An earlier try may have deleted it.*if_missing='ignore'"):
        run.execute()


# --------------------------------------------------------------------------------------------------------- conflicts


def test_an_instance_that_is_backed_up_is_deleted_afterwards(made: Deletable) -> None:
    made.cloud.set_backup_seconds(3600)
    taken(made.cloud, made.service, instance_id=made.instance_id)
    run = made.run(deferrable=True)
    ended = deferred(run)
    assert isinstance(ended.trigger, BackupTrigger)
    assert ended.is_for_conflict
    finish_backups(made.cloud)
    made.cloud.set_backup_seconds(0.05)

    assert run.finish(ended)["instance_id"] == made.instance_id


@pytest.mark.parametrize("service", DATABASES)
def test_an_instance_that_is_being_restored_is_deleted_when_the_trigger_sees_the_restore_end(
    cloud: RunningCloud, service: str
) -> None:
    restorable = RestorableInstance(cloud, service)
    cloud.set_backup_seconds(3600)
    restorable.run(wait_for_completion=False).execute()
    # The instance is still ACTIVE in the first moments (databases section 8.3).
    cloud.state.advance_clock(1)
    made = Deletable(cloud, service)
    run = made.run(deferrable=True)

    ended = deferred(run)

    assert isinstance(ended.trigger, BackupTrigger)
    assert ended.is_for_conflict
    assert ended.trigger_arguments["reference"]["operation"] == "restore"
    made.rows[made.instance_id]["change"]["ready_at"] = cloud.state.now().isoformat()
    finish_backups(cloud)
    cloud.set_backup_seconds(0.05)
    assert run.finish(ended)["instance_id"] == made.instance_id
    assert made.instance_id not in made.rows


def test_a_busy_instance_fails_the_task_by_choice(made: Deletable) -> None:
    made.cloud.set_backup_seconds(3600)
    taken(made.cloud, made.service, instance_id=made.instance_id)

    with pytest.raises(ResourceBusyError):
        made.run(on_conflict="fail").execute()

    assert made.is_there


def test_a_backup_of_an_instance_that_is_being_deleted_waits(made: Deletable) -> None:
    made.cloud.set_backup_seconds(3600)
    made.run(wait_for_completion=False).execute()

    ended = TaskRun(create_operator(made.cloud, made.service, instance_id=made.instance_id)).execute()

    assert isinstance(ended, Deferred)
    assert ended.is_for_conflict


def test_a_deletion_continues_when_its_task_is_killed_in_the_triggerer(
    rds: Deletable, logged: Callable[[], str]
) -> None:
    rds.cloud.set_backup_seconds(3600)
    trigger = BackupTrigger(**deferred(rds.run(deferrable=True, poll_interval=60)).trigger_arguments)

    end_from_outside(trigger)

    assert f"the deletion of rds instance {rds.instance_id} continues in the cloud" in logged()

"""The newest good backup whose copy is good in another region."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.emulator.core.regions import HOME, SECOND
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupSensorTimeoutError, StaleBackupError
from airflow_provider_backup.operators.cbr import CbrGetLatestBackupOperator
from airflow_provider_backup.sensors.cbr import CbrFreshBackupSensor
from tests.airflow.replicable import Replicable
from tests.airflow.task_runs import TaskRun

LIST = ("cbr", "GET", "/v3/{project_id}/backups")


@pytest.fixture
def made(cloud: RunningCloud) -> Replicable:
    return Replicable(cloud)


def latest(made: Replicable, **arguments: Any) -> Any:
    return TaskRun(CbrGetLatestBackupOperator(task_id="latest", vault_id=made.vault_id, **arguments)).run()


@pytest.mark.parametrize("how", [{"offsite": True}, {"offsite": "True"}, {"copy_region": SECOND.name}])
def test_the_newest_backup_with_a_good_copy_is_found(made: Replicable, how: dict[str, Any]) -> None:
    made.run().run()
    newer = made.back_up("newer")

    (with_copy,), (any_backup,) = latest(made, **how), latest(made)

    assert with_copy["backup_ids"] == made.checkpoint["backup_ids"]
    assert any_backup["backup_ids"] == newer["backup_ids"]


@pytest.mark.parametrize(
    ("how", "where"),
    [({"offsite": True}, "another region"), ({"copy_region": SECOND.name}, "region eu-nl")],
)
def test_without_a_copy_the_task_fails_and_says_where_it_is_missing(
    made: Replicable, how: dict[str, Any], where: str
) -> None:
    with pytest.raises(StaleBackupError, match=f"good, but without a good copy in {where}"):
        latest(made, **how)


def test_a_copy_in_another_region_than_the_wanted_one_does_not_count(made: Replicable) -> None:
    made.run().run()
    with pytest.raises(StaleBackupError, match="without a good copy in region eu-fr"):
        latest(made, copy_region="eu-fr")


@pytest.mark.parametrize("outcome", [{"reason": "no room"}, {"stuck": True}])
def test_a_copy_that_failed_or_is_being_made_does_not_count(made: Replicable, outcome: dict[str, Any]) -> None:
    made.cloud.plan_outcome("cbr.replication", **outcome)
    try:
        made.run(wait_for_completion=False).run()
    except BackupError:
        assert "reason" in outcome
    with pytest.raises(StaleBackupError):
        latest(made, offsite=True)


def test_a_region_has_no_copies_of_its_own_copies(made: Replicable) -> None:
    made.run().run()
    there = CbrGetLatestBackupOperator(
        task_id="latest",
        resource_id=made.checkpoint["resource_ids"][0],
        offsite=True,
        region=SECOND.name,
        project_id=SECOND.project_id,
    )
    with pytest.raises(StaleBackupError, match="no good backup"):
        TaskRun(there).run()


def test_it_costs_a_page_as_without_copies(made: Replicable) -> None:
    made.run().run()
    before = made.cloud.requests[LIST]
    latest(made, offsite=True)
    assert made.cloud.requests[LIST] - before == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_sensor_waits_until_the_copy_is_good(made: Replicable, deferrable: bool) -> None:
    made.cloud.plan_outcome("cbr.replication", seconds=0.3)
    made.run(wait_for_completion=False).run()
    sensor = CbrFreshBackupSensor(
        task_id="fresh",
        resource_id=made.checkpoint["resource_ids"][0],
        copy_region=SECOND.name,
        poke_interval=0.1,
        timeout=20,
        deferrable=deferrable,
    )
    assert TaskRun(sensor).run()["backup_ids"] == made.checkpoint["backup_ids"]


def test_the_sensor_times_out_without_a_copy(made: Replicable) -> None:
    sensor = CbrFreshBackupSensor(
        task_id="fresh", vault_id=made.vault_id, offsite=True, poke_interval=0.05, timeout=0.3, deferrable=True
    )
    with pytest.raises(BackupSensorTimeoutError):
        TaskRun(sensor).run()


@pytest.mark.parametrize(("name", "value"), [("copy_region", ""), ("copy_region", 5), ("offsite", "yes")])
def test_a_wrong_argument_is_refused_while_a_dag_is_parsed(made: Replicable, name: str, value: Any) -> None:
    with pytest.raises(BackupError, match=name):
        CbrGetLatestBackupOperator(task_id="latest", vault_id=made.vault_id, **{name: value})


def test_the_home_region_is_no_other_region() -> None:
    from airflow_provider_backup.cloud.services.cbr.latest_backups import WantedCopy
    from airflow_provider_backup.cloud.services.cbr.models import Backup

    record = {"status": "success", "source_region": HOME.name, "destination_region": HOME.name}
    backup = Backup.model_validate({"id": "b", "replication_records": [record]})
    assert not WantedCopy().is_of(backup)

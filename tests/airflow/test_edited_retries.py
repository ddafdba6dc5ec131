"""``retries`` is edited in the DAG file between two tries, or the package is upgraded: no second backup is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from airflow_provider_backup.cloud.errors import CloudConnectionError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.tasks import identity
from airflow_provider_backup.tasks.idempotency import idempotency_key
from airflow_provider_backup.version_compat import clears_of
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import NAMED, SERVICES, create_operator, rows
from tests.airflow.task_runs import TaskRun, TaskStateStore

EDITS = [1, 0, 5]


@pytest.mark.parametrize("retries", EDITS)
@pytest.mark.parametrize(
    ("service", "with_store"),
    [*((service, False) for service in NAMED), *((service, True) for service in SERVICES)],
    ids=lambda value: value if isinstance(value, str) else "by the record" if value else "by the key",
)
def test_a_retry_finds_its_backup_again_whatever_became_of_retries(
    cloud: RunningCloud, service: str, with_store: bool, retries: int
) -> None:
    store = TaskStateStore() if with_store else None
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=2), store=store)
    first = run.execute()
    run.operator.retries = retries
    run.retry()
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("retries", EDITS)
@pytest.mark.parametrize("service", NAMED)
def test_a_retry_after_a_clear_finds_the_fresh_backup_whatever_became_of_retries(
    cloud: RunningCloud, service: str, retries: int
) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=2))
    run.execute()
    run.clear()
    fresh = run.execute()
    run.operator.retries = retries
    run.retry()
    assert run.execute()["backup_ids"] == fresh["backup_ids"]
    assert len(rows(cloud, service)) == 2


def test_a_first_try_is_one_whatever_became_of_retries_since_the_run_was_made(cloud: RunningCloud) -> None:
    # Otherwise it would take the checkpoint of another task for its own.
    operator = create_operator(cloud, "csbs", deferrable=False, retries=2)
    other = TaskRun(operator).execute()
    run = TaskRun(operator)
    operator.retries = 1
    assert run.execute()["backup_id"] != other["backup_id"]


# --------------------------------------------------------------------------------------------------- the upgrade


RETRIES = 2


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Let tasks count generations as the previous release did, until this is called."""
    with monkeypatch.context() as patch:
        patch.setattr(identity, "generation_of", lambda task_instance: str(clears_of(task_instance, RETRIES)))
        yield patch.undo


@pytest.mark.parametrize("with_store", [True, False], ids=["store", "no store"])
@pytest.mark.parametrize("cleared", [True, False], ids=["cleared", "not cleared"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_after_the_upgrade_finds_the_backup_of_the_previous_release(
    cloud: RunningCloud, upgrade: Callable[[], None], service: str, cleared: bool, with_store: bool
) -> None:
    store = TaskStateStore() if with_store else None
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=RETRIES), store=store)
    first = run.execute()
    if cleared:
        run.clear()
        first = run.execute()
    upgrade()
    run.retry()
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == (2 if cleared else 1)


@pytest.mark.parametrize("service", NAMED)
def test_a_clear_after_the_upgrade_takes_a_fresh_backup(
    cloud: RunningCloud, upgrade: Callable[[], None], service: str
) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=RETRIES))
    first = run.execute()
    upgrade()
    run.clear()
    assert run.execute()["backup_ids"] != first["backup_ids"]


@pytest.mark.parametrize(("generation", "key"), [("0", "5kqat4sgmokp"), ("2", "hxgbfygccp6v")])
def test_the_keys_of_the_previous_release_are_still_known(generation: str, key: str) -> None:
    task_instance = SimpleNamespace(dag_id="dag", run_id="manual__1", task_id="backup", map_index=-1)
    assert idempotency_key({"ti": task_instance}, generation) == key


@pytest.mark.parametrize("with_store", [True, False], ids=["store", "no store"])
@pytest.mark.parametrize("service", NAMED)
def test_the_search_for_backups_of_the_previous_release_finds_none_of_before_a_clear(
    wire: Wire, backup_cloud: RunningCloud, service: str, with_store: bool
) -> None:
    store = TaskStateStore() if with_store else None
    run = TaskRun(create_operator(backup_cloud, service, deferrable=False, retries=RETRIES), store=store)
    first = run.execute()
    run.retry()
    run.execute()
    run.clear()  # two tries before: as many as there are retries
    wire.down()
    with pytest.raises(CloudConnectionError):
        run.execute()
    wire.up()
    run.retry()
    assert run.execute()["backup_ids"] != first["backup_ids"]

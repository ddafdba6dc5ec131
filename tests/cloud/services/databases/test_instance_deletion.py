"""The deletion of an instance as an operation: what is sent, and what proves that it is over."""

from __future__ import annotations

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError, ResourceBusyError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.databases.instance_deletion import InstanceDeletion, InstanceDeletionRequest
from tests.cloud.services.databases.database_fixture import Family


async def begun(family: Family) -> tuple[InstanceDeletion, OperationReference]:
    """Begin the deletion of an instance, which takes an hour."""
    deletion = family.service.instance_deletion
    instance = await family.service.instances.get(family.instance_id)
    request = InstanceDeletionRequest(instance_id=family.instance_id, confirm_name=instance.name)
    await deletion.prepare(request)
    return deletion, await deletion.submit(request)


def end(family: Family) -> None:
    """Let the deletion be over."""
    family.local_cloud.state.advance_clock(3600)


def forget_job(family: Family) -> None:
    """Let the cloud not tell the job."""
    family.local_cloud.state.table(f"{family.name}.jobs").clear()


async def test_an_instance_that_is_listed_is_being_deleted(family: Family) -> None:
    deletion, reference = await begun(family)

    state = await deletion.observe(reference)

    assert (state.phase, state.resource_ids) == (Phase.IN_PROGRESS, (family.instance_id,))
    assert await deletion.is_running(reference)


async def test_it_is_over_when_the_job_has_ended_and_the_instance_is_not_listed(family: Family) -> None:
    deletion, reference = await begun(family)
    end(family)

    state = await deletion.observe(reference)

    assert (state.phase, state.status) == (Phase.SUCCEEDED, "deleted")
    assert state.created_at
    assert state.finished_at
    assert not await deletion.is_running(reference)


async def test_an_instance_that_is_not_listed_is_not_gone_while_its_job_runs(family: Family) -> None:
    deletion, reference = await begun(family)
    del family.local_cloud.state.table(f"inventory.{family.name}_instances")[family.instance_id]

    assert (await deletion.observe(reference)).phase is Phase.IN_PROGRESS


async def test_the_list_alone_counts_where_the_job_is_not_told(family: Family) -> None:
    deletion, reference = await begun(family)
    forget_job(family)

    assert (await deletion.observe(reference)).phase is Phase.IN_PROGRESS
    assert not await deletion.is_running(reference)
    end(family)
    assert (await deletion.observe(reference)).phase is Phase.SUCCEEDED


async def test_a_job_that_failed_gives_its_reason(family: Family) -> None:
    family.local_cloud.plan_outcome(f"{family.name}.instance_deletion", reason="the array is on fire", seconds=0)

    deletion, reference = await begun(family)

    state = await deletion.observe(reference)
    assert (state.phase, state.reason) == (Phase.FAILED, "the array is on fire")


async def test_the_client_observes_it_by_its_reference(family: Family, cloud: BackupCloud) -> None:
    _, reference = await begun(family)

    read_back = OperationReference.from_dict(reference.to_dict())

    assert read_back == reference
    assert str(read_back) == f"deletion of {family.name} instance {family.instance_id}"
    assert (await cloud.observe(read_back)).phase is Phase.IN_PROGRESS


async def test_an_instance_of_another_name_is_refused_before_anything_is_sent(family: Family) -> None:
    deletion = family.service.instance_deletion

    with pytest.raises(InvalidRequestError, match="confirm_name: must be the name of the instance, which is"):
        await deletion.prepare(InstanceDeletionRequest(instance_id=family.instance_id, confirm_name="another"))


async def test_an_unknown_instance_is_not_found(family: Family) -> None:
    unknown = "0" * 32 + family.instance_id[32:]

    with pytest.raises(NotFoundError):
        await family.service.instance_deletion.prepare(
            InstanceDeletionRequest(instance_id=unknown, confirm_name="another")
        )


async def test_a_backup_keeps_the_instance_busy_and_is_found(family: Family) -> None:
    backup = await family.start()

    with pytest.raises(ResourceBusyError):
        await begun(family)

    request = InstanceDeletionRequest(instance_id=family.instance_id, confirm_name="any")
    conflict = await family.service.instance_deletion.find_conflict(request)
    assert conflict
    assert conflict.backup_id == backup.id


@pytest.mark.parametrize(
    ("name", "confirm_name", "is_confirmed"),
    [
        ("orders", "orders", True),
        ("orders", "Orders", False),
        ("orders", "order", False),
        ("rehearsal-1", "rehearsal-", True),
        ("rehearsal-1", "rehearsal", False),
        ("rehearsal", "rehearsal-", False),
        ("the-rehearsal-1", "rehearsal-", False),
        ("rehearsal-", "rehearsal-", True),
        ("", "rehearsal-", False),
    ],
)
def test_a_name_is_confirmed_by_itself_or_by_the_prefix_of_rehearsals(
    name: str, confirm_name: str, is_confirmed: bool
) -> None:
    request = InstanceDeletionRequest(instance_id="instance", confirm_name=confirm_name)

    assert request.confirms(name) is is_confirmed

"""Policies run by their schedules on the clock of the local cloud, seen by the client; time is virtual."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate, PolicyCreate, PolicyUpdate, VaultCreate
from airflow_provider_backup.cloud.services.csbs.models import PolicyCreate as CsbsPolicyCreate
from airflow_provider_backup.cloud.services.gaussdb.models import PolicyUpdate as GaussDbPolicyUpdate
from airflow_provider_backup.cloud.services.rds.models import PolicyUpdate as RdsPolicyUpdate
from airflow_provider_backup.cloud.services.taurusdb.models import PolicyUpdate as TaurusDbPolicyUpdate
from airflow_provider_backup.cloud.services.vbs.models import PolicyCreate as VbsPolicyCreate
from airflow_provider_backup.emulator.core.policy_runs import MOST_RUNS
from tests.cloud.polling.populated_cloud import VirtualCloud, open_client
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

DAY = 86_400.0


class Cloud:
    """A local cloud with a client; time passes at will.

    :param running: the local cloud.
    :param client: the client.
    """

    def __init__(self, running: VirtualCloud, client: BackupCloud) -> None:
        self.running = running
        self.client = client
        running.set_backup_seconds(60)

    @property
    def now(self) -> datetime:
        """What the clock of the cloud shows."""
        return self.running.state.now()

    async def pass_days(self, days: float) -> None:
        """Let time pass, for cloud and client."""
        await VIRTUAL_CLOCK.sleep(days * DAY)

    def hour(self, shift: int) -> int:
        """Return the hour that it will be in so many hours."""
        return (self.now + timedelta(hours=shift)).hour

    async def cbr_vault(self, rule: str, servers: int = 1, **definition: Any) -> tuple[str, str]:
        """Create a vault with servers, bound to a new policy; return the ids of the policy and the vault."""
        policy = await self.client.cbr.policies.create(
            PolicyCreate.model_validate(
                {
                    "name": "nightly",
                    "operation_type": "backup",
                    "operation_definition": definition,
                    "trigger": {"properties": {"pattern": [rule]}},
                }
            )
        )
        billing = {
            "consistent_level": "crash_consistent",
            "object_type": "server",
            "protect_type": "backup",
            "size": 9000,
        }
        ids = self.running.describe()["resources"]["servers"][:servers]
        vault = await self.client.cbr.vaults.create(
            VaultCreate.model_validate(
                {
                    "name": "app",
                    "billing": billing,
                    "backup_policy_id": policy.id,
                    "resources": [{"id": each, "type": "OS::Nova::Server"} for each in ids],
                }
            )
        )
        return policy.id, vault.id

    async def cbr_backups(self) -> list[Any]:
        """Return the backups of CBR, newest first."""
        return [backup async for backup in self.client.cbr.backups.list(sort="created_at:desc")]


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[Cloud]:
    """A local cloud with a client."""
    async with VirtualCloud() as running, open_client(running, attempts=1) as client:
        yield Cloud(running, client)


def daily(cloud: Cloud, shift: int = 1) -> str:
    """Return the rule of a policy that runs each day, next in so many hours at most."""
    return f"FREQ=DAILY;INTERVAL=1;BYHOUR={cloud.hour(shift)};BYMINUTE=0"


# ------------------------------------------------------------------------------------------------------------- CBR


async def test_a_policy_of_cbr_takes_automatic_backups_at_its_time(cloud: Cloud) -> None:
    policy_id, vault_id = await cloud.cbr_vault(daily(cloud), servers=2)
    due = (cloud.now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    await cloud.pass_days(1 / 24)

    backups = await cloud.cbr_backups()

    assert {(backup.created_at, backup.vault_id) for backup in backups} == {(due, vault_id)}
    assert len(backups) == 2
    assert all(backup.extend_info.auto_trigger and backup.name.startswith("autobk_") for backup in backups)
    (log, _) = [each async for each in cloud.client.cbr.operation_logs.list(operation_type="backup")]
    assert log.policy_id == policy_id


async def test_nothing_is_due_while_time_stands_still(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    await cloud.cbr_vault(daily(cloud))
    now = cloud.now
    monkeypatch.setattr(cloud.running.state, "now", lambda: now)

    await cloud.cbr_backups()
    monkeypatch.setattr("airflow_provider_backup.emulator.services.cbr.schedules.Schedules.run_times", None)
    monkeypatch.setattr("airflow_provider_backup.emulator.services.cbr.schedules.Schedules.expire", None)
    assert await cloud.cbr_backups() == []


async def test_what_was_due_is_made_up_for_with_the_content_of_its_time(cloud: Cloud) -> None:
    await cloud.cbr_vault(daily(cloud))
    server_id = cloud.running.describe()["resources"]["servers"][0]
    await cloud.pass_days(1.2)
    await cloud.cbr_backups()
    cloud.running.change_content(server_id, 7)
    await cloud.pass_days(1)

    assert len(await cloud.cbr_backups()) == 3
    contents = [max(row["contents"].values()) for row in cloud.running.state.table("cbr.backups").values()]
    assert contents == [1, 1, 7]


async def test_a_policy_of_cbr_keeps_a_number_of_backups(cloud: Cloud) -> None:
    await cloud.cbr_vault(daily(cloud), max_backups=3)
    await cloud.pass_days(6.5)

    begun = [backup.created_at for backup in await cloud.cbr_backups()]

    assert [(begun[0] - each).days for each in begun] == [0, 1, 2]


async def test_a_policy_of_cbr_keeps_backups_for_days_and_no_manual_ones_go(cloud: Cloud) -> None:
    _, vault_id = await cloud.cbr_vault(daily(cloud, shift=5), retention_duration_days=2)
    await cloud.client.cbr.checkpoints.create(CheckpointCreate.model_validate({"vault_id": vault_id}))
    await cloud.pass_days(10)

    backups = await cloud.cbr_backups()

    assert [backup.extend_info.auto_trigger for backup in backups] == [True, True, False]


async def test_a_policy_that_is_switched_off_takes_no_backups_until_it_is_on_again(cloud: Cloud) -> None:
    policy_id, _ = await cloud.cbr_vault(daily(cloud))
    await cloud.client.cbr.policies.update(policy_id, PolicyUpdate(enabled=False))
    await cloud.pass_days(3)
    assert await cloud.cbr_backups() == []

    await cloud.client.cbr.policies.update(policy_id, PolicyUpdate(enabled=True))
    assert await cloud.cbr_backups() == []
    await cloud.pass_days(1)
    assert len(await cloud.cbr_backups()) == 1


async def test_a_policy_that_nothing_is_bound_to_takes_no_backups(cloud: Cloud) -> None:
    policy_id, vault_id = await cloud.cbr_vault(daily(cloud))
    await cloud.client.cbr.vaults.dissociate_policy(vault_id, policy_id)
    await cloud.pass_days(3)

    assert await cloud.cbr_backups() == []


async def test_a_deleted_policy_takes_no_backups_and_its_backups_stay(cloud: Cloud) -> None:
    policy_id, _ = await cloud.cbr_vault(daily(cloud), max_backups=1)
    await cloud.pass_days(1)
    await cloud.client.cbr.policies.delete(policy_id)
    await cloud.pass_days(3)

    assert len(await cloud.cbr_backups()) == 1


async def test_failed_automatic_backups_are_shown_and_ten_of_them_stay(cloud: Cloud) -> None:
    await cloud.cbr_vault(daily(cloud), max_backups=1)
    cloud.running.plan_outcome("cbr", reason="disk full", count=12)
    await cloud.pass_days(14)

    statuses = [backup.status for backup in await cloud.cbr_backups()]

    assert statuses == ["available"] + ["error"] * 10


async def test_runs_of_a_long_time_are_limited_in_number(cloud: Cloud) -> None:
    hours = ",".join(map(str, range(24)))
    await cloud.cbr_vault(f"FREQ=DAILY;BYHOUR={hours};BYMINUTE=0")
    await cloud.pass_days(60)

    await cloud.cbr_backups()

    assert len(cloud.running.state.table("cbr.backups")) == MOST_RUNS


# ----------------------------------------------------------------------------------------------------- CSBS and VBS


async def csbs_policy(cloud: Cloud, servers: int = 2, *, enabled: bool = True, **definition: Any) -> None:
    """Create a policy of CSBS that runs each day within the next hour."""
    names = cloud.running.describe()["resources"]["servers"][:servers]
    pattern = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:{daily(cloud)}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    await cloud.client.csbs.policies.create(
        CsbsPolicyCreate.model_validate(
            {
                "name": "nightly",
                "parameters": {"common": {}},
                "resources": [{"id": each, "type": "OS::Nova::Server", "name": "s"} for each in names],
                "scheduled_operations": [
                    {
                        "enabled": enabled,
                        "operation_type": "backup",
                        "operation_definition": definition,
                        "trigger": {"properties": {"pattern": pattern}},
                    }
                ],
            }
        )
    )


async def csbs_backups(cloud: Cloud) -> list[Any]:
    """Return the backups of CSBS."""
    return [item async for item in cloud.client.csbs.checkpoint_items.list()]


async def test_a_policy_of_csbs_takes_automatic_backups_and_keeps_a_number_of_each_server(cloud: Cloud) -> None:
    await csbs_policy(cloud, max_backups=2, permanent=False)
    await cloud.pass_days(4.5)

    backups = await csbs_backups(cloud)

    assert len(backups) == 4
    assert {backup.extend_info.auto_trigger for backup in backups} == {True}
    assert len(cloud.running.state.table("csbs.volume_backups")) == sum(
        len(cloud.running.state.table("inventory.servers")[backup.resource_id]["volumes"]) for backup in backups
    )


async def test_a_policy_of_csbs_that_is_permanent_keeps_everything(cloud: Cloud) -> None:
    await csbs_policy(cloud, servers=1, permanent=True)
    await cloud.pass_days(4.5)

    assert len(await csbs_backups(cloud)) == 5


async def test_a_policy_of_csbs_for_manual_execution_takes_no_backups(cloud: Cloud) -> None:
    await csbs_policy(cloud, enabled=False)
    await cloud.pass_days(2)

    assert await csbs_backups(cloud) == []


async def vbs_policy(cloud: Cloud, **scheduled: Any) -> str:
    """Create a policy of VBS with one disk that runs each day at the next full hour; return the id of the disk."""
    volume_id: str = cloud.running.describe()["resources"]["volumes"][0]
    usual = {"start_time": f"{cloud.hour(1):02}:00", "frequency": 1, "rentention_num": 2, "status": "ON"}
    vbs = cloud.client.vbs
    policy_id = await vbs.policies.create(
        VbsPolicyCreate.model_validate({"backup_policy_name": "nightly", "scheduled_policy": {**usual, **scheduled}})
    )
    await vbs.policies.associate(policy_id, [volume_id])
    return volume_id


async def test_a_policy_of_vbs_takes_backups_and_keeps_a_number_of_each_disk(cloud: Cloud) -> None:
    volume_id = await vbs_policy(cloud)
    await cloud.pass_days(4.5)

    backups = [backup async for backup in cloud.client.vbs.backups.list()]

    assert [backup.volume_id for backup in backups] == [volume_id] * 2
    assert all((backup.name or "").startswith("autobk_") for backup in backups)


async def test_a_policy_of_vbs_that_is_off_takes_no_backups(cloud: Cloud) -> None:
    await vbs_policy(cloud, status="OFF")
    await cloud.pass_days(2)

    assert [backup async for backup in cloud.client.vbs.backups.list()] == []


# --------------------------------------------------------------------------------------------------------- databases


@pytest.mark.parametrize("service", ["rds", "gaussdb", "taurusdb"])
async def test_automatic_backups_of_an_instance_run_by_its_policy_and_go_after_days(cloud: Cloud, service: str) -> None:
    instance_id = cloud.running.describe()["resources"][f"{service}_instances"][0]
    client: Any = cloud.client.service(service)
    policy = {"keep_days": 3, "start_time": "01:00-02:00", "period": "1,2,3,4,5,6,7"}
    change = {
        "rds": RdsPolicyUpdate(**policy),
        "gaussdb": GaussDbPolicyUpdate(**policy, differential_period="30"),
        "taurusdb": TaurusDbPolicyUpdate(**policy),
    }
    await client.backup_policies.update(instance_id, change[service])
    await cloud.pass_days(6)

    backups = [each async for each in client.backups.list(instance_id=instance_id)]

    taken = [each for each in backups if each.begin_time > datetime(2026, 2, 1, tzinfo=UTC)]
    assert len(taken) == 3
    assert {(each.type, each.begin_time.hour) for each in taken} == {("auto", 1)}
    # That of the first start stays.
    assert len(backups) == 4


async def test_instances_of_the_first_start_are_backed_up_when_the_cloud_is_told_so() -> None:
    async with VirtualCloud(automatic_backups=True) as running, open_client(running) as client:
        cloud = Cloud(running, client)
        await cloud.pass_days(1)
        count = len(running.describe()["resources"]["taurusdb_instances"])

        backups = [each async for each in client.taurusdb.backups.list()]

        assert len(backups) == 2 * count

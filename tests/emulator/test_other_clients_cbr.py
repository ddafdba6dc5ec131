"""The vendor's SDK and otcextensions, unmodified, against every route of the emulated CBR."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcbr import v1 as sdk
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from openstack import exceptions

from airflow_provider_backup.emulator.core.accounts import (
    ACCESS_KEY,
    PROJECT_ID,
    SECRET_KEY,
)
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.regions import SECOND
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.services.cbr import EmulatedCbr
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.openstack_connection import otc_connection
from tests.emulator.vendor_cbr_vaults import VAULT_CALLS
from tests.emulator.vendor_schemas import judged_exchanges

SERVER = "OS::Nova::Server"
RECEIVER = "10ca1c100d0000000000000000000a08"
UNKNOWN = "2d9f0c11-0d41-4f0f-9a51-27d1d6a40001"
PATTERN = "FREQ=DAILY;INTERVAL=1;BYHOUR=6;BYMINUTE=00"
WEEKLY_PATTERN = "FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=14;BYMINUTE=00"


@pytest.fixture(autouse=True)
def nothing_of_the_person_who_runs_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The vendor's SDK writes an id into the home directory; openstacksdk reads clouds.yaml and OS_* variables.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def every_exchange_fits_the_vendors_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    faults = judged_exchanges(monkeypatch)
    yield
    assert faults == []


def eventually(look: Callable[[], Any], wanted: Any) -> None:
    """Look until something has come."""
    for _ in range(200):
        if look() == wanted:
            return
        time.sleep(0.05)
    pytest.fail(f"{wanted!r} does not come")


def all_routes() -> set[str]:
    state = CloudState()
    routes = EmulatedCbr(state, Inventory(state)).routes()
    return {f"{route.method} {route.path.removeprefix('/v3/{project_id}')}" for route in routes}


class Vendor:
    """``huaweicloudsdkcbr`` with an access key, and what the calls need.

    :param cloud: where to send them.
    """

    def __init__(self, cloud: RunningCloud) -> None:
        credentials = BasicCredentials(ACCESS_KEY, SECRET_KEY, PROJECT_ID)
        self.client: Any = (
            sdk.CbrClient.new_builder().with_credentials(credentials).with_endpoint(cloud.url("cbr")).build()
        )
        self.second_region: Any = (
            sdk.CbrClient.new_builder()
            .with_credentials(BasicCredentials(ACCESS_KEY, SECRET_KEY, SECOND.project_id))
            .with_endpoint(cloud.url(f"cbr@{SECOND.name}"))
            .build()
        )
        self.servers = cloud.describe()["resources"]["servers"]
        self.content = cloud.content
        self.change_content = cloud.change_content

    def create_policy(self) -> Any:
        policy = sdk.PolicyCreate(
            name="nightly_02",
            enabled=True,
            operation_type="backup",
            operation_definition=sdk.PolicyoODCreate(
                max_backups=14,
                retention_duration_days=-1,
                day_backups=7,
                week_backups=0,
                timezone="UTC+08:00",
                full_backup_interval=10,
                advanced_retention_rules=sdk.PolicyAdvancedRetentionRules(
                    weekly_retention_rules=sdk.PolicyWeeklyRetentionRules(["Monday"], 4)
                ),
            ),
            trigger=sdk.PolicyTriggerReq(sdk.PolicyTriggerPropertiesReq([PATTERN], 60)),
        )
        return self.client.create_policy(sdk.CreatePolicyRequest(sdk.PolicyCreateReq(policy))).policy

    def create_vault(self, *server_ids: str) -> Any:
        vault = sdk.VaultCreate(
            name="vault-app",
            billing=sdk.BillingCreate(
                cloud_type="public",
                consistent_level="crash_consistent",
                object_type="server",
                protect_type="backup",
                size=200,
                charging_mode="post_paid",
                is_auto_renew=False,
                is_auto_pay=False,
                is_multi_az=False,
            ),
            resources=[
                sdk.ResourceCreate(id=server_id, type=SERVER, extra_info=sdk.ResourceExtraInfo(exclude_volumes=[]))
                for server_id in server_ids or self.servers[:1]
            ],
            tags=[sdk.Tag("team", "a")],
            enterprise_project_id="0",
            auto_bind=False,
            bind_rules=sdk.VaultBindRules([sdk.BindRulesTags("team", "a")]),
            smn_notify=True,
            threshold=70,
            locked=False,
        )
        return self.client.create_vault(sdk.CreateVaultRequest(sdk.VaultCreateReq(vault))).vault

    def destination_vault_id(self) -> str:
        billing = sdk.BillingCreate(
            cloud_type="public",
            consistent_level="crash_consistent",
            object_type="server",
            protect_type="replication",
            size=200,
        )
        vault = sdk.VaultCreate(name="copies", billing=billing, resources=[])
        return str(self.second_region.create_vault(sdk.CreateVaultRequest(sdk.VaultCreateReq(vault))).vault.id)

    def start_checkpoint(self, vault_id: str) -> Any:
        parameters = sdk.CheckpointParam(
            name="pre_release", description="before 4.2", auto_trigger=False, incremental=False
        )
        request = sdk.CreateCheckpointRequest(sdk.VaultBackupReq(sdk.VaultBackup(parameters, vault_id)))
        return self.client.create_checkpoint(request).checkpoint

    def status(self, checkpoint_id: str) -> str:
        checkpoint = self.client.show_checkpoint(sdk.ShowCheckpointRequest(checkpoint_id)).checkpoint
        return str(checkpoint.status)

    def take_checkpoint(self) -> Any:
        checkpoint = self.start_checkpoint(self.create_vault().id)
        eventually(lambda: self.status(checkpoint.id), "available")
        return checkpoint

    def backups(self, **filters: Any) -> Any:
        return self.client.list_backups(sdk.ListBackupsRequest(**filters))

    def logs(self, **filters: Any) -> Any:
        return self.client.list_op_logs(sdk.ListOpLogsRequest(**filters))


@pytest.fixture
def vendor(backup_cloud: RunningCloud) -> Vendor:
    return Vendor(backup_cloud)


def vendor_creates_a_policy(vendor: Vendor) -> None:
    policy = vendor.create_policy()
    assert (policy.name, policy.enabled, policy.operation_type) == ("nightly_02", True, "backup")
    assert policy.trigger.properties.pattern == [PATTERN]
    assert policy.trigger.properties.start_window_minutes == 60
    definition = policy.operation_definition
    assert (definition.max_backups, definition.retention_duration_days, definition.week_backups) == (14, -1, 0)
    assert definition.advanced_retention_rules.weekly_retention_rules.retention_duration_periods == 4
    assert policy.associated_vaults is None


def vendor_lists_policies(vendor: Vendor) -> None:
    policy = vendor.create_policy()
    answer = vendor.client.list_policies(sdk.ListPoliciesRequest(operation_type="backup"))
    assert answer.count == 1
    assert [found.id for found in answer.policies] == [policy.id]


def vendor_reads_a_policy(vendor: Vendor) -> None:
    policy = vendor.create_policy()
    assert vendor.client.show_policy(sdk.ShowPolicyRequest(policy.id)).policy.name == "nightly_02"


def vendor_changes_a_policy(vendor: Vendor) -> None:
    policy = vendor.create_policy()
    changes = sdk.PolicyUpdate(
        enabled=False,
        operation_definition=sdk.PolicyoODCreate(max_backups=3),
        trigger=sdk.PolicyTriggerUpdateReq(sdk.PolicyTriggerPropertiesUpdateReq([WEEKLY_PATTERN])),
    )
    request = sdk.UpdatePolicyRequest(policy.id, sdk.PolicyUpdateReq(changes))
    changed = vendor.client.update_policy(request).policy
    assert (changed.name, changed.enabled) == ("nightly_02", False)
    assert changed.operation_definition.to_dict() == {
        **dict.fromkeys(changed.operation_definition.openapi_types),
        "max_backups": 3,
    }
    assert changed.trigger.properties.pattern == [WEEKLY_PATTERN]


def vendor_deletes_a_policy(vendor: Vendor) -> None:
    policy = vendor.create_policy()
    assert vendor.client.delete_policy(sdk.DeletePolicyRequest(policy.id)).status_code == 204
    assert vendor.client.list_policies(sdk.ListPoliciesRequest()).policies == []


def vendor_creates_a_vault(vendor: Vendor) -> None:
    vault = vendor.create_vault(*vendor.servers[:2])
    assert [resource.id for resource in vault.resources] == vendor.servers[:2]
    assert (vault.billing.size, vault.billing.status, vault.billing.spec_code) == (
        200,
        "available",
        "vault.backup.server.normal",
    )
    assert [(tag.key, tag.value) for tag in vault.tags] == [("team", "a")]
    assert [(tag.key, tag.value) for tag in vault.bind_rules.tags] == [("team", "a")]
    assert (vault.threshold, vault.project_id) == (70, PROJECT_ID)


def vendor_lists_vaults(vendor: Vendor) -> None:
    first, second = vendor.create_vault(vendor.servers[0]), vendor.create_vault(vendor.servers[1])
    for request, expected in (
        (sdk.ListVaultRequest(), [second.id, first.id]),
        (sdk.ListVaultRequest(limit=1, offset=1), [first.id]),
        (sdk.ListVaultRequest(id=[first.id, second.id], object_type="server"), [second.id, first.id]),
        (sdk.ListVaultRequest(resource_ids=vendor.servers[1], status="available"), [second.id]),
        (sdk.ListVaultRequest(name="other"), []),
    ):
        assert [vault.id for vault in vendor.client.list_vault(request).vaults] == expected


def vendor_reads_a_vault(vendor: Vendor) -> None:
    vault = vendor.create_vault()
    assert vendor.client.show_vault(sdk.ShowVaultRequest(vault.id)).vault.resources[0].size == 40


def vendor_changes_a_vault(vendor: Vendor) -> None:
    vault = vendor.create_vault()
    changes = sdk.VaultUpdate(name="b", billing=sdk.BillingUpdate(size=300), locked=True)
    request = sdk.UpdateVaultRequest(vault.id, sdk.VaultUpdateReq(changes))
    changed = vendor.client.update_vault(request).vault
    assert (changed.name, changed.billing.size, changed.locked, changed.threshold) == ("b", 300, True, 70)


def vendor_deletes_a_vault(vendor: Vendor) -> None:
    vault = vendor.create_vault()
    assert vendor.client.delete_vault(sdk.DeleteVaultRequest(vault.id)).status_code == 204
    assert vendor.client.list_vault(sdk.ListVaultRequest()).count == 0


def vendor_binds_a_policy(vendor: Vendor) -> None:
    vault, policy = vendor.create_vault(), vendor.create_policy()
    request = sdk.AssociateVaultPolicyRequest(vault.id, sdk.VaultAssociate(policy_id=policy.id))
    bound = vendor.client.associate_vault_policy(request).associate_policy
    assert (bound.vault_id, bound.policy_id) == (vault.id, policy.id)
    found = vendor.client.list_policies(sdk.ListPoliciesRequest(vault_id=vault.id)).policies
    assert [vault.vault_id for vault in found[0].associated_vaults] == [vault.id]


def vendor_takes_a_policy_off(vendor: Vendor) -> None:
    vault, policy = vendor.create_vault(), vendor.create_policy()
    association = sdk.VaultAssociate(add_policy_ids=[policy.id])
    vendor.client.associate_vault_policy(sdk.AssociateVaultPolicyRequest(vault.id, association))
    request = sdk.DisassociateVaultPolicyRequest(vault.id, sdk.VaultDissociate(policy.id))
    assert vendor.client.disassociate_vault_policy(request).dissociate_policy.policy_id == policy.id
    assert vendor.client.list_policies(sdk.ListPoliciesRequest(vault_id=vault.id)).count == 0


def vendor_adds_resources(vendor: Vendor) -> None:
    vault = vendor.create_vault()
    addition = sdk.VaultAddResourceReq([sdk.ResourceCreate(id=vendor.servers[1], type=SERVER, name="app")])
    answer = vendor.client.add_vault_resource(sdk.AddVaultResourceRequest(vault.id, addition))
    assert answer.add_resource_ids == [vendor.servers[1]]


def vendor_removes_resources(vendor: Vendor) -> None:
    vault = vendor.create_vault()
    request = sdk.RemoveVaultResourceRequest(vault.id, sdk.VaultRemoveResourceReq(vendor.servers[:1]))
    assert vendor.client.remove_vault_resource(request).remove_resource_ids == vendor.servers[:1]
    eventually(lambda: vendor.client.show_vault(sdk.ShowVaultRequest(vault.id)).vault.resources, [])


def vendor_takes_a_checkpoint(vendor: Vendor) -> None:
    vault = vendor.create_vault()
    checkpoint = vendor.start_checkpoint(vault.id)
    assert (checkpoint.status, checkpoint.vault.id) == ("protecting", vault.id)
    assert (checkpoint.extra_info.name, checkpoint.extra_info.retention_duration) == ("pre_release", -1)
    assert [resource.resource_size for resource in checkpoint.vault.resources] == ["40"]
    assert checkpoint.vault.skipped_resources == []


def vendor_reads_a_checkpoint(vendor: Vendor) -> None:
    assert vendor.status(vendor.take_checkpoint().id) == "available"


def vendor_lists_backups(vendor: Vendor) -> None:
    checkpoint = vendor.take_checkpoint()
    for filters, expected in (
        ({}, 1),
        ({"checkpoint_id": checkpoint.id, "vault_id": checkpoint.vault.id, "status": "available"}, 1),
        ({"name": "pre_release", "resource_type": SERVER, "image_type": "backup", "incremental": False}, 1),
        ({"start_time": "2020-01-01T00:00:00Z", "sort": "created_at:desc,name", "own_type": "private"}, 1),
        ({"resource_name": "web-1", "resource_az": "eu-de-01", "show_replication": True, "dec": False}, 1),
        ({"limit": 1, "offset": 1}, 0),
        ({"marker": UNKNOWN}, 0),
        ({"end_time": "2020-01-01T00:00:00Z"}, 0),
        ({"enterprise_project_id": "all_granted_eps", "used_percent": "1"}, 1),
    ):
        assert len(vendor.backups(**filters).backups) == expected, filters


def vendor_reads_a_backup(vendor: Vendor) -> None:
    vendor.take_checkpoint()
    listed = vendor.backups().backups[0]
    backup = vendor.client.show_backup(sdk.ShowBackupRequest(listed.id)).backup
    assert isinstance(backup.created_at, datetime)
    assert isinstance(backup.updated_at, datetime)
    assert (backup.status, backup.resource_size, backup.version) == ("available", 40, 3)
    assert [child.parent_id for child in backup.children] == [backup.id]
    assert backup.extend_info.supported_restore_mode == "backup"


def vendor_shares(vendor: Vendor) -> str:
    vendor.take_checkpoint()
    backup_id = str(vendor.backups().backups[0].id)
    answer = vendor.client.add_member(sdk.AddMemberRequest(backup_id, sdk.AddMembersReq(members=[RECEIVER])))
    assert [(member.dest_project_id, member.status) for member in answer.members] == [(RECEIVER, "pending")]
    return backup_id


def vendor_shares_a_backup(vendor: Vendor) -> None:
    backup_id = vendor_shares(vendor)
    with pytest.raises(ClientRequestException) as refused:
        vendor.client.add_member(sdk.AddMemberRequest(backup_id, sdk.AddMembersReq(members=[RECEIVER])))
    assert (refused.value.status_code, refused.value.error_code) == (400, "BackupService.6703")


def vendor_lists_whom_a_backup_is_shared_with(vendor: Vendor) -> None:
    backup_id = vendor_shares(vendor)
    answer = vendor.client.show_members_detail(sdk.ShowMembersDetailRequest(backup_id))
    assert ([member.dest_project_id for member in answer.members], answer.count) == ([RECEIVER], 1)
    answer = vendor.client.show_members_detail(sdk.ShowMembersDetailRequest(backup_id, status="accepted"))
    assert (answer.members, answer.count) == ([], 0)


def vendor_reads_a_member(vendor: Vendor) -> None:
    backup_id = vendor_shares(vendor)
    member = vendor.client.show_member_detail(sdk.ShowMemberDetailRequest(backup_id, RECEIVER)).member
    assert (member.backup_id, member.dest_project_id, member.status) == (backup_id, RECEIVER, "pending")


def vendor_accepts_a_backup(vendor: Vendor) -> None:
    backup_id = vendor_shares(vendor)
    vault_id = vendor.backups().backups[0].vault_id
    answer = sdk.UpdateMember(status="accepted", vault_id=vault_id)
    member = vendor.client.update_member_status(sdk.UpdateMemberStatusRequest(RECEIVER, backup_id, answer)).member
    assert (member.status, member.vault_id) == ("accepted", vault_id)


def vendor_shares_a_backup_no_longer(vendor: Vendor) -> None:
    backup_id = vendor_shares(vendor)
    assert vendor.client.delete_member(sdk.DeleteMemberRequest(backup_id, RECEIVER)).status_code == 204
    with pytest.raises(ClientRequestException) as refused:
        vendor.client.show_member_detail(sdk.ShowMemberDetailRequest(backup_id, RECEIVER))
    assert (refused.value.status_code, refused.value.error_code) == (404, "BackupService.6705")


def vendor_deletes_a_backup(vendor: Vendor) -> None:
    vendor.take_checkpoint()
    backup = vendor.backups().backups[0]
    assert vendor.client.delete_backup(sdk.DeleteBackupRequest(backup.id)).status_code == 204
    assert vendor.client.show_backup(sdk.ShowBackupRequest(backup.id)).backup.status == "deleting"
    eventually(lambda: vendor.backups().count, 0)


def vendor_restores_a_backup(vendor: Vendor) -> None:
    vendor.take_checkpoint()
    vendor.change_content(vendor.servers[0], 2)
    backup = vendor.backups().backups[0]
    restore = sdk.BackupRestore(
        server_id=backup.resource_id,
        mappings=[sdk.BackupRestoreServerMapping(child.id, child.resource_id) for child in backup.children],
        power_on=True,
    )
    request = sdk.RestoreBackupRequest(backup.id, sdk.BackupRestoreReq(restore))
    assert vendor.client.restore_backup(request).status_code == 202
    eventually(lambda: vendor.logs(operation_type="restore").operation_logs[0].status, "success")
    log = vendor.logs(operation_type="restore").operation_logs[0]
    assert log.extra_info.restore.target_resource_id == vendor.servers[0]
    assert vendor.content(vendor.servers[0]) == 1


def vendor_copies_a_backup(vendor: Vendor) -> None:
    vendor.take_checkpoint()
    vault_id, (backup,) = vendor.destination_vault_id(), vendor.backups().backups
    order = sdk.BackupReplicateReqBody(
        description="d",
        destination_project_id=SECOND.project_id,
        destination_region=SECOND.name,
        destination_vault_id=vault_id,
        enable_acceleration=False,
        name="copied",
    )
    begun = vendor.client.copy_backup(sdk.CopyBackupRequest(backup.id, sdk.BackupReplicateReq(order))).replication
    assert (begun.backup_id, begun.source_region, begun.destination_vault_id) == (backup.id, "eu-de", vault_id)

    def record() -> Any:
        (found,) = vendor.client.show_backup(sdk.ShowBackupRequest(backup.id)).backup.replication_records
        return found

    eventually(lambda: record().status, "success")
    assert record().id == begun.replication_record_id
    copy = vendor.second_region.show_backup(sdk.ShowBackupRequest(record().destination_backup_id)).backup
    assert (copy.name, copy.image_type, copy.status) == ("copied", "replication", "available")
    assert (copy.vault_id, copy.project_id) == (vault_id, SECOND.project_id)
    assert vendor.logs(operation_type="replication").operation_logs[0].extra_info.replication.source_backup_id


def vendor_copies_a_vault(vendor: Vendor) -> None:
    checkpoint = vendor.take_checkpoint()
    order = sdk.CheckpointReplicateParam(
        auto_trigger=False,
        destination_project_id=SECOND.project_id,
        destination_region=SECOND.name,
        destination_vault_id=vendor.destination_vault_id(),
        enable_acceleration=False,
        vault_id=checkpoint.vault.id,
    )
    request = sdk.CopyCheckpointRequest(sdk.CheckpointReplicateReq(order))
    begun = vendor.client.copy_checkpoint(request).replication
    assert [each.backup_id for each in begun.backups] == [each.id for each in vendor.backups().backups]
    eventually(lambda: len(vendor.second_region.list_backups(sdk.ListBackupsRequest()).backups), 1)
    with pytest.raises(ClientRequestException) as refused:
        vendor.client.copy_checkpoint(request)
    assert refused.value.error_code == "BackupService.0001"


def vendor_reads_where_backups_can_be_copied_to(vendor: Vendor) -> None:
    regions = vendor.client.show_replication_capabilities(sdk.ShowReplicationCapabilitiesRequest()).regions
    assert [(region.name, region.replication_destinations) for region in regions] == [
        ("eu-de", ["eu-nl"]),
        ("eu-nl", ["eu-de"]),
    ]


def vendor_lists_logs(vendor: Vendor) -> None:
    checkpoint = vendor.take_checkpoint()
    for filters, expected in (
        ({}, 1),
        ({"operation_type": "backup", "status": "success", "vault_id": checkpoint.vault.id}, 1),
        ({"resource_id": vendor.servers[0], "vault_name": "vault-app", "limit": 1, "offset": 0}, 1),
        ({"status": "failed"}, 0),
        ({"end_time": "2020-01-01T00:00:00Z"}, 0),
    ):
        assert len(vendor.logs(**filters).operation_logs) == expected, filters


def vendor_reads_a_log(vendor: Vendor) -> None:
    checkpoint = vendor.take_checkpoint()
    listed = vendor.logs().operation_logs[0]
    log = vendor.client.show_op_log(sdk.ShowOpLogRequest(listed.id)).operation_log
    assert (log.checkpoint_id, log.status, log.error_info.code) == (checkpoint.id, "success", "")
    assert (log.extra_info.common.progress, log.extra_info.backup.incremental) == (100, "false")
    assert log.extra_info.resource.id == vendor.servers[0]


VENDOR_CALLS = {
    "POST /policies": vendor_creates_a_policy,
    "GET /policies": vendor_lists_policies,
    "GET /policies/{policy_id}": vendor_reads_a_policy,
    "PUT /policies/{policy_id}": vendor_changes_a_policy,
    "DELETE /policies/{policy_id}": vendor_deletes_a_policy,
    "POST /vaults": vendor_creates_a_vault,
    "GET /vaults": vendor_lists_vaults,
    "GET /vaults/{vault_id}": vendor_reads_a_vault,
    "PUT /vaults/{vault_id}": vendor_changes_a_vault,
    "DELETE /vaults/{vault_id}": vendor_deletes_a_vault,
    "POST /vaults/{vault_id}/associatepolicy": vendor_binds_a_policy,
    "POST /vaults/{vault_id}/dissociatepolicy": vendor_takes_a_policy_off,
    "POST /vaults/{vault_id}/addresources": vendor_adds_resources,
    "POST /vaults/{vault_id}/removeresources": vendor_removes_resources,
    "POST /checkpoints": vendor_takes_a_checkpoint,
    "GET /checkpoints/{checkpoint_id}": vendor_reads_a_checkpoint,
    "GET /backups": vendor_lists_backups,
    "GET /backups/{backup_id}": vendor_reads_a_backup,
    "DELETE /backups/{backup_id}": vendor_deletes_a_backup,
    "POST /backups/{backup_id}/members": vendor_shares_a_backup,
    "GET /backups/{backup_id}/members": vendor_lists_whom_a_backup_is_shared_with,
    "GET /backups/{backup_id}/members/{member_id}": vendor_reads_a_member,
    "PUT /backups/{backup_id}/members/{member_id}": vendor_accepts_a_backup,
    "DELETE /backups/{backup_id}/members/{member_id}": vendor_shares_a_backup_no_longer,
    "POST /backups/{backup_id}/restore": vendor_restores_a_backup,
    "POST /backups/{backup_id}/replicate": vendor_copies_a_backup,
    "POST /checkpoints/replicate": vendor_copies_a_vault,
    "GET /replication-capabilities": vendor_reads_where_backups_can_be_copied_to,
    "GET /operation-logs": vendor_lists_logs,
    "GET /operation-logs/{operation_log_id}": vendor_reads_a_log,
    **VAULT_CALLS,
}


@pytest.mark.parametrize("route", VENDOR_CALLS)
def test_the_vendor_sdk_uses_the_route(vendor: Vendor, route: str) -> None:
    VENDOR_CALLS[route](vendor)


@pytest.mark.parametrize(
    ("method", "request_", "status", "code"),
    [
        ("show_policy", sdk.ShowPolicyRequest(UNKNOWN), 404, "6000"),
        ("delete_policy", sdk.DeletePolicyRequest(UNKNOWN), 404, "6000"),
        ("show_vault", sdk.ShowVaultRequest(UNKNOWN), 404, "6105"),
        ("show_checkpoint", sdk.ShowCheckpointRequest(UNKNOWN), 404, "6217"),
        ("show_backup", sdk.ShowBackupRequest(UNKNOWN), 404, "6200"),
        ("show_op_log", sdk.ShowOpLogRequest(UNKNOWN), 404, "6500"),
        ("list_backups", sdk.ListBackupsRequest(sort="size"), 400, "9900"),
        (
            "create_policy",
            sdk.CreatePolicyRequest(sdk.PolicyCreateReq(sdk.PolicyCreate(name="a b", operation_type="backup"))),
            400,
            "9900",
        ),
    ],
)
def test_the_vendor_sdk_reads_refusals(vendor: Vendor, method: str, request_: Any, status: int, code: str) -> None:
    with pytest.raises(ClientRequestException) as refused:
        getattr(vendor.client, method)(request_)
    assert refused.value.status_code == status
    assert refused.value.error_code == f"BackupService.{code}"
    assert refused.value.error_msg
    assert refused.value.request_id


def test_the_vendor_sdk_reads_that_a_backup_is_running(vendor: Vendor, backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    vault = vendor.create_vault()
    vendor.start_checkpoint(vault.id)
    with pytest.raises(ClientRequestException) as refused:
        vendor.start_checkpoint(vault.id)
    assert (refused.value.status_code, refused.value.error_code) == (400, "BackupService.6125")


def test_the_vendor_sdk_reads_why_a_backup_failed(vendor: Vendor, backup_cloud: RunningCloud) -> None:
    backup_cloud.fail_next_backup("cbr", "The snapshot could not be made.")
    checkpoint = vendor.start_checkpoint(vendor.create_vault().id)
    eventually(lambda: vendor.status(checkpoint.id), "error")
    assert vendor.logs(status="failed").operation_logs[0].error_info.message == "The snapshot could not be made."


class Otc:
    """``connection.cbr`` of otcextensions with user and password, the endpoint from the catalog.

    :param cloud: where to log in.
    """

    def __init__(self, cloud: RunningCloud) -> None:
        self.connection = otc_connection(cloud)
        self.cbr: Any = getattr(self.connection, "cbr")  # noqa: B009 - put there at run time, unknown to mypy
        self.servers = cloud.describe()["resources"]["servers"]
        self.content = cloud.content
        self.change_content = cloud.change_content

    def create_policy(self, name: str = "nightly_02") -> Any:
        return self.cbr.create_policy(
            name=name,
            operation_type="backup",
            enabled=True,
            operation_definition={"day_backups": 0, "max_backups": 1, "timezone": "UTC+08:00"},
            trigger={"properties": {"pattern": [PATTERN]}},
        )

    def create_vault(self, *server_ids: str, name: str = "vault-app") -> Any:
        return self.cbr.create_vault(
            name=name,
            billing={
                "cloud_type": "public",
                "consistent_level": "crash_consistent",
                "object_type": "server",
                "protect_type": "backup",
                "size": 40,
            },
            description="vault_description",
            resources=[{"id": server_id, "type": SERVER} for server_id in server_ids or self.servers[:1]],
        )

    def take_checkpoint(self, vault_id: str) -> Any:
        checkpoint = self.cbr.create_checkpoint(
            vault_id=vault_id,
            parameters={"auto_trigger": False, "description": "d", "incremental": True, "name": "pre_release"},
        )
        return self.cbr.wait_for_checkpoint(checkpoint, interval=0.05, wait=20)


@pytest.fixture
def otcextensions(backup_cloud: RunningCloud) -> Iterator[Otc]:
    client = Otc(backup_cloud)
    yield client
    client.connection.close()


def otc_creates_a_policy(client: Otc) -> None:
    policy = client.create_policy()
    assert (policy.name, policy.operation_definition.max_backups) == ("nightly_02", 1)
    assert policy.trigger.properties.pattern == [PATTERN]


def otc_lists_policies(client: Otc) -> None:
    policy = client.create_policy()
    assert [found.id for found in client.cbr.policies(operation_type="backup")] == [policy.id]
    assert client.cbr.find_policy("nightly_02", ignore_missing=False).id == policy.id


def otc_reads_a_policy(client: Otc) -> None:
    policy = client.create_policy()
    assert client.cbr.get_policy(policy.id).name == "nightly_02"
    assert client.cbr.find_policy(policy.id, ignore_missing=False).name == "nightly_02"


def otc_changes_a_policy(client: Otc) -> None:
    policy = client.create_policy()
    changed = client.cbr.update_policy(policy, name="b", enabled=False)
    assert (changed.name, changed.enabled, changed.operation_definition.max_backups) == ("b", False, 1)
    changed = client.cbr.update_policy(policy.id, operation_definition={"retention_duration_days": 5})
    assert changed.operation_definition.retention_duration_days == 5


def otc_deletes_a_policy(client: Otc) -> None:
    policy = client.create_policy()
    client.cbr.delete_policy(policy)
    client.cbr.delete_policy(policy)
    with pytest.raises(exceptions.NotFoundException):
        client.cbr.get_policy(policy.id)


def otc_creates_a_vault(client: Otc) -> None:
    vault = client.create_vault()
    assert (vault.name, vault.billing.size, vault.resources[0].id) == ("vault-app", 40, client.servers[0])


def otc_lists_vaults(client: Otc) -> None:
    for number in range(3):
        client.create_vault(client.servers[number], name=f"v{number}")
    assert [vault.name for vault in client.cbr.vaults(limit=2)] == ["v2", "v1", "v0"]
    assert [vault.name for vault in client.cbr.vaults(name="v1", object_type="server", status="available")] == ["v1"]
    assert client.cbr.find_vault("v2", ignore_missing=False).name == "v2"


def otc_reads_a_vault(client: Otc) -> None:
    vault = client.create_vault()
    assert client.cbr.get_vault(vault.id).billing.allocated == 40


def otc_changes_a_vault(client: Otc) -> None:
    vault = client.create_vault()
    changed = client.cbr.update_vault(vault, name="b", billing={"size": 50})
    assert (changed.name, changed.billing.size) == ("b", 50)


def otc_deletes_a_vault(client: Otc) -> None:
    vault = client.create_vault()
    client.cbr.delete_vault(vault)
    assert list(client.cbr.vaults()) == []


def otc_binds_a_policy(client: Otc) -> None:
    vault, policy = client.create_vault(), client.create_policy()
    assert client.cbr.bind_policy(vault, policy).status_code == 200
    assert [found.id for found in client.cbr.policies(vault_id=vault.id)] == [policy.id]
    assert [found.id for found in client.cbr.vaults(policy_id=policy.id)] == [vault.id]


def otc_takes_a_policy_off(client: Otc) -> None:
    vault, policy = client.create_vault(), client.create_policy()
    client.cbr.bind_policy(vault, policy)
    assert client.cbr.unbind_policy(vault, policy).status_code == 200
    assert list(client.cbr.policies(vault_id=vault.id)) == []


def otc_adds_resources(client: Otc) -> None:
    vault = client.create_vault()
    answer = client.cbr.associate_resources(vault.id, [{"id": client.servers[1], "type": SERVER}])
    assert answer.json() == {"add_resource_ids": [client.servers[1]]}


def otc_removes_resources(client: Otc) -> None:
    vault = client.create_vault()
    answer = client.cbr.dissociate_resources(vault.id, client.servers[:1])
    assert answer.json() == {"remove_resource_ids": client.servers[:1]}
    eventually(lambda: client.cbr.get_vault(vault.id).resources, [])


def otc_takes_a_checkpoint(client: Otc) -> None:
    checkpoint = client.take_checkpoint(client.create_vault().id)
    assert (checkpoint.status, checkpoint.extra_info.name) == ("available", "pre_release")


def otc_reads_a_checkpoint(client: Otc) -> None:
    checkpoint = client.take_checkpoint(client.create_vault().id)
    assert client.cbr.get_checkpoint(checkpoint.id).vault.name == "vault-app"


def otc_lists_backups(client: Otc) -> None:
    vault = client.create_vault(*client.servers[:3])
    checkpoint = client.take_checkpoint(vault.id)
    names = ["pre_release-0003", "pre_release-0002", "pre_release-0001"]
    assert [backup.name for backup in client.cbr.backups(limit=2, sort="name:desc")] == names
    found = client.cbr.backups(checkpoint_id=checkpoint.id, status="available", resource_id=client.servers[0])
    assert [backup.resource_id for backup in found] == [client.servers[0]]
    assert client.cbr.find_backup("pre_release-0002", ignore_missing=False).vault_id == vault.id


def otc_reads_a_backup(client: Otc) -> None:
    client.take_checkpoint(client.create_vault().id)
    (listed,) = client.cbr.backups()
    backup = client.cbr.get_backup(listed.id)
    assert (backup.status, backup.resource_size, backup.extend_info.incremental) == ("available", 40, False)
    assert len(backup.children) == 1


def otc_shares(client: Otc) -> Any:
    client.take_checkpoint(client.create_vault().id)
    (backup,) = client.cbr.backups()
    (member,) = client.cbr.add_members(backup, [RECEIVER])
    assert (member.dest_project_id, member.status) == (RECEIVER, "pending")
    return backup


def otc_shares_a_backup(client: Otc) -> None:
    otc_shares(client)


def otc_lists_whom_a_backup_is_shared_with(client: Otc) -> None:
    backup = otc_shares(client)
    assert [member.dest_project_id for member in client.cbr.members(backup)] == [RECEIVER]
    assert list(client.cbr.members(backup, status="accepted")) == []


def otc_reads_a_member(client: Otc) -> None:
    assert client.cbr.get_member(otc_shares(client), RECEIVER).status == "pending"


def otc_accepts_a_backup(client: Otc) -> None:
    backup = otc_shares(client)
    member = client.cbr.update_member(backup, RECEIVER, status="accepted", vault=backup.vault_id)
    assert (member.status, member.vault_id) == ("accepted", backup.vault_id)


def otc_shares_a_backup_no_longer(client: Otc) -> None:
    backup = otc_shares(client)
    client.cbr.delete_member(backup, RECEIVER)
    assert list(client.cbr.members(backup)) == []


def otc_deletes_a_backup(client: Otc) -> None:
    client.take_checkpoint(client.create_vault().id)
    (backup,) = client.cbr.backups()
    client.cbr.delete_backup(backup)
    eventually(lambda: list(client.cbr.backups()), [])
    client.cbr.delete_backup(backup)


def otc_restores_a_backup(client: Otc) -> None:
    client.take_checkpoint(client.create_vault().id)
    server = client.servers[0]
    client.change_content(server, 2)
    (backup,) = client.cbr.backups()
    mappings = [{"backup_id": child["id"], "volume_id": child["resource_id"]} for child in backup.children]
    client.cbr.restore_data(backup, server_id=server, mappings=mappings, power_on=False)
    assert client.cbr.get_backup(backup.id).status == "restoring"
    eventually(lambda: client.cbr.get_backup(backup.id).status, "available")
    assert client.content(server) == 1


def otc_lists_tasks(client: Otc) -> None:
    checkpoint = client.take_checkpoint(client.create_vault().id)
    assert [task.checkpoint_id for task in client.cbr.tasks(operation_type="backup")] == [checkpoint.id]
    assert list(client.cbr.tasks(operation_type="delete")) == []


def otc_reads_a_task(client: Otc) -> None:
    client.take_checkpoint(client.create_vault().id)
    (listed,) = client.cbr.tasks()
    task = client.cbr.get_task(listed.id)
    assert (task.status, task.extra_info.resource_info.id) == ("success", client.servers[0])


OTC_CALLS = {
    "POST /policies": otc_creates_a_policy,
    "GET /policies": otc_lists_policies,
    "GET /policies/{policy_id}": otc_reads_a_policy,
    "PUT /policies/{policy_id}": otc_changes_a_policy,
    "DELETE /policies/{policy_id}": otc_deletes_a_policy,
    "POST /vaults": otc_creates_a_vault,
    "GET /vaults": otc_lists_vaults,
    "GET /vaults/{vault_id}": otc_reads_a_vault,
    "PUT /vaults/{vault_id}": otc_changes_a_vault,
    "DELETE /vaults/{vault_id}": otc_deletes_a_vault,
    "POST /vaults/{vault_id}/associatepolicy": otc_binds_a_policy,
    "POST /vaults/{vault_id}/dissociatepolicy": otc_takes_a_policy_off,
    "POST /vaults/{vault_id}/addresources": otc_adds_resources,
    "POST /vaults/{vault_id}/removeresources": otc_removes_resources,
    "POST /checkpoints": otc_takes_a_checkpoint,
    "GET /checkpoints/{checkpoint_id}": otc_reads_a_checkpoint,
    "GET /backups": otc_lists_backups,
    "GET /backups/{backup_id}": otc_reads_a_backup,
    "DELETE /backups/{backup_id}": otc_deletes_a_backup,
    "POST /backups/{backup_id}/members": otc_shares_a_backup,
    "GET /backups/{backup_id}/members": otc_lists_whom_a_backup_is_shared_with,
    "GET /backups/{backup_id}/members/{member_id}": otc_reads_a_member,
    "PUT /backups/{backup_id}/members/{member_id}": otc_accepts_a_backup,
    "DELETE /backups/{backup_id}/members/{member_id}": otc_shares_a_backup_no_longer,
    "POST /backups/{backup_id}/restore": otc_restores_a_backup,
    "GET /operation-logs": otc_lists_tasks,
    "GET /operation-logs/{operation_log_id}": otc_reads_a_task,
}


OTC_LACKS = {
    "POST /backups/{backup_id}/replicate",
    "POST /checkpoints/replicate",
    "GET /replication-capabilities",
}
"""What otcextensions has no call for."""


@pytest.mark.parametrize("route", OTC_CALLS)
@pytest.mark.filterwarnings("ignore:The ignore_missing parameter")
def test_otcextensions_uses_the_route(otcextensions: Otc, route: str) -> None:
    OTC_CALLS[route](otcextensions)


def test_both_clients_use_every_route() -> None:
    assert set(VENDOR_CALLS) == set(OTC_CALLS) | OTC_LACKS | set(VAULT_CALLS) == all_routes()


def test_otcextensions_finds_nothing_by_an_unknown_name(otcextensions: Otc) -> None:
    for find in (otcextensions.cbr.find_policy, otcextensions.cbr.find_vault, otcextensions.cbr.find_backup):
        with pytest.raises(exceptions.NotFoundException):
            find("unknown", ignore_missing=False)


def test_otcextensions_stops_waiting_when_a_checkpoint_fails(otcextensions: Otc, backup_cloud: RunningCloud) -> None:
    backup_cloud.fail_next_backup("cbr", "The snapshot could not be made.")
    with pytest.raises(exceptions.ResourceFailure):
        otcextensions.take_checkpoint(otcextensions.create_vault().id)


def test_otcextensions_reads_that_a_request_is_wrong(otcextensions: Otc) -> None:
    with pytest.raises(exceptions.BadRequestException, match=r"BackupService\.9900"):
        otcextensions.create_policy(name="a b")

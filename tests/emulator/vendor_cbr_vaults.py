"""The vendor's SDK with tags, use and contents of vaults, and with what can be backed up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from huaweicloudsdkcbr import v1 as sdk
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException


def held(vendor: Any, vault_id: str) -> list[str]:
    vault = vendor.client.show_vault(sdk.ShowVaultRequest(vault_id)).vault
    return [resource.id for resource in vault.resources]


def moves_resources(vendor: Any) -> None:
    old, new = vendor.create_vault(*vendor.servers[:2]), vendor.create_vault(vendor.servers[2])
    move = sdk.VaultMigrateResourceReq(destination_vault_id=new.id, resource_ids=vendor.servers[:1])
    answer = vendor.client.migrate_vault_resource(sdk.MigrateVaultResourceRequest(old.id, move))
    assert answer.migrated_resources == vendor.servers[:1]
    assert held(vendor, old.id) == [vendor.servers[1]]
    assert held(vendor, new.id) == [vendor.servers[2], vendor.servers[0]]


def pauses_resources(vendor: Any) -> None:
    vault = vendor.create_vault()
    for action, expected in (("suspend", False), ("unsuspend", True)):
        setting = sdk.VaultSetResourceReq(resource_ids=vendor.servers[:1], action=action)
        answer = vendor.client.set_vault_resource(sdk.SetVaultResourceRequest(vault.id, setting))
        assert answer.set_resource_ids == vendor.servers[:1]
        (resource,) = vendor.client.show_vault(sdk.ShowVaultRequest(vault.id)).vault.resources
        assert resource.auto_protect is expected


def changes_when_backups_expire(vendor: Any) -> None:
    checkpoint = vendor.take_checkpoint()
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    change = sdk.UpdateExpirationTimeReq(expect_expiration_date=day, time_zone="UTC+08:00")
    request = sdk.UpdateExpirationTimeRequest(checkpoint.vault.id, change)
    answer = vendor.client.update_expiration_time(request)
    assert (answer.affected_backups_count, answer.new_expiration_day) == (1, day)
    (backup,) = vendor.backups().backups
    # Midnight of UTC+08:00 is on the day before.
    assert backup.expired_at.isoformat()[11:16] == "16:00"


def changes_all_vaults(vendor: Any) -> None:
    vaults = [vendor.create_vault(server) for server in vendor.servers[:2]]
    body = sdk.BatchUpdateVaultRequestBody(sdk.VaultBatchUpdate(smn_notify=False, threshold=42))
    answer = vendor.client.batch_update_vault(sdk.BatchUpdateVaultRequest(body))
    assert answer.updated_vaults_id == [vault.id for vault in vaults]
    found = vendor.client.show_vault(sdk.ShowVaultRequest(vaults[1].id)).vault
    assert (found.smn_notify, found.threshold) == (False, 42)


def reads_the_summary(vendor: Any) -> None:
    vendor.take_checkpoint()
    (backup,) = vendor.client.show_storage_usage(sdk.ShowStorageUsageRequest()).storage_usage
    summary = vendor.client.show_summary(sdk.ShowSummaryRequest())
    assert (summary.size, summary.used_size) == (200, backup.backup_size)


def reads_the_use_of_resources(vendor: Any) -> None:
    vendor.take_checkpoint()
    for filters, expected in (
        ({}, 1),
        ({"resource_type": "OS::Nova::Server", "limit": 1, "offset": 0}, 1),
        ({"resource_id": vendor.servers[0]}, 1),
        ({"resource_id": vendor.servers[1]}, 0),
    ):
        answer = vendor.client.show_storage_usage(sdk.ShowStorageUsageRequest(**filters))
        assert (answer.resource_count, len(answer.storage_usage)) == (expected, expected), filters
    assert vendor.client.show_storage_usage(sdk.ShowStorageUsageRequest()).storage_usage[0].backup_count == 1


def lists_what_can_be_backed_up(vendor: Any) -> None:
    vault = vendor.create_vault()
    by_id = {
        each.id: each
        for each in vendor.client.list_protectable(
            sdk.ListProtectableRequest(protectable_type="server", limit=50)
        ).instances
    }
    assert list(by_id) == vendor.servers
    protected, free = by_id[vendor.servers[0]].protectable, by_id[vendor.servers[1]].protectable
    assert (protected.result, protected.code, protected.vault.id) == (False, "BackupService.6103", vault.id)
    assert (free.result, free.code, free.vault) == (True, "", None)
    disks = sdk.ListProtectableRequest(protectable_type="disk", server_id=vendor.servers[0])
    assert vendor.client.list_protectable(disks).instances[0].type == "OS::Cinder::Volume"
    others = sdk.ListProtectableRequest(protectable_type="workspace")
    assert vendor.client.list_protectable(others).instances == []


def reads_what_can_be_backed_up(vendor: Any) -> None:
    request = sdk.ShowProtectableRequest(vendor.servers[0], "server")
    found = vendor.client.show_protectable(request).instance
    assert (found.id, found.status, found.protectable.result) == (vendor.servers[0], "active", True)


def tags(vendor: Any, vault_id: str) -> list[tuple[str, str]]:
    answer = vendor.client.show_vault_tag(sdk.ShowVaultTagRequest(vault_id))
    return [(tag.key, tag.value) for tag in answer.tags]


def reads_tags(vendor: Any) -> None:
    assert tags(vendor, vendor.create_vault().id) == [("team", "a")]


def sets_a_tag(vendor: Any) -> None:
    vault = vendor.create_vault()
    for key, value in (("team", "b"), ("stage", "prod")):
        body = sdk.VaultTagsCreateReq(sdk.TagCreate(key, value))
        assert vendor.client.create_vault_tags(sdk.CreateVaultTagsRequest(vault.id, body)).status_code == 204
    assert tags(vendor, vault.id) == [("team", "b"), ("stage", "prod")]


def deletes_a_tag(vendor: Any) -> None:
    vault = vendor.create_vault()
    request = sdk.DeleteVaultTagRequest(key="team", vault_id=vault.id)
    assert vendor.client.delete_vault_tag(request).status_code == 204
    with pytest.raises(ClientRequestException, match="6601"):
        vendor.client.delete_vault_tag(request)


def changes_tags(vendor: Any) -> None:
    vault = vendor.create_vault()
    for action, changes, expected in (
        ("create", [("stage", "prod"), ("team", "c")], [("team", "c"), ("stage", "prod")]),
        ("delete", [("team", None), ("other", None)], [("stage", "prod")]),
    ):
        body = sdk.BulkCreateAndDeleteVaultTagsReq(
            [sdk.BulkCreateAndDeleteTags(key, value) for key, value in changes], action=action
        )
        request = sdk.BatchCreateAndDeleteVaultTagsRequest(vault.id, body)
        assert vendor.client.batch_create_and_delete_vault_tags(request).status_code == 204
        assert tags(vendor, vault.id) == expected


def reads_the_tags_of_the_project(vendor: Any) -> None:
    vendor.create_vault(vendor.servers[0])
    vendor.create_vault(vendor.servers[1])
    answer = vendor.client.show_vault_project_tag(sdk.ShowVaultProjectTagRequest())
    assert [(tag.key, tag.values) for tag in answer.tags] == [("team", ["a"])]


def finds_vaults_by_tags(vendor: Any) -> None:
    vault = vendor.create_vault()
    wanted, other = sdk.TagsReq("team", ["a", "b"]), sdk.TagsReq("stage", [])
    for filters, expected in (
        ({}, 1),
        ({"tags": [wanted]}, 1),
        ({"tags": [wanted, other]}, 0),
        ({"tags_any": [wanted, other]}, 1),
        ({"not_tags": [wanted, other]}, 1),
        ({"not_tags_any": [wanted, other]}, 0),
        ({"without_any_tag": True}, 0),
        ({"matches": [sdk.Match("resource_name", "vault-app")]}, 1),
        ({"object_type": "disk"}, 0),
    ):
        for action, page in (("filter", {"limit": "10", "offset": "0"}), ("count", {})):
            body = sdk.VaultResourceInstancesReq(action=action, **filters, **page)
            answer = vendor.client.show_vault_resource_instances(sdk.ShowVaultResourceInstancesRequest(body))
            assert answer.total_count == expected, filters
            if action == "filter":
                assert [each.resource_id for each in answer.resources] == [vault.id] * expected


def renames_a_backup(vendor: Any) -> None:
    vendor.take_checkpoint()
    (backup,) = vendor.backups().backups
    body = sdk.BackupUpdateReq(sdk.BackupUpdate("kept"))
    vendor.client.update_backup(sdk.UpdateBackupRequest(backup.id, body))
    assert vendor.backups(name="kept").backups[0].id == backup.id


def reads_the_metadata(vendor: Any) -> None:
    vendor.take_checkpoint()
    (backup,) = vendor.backups().backups
    metadata = vendor.client.show_metadata(sdk.ShowMetadataRequest(backup.id))
    assert metadata.backup_id == backup.id
    assert vendor.servers[0] in metadata.server


VAULT_CALLS: dict[str, Callable[[Any], None]] = {
    "POST /vaults/{vault_id}/migrateresources": moves_resources,
    "PUT /vaults/{vault_id}/set-resources": pauses_resources,
    "PUT /vaults/{vault_id}/update-backup-expiration-time": changes_when_backups_expire,
    "PUT /vaults/batch-update": changes_all_vaults,
    "GET /vaults/summary": reads_the_summary,
    "GET /storage_usage": reads_the_use_of_resources,
    "GET /protectables/{protectable_type}/instances": lists_what_can_be_backed_up,
    "GET /protectables/{protectable_type}/instances/{instance_id}": reads_what_can_be_backed_up,
    "GET /vault/{vault_id}/tags": reads_tags,
    "POST /vault/{vault_id}/tags": sets_a_tag,
    "DELETE /vault/{vault_id}/tags/{key}": deletes_a_tag,
    "POST /vault/{vault_id}/tags/action": changes_tags,
    "GET /vault/tags": reads_the_tags_of_the_project,
    "POST /vault/resource_instances/action": finds_vaults_by_tags,
    "PUT /backups/{backup_id}": renames_a_backup,
    "GET /backups/{backup_id}/metadata": reads_the_metadata,
}
"""By route: what the SDK does with it. otcextensions has no verbs for these."""

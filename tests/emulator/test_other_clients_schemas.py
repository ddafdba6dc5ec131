"""The local cloud held against the vendor's own schemas.

What the vendor's SDK exchanges in ``test_other_clients_cbr.py`` and ``test_other_clients_databases.py`` is judged too,
one exchange after the other; here is what these do not reach.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, get_args

import pytest
import pytest_asyncio
from huaweicloudsdkcbr import v1 as cbr
from huaweicloudsdkgaussdb import v3 as taurusdb
from huaweicloudsdkgaussdbforopengauss import v3 as gaussdb
from huaweicloudsdkrds import v3 as rds
from pydantic import ValidationError

from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.services.cbr import models
from airflow_provider_backup.cloud.services.cbr.models import BackupQuery, VaultQuery
from airflow_provider_backup.cloud.services.gaussdb import models as gaussdb_models
from airflow_provider_backup.cloud.services.rds import models as rds_models
from airflow_provider_backup.cloud.services.taurusdb import models as taurusdb_models
from airflow_provider_backup.emulator.services.cbr import schema
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.callers import Caller, caller_of
from tests.emulator.cbr_calls import billing, policy_body, vault_body
from tests.emulator.vendor_schemas import ADDED, differences, model_beside, required, undocumented

DOCUMENTED_CODES = {
    "vault.backup.server.normal",
    "vault.backup.volume.normal",
    "vault.backup.turbo.normal",
    "vault.backup.database.normal",
    "vault.hybrid.server.normal",
    "vault.replication.server.normal",
}


@pytest_asyncio.fixture
async def caller(backup_cloud: RunningCloud) -> AsyncIterator[Caller]:
    """Raw HTTP with a token."""
    async with caller_of(backup_cloud) as caller:
        yield caller


def faults(model: type, answer: Any) -> list[str]:
    return [each for each in differences(model, answer) if undocumented(each)]


# Answers


@pytest.mark.parametrize(
    ("service", "model"),
    [
        ("rds", rds.ListInstancesResponse),
        ("gaussdb", gaussdb.ListInstancesResponse),
        ("taurusdb", taurusdb.ListGaussMySqlInstancesResponse),
    ],
)
async def test_every_instance_has_what_the_vendors_schema_requires_and_nothing_else(
    service: str, model: type, caller: Caller
) -> None:
    answer = (await caller.call("GET", service, "/v3/P/instances")).body

    assert answer["total_count"] >= 3
    assert faults(model, answer) == []


@pytest.mark.parametrize("protect_type", ["backup", "replication"])
@pytest.mark.parametrize("object_type", schema.FILTERS["object_type"])
async def test_a_vault_has_a_documented_specification_code_or_none(
    object_type: str, protect_type: str, caller: Caller
) -> None:
    kind = billing(object_type=object_type, protect_type=protect_type)
    answer = await caller.call("POST", "cbr", "/v3/P/vaults", {"vault": vault_body(billing=kind)})

    assert answer.status == 200
    assert faults(cbr.CreateVaultResponse, answer.body) == []
    assert answer.body["vault"]["billing"]["spec_code"] in {None, *DOCUMENTED_CODES}


@pytest_asyncio.fixture
async def vault(backup_cloud: RunningCloud, caller: Caller) -> dict[str, Any]:
    """A vault with one server."""
    body = vault_body(backup_cloud.describe()["resources"]["servers"][0])
    found: dict[str, Any] = (await caller.call("POST", "cbr", "/v3/P/vaults", {"vault": body})).body["vault"]
    return found


async def test_a_fresh_checkpoint_does_not_tell_its_provider(vault: dict[str, Any], caller: Caller) -> None:
    answer = await caller.call("POST", "cbr", "/v3/P/checkpoints", {"checkpoint": {"vault_id": vault["id"]}})

    assert list(differences(cbr.CreateCheckpointResponse, answer.body)) == []


async def test_an_operation_log_has_the_id_of_the_request_that_began_it(vault: dict[str, Any], caller: Caller) -> None:
    answer = await caller.call("POST", "cbr", "/v3/P/checkpoints", {"checkpoint": {"vault_id": vault["id"]}})

    (log,) = (await caller.call("GET", "cbr", "/v3/P/operation-logs")).body["operation_logs"]
    assert log["extra_info"]["common"]["request_id"] == answer.headers["X-Request-Id"]


# Requests: the local cloud's own judgement


@pytest.mark.parametrize(
    "properties", [{"start_window_minutes": 60}, {"start_window_minutes": None}, {"pattern": None}, {}]
)
async def test_a_policy_update_with_a_trigger_without_rules_is_refused(properties: Any, caller: Caller) -> None:
    created = (await caller.call("POST", "cbr", "/v3/P/policies", {"policy": policy_body()})).body["policy"]
    path = f"/v3/P/policies/{created['id']}"

    answer = await caller.call("PUT", "cbr", path, {"policy": {"name": "b", "trigger": {"properties": properties}}})

    assert (answer.status, answer.body["error_code"]) == (400, "BackupService.9900")
    assert answer.body["error_msg"] == "trigger.properties.pattern: must be given"
    read = (await caller.call("GET", "cbr", path)).body["policy"]
    assert (read["name"], read["trigger"]) == (created["name"], created["trigger"])


@pytest.mark.parametrize(
    "query",
    [
        "backups?resource_type=OS::Sfs::Turbo",
        "backups?resource_type=OS::Native::Server",
        "backups?resource_type=OS::Ironic::BareMetalServer",
        "vaults?protect_type=hybrid",
    ],
)
async def test_a_filter_with_a_value_that_is_for_answers_only_is_refused(query: str, caller: Caller) -> None:
    answer = await caller.call("GET", "cbr", f"/v3/P/{query}")

    assert (answer.status, answer.body["error_code"]) == (400, "BackupService.9900")
    assert query.partition("?")[2].partition("=")[0] in answer.body["error_msg"]


@pytest.mark.parametrize("model", [BackupQuery, VaultQuery])
def test_our_client_refuses_such_a_filter_before_anything_is_sent(model: type[BackupQuery | VaultQuery]) -> None:
    wrong = {BackupQuery: {"resource_type": "OS::Sfs::Turbo"}, VaultQuery: {"protect_type": "hybrid"}}[model]

    with pytest.raises(ValidationError, match=next(iter(wrong))):
        model.model_validate(wrong)


@pytest.mark.parametrize(
    ("needed", "model"),
    [
        (schema.POLICY_CREATE, cbr.PolicyCreate),
        (schema.POLICY_UPDATE, cbr.PolicyUpdate),
        (schema.VAULT_CREATE, cbr.VaultCreate),
        (schema.CHECKPOINT_CREATE, cbr.VaultBackup),
    ],
)
def test_the_local_cloud_demands_what_the_vendors_schema_requires(needed: tuple[str, ...], model: type) -> None:
    assert set(needed) == set(required_paths(model))


# Requests: what our client sends


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (models.PolicyCreate, cbr.PolicyCreate),
        (models.PolicyUpdate, cbr.PolicyUpdate),
        (models.PolicyQuery, cbr.ListPoliciesRequest),
        (models.VaultCreate, cbr.VaultCreate),
        (models.VaultUpdate, cbr.VaultUpdate),
        (models.VaultQuery, cbr.ListVaultRequest),
        (models.PolicyAssociation, cbr.VaultAssociate),
        (models.PolicyDissociation, cbr.VaultDissociate),
        (models.ResourceAddition, cbr.VaultAddResourceReq),
        (models.ResourceRemoval, cbr.VaultRemoveResourceReq),
        (models.CheckpointCreate, cbr.VaultBackup),
        (models.BackupQuery, cbr.ListBackupsRequest),
        (models.OperationLogQuery, cbr.ListOpLogsRequest),
        (rds_models.BackupCreate, rds.CreateManualBackupRequestBody),
        (rds_models.BackupQuery, rds.ListBackupsRequest),
        (rds_models.InstanceQuery, rds.ListInstancesRequest),
        (rds_models.PolicyUpdate, rds.BackupPolicy),
        (gaussdb_models.BackupCreate, gaussdb.CreateManualBackupRequestBody),
        (gaussdb_models.BackupQuery, gaussdb.ListBackupsRequest),
        (gaussdb_models.InstanceQuery, gaussdb.ListInstancesRequest),
        (gaussdb_models.PolicyUpdate, gaussdb.BackupPolicy),
        (taurusdb_models.BackupCreate, taurusdb.MysqlCreateBackupRequest),
        (taurusdb_models.BackupQuery, taurusdb.ShowGaussMySqlBackupListRequest),
        (taurusdb_models.InstanceQuery, taurusdb.ListGaussMySqlInstancesRequest),
        (taurusdb_models.PolicyUpdate, taurusdb.MysqlBackupPolicy),
    ],
)
def test_our_requests_have_the_members_that_the_vendors_schema_requires_and_no_others(
    ours: type[RequestModel], theirs: type[Any]
) -> None:
    # RDS: written beside the policy, see PolicyUpdate.to_body.
    assert [each for each in request_differences(ours, theirs) if each != f"reserve_backups{ADDED}"] == []


def request_differences(ours: type[RequestModel], theirs: type[Any], path: str = "") -> Iterator[str]:
    attributes = {wire_name: attribute for attribute, wire_name in theirs.attribute_map.items()}
    fields = {field.alias or name: field for name, field in ours.model_fields.items()}
    for name in attributes.keys() - fields.keys():
        if attributes[name] in required(theirs):
            yield f"{path}{name} is missing"
    for name, field in fields.items():
        if name not in attributes:
            yield f"{path}{name}{ADDED}"
            continue
        may_be_left_out = not field.is_required() and field.get_default(call_default_factory=True) is None
        if attributes[name] in required(theirs) and may_be_left_out:
            yield f"{path}{name} may be left out"
        inner = theirs.openapi_types[attributes[name]].removeprefix("list[").removesuffix("]")
        for model in request_models(field.annotation):
            yield from request_differences(model, model_beside(theirs, inner), f"{path}{name}.")


def request_models(annotation: Any) -> Iterator[type[RequestModel]]:
    """Return the models in the type of a field."""
    if isinstance(annotation, type) and issubclass(annotation, RequestModel):
        yield annotation
    for part in get_args(annotation):
        yield from request_models(part)


def required_paths(model: Any, path: str = "") -> Iterator[str]:
    """Return the required members of a model and of the objects in it; lists have rules of their own."""
    for attribute, type_name in model.openapi_types.items():
        name = path + model.attribute_map[attribute]
        if attribute in required(model):
            yield name
        if hasattr(cbr, type_name):
            yield from required_paths(model_beside(model, type_name), f"{name}.")


# The judge


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"key": "team"}, "value is missing"),
        ({"key": "team", "value": "a", "colour": "red"}, "colour is not in the vendor's schema"),
        ({"key": 7, "value": "a"}, "key is not str but 7"),
        ([], "the answer is not an object but []"),
    ],
)
def test_the_judge_reports_what_is_missing_invented_or_of_another_type(answer: Any, sentence: str) -> None:
    assert list(differences(cbr.Tag, answer)) == [sentence]

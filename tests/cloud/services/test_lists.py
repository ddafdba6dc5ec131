"""Lists of all services take their filters in one way: the same keywords, the same refusal, at the same moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.services.cbr import backups as cbr_backups
from airflow_provider_backup.cloud.services.cbr import models as cbr
from airflow_provider_backup.cloud.services.cbr import operation_logs as cbr_operation_logs
from airflow_provider_backup.cloud.services.cbr import policies as cbr_policies
from airflow_provider_backup.cloud.services.cbr import vaults as cbr_vaults
from airflow_provider_backup.cloud.services.csbs import checkpoint_items as csbs_items
from airflow_provider_backup.cloud.services.csbs import models as csbs
from airflow_provider_backup.cloud.services.csbs import policies as csbs_policies
from airflow_provider_backup.cloud.services.databases import backups as database_backups
from airflow_provider_backup.cloud.services.databases import instances as database_instances
from airflow_provider_backup.cloud.services.gaussdb import models as gaussdb
from airflow_provider_backup.cloud.services.rds import models as rds
from airflow_provider_backup.cloud.services.taurusdb import models as taurusdb
from airflow_provider_backup.cloud.services.vbs import backups as vbs_backups
from airflow_provider_backup.cloud.services.vbs import models as vbs
from airflow_provider_backup.cloud.services.vbs import policies as vbs_policies
from tests.cloud.clients import settings_for

LISTS: dict[str, Callable[..., Any]] = {
    "cbr backups": lambda cloud, **filters: cloud.cbr.backups.list(**filters),
    "cbr backup pages": lambda cloud, **filters: cloud.cbr.backups.pages(**filters),
    "cbr vaults": lambda cloud, **filters: cloud.cbr.vaults.list(**filters),
    "cbr policies": lambda cloud, **filters: cloud.cbr.policies.list(**filters),
    "cbr operation logs": lambda cloud, **filters: cloud.cbr.operation_logs.list(**filters),
    "csbs items": lambda cloud, **filters: cloud.csbs.checkpoint_items.list(**filters),
    "csbs item pages": lambda cloud, **filters: cloud.csbs.checkpoint_items.pages(**filters),
    "csbs policies": lambda cloud, **filters: cloud.csbs.policies.list(**filters),
    "vbs backups": lambda cloud, **filters: cloud.vbs.backups.list(**filters),
    "vbs backup pages": lambda cloud, **filters: cloud.vbs.backups.pages(**filters),
    "vbs backup summaries": lambda cloud, **filters: cloud.vbs.backups.summaries(**filters),
    "vbs policies": lambda cloud, **filters: cloud.vbs.policies.list(**filters),
    "vbs policy tasks": lambda cloud, **filters: cloud.vbs.policies.tasks("p", **filters),
    "rds backups": lambda cloud, **filters: cloud.rds.backups.list(instance_id="i", **filters),
    "rds instances": lambda cloud, **filters: cloud.rds.instances.list(**filters),
    "gaussdb backups": lambda cloud, **filters: cloud.gaussdb.backups.list(**filters),
    "gaussdb backup pages": lambda cloud, **filters: cloud.gaussdb.backups.pages(**filters),
    "taurusdb instances": lambda cloud, **filters: cloud.taurusdb.instances.list(**filters),
}
FILTERS: list[tuple[Any, list[type[RequestModel]]]] = [
    (cbr_backups.BackupFilters, [cbr.BackupQuery]),
    (cbr_vaults.VaultFilters, [cbr.VaultQuery]),
    (cbr_policies.PolicyFilters, [cbr.PolicyQuery]),
    (cbr_operation_logs.OperationLogFilters, [cbr.OperationLogQuery]),
    (csbs_items.CheckpointItemFilters, [csbs.CheckpointItemFilter]),
    (csbs_items.CheckpointItemPageFilters, [csbs.CheckpointItemQuery]),
    (csbs_policies.PolicyFilters, [csbs.PolicyQuery]),
    (vbs_backups.BackupFilters, [vbs.BackupQuery]),
    (vbs_backups.BackupSummaryFilters, [vbs.BackupSummaryQuery]),
    (vbs_policies.PolicyFilters, [vbs.PolicyQuery]),
    (vbs_policies.PolicyTaskFilters, [vbs.PolicyTaskQuery]),
    (database_backups.BackupFilters, [rds.BackupQuery, gaussdb.BackupQuery, taurusdb.BackupQuery]),
    (database_instances.InstanceFilters, [rds.InstanceQuery, gaussdb.InstanceQuery, taurusdb.InstanceQuery]),
]


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[BackupCloud]:
    # Nothing listens there: what is refused is refused before anything is sent.
    async with BackupCloud(settings_for("http://127.0.0.1:9")) as cloud:
        yield cloud


@pytest.mark.parametrize("read", LISTS.values(), ids=LISTS)
async def test_an_unknown_filter_is_refused_by_name_at_the_call(cloud: BackupCloud, read: Callable[..., Any]) -> None:
    with pytest.raises(InvalidRequestError, match="nothing was sent: colour: ") as caught:
        read(cloud, colour="red")
    assert [violation.field for violation in caught.value.violations] == ["colour"]


@pytest.mark.parametrize(("filters", "models"), FILTERS, ids=lambda each: getattr(each, "__name__", ""))
def test_the_typed_filters_are_the_fields_of_the_models(filters: Any, models: list[type[RequestModel]]) -> None:
    assert set(filters.__annotations__) == {name for model in models for name in model.model_fields}


@pytest.mark.parametrize("service", ["cbr", "csbs", "vbs", "rds", "gaussdb", "taurusdb"])
async def test_a_reference_of_a_kind_that_the_service_lacks_is_refused_by_name(
    cloud: BackupCloud, service: str
) -> None:
    kind: Any = "checkpoint" if service == "vbs" else "job"
    reference = OperationReference(service, "1", kind, instance_id="i")
    for call in (cloud.service(service).observe, cloud.service(service).delete_backup):
        with pytest.raises(InvalidRequestError, match=rf"nothing was sent: kind: must be .*\(given: '{kind}'\)"):
            await call(reference)

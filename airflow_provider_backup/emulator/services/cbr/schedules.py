"""Policies that run by their schedules, and what they keep (CBR sections 4.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule
from airflow_provider_backup.cloud.operations.time_zones import read_time_zone
from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate
from airflow_provider_backup.emulator.core.automatic_backups import AutomaticBackups, Period, Retention
from airflow_provider_backup.emulator.core.run_times import RunTimes
from airflow_provider_backup.emulator.core.service import ServiceError
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups
from airflow_provider_backup.emulator.services.cbr.checkpoints import CheckpointRoutes
from airflow_provider_backup.emulator.services.cbr.vaults import Vaults

MOST_FAILED = 10
"""Failed automatic backups that are kept (CBR section 4.2, rule 6)."""

_PERIODS = {"day_backups": "%Y-%m-%d", "week_backups": "%G-%V", "month_backups": "%Y-%m", "year_backups": "%Y"}


class Schedules:
    """The scheduled runs of backup policies; replication policies copy nothing here.

    :param state: keeps the policies.
    :param vaults: what they are bound to.
    :param backups: keeps the backups.
    :param checkpoints: takes them.
    """

    def __init__(self, state: CloudState, vaults: Vaults, backups: Backups, checkpoints: CheckpointRoutes) -> None:
        self._state = state
        self._vaults = vaults
        self._backups = backups
        self._checkpoints = checkpoints
        self._automatic = AutomaticBackups(state, "cbr")

    def run_times(self, policy_id: str) -> Sequence[RunTimes]:
        """Return when a policy runs."""
        policy = self._policies.get(policy_id)
        if policy is None or not policy["enabled"] or policy["operation_type"] != "backup":
            return ()
        begin = datetime.fromisoformat(policy["start_time"]).replace(tzinfo=UTC)
        return [RunTimes.of_rule(RecurrenceRule.parse(text), begin) for text in policy["properties"]["pattern"]]

    def run(self, policy_id: str) -> None:
        """Back up the vaults that a policy is bound to; one that cannot be backed up now is left out."""
        for bound in self._vaults.bound_to(policy_id):
            resources = self._vaults.get(bound["vault_id"])["resources"]
            automatic = [resource["id"] for resource in resources if not resource.get("suspended")]
            if resources and not automatic:
                continue
            parameters = {"auto_trigger": True, "policy_id": policy_id, "resources": automatic or None}
            order = CheckpointCreate.model_validate({"vault_id": bound["vault_id"], "parameters": parameters})
            with suppress(ServiceError):
                checkpoint = self._checkpoints.begin(order)
                for backup in self._backups.of(checkpoint_id=checkpoint["id"]):
                    self._automatic.add(backup["id"], policy_id, f"{bound['vault_id']}/{backup['resource_id']}")

    def expire(self) -> None:
        """Take away the automatic backups that are no longer kept."""
        table = self._state.table("cbr.backups")
        for row in self._automatic.expired(
            table, self._retention, self._backups.status, good="available", failed="error"
        ):
            del table[row["id"]]

    @property
    def _policies(self) -> dict[str, Row]:
        return self._state.table("cbr.policies")

    def _retention(self, policy_id: str) -> Retention:
        if policy_id not in self._policies:
            return Retention()
        definition = self._policies[policy_id]["operation_definition"]
        number = _limit(definition, "max_backups")
        return Retention(
            number=number,
            days=_limit(definition, "retention_duration_days"),
            failed=MOST_FAILED,
            # Without a number all are kept anyway.
            periods=[Period(kept, key) for name, key in _PERIODS.items() if (kept := _limit(definition, name))],
            zone=read_time_zone(definition.get("timezone") or "UTC"),
        )


def _limit(definition: Any, name: str) -> int | None:
    value = definition.get(name)
    return value if value is not None and value >= 0 else None

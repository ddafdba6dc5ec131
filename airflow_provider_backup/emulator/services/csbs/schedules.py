"""Policies that run by their schedules, and what they keep (CSBS section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from airflow_provider_backup.cloud.services.csbs.pattern import rule_in
from airflow_provider_backup.emulator.core.automatic_backups import AutomaticBackups, Retention
from airflow_provider_backup.emulator.core.run_times import RunTimes
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.csbs.backups import Backups, Order

MOST_FAILED = 10
"""Failed automatic backups that are kept (CSBS section 3.1, limits)."""


class Schedules:
    """The scheduled runs of policies.

    :param state: keeps the policies.
    :param backups: takes and keeps the backups.
    """

    def __init__(self, state: CloudState, backups: Backups) -> None:
        self._state = state
        self._backups = backups
        self._automatic = AutomaticBackups(state, "csbs")

    def run_times(self, policy_id: str) -> Sequence[RunTimes]:
        """Return when a policy runs."""
        policy = self._policies.get(policy_id)
        if policy is None or not policy["scheduled_operations"][0]["enabled"]:
            return ()
        properties = policy["scheduled_operations"][0]["trigger"]["properties"]
        begin = datetime.fromisoformat(properties["start_time"]).replace(tzinfo=UTC)
        return [RunTimes.of_rule(rule_in(properties["pattern"]), begin)]

    def run(self, policy_id: str) -> None:
        """Back up the servers of a policy; those that cannot be backed up now are left out."""
        policy = self._policies[policy_id]
        possible = [server for server in policy["resources"] if self._backups.obstacle(server["id"]) is None]
        if not possible or self._backups.running(policy_id):
            return
        order = Order(policy_id=policy_id, auto_trigger=True, tags=policy["tags"])
        for backup in self._backups.start(self._state.new_uuid(), possible, order):
            self._automatic.add(backup["id"], policy_id, backup["resource_id"])

    def expire(self) -> None:
        """Take away the automatic backups that are no longer kept."""
        self._backups.take_away(
            self._automatic.expired(
                self._state.table("csbs.items"),
                self._retention,
                self._backups.status,
                good="available",
                failed="error",
            )
        )

    @property
    def _policies(self) -> dict[str, Row]:
        return self._state.table("csbs.policies")

    def _retention(self, policy_id: str) -> Retention:
        if policy_id not in self._policies:
            return Retention()
        definition = self._policies[policy_id]["scheduled_operations"][0]["operation_definition"]
        if definition["permanent"] == "True":
            return Retention(failed=MOST_FAILED)
        number, days = int(definition["max_backups"]), int(definition["retention_duration_days"])
        # Terraform sends 0 for what is not set (CSBS section 3.2).
        return Retention(number=number if number > 0 else None, days=days if days > 0 else None, failed=MOST_FAILED)

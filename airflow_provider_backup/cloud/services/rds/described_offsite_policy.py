"""How backups of RDS are copied to another region, as fields that are compared; without I/O (databases section 8.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_backup.cloud.services.rds.offsite_models import OffsitePolicy, OffsitePolicyUpdate

FULL = "auto"
INCREMENTAL = "incremental"
ALL = "all"
PLACE = ("destination_region", "destination_project_id")
"""What cannot be changed while copying is on."""


def held_fields(policies: Sequence[OffsitePolicy]) -> dict[str, Any]:
    """Return the fields of a policy that is on as they are compared.

    :param policies: one for each type of backup that is copied, at least one.
    """
    days = {policy.keep_days for policy in policies}
    types = {policy.backup_type for policy in policies}
    return {
        # The service shows each type by itself.
        "backup_type": ALL if len(types) > 1 else next(iter(types)),
        "keep_days": days.pop() if len(days) == 1 else sorted(number or 0 for number in days),
        **{name: getattr(policies[0], name) for name in PLACE},
    }


def requests_for(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[OffsitePolicyUpdate]:
    """Return the requests that change a policy, in the order in which the service takes them.

    :param held: the fields that the service has; empty while copying is off.
    :param wanted: the described fields, all of them; 0 ``keep_days`` switches copying off.
    """
    policy = OffsitePolicyUpdate.model_validate(wanted)
    if held.get("backup_type") != ALL or policy.backup_type != FULL:
        return [policy]
    # From all types to full backups only.
    less = policy.model_copy(update={"backup_type": INCREMENTAL, "keep_days": 0})
    return [less] if held.get("keep_days") == policy.keep_days else [less, policy]


def loses_incremental_copies(held: Mapping[str, Any], backup_type: str, keep_days: int) -> bool:
    """Whether the service deletes incremental copies when a policy is changed.

    :param held: the fields that the service has; empty while copying is off.
    :param backup_type: the described types.
    :param keep_days: the described days; 0 for off.
    """
    return held.get("backup_type") in (ALL, INCREMENTAL) and (backup_type == FULL or keep_days == 0)

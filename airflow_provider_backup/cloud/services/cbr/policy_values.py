"""From plain arguments to the nested fields of a CBR policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.services.cbr.models import OperationDefinition, Policy
from airflow_provider_backup.cloud.services.cbr.schedule import trigger_patterns


def policy_values(
    *,
    name: str | None = None,
    enabled: bool | None = None,
    operation_type: str | None = None,
    schedule: Schedule | None = None,
    patterns: Sequence[str] | None = None,
    start_window_minutes: int | None = None,
    **operation_definition: Any,
) -> dict[str, Any]:
    """Nest plain arguments for ``validated(PolicyCreate, ...)`` or ``validated(PolicyUpdate, ...)``.

    ``None`` means "not given" everywhere.

    :param name: name of the policy.
    :param enabled: whether it runs.
    :param operation_type: ``backup`` or ``replication``; for a new policy only.
    :param schedule: when it runs; or
    :param patterns: the same in the service's own form.
    :param start_window_minutes: minutes within which a run may start.
    :param operation_definition: the fields of
        :class:`~airflow_provider_backup.cloud.services.cbr.models.OperationDefinition`.
    :raises InvalidRequestError: schedule and patterns are both given, or a CBR policy cannot say the schedule.
    """
    if schedule is not None and patterns is not None:
        raise InvalidRequestError(
            "CBR policy", [Violation("patterns", "give a schedule or patterns, not both", patterns)]
        )
    properties = _given(
        {
            "pattern": trigger_patterns(schedule) if schedule is not None else patterns,
            "start_window_minutes": start_window_minutes,
        }
    )
    return _given(
        {
            "name": name,
            "enabled": enabled,
            "operation_type": operation_type,
            "operation_definition": _given(operation_definition) or None,
            "trigger": {"properties": properties} if properties else None,
        }
    )


def definition_of(policy: Policy) -> dict[str, Any]:
    """Return how long a policy keeps backups, and where it copies them to, in the form of a request.

    A definition is sent as one whole, so a change of one of its fields has to repeat the others. Left out are empty
    members, which stand for "not set"; switches that are off, as accounts without the feature may not name them; and
    members that the API pages do not describe.

    :param policy: as it was read.
    """
    definition = policy.operation_definition.model_dump(by_alias=True, exclude_none=True)
    return {
        name: value
        for name, value in definition.items()
        if name in OperationDefinition.model_fields and value not in ("", [], {}) and value is not False
    }


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}

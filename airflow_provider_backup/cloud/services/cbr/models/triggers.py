"""When a policy runs (CBR section 4.3)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer

from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule
from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.fields import AsObject, Timestamp, WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import AsItems
from airflow_provider_backup.cloud.services.cbr.pattern import MOST_PATTERNS, check_patterns


def _readable_pattern(text: str) -> str:
    RecurrenceRule.parse(text)
    return text


def _fitting_patterns(patterns: list[str]) -> list[str]:
    check_patterns(patterns)
    return patterns


Patterns = Annotated[
    list[Annotated[str, AfterValidator(_readable_pattern)]],
    Field(min_length=1, max_length=MOST_PATTERNS),
    AfterValidator(_fitting_patterns),
]


class TriggerProperties(RequestModel):
    """When a policy runs.

    :param pattern: 1 to 24 rules in UTC (CBR section 4.3); ``cloud/cbr/schedule.py`` writes them. Must be given, in a
        change of a policy, too.
    :param start_window_minutes: minutes within which a run may start, 60 to 480; none, when given as such, takes it
        off. Vendor SDK only.
    """

    pattern: Patterns
    start_window_minutes: Annotated[int, Field(ge=60, le=480)] | None = None

    @model_serializer(mode="wrap")
    def _keep_the_null(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Null means "no window any more" here; anywhere else it would mean "not given".
        content: dict[str, Any] = write(self)
        if "start_window_minutes" in self.model_fields_set:
            content["start_window_minutes"] = self.start_window_minutes
        return content


class Trigger(RequestModel):
    """What starts a policy: the time."""

    properties: TriggerProperties


class TriggerPropertiesView(ResponseModel):
    """When a policy runs, as read."""

    pattern: Annotated[list[str], AsItems] = Field(default_factory=list)
    start_time: Timestamp = None
    start_window_minutes: WholeNumber = None


class TriggerView(ResponseModel):
    """What starts a policy, as read."""

    id: str | None = None
    name: str | None = None
    type: str | None = None
    properties: Annotated[TriggerPropertiesView, AsObject] = Field(default_factory=TriggerPropertiesView)

"""Reading requests as VBS does: what it does not know, and what is null, it passes over."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel

from airflow_provider_backup.cloud.schema.base import RequestModel


def wire_values(model: type[BaseModel], values: Any) -> Any:
    """Return what a model knows of a request, by the names on the wire only; objects inside likewise.

    :param model: the model of the request.
    :param values: the request; anything but an object is returned as it is.
    """
    if not isinstance(values, dict):
        return values
    known = {}
    for name, field in model.model_fields.items():
        value = values.get(field.validation_alias if isinstance(field.validation_alias, str) else name)
        if value is None:
            continue
        inner = _model_in(field.annotation)
        known[name] = wire_values(inner, value) if inner else value
    return known


def _model_in(annotation: Any) -> type[RequestModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, RequestModel):
            return candidate
    return None

"""All response models of the client, found by looking, and what everybody may expect of one that was read."""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

from airflow_provider_backup import cloud
from airflow_provider_backup.cloud.schema.base import ResponseModel


def response_models() -> list[type[ResponseModel]]:
    """Return every response model of every service; a new one is found without being named anywhere."""
    for module in pkgutil.walk_packages(cloud.__path__, f"{cloud.__name__}."):
        importlib.import_module(module.name)
    found: set[type[ResponseModel]] = set()
    waiting = [ResponseModel]
    while waiting:
        for model in waiting.pop().__subclasses__():
            if model not in found and model.__module__.startswith(f"{cloud.__name__}."):
                found.add(model)
                waiting.append(model)
    return sorted(found, key=lambda model: (model.__module__, model.__qualname__))


def look_at(model: ResponseModel) -> None:
    """Use a model as the rest of the package does: every property, its text, and its form as JSON."""
    for name, value in vars(type(model)).items():
        if isinstance(value, property):
            getattr(model, name)
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, str):
            assert_storable(value)


def assert_storable(value: Any) -> None:
    """Make sure that Airflow can keep a value: as JSON, in UTF-8, and without the character that databases refuse."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    assert text.encode()
    assert "\\u0000" not in text

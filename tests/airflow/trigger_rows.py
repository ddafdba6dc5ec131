"""The way of a trigger's arguments through Airflow's own code: from the worker to the row, and to the triggerer."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from typing import Any

from airflow.models.trigger import Trigger
from airflow.triggers.base import BaseTrigger

import airflow_provider_backup
from airflow_provider_backup.version_compat import AIRFLOW_3


def trigger_classes() -> list[type[BaseTrigger]]:
    """Return every trigger of the package; a new one is found without being named anywhere."""
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(airflow_provider_backup.__path__, f"{airflow_provider_backup.__name__}.")
        if not module.name.endswith("__main__")
    ]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, BaseTrigger)
        and not inspect.isabstract(value)
        and value.__module__ == module.__name__
    }
    return sorted(found, key=lambda trigger: trigger.__qualname__)


def row_of(arguments: dict[str, Any]) -> str:
    """Return what stands in the table of triggers, as the worker and the API server of this Airflow write it."""
    if not AIRFLOW_3:
        return str(Trigger._encrypt_kwargs(arguments))
    from airflow.api_fastapi.execution_api.datamodels.taskinstance import TIDeferredStatePayload
    from airflow.sdk.execution_time.comms import DeferTask

    # Worker to supervisor, supervisor to API server: pydantic models as JSON, twice.
    message = DeferTask(classpath="p", trigger_kwargs=_from_worker(arguments), next_method="m", next_kwargs={})
    sent = DeferTask.model_validate_json(message.model_dump_json()).model_dump(mode="json", exclude={"type"})
    payload = TIDeferredStatePayload.model_validate({**sent, "state": "deferred"})
    stored = payload.trigger_kwargs
    return stored if isinstance(stored, str) else json.dumps(stored)


def arguments_from(row: str) -> dict[str, Any]:
    """Return the arguments that the triggerer of this Airflow builds the trigger with."""
    decoded: dict[str, Any] = Trigger._decrypt_kwargs(row)
    if not AIRFLOW_3:
        return decoded
    clean = getattr(_decoders(), "smart_decode_trigger_kwargs", lambda value: value)
    return {name: clean(value) for name, value in decoded.items()}


def _from_worker(arguments: dict[str, Any]) -> Any:
    try:
        serde = importlib.import_module("airflow.sdk.serde")
    except ModuleNotFoundError:
        return arguments  # Before Airflow 3.2 the message encodes them itself.
    return serde.serialize(arguments)


def _decoders() -> Any:
    # Airflow 3.2 gave them a module of their own.
    try:
        return importlib.import_module("airflow.serialization.decoders")
    except ModuleNotFoundError:
        return importlib.import_module("airflow.serialization.serialized_objects")

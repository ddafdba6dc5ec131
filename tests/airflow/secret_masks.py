"""What Airflow masks in logs: it remembers every connection that it looked up, in one growing regular expression."""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = (
    ("airflow._shared.secrets_masker.secrets_masker", "airflow.sdk._shared.secrets_masker.secrets_masker"),
    ("airflow.sdk.execution_time.secrets_masker",),  # Airflow 3.0
    ("airflow.utils.log.secrets_masker",),  # Airflow 2.11
)


def forget_masks() -> None:
    """Forget all masks, as a new process does.

    Each local cloud has ports of its own, so each look-up of its connection adds a mask, and each new mask compiles
    them all again: after some hundred clouds in one process a look-up takes a second.
    """
    for masker in _maskers():
        masker.patterns = set()
        masker.replacer = None


def _maskers() -> list[Any]:
    for names in _MODULES:
        try:
            return [importlib.import_module(name)._secrets_masker() for name in names]
        except ModuleNotFoundError:
            continue
    raise AssertionError("this Airflow keeps its masks somewhere else")

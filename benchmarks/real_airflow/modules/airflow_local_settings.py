"""Airflow loads this in every component: what tasks import is there before a task is forked, which saves much time."""

import os
from pathlib import Path

import collector_passes  # type: ignore[import-not-found]

import airflow_provider_backup.operators.vbs  # noqa: F401

collector_passes.write_down(Path(os.environ["BENCHMARK_COLLECTOR_PASSES"]))

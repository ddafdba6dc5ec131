"""Airflow loads this in every component: what tasks import is there before a task is forked, which saves much time."""

import airflow_provider_backup.operators.vbs  # noqa: F401

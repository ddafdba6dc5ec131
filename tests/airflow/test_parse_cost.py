"""What a DAG file pays for importing the operators: each import in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.airflow.service_matrix import DATABASES, SERVICES

PACKAGE = "airflow_provider_backup"
REPORT = f"""
import sys
loaded = set(sys.modules)
models = {{name.split(".")[3] for name in loaded if name.startswith("{PACKAGE}.cloud.services.") and ".models" in name}}
print(sorted({{"aiohttp", "{PACKAGE}.emulator", "{PACKAGE}.cloud.http.transport"}} & loaded), sorted(models))
"""


def loaded_by(*modules: str) -> str:
    code = f"import {', '.join(modules)}\n{REPORT}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("service", SERVICES)
def test_importing_operators_loads_no_http_client_no_emulator_and_no_models_of_other_services(service: str) -> None:
    shared = ["databases"] if service in DATABASES else []

    assert loaded_by(f"{PACKAGE}.operators.{service}") == f"[] {sorted([service, *shared])}"


def test_importing_all_sensors_and_hooks_loads_no_http_client_no_emulator_and_no_models() -> None:
    modules = [f"{PACKAGE}.{layer}.{service}" for layer in ("sensors", "hooks") for service in SERVICES]

    assert loaded_by(*modules) == "[] []"


def test_importing_task_groups_loads_no_http_client_no_emulator_and_no_models() -> None:
    modules = [f"{PACKAGE}.task_groups.{name}" for name in ("backup_guard", "restore_rehearsal")]

    assert loaded_by(*modules) == "[] []"

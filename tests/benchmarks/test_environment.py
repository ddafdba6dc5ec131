"""The benchmarks run in an environment of their own, without pytest, and use what tests are made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "module", ["benchmarks.submit.worker", "benchmarks.real_airflow.run", "benchmarks.contenders.ours"]
)
def test_what_the_benchmarks_take_from_the_tests_needs_no_pytest(module: str) -> None:
    program = f"import sys; sys.modules['pytest'] = None; import {module}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

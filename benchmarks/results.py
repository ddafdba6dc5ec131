"""Where figures are kept between commands: one JSON file with a section for each command."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
_FILE = DOCS / "performance.json"
_PACKAGES = (
    "apache-airflow",
    "apache-airflow-providers-databricks",
    "apache-airflow-providers-dbt-cloud",
    "apache-airflow-providers-http",
    "aiohttp",
    "airflow-provider-backup",
)

Section = dict[str, Any]
Figures = dict[str, Section]


def read_figures() -> Figures:
    """Return all sections that were measured so far."""
    if not _FILE.exists():
        return {}
    figures: Figures = json.loads(_FILE.read_text())
    return figures


def keep(name: str, command: str, figures: Any) -> None:
    """Write a section, in place of the one that was there.

    :param name: of the section.
    :param command: what makes it again.
    :param figures: what was measured, as JSON.
    """
    section = {"command": command, "made": _circumstances(), "figures": figures}
    text = json.dumps(read_figures() | {name: section}, indent=1)
    _FILE.write_text(text + "\n")


def _circumstances() -> dict[str, Any]:
    return {
        "date": f"{datetime.now(UTC):%F}",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB, Linux {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30

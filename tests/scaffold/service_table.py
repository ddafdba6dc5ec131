"""The table of operators and sensors in the README, one row for each service of the registry."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from airflow_provider_backup.cloud.manifest import ServiceManifest
from airflow_provider_backup.cloud.services.registry import SERVICES

BEGIN, END = "<!-- services: written by make tables -->\n", "<!-- services end -->\n"


def service_table() -> str:
    """Return the table as Markdown: operators for policies, for all else, and sensors."""
    head = "| service | policies | backups | waiting |\n|---|---|---|---|\n"
    return head + "".join(_row(manifest) for manifest in SERVICES.values())


def with_service_table(text: str) -> str:
    """Return the text of a page with the table between its two marks.

    :param text: the page; the marks must stand in it.
    """
    return re.sub(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", lambda _: service_table(), text, flags=re.DOTALL)


def write_service_table(page: Path) -> None:
    """Write the table into a page."""
    page.write_text(with_service_table(page.read_text(encoding="utf-8")), encoding="utf-8")


def _row(manifest: ServiceManifest) -> str:
    operators = classes_of(f"airflow_provider_backup.operators.{manifest.name}", "Operator")
    # What executes a policy takes a backup.
    policies = [name for name in operators if re.search("Polic(y|ies)Operator$", name) and "Execute" not in name]
    backups = [name for name in operators if name not in policies]
    sensors = classes_of(f"airflow_provider_backup.sensors.{manifest.name}", "Sensor")
    cells = (", ".join(f"`{name}`" for name in names) for names in (policies, backups, sensors))
    service = f"[{manifest.abbreviation or manifest.title}]({manifest.docs}) ({manifest.protects})"
    return f"| {service} | {' | '.join(cells)} |\n".replace("|  |", "| |")


def classes_of(module: str, ending: str) -> list[str]:
    """Return the names of the classes that a module or package defines.

    :param module: its dotted path.
    :param ending: how their names end.
    """
    members = vars(import_module(module)).items()
    return [
        name
        for name, each in members
        if name.endswith(ending) and f"{getattr(each, '__module__', '')}.".startswith(f"{module}.")
    ]

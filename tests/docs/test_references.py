"""References in docstrings name what exists: modules, classes, functions, members and constants of this package."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import airflow_provider_backup

PACKAGE = Path(airflow_provider_backup.__file__).parent
REFERENCE = re.compile(r":(?:class|func|meth|data|mod|attr|exc):`~?(airflow_provider_backup[\w.]*)`")


def exists(dotted: str) -> bool:
    """Return whether a dotted path leads to a module, or to something in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for name in parts[length:]:
            # Members of models and dataclasses without a default are declared only.
            if name in getattr(found, "__annotations__", {}):
                return True
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def test_every_reference_in_a_docstring_names_something_that_exists() -> None:
    references = {
        (str(path.relative_to(PACKAGE)), dotted)
        for path in PACKAGE.rglob("*.py")
        for dotted in REFERENCE.findall(path.read_text())
    }
    assert len(references) > 50
    assert sorted(each for each in references if not exists(each[1])) == []


def test_a_reference_to_something_that_was_removed_is_noticed() -> None:
    assert exists("airflow_provider_backup.cloud.limits.Limits.longest_listing_delay")
    assert not exists("airflow_provider_backup.cloud.operations.missing_backups.LONGEST_LATENESS")

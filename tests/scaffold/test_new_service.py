"""A scaffolded service is complete at once: its code passes the checks, and its backups are taken by the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_backup.cloud.errors import ConfigurationError
from tests.scaffold.names import ServiceNames
from tests.scaffold.new_service import NewService
from tests.scaffold.python_source import with_arguments, without_attributes, without_unused_names

ROOT = Path(__file__).parents[2]
COPIED = ("airflow_provider_backup", "docs", "example_dags", "tests", "README.md", "pyproject.toml")
RDS = ServiceNames("rds", "Rds", "RDS", "Relational Database Service")
DDS = ServiceNames("dds", "Dds", "DDS", "Document Database Service")


class Checkout:
    """A copy of the checkout that commands run in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, root / name)
        if (cache := ROOT / ".mypy_cache").is_dir():
            shutil.copytree(cache, root / cache.name)

    def run(self, *arguments: str) -> str:
        """Run a Python module in the copy and return what it printed.

        :raises AssertionError: it failed.
        """
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def files(self) -> dict[str, bytes]:
        """Return the content of every file that was copied."""
        paths = (path for name in COPIED for path in [self.root / name, *(self.root / name).rglob("*")])
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in paths
            if path.is_file() and "__pycache__" not in path.parts
        }


@pytest.mark.parametrize(
    ("like", "edited"),
    [
        # DDS has an API page already; a service without one gets a page with an entry in the index.
        (["dds", "--title", "Document Database Service", "--like", "rds"], set()),
        (["sfs", "--title", "Scalable File Service", "--version", "v1", "--like", "cbr"], {"docs/api/README.md"}),
    ],
    ids=["a database service", "a service of another kind"],
)
def test_a_scaffolded_service_passes_all_checks_and_touches_no_file_of_others_but_registry_and_lists(
    tmp_path: Path, like: list[str], edited: set[str]
) -> None:
    pytest.importorskip("ruff")
    pytest.importorskip("mypy")
    name = like[0]
    checkout = Checkout(tmp_path)
    before = checkout.files()

    checkout.run("tests.scaffold", "service", *like)

    after = checkout.files()
    changed = {path for path, content in before.items() if after.get(path) != content}
    assert changed == {"airflow_provider_backup/cloud/services/registry.py", "README.md", *edited}
    written = [path for path in after.keys() - before.keys() if path.endswith(".py")]
    checkout.run("ruff", "check", ".")
    checkout.run("ruff", "format", "--check", ".")
    checkout.run("mypy", *written)
    checkout.run(
        *("pytest", "-q", "-p", "no:cacheprovider", "-k", f"registered or {name}"),
        *("tests/airflow/test_registered_services.py", "tests/airflow/test_hooks.py"),
        *("tests/airflow/test_taking_backups.py", "tests/cloud/services/test_registry.py"),
    )


def test_all_spellings_of_a_name_are_replaced_and_nothing_else() -> None:
    text = 'RdsService of "rds" and EmulatedRds: RDS keeps records, words and RDS.3004; rds_instances'

    assert RDS.renamed(text, DDS) == (
        'DdsService of "dds" and EmulatedDds: DDS keeps records, words and DDS.3004; dds_instances'
    )


def test_citations_of_the_page_that_the_code_was_built_from_stay() -> None:
    cbr = ServiceNames("cbr", "Cbr", "CBR", "Cloud Backup and Recovery")

    assert cbr.renamed("CBR takes backups (CBR section 6.1).", DDS) == "DDS takes backups (CBR section 6.1)."


@pytest.mark.parametrize(
    ("name", "like", "text"),
    [
        ("rds", "vbs", "airflow_provider_backup/cloud/services/rds/__init__.py is there already"),
        ("base", "rds", "airflow_provider_backup/hooks/base.py is there already"),
        ("DDS", "rds", "'DDS' cannot be the name"),
        ("dds", "nothing", "There is no service 'nothing'"),
    ],
)
def test_a_service_that_cannot_be_added_is_refused(name: str, like: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        NewService(ROOT, ServiceNames(name, "Dds", "DDS", "Title"), like=like, version="v3")


@pytest.mark.parametrize(
    ("prefix", "label", "title", "version", "rule"),
    [
        ("dds", "DDS", "Title", "v3", "prefix"),
        ("Dds", "D DS", "Title", "v3", "label"),
        ("Dds", "DDS", "", "v3", "title"),
        ("Dds", "DDS", 'The "Title"', "v3", "title"),
        ("Dds", "DDS", "Title", "3", "version"),
    ],
)
def test_a_name_that_would_break_the_code_is_refused(
    prefix: str, label: str, title: str, version: str, rule: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot be the {rule}"):
        NewService(ROOT, ServiceNames("dds", prefix, label, title), like="rds", version=version)


def test_arguments_of_a_call_are_replaced_added_and_taken_away() -> None:
    source = 'X = make(\n    a="1",\n    b=OTHER,\n    c=dict(d=2),\n)\n'

    assert with_arguments(source, "make", {"a": '"9"', "b": None, "e": "5"}) == (
        'X = make(\n    a="9",\n    c=dict(d=2),\n    e=5,\n)\n'
    )


def test_attributes_and_what_only_they_read_are_taken_away() -> None:
    source = """
from m import N, O
from m import P
_A = 1
'''Text.'''
_B = 2
C = 3
class X:
    a = (
        _A,
    )
    b = P(_B)
"""

    assert (
        without_unused_names(without_attributes(source, ["a"]))
        == """
from m import P
_B = 2
C = 3
class X:
    b = P(_B)
"""
    )

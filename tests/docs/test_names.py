"""Every file, module, make target and error that the documentation names exists."""

from __future__ import annotations

import importlib.util
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_backup import exceptions
from airflow_provider_backup.cloud import errors
from tests.docs.pages import API, PAGES, ROOT, name_of, tracked_files, without_code_blocks

WRITTEN = [page for page in PAGES if page.parent != API and page.name != "CHANGELOG.md"]
"""The pages that speak of the present state of the checkout."""

PACKAGE = ROOT / "airflow_provider_backup"
BASES = (ROOT, PACKAGE, PACKAGE / "cloud")
"""A path in the documentation is seen from one of these folders."""

MADE_BY_COMMANDS = {".fuzz", ".venv", ".venvs", "dist"}
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.<>*-]+(?:/[\w.<>*-]+)*/?")
ENDINGS = {".cfg", ".json", ".md", ".py", ".svg", ".toml", ".txt", ".yaml"}
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def is_path(text: str) -> bool:
    """Whether a piece of code is meant as a path in the checkout."""
    if not FILE.fullmatch(text) or text.split("/")[0] in MADE_BY_COMMANDS:
        return False
    has_folder = "/" in text and any((base / text.split("/")[0]).is_dir() for base in BASES)
    return has_folder or ("/" in text and Path(text).suffix in ENDINGS)


def exists(path: str) -> bool:
    """Whether a path leads somewhere; ``<service>`` and ``*`` stand for any name."""
    pattern = re.sub(r"<\w+>", "*", path.rstrip("/"))
    return any(next(base.glob(pattern), None) for base in BASES)


def lost_paths(text: str) -> Iterator[str]:
    """Yield each path of a page that leads nowhere."""
    for code in CODE.findall(without_code_blocks(text)):
        if is_path(code) and not exists(code):
            yield code


def lost_modules(text: str) -> Iterator[str]:
    """Yield each module, or member of one, that a page names by its dotted path and that is not there."""
    for name in re.findall(r"\bairflow_provider_backup(?:\.(?:\w+|<service>))+", text):
        if "<service>" in name:
            if not exists(name.replace(".", "/") + ".py") and not exists(name.replace(".", "/")):
                yield name
            continue
        module, _, member = name.rpartition(".")
        if importlib.util.find_spec(module) is None or not (
            importlib.util.find_spec(name) if is_package(module) else hasattr(importlib.import_module(module), member)
        ):
            yield name


def is_package(module: str) -> bool:
    """Whether a module has modules below it."""
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.submodule_search_locations is not None


def lost_targets(text: str) -> Iterator[str]:
    """Yield each target of ``make`` in a page that the Makefile does not have."""
    code = CODE.findall(without_code_blocks(text)) + re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    yield from sorted({found for piece in code for found in re.findall(r"\bmake ([a-z][a-z-]*)", piece)} - TARGETS)


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_path_module_and_make_target_of_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert [*lost_paths(text), *lost_modules(text), *lost_targets(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "`cloud/backup.py`",
        "`tests/cloud/test_missing.py`",
        "`airflow_provider_backup/cloud/services/<service>/missing.py`",
        "`docs/missing.md`",
    ],
)
def test_a_path_that_leads_nowhere_is_noticed(text: str) -> None:
    assert list(lost_paths(text))


def test_a_module_or_a_target_that_does_not_exist_is_noticed() -> None:
    assert list(lost_modules("airflow_provider_backup.cloud.backup"))
    assert list(lost_modules("airflow_provider_backup.cloud.errors.MissingError"))
    assert list(lost_modules("airflow_provider_backup.cloud.<service>.models"))
    assert list(lost_targets("`make coffee`"))


def import_contracts() -> list[dict[str, Any]]:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = configuration["tool"]["importlinter"]["contracts"]
    return contracts


def test_an_import_contract_names_every_module() -> None:
    contracts = import_contracts()
    # lint-imports refuses a module that an exhaustive contract does not name, but not a package without a contract.
    whole = [
        each.replace(".", r"\.").replace("*", r"[^.]+")
        for contract in contracts
        if contract.get("exhaustive")
        for each in contract["containers"]
    ]
    independent = [each for contract in contracts if contract["type"] == "independence" for each in contract["modules"]]
    packages = {
        ".".join(file.relative_to(ROOT).parent.parts) for file in PACKAGE.rglob("*.py") if file.name != "__init__.py"
    }

    assert {
        name
        for name in packages
        if not any(re.fullmatch(container, name) for container in whole) and f"{name}.*" not in independent
    } == set()


def test_the_page_of_architecture_names_every_layer_of_the_import_contracts() -> None:
    contracts = import_contracts()
    layers = {
        module.strip()
        for contract in contracts
        if contract["type"] == "layers" and set(contract["containers"]) <= {PACKAGE.name, f"{PACKAGE.name}.cloud"}
        for layer in contract["layers"]
        for module in layer.split("|")
    }
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert layers <= {name for row in rows for name in CODE.findall(row)}


def test_the_page_of_architecture_names_every_folder_and_every_file_of_the_shared_packages() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(CODE.findall(text))
    shared = ("tasks", *(f"cloud/{name}" for name in ("auth", "http", "operations", "polling", "schema")))
    files = {f"{folder}/{file.name}" for folder in shared for file in (PACKAGE / folder).glob("[a-z]*.py")}
    tracked = {name_of(file.parent) for file in tracked_files("*.py") if file.parent != ROOT}
    folders = {folder for folder in tracked if re.fullmatch(r"(tests/)?\w+", folder)} - {"tests", PACKAGE.name}

    assert files | folders <= named


def test_the_page_of_errors_names_every_public_error_and_no_other() -> None:
    public = {
        name
        for module in (errors, exceptions)
        for name, member in vars(module).items()
        if inspect.isclass(member) and issubclass(member, Exception) and member.__module__ == module.__name__
    }
    named = set(
        re.findall(r"`(?:[a-z_]+\.)*([A-Z]\w+Error)`", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"))
    )

    assert named == public

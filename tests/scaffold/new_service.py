"""Writes a new service as a copy of the most similar one: its packages, modules, test case, page and registry entry.

What is copied works from the first moment, against the local cloud too, so that every later step is a small change with
running tests. ``docs/add-a-service.md`` says what to change then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.services.registry import SERVICES
from tests.scaffold.names import ServiceNames
from tests.scaffold.python_source import with_arguments, without_attributes, without_unused_names

PACKAGE = "airflow_provider_backup"
REGISTRY = f"{PACKAGE}/cloud/services/registry.py"
API_INDEX = "docs/api/README.md"
OWN_HOSTS = ("host_label", "region_host_labels", "otc_host_label", "is_com_in_europe")
OWN_CATALOG = ("path_prefixes", "catalog_entries")
_ENTRY = "    {name}: RegisteredService[{prefix}Service] = RegisteredService()\n"
_IMPORT = "    from airflow_provider_backup.cloud.services.{name}.service import {prefix}Service\n"
_PAGE = """# {title}, API {version}

What the API of {title} says: facts with their sources. Code and tests cite this page as {label}, with the number of a
section.

## 1. Service

Hosts, types in the service catalog, headers.

## 2. Statuses

Every status of a backup, and whether it is terminal.

## 3. Calls

Take, list, read and delete a backup: paths, parameters with their limits, answers, error codes.
"""


class NewService:
    """A service that is about to be added to a checkout.

    :param root: the checkout.
    :param names: how the new service is called.
    :param like: name of the registered service to start from.
    :param version: the API version in its paths, such as ``v3``.
    :param docs: its API page; ``None`` takes the one that is there already, or a new one.
    :raises ConfigurationError: a name cannot be used, files of that name are there, or the other is not registered.
    """

    def __init__(self, root: Path, names: ServiceNames, *, like: str, version: str, docs: str | None = None) -> None:
        for rule, value, pattern, next_step in (
            ("name", names.name, r"[a-z][a-z0-9]*", "Use lower case letters and digits."),
            ("prefix", names.prefix, r"[A-Z][A-Za-z0-9]*", "Use letters and digits, the first a capital."),
            ("label", names.label, r"[A-Za-z][A-Za-z0-9]*", "Use letters and digits."),
            ("title", names.title, r"[A-Za-z][^\"\\\n]*", "Use the vendor's name of the service, without quotes."),
            ("version", version, r"v\d+(\.\d+)*", "Write it as in the paths of the API: v3."),
        ):
            if not re.fullmatch(pattern, value):
                raise ConfigurationError(f"{value!r} cannot be the {rule}.", next_step=next_step)
        if like not in SERVICES:
            raise ConfigurationError(f"There is no service {like!r}.", next_step=f"Use one of {', '.join(SERVICES)}.")
        self._root = root
        self._new = names
        self._old = ServiceNames.of(SERVICES[like])
        self._version = version
        self._old_version = SERVICES[like].version
        there = [path for path in map(self._target, self._files_of_model()) if path.exists()]
        if there:
            raise ConfigurationError(
                f"{there[0].relative_to(root)} is there already.", next_step="Choose another name for the service."
            )
        pages = sorted(page.relative_to(root).as_posix() for page in (root / "docs/api").glob(f"{names.name}-*.md"))
        self._docs = docs or next(iter(pages), f"docs/api/{names.name}-{version}.md")

    def write(self) -> list[str]:
        """Write all files and return their paths: those of the service first, then those that it is entered in."""
        written = [self._copy(path) for path in self._files_of_model()]
        self._register()
        return [*written, *self._write_page(), REGISTRY]

    def _files_of_model(self) -> Iterator[Path]:
        name = self._old.name
        for folder in (f"{PACKAGE}/cloud/services/{name}", f"{PACKAGE}/emulator/services/{name}"):
            yield from sorted((self._root / folder).rglob("*.py"))
        for folder in (f"{PACKAGE}/hooks", f"{PACKAGE}/operators", f"{PACKAGE}/sensors", "tests/airflow/services"):
            module = self._root / folder / name
            yield from sorted(module.rglob("*.py")) if module.is_dir() else [module.with_suffix(".py")]

    def _copy(self, path: Path) -> str:
        relative = path.relative_to(self._root).as_posix()
        text = self._old.renamed(path.read_text(encoding="utf-8"), self._new)
        # Paths of the API, in routes, in the test case and in docstrings.
        text = re.sub(rf"/{self._old_version}(?=[/\"])", f"/{self._version}", text)
        if relative.endswith("/manifest.py"):
            text = self._manifest(text)
        elif relative.endswith(f"emulator/services/{self._old.name}/__init__.py"):
            text = without_unused_names(without_attributes(text, OWN_CATALOG))
        target = self._target(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target.relative_to(self._root).as_posix()

    def _target(self, path: Path) -> Path:
        return self._root / self._old.renamed(path.relative_to(self._root).as_posix(), self._new)

    def _manifest(self, text: str) -> str:
        new = self._new
        arguments = {
            "title": f'"{new.title}"',
            "version": f'"{self._version}"',
            "docs": f'"{self._docs}"',
            "catalog_types": f'("{new.name}",)',
            "abbreviation": None if new.label == new.title else f'"{new.label}"',
            **dict.fromkeys(OWN_HOSTS),
        }
        return without_unused_names(with_arguments(text, "ServiceManifest", arguments))

    def _write_page(self) -> list[str]:
        page, index = self._root / self._docs, self._root / API_INDEX
        if page.exists():
            return [self._docs]
        text = _PAGE.format(title=self._new.title, label=self._new.label, version=self._version)
        page.write_text(text, encoding="utf-8")
        row = f"| {self._new.label} | [{page.name}]({page.name}) | {self._new.title} |\n"
        *_, last = re.finditer(r"^\| .*\|\n", content := index.read_text(encoding="utf-8"), re.MULTILINE)
        index.write_text(content[: last.end()] + row + content[last.end() :], encoding="utf-8")
        return [self._docs, API_INDEX]

    def _register(self) -> None:
        registry = self._root / REGISTRY
        text = registry.read_text(encoding="utf-8")
        for pattern, line in ((r"^    from .*\n", _IMPORT), (r"^    \w+: RegisteredService.*\n", _ENTRY)):
            *_, last = re.finditer(pattern, text, re.MULTILINE)
            new = line.format(name=self._new.name, prefix=self._new.prefix)
            text = text[: last.end()] + new + text[last.end() :]
        registry.write_text(text, encoding="utf-8")

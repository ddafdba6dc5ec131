"""The hooks of pre-commit run the tools of the pinned environment and need no network."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT

CONFIGURATION: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
HOOKS: list[dict[str, Any]] = [hook for repo in CONFIGURATION["repos"] for hook in repo["hooks"]]
PINNED = set(
    re.findall(r"^([\w.-]+)==", (ROOT / "tests" / "constraints" / "development.txt").read_text(), re.MULTILINE)
)
PACKAGE_OF = {"lint-imports": "import-linter", "python": "pytest"}
"""The package that a program belongs to, where their names differ; ``python`` runs pytest."""

every_hook = pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])


def test_no_hook_comes_from_another_repository() -> None:
    assert [repo["repo"] for repo in CONFIGURATION["repos"]] == ["local"]


@every_hook
def test_a_hook_runs_a_pinned_tool_of_the_environment(hook: dict[str, Any]) -> None:
    folder, _, program = hook["entry"].split()[0].rpartition("/")

    assert hook["language"] == "system"
    assert folder == ".venv/bin"
    assert PACKAGE_OF.get(program, program) in PINNED


@every_hook
def test_the_program_of_a_hook_exists_where_the_environment_was_built(hook: dict[str, Any]) -> None:
    program = ROOT / hook["entry"].split()[0]
    if not (ROOT / ".venv").exists():
        pytest.skip("make environment was not run in this checkout")

    assert program.exists()


@every_hook
def test_the_patterns_of_a_hook_can_be_read(hook: dict[str, Any]) -> None:
    re.compile(hook.get("files", ""))
    assert set(hook) <= {"id", "name", "entry", "language", "types_or", "files", "pass_filenames", "stages"}

"""The audit of the dependencies: what counts as found, and that no answer is never taken for a good one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.audit.__main__ import main
from tests.audit.dependencies import everything, ours
from tests.audit.verdict import Vulnerability, to_be_repaired

FOUND = {"id": "PYSEC-1", "fix_versions": ["9.9"], "aliases": ["CVE-1"]}


def pip_audit(folder: Path, found: dict[str, list[dict[str, Any]]], *, knows: bool = True) -> str:
    """Write a program that answers as pip-audit does.

    :param found: vulnerabilities by package; the canary's are there anyway.
    :param knows: whether its service answers; if not, every package is unknown to it, as behind a mirror.
    """
    program = folder / "pip-audit"
    program.write_text(
        f"""#!{sys.executable}
import json, sys
found, knows = json.loads({json.dumps(json.dumps(found))}), {knows}
pins = [line.strip().split("==") for line in open(sys.argv[2])]
found |= {{"aiohttp": [{FOUND!r}]}} if pins == [["aiohttp", "3.9.0"]] else {{}}
known = [{{"name": name, "version": version, "vulns": found.get(name, [])}} for name, version in pins]
unknown = [{{"name": name, "skip_reason": "not found"}} for name, _ in pins]
print(json.dumps({{"dependencies": known if knows else unknown, "fixes": []}}))
sys.exit(1)
"""
    )
    program.chmod(0o755)
    return str(program)


def test_what_we_bring_along_is_read_from_the_environment() -> None:
    brought_along, all_needed = ours(), everything()
    assert {"aiohttp", "pydantic", "tenacity", "yarl", "pydantic-core"} <= brought_along.keys()
    assert not any(name.startswith("apache-airflow") for name in brought_along)
    assert brought_along.items() < all_needed.items()
    assert "apache-airflow-providers-common-compat" in all_needed


def test_nothing_found_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(pip_audit(tmp_path, {})) == 0
    assert "0 to be repaired" in capsys.readouterr().out


def test_a_vulnerability_of_ours_that_has_a_fix_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(pip_audit(tmp_path, {"yarl": [FOUND]})) == 1
    output = capsys.readouterr().out
    assert "FAILED (ours): yarl" in output
    assert "PYSEC-1, CVE-1 (fixed in 9.9)" in output


@pytest.mark.parametrize(
    ("package", "found"), [("yarl", FOUND | {"fix_versions": []}), ("apache-airflow-providers-common-compat", FOUND)]
)
def test_what_has_no_fix_or_is_pinned_by_airflow_is_reported_only(
    package: str, found: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(pip_audit(tmp_path, {package: [found]})) == 0
    assert f"): {package}" in capsys.readouterr().out


def test_a_service_that_knows_nothing_is_not_taken_for_a_good_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(pip_audit(tmp_path, {"yarl": [FOUND]}, knows=False)) == 0
    output = capsys.readouterr()
    assert "WARNING: THE DEPENDENCIES WERE NOT AUDITED" in output.err
    assert "to be repaired" not in output.out


def test_a_program_that_fails_is_not_taken_for_a_good_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    assert main(str(program)) == 0
    assert "WARNING: THE DEPENDENCIES WERE NOT AUDITED" in capsys.readouterr().err


def test_a_vulnerability_is_accepted_by_any_of_its_ids() -> None:
    found = [Vulnerability("yarl", "1", "PYSEC-1", ("CVE-1",), ("2",)), Vulnerability("yarl", "1", "X", (), ("2",))]
    assert [each.identifier for each in to_be_repaired(found, {"yarl"}, accepted=["CVE-1"])] == ["X"]


def test_it_runs_as_a_command(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-m", "tests.audit", pip_audit(tmp_path, {"yarl": [FOUND]})], check=False)
    assert ended.returncode == 1

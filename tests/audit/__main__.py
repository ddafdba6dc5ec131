"""Look for known vulnerabilities in what this package brings along: ``python -m tests.audit PIP-AUDIT``.

It asks the vulnerability services that pip-audit knows, one after the other, until one answers; with OSV_URL in the
environment, only the OSV service there. It ends with 1 when something is found that has a fix, and with 0 when no
service can be reached: that must not keep anybody from working, but it is said loudly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.audit.dependencies import everything, ours
from tests.audit.verdict import CANARY, knows_the_canary, not_audited, to_be_repaired, vulnerabilities_in

LONGEST_AUDIT = 300.0
"""Seconds for all questions to one service."""


def main(program: str) -> int:
    """Audit, and print what was found.

    :param program: path of pip-audit.
    :return: the exit code.
    """
    osv_url = os.environ.get("OSV_URL")
    services = [["-s", "osv", "--osv-url", osv_url]] if osv_url else [["-s", "pypi"], ["-s", "osv"]]
    for service in services:
        canary = _report(program, service, dict([CANARY]))
        if canary is None or not knows_the_canary(canary):
            print(f"The service {service[1]} cannot be reached from here, or knows no vulnerabilities.")
            continue
        report = _report(program, service, everything())
        if report is not None:
            return _judge(report, service[1])
    print(
        "\nWARNING: THE DEPENDENCIES WERE NOT AUDITED: no vulnerability service can be reached from here.\n"
        "Run 'make audit' where one can be, or give the URL of one: make audit OSV_URL=https://...\n",
        file=sys.stderr,
    )
    return 0


def _report(program: str, service: list[str], versions: Mapping[str, str]) -> dict[str, Any] | None:
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(f"{name}=={version}\n" for name, version in sorted(versions.items())))
        try:
            ended = subprocess.run(
                [
                    program,
                    "-r",
                    pins,
                    "--no-deps",
                    "--disable-pip",
                    "-f",
                    "json",
                    "--progress-spinner",
                    "off",
                    *service,
                ],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LONGEST_AUDIT,
                check=False,
            )
            report: dict[str, Any] = json.loads(ended.stdout)
        except (subprocess.TimeoutExpired, ValueError):
            return None
    return report


def _judge(report: Mapping[str, Any], service: str) -> int:
    brought_along = ours()
    found, unknown = vulnerabilities_in(report), not_audited(report)
    repair = to_be_repaired(found, brought_along)
    for each in found:
        whose = "ours" if each.package in brought_along else "Airflow's"
        print(f"{'FAILED' if each in repair else 'warning'} ({whose}): {each}")
    if unknown:
        print(f"warning: {service} does not know {', '.join(sorted(unknown))}")
    audited = len(report["dependencies"]) - len(unknown)
    print(f"{audited} packages audited by {service}, {len(brought_along)} of them ours: {len(repair)} to be repaired")
    return 1 if repair else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

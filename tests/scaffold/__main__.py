"""The commands behind ``make service`` and ``make tables``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.services.registry import SERVICES

ROOT = Path(__file__).parents[2]
README = "README.md"


def main() -> int:
    """Run a command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.scaffold", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("tables", help="write the table of services in the README")
    service = commands.add_parser("service", help="start a new service as a copy of the most similar one")
    service.add_argument("name", help="in packages and modules: dds")
    service.add_argument("--title", required=True, help="what the vendor calls it: Document Database Service")
    service.add_argument("--version", default="v3", help="API version in its paths (default: %(default)s)")
    service.add_argument("--like", required=True, choices=SERVICES, help="the service to start from")
    service.add_argument("--prefix", help="in names of classes (default: the name, capitalized)")
    service.add_argument("--label", help="in texts (default: the name in upper case)")
    service.add_argument("--docs", help="its API page, when it has one already")
    arguments = parser.parse_args()
    try:
        if arguments.command == "service":
            return _add_service(arguments)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    return _write_tables()


def _add_service(arguments: argparse.Namespace) -> int:
    from tests.scaffold.names import ServiceNames
    from tests.scaffold.new_service import NewService

    name = arguments.name
    names = ServiceNames(name, arguments.prefix or name.capitalize(), arguments.label or name.upper(), arguments.title)
    written = NewService(ROOT, names, like=arguments.like, version=arguments.version, docs=arguments.docs).write()
    sources = [path for path in written if path.endswith(".py")]
    for command in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *sources], cwd=ROOT, check=True)
    # In another process, because this one has read the registry as it was.
    subprocess.run([sys.executable, "-m", "tests.scaffold", "tables"], cwd=ROOT, check=True)
    print("\n".join(["Written:", *(f"  {path}" for path in [*written, README])]))
    print(f"{names.label} is a copy of {arguments.like} and works against the local cloud. Now go through its files:")
    print("manifest (hosts, catalog types, error codes), models, calls; docs/add-a-service.md has the list.")
    return 0


def _write_tables() -> int:
    from tests.scaffold.service_table import write_service_table

    write_service_table(ROOT / README)
    return 0


if __name__ == "__main__":
    sys.exit(main())

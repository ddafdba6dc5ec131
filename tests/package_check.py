"""Look at the built package where nothing but it and its dependencies is installed.

Run with that environment's Python: ``python tests/package_check.py dist/*.whl dist/*.tar.gz``.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from collections.abc import Collection
from importlib.metadata import distribution, entry_points
from pathlib import Path

DISTRIBUTION = "airflow-provider-backup"
PACKAGE = "airflow_provider_backup"


def main(wheel: str, sdist: str) -> None:
    """Check wheel, sdist, and the installation.

    :raises SystemExit: something is missing; the text says what.
    """
    with zipfile.ZipFile(wheel) as archive:
        _require(f"{PACKAGE}/py.typed", archive.namelist(), wheel)
        strangers = {name.split("/")[0] for name in archive.namelist()} - {PACKAGE, _metadata_folder(wheel)}
        if strangers:
            sys.exit(f"{wheel} holds {', '.join(sorted(strangers))}")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        for file in ("README.md", "LICENSE", "CHANGELOG.md", "Makefile", "pyproject.toml", f"{PACKAGE}/py.typed"):
            _require(file, names, sdist)
        if pages := sorted(name for name in names if name.startswith("docs/") and name.endswith(".md")):
            sys.exit(f"{sdist} holds pages that are read in the repository: {', '.join(pages)}")

    from airflow.providers_manager import ProvidersManager

    import airflow_provider_backup

    installed = distribution(DISTRIBUTION)
    if installed.version != airflow_provider_backup.__version__:
        sys.exit(f"The metadata says version {installed.version}, the package {airflow_provider_backup.__version__}")
    labels = {url.partition(",")[0] for url in installed.metadata.get_all("Project-URL") or ()}
    for label in ("Documentation", "Source", "Issues", "Changelog"):
        _require(label, labels, "the list of project URLs")
    _require(
        DISTRIBUTION,
        ProvidersManager().providers,  # type: ignore[no-untyped-call]
        "Airflow's list of providers",
    )
    for entry_point in entry_points(group="console_scripts").select(name="backup-cloud-emulator"):
        entry_point.load()
    print(f"{Path(wheel).name} is installed and in order")


def _metadata_folder(wheel: str) -> str:
    name, version, *_ = Path(wheel).name.split("-")
    return f"{name}-{version}.dist-info"


def _require(name: str, names: Collection[str], where: str) -> None:
    if name not in names:
        sys.exit(f"{name} is missing in {where}")


if __name__ == "__main__":
    main(*sys.argv[1:])

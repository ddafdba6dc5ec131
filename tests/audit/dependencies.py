"""What is installed along with this package: read from the metadata of the environment that runs this."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DISTRIBUTION = "airflow-provider-backup"


def ours() -> dict[str, str]:
    """Return the versions of what this package itself brings along, by name: its dependencies and theirs.

    Airflow is there before us and pins its own; see :func:`everything`.
    """
    direct = [name for name in _needed_by(DISTRIBUTION) if not name.startswith("apache-airflow")]
    return _closure(direct)


def everything() -> dict[str, str]:
    """Return the versions of all that this package needs, Airflow and what that needs included."""
    return _closure(_needed_by(DISTRIBUTION))


def _closure(names: list[str]) -> dict[str, str]:
    versions: dict[str, str] = {}
    left = list(names)
    while left:
        name = left.pop()
        if name in versions:
            continue
        try:
            versions[name] = distribution(name).version
        except PackageNotFoundError:
            continue
        left.extend(_needed_by(name))
    return versions


def _needed_by(name: str) -> list[str]:
    requirements = map(Requirement, distribution(name).requires or ())
    # Without extras: whoever asks for one brings it along.
    return [
        canonicalize_name(requirement.name)
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]

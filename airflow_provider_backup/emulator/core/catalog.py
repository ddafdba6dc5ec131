"""The service catalog: under which types real clients look for the services, and the URLs that they find.

Source: access sections 3.3 and 7, VBS section 1, databases section 1.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class CatalogEntry(NamedTuple):
    """An entry of a service.

    :param type: what clients look for.
    :param name: the service's name, which clients ignore.
    :param path: what follows its base URL; ``{project_id}`` is filled in.
    """

    type: str
    name: str
    path: str


def catalog(
    entries: Mapping[str, Sequence[CatalogEntry]], urls: Mapping[str, str], *, region: str, project_id: str | None
) -> list[dict[str, Any]]:
    """Return the catalog of a token.

    :param entries: the entries of each service, ``iam`` among them.
    :param urls: base URL of each service, without version.
    :param region: region of the services; the identity service belongs to all.
    :param project_id: the project that the token is for; ``None`` leaves only the global services.
    """
    return [
        {
            "id": _hex_id(entry.type),
            "type": entry.type,
            "name": entry.name,
            "endpoints": [
                {
                    "id": _hex_id(f"{entry.type}/endpoint"),
                    "interface": "public",
                    "region": "*" if service == "iam" else region,
                    "region_id": "*" if service == "iam" else region,
                    "url": urls[service] + entry.path.format(project_id=project_id),
                }
            ],
        }
        for service, several in entries.items()
        for entry in several
        if project_id is not None or service == "iam"
    ]


def _hex_id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).hex

"""The service catalog: under which types real clients look for the services, and the URLs that they find.

Source: access sections 3.3 and 7, VBS section 1, databases section 1.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

EVS_PATH_PREFIX = "/evs"
"""Clients of OpenStack look for backups at the disk service."""

VBS_PATH_PREFIX = "/vbs"
"""Go clients take the disk service's URL and replace ``evs`` by ``vbs`` in it; here that is a piece of the path."""


class _Entry(NamedTuple):
    type: str
    name: str
    service: str
    path: str


_ENTRIES = (
    _Entry("vbs", "volume-backup", "vbs", "/v2/"),
    _Entry("vbsv2", "vbsv2", "vbs", "/v2/{project_id}"),
    _Entry("volumev2", "cinderv2", "vbs", EVS_PATH_PREFIX + "/v2/{project_id}"),
    _Entry("volumev3", "cinderv3", "vbs", EVS_PATH_PREFIX + "/v3/{project_id}"),
    _Entry("data-protect", "karbor", "csbs", "/v1/{project_id}"),
    _Entry("cbr", "cbr", "cbr", "/v3/{project_id}"),
    _Entry("rdsv3", "rdsv3", "rds", "/v3/{project_id}"),
    _Entry("gaussdb-opengauss", "gaussdb-opengauss", "gaussdb", "/v3/{project_id}"),
    _Entry("gaussdb-mysql", "gaussdb-mysql", "taurusdb", "/v3/{project_id}"),
    _Entry("identity", "iam", "iam", "/v3"),
)


def catalog(urls: Mapping[str, str], *, region: str, project_id: str | None) -> list[dict[str, Any]]:
    """Return the catalog of a token.

    :param urls: base URL of each service, without version.
    :param region: region of the services; the identity service belongs to all.
    :param project_id: the project that the token is for; none leaves only the global services.
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
                    "region": "*" if entry.service == "iam" else region,
                    "region_id": "*" if entry.service == "iam" else region,
                    "url": urls[entry.service] + entry.path.format(project_id=project_id),
                }
            ],
        }
        for entry in _ENTRIES
        if project_id is not None or entry.service == "iam"
    ]


def _hex_id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).hex

"""The regions of the local cloud: each has a project of its own and its own endpoints (access section 3).

The first has everything. The second has CBR only, and nothing in it that could be backed up: it takes copies.
"""

from __future__ import annotations

from typing import NamedTuple


class Region(NamedTuple):
    """A region.

    :param name: its name, which is that of its project as well.
    :param project_id: id of its project.
    """

    name: str
    project_id: str


HOME = Region("eu-de", "10ca1c100d0000000000000000000001")
SECOND = Region("eu-nl", "10ca1c100d0000000000000000000002")
REGIONS = {region.name: region for region in (HOME, SECOND)}


def region_of(service: str) -> Region:
    """Return the region of a service: ``cbr`` is in the first, ``cbr@eu-nl`` in the second.

    :param service: name of the service.
    """
    _, _, name = service.partition("@")
    return REGIONS[name or HOME.name]

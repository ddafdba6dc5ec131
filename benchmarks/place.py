"""What a client is told about the server that it runs against: a JSON file in the folder of the run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

_FILE = "place.json"


@dataclass(frozen=True)
class Place:
    """The server of a run.

    :param service: the service of the local cloud whose backups run, or ``None`` when only the peers' jobs do.
    :param jobs: how many jobs there are to wait for. Peers know them by the numbers 1, 2, 3 ...
    :param peers: base URL for the dialects of the peers.
    :param cloud: what the local cloud says of itself.
    :param references: the backups to wait for, as ``OperationReference.to_dict()``.
    :param resources: ids of what they back up, in the same order.
    :param began: when they began, seconds since the epoch.
    :param finished: a backup that is over; the peers' job 0 is.
    """

    service: str | None
    jobs: int
    peers: str
    cloud: Mapping[str, Any]
    references: Sequence[Mapping[str, Any]] = ()
    resources: Sequence[str] = ()
    began: float = 0.0
    finished: Mapping[str, Any] | None = None

    def write(self, folder: Path) -> None:
        """Write the file."""
        (folder / _FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what :meth:`write` has written."""
        return cls(**json.loads((folder / _FILE).read_text()))

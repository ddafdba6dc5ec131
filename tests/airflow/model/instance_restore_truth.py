"""The restores of database instances that the local cloud really accepted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.airflow.model.restore_truth import Accepted, RestoreTruth, TrueRestore

_NEW = ("RestoreToNewInstance", "CloneGaussDBV5NewInstance")


class InstanceRestoreTruth(RestoreTruth):
    """The restores of one database service, by their jobs.

    :param cloud: the local cloud.
    :param service: name of the service.
    :param of_new: whether those that create an instance are meant, in place of those that overwrite one.
    """

    def __init__(self, cloud: RunningCloud, service: str, *, of_new: bool) -> None:
        super().__init__(cloud, partial(_accepted, service=service, of_new=of_new))

    def named_by(self, reference: Mapping[str, Any]) -> TrueRestore | None:
        """Return the restore of a job; without one the last restore to the instance."""
        return super().named_by(reference) or max(self.alike(reference), key=lambda each: each.started_at, default=None)

    def alike(self, reference: Mapping[str, Any]) -> list[TrueRestore]:
        """Return all restores to the instance of a reference."""
        return [each for each in self.restores().values() if each.target_id == reference.get("instance_id")]


def _accepted(cloud: RunningCloud, *, service: str, of_new: bool) -> dict[str, Accepted]:
    jobs = [row for row in list(cloud.state.table(f"{service}.jobs").values()) if row["name"]]
    restores = [row for row in jobs if "Restore" in row["name"] or row["name"] in _NEW]
    return {row["id"]: ("", row["instance_id"], row) for row in restores if (row["name"] in _NEW) is of_new}

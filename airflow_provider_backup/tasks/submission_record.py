"""What a task instance notes about its backup for its later tries: kept by Airflow 3.3 and later, best effort.

The search in the cloud suffices without it. With it a task also knows its own backup where no name
distinguishes it from those of others.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.tasks.idempotency import idempotency_key
from airflow_provider_backup.version_compat import task_state_store

NOTE_KEY = "airflow_provider_backup"
"""Under which the note is kept in the task state store."""


@dataclass(frozen=True, slots=True)
class SubmissionRecord:
    """What is known of a backup.

    :param noted_at: when it was asked for, or taken over, seconds since the epoch by this machine's clock.
    :param reference: which backup; ``None`` as long as its request has no answer.
    :param is_own: whether this task instance asked for it.
    """

    noted_at: float
    reference: OperationReference | None = None
    is_own: bool = True

    @property
    def moment(self) -> datetime:
        """When it was asked for, or taken over."""
        return datetime.fromtimestamp(self.noted_at, UTC)

    @property
    def is_new(self) -> bool:
        """Whether the cloud may not know the backup yet."""
        return time.time() < self.noted_at + current_limits().new_backup_grace


class SubmissionRecordStore:
    """The record of one task instance. It survives retries, crashes and clears, and reads as ``None`` after a clear.

    :param context: the context of ``execute``.
    :param generation: what a clear changes and a retry does not.
    :param former_generation: the same as the previous release counted it; ``None`` when it is no other.
    :param request: what is backed up and how, by argument: a note about another request counts as none. A mapped task
        can meet one, because its index may stand for something else after the list has changed.
    :param log: where to say what does not work.
    """

    def __init__(
        self,
        context: Any,
        generation: str,
        request: Mapping[str, Any],
        log: logging.Logger,
        *,
        former_generation: str | None = None,
    ) -> None:
        self._store = task_state_store(context)
        self._log = log
        fingerprint = fingerprint_of(request)
        # The first are those that it writes.
        self._marks, *self._former_marks = [
            {"key": idempotency_key(context, each), "request": fingerprint}
            for each in (generation, former_generation)
            if each is not None
        ]

    @property
    def are_kept(self) -> bool:
        """Whether there is a store that keeps notes for later tries."""
        return self._store is not None

    def read(self) -> SubmissionRecord | None:
        """Return what an earlier try of this generation noted for the same request; ``None`` when there is nothing."""
        if self._store is None:
            return None
        try:
            kept = self._store.get(NOTE_KEY)
            if not isinstance(kept, dict):
                return None
            marks = {name: kept.get(name) for name in self._marks}
            if marks not in (self._marks, *self._former_marks):
                return None
            reference = kept.get("reference")
            return SubmissionRecord(
                noted_at=float(kept["noted_at"]),
                reference=OperationReference.from_dict(reference) if reference else None,
                is_own=bool(kept.get("is_own")),
            )
        except Exception as error:
            self._log.warning("The task state store could not be read, the cloud is searched instead: %s", error)
            return None

    def write(self, note: SubmissionRecord) -> None:
        """Keep a record in place of the one before."""
        if self._store is None:
            return
        reference = note.reference.to_dict() if note.reference else None
        try:
            self._store.set(
                NOTE_KEY,
                {**self._marks, "noted_at": note.noted_at, "reference": reference, "is_own": note.is_own},
            )
        except Exception as error:
            self._log.warning("Could not write to the task state store; a retry will search the cloud: %s", error)

    def erase(self) -> None:
        """Keep nothing: what was submitted was rejected."""
        if self._store is None:
            return
        try:
            self._store.delete(NOTE_KEY)
        except Exception as error:
            self._log.warning("Could not remove a record that is no longer true from the task state store: %s", error)


def fingerprint_of(request: Mapping[str, Any]) -> str:
    """Return a short text that is the same for equal requests.

    :param request: the arguments by name.
    """
    text = json.dumps(request, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""Records of submissions for later tries of a task instance, in the task state store (Airflow 3.3 and later).

The search in the cloud works without a record. With a record a task also recognizes its backup where names do not
suffice, and distinguishes it from backups that others started.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.tasks.idempotency import idempotency_key
from airflow_provider_backup.version_compat import task_state_store

RECORD_KEY = "airflow_provider_backup"
"""Key of the record in the task state store."""

_RECORDED_AT = "noted_at"
"""The member that holds ``recorded_at``; the previous release reads and writes it by this name."""


@dataclass(frozen=True, slots=True)
class SubmissionRecord:
    """The record of one submission.

    :param recorded_at: when the operation was submitted or adopted, seconds since the epoch by this machine's clock.
    :param reference: the operation; ``None`` as long as its request has no answer.
    :param is_own: whether this task instance submitted it.
    """

    recorded_at: float
    reference: OperationReference | None = None
    is_own: bool = True

    @property
    def moment(self) -> datetime:
        """When the operation was submitted or adopted."""
        return datetime.fromtimestamp(self.recorded_at, UTC)

    @property
    def is_new(self) -> bool:
        """Whether the cloud may not list the operation yet."""
        return current_clock().time() < self.recorded_at + current_limits().new_backup_grace


class SubmissionRecordStore:
    """The record of one task instance. It survives retries, crashes and clears, and is ignored after a clear.

    :param context: the context of ``execute``.
    :param generation: what a clear changes and a retry does not.
    :param former_generation: the generation as the previous release counted it; ``None`` if that is the same.
    :param request: what is backed up and how, by argument: a record of another request is ignored. A mapped task may
        find one, because its index may mean another resource after the list has changed.
    :param log: logger for problems of the store.
    :param key: key of the record; a task that submits two operations has one for each.
    """

    def __init__(
        self,
        context: Any,
        generation: str,
        request: Mapping[str, Any],
        log: logging.Logger,
        *,
        former_generation: str | None = None,
        key: str = RECORD_KEY,
    ) -> None:
        self._store = task_state_store(context)
        self._key = key
        self.was_read = self._store is not None
        """Whether :meth:`read` reports what earlier tries recorded; not without a store, and not when it fails."""
        self._log = log
        fingerprint = fingerprint_of(request)
        # The first ones are written, the others only read.
        self._marks, *self._former_marks = [
            {"key": idempotency_key(context, each), "request": fingerprint}
            for each in (generation, former_generation)
            if each is not None
        ]

    @property
    def are_kept(self) -> bool:
        """Whether there is a store that keeps records for later tries."""
        return self._store is not None

    def read(self) -> SubmissionRecord | None:
        """Return what an earlier try of this generation recorded for the same request; ``None`` without a record."""
        if self._store is None:
            return None
        try:
            kept = self._store.get(self._key)
            if not isinstance(kept, dict):
                return None
            marks = {name: kept.get(name) for name in self._marks}
            if marks not in (self._marks, *self._former_marks):
                return None
            reference = kept.get("reference")
            return SubmissionRecord(
                recorded_at=float(kept[_RECORDED_AT]),
                reference=OperationReference.from_dict(reference) if reference else None,
                is_own=bool(kept.get("is_own")),
            )
        except Exception as error:
            self._log.warning("Could not read the task state store; searching the cloud instead: %s", error)
            self.was_read = False
            return None

    def write(self, record: SubmissionRecord) -> bool:
        """Replace the record.

        :param record: the new one.
        :return: whether it is kept.
        """
        if self._store is None:
            return False
        reference = record.reference.to_dict() if record.reference else None
        try:
            self._store.set(
                self._key,
                {**self._marks, _RECORDED_AT: record.recorded_at, "reference": reference, "is_own": record.is_own},
            )
        except Exception as error:
            self._log.warning("Could not write to the task state store; a retry will search the cloud: %s", error)
            return False
        return True

    def erase(self) -> None:
        """Delete the record: the submission was rejected."""
        if self._store is None:
            return
        try:
            self._store.delete(self._key)
        except Exception as error:
            self._log.warning("Could not delete the outdated record in the task state store: %s", error)


def fingerprint_of(request: Mapping[str, Any]) -> str:
    """Return a short text that is the same for equal requests.

    :param request: the arguments by name.
    """
    text = json.dumps(request, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

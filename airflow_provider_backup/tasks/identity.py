"""Key and names of a task instance's operation: the same after crashes and retries, other ones after a clear."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.tasks.idempotency import EVERY_GENERATION, name_from_key
from airflow_provider_backup.tasks.ownership import Ownership
from airflow_provider_backup.tasks.submission_record import RECORD_KEY, SubmissionRecord, SubmissionRecordStore
from airflow_provider_backup.version_compat import clears_of, generation_of

MOST_NAMES = 5
"""Maximum number of names of one task instance; each but the last belongs to a failed operation."""


class TaskIdentity:
    """Key, names and record of one task instance.

    :param context: the context of ``execute``.
    :param capabilities: capabilities of the operation.
    :param arguments: what is operated on and how, by argument: a record of other arguments is ignored.
    :param own_name: the ``name`` argument; ``None`` if the name is generated from the key.
    :param prefix: what precedes the key in a generated name; ``None`` for DAG and task.
    :param outlives_clears: whether a cleared task uses the same operation as before (``on_clear="adopt"``).
    :param installation: name of this Airflow among others with the same DAG and cloud project; may be empty.
    :param began_at: when the work of this try began, in seconds since the epoch, as far as it is known from before a
        deferral; ``None`` for what Airflow tells.
    """

    def __init__(
        self,
        context: Any,
        *,
        capabilities: Capabilities,
        arguments: Mapping[str, Any],
        own_name: str | None = None,
        prefix: str | None = None,
        outlives_clears: bool = False,
        installation: str = "",
        began_at: float | None = None,
    ) -> None:
        task_instance = context["ti"]
        self._context = context
        self._arguments = arguments
        self._names_are_unique = capabilities.names_are_unique
        self._is_found_by_time = not (capabilities.carries_name or capabilities.may_be_repeated)
        self._outlives_clears = outlives_clears
        self._installation = installation
        self._began_at = None if began_at is None else datetime.fromtimestamp(began_at, UTC)
        self.own_name = own_name
        self._prefix = prefix
        self.has_key = capabilities.carries_name and own_name is None
        """Whether the name of the operation holds the key of the task instance."""
        self.generation = EVERY_GENERATION if outlives_clears else generation_of(task_instance)
        """A text that a clear changes and a retry does not, unless the operation outlives clears."""
        # How the previous release counted generations: a running task may have an operation from then.
        self._former_generation = None if outlives_clears else str(clears_of(task_instance, context["task"].retries))
        # On a retry all names are searched: the failed operation that had the name before may have been deleted since.
        # So may that of an earlier DAG run, which counts if the operation outlives clears.
        self.may_have_used_names = outlives_clears or task_instance.try_number > 1

    def names(self) -> list[str]:
        """Return the names to use, in order; a failed operation keeps its name."""
        return self._names(self.generation, self._installation)

    def former_names(self) -> list[str]:
        """Return the names of the previous release; they are only searched."""
        # The previous release had no installations: its operation could be of another one.
        if self._former_generation is None or not self.has_key or self._installation:
            return []
        return self._names(self._former_generation)

    def records(self, log: logging.Logger, *, key: str = RECORD_KEY) -> SubmissionRecordStore:
        """Return the store of the task instance's submissions.

        :param log: logger for problems of the store.
        :param key: as for :class:`~airflow_provider_backup.tasks.submission_record.SubmissionRecordStore`.
        """
        return SubmissionRecordStore(
            self._context, self.generation, self._arguments, log, former_generation=self._former_generation, key=key
        )

    def ownership(self, record: SubmissionRecord | None, records: SubmissionRecordStore) -> Ownership:
        """Return what decides whose an operation is.

        :param record: of an operation that an earlier try submitted; ``None`` without one.
        :param records: the store that was read.
        """
        return Ownership(
            self._context,
            has_key=self.has_key,
            outlives_runs=self._outlives_clears,
            recorded_at=record.moment if record else None,
            is_found_by_time=self._is_found_by_time,
            is_settled=records.was_read and (record is None or record.reference is not None),
            began_at=self._began_at,
        )

    def _names(self, generation: str, installation: str = "") -> list[str]:
        if self.own_name:
            return [self.own_name]
        key_name = name_from_key(self._context, generation=generation, installation=installation, prefix=self._prefix)
        if not self._names_are_unique:
            return [key_name]
        # A failed operation keeps its name, and the service rejects a second one: then the next name is used.
        return [key_name, *(f"{key_name}-{number}" for number in range(2, MOST_NAMES + 1))]

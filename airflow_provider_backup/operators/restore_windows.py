"""To which moments a database instance can be restored, the same for RDS, GaussDB and TaurusDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as day
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.databases.restore_models import RestoreWindow, RestoreWindowQuery
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.operators.base import BackupCloudOperator, check_ids

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService


class RestoreWindowResult(TypedDict):
    """A span of time to any moment of which an instance can be restored.

    Times are ISO 8601 in UTC; ``None`` where the service does not tell one.
    """

    start_time: str | None
    end_time: str | None


class DatabaseGetRestoreWindowsOperator(BackupCloudOperator):
    """Return to which moments a database instance can be restored (databases section 7).

    The other arguments are those of :class:`~airflow_provider_backup.operators.base.BackupCloudOperator`.

    :param instance_id: id of the instance (templated).
    :param date: only the windows of this day (UTC), such as ``2031-04-02``; ``None`` for all that the service tells
        (templated).
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, "instance_id", "date")
    title: ClassVar[str]
    service_name: ClassVar[str]
    query: ClassVar[type[RestoreWindowQuery]] = RestoreWindowQuery

    def __init__(self, *, instance_id: str, date: day | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id
        self.date = date

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: the id is empty, or the day is missing or none, whatever the templates become.
        """
        super().check_arguments()
        check_ids(self.task_id, instance_id=self.instance_id)
        self.check_while_parsing(self.windows_query)

    def windows_query(self) -> RestoreWindowQuery:
        """Build the query from the arguments.

        :raises InvalidRequestError: a documented rule is broken.
        """
        return validated(self.query, f"{self.title} restore windows", {"date": self.date})

    def perform(self, context: Any) -> list[RestoreWindowResult]:
        """Read the windows.

        :return: the windows, the earliest first; none when the instance cannot be restored to a moment.
        :raises NotFoundError: there is no such instance.
        :raises InvalidArgumentError: an argument is wrong; nothing was sent.
        """
        self.built(lambda: check_ids(self.task_id, instance_id=self.instance_id))
        query = self.built(self.windows_query)
        windows = self.act(lambda cloud: self._read(cloud, query))
        results = [
            RestoreWindowResult(start_time=_text(each.start_time), end_time=_text(each.end_time)) for each in windows
        ]
        what = f"{self.title} instance {one_line(self.instance_id)}"
        for result in results:
            self.log.info("%s can be restored to %s until %s.", what, result["start_time"], result["end_time"])
        if not results:
            self.log.info("%s cannot be restored to any moment%s.", what, f" of {query.date}" if query.date else "")
        return results

    async def _read(self, cloud: BackupCloud, query: RestoreWindowQuery) -> list[RestoreWindow]:
        service: DatabaseService = getattr(cloud, self.service_name)
        return await service.restores.windows(self.instance_id, date=query.date)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None

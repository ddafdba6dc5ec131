"""How the requests of a restore are built; each service has a subclass for what it calls things."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import SecretStr

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.databases.models import Datastore, Instance, InstanceBackupStrategy
from airflow_provider_backup.cloud.services.databases.restore_models import DatabaseNewInstance
from airflow_provider_backup.cloud.services.databases.restore_sources import RestoreSource

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService

IN_PLACE = "to an existing instance"
TO_NEW = "to a new instance"
"""The kinds of restores, in words."""


class RestoreRequests(ABC):
    """The requests of one database service."""

    title: ClassVar[str]
    new_instance: ClassVar[type[DatabaseNewInstance]]
    needs_password: ClassVar[bool] = True
    """Whether a new instance cannot be created without a password."""
    sample: ClassVar[Mapping[str, Any]]
    """Values that a request for a new instance can be checked with before anything is read."""
    on_otc: ClassVar[Collection[str]] = (IN_PLACE, TO_NEW)
    """The kinds of restores that Open Telekom Cloud offers (databases section 2)."""

    @abstractmethod
    def to_existing(self, source: RestoreSource, target: Instance, options: Mapping[str, Any]) -> RequestModel:
        """Build the request that overwrites an instance.

        :param source: what is restored.
        :param target: what is overwritten.
        :param options: what the service offers besides, by the names of its request.
        :raises InvalidRequestError: the service does not restore this to that.
        """

    @abstractmethod
    def restore_point(self, source: RestoreSource) -> dict[str, Any]:
        """Return what a request for a new instance says of its content.

        :param source: what is restored.
        """

    @abstractmethod
    async def values_like(self, service: DatabaseService, instance: Instance) -> dict[str, Any]:
        """Return the fields of a request for a new instance that are the same as those of an existing one.

        :param service: the open client of the service.
        :param instance: the existing instance.
        """

    def overridden(self, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a request for a new instance with those that the author gives.

        ``keep_days`` stands for that part of the backup strategy.

        :param values: those of an existing instance.
        :param given: the author's, by the names of the request.
        """
        changed = {**values, **given}
        if "keep_days" in changed:
            keep_days = changed.pop("keep_days")
            changed["backup_strategy"] = {**(changed.get("backup_strategy") or {}), "keep_days": keep_days}
        return changed

    def to_new(
        self,
        source: RestoreSource,
        values: Mapping[str, Any],
        *,
        name: str,
        password: SecretStr | None,
        options: Mapping[str, Any],
    ) -> DatabaseNewInstance:
        """Build the request that creates an instance.

        :param source: what is restored.
        :param values: the fields from :meth:`overridden`.
        :param name: name of the instance.
        :param password: of its administrator.
        :param options: as for :meth:`to_existing`.
        :raises InvalidRequestError: a documented rule is broken.
        """
        self._check_volume(source, values)
        point = {**self.restore_point(source), **options}
        return self._built({**values, "name": name, "password": password, "restore_point": point})

    def check(self, given: Mapping[str, Any], *, has_password: bool) -> None:
        """Check what an author gives for a new instance before anything is read.

        :param given: as for :meth:`overridden`.
        :param has_password: whether a password is given, too.
        :raises InvalidRequestError: a documented rule is broken.
        """
        if self.needs_password and not has_password:
            rule = f"must be given: {self.title} creates no instance without the password of its administrator"
            raise InvalidRequestError(f"{self.title} restore", [Violation("password_conn_id", rule, None)])
        self._built(self.overridden(self.sample, given))

    def check_engine(self, found: Datastore | None, wanted: Datastore | None) -> list[Violation]:
        """Return the rules that engines of source and target break, as far as both are known.

        :param found: of what was backed up.
        :param wanted: of what is overwritten.
        """
        if found is None or wanted is None or not found.type or not wanted.type:
            return []
        one, other = found.type.lower(), wanted.type.lower()
        # GaussDB has two names for its engine, one of them longer.
        if one.startswith(other) or other.startswith(one):
            return []
        rule = f"must be an instance of the engine that was backed up, {found.type}; it is one of {wanted.type}"
        return [Violation("target_instance_id", rule, wanted.type)]

    def _built(self, values: Mapping[str, Any]) -> DatabaseNewInstance:
        return validated(self.new_instance, f"{self.title} restore", values)

    def _check_volume(self, source: RestoreSource, values: Mapping[str, Any]) -> None:
        held = source.instance.volume.size if source.instance and source.instance.volume else None
        volume = values.get("volume")
        size = volume.get("size") if isinstance(volume, Mapping) else None
        if held and isinstance(size, int | float) and size < held:
            rule = f"must not be smaller than that of the instance that was backed up, {held:g} GB"
            raise InvalidRequestError(f"{self.title} restore", [Violation("volume", rule, size)])


def given_members(**members: Any) -> dict[str, Any]:
    """Return the members that have a value: services show what is not set as an empty text, too."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


def volume_of(instance: Instance) -> dict[str, Any] | None:
    """Return the storage of an instance as requests have it; ``None`` when it is not shown.

    :param instance: the instance.
    """
    volume = instance.volume
    return {"type": volume.type, "size": int(volume.size)} if volume and volume.type and volume.size else None


async def backup_strategy_of(service: DatabaseService, instance: Instance) -> dict[str, Any]:
    """Return when automatic backups of an instance run, and how many days they stay.

    A request without the days would switch them off, so the policy is read where the instance does not show them.

    :param service: the open client of the service.
    :param instance: the instance.
    """
    strategy = instance.backup_strategy or InstanceBackupStrategy()
    if not strategy.start_time or strategy.keep_days is None:
        policy = await service.backup_policies.get(instance.id)
        strategy = InstanceBackupStrategy(
            start_time=strategy.start_time or policy.start_time,
            keep_days=policy.keep_days if strategy.keep_days is None else strategy.keep_days,
        )
    return {"start_time": strategy.start_time or "00:00-01:00", "keep_days": strategy.keep_days}


def tags_of(instance: Instance) -> Sequence[dict[str, str]]:
    """Return the labels of an instance as requests have them.

    :param instance: the instance.
    """
    return [{"key": tag.key, "value": tag.value} for tag in instance.tags if tag.key]

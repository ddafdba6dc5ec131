"""Bringing an object of a service to a described state, the same for policies and vaults of every service."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, NotFoundError, Violation
from airflow_provider_backup.cloud.http.retry_policy import may_have_taken_effect
from airflow_provider_backup.cloud.operations.described_state import (
    AppliedResult,
    Difference,
    State,
    differences,
    state_change,
)
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.exceptions import AmbiguousNameError
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice, check_ids
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

Found = TypeVar("Found")


class ApplyOperator(BackupCloudOperator, Generic[Found]):
    """Bring an object to a described state: create it, change only what differs, or do nothing.

    Every step is decided by what the service has, so the next run finishes what an earlier one began. Arguments of the
    description that are ``None`` leave their part as it is.

    :param state: ``present``, or ``absent`` to delete it.
    :param dry_run: whether to read, log and return what differs, and to send nothing that changes anything.
    """

    service_name: ClassVar[str]
    """The service, as in the registry."""
    kind: ClassVar[str]
    """What is described, as in the result: ``policy``, ``vault`` or ``backup_policy``."""
    title: ClassVar[str]
    """What is described, for the log, such as ``CBR policy``."""

    def __init__(self, *, state: State = "present", dry_run: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "state", state, get_args(State))
        self.state = state
        # Operators of Airflow have a method of this name.
        self.is_dry_run = dry_run

    @abstractmethod
    def identity(self, found: Found | None) -> tuple[str | None, str | None]:
        """Return id and name.

        :param found: what was found; ``None`` for nothing: then they are those of the arguments, as far as known.
        """

    @abstractmethod
    async def find(self, cloud: BackupCloud) -> Found | None:
        """Read what the arguments name, together with what it is bound to.

        :param cloud: the open client.
        :return: what the service has; ``None`` if it is absent.
        """

    @abstractmethod
    def held(self, found: Found) -> dict[str, Any]:
        """Return the state that the service has, by field, normalised.

        :param found: what was found.
        """

    @abstractmethod
    def wanted(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Return the described state, by field, normalised; only the fields that the arguments describe.

        :param held: the state that the service has; empty if the object is absent. What it is bound to besides, or what
            the service has grown by itself, can be part of the described state.
        :raises InvalidRequestError: a rule is broken, or the service cannot change the one state into the other.
        """

    @abstractmethod
    async def create(self, cloud: BackupCloud) -> Found:
        """Create the object. What one request cannot create is left to :meth:`change`.

        :param cloud: the open client.
        """

    @abstractmethod
    async def change(self, cloud: BackupCloud, found: Found, plan: Sequence[Difference]) -> None:
        """Change what differs, and nothing else.

        :param cloud: the open client.
        :param found: what was found or created.
        :param plan: the differences, at least one.
        """

    @abstractmethod
    async def delete(self, cloud: BackupCloud, found: Found) -> None:
        """Delete the object.

        :param cloud: the open client.
        :param found: what was found.
        """

    def perform(self, context: Any) -> AppliedResult:
        """Compare, and change what differs.

        :return: see :class:`~airflow_provider_backup.cloud.operations.described_state.AppliedResult`.
        :raises InvalidArgumentError: a documented rule is broken; nothing was sent that changes anything.
        :raises ApiError: the service rejected a request; what was changed before stays, and the next run continues.
        """
        if self.state == "present":
            self.built(lambda: self.wanted({}))
        self.log.info(
            "Comparing %s %s with its description (%s).", self.title, _named(*self.identity(None)), self.connection_text
        )
        return self.act(self._apply)

    async def _apply(self, cloud: BackupCloud) -> AppliedResult:
        found = await self.find(cloud)
        held = {} if found is None else self.held(found)
        plan = self._plan(found, held)
        created = found is None and self.state == "present"
        deleted = found is not None and self.state == "absent"
        self._log_plan(found, plan)
        if plan and not self.is_dry_run:
            if found is not None and deleted:
                await self._delete(cloud, found)
                self.log.info("Deleted %s %s.", self.title, _named(*self.identity(found)))
            else:
                found = await self._bring(cloud, found)
                self.log.info("%s %s is as described now.", self.title, _named(*self.identity(found)))
        identifier, name = self.identity(found)
        return AppliedResult(
            service=self.service_name,
            kind=self.kind,
            id=identifier,
            name=name,
            state=self.state,
            changed=bool(plan),
            created=created,
            deleted=deleted,
            dry_run=self.is_dry_run,
            differences=plan,
        )

    def _plan(self, found: Found | None, held: Mapping[str, Any]) -> list[Difference]:
        if self.state == "absent":
            return [] if found is None else [state_change("present", "absent")]
        fields = differences(held, self.wanted(held))
        return [state_change("absent", "present"), *fields] if found is None else fields

    def _log_plan(self, found: Found | None, plan: Sequence[Difference]) -> None:
        subject = f"{self.title} {_named(*self.identity(found))}"
        if not plan:
            self.log.info("%s is as described; nothing is changed.", subject)
        self.log_differences(subject, plan)

    def log_differences(self, subject: str, plan: Sequence[Difference]) -> None:
        """Write a line for each difference.

        :param subject: what differs, in words, on one line.
        :param plan: the differences.
        """
        mark = " (dry_run: is not changed)" if self.is_dry_run else ""
        for each in plan:
            change = f"{each['field']}: {each['from']!r} -> {each['to']!r}"
            self.log.info("%s: %s%s", subject, one_line(change), mark)

    async def _bring(self, cloud: BackupCloud, found: Found | None) -> Found:
        if found is None:
            found = await self._create(cloud)
        plan = self._left(found)
        while plan:
            try:
                await self.change(cloud, found, plan)
                return found
            except BackupError as error:
                if not may_have_taken_effect(error):
                    raise
                # Some of it may have succeeded although the answer was lost: read before anything is sent again.
                before, now = plan, await self.find(cloud)
                if now is None or (plan := self._left(now)) == before:
                    raise
                found = now
        return found

    def _left(self, found: Found) -> list[Difference]:
        held = self.held(found)
        return differences(held, self.wanted(held))

    async def _create(self, cloud: BackupCloud) -> Found:
        try:
            return await self.create(cloud)
        except BackupError as error:
            # The request may have succeeded although its answer was lost: look for it before it is sent again.
            if may_have_taken_effect(error) and (found := await self.find(cloud)) is not None:
                return found
            raise

    async def _delete(self, cloud: BackupCloud, found: Found) -> None:
        try:
            await self.delete(cloud, found)
        except BackupError as error:
            # It may be gone although the answer says something else: by a request whose answer was lost.
            may_be_gone = isinstance(error, NotFoundError) or may_have_taken_effect(error)
            if not may_be_gone or await self.find(cloud) is not None:
                raise


class ApplyNamedOperator(ApplyOperator[Found]):
    """Bring an object that is found by its id or by its name to a described state.

    With an id the object must exist, unless ``state`` is ``absent``, and ``name`` becomes its name. Without one it is
    the one object of this name, which is created if there is none. A subclass has the argument ``name`` and the one for
    the id, whose name is ``id_argument``.
    """

    id_argument: ClassVar[str]
    """The argument that has the id, such as ``policy_id``."""
    name: str | None

    @abstractmethod
    async def read(self, cloud: BackupCloud, identifier: str) -> Found:
        """Read the object with this id.

        :param cloud: the open client.
        :param identifier: the id.
        :raises NotFoundError: there is none.
        """

    @abstractmethod
    def listed_by_name(self, cloud: BackupCloud, name: str) -> AsyncIterator[Found]:
        """Read all objects of exactly this name.

        :param cloud: the open client.
        :param name: the name.
        """

    def check_arguments(self) -> None:
        """Reject an id that is no text or empty, and arguments that name nothing."""
        super().check_arguments()
        self._check_identity()

    def perform(self, context: Any) -> AppliedResult:
        """Compare, and change what differs.

        :return: see :class:`~airflow_provider_backup.cloud.operations.described_state.AppliedResult`.
        :raises AmbiguousNameError: several objects have the name.
        :raises NotFoundError: an id is given, and the service has no such object.
        """
        self.built(self._check_identity)
        return super().perform(context)

    async def find(self, cloud: BackupCloud) -> Found | None:
        """Return the object that has the id, or the one that has the name.

        :param cloud: the open client.
        :raises AmbiguousNameError: several objects have the name.
        :raises NotFoundError: there is none with the id, and it shall be present.
        """
        identifier: str | None = getattr(self, self.id_argument)
        if identifier is not None:
            try:
                return await self.read(cloud, identifier)
            except NotFoundError:
                if self.state == "absent":
                    return None
                raise
        name = str(self.name)
        found = [each async for each in self.listed_by_name(cloud, name)]
        if len(found) > 1:
            ids = [str(self.identity(each)[0]) for each in found]
            raise AmbiguousNameError(self.title, name, ids, argument=self.id_argument)
        return found[0] if found else None

    def _check_identity(self) -> None:
        identifier = getattr(self, self.id_argument)
        if identifier is not None:
            check_ids(self.task_id, **{self.id_argument: identifier})
        elif self.name is None or (not has_template(self.name) and not str(self.name).strip()):
            rule = f"one of {self.id_argument}, name must be given"
            raise InvalidRequestError(f"Task {self.task_id!r}", [Violation("name", rule, self.name)])


def _named(identifier: str | None, name: str | None) -> str:
    if identifier and name:
        return one_line(f"{name} ({identifier})")
    return one_line(str(name or identifier))

"""The one tree of errors: what went wrong, the service's own code, the request id and the next step.

Every error that this package raises on purpose derives from :class:`BackupError`. The classes are public: retry
policies and ``except`` clauses may name them.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_backup.cloud.text import one_line

LONGEST_MESSAGE = 2000
"""Characters: services may answer anything, and what they say stands in logs and in events of triggers."""


class BackupError(Exception):
    """Root of all errors of this package.

    :param message: what happened, in one sentence.
    :param next_step: what the reader can do about it; appended to the text when given.
    """

    connection_id: str | None = None
    """Id of the Airflow connection that was used, where that helps to find what is wrong; see :meth:`of_connection`."""

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        self.message = one_line(message, LONGEST_MESSAGE)
        super().__init__(self.message)
        self.next_step = one_line(next_step) if next_step else None

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses are built from other things than their text, so a copy takes text and attributes as they are.
        return type(self).__new__, (type(self), *self.args), self.__dict__

    def __str__(self) -> str:
        connection = f" Connection: {self.connection_id}." if self.connection_id else ""
        return f"{self.message}{connection}" + (f" Next step: {self.next_step}" if self.next_step else "")

    def of_connection(self, connection_id: str) -> Self:
        """Return the same error with the connection in its text; a copy, because users of other connections share it.

        :param connection_id: id of the Airflow connection that was used.
        """
        error = copy(self)
        error.connection_id = one_line(connection_id)
        return error.with_traceback(self.__traceback__)


class ConfigurationError(BackupError):
    """The connection or the credentials cannot work as they are: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One documented rule that a request breaks.

    :param field: name of the argument, nested names joined by dots.
    :param rule: the rule in words.
    :param value: the value that was given.
    """

    field: str
    rule: str
    value: Any

    def __str__(self) -> str:
        try:
            text = repr(self.value)
        except RecursionError:
            text = "something nested very deep"
        return f"{self.field}: {self.rule} (given: {text if len(text) <= 120 else text[:117] + '...'})"


class InvalidRequestError(BackupError, ValueError):
    """A request breaks a documented rule of the service: nothing was sent.

    :param subject: what was being built, such as ``CBR policy``.
    :param violations: every broken rule with field and value.
    """

    def __init__(self, subject: str, violations: Sequence[Violation]) -> None:
        self.subject = subject
        self.violations = tuple(violations)
        super().__init__(f"{subject} is not valid, nothing was sent: " + "; ".join(map(str, self.violations)) + ".")


class CloudConnectionError(BackupError):
    """No usable answer came: the connection failed, was cut, or took too long.

    :param request_sent: whether the service may have received the request (then its effect is unknown).
    :param connection_lost: whether the other side ended the connection without any answer. Then nothing is under way
        any more: what it received it is at work on, and the rest never arrives.
    """

    def __init__(
        self, message: str, *, request_sent: bool, connection_lost: bool = False, next_step: str | None = None
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.request_sent = request_sent
        self.connection_lost = connection_lost


class OutOfTimeError(CloudConnectionError):
    """The time for the work that a request belongs to was over before its answer came.

    :param is_deadline: whether it is the deadline that is there; otherwise trouble has lasted longer than tolerated.
    :param last_error: what the last try met; none when it got no answer at all.
    """

    def __init__(
        self, message: str, *, request_sent: bool, is_deadline: bool, last_error: BackupError | None = None
    ) -> None:
        super().__init__(message, request_sent=request_sent)
        self.is_deadline = is_deadline
        self.last_error = last_error


class UnexpectedResponseError(BackupError):
    """The service answered with something that the API pages do not describe (not JSON, no envelope, wrong types)."""

    def __init__(self, message: str, *, request_id: str | None = None, next_step: str | None = None) -> None:
        super().__init__(
            f"{message} (request id {request_id})." if request_id else f"{message}.",
            next_step=next_step,
        )
        self.request_id = request_id


class ApiError(BackupError):
    """The service refused a request.

    :param service: name of the service, such as ``cbr``; ``iam`` for the identity service.
    :param status: HTTP status.
    :param code: the service's own code, such as ``BackupService.6125``; the status as text when it gave none.
    :param detail: the service's own words.
    :param request_id: id to quote to the provider's support, when one was sent.
    :param retry_after: seconds that the service asked to wait, when it did.
    :param encoded_authorization_message: why an identity policy denies the request, when that was sent; only STS can
        decode it (access section 4).
    """

    def __init__(
        self,
        *,
        service: str,
        status: int,
        code: str,
        detail: str,
        request_id: str | None = None,
        retry_after: float | None = None,
        encoded_authorization_message: str | None = None,
        next_step: str | None = None,
    ) -> None:
        told = str(status) if code == str(status) else f"{status} {code}"
        text = f"{service} answered {told}: {detail or 'no message'} (request id {request_id or 'not given'})."
        super().__init__(text, next_step=next_step)
        self.service = service
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after
        self.encoded_authorization_message = encoded_authorization_message


class BadRequestError(ApiError):
    """The service finds the request wrong in itself, or not possible in the present state of the resource."""


class UnreadablePathError(BadRequestError):
    """The service cannot read the project or the id in the path of the request, and does not say which."""


class AuthenticationError(ApiError):
    """The credentials are wrong, expired or locked."""


class PermissionDeniedError(ApiError):
    """The credentials are right, but this user may not do this."""


class UnknownProjectError(ApiError, ConfigurationError):
    """The identity service does not know the project or the account: no other service was asked for anything."""


class NotFoundError(BackupError):
    """What was asked for does not exist, or not for this project; catches both ways to learn that.

    The service answered so (:class:`ApiNotFoundError`), or a list that would show it does not
    (:class:`NotListedError`). Trouble on the way to the service is never one of these.
    """

    code: str | None = None
    """The service's own code; ``None`` when no service answered that."""
    request_id: str | None = None
    """Id to quote to the provider's support; ``None`` without an answer or without an id in it."""


class ApiNotFoundError(NotFoundError, ApiError):
    """The service answered that what was asked for does not exist, or not for this project."""

    code: str


class NotListedError(NotFoundError):
    """A list was read to its end and does not have what was asked for; no service answered that it does not exist.

    :param service: name of the service, such as ``rds``.
    :param wanted: what was looked for, such as ``backup b-1 of instance i-1``.
    :param place: where, such as ``the list of backups``.
    :param next_step: what the reader can do about it.
    """

    def __init__(self, service: str, wanted: str, place: str, *, next_step: str) -> None:
        super().__init__(f"No {service} {wanted} was found in {place}.", next_step=next_step)
        self.service = service


class DuplicateNameError(BackupError):
    """The name is taken and must be unique: the service answered so, or it was found out before anything was sent."""


class ApiDuplicateNameError(DuplicateNameError, ApiError):
    """The service answered that the name is taken."""


class QuotaExceededError(ApiError):
    """A quota or a capacity is used up."""


class ResourceBusyError(ApiError):
    """Another backup, restore or change is running on the resource; the same request can succeed later."""


class RateLimitedError(ApiError):
    """Too many requests: the gateway or the service throttles."""


class ServerError(ApiError):
    """The service failed; the same request may succeed later."""

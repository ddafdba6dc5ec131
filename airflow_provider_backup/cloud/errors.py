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
"""Characters: answers of services may be of any length, and are written to logs and to events of triggers."""


class BackupError(Exception):
    """Root of all errors of this package.

    :param message: what happened, in one sentence.
    :param next_step: what the user can do about it; appended to the text if given.
    """

    connection_id: str | None = None
    """Id of the Airflow connection that was used, where that helps to find the cause; see :meth:`of_connection`."""

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        self.message = one_line(message, LONGEST_MESSAGE)
        super().__init__(self.message)
        self.next_step = one_line(next_step) if next_step else None

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses are not built from their text, so a copy takes text and attributes as they are.
        return type(self).__new__, (type(self), *self.args), self.__dict__

    def __str__(self) -> str:
        connection = f" Connection: {self.connection_id}." if self.connection_id else ""
        return f"{self.message}{connection}" + (f" Next step: {self.next_step}" if self.next_step else "")

    def of_connection(self, connection_id: str) -> Self:
        """Return a copy of the error with the connection in its text: tasks with other connections may share the error.

        :param connection_id: id of the Airflow connection that was used.
        """
        error = copy(self)
        error.connection_id = one_line(connection_id)
        return error.with_traceback(self.__traceback__)


class ConfigurationError(BackupError):
    """The connection or the credentials are not usable: nothing was sent."""


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
            text = "a deeply nested value"
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
    """No usable answer was received: the connection failed, was closed, or timed out.

    :param request_sent: whether the service may have received the request (then its effect is unknown).
    :param connection_lost: whether the other side closed the connection without any answer. Then no part of the request
        is still in transit: the service has all that it will ever receive of it.
    """

    def __init__(
        self, message: str, *, request_sent: bool, connection_lost: bool = False, next_step: str | None = None
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.request_sent = request_sent
        self.connection_lost = connection_lost


class OutOfTimeError(CloudConnectionError):
    """The operation that a request belongs to timed out before the answer was received.

    :param is_deadline: whether the deadline has passed; otherwise transient errors lasted longer than tolerated.
    :param last_error: the error of the last try; ``None`` if that got no answer at all.
    """

    def __init__(
        self, message: str, *, request_sent: bool, is_deadline: bool, last_error: BackupError | None = None
    ) -> None:
        super().__init__(message, request_sent=request_sent)
        self.is_deadline = is_deadline
        self.last_error = last_error


class UnexpectedResponseError(BackupError):
    """The answer is not what the API pages describe (no JSON, no envelope, wrong types)."""

    def __init__(self, message: str, *, request_id: str | None = None, next_step: str | None = None) -> None:
        super().__init__(
            f"{message} (request id {request_id})." if request_id else f"{message}.",
            next_step=next_step,
        )
        self.request_id = request_id


class ApiError(BackupError):
    """The service rejected a request.

    :param service: name of the service, such as ``cbr``; ``iam`` for the identity service.
    :param status: HTTP status.
    :param code: the service's own code, such as ``BackupService.6125``; the status as text if it sent none.
    :param detail: the service's own message.
    :param request_id: id for the provider's support, if one was sent.
    :param retry_after: seconds of the ``Retry-After`` header, if sent.
    :param encoded_authorization_message: why an identity policy denies the request, if that was sent; only STS can
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
        answer = str(status) if code == str(status) else f"{status} {code}"
        text = f"{service} answered {answer}: {detail or 'no message'} (request id {request_id or 'not given'})."
        super().__init__(text, next_step=next_step)
        self.service = service
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after
        self.encoded_authorization_message = encoded_authorization_message


class BadRequestError(ApiError):
    """The service finds the request invalid, or impossible in the present state of the resource."""


class UnreadablePathError(BadRequestError):
    """The service cannot read the project or the id in the request path, and does not report which."""


class AuthenticationError(ApiError):
    """The credentials are wrong, expired or locked."""


class PermissionDeniedError(ApiError):
    """The credentials are valid, but the user lacks the permission."""


class UnknownProjectError(ApiError, ConfigurationError):
    """The identity service does not know the project or the account: no other service got a request."""


class NotFoundError(BackupError):
    """The object does not exist, or not in this project.

    Either the service answered so (:class:`ApiNotFoundError`), or a complete list does not have it
    (:class:`NotListedError`). Transient errors are never one of these.
    """

    code: str | None = None
    """The service's own code; ``None`` if no service answered that."""
    request_id: str | None = None
    """Id for the provider's support; ``None`` without an answer or without an id in it."""


class ApiNotFoundError(NotFoundError, ApiError):
    """The service answered that the object does not exist, or not in this project."""

    code: str


class NotListedError(NotFoundError):
    """A list was read completely and does not have the object; no service answered that it does not exist.

    :param service: name of the service, such as ``rds``.
    :param wanted: what was searched for, such as ``backup b-1 of instance i-1``.
    :param place: where, such as ``the list of backups``.
    :param next_step: what the user can do about it.
    """

    def __init__(self, service: str, wanted: str, place: str, *, next_step: str) -> None:
        super().__init__(f"No {service} {wanted} was found in {place}.", next_step=next_step)
        self.service = service


class DuplicateNameError(BackupError):
    """The name is in use and must be unique: the service answered so, or a check before the request found it."""


class ApiDuplicateNameError(DuplicateNameError, ApiError):
    """The service answered that the name is in use."""


class QuotaExceededError(ApiError):
    """A quota or a capacity is exhausted."""


class ResourceBusyError(BackupError):
    """Another backup, restore or change is running on the resource; the same request can succeed later.

    Either the service answered so (:class:`ApiResourceBusyError`), or a status that was read before shows it.
    """


class ApiResourceBusyError(ResourceBusyError, ApiError):
    """The service answered that another backup, restore or change is running on the resource."""


class RateLimitedError(ApiError):
    """Too many requests: the gateway or the service limits the rate."""


class ServerError(ApiError):
    """The service failed; the same request can succeed later."""

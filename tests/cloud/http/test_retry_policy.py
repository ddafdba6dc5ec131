"""Which errors are worth another try, and after how long (access section 5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import (
    ApiError,
    ApiNotFoundError,
    ApiResourceBusyError,
    AuthenticationError,
    BackupError,
    BadRequestError,
    CloudConnectionError,
    ConfigurationError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitedError,
    ServerError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.http.retry_policy import (
    fewer_at_once,
    is_passing,
    may_be_repeated,
    may_have_taken_effect,
    more_at_once,
    pause_before,
)
from airflow_provider_backup.cloud.limits import Limits

LONGEST = Limits().longest_retry_pause


def refusal(error_class: type[ApiError], status: int, code: str = "X.1") -> ApiError:
    return error_class(service="cbr", status=status, code=code, detail="")


NOT_SENT = CloudConnectionError("no connection", request_sent=False)
LOST = CloudConnectionError("cut", request_sent=True)
THROTTLED = refusal(RateLimitedError, 429)
PERMANENT = [
    refusal(BadRequestError, 400),
    refusal(AuthenticationError, 401),
    refusal(PermissionDeniedError, 403),
    refusal(ApiNotFoundError, 404),
    refusal(ApiResourceBusyError, 409),
    refusal(QuotaExceededError, 413),
    ConfigurationError("no region"),
    UnexpectedResponseError("not JSON"),
    ValueError("a bug"),
]


@pytest.mark.parametrize("error", [NOT_SENT, THROTTLED])
def test_what_surely_had_no_effect_is_repeated_even_when_it_creates_something(error: BackupError) -> None:
    assert may_be_repeated(error, repeatable=False)


@pytest.mark.parametrize("prefix", ["APIGW", "APIG"])
@pytest.mark.parametrize(("status", "number"), [(502, "0610"), (503, "0613")])
def test_what_the_gateway_stopped_before_the_service_is_repeated_always(prefix: str, status: int, number: str) -> None:
    assert may_be_repeated(refusal(ServerError, status, f"{prefix}.{number}"), repeatable=False)


@pytest.mark.parametrize(
    "error",
    [LOST, *(refusal(ServerError, status) for status in (500, 502, 503, 504)), refusal(ServerError, 504, "APIGW.0201")],
)
def test_what_may_have_created_something_is_not_repeated(error: BackupError) -> None:
    assert not may_be_repeated(error, repeatable=False)


@pytest.mark.parametrize(
    "error", [NOT_SENT, LOST, THROTTLED, *(refusal(ServerError, each) for each in (502, 503, 504))]
)
def test_transient_errors_are_tolerated_by_what_is_harmless_to_repeat(error: BackupError) -> None:
    assert may_be_repeated(error, repeatable=True)


def test_a_failure_inside_the_service_is_repeated_only_when_reading() -> None:
    assert not may_be_repeated(refusal(ServerError, 500), repeatable=True)
    assert may_be_repeated(refusal(ServerError, 500), repeatable=True, reading=True)


@pytest.mark.parametrize("error", PERMANENT, ids=lambda error: type(error).__name__)
def test_what_will_not_pass_is_never_repeated(error: Exception) -> None:
    assert not may_be_repeated(error, repeatable=True, reading=True)


def test_waiting_continues_only_over_errors_of_connection_and_server() -> None:
    assert all(is_passing(error) for error in (NOT_SENT, LOST, THROTTLED, refusal(ServerError, 500)))
    assert not any(is_passing(error) for error in PERMANENT if isinstance(error, BackupError))


attempts = st.integers(1, 10_000)
waits = st.floats(0.001, 3600)
any_retry_after = st.none() | st.floats(0, allow_nan=False)


@given(attempts, waits, any_retry_after)
def test_a_pause_is_never_longer_than_a_few_minutes(attempt: int, wait: float, retry_after: float | None) -> None:
    assert 0 < pause_before(attempt, first_wait=wait, longest=LONGEST, retry_after=retry_after) <= LONGEST * 5 * 1.25


@given(attempts, waits, st.floats(0, LONGEST * 5))
def test_a_pause_is_never_shorter_than_the_service_asked(attempt: int, wait: float, retry_after: float) -> None:
    assert pause_before(attempt, first_wait=wait, longest=LONGEST, retry_after=retry_after) >= retry_after


@given(attempts, waits)
def test_a_pause_doubles_with_every_try_up_to_the_longest(attempt: int, wait: float) -> None:
    expected = min(LONGEST, wait * 2.0 ** min(attempt - 1, 16))
    assert 0.75 * expected <= pause_before(attempt, first_wait=wait, longest=LONGEST) <= 1.25 * expected


@pytest.mark.parametrize("retry_after", [None, 30.0])
def test_callers_who_are_refused_together_do_not_come_back_together(retry_after: float | None) -> None:
    assert len({pause_before(3, first_wait=1.0, longest=LONGEST, retry_after=retry_after) for _ in range(40)}) > 30


allowed_at_once = st.floats(1, 1000)


@given(allowed_at_once)
def test_a_refusal_halves_what_goes_at_once_but_one_goes_always(allowed: float) -> None:
    assert fewer_at_once(allowed) == max(1, allowed / 2)


@given(allowed_at_once, st.integers(1, 1000))
def test_an_answer_lets_a_little_more_go_at_once_up_to_the_most(allowed: float, most: int) -> None:
    more = more_at_once(allowed, most=most)
    assert more == most or allowed < more <= allowed + 1


def test_a_full_round_of_answers_lets_one_more_go_at_once() -> None:
    allowed = 10.0
    for _ in range(10):
        allowed = more_at_once(allowed, most=20)
    assert 10.9 < allowed <= 11


@pytest.mark.parametrize("error", [LOST, refusal(ServerError, 500), UnexpectedResponseError("not JSON")])
def test_what_got_no_clear_answer_may_have_taken_effect(error: BackupError) -> None:
    assert may_have_taken_effect(error)


@pytest.mark.parametrize("error", [NOT_SENT, THROTTLED, *PERMANENT[:7]])
def test_what_was_not_sent_or_was_refused_has_not_taken_effect(error: BaseException) -> None:
    assert not may_have_taken_effect(error)

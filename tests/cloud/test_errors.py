"""The tree of errors: texts, classes, and copies of them."""

from __future__ import annotations

import ast
import copy
import pickle
from pathlib import Path

import pytest

from airflow_provider_backup.cloud import errors
from airflow_provider_backup.cloud.errors import (
    ApiDuplicateNameError,
    ApiError,
    ApiNotFoundError,
    BackupError,
    CloudConnectionError,
    ConfigurationError,
    DuplicateNameError,
    InvalidRequestError,
    NotFoundError,
    NotListedError,
    RateLimitedError,
    UnexpectedResponseError,
    Violation,
)

ONE_OF_EACH_FORM = [
    BackupError("it broke", next_step="mend it"),
    ConfigurationError("no region"),
    InvalidRequestError("CBR policy", [Violation("name", "too long", "x" * 65)]),
    CloudConnectionError("cut", request_sent=True, next_step="look"),
    UnexpectedResponseError("not JSON", request_id="r-1"),
    NotListedError("rds", "backup b-1", "the list of backups", next_step="look"),
    ApiNotFoundError(service="cbr", status=404, code="BackupService.6200", detail="no backup", request_id="r-3"),
    ApiDuplicateNameError(service="rds", status=409, code="DBS.200022", detail="taken"),
    RateLimitedError(
        service="cbr",
        status=429,
        code="APIGW.0308",
        detail="slower",
        request_id="r-2",
        retry_after=3.0,
        next_step="wait",
    ),
]
every_form = pytest.mark.parametrize("error", ONE_OF_EACH_FORM, ids=lambda error: type(error).__name__)


def test_every_error_class_derives_from_the_one_root() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert len(classes) > 10
    assert all(issubclass(each, BackupError) for each in classes)


@every_form
def test_a_pickled_error_comes_back_with_its_text_and_attributes(error: BackupError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert (str(back), back.args, vars(back)) == (str(error), error.args, vars(error))


@every_form
def test_a_copied_error_is_equal_to_the_original(error: BackupError) -> None:
    back = copy.copy(error)
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


def test_the_next_step_stands_at_the_end_of_the_text() -> None:
    assert str(BackupError("It broke.", next_step="Mend it.")) == "It broke. Next step: Mend it."


def test_without_a_next_step_the_text_is_the_message() -> None:
    assert str(BackupError("It broke.")) == "It broke."


def test_an_invalid_request_names_every_broken_rule_with_field_and_value() -> None:
    error = InvalidRequestError("CBR policy", [Violation("name", "too long", "abc"), Violation("count", "below 1", 0)])
    assert str(error) == (
        "CBR policy is not valid, nothing was sent: name: too long (given: 'abc'); count: below 1 (given: 0)."
    )
    assert [violation.field for violation in error.violations] == ["name", "count"]


def test_an_invalid_request_is_a_value_error() -> None:
    assert isinstance(InvalidRequestError("CBR policy", []), ValueError)


def test_a_long_value_is_cut_in_the_text_of_a_violation() -> None:
    text = str(Violation("name", "too long", "x" * 10_000))
    assert len(text) < 200
    assert text.endswith("...)")


def test_a_refusal_reports_service_status_code_words_and_request_id() -> None:
    error = ApiError(service="cbr", status=400, code="BackupService.6125", detail="a task runs", request_id="r-1")
    assert str(error) == "cbr answered 400 BackupService.6125: a task runs (request id r-1)."


def test_a_refusal_without_words_and_request_id_says_so() -> None:
    error = ApiError(service="cbr", status=500, code="500", detail="")
    assert str(error) == "cbr answered 500: no message (request id not given)."


def test_what_a_list_lacks_reads_like_a_search_and_not_like_an_answer() -> None:
    error = NotListedError("rds", "backup b-1", "the list of backups", next_step="Check the id.")
    assert str(error) == "No rds backup b-1 was found in the list of backups. Next step: Check the id."
    assert not issubclass(NotListedError, ApiError)
    assert (error.code, error.request_id) == (None, None)


def test_one_clause_catches_what_a_service_does_not_know_and_what_a_list_lacks() -> None:
    assert issubclass(NotListedError, NotFoundError)
    assert issubclass(ApiNotFoundError, NotFoundError)
    assert issubclass(ApiDuplicateNameError, DuplicateNameError)


def test_a_service_that_knows_nothing_of_an_id_is_quoted_with_code_and_request_id() -> None:
    error = ApiNotFoundError(service="cbr", status=404, code="BackupService.6200", detail="none", request_id="r-1")
    assert (str(error), error.code, error.request_id) == (
        "cbr answered 404 BackupService.6200: none (request id r-1).",
        "BackupService.6200",
        "r-1",
    )


def test_no_module_writes_the_status_of_an_answer_into_an_error_by_hand() -> None:
    package = Path(errors.__file__).parents[1]
    invented = [
        f"{path.relative_to(package)}:{call.lineno}"
        for path in package.rglob("*.py")
        if "emulator" not in path.parts
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id.endswith("Error")
        and any(each.arg == "status" and isinstance(each.value, ast.Constant) for each in call.keywords)
    ]
    assert not invented


def test_an_unexpected_response_reports_its_request_id_when_there_is_one() -> None:
    assert str(UnexpectedResponseError("No JSON", request_id="r-1")) == "No JSON (request id r-1)."
    assert str(UnexpectedResponseError("No JSON")) == "No JSON."

"""Every documented operation is in the client and the local cloud, or the table says why not."""

from __future__ import annotations

import pytest

from tests.docs.operations import Evidence, Route, Row, completed, evidence, faults_of, read_rows, route_of

CLIENT = "cloud/services/cbr/policies.py::Policies.get"
HANDLER = "emulator/services/cbr/policies.py::PolicyRoutes.get_policy"
ROUTE = Route("cbr", "GET", "/v3/{}/policies/{}")
THERE = Evidence({ROUTE: [CLIENT]}, {ROUTE: HANDLER})


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The rows of the table."""
    return read_rows()


@pytest.fixture(scope="module")
def found(rows: list[Row]) -> Evidence:
    """What the client really sends, and what the local cloud really answers."""
    return evidence(rows)


def row(**changes: str) -> Row:
    """Return the row of an operation that is there, or one that differs from it."""
    return {
        "service": "CBR",
        "operation": "show_policy",
        "method": "GET",
        "path": "/v3/{project_id}/policies/{policy_id}",
        "client": CLIENT,
        "emulator": HANDLER,
        "operator": "",
        "left_out": "",
        "documented_for_otc": "yes",
        **changes,
    }


def faults(found: Evidence, *rows: Row) -> list[str]:
    """Return what is wrong with rows, apart from operators that these few do not name."""
    return [fault for fault in faults_of(rows, found) if "in the column operator" not in fault]


def test_every_documented_operation_is_there_or_says_why_it_is_left_out(rows: list[Row], found: Evidence) -> None:
    assert faults_of(rows, found) == []


def test_no_operation_stands_twice_in_the_table(rows: list[Row]) -> None:
    names = [(each["service"], each["operation"]) for each in rows]

    assert sorted(set(names)) == sorted(names)


def test_a_path_with_an_id_is_the_route_with_the_fewest_variable_parts(found: Evidence) -> None:
    assert found.calls[Route("vbs", "GET", "/v2/{}/backups/detail")]
    assert found.handlers[Route("vbs", "GET", "/v2/{}/backups/{}")]


def test_a_remark_behind_a_path_does_not_belong_to_it() -> None:
    assert route_of(row(path="/v3/{project_id}/policies/{policy_id} (check)")) == ROUTE


def test_a_row_that_says_what_is_there_has_no_fault() -> None:
    assert faults(THERE, row()) == []


def test_what_the_local_cloud_answers_for_other_clients_is_left_out_rightly() -> None:
    only_route = Evidence({}, {ROUTE: HANDLER})

    assert faults(only_route, row(client="", left_out="other clients only: the client sends another form")) == []


@pytest.mark.parametrize(
    ("found", "changes", "fault"),
    [
        pytest.param(Evidence({}, THERE.handlers), {"client": ""}, "no method of the client sends it", id="no method"),
        pytest.param(Evidence(THERE.calls, {}), {"emulator": ""}, "the local cloud has no route for it", id="no route"),
        pytest.param(
            THERE, {"left_out": "billing: costs", "client": ""}, f"but {CLIENT} sends it", id="left out and sent"
        ),
        pytest.param(
            Evidence({}, THERE.handlers),
            {"left_out": "billing: costs", "client": ""},
            f"but {HANDLER} answers it",
            id="left out and answered",
        ),
        pytest.param(
            THERE, {"client": "cloud/services/cbr/policies.py::Policies.lost"}, "does not send it", id="lost method"
        ),
        pytest.param(THERE, {"emulator": ""}, "answers it by", id="lost handler"),
        pytest.param(THERE, {"client": ""}, "names no client's method", id="unnamed method"),
        pytest.param(THERE, {"operator": "CbrLostOperator"}, "names CbrLostOperator", id="lost operator"),
        pytest.param(
            Evidence(), {"client": "", "emulator": "", "left_out": "no"}, "left_out must be one of", id="no reason"
        ),
        pytest.param(
            Evidence(),
            {"client": "", "emulator": "", "left_out": "Huawei only and not needed: why"},
            "documented_for_otc says yes",
            id="not only Huawei",
        ),
        pytest.param(
            Evidence(),
            {"client": "", "emulator": "", "left_out": "other clients only: why"},
            "it has no such route",
            id="other clients without a route",
        ),
    ],
)
def test_a_row_that_does_not_say_what_is_so_is_named(found: Evidence, changes: dict[str, str], fault: str) -> None:
    assert any(fault in each for each in faults(found, row(**changes)))


def test_a_request_or_a_route_without_a_row_is_named() -> None:
    other = Route("cbr", "GET", "/v3/{}/lost")
    found = Evidence({**THERE.calls, other: [CLIENT]}, {**THERE.handlers, other: "emulator/lost.py::lost"})

    assert [fault for fault in faults(found, row()) if "no row of the table is about it" in fault] == [
        f"{other}: {CLIENT} sends it, and no row of the table is about it",
        f"{other}: emulator/lost.py::lost answers it, and no row of the table is about it",
    ]


def test_an_operator_that_no_row_names_is_named() -> None:
    assert "CbrCreateBackupOperator: no row of the table names it in the column operator" in faults_of([row()], THERE)


def test_a_row_is_filled_with_what_is_there_and_keeps_a_method_that_is_right() -> None:
    found = Evidence({ROUTE: ["cloud/other.py::Other.get", CLIENT]}, THERE.handlers)

    assert completed(row(emulator=""), found) == row()
    assert completed(row(client="lost"), found)["client"] == "cloud/other.py::Other.get"

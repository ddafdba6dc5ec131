"""What every operator that brings something to a described state does, whatever the service: here a drawer of notes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    ApiNotFoundError,
    BackupError,
    BadRequestError,
    CloudConnectionError,
    InvalidRequestError,
    NotFoundError,
    Violation,
)
from airflow_provider_backup.cloud.operations.described_state import Difference
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import AmbiguousNameError, InvalidArgumentError
from airflow_provider_backup.operators.apply import ApplyNamedOperator
from tests.airflow.task_runs import TaskRun

Note = dict[str, Any]
Logged = Callable[[], str]
LOST = CloudConnectionError("The connection was closed.", request_sent=True)
REFUSED = BadRequestError(service="notes", status=400, code="N.1", detail="no")
NEVER_SENT = CloudConnectionError("No connection.", request_sent=False)


class Drawer:
    """Notes by their ids, what was asked to be done to them, and errors that wait for the next requests.

    :param notes: the notes that are there.
    """

    def __init__(self, *notes: Note) -> None:
        self.notes = {note["id"]: note for note in notes}
        self.done: list[str] = []
        self.errors: list[tuple[BackupError, bool]] = []

    def fail_next(self, error: BackupError, *, after_effect: bool) -> None:
        """Let the next request that changes something fail.

        :param error: how.
        :param after_effect: whether it has its effect.
        """
        self.errors.append((error, after_effect))

    def act(self, name: str, effect: Callable[[], object]) -> None:
        """Do something, or fail as planned."""
        self.done.append(name)
        error, after_effect = self.errors.pop(0) if self.errors else (None, True)
        if after_effect:
            effect()
        if error is not None:
            raise error


class ApplyNoteOperator(ApplyNamedOperator[Note]):
    """A note has text and pages; each page takes one request."""

    service_name = "notes"
    kind = "policy"
    title = "note"
    id_argument = "note_id"

    def __init__(
        self,
        *,
        drawer: Drawer,
        note_id: str | None = None,
        name: str | None = "todo",
        text: str | None = None,
        pages: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.drawer = drawer
        self.note_id = note_id
        self.name = name
        self.text = text
        self.pages = pages

    def identity(self, found: Note | None) -> tuple[str | None, str | None]:
        return (found["id"], found["name"]) if found else (self.note_id, self.name)

    async def read(self, cloud: Any, identifier: str) -> Note:
        if identifier not in self.drawer.notes:
            raise ApiNotFoundError(service="notes", status=404, code="N.4", detail="no such note")
        return dict(self.drawer.notes[identifier])

    async def listed_by_name(self, cloud: Any, name: str) -> AsyncIterator[Note]:
        for note in self.drawer.notes.values():
            if note["name"] == name:
                yield dict(note)

    def held(self, found: Note) -> dict[str, Any]:
        return {key: value for key, value in found.items() if key != "id"}

    def wanted(self, held: Mapping[str, Any]) -> dict[str, Any]:
        if self.text == "":
            raise InvalidRequestError("Note", [Violation("text", "must not be empty", self.text)])
        described = {"name": self.name, "text": self.text, "pages": sorted({*held.get("pages", []), *self.pages})}
        return {name: value for name, value in described.items() if value is not None}

    async def create(self, cloud: Any) -> Note:
        created: Note = {"id": f"n{len(self.drawer.notes) + 1}", "name": self.name, "text": self.text or ""}
        created["pages"] = []
        self.drawer.act("create", lambda: self.drawer.notes.update({created["id"]: created}))
        return dict(created)

    async def change(self, cloud: Any, found: Note, plan: Sequence[Difference]) -> None:
        kept = self.drawer.notes[found["id"]]
        plain = {each["field"]: each["to"] for each in plan if each["field"] != "pages"}
        if plain:
            self.drawer.act(f"update {', '.join(plain)}", lambda: kept.update(plain))
        for each in plan:
            for page in each["to"] if each["field"] == "pages" else []:
                if page not in found["pages"]:
                    self.drawer.act(f"add {page}", partial(self._add, kept, page))

    def _add(self, kept: Note, page: str) -> None:
        kept["pages"] = [*kept["pages"], page]

    async def delete(self, cloud: Any, found: Note) -> None:
        self.drawer.act("delete", lambda: self.drawer.notes.pop(found["id"]))


@pytest.fixture(autouse=True)
def _connection(cloud: RunningCloud) -> None:
    """Every operator opens a client, this one without asking it anything."""


def apply(drawer: Drawer, **arguments: Any) -> dict[str, Any]:
    """Run the operator, and return its result."""
    result: dict[str, Any] = TaskRun(ApplyNoteOperator(task_id="apply", drawer=drawer, **arguments)).run()
    return result


def note(identifier: str = "n1", **values: Any) -> Note:
    """Return a note."""
    return {"id": identifier, "name": "todo", "text": "milk", "pages": [], **values}


def test_what_is_absent_is_created_and_then_completed() -> None:
    drawer = Drawer()

    result = apply(drawer, text="milk", pages=["a"])

    assert drawer.done == ["create", "add a"]
    assert drawer.notes["n1"] == note(pages=["a"])
    assert result == {
        "service": "notes",
        "kind": "policy",
        "id": "n1",
        "name": "todo",
        "state": "present",
        "changed": True,
        "created": True,
        "deleted": False,
        "dry_run": False,
        "differences": [
            {"field": "state", "from": "absent", "to": "present"},
            {"field": "name", "from": None, "to": "todo"},
            {"field": "text", "from": None, "to": "milk"},
            {"field": "pages", "from": None, "to": ["a"]},
        ],
    }


def test_what_is_as_described_is_left_alone() -> None:
    drawer = Drawer(note(pages=["a"]))

    result = apply(drawer, text="milk", pages=["a"])

    assert drawer.done == []
    assert (result["changed"], result["created"], result["differences"]) == (False, False, [])


def test_only_what_differs_is_changed() -> None:
    drawer = Drawer(note(pages=["a"]))

    result = apply(drawer, text="eggs", pages=["a", "b"])

    assert drawer.done == ["update text", "add b"]
    assert result["differences"] == [
        {"field": "text", "from": "milk", "to": "eggs"},
        {"field": "pages", "from": ["a"], "to": ["a", "b"]},
    ]


@pytest.mark.parametrize("described", [{"text": "eggs"}, {"pages": ["z"]}, {"state": "absent"}, {"name": "new"}])
def test_a_dry_run_reports_what_a_run_would_change_and_changes_nothing(described: dict[str, Any]) -> None:
    drawer = Drawer(note(pages=["a"]))

    announced = apply(drawer, **described, dry_run=True)

    assert drawer.done == []
    assert announced["dry_run"] is True
    real = apply(drawer, **described)
    assert drawer.done
    assert {**announced, "dry_run": False, "id": real["id"]} == real


def test_every_difference_has_a_line_in_the_log(logged: Logged) -> None:
    apply(Drawer(note()), text="eggs", pages=["b"])

    lines = logged().splitlines()
    text = {line for line in lines if "note todo (n1): text: 'milk' -> 'eggs'" in line}
    pages = {line for line in lines if "note todo (n1): pages: [] -> ['b']" in line}
    assert text
    assert pages
    assert not text & pages


def test_a_dry_run_says_on_every_line_that_nothing_is_changed(logged: Logged) -> None:
    apply(Drawer(note()), text="eggs", dry_run=True)

    assert "note todo (n1): text: 'milk' -> 'eggs' (dry_run: is not changed)" in logged()
    assert "is as described now" not in logged()


def test_what_shall_be_absent_is_deleted() -> None:
    drawer = Drawer(note())

    result = apply(drawer, state="absent")

    assert (drawer.done, drawer.notes) == (["delete"], {})
    assert (result["id"], result["changed"], result["deleted"]) == ("n1", True, True)
    assert result["differences"] == [{"field": "state", "from": "present", "to": "absent"}]


@pytest.mark.parametrize("arguments", [{}, {"note_id": "n1"}])
def test_what_is_absent_already_is_no_change(arguments: dict[str, Any]) -> None:
    drawer = Drawer()

    result = apply(drawer, state="absent", **arguments)

    assert drawer.done == []
    assert (result["changed"], result["deleted"], result["differences"]) == (False, False, [])


def test_an_object_is_found_by_its_id_and_renamed() -> None:
    drawer = Drawer(note(name="old"))

    result = apply(drawer, note_id="n1", name="new")

    assert drawer.done == ["update name"]
    assert (result["id"], drawer.notes["n1"]["name"]) == ("n1", "new")


def test_an_id_that_the_service_does_not_know_fails_the_task() -> None:
    drawer = Drawer()

    with pytest.raises(NotFoundError, match="no such note"):
        apply(drawer, note_id="n9")

    assert drawer.done == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_two_of_one_name_fail_the_task_with_the_ids_of_both(state: str) -> None:
    drawer = Drawer(note(), note("n2"))

    with pytest.raises(AmbiguousNameError, match=r"note 'todo' is ambiguous.*: n1, n2\. .*by its id \(note_id\)"):
        apply(drawer, state=state)

    assert drawer.done == []


@pytest.mark.parametrize("name", [None, "", " "])
def test_an_operator_that_names_nothing_is_refused_while_the_dag_is_parsed(name: str | None) -> None:
    with pytest.raises(InvalidRequestError, match="name: one of note_id, name must be given"):
        ApplyNoteOperator(task_id="apply", drawer=Drawer(), name=name)


@pytest.mark.parametrize("note_id", ["", 5])
def test_an_id_that_is_none_is_refused_while_the_dag_is_parsed(note_id: Any) -> None:
    with pytest.raises(InvalidRequestError, match="note_id: must be an id"):
        ApplyNoteOperator(task_id="apply", drawer=Drawer(), note_id=note_id)


def test_an_unknown_state_is_refused_while_the_dag_is_parsed() -> None:
    with pytest.raises(InvalidRequestError, match=r"state: must be one of present, absent \(given: 'gone'\)"):
        ApplyNoteOperator(task_id="apply", drawer=Drawer(), state="gone")


def test_a_wrong_description_fails_the_task_before_anything_is_sent() -> None:
    drawer = Drawer()

    with pytest.raises(InvalidArgumentError, match="text: must not be empty"):
        apply(drawer, text="")

    assert drawer.done == []


def test_what_shall_be_absent_needs_no_valid_description() -> None:
    assert apply(Drawer(note()), text="", state="absent")["deleted"] is True


def test_a_creation_whose_answer_was_lost_is_not_repeated() -> None:
    drawer = Drawer()
    drawer.fail_next(LOST, after_effect=True)

    result = apply(drawer, text="milk", pages=["a"])

    assert drawer.done == ["create", "add a"]
    assert (result["id"], result["created"]) == ("n1", True)


@pytest.mark.parametrize("error", [LOST, NEVER_SENT, REFUSED])
def test_a_creation_without_effect_fails_the_task_and_the_next_run_creates(error: BackupError) -> None:
    drawer = Drawer()
    drawer.fail_next(error, after_effect=False)

    with pytest.raises(type(error)):
        apply(drawer)
    assert drawer.done == ["create"]
    assert apply(drawer)["created"] is True


def test_after_a_change_whose_answer_was_lost_only_the_rest_is_sent() -> None:
    drawer = Drawer(note())
    drawer.fail_next(LOST, after_effect=True)
    drawer.fail_next(LOST, after_effect=True)

    result = apply(drawer, text="eggs", pages=["a", "b"])

    assert drawer.done == ["update text", "add a", "add b"]
    assert drawer.notes["n1"] == note(text="eggs", pages=["a", "b"])
    assert [each["field"] for each in result["differences"]] == ["text", "pages"]


@pytest.mark.parametrize("error", [LOST, REFUSED])
def test_a_change_without_effect_fails_the_task_and_is_not_repeated(error: BackupError) -> None:
    drawer = Drawer(note())
    drawer.fail_next(error, after_effect=False)

    with pytest.raises(type(error)):
        apply(drawer, text="eggs", pages=["a"])

    assert drawer.done == ["update text"]


def test_a_refusal_in_the_middle_keeps_what_was_done_and_the_next_run_finishes() -> None:
    drawer = Drawer(note())
    drawer.fail_next(LOST, after_effect=True)
    drawer.fail_next(REFUSED, after_effect=False)
    with pytest.raises(BadRequestError):
        apply(drawer, text="eggs", pages=["a", "b"])

    result = apply(drawer, text="eggs", pages=["a", "b"])

    assert drawer.done == ["update text", "add a", "add a", "add b"]
    assert result["differences"] == [{"field": "pages", "from": [], "to": ["a", "b"]}]


@pytest.mark.parametrize(
    "error", [LOST, ApiNotFoundError(service="notes", status=404, code="N.4", detail="no such note")]
)
def test_a_deletion_after_which_nothing_is_there_is_a_success(error: BackupError) -> None:
    drawer = Drawer(note())
    drawer.fail_next(error, after_effect=True)

    assert apply(drawer, state="absent")["deleted"] is True


@pytest.mark.parametrize(
    "error", [LOST, REFUSED, ApiNotFoundError(service="notes", status=404, code="N.5", detail="no such project")]
)
def test_a_deletion_after_which_it_is_still_there_fails_the_task(error: BackupError) -> None:
    drawer = Drawer(note())
    drawer.fail_next(error, after_effect=False)

    with pytest.raises(type(error)):
        apply(drawer, state="absent")


def test_id_and_outcome_are_xcoms_of_their_own() -> None:
    run = TaskRun(ApplyNoteOperator(task_id="apply", drawer=Drawer(), text="milk"))
    run.execute()

    assert run.ti.xcom_pull("apply", "id", -1) == "n1"
    assert run.ti.xcom_pull("apply", "changed", -1) is True

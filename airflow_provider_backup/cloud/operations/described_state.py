"""What a service has, compared with what an author described; without I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, TypedDict

State = Literal["present", "absent"]
"""Whether the object shall exist."""

# A class cannot have a member named ``from``.
Difference = TypedDict("Difference", {"field": str, "from": Any, "to": Any})
"""One field that differs: its name, the value that the service has (``None`` for none), and the described one."""


class AppliedResult(TypedDict):
    """How an object was brought to its described state.

    :param service: the service that has it, such as ``cbr``.
    :param kind: ``policy``, ``vault`` or ``backup_policy``.
    :param id: its id; ``None`` where nothing has one: a dry run would create it, or it was absent already.
    :param name: its name; ``None`` if it has none.
    :param state: ``present`` or ``absent``: as described.
    :param changed: whether anything was changed, creation and deletion included; in a dry run, whether it would be.
    :param created: whether it was created, or would be.
    :param deleted: whether it was deleted, or would be.
    :param dry_run: whether nothing was sent that changes anything.
    :param differences: what differed before; empty exactly when nothing was changed.
    """

    service: str
    kind: str
    id: str | None
    name: str | None
    state: State
    changed: bool
    created: bool
    deleted: bool
    dry_run: bool
    differences: list[Difference]


def differences(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Difference]:
    """Return the fields that differ, in the order of the description.

    Both sides are normalised before: values are plain JSON of one form, and where order means nothing it is the same.

    :param held: what the service has, by field.
    :param wanted: what is described; a field that it does not name may have any value.
    """
    return [
        Difference({"field": field, "from": held.get(field), "to": value})
        for field, value in wanted.items()
        if held.get(field) != value
    ]


def state_change(before: State, after: State) -> Difference:
    """Return the difference of an object that is created or deleted.

    :param before: whether it exists.
    :param after: whether it shall.
    """
    return Difference({"field": "state", "from": before, "to": after})


def described_ids(held: Collection[str], described: Collection[str], *, only: bool) -> list[str]:
    """Return the ids that an object shall be bound to, in order and each once.

    :param held: what it is bound to.
    :param described: what it must be bound to.
    :param only: whether it shall be bound to nothing else.
    """
    return sorted({*described} if only else {*held, *described})

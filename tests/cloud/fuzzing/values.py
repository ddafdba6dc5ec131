"""Hostile JSON: values that no service documents, and real bodies with something wrong in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

Body = Any
"""Decoded JSON."""


def nested(depth: int, *, as_object: bool = False) -> Body:
    """Return lists, or objects, inside each other.

    :param depth: how many, 1 or more.
    :param as_object: objects with the member ``children``, as backups of CBR have.
    """
    value: Body = {"id": "deepest"} if as_object else []
    for _ in range(depth):
        value = {"id": "deep", "children": [value]} if as_object else [value]
    return value


NASTY: Sequence[Body] = (
    None,
    True,
    False,
    0,
    -1,
    2**63,
    10**4000,
    -(10**400),
    0.1,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    " ",
    "\0",
    "\ud800",
    "name\0with\udfffboth",
    "\u202e\u2028",
    "x" * 5000,
    "9" * 5000,
    "1e999",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "2026-13-45T99:99:99Z",
    "http://[::1?marker=1",
    "error",
    "available",
    "COMPLETED",
    [],
    {},
    [None],
    [[]],
    {"": None},
    {"id": []},
    {"id": {}},
    [{"id": 1}, {"id": 1}],
    [{"rel": "next", "href": "http://[::1?marker=1"}],
    [{"rel": "next", "href": "?marker=\ud800"}],
    nested(90),
    nested(400),
    nested(120, as_object=True),
    nested(400, as_object=True),
    "[" * 50_000,
    '{"a":' * 5000,
)
"""Values that broke somebody's parser once."""

any_text = st.text(st.characters(), max_size=20)
"""Text with everything that a JSON string can hold: control characters and lone surrogates too."""

scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text
json_values = st.recursive(
    scalars | st.sampled_from(NASTY),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=10,
)


def slots_of(body: Body) -> list[tuple[Any, Any]]:
    """Return every place in a body: the list or object that holds it, and its index or key."""
    found: list[tuple[Any, Any]] = []
    waiting = [body]
    while waiting:
        holder = waiting.pop()
        keys: Sequence[Any] = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


def _retyped(value: Body) -> Body:
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 4000 else [value]
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value)}
    return str(value)


def _drop(holder: Any, key: Any, _: Body) -> None:
    del holder[key]


def _replace(holder: Any, key: Any, value: Body) -> None:
    # A copy, as the next mutation may change it; by way of its text, as copy.deepcopy fails on deep values.
    holder[key] = json.loads(json.dumps(value)) if isinstance(value, dict | list) else value


def _duplicate(holder: Any, key: Any, _: Body) -> None:
    if isinstance(holder, list):
        holder.append(holder[key])
    else:
        holder[f" {key}"] = holder[key]


def _nest(holder: Any, key: Any, _: Body) -> None:
    holder[key] = {key if isinstance(key, str) else "0": holder[key]}


def _retype(holder: Any, key: Any, _: Body) -> None:
    holder[key] = _retyped(holder[key])


MUTATIONS: Sequence[Callable[[Any, Any, Body], None]] = (
    _drop,
    _replace,
    _replace,
    _replace,
    _duplicate,
    _nest,
    _retype,
)


@st.composite
def mutated(draw: st.DrawFn, bodies: Sequence[Body]) -> Body:
    """Draw one of some bodies with up to four things wrong in it.

    :param bodies: decoded JSON, from a service.
    """
    body = json.loads(as_text(draw(st.sampled_from(bodies))))
    for _ in range(draw(st.integers(1, 4))):
        if not isinstance(body, dict | list) or not (slots := slots_of(body)):
            return draw(json_values)
        holder, key = slots[draw(st.integers(0, len(slots) - 1))]
        mutation = draw(st.sampled_from(MUTATIONS))
        mutation(holder, key, draw(st.sampled_from(NASTY) | scalars) if mutation is _replace else None)
    return body


def as_text(body: Body, *, ascii_only: bool = True) -> str:
    """Write a body as JSON; one that is too deep for that, as something like it."""
    try:
        return json.dumps(body, ensure_ascii=ascii_only)
    except RecursionError:
        return '[{"a":' * 2000


@st.composite
def encoded(draw: st.DrawFn, values: st.SearchStrategy[Body]) -> bytes:
    """Draw a body as it comes over the wire: mostly JSON, sometimes cut, with wrong bytes in it, or none at all.

    :param values: what it says.
    """
    text = as_text(draw(values), ascii_only=draw(st.booleans()))
    body = text.encode("utf-8", "surrogatepass")
    damage = draw(st.sampled_from(("none",) * 6 + ("cut", "bytes", "mark", "wide", "blank", "rubbish")))
    if damage == "cut":
        return body[: draw(st.integers(0, len(body)))]
    if damage == "bytes":
        place = draw(st.integers(0, len(body)))
        return body[:place] + draw(st.binary(min_size=1, max_size=4)) + body[place:]
    if damage == "mark":
        return b"\xef\xbb\xbf" + body
    if damage == "wide":
        return text.encode("utf-16", "surrogatepass")
    if damage == "blank":
        return draw(st.sampled_from([b"", b" \n", b"null", b"[]", b"{}", b"0", b'"words"']))
    if damage == "rubbish":
        return draw(st.binary(max_size=200))
    return body

"""The table of documented operations (``docs/api/operations.tsv``), and what client and local cloud really have of it.

``make operations`` runs this file: it fills ``client`` and ``emulator`` of each row and keeps what a row says rightly.
"""

from __future__ import annotations

import asyncio
import csv
import inspect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import CloudSettings, PasswordCredentials
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.services.registry import SERVICES as EMULATED
from tests.cloud.fuzzing.calls import all_calls, recorded_worlds
from tests.docs.pages import API, ROOT
from tests.scaffold.service_table import classes_of

TABLE = API / "operations.tsv"
OTHER_CLIENTS = "other clients only"
HUAWEI_ONLY = "Huawei only and not needed"
REASONS = ("administrator's", "billing", "end of life", HUAWEI_ONLY, "not needed so far", OTHER_CLIENTS)
"""How a reason to leave an operation out begins; behind a colon stands what makes it so."""

Row = dict[str, str]


class Route(NamedTuple):
    """One method and path of a service; names of variable parts do not matter.

    :param service: name in the registry.
    :param method: HTTP method.
    :param path: with ``{}`` for each variable part.
    """

    service: str
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path}"


@dataclass(frozen=True)
class Evidence:
    """What is really there.

    :param calls: the client's methods that send a request, by what they send; written as ``file::Class.method``.
    :param handlers: what answers it in the local cloud, in the same form.
    """

    calls: Mapping[Route, list[str]] = field(default_factory=dict)
    handlers: Mapping[Route, str] = field(default_factory=dict)


def read_rows() -> list[Row]:
    """Return the rows of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def route_of(row: Row) -> Route:
    """Return what a row is about; a remark behind its path does not belong to it."""
    return Route(row["service"].lower(), row["method"], _plain(row["path"].split(" ")[0]))


def evidence(rows: Iterable[Row]) -> Evidence:
    """Ask the local cloud for its routes, and record what each method of the client sends.

    :param rows: of the table; a recorded path is one of theirs, of a route, or unknown.
    """
    handlers = _handlers()
    known = {route_of(row) for row in rows} | set(handlers)
    client = BackupCloud(CloudSettings(PasswordCredentials("u", "p", "d"), region="r", cloud="otc"))
    methods = {str(call): _place(call.method(client)) for call in all_calls()}
    sent: dict[Route, dict[str, int]] = defaultdict(dict)
    for service, world in asyncio.run(recorded_worlds()).items():
        for call, requests in world.requests.items():
            for method, path in requests:
                place = methods[call]
                sent[_recognized(Route(service, method, path), known)][place] = len(set(requests))
    # What sends nothing else comes first.
    calls = {route: sorted(places, key=lambda place: (places[place], place)) for route, places in sent.items()}
    return Evidence(calls, handlers)


def faults_of(rows: Sequence[Row], found: Evidence) -> list[str]:
    """Return what is wrong with the table, a sentence for each fault with what to do.

    :param rows: of the table.
    :param found: what is really there.
    """
    faults = [f"{_name(row)}: {fault}" for row in rows for fault in _faults_of_row(row, found)]
    wanted = {route_of(row) for row in rows if not row["left_out"]}
    for row in rows:
        if row["left_out"] and route_of(row) not in wanted:
            faults += [f"{_name(row)}: says left out, but {what}" for what in _there_all_the_same(row, found)]
    return [*faults, *_unlisted(rows, found)]


def completed(row: Row, found: Evidence) -> Row:
    """Return a row with what is really there; a client's method that is right already stays.

    :param row: of the table.
    :param found: what is really there.
    """
    route = route_of(row)
    calls = found.calls.get(route, [""])
    client = row["client"] if row["client"] in calls else calls[0]
    return {**row, "client": client, "emulator": found.handlers.get(route, "")}


def _faults_of_row(row: Row, found: Evidence) -> Iterator[str]:
    route = route_of(row)
    if row["left_out"]:
        kind, _, why = row["left_out"].partition(": ")
        if kind not in REASONS or not why:
            yield f"left_out must be one of {', '.join(REASONS)}, a colon and what makes it so"
        if kind == HUAWEI_ONLY and row["documented_for_otc"] == "yes":
            yield "left_out says Huawei only, documented_for_otc says yes"
        if kind == OTHER_CLIENTS and route not in found.handlers:
            yield "left_out says that the local cloud answers it, and it has no such route"
    else:
        if route not in found.calls:
            yield "no method of the client sends it (in tests/cloud/fuzzing/calls.py): write one, or fill left_out"
        if route not in found.handlers:
            yield "the local cloud has no route for it: write one, or fill left_out"
    if row["client"] and row["client"] not in found.calls.get(route, ()):
        yield f"{row['client']} does not exist or does not send it: run `make operations`"
    if row["emulator"] != found.handlers.get(route, ""):
        yield f"the local cloud answers it by {found.handlers.get(route, 'nothing')!r}: run `make operations`"
    if row["left_out"] and row["client"] and route in found.calls:
        yield "names a client's method and a reason to be left out"
    if not row["left_out"] and not row["client"] and route in found.calls:
        yield "names no client's method: run `make operations`"
    if row["operator"] and not row["operator"].startswith("inside: "):
        known = operators_of(row["service"].lower())
        for name in set(row["operator"].split(", ")) - known:
            yield f"operator names {name}, which the service does not have"


def _there_all_the_same(row: Row, found: Evidence) -> Iterator[str]:
    route = route_of(row)
    if route in found.calls:
        yield f"{found.calls[route][0]} sends it: empty left_out and run `make operations`"
    if route in found.handlers and not row["left_out"].startswith(OTHER_CLIENTS):
        yield (
            f"{found.handlers[route]} answers it: empty left_out and run `make operations`, or begin left_out with "
            f"'{OTHER_CLIENTS}: '"
        )


def operators_of(service: str) -> set[str]:
    """Return the names of the operators and sensors of a service.

    :param service: name in the registry.
    """
    names = set()
    for layer, ending in (("operators", "Operator"), ("sensors", "Sensor")):
        names |= set(classes_of(f"airflow_provider_backup.{layer}.{service}", ending))
    return names


def _unlisted(rows: Sequence[Row], found: Evidence) -> Iterator[str]:
    services = {row["service"].lower() for row in rows}
    listed = {route_of(row) for row in rows}
    # OpenStack clients know some routes under another version as well.
    handlers = {found.handlers[route] for route in listed if route in found.handlers}
    for route in found.calls:
        if route.service in services and route not in listed:
            yield f"{route}: {found.calls[route][0]} sends it, and no row of the table is about it"
    for route, handler in found.handlers.items():
        if route.service in services and route not in listed and handler not in handlers:
            yield f"{route}: {handler} answers it, and no row of the table is about it"
    named = {name for row in rows for name in row["operator"].split(", ")}
    for service in sorted(services):
        for name in sorted(operators_of(service) - named):
            yield f"{name}: no row of the table names it in the column operator"


def _name(row: Row) -> str:
    return f"{row['service']} {row['operation']}"


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _place(function: Any) -> str:
    code = inspect.unwrap(getattr(function, "__func__", function))
    file = inspect.getsourcefile(code)
    assert file is not None
    return f"{file.removeprefix(f'{ROOT}/airflow_provider_backup/')}::{code.__qualname__}"


def _handlers() -> dict[Route, str]:
    state = CloudState()
    inventory = Inventory(state)
    return {
        Route(name, route.method, _plain(route.path)): _place(route.handler)
        for name in SERVICES
        for route in EMULATED[name](state, inventory).routes()
    }


def _recognized(sent: Route, known: Iterable[Route]) -> Route:
    """Return the known route of a path with ids in it: the one with the fewest variable parts."""
    fits = [
        route
        for route in known
        if route[:2] == sent[:2] and re.fullmatch(re.escape(route.path).replace(r"\{\}", "[^/]+"), sent.path)
    ]
    return min(fits, key=lambda route: route.path.count("{}"), default=sent)


def main() -> None:
    """Fill the table with what is really there."""
    rows = read_rows()
    found = evidence(rows)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t", quoting=csv.QUOTE_NONE, lineterminator="\n")
        writer.writeheader()
        writer.writerows(completed(row, found) for row in rows)
    for fault in faults_of(read_rows(), found):
        print(fault)


if __name__ == "__main__":
    main()

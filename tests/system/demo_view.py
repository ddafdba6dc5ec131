"""How the demo shows what happens: a table that changes in a terminal, a line for each change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from tests.system.cloud_contents import CloudItem
from tests.system.run_board import TaskRow

_COLOURS = {
    "success": "green",
    "failed": "bold red",
    "upstream_failed": "red",
    "skipped": "magenta",
    "deferred": "cyan",
    "running": "yellow",
    "up_for_retry": "yellow",
    "up_for_reschedule": "cyan",
}


class View(Protocol):
    """Where the rows go."""

    def show(self, rows: Sequence[TaskRow]) -> None:
        """Show how all tasks stand now."""


class _LiveTable:
    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, rows: Sequence[TaskRow]) -> None:
        self._live.update(_task_table(rows), refresh=True)


class _ChangeLines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._shown: set[TaskRow] = set()

    def show(self, rows: Sequence[TaskRow]) -> None:
        for row in rows:
            if row not in self._shown and row.state != "waiting":
                parts = [
                    f"{time.monotonic() - self._began:6.1f} s",
                    row.dag,
                    row.task,
                    row.state,
                    row.subject,
                    row.status,
                ]
                self._console.print("  ".join(filter(None, parts)), markup=False, highlight=False, soft_wrap=True)
        self._shown = set(rows)


def opened_console() -> Console:
    """Return the console of stdout; into a file or a pipe it is wide."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 140
    return console


@contextmanager
def opened_view(console: Console) -> Iterator[View]:
    """Open the view that fits the console."""
    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield _LiveTable(live)
    else:
        yield _ChangeLines(console)


def _task_table(rows: Sequence[TaskRow]) -> Table:
    table = Table("DAG", "Task", "State", "Backup or policy", "Status")
    for row, previous in zip(rows, [None, *rows], strict=False):
        is_first = previous is None or previous.dag != row.dag
        if is_first and previous is not None:
            table.add_section()
        state = f"[{_COLOURS.get(row.state, 'dim')}]{escape(row.state)}[/]"
        table.add_row(row.dag if is_first else "", escape(row.task), state, escape(row.subject), escape(row.status))
    return table


def contents_table(items: Sequence[CloudItem]) -> Table:
    """Return the summary of what is in the cloud."""
    table = Table(title="Backups and policies now in the cloud")
    for name in ("Service", "Kind", "Name", "Status"):
        table.add_column(name, no_wrap=True)
    # On a narrow terminal the ids give way.
    table.add_column("Id", overflow="ellipsis")
    for item in items:
        table.add_row(item.service, item.kind, escape(item.name), escape(item.status), item.item_id)
    return table

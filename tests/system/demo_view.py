"""How the demo shows what happens: a table that changes in a terminal, a line for each change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
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

    def say(self, text: str) -> None:
        """Tell something that happens beside the tasks."""


class _LiveTable:
    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, rows: Sequence[TaskRow]) -> None:
        self._live.update(_task_table(rows), refresh=True)

    def say(self, text: str) -> None:
        self._live.console.print(f"[bold]>> {escape(text)}[/]")


class _ChangeLines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._shown: set[TaskRow] = set()

    def show(self, rows: Sequence[TaskRow]) -> None:
        for row in rows:
            if row not in self._shown and row.state != "waiting":
                self._line(row.dag, row.task, row.state, row.subject, row.status or row.change)
        self._shown = set(rows)

    def say(self, text: str) -> None:
        self._line(f">> {text}")

    def _line(self, *parts: str) -> None:
        text = "  ".join([f"{time.monotonic() - self._began:6.1f} s", *filter(None, parts)])
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


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


@contextmanager
def shown_phase(console: Console, text: str, usual_seconds: int) -> Iterator[None]:
    """Tell of something that takes a while in silence: before, how long it usually takes; after, how long it took.

    :param console: where; in a terminal a clock runs meanwhile.
    :param text: what is done.
    :param usual_seconds: how long it usually takes.
    """
    announced = f"{text} (about {usual_seconds} s on an idle machine) ..."
    began = time.monotonic()
    if console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            progress.add_task(announced, total=None)
            yield
    else:
        console.print(announced)
        yield
    console.print(f"{text}: done in {time.monotonic() - began:.0f} s")


def _task_table(rows: Sequence[TaskRow]) -> Table:
    table = Table("DAG", "Task", "State", "Backup or policy", "Status")
    for row, previous in zip(rows, [None, *rows], strict=False):
        is_first = previous is None or previous.dag != row.dag
        if is_first and previous is not None:
            table.add_section()
        state = f"[{_COLOURS.get(row.state, 'dim')}]{escape(row.state)}[/]"
        table.add_row(
            row.dag if is_first else "", escape(row.task), state, escape(row.subject), escape(row.status or row.change)
        )
    return table


def contents_table(items: Sequence[CloudItem], earlier: Collection[str]) -> Table:
    """Return the summary of what is in the cloud, what the demo made first.

    :param items: what is there now.
    :param earlier: ids of what was there before the demo.
    """
    table = Table(title="Backups and policies now in the cloud; what nobody is named for was there before")
    for name in ("Made by", "Service", "Kind", "Name", "Status"):
        table.add_column(name, no_wrap=True)
    # On a narrow terminal the ids give way.
    table.add_column("Id", overflow="ellipsis")
    for item in sorted(items, key=lambda item: item.item_id in earlier):
        is_new = item.item_id not in earlier
        cells = (item.service, item.kind, escape(item.name), escape(item.status), item.item_id)
        table.add_row("this demo" if is_new else "", *cells, style="bold" if is_new else "dim")
    return table

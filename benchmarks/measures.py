"""What a client measures of itself."""

from __future__ import annotations

import gc
import selectors
import time
from pathlib import Path


class Rounds(selectors.DefaultSelector):
    """The selector of an event loop, which knows how long each iteration of the loop served nothing new.

    It costs the loop next to nothing, other than a task that wakes up all the time.

    :param collector: tells how much of that Python's garbage collector took.
    """

    def __init__(self, collector: Collector) -> None:
        super().__init__()
        self._collector = collector
        self.forget()

    def forget(self) -> None:
        """Begin to measure."""
        self.longest_block = 0.0
        """Seconds."""
        self.longest_block_without_collector = 0.0
        """Seconds."""
        self._began, self._collected = time.perf_counter(), self._collector.seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events: a round is over, and the next one begins with them."""
        block = time.perf_counter() - self._began
        if block > self.longest_block_without_collector:
            own = block - (self._collector.seconds - self._collected)
            self.longest_block = max(self.longest_block, block)
            self.longest_block_without_collector = max(self.longest_block_without_collector, own)
        events = super().select(timeout)
        self._began, self._collected = time.perf_counter(), self._collector.seconds
        return events


class Collector:
    """Counts from its making on how long Python's garbage collector works."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0
        gc.callbacks.append(self._called)

    def _called(self, phase: str, _: object) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._began = now
        else:
            self.seconds += now - self._began


def begin_memory_peak() -> int:
    """Forget the peak so far, and return the memory in use now, in bytes (resident, Linux only)."""
    # Documented in proc_pid_clear_refs(5).
    Path("/proc/self/clear_refs").write_text("5")
    return _status_bytes("VmRSS")


def memory_peak() -> int:
    """Return the most memory in use since :func:`begin_memory_peak`, in bytes."""
    return _status_bytes("VmHWM")


def _status_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {name}")

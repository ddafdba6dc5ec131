"""What a client measures of itself."""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path

_BEAT_SECONDS = 0.01


class Heartbeat:
    """A task that wakes up every ten milliseconds: what it is late is how long the event loop was blocked.

    :param collector: tells how much of that Python's garbage collector took.
    """

    def __init__(self, collector: Collector) -> None:
        self.longest_block = 0.0
        """Seconds."""
        self.longest_block_without_collector = 0.0
        """Seconds."""
        self.beats = 0
        self._collector = collector

    async def beat(self) -> None:
        """Go on until cancelled."""
        while True:
            began, collected = time.perf_counter(), self._collector.seconds
            await asyncio.sleep(_BEAT_SECONDS)
            block = time.perf_counter() - began - _BEAT_SECONDS
            own = block - (self._collector.seconds - collected)
            self.longest_block = max(self.longest_block, block)
            self.longest_block_without_collector = max(self.longest_block_without_collector, own)
            self.beats += 1


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


async def cpu_seconds_of_a_beat() -> float:
    """Measure what the heartbeat itself costs, so that it can be taken off."""
    heart = Heartbeat(Collector())
    before = time.process_time()
    task = asyncio.create_task(heart.beat())
    await asyncio.sleep(1.0)
    task.cancel()
    return (time.process_time() - before) / heart.beats


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

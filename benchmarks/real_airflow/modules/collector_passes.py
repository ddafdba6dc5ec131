"""Writes down the long passes of Python's garbage collector: nothing else runs in a process during one."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

_SHORTEST = 0.02
"""Seconds of a pass that is worth a line."""


def write_down(folder: Path) -> None:
    """Write the beginning and the end of each long pass into a file that is named after the process.

    :param folder: where the files are.
    """
    began = 0.0

    def called(phase: str, _: dict[str, int]) -> None:
        nonlocal began
        now = time.time()
        if phase == "start":
            began = now
        elif now - began >= _SHORTEST:
            # Opened each time: each forked process writes into a file of its own.
            with (folder / str(os.getpid())).open("a") as file:
                file.write(f"{began} {now}\n")

    gc.callbacks.append(called)

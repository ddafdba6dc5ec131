"""How a process speaks with the one that started it: in lines, over standard input and standard output."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import TextIO


class Answers:
    """Takes standard output; what others write there goes to the errors from now on."""

    def __init__(self) -> None:
        self._output: TextIO = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def say(self, text: str) -> None:
        """Write a line."""
        print(text, file=self._output, flush=True)


async def commands() -> AsyncIterator[list[str]]:
    """Read the words of each line of standard input, until it ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().split()

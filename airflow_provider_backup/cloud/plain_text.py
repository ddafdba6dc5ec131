"""Text that anybody can keep: what logs, databases and UTF-8 refuse is replaced, what is too long is cut."""

from __future__ import annotations

import re

_UNFIT = re.compile("[\0\ud800-\udfff]")


def plain_text(text: str, longest: int | None = None) -> str:
    """Return a text without NUL (PostgreSQL) and lone surrogates (UTF-8), each replaced by U+FFFD.

    :param text: any text.
    :param longest: most characters, 4 or more; a longer text ends with three dots. None leaves the length.
    """
    if longest is not None and len(text) > longest:
        text = text[: longest - 3] + "..."
    return text if text.isascii() and "\0" not in text else _UNFIT.sub("\ufffd", text)

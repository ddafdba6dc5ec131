"""Text that anybody can keep and show: what databases, UTF-8 and terminals mind is replaced, the too long is cut."""

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


def one_line(text: str, longest: int | None = None) -> str:
    """Return a text that is harmless in a log and in a message.

    It begins no other line, colours no terminal and turns no direction of writing: blanks of all kinds, line breaks
    included, become plain blanks, and all else that cannot be seen becomes U+FFFD. Not for what is sent or compared.

    :param text: any text.
    :param longest: most characters, 4 or more; a longer text ends with three dots. None leaves the length.
    """
    text = plain_text(text, longest)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " if each.isspace() else "\ufffd" for each in text)

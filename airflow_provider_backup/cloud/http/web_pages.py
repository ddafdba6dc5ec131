"""What a web page says that came in place of a service's answer: pure."""

from __future__ import annotations

import html
import re

_LONGEST_PAGE = 8_000
"""Characters that are read: the title stands at the beginning."""

_PAGE = re.compile(r"\s*<(!doctype|html|head|body|\?xml|!--)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]+)</title", re.IGNORECASE)
_NOT_SHOWN = re.compile(r"<!--.*?-->|<(script|style|head)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


def words_of_page(text: str) -> str | None:
    """Return the title of a page, or its text when it has none; none for what is no page.

    Gateways and proxies answer with pages of their own (access section 4).

    :param text: what came, whole or its beginning.
    """
    if not _PAGE.match(text):
        return None
    page = text[:_LONGEST_PAGE]
    title = _TITLE.search(page)
    words = title[1] if title else _NOT_SHOWN.sub(" ", page)
    return " ".join(html.unescape(words).split())

"""The documentation is written in the field's words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import API, PAGES, ROOT, name_of, without_code_blocks

WRITTEN = [
    page
    for page in PAGES
    # The list of words itself, what was released, and what `make bench` writes.
    if page.parent != API and page.name not in ("CONTRIBUTING.md", "CHANGELOG.md", "performance.md")
]
AVOIDED = re.compile(
    r"\b(go(?:es)? on with|(?:the )?time (?:is|was) over|somebody|whoever|nobody|everybody|busy.?wait\w*)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_a_page_has_none_of_the_words_that_are_avoided(page: Path) -> None:
    assert AVOIDED.findall(without_code_blocks(page.read_text(encoding="utf-8"))) == []


def test_the_list_of_words_is_where_contributors_read() -> None:
    assert "| the time is over |" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

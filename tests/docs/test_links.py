"""Every relative link in the documentation leads to a file, and its anchor to a heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, name_of, without_code_blocks

LINK = re.compile(r"\]\(([^)\s]+)\)")


def lost_links(page: Path, text: str) -> Iterator[str]:
    """Yield each relative link of a text that leads nowhere, seen from the page that it is on."""
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", without_code_blocks(text))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert list(lost_links(page, page.read_text(encoding="utf-8"))) == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached = {ROOT / "README.md"}
    following = [*reached]
    while following:
        page = following.pop()
        links = LINK.findall(without_code_blocks(page.read_text(encoding="utf-8")))
        found = {(page.parent / link.partition("#")[0]).resolve() for link in links if not re.match(r"[a-z]+:", link)}
        new = {path for path in found & set(PAGES) if path not in reached}
        reached |= new
        following += new

    assert [name_of(page) for page in PAGES if page not in reached and page.name != "CHANGELOG.md"] == []


@pytest.mark.parametrize("link", ["[a](missing.md)", "[a](#no-such-heading)", "[a](README.md#no-such-heading)"])
def test_a_link_that_leads_nowhere_is_noticed(link: str) -> None:
    assert list(lost_links(PAGES[0], link))

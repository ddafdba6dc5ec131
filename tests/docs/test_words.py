"""Documentation and code are written in the field's words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import API, PAGES, ROOT, name_of, tracked_files, without_code_blocks

WRITTEN = [
    page
    for page in PAGES
    # The list of words itself, what was released, and what `make bench` writes.
    if page.parent != API and page.name not in ("CONTRIBUTING.md", "CHANGELOG.md", "performance.md")
]
AVOIDED = re.compile(
    r"\b([Gg]o(?:es)? on with|(?:[Tt]he )?time (?:is|was) over|[Bb]usy.?[Ww]ait\w*"
    # In quotes it is the name of a user.
    r"|[Ss]omebody|[Ww]hoever|(?<![\"`])[Nn]obody|[Ee]verybody)\b"
)


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_a_page_has_none_of_the_words_that_are_avoided(page: Path) -> None:
    assert AVOIDED.findall(without_code_blocks(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("folder", ["airflow_provider_backup", "benchmarks", "example_dags"])
def test_the_code_has_none_of_the_words_that_are_avoided(folder: str) -> None:
    found = {
        name_of(file): AVOIDED.findall(file.read_text(encoding="utf-8")) for file in tracked_files(f"{folder}/*.py")
    }

    assert {name: words for name, words in found.items() if words} == {}


def test_the_list_of_words_is_where_contributors_read() -> None:
    assert "| the time is over |" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_glossary_has_the_words_of_the_field_in_order() -> None:
    rows = re.findall(
        r"^\| (?!word|---)([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    words = {word.strip() for row in rows for word in row.split(",")}
    expected = (
        "waiter, poll, poll cycle, adopt, retry, transient error, timeout, rate limiting, concurrency slot, "
        "terminal state, submit, idempotency key, submission record, long-running operation, pagination, manifest"
    )

    assert set(expected.split(", ")) <= words
    assert rows == sorted(rows)

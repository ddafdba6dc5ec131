"""Every section of an API page that code, tests and documentation cite exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import API, PAGES, headings, name_of, tracked_files

CITED_AS = {
    name.lower(): API / page
    for name, page in re.findall(r"^\| (\w+) \| \[[^]]+\]\(([^)]+)\) \|", (API / "README.md").read_text(), re.MULTILINE)
}
NUMBER = r"\d+(?:\.\d+)*"
NUMBERS = rf"{NUMBER}(?: \([^)]*\))?(?:(?:, and|,| and| to) {NUMBER}(?: \([^)]*\))?)*"
CITATION = re.compile(rf"(?:(\w+) )?\b[Ss]ections? ({NUMBERS})(?:, row (\d+))?")
WITHOUT_THE_WORD = re.compile(rf"\b(?:{'|'.join(CITED_AS)}) \d+(?:\.\d+)*\b(?= *[).,;])", re.IGNORECASE)
FILES = [file for file in tracked_files("*.py") if file.parent != Path(__file__).parent]
REFERENCE = re.compile(rf"(?:(DB|CBR) sheet )?§({NUMBER})(?: of the (DB|CBR) sheet)?")
SHEETS = {"": "", "DB": "databases", "CBR": "cbr"}


def sections(page: Path) -> set[str]:
    """Return the numbers of the sections of an API page."""
    return {found[1] for heading in headings(page) if (found := re.match(rf"({NUMBER})\.? ", heading))}


def rows(page: Path, section: str) -> set[str]:
    """Return the numbers of the numbered rows in the tables of a section."""
    text = re.split(rf"^#+ {re.escape(section)}\.? .*$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    return set(re.findall(r"^\| (\d+)\b", re.split(r"^#", text, flags=re.MULTILINE)[0], re.MULTILINE))


def one_line(text: str) -> str:
    """Return a text without its line breaks and the marks of comments that follow them."""
    return re.sub(r"\s*\n\s*(?:# )?", " ", text)


def faults(text: str) -> Iterator[str]:
    """Yield each citation that does not lead to a section, with the reason."""
    for short in WITHOUT_THE_WORD.findall(one_line(text)):
        yield f"{short!r} should say 'section'"
    for found in CITATION.finditer(one_line(text)):
        page = CITED_AS.get((found[1] or "").lower())
        if page is None:
            yield f"{found[0]!r} names no page; they are {', '.join(CITED_AS)}"
            continue
        cited = re.findall(NUMBER, re.sub(r"\([^)]*\)", "", found[2]))
        yield from (f"{found[0]!r}: {page.name} has no section {n}" for n in cited if n not in sections(page))
        if found[3] and found[3] not in rows(page, cited[-1]):
            yield f"{found[0]!r}: that section of {page.name} has no row {found[3]}"


def test_the_index_names_every_api_page() -> None:
    assert {*CITED_AS.values(), API / "README.md"} == set(API.glob("*.md"))


def test_every_citation_in_the_code_leads_to_a_section() -> None:
    found = {name_of(file): list(faults(file.read_text(encoding="utf-8"))) for file in FILES}

    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent != API], ids=name_of)
def test_every_citation_in_the_documentation_leads_to_a_section(page: Path) -> None:
    assert list(faults(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("page", CITED_AS.values(), ids=name_of)
def test_every_reference_inside_an_api_page_leads_to_a_section(page: Path) -> None:
    lost = []
    for before, number, after in REFERENCE.findall(page.read_text(encoding="utf-8")):
        target = CITED_AS.get(SHEETS[before or after], page)
        if number not in sections(target):
            lost.append(f"§{number} of {target.name}")

    assert lost == []


@pytest.mark.parametrize(
    "text",
    [
        "Source: CBR section 99.",
        "Source: CBR sections 3 (statuses), 4 (policies)\n    and 99.",
        "Source: CBR sections 3\n# to 99.",
        "CSBS section 11, row 99",
        "section 4.1, code 0308",
        "host pattern (access 3)",
        "Source: some page, section 3",
    ],
)
def test_a_citation_that_leads_nowhere_is_noticed(text: str) -> None:
    assert list(faults(text))


def test_the_code_cites_the_pages_at_all() -> None:
    assert sum(len(CITATION.findall(one_line(file.read_text(encoding="utf-8")))) for file in FILES) > 250

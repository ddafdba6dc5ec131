"""What authors read of operators, sensors and hooks is made of whole sentences."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "airflow_provider_backup"
FILES = [
    *(
        file
        for layer in ("operators", "sensors", "task_groups", "hooks", "triggers")
        for file in (PACKAGE / layer).rglob("*.py")
    ),
    *PACKAGE.glob("*.py"),
]
PARTS = re.compile(r"\n\n|\n(?=:(?:param|return|raises)\b)|\n(?= *\* )")
BEFORE_A_LIST = re.compile(r":(?=\n\n(?: +\* |:param ))")
BEGINNING = re.compile(r"[A-Z0-9`:]")


def texts(file: Path) -> Iterator[str]:
    """Yield the paragraphs and fields of the docstrings of a file, one line each."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = BEFORE_A_LIST.sub(".", ast.get_docstring(node) or "")
            yield from (" ".join(text.split()) for text in PARTS.split(docstring) if text.strip())


def torn(text: str) -> bool:
    """Whether a text has a sentence without its beginning or its end."""
    text = re.sub(r"``[^`]*``", "`code`", text).removeprefix("* ")
    field = re.match(r":(param|return|raises)\b[^:]*: (.*)", text)
    sentences = re.split(r"(?<=[.?!]) +", field[2] if field else text)
    begins = all(BEGINNING.match(sentence) for sentence in (sentences[1:] if field else sentences))
    return not begins or not text.endswith(".") or re.search(r"\b(or|and) \(templated\)", text) is not None


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_every_sentence_of_a_docstring_has_a_beginning_and_an_end(file: Path) -> None:
    assert [text for text in texts(file) if torn(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Execute a policy now. protecting becomes available.",
        ":param retention_num: backups kept; or (templated)",
        ":param week_backups: weeks",
    ],
)
def test_a_torn_text_is_noticed(text: str) -> None:
    assert torn(text)

"""The pages of the documentation, read as text: their headings, anchors and prose."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
API = ROOT / "docs" / "api"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
"""Every page that is kept by hand or written by a command."""


def name_of(path: Path) -> str:
    """Return the path of a file, seen from the root of the checkout."""
    return path.relative_to(ROOT).as_posix()


def without_code_blocks(text: str) -> str:
    """Return a page without its fenced blocks; lines keep their numbers."""
    return re.sub(r"^```.*?^```", lambda block: "\n" * block[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL)


def headings(page: Path) -> list[str]:
    """Return the headings of a page, as they are written, without the ``#``."""
    return re.findall(r"^#{1,6} +(.*?)\s*$", without_code_blocks(page.read_text(encoding="utf-8")), re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a page."""
    seen: Counter[str] = Counter()
    result = set()
    for heading in headings(page):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        result.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return result


def tracked_files(*patterns: str) -> list[Path]:
    """Return the files that git knows or would add, by pattern."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).exists()]

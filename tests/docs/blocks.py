"""The code blocks of a Markdown file, by heading."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def without_code(text: str) -> str:
    """The text with its fenced blocks blanked, every other character in its place."""
    return FENCE.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)


def code_blocks(file: str, heading: str | None = None, language: str = "python") -> list[str]:
    """The code of a file's fenced blocks in one language, below one heading or all of them.

    Fails where there is none: a test of what was renamed would test nothing.
    """
    text = Path(ROOT, file).read_text()
    if heading is not None:
        # A shell's comment begins like a heading.
        headings = list(HEADING.finditer(without_code(text)))
        starts = [one.end() for one in headings if one[1] == heading]
        if not starts:
            pytest.fail(f"{file} has no heading {heading!r}")
        later = [one.start() for one in headings if one.start() > starts[0]]
        text = text[starts[0] : later[0] if later else None]
    found = [code for told, code in FENCE.findall(text) if told == language]
    if not found:
        pytest.fail(f"{file} has no {language} block below {heading!r}")
    return found


def run(code: str, file: str, **names: object) -> dict:
    """The names that a block of Python leaves behind, these among those that it finds."""
    known = {"__name__": Path(file).stem, **names}
    exec(compile(code, file, "exec"), known)
    return known

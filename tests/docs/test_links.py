"""Every link, command, target, module and variable that the documents name is there."""

import importlib.util
import re

import pytest
from typer.main import get_command

from tests.conftest import ROOT
from tests.docs.blocks import HEADING, without_code
from xraycore import config
from xraycore.cli import main  # noqa: F401  (it registers the commands)
from xraycore.cli.app import app

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "weights").glob("*.md")]
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`|^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?<!import )\bxraycore ([a-z][a-z-]*)")
_TARGET = re.compile(r"^\s*make ([a-z][a-z -]*?)\s*(?:#.*)?$", re.MULTILINE)
_VARIABLE = re.compile(r"\bXRAYCORE_[A-Z_]+\b")
# By whoever follows what CONTRIBUTING.md says.
_MADE_LATER = ("tests/pages/hello/", "tests/imaging/found/")
_MODULE = re.compile(r"-m (tools[\w.]*)")

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)


def anchors(text):
    """The anchors that GitHub and the site give to a document's headings."""
    headings = (match[1] for match in HEADING.finditer(without_code(text)))
    return {re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in headings}


def code(text):
    """What a document sets as code, in lines and in blocks."""
    return [line or block for line, block in _CODE.findall(text)]


@documents
def test_links_lead_somewhere(document):
    """Relative ones: to a file, and to a heading in it."""
    for link in _LINK.findall(without_code(document.read_text())):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        # The API reference is written when the site is built.
        assert target.exists(), f"{document.name}: {link}"
        if anchor:
            assert anchor in anchors(target.read_text()), f"{document.name}: {link}"


@documents
def test_commands_are_there(document):
    """As `xraycore COMMAND` or `python -m xraycore COMMAND`."""
    known = get_command(app).commands
    named = {name for piece in code(document.read_text()) for name in _COMMAND.findall(piece)}
    assert named <= {*known}, f"{document.name}: {named - {*known}}"


@documents
def test_targets_of_make_are_there(document):
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word
        for piece in code(document.read_text())
        for words in _TARGET.findall(piece)
        for word in words.split()
    }
    assert named <= known, f"{document.name}: {named - known}"


@documents
def test_variables_are_read(document):
    """Of the environment, by `xraycore.config`, where all of them are named."""
    found = _VARIABLE.findall(document.read_text())
    # Those of a PACS have its name in theirs.
    named = {name for name in found if not name.startswith(config.XRAYCORE_PACS_)}
    assert named <= {*vars(config)}, f"{document.name}: {named - {*vars(config)}}"


def test_deployers_are_told_of_every_variable():
    told = set(_VARIABLE.findall((ROOT / "docs" / "deployers.md").read_text()))
    assert told == {name for name in vars(config) if name.startswith("XRAYCORE_")}


def test_engineers_are_told_of_every_command():
    """Once each, in the table."""
    rows = re.findall(r"^\| `([a-z-]+)", (ROOT / "docs" / "engineers.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(get_command(app).commands)


@documents
def test_modules_of_the_tools_are_there(document):
    for name in _MODULE.findall(document.read_text()):
        assert importlib.util.find_spec(name.rstrip(".")), f"{document.name}: {name}"


@documents
def test_packages_are_there(document):
    """Dotted names below `xraycore` and `pages`, as far as they are modules."""
    for piece in code(without_code(document.read_text())):
        for name in re.findall(r"(?<![\w/])(?:xraycore|pages)(?:\.[a-z_]+)+\b", piece):
            parts = name.split(".")
            found = ROOT.joinpath(*parts)
            within = ROOT.joinpath(*parts[:-1])
            module = found.is_dir() or found.with_suffix(".py").is_file()
            # Else the last word is a name in a module.
            file = within / "__init__.py" if within.is_dir() else within.with_suffix(".py")
            assert module or re.search(rf"\b{parts[-1]}\b", file.read_text()), (
                f"{document.name}: {name}"
            )


@documents
def test_files_that_are_named_are_there(document):
    """Paths of the repository that are set as code, but for what is made later."""
    top = {one.name for one in ROOT.iterdir()} - {"runs", ".venv", "docs"}
    for piece in code(without_code(document.read_text())):
        path = re.fullmatch(r"[\w./-]+\.(?:py|md|toml|yml|txt)|[\w./-]+/", piece)
        if path and piece.split("/")[0] in top and piece not in _MADE_LATER:
            assert (ROOT / piece).exists(), f"{document.name}: {piece}"

"""The README's lines run, and what is said of licences, versions and citing is so."""

import json
import re
import tomllib

import cv2
import pytest
import yaml

from tests.conftest import ROOT
from tests.docs.blocks import code_blocks, run
from xraycore.config import VERSION
from xraycore.datasets.samples import phantom_film
from xraycore.imaging.overlay import to_uint8

CARDS = sorted(file.parent.name for file in (ROOT / "weights").glob("*/card.json"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a generated film under the names that the documents use."""
    folder = tmp_path_factory.mktemp("films")
    film = phantom_film(3, opacity=True)
    for name in ("film.png", "film.dcm"):
        # Files are told apart by content, so a PNG by any name is read.
        (folder / name).write_bytes(cv2.imencode(".png", to_uint8(film.pixels))[1].tobytes())
    return folder


@pytest.mark.parametrize("document", ["README.md", "docs/index.md"])
def test_the_lines_of_python_run(document, folder, monkeypatch):
    """On a generated film, with the shipped weights, and give what the comments say."""
    monkeypatch.chdir(folder)
    (block,) = code_blocks(document)
    found = run(block, document)
    xray, prediction, heat = found["xray"], found["prediction"], found["heat"]
    assert xray.pixels.min() >= 0 and xray.pixels.max() <= 1
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.label in prediction.probabilities
    assert heat.target == prediction.label
    assert found["picture"].shape == (*xray.pixels.shape, 3)
    assert found["picture"].dtype == "uint8"


def test_examples_in_docstrings_run(folder, monkeypatch, tmp_path):
    """Of the package, and of reading studies in a database of their own."""
    import xraycore
    import xraycore.reader_study

    monkeypatch.chdir(folder)
    found = run(_example(xraycore), "xraycore")
    assert found["picture"].ndim == 3

    monkeypatch.setenv("XRAYCORE_DATABASE", f"sqlite:///{tmp_path}/reviews.sqlite3")
    made = run(
        _example(xraycore.reader_study),
        "reader_study",
        xray=found["xray"],
        heat=found["heat"],
    )
    (entry,) = made["reviews"].worklist(made["reader"], made["study"])
    (review,) = made["reviews"].results(made["study"])
    assert (review.answer.verdict, review.answer.grade) == ("agree", 4)
    assert entry.item == review.item


def _example(module):
    """The code of a docstring's example."""
    text = module.__doc__.partition("Example::\n")[2]
    return re.sub(r"^    ", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", CARDS)
def test_the_licence_of_the_weights_names_what_a_card_names(name):
    """Each data set that a card cites, beside the network; with the same DOI or arXiv id."""
    text = (ROOT / "weights" / "LICENSE.md").read_text()
    card = json.loads((ROOT / "weights" / name / "card.json").read_text())
    cited = [one["citation"] for one in card.get("data", {}).values()]
    cited += [one["citation"] for one in card.get("external", {}).values()]
    cited += [card["training"]["citation"]] if "citation" in card["training"] else []
    assert cited
    for citation in cited:
        for identifier in re.findall(r"(?:doi:|arXiv:)[\w./-]+\w", citation):
            assert identifier in text, f"{name}: {identifier}"
    made_from = text.partition("## Films that")[2].partition("## ")[0]
    rows = [row for row in made_from.splitlines() if row.startswith("| `")]
    for source in card.get("data", {}):
        assert any(f"`{source}`" in row and name in row for row in rows), f"{name}: {source}"


def test_the_citation_can_be_read():
    """By the Citation File Format 1.2.0: what it requires, and the version of the package."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "type"} <= {*cited}
    assert all(author["name"] for author in cited["authors"])
    assert cited["version"] == VERSION
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", cited["date-released"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["license"] == project["license"]


def test_the_changelog_has_the_version_and_what_is_to_come():
    """Headings as Keep a Changelog has them, newest first."""
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert versions[1].split(" - ")[0] == VERSION
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize(
    "file",
    [
        ".pre-commit-config.yaml",
        *(str(f.relative_to(ROOT)) for f in (ROOT / ".github").rglob("*.yml")),
    ],
)
def test_settings_can_be_read_and_hold_no_path_of_a_machine(file):
    text = (ROOT / file).read_text()
    assert yaml.safe_load(text)
    assert not re.search(r"/root/|/home/|/work/|/Users/|\.venv/bin", text)


def test_pull_requests_are_tested_as_here():
    """By the one script that says what a clean machine needs."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert runs == ["bash .ci/run"]

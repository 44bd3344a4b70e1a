"""The site builds without a warning, from the code as it is, and asks no other host for a thing."""

import os
import pkgutil
import re
import subprocess
import sys

import pytest

import xraycore
from tests.conftest import ROOT

# What a browser fetches by itself; a link that is clicked is none.
_FETCHED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"'](?:https?:)?//"
    r"|<link\b[^>]*\bhref=[\"'](?:https?:)?//"
    r"|url\([\"']?(?:https?:)?//"
    r"|@import\s+[\"'](?:https?:)?//"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "docs", str(folder)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_there(site):
    """Guides, what was measured, and a reference of each package with its functions."""
    for document in (ROOT / "docs").glob("*.md"):
        assert (site / f"{document.stem}.html").is_file()
    reference = (site / "api" / "xraycore.models.html").read_text()
    assert 'id="xraycore.models.classifier.load_model"' in reference
    assert "The trained classifier of that name" in reference


@pytest.mark.slow
def test_every_module_is_described(site):
    """But for commands, which have their help, and what is the database's own."""
    described = set()
    for page in (site / "api").glob("xraycore.*.html"):
        described |= set(re.findall(r'id="module-([\w.]+)"', page.read_text()))
    own = ("xraycore.cli", "xraycore.reader_study.migrations", "xraycore.reader_study.tables")
    modules = {
        one.name
        for one in pkgutil.walk_packages(xraycore.__path__, "xraycore.")
        if not one.name.startswith((*own, "xraycore.__main__"))
    }
    assert described == modules


@pytest.mark.slow
def test_nothing_is_fetched_from_another_host(site):
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(files) > 20
    for file in files:
        found = _FETCHED.search(file.read_text())
        assert found is None, f"{file.name}: {found[0]}"


def test_the_walk_is_drawn_from_the_code(monkeypatch, tmp_path):
    """The picture that is committed is what the source gives; `make docs` draws it anew."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    import walk

    walk.write(tmp_path / "walk.svg")
    drawn = (tmp_path / "walk.svg").read_text()
    assert drawn == (ROOT / "docs" / "images" / "walk.svg").read_text(), "run: make docs"


def test_a_step_that_the_code_lacks_is_an_error(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import walk

    for place in ("xraycore.nowhere:read", "xraycore.imaging.radiograph:nothing"):
        with pytest.raises(LookupError, match="docs/walk.py"):
            walk.check(walk.Step("Radiograph", place, ""))
    returns_other = walk.Step("Heatmap", "xraycore.imaging.radiograph:read_radiograph", "")
    monkeypatch.setattr(walk, "WALK", (returns_other,))
    with pytest.raises(LookupError, match="returns Radiograph, not Heatmap"):
        walk.check(returns_other)

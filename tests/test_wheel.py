"""A wheel, built and installed into an empty environment: what `pip install xraycore` gives."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from xraycore.datasets.synthetic.phantom import make_phantom

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
# The smallest model, and what finds the lungs for it.
NEEDED = ("basic_cnn", "lungs")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def call(wheel, tmp_path_factory):
    """`call(command, *arguments, **environment)` of the installed package, far from the clone."""
    place = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", place / "env"], check=True)
    pip = [place / "env/bin/python", "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, wheel], check=True)
    own = {key: value for key, value in os.environ.items() if not key.startswith("XRAYCORE_")}
    own |= {"XDG_DATA_HOME": str(place / "data"), "HOME": str(place), "PYTHONPATH": ""}

    def run(command, *arguments, **environment):
        return subprocess.run(
            [place / "env/bin" / command, *map(str, arguments)],
            cwd=place,
            env={**own, **environment},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    file = tmp_path_factory.mktemp("films") / "film.png"
    cv2.imwrite(str(file), np.round(255 * make_phantom(0).pixels).astype(np.uint8))
    return file


def test_the_wheel_holds_the_library_and_what_it_reads(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    folders = {name.partition("/")[0] for name in names}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert folders == {"xraycore", f"xraycore-{version}.dist-info"}
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "xraycore"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert {name for name in names if name.startswith("xraycore/")} == set(tracked)
    assert {"xraycore/py.typed", "xraycore/report/templates/film.html"} <= names


def test_an_empty_environment_predicts_with_installed_weights(call, film, tmp_path, run_cli):
    without = call("xraycore", "predict", film)
    assert without.returncode == 2
    assert "Set XRAYCORE_WEIGHTS to a folder with weights" in without.stderr
    assert "xraycore weights install FILE" in without.stderr

    store, archive = tmp_path / "store", tmp_path / "weights.zip"
    store.mkdir()
    for name in NEEDED:
        (store / name).symlink_to(ROOT / "weights" / name)
    packed = call("xraycore", "weights", "pack", archive, XRAYCORE_WEIGHTS=str(store))
    assert packed.returncode == 0, packed.stderr
    wrong = call("xraycore", "weights", "install", archive, "--sha256", "0" * 64)
    assert wrong.returncode == 2
    installed = call("xraycore", "weights", "install", archive, "--json")
    assert json.loads(installed.stdout)["models"] == list(NEEDED), installed.stderr

    found = call("xraycore", "predict", film, "--json")
    assert found.returncode == 0, found.stderr
    _, expected, _ = run_cli("predict", film, "--model", "basic_cnn", "--json")
    told, wanted = json.loads(found.stdout), json.loads(expected)
    assert told["probabilities"] == pytest.approx(wanted["probabilities"], abs=1e-4)
    assert told["label"] == wanted["label"]


def test_it_explains_with_a_clones_weights(call, film, tmp_path):
    options = ("--model", "basic_cnn", "--method", "smooth_grad", "--out", tmp_path)
    found = call("xraycore", "explain", film, *options, XRAYCORE_WEIGHTS=str(ROOT / "weights"))
    assert found.returncode == 0, found.stderr
    assert np.load(tmp_path / "film.basic_cnn.smooth_grad.npy").max() > 0


def test_what_an_extra_brings_is_named_where_it_is_missing(call, film, tmp_path):
    for name in ("Normal", "Opacity"):
        (tmp_path / name).mkdir()
        shutil.copy(film, tmp_path / name)
    missing = call("xraycore", "audit", tmp_path)
    assert missing.returncode == 2
    assert "pip install 'xraycore[train]'" in missing.stderr


def test_it_knows_its_version(call):
    told = call("python", "-c", "import xraycore; print(xraycore.__version__)")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert told.stdout.strip() == project["version"], told.stderr

"""The examples run, small, and say and write what they promise."""

import importlib.util
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from xraycore.config import NOTICE
from xraycore.datasets.samples import phantom_film
from xraycore.datasets.synthetic.phantom import write_phantoms
from xraycore.imaging.overlay import to_uint8


def load(name):
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.py")), ids=lambda f: f.stem)
def test_an_example_is_read_in_one_go(file):
    """Short, with a first line that says what it is, and it says what it is not for."""
    text = file.read_text()
    assert len(text.splitlines()) < 60
    assert "never for diagnosis" in text.split('"""')[1]


def test_explain_with_five_networks(tmp_path, capsys):
    """Of a generated film: each answer, whether they agree, and the picture."""
    picture = tmp_path / "side-by-side.png"
    models = ["basic_cnn", "vgg16"]
    load("explain_with_five_networks").main(["--out", str(picture), "--models", *models])
    said = capsys.readouterr().out
    assert said.startswith(f"synthetic-opacity-3.png. {NOTICE}")
    assert "\nBasic CNN: " in said and "\nVGG16: " in said
    assert "models say" in said or "models disagree" in said
    assert said.endswith("no proof that it is right.\n")

    panels = np.hsplit(np.asarray(Image.open(picture)).astype(int), 1 + len(models))
    assert all(panel.shape == (768, 768, 3) for panel in panels)
    assert np.ptp(panels[0], axis=2).max() == 0, "the first panel is the plain film, grey"
    assert any(np.ptp(panel, axis=2).max() > 10 for panel in panels[1:]), "heat has a colour"


def test_explain_warns(tmp_path, capsys):
    """Of a file of one's own that is no film as these networks know them."""
    negative = tmp_path / "negative.png"
    cv2.imwrite(str(negative), 255 - to_uint8(phantom_film(3, opacity=True).pixels))
    options = ["--out", str(tmp_path / "out.png"), "--models", "basic_cnn"]
    load("explain_with_five_networks").main([str(negative), *options])
    said = capsys.readouterr().out
    assert said.startswith("negative.png. ") and "\nWarning: " in said


def test_explain_takes_its_models_from_the_store():
    """Five of them, as its name says."""
    assert len(load("explain_with_five_networks").list_trained()) == 5


@pytest.mark.slow
def test_train_on_your_folder(tmp_path, monkeypatch, capsys):
    """It trains, keeps apart from the shipped networks, and shows films of both classes."""
    # Put back afterwards: the example sets it.
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path / "none"))
    write_phantoms(tmp_path / "films", per_class=10, size=96)
    load("train_on_your_folder").main(
        [str(tmp_path / "films"), "--out", str(tmp_path), "--epochs", "1"]
    )
    said = capsys.readouterr().out
    card = json.loads((tmp_path / "weights" / "basic_cnn" / "card.json").read_text())
    assert card["classes"] == ["Normal", "Opacity"]
    assert said.startswith(NOTICE)
    assert f" of {card['scores']['all']['accuracy']['n']} test films (95 % interval " in said
    assert "is Normal, called " in said and "is Opacity, called " in said
    pictures = list(tmp_path.glob("*.overlay.png"))
    assert len(pictures) == said.count(", called ") >= 2
    assert {cv2.imread(str(picture)).shape for picture in pictures} == {(96, 96, 3)}
    assert "another hospital" in said.splitlines()[-1]

"""What CONTRIBUTING.md says how to add is added so, and works."""

import shutil
import tomllib

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import xraycore as xc
from tests.conftest import ROOT
from tests.docs.blocks import code_blocks, run
from xraycore.attribution.registry import METHODS
from xraycore.datasets.manifest import read_manifest
from xraycore.datasets.splits import assign_splits
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.models.architectures import build_network
from xraycore.models.classifier import Classifier
from xraycore.models.registry import MODELS

FILE = "CONTRIBUTING.md"


def test_a_network_is_an_entry_and_a_function(monkeypatch, film):
    """Registered as said it is listed, built, asked and explained, by a finer layer too."""
    (block,) = code_blocks(FILE, "Add a network")
    spec = run(block, FILE)["entry"]
    monkeypatch.setitem(MODELS, spec.name, spec)
    assert xc.list_models()[-1] == "tiny"

    network = build_network(spec, 2)
    assert network.get_layer(spec.feature_layer).output.shape == (None, 14, 14, 16)
    model = Classifier(spec, network, ("Normal", "Opacity"), card={})
    answer = model.predict(film)
    assert answer.features.shape == (14, 14, 16)
    for method in ("grad_cam", "fused"):
        assert xc.explain(model, answer, method=method).on(film).shape == film.pixels.shape


def test_a_method_is_an_entry_and_a_function(monkeypatch, film, random_classifier):
    """Registered as said it explains; on these networks CAM is Grad-CAM but for its scale."""
    (block,) = code_blocks(FILE, "Add a heatmap method")
    method = run(block, FILE)["entry"]
    monkeypatch.setitem(METHODS, method.name, method)
    assert xc.list_methods()[-1] == "cam"

    model = random_classifier("basic_cnn", 64)
    answer = model.predict(film)
    heat = xc.explain(model, answer, method="cam").values
    assert heat.dtype == np.float32 and heat.min() >= 0
    grad_cam = xc.explain(model, answer, method="grad_cam").values
    np.testing.assert_allclose(heat / heat.max(), grad_cam / grad_cam.max(), rtol=1e-4, atol=1e-6)


def test_a_csv_file_is_a_data_set(tmp_path, monkeypatch):
    """Its labels are matched, and a patient's films share a group."""
    monkeypatch.chdir(tmp_path)
    run(code_blocks(FILE, "Add a data set layout")[0], FILE)
    records = read_manifest("labels.csv").records
    assert [record.label for record in records] == ["Normal", "COVID-19", "COVID-19"]
    groups = [record.group.partition("/")[2] for record in records]
    assert groups == ["patient 1", "patient 2", "patient 2"]


def test_a_layout_is_a_function_to_records(tmp_path):
    """No patient of a folder read as said lies in two splits."""
    read = run(code_blocks(FILE, "Add a data set layout")[1], FILE)["read_by_patient"]
    for patient in range(12):
        for number in range(2):
            opacity = bool(patient % 2)
            name = f"{('Normal', 'Opacity')[opacity]}-{number}.png"
            film = tmp_path / "hospital" / f"p{patient}" / name
            film.parent.mkdir(parents=True, exist_ok=True)
            pixels = make_phantom(10 * patient + number, opacity=opacity, size=32).pixels
            cv2.imwrite(str(film), (pixels * 255).astype(np.uint8))
    manifest = read(tmp_path / "hospital")
    assert len(manifest.records) == 24
    assert len({record.group for record in manifest.records}) == 12
    split = assign_splits(manifest)
    assert {record.split for record in split.records} == {"train", "val", "test"}
    assert split.crossing() == {}


def test_a_page_is_a_folder_and_a_line(tmp_path, monkeypatch):
    """The page as said shows its title and what it reads, below the line as said."""
    page, line = code_blocks(FILE, "Add a page")
    folder = tmp_path / "pages" / "hello"
    folder.mkdir(parents=True)
    (folder / "page.py").write_text(page)
    entry = tmp_path / "streamlit_app.py"
    entry.write_text(f"import streamlit as st\n\nst.navigation([{line.strip()}]).run()\n")
    # With the app's own settings, or it would not know that it answers this computer only.
    shutil.copytree(ROOT / ".streamlit", tmp_path / ".streamlit")
    monkeypatch.chdir(tmp_path)
    app = AppTest.from_file(str(entry), default_timeout=120).run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Hello"]
    assert "**VGG16**: Simonyan" in " ".join(text.value for text in app.markdown)


def test_two_contracts_name_each_page():
    """As CONTRIBUTING.md says of a new one."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    naming = [one for one in contracts["contracts"] if "pages.review" in str(one)]
    assert len(naming) == 2


@pytest.mark.parametrize("heading", ["Mutation run", "Load run", "Fuzzing", "Results", "Set-up"])
def test_what_is_run_by_hand_has_its_section(heading):
    """Where someone looks for the command."""
    assert f"\n## {heading}\n" in (ROOT / FILE).read_text()

import json

import pytest

from tools.results import attribution as explanations
from tools.results.attribution import write_explanations
from xraycore.attribution.metrics.randomisation import RANDOMISATION_FILE, stored_verdict
from xraycore.attribution.registry import METHODS

WEIGHTS = {"vgg16": "ab", "basic_cnn": "ef"}
KEYS = ("hit", "iou", "energy_in_mask", "energy_in_lungs", "auprc")


def scores(value: float) -> dict:
    """All scores the same, a tenth of uncertainty either way."""
    return {key: {"value": value, "low": value - 0.1, "high": value + 0.1} for key in KEYS}


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A folder of measurements made up by hand, and a folder of weights without a model."""
    weights = tmp_path / "weights"
    weights.mkdir()
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(weights))
    rows = {
        "vgg16": {"grad_cam": {"half": 0.12, "all": 0.03, "passes": True}},
        "basic_cnn": {
            "grad_cam": {"half": 0.2, "all": 0.1, "passes": True},
            "eigen_cam": {"half": 0.8, "all": 0.6, "passes": False},
        },
    }
    (weights / RANDOMISATION_FILE).write_text(
        json.dumps({"films": 3, "seed": 0, "limit": 0.5, "weights": WEIGHTS, "rows": rows})
    )
    found = {
        "lungs": "lung_masks",
        "films": 300,
        "target": "COVID-19",
        "weights": WEIGHTS,
        "rows": {
            "baseline": {
                "random point in the lungs": scores(0.53),
                "brightness in the lungs": scores(0.7),
            },
            "vgg16": {"grad_cam": scores(0.6)},
            "basic_cnn": {"grad_cam": scores(0.75), "eigen_cam": scores(0.2)},
        },
    }
    folder = tmp_path / "measured"
    folder.mkdir()
    (folder / "localisation.json").write_text(json.dumps(found))
    return folder


def test_what_was_measured_is_written(measured, tmp_path):
    write_explanations(measured, tmp_path / "explanations.md")
    text = (tmp_path / "explanations.md").read_text()
    for method in METHODS.values():
        assert f"| {method.title} | {method.summary} |" in text
    # In the registries' order.
    assert "| method | Basic CNN | VGG16 |" in text
    assert "| Eigen-CAM | 0.80 / 0.60 **fails** | – |" in text
    assert "hits in 53 % of films" in text
    assert "needs no network, in 70 %" in text
    assert "| VGG16 | Grad-CAM | 0.600 [0.500, 0.700] |" in text
    assert "chosen on these films: Grad-CAM of Basic CNN, hit rate 0.750 [0.650, 0.850]" in text
    assert (
        "(asked for: 0.72, **met**), energy in the lungs 0.750 (asked for: 0.8, **missed**)" in text
    )


def test_target_and_lungs_are_those_that_were_measured(measured, tmp_path):
    file, report = measured / "localisation.json", tmp_path / "explanations.md"
    write_explanations(measured, report)
    assert "is of the drawn lungs, without the rim" in report.read_text()
    assert "of the heat for COVID-19, whatever" in report.read_text()
    found = json.loads(file.read_text()) | {"lungs": None, "target": "Viral pneumonia"}
    file.write_text(json.dumps(found))
    write_explanations(measured, report)
    assert "is of the lungs that the segmenter finds, without the rim" in report.read_text()
    assert "of the heat for Viral pneumonia, whatever" in report.read_text()
    assert "COVID-19" not in report.read_text()


def test_what_was_not_measured_is_told(measured, tmp_path):
    write_explanations(measured, tmp_path / "explanations.md")
    text = (tmp_path / "explanations.md").read_text()
    assert (
        "Not measured, for what it takes:\n\n- Basic CNN: Against Normal, Against other kinds, "
        in text
    )
    assert "\n- VGG16: Against Normal, Against other kinds, " in text


def test_a_model_that_was_shipped_again_was_not_measured(measured, tmp_path, monkeypatch):
    monkeypatch.setattr(explanations, "list_trained", lambda: ["basic_cnn", "vgg16"])
    cards = {"basic_cnn": {"weights": {"sha256": "new"}}, "vgg16": {"weights": {"sha256": "ab"}}}
    monkeypatch.setattr(explanations, "read_card", cards.get)
    write_explanations(measured, tmp_path / "explanations.md")
    text = (tmp_path / "explanations.md").read_text()
    assert "| method | VGG16 |" in text
    assert "Basic CNN" not in text
    assert "Grad-CAM of VGG16, hit rate 0.600" in text


def test_what_was_tried_is_told(measured, tmp_path):
    (measured / "localisation.txt").write_text("Longer training brought nothing.\n")
    write_explanations(measured, tmp_path / "explanations.md")
    assert "Longer training brought nothing." in (tmp_path / "explanations.md").read_text()


def test_what_was_measured_is_known_of_these_weights(measured):
    assert stored_verdict("eigen_cam", "basic_cnn") is False
    assert stored_verdict("eigen_cam", "vgg16") is None
    assert stored_verdict("grad_cam", "vgg16", "ab") is True
    # Measured on other weights.
    assert stored_verdict("grad_cam", "vgg16", "cd") is None
    assert stored_verdict("grad_cam", "basic_cnn", "ab") is None
    assert stored_verdict("rise", "vgg16") is None


def test_without_measurements_nothing_is_claimed(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    assert all(stored_verdict(method, "vgg16") is None for method in METHODS)
    write_explanations(tmp_path, tmp_path / "explanations.md")
    text = (tmp_path / "explanations.md").read_text()
    assert "## The randomisation test\n\nNot measured for these weights." in text
    assert "Where the truth" not in text

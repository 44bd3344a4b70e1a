"""A network in another runtime has to give what TensorFlow gives, or is refused."""

import importlib.util
import json

import numpy as np
import onnx
import pytest

from tests.conftest import ROOT
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.errors import ArgumentError, WeightsError
from xraycore.metrics.calibration import Calibration
from xraycore.models import runtime
from xraycore.models.classifier import load_model
from xraycore.models.onnx_file import CARD

SIZE = 32


@pytest.fixture(scope="module")
def model():
    return load_model("basic_cnn")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """What is converted is kept for all tests here."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(place, monkeypatch):
    monkeypatch.setenv("XRAYCORE_CACHE", str(place))


def test_openvino_gives_what_tensorflow_gives_and_is_converted_once(model, monkeypatch):
    found = runtime.in_openvino(model)
    assert found.parity.holds and found.parity.films == 16
    assert max(found.parity.logits, found.parity.features) <= 1e-2
    films = runtime.phantom_inputs(model.size)[:3]
    for one, other in zip(found.forward(films), model.forward(films), strict=True):
        assert one.dtype == np.float32 and one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=1e-2 * np.abs(other).max())
    assert found.card is model.card and found.classes == model.classes

    # What is kept is used: neither converted nor compared again.
    for name in ("write_onnx", "compare"):
        monkeypatch.setattr(runtime, name, None)
    assert runtime.in_openvino(model).parity == found.parity


def test_what_is_too_far_apart_is_refused_with_the_figures(model, monkeypatch):
    compiled = runtime._compiled

    def wrong(file, precision):
        forward = compiled(file, precision)
        return lambda grey: (forward(grey)[0] * np.float32(1.02), forward(grey)[1])

    (runtime._folder(model) / "parity.json").unlink(missing_ok=True)
    monkeypatch.setattr(runtime, "_compiled", wrong)
    with pytest.raises(WeightsError, match=r"basic_cnn in OpenVINO.*f32: logits 0\.02 and"):
        runtime.in_openvino(model)


@pytest.mark.parametrize(
    ("logits", "features", "answers", "holds"),
    [
        *((0.01, 0.01, 1.0, True), (0.0101, 0.0, 1.0, False), (0.0, 0.0101, 1.0, False)),
        (0.0, 0.0, 15 / 16, False),
    ],
)
def test_a_hundredth_apart_is_near_enough_and_no_more(logits, features, answers, holds):
    assert runtime.Parity(logits, features, answers, 16).holds == holds


def test_both_are_asked_of_as_many_films_with_an_opacity_as_without(monkeypatch):
    asked = []

    def made(seed, *, opacity, size):
        asked.append((seed, opacity))
        return make_phantom(seed, opacity=opacity, size=64)

    monkeypatch.setattr(runtime, "make_phantom", made)
    runtime.phantom_inputs.__wrapped__(SIZE)
    assert asked == [(n, n % 2 == 1) for n in range(16)]


def test_a_last_batch_that_is_not_full_gets_its_own_answers(model):
    found = runtime.in_openvino(model)
    films = runtime.phantom_inputs(model.size)
    logits, features = found.forward(films[:11])
    assert logits.shape == (11, len(model.classes)) and len(features) == 11
    own, _ = model.forward(films[:11])
    np.testing.assert_allclose(logits, own, atol=1e-2 * np.abs(own).max())


def test_the_comparison_counts_what_differs():
    class Two:
        size = SIZE
        calibration = Calibration()
        probabilities_of = staticmethod(Calibration().probabilities)

        def forward(self, grey):
            return np.tile([2.0, 1.0], (len(grey), 1)), np.full((len(grey), 2, 2, 1), 4.0)

    def other(grey):
        logits = np.tile([2.0, 1.0], (len(grey), 1))
        logits[0] = [1.0, 2.0]
        features = np.full((len(grey), 2, 2, 1), 4.0)
        features[3, 1, 1] = 4.1
        return logits, features

    parity = runtime.compare(Two(), other)
    assert (parity.logits, parity.features) == (0.5, pytest.approx(0.025))
    assert parity.answers == 15 / 16
    assert not parity.holds
    assert runtime.compare(Two(), Two().forward).holds


def test_an_unknown_runtime_is_said():
    with pytest.raises(ArgumentError, match="tensorflow, openvino"):
        runtime.load_model_in("basic_cnn", "jax")


def test_the_exported_file_has_its_card_and_gives_the_heat(model, tmp_path):
    file = tmp_path / "network.onnx"
    parity = runtime.export_onnx(model, file)
    assert parity.holds
    props = {one.key: one.value for one in onnx.load(file).metadata_props}
    assert json.loads(props[CARD])["weights"]["sha256"] == model.card["weights"]["sha256"]
    assert "Not for diagnosis" in props["notice"]

    spec = importlib.util.spec_from_file_location("heat", ROOT / "examples" / "heat_from_onnx.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    film = runtime.phantom_inputs(model.size)[1, ..., 0]
    logits, heat = example.heatmap_of(str(file), film)
    own, features = model.forward(film[None, ..., None])
    assert list(logits) == list(model.classes)
    np.testing.assert_allclose(list(logits.values()), own[0], atol=1e-3)
    from xraycore.attribution.cam import grad_cam

    expected = grad_cam(features[0], *model.head)[..., own[0].argmax()]
    np.testing.assert_allclose(heat, expected, atol=1e-3 * expected.max())


def test_nothing_is_written_of_a_network_that_gives_something_else(model, tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "compare", lambda *_: runtime.Parity(0.5, 0.25, 0.75, 16))
    with pytest.raises(WeightsError, match=r"logits 0\.5 and features 0\.25 .* 75% of 16"):
        runtime.export_onnx(model, tmp_path / "network.onnx")
    assert not list(tmp_path.glob("*.onnx"))

"""Networks look at a film while the page draws it."""

import json
import shutil
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st

from pages.shared import cache
from xraycore.config import SHIPPED
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging import Radiograph
from xraycore.imaging.radiograph import RadiographInfo
from xraycore.models.cards import card_sha256

MODELS = ["first", "second", "third", "fourth"]


def film(sha256):
    pixels = np.zeros((8, 8), np.float32)
    return Radiograph(pixels, RadiographInfo("film", sha256, "PNG", 8, 8, 8))


@pytest.fixture
def asked(monkeypatch):
    """What was asked, in order; the networks answer once `asked.go` is set."""

    class Asked(list):
        def __init__(self):
            self.go = threading.Event()

    def prediction(model, xray):
        asked.append((model, xray.info.sha256))
        assert asked.go.wait(10)
        if model == "second":
            raise OSError("damaged")

    asked = Asked()
    monkeypatch.setattr(cache, "prediction", prediction)
    monkeypatch.setattr(st, "session_state", {})
    yield asked
    asked.go.set()


def job():
    return st.session_state["look-ahead"][1]


def test_each_network_is_asked_once_a_film(asked):
    asked.go.set()
    cache.prefetch(MODELS, film("a"))
    first = job()
    cache.prefetch(MODELS, film("a"))
    assert job() is first
    assert first.wait(10)
    assert sorted(asked) == sorted((model, "a") for model in MODELS)


def test_a_film_that_was_left_is_not_looked_at_to_the_end(asked):
    cache.prefetch(MODELS, film("a"))
    left = job()
    cache.prefetch(MODELS, film("b"))
    asked.go.set()
    assert left.wait(10)
    assert job().wait(10)
    assert sorted(model for model, of in asked if of == "b") == sorted(MODELS)
    assert {model for model, of in asked if of == "a"} <= {"first", "second"}


def test_what_fails_ahead_is_left_to_the_page(asked):
    asked.go.set()
    cache.prefetch(MODELS, film("a"))
    assert job().wait(10)
    assert len(asked) == len(MODELS)
    with pytest.raises(OSError, match="damaged"):
        cache.prediction("second", film("a"))


def test_a_film_that_is_warned_about_has_no_track_record(monkeypatch):
    answer = SimpleNamespace(model="basic_cnn", label="Normal", probabilities={"Normal": 0.9})
    clean, warned = warned_of(answer, ()), warned_of(answer, ("No lungs.",))
    assert cache.track_record_of(clean).startswith("Track record: of 100 test films")
    assert cache.track_record_of(warned).startswith("No track record: a film that is warned")
    monkeypatch.setattr(cache, "_test_outcome", lambda *_: None)
    assert cache.track_record_of(clean) is None


def warned_of(answer, warnings):
    return SimpleNamespace(**vars(answer), warnings=warnings)


def test_a_model_that_was_calibrated_anew_is_asked_anew(tmp_path, monkeypatch):
    shutil.copytree(SHIPPED / "basic_cnn", tmp_path / "basic_cnn")
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    pixels = make_phantom(3, opacity=True, size=256).pixels
    film = Radiograph(pixels, RadiographInfo("film", "of a phantom", "PNG", 256, 256, 8))
    before, print_before = cache.prediction("basic_cnn", film), card_sha256("basic_cnn")
    track_before = cache.track_record_of(before)
    file = tmp_path / "basic_cnn" / "card.json"
    card = json.loads(file.read_text())
    file.write_text(json.dumps({**card, "temperature": 1.0, "bias": [9.0, -3.0, -3.0, -3.0]}))
    after = cache.prediction("basic_cnn", film)
    assert card_sha256("basic_cnn") != print_before
    assert (after.logits == before.logits).all()
    assert after.label == "Normal"
    assert after.probabilities["Normal"] > 0.99 > before.probabilities["Normal"]
    assert cache.classifier("basic_cnn").calibration.bias == (9.0, -3.0, -3.0, -3.0)
    assert cache.track_record_of(after) != track_before
    assert after.weights_sha256 == before.weights_sha256 == card["weights"]["sha256"]

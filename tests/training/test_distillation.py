"""What teachers say about films, with teachers whose answers are worked out by hand."""

import numpy as np
import pytest

from xraycore.datasets.manifest import Record
from xraycore.training import distillation
from xraycore.training.batches import ImageArray
from xraycore.training.distillation import check_teachers, size_for, teach

CLASSES = ("A", "B")


class FakeClassifier:
    """Its logit of A is the mean of the left half of what it sees; calibration doubles it."""

    def __init__(self, size, classes=CLASSES, gain=1.0):
        self.classes, self.gain = classes, gain
        self.size = size
        self.view, self.batches = "lungs", []

    def forward(self, grey):
        self.batches.append(grey.shape)
        assert grey.dtype == np.float32
        left = self.gain * grey[:, :, : grey.shape[2] // 2, 0].mean(axis=(1, 2))
        return np.stack([left, 1 - left], axis=1) / 2, None

    def probabilities_of(self, logits):
        return logits * 2


@pytest.fixture
def shipped(monkeypatch):
    """Fake shipped models, by name."""
    models = {}
    monkeypatch.setattr(distillation, "load_model", models.__getitem__)
    return models


@pytest.fixture
def films():
    """Ten films of 4 x 4 pixels; film i is 10 i + 20 on its left and 10 i on its right half."""
    pixels = np.stack([np.tile([i + 2, i + 2, i, i], (4, 1)) * 10 for i in range(10)])
    records = tuple(Record(f"{i}.png", "A", "train", str(i), "one") for i in range(10))
    return ImageArray(pixels.astype(np.uint8), np.full((10, 56, 56), 255, np.uint8), records)


def test_the_mean_over_both_mirror_images_by_hand(shipped, films):
    shipped["one"] = FakeClassifier(4)
    found = teach(["one"], films, CLASSES)
    first = (10 * np.arange(10) + 10) / 255
    np.testing.assert_allclose(found, np.stack([first, 1 - first], axis=1), rtol=1e-5)
    assert found.dtype == np.float32
    # Ten films in batches of eight, each seen both ways.
    assert shipped["one"].batches == [(8, 4, 4, 1)] * 2 + [(2, 4, 4, 1)] * 2


def test_the_mean_over_teachers_at_their_own_sizes(shipped, films):
    shipped["one"], shipped["half"] = FakeClassifier(4), FakeClassifier(2, gain=0.5)
    found = teach(["one", "half"], films, CLASSES)
    first = 0.75 * (10 * np.arange(10) + 10) / 255
    np.testing.assert_allclose(found, np.stack([first, 1 - first], axis=1), rtol=1e-5)
    assert {shape[1:] for shape in shipped["half"].batches} == {(2, 2, 1)}


def test_who_cannot_teach_is_refused_by_its_card(monkeypatch):
    cards = {
        "one": {"classes": ["A", "B"], "view": "lungs"},
        "other": {"classes": ["B", "A"], "view": "lungs"},
        "early": {"classes": ["A", "B"]},
    }
    monkeypatch.setattr(distillation, "read_card", cards.__getitem__)
    check_teachers(["one"], CLASSES, "lungs")
    check_teachers(["early"], CLASSES, "film")
    with pytest.raises(ValueError, match="teacher other must know the classes A, B. It knows B, A"):
        check_teachers(["one", "other"], CLASSES, "lungs")
    with pytest.raises(ValueError, match="see the same part of a film, 'film'. It sees 'lungs'"):
        check_teachers(["one"], CLASSES, "film")


def test_the_share_done_ends_at_one(shipped, films):
    shipped["one"], shipped["two"] = FakeClassifier(4), FakeClassifier(4)
    reported = []
    teach(["one", "two"], films, CLASSES, lambda now: reported.append(now.done))
    assert reported == pytest.approx([0.4, 0.5, 0.9, 1.0])


def test_films_are_as_large_as_the_largest_teacher_sees(monkeypatch):
    cards = {"vgg16": {"input_size": 160}, "xception": {"input_size": 96}, "basic_cnn": {}}
    monkeypatch.setattr(distillation, "read_card", cards.__getitem__)
    assert size_for(["xception", "vgg16"]) == 160
    # The first weights of all came without a size, and see what their network is made for.
    assert size_for(["vgg16", "basic_cnn"]) == 224
    assert size_for([]) == 0

"""What was tried, beside what is shipped."""

import json

import numpy as np
import pytest

from tests.stored_models import BASIC_CNN, VGG16, probabilities, records
from tests.tools.test_targets import both_splits
from tools.results.markdown import format_table
from tools.results.results import negative_results
from tools.results.stored import Stored
from xraycore.datasets.labels import CHEST4


@pytest.fixture
def stored():
    recipe = {"stages": [{"epochs": 2, "size": 128}, {"epochs": 3, "size": 224}]}
    pairs = {"basic_cnn": BASIC_CNN, "vgg16": VGG16}
    cards = {name: {"training": {"recipe": recipe, "teachers": []}} for name in pairs}
    return Stored(cards, {name: both_splits(name, pair) for name, pair in pairs.items()})


def log_loss(pneumonia):
    """On validation films, by softmax(2 log p)."""
    squared = probabilities(pneumonia) ** 2
    right = [CHEST4.index(record.label) for record in records()]
    return -np.log(squared[range(40), right] / squared.sum(axis=1)).mean()


def test_the_best_is_chosen_by_what_epochs_are_chosen_by(stored):
    """Without films of other hospitals that is minus the loss on validation films."""
    for name, pneumonia in (("basic_cnn", BASIC_CNN), ("vgg16", VGG16)):
        assert stored.choice(name) == pytest.approx(-log_loss(pneumonia))
    assert stored.best == "vgg16"


def test_a_training_stands_beside_what_is_shipped(stored, tmp_path, monkeypatch):
    shipped = {"val_auc": 0.9529, "auc_nih": 0.8665, "auc_cohen": 0.8433, "choice": 0.9039}
    monkeypatch.setattr(Stored, "chosen", lambda self, name: shipped)
    assert negative_results(stored, tmp_path) == []
    stages = [{"epochs": 2, "size": 128}, {"epochs": 4, "size": 224}]
    for model in ("vgg16", "xception"):
        run = {"model": model, "recipe": {"stages": stages}, "teachers": ["resnet50", "xception"]}
        (tmp_path / model).mkdir()
        (tmp_path / model / "run.json").write_text(json.dumps(run))
        # The best epoch of the last stage is kept, whatever came before.
        (tmp_path / model / "history.csv").write_text(
            "stage,val_auc,auc_nih,auc_cohen,choice\nlow,0.9,0.9,0.9,0.95\n"
            "full,0.91,0.81,0.82,0.88\nfull,0.92,0.83,0.84,0.89\nfull,0.93,0.7,0.8,0.87\n"
        )
    _, _, *rows = format_table(negative_results(stored, tmp_path)).splitlines()
    kept = "2 epochs at 128 px, then 4 at 224 | ResNet50, Xception | 0.920 | 0.830 | 0.840 | 0.890"
    assert rows == [
        "| VGG16, shipped | 2 epochs at 128 px, then 3 at 224 | none | 0.953 | 0.867 | 0.843 "
        "| 0.904 |",
        f"| VGG16, tried | {kept} |",
        f"| Xception, tried | {kept} |",
    ]

"""What was shipped before, beside what is shipped now."""

import json

import numpy as np

from tests.report.test_targets import both_splits
from tests.stored_models import BASIC_CNN, VGG16, probabilities, records
from xraycore.data.labels import CHEST4
from xraycore.evaluation.predictions import write_predictions
from xraycore.report.stored import read_stored
from xraycore.report.tried import tried


def write_model(folder, pneumonia, epochs, teachers, nih):
    stages = [{"epochs": 2, "size": 128}, {"epochs": epochs, "size": 224}]
    card = {
        "model": "vgg16",
        "classes": CHEST4,
        "temperature": 2.0,
        "training": {"recipe": {"stages": stages}, "teachers": teachers},
        "external": {"nih": {"pneumonia": {"auc": {"value": nih}}}},
        **{"weights": {}, "heat_scale": {}, "scores": {}, "limits": []},
    }
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(card))
    write_predictions(folder / "predictions.csv", [both_splits("vgg16", pneumonia)])


def choice(pneumonia):
    """Without films of other hospitals: minus the loss on validation films, by softmax(2 log p)."""
    squared = probabilities(pneumonia) ** 2
    right = [CHEST4.index(record.label) for record in records()]
    return f"{np.log(squared[range(40), right] / squared.sum(axis=1)).mean():.3f}"


def test_a_model_stands_beside_its_earlier_weights(tmp_path):
    write_model(tmp_path / "now" / "vgg16", VGG16, 4, ["resnet50", "inception_v3"], 0.95)
    stored = read_stored(tmp_path / "now")
    assert tried(stored, tmp_path / "earlier") == []
    write_model(tmp_path / "earlier" / "vgg16", BASIC_CNN, 3, [], 0.85)
    before, after = [line for line in tried(stored, tmp_path / "earlier") if "VGG16," in line]
    cells = [cell.strip() for cell in after.strip("|").split("|")]
    assert cells[:5] == [
        *("VGG16, shipped", "2 epochs at 128 px, then 4 at 224", "ResNet50, InceptionV3"),
        *(choice(VGG16), f"{(18 + 16) / 40:.3f}"),
    ]
    # 18 of the sick before all others, 2 before 16 of them: with the calibration of its card.
    assert (cells[5], cells[-1]) == (f"{(18 * 20 + 2 * 16) / 400:.3f}", "0.950")
    cells = [cell.strip() for cell in before.strip("|").split("|")]
    assert cells[:4] == [
        "VGG16, before",
        "2 epochs at 128 px, then 3 at 224",
        "none",
        choice(BASIC_CNN),
    ]
    # Of 20 sick films 14 are at 0.8 and 6 at 0.4, of 20 others 12 at 0.2 and 8 at 0.55: so with the
    # temperature of its card; the bias for each class that stands in for it makes that better.
    assert float(cells[5]) > (14 * 20 + 6 * 12) / 400
    assert cells[-1] == "0.850"

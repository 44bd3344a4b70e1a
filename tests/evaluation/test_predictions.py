from pathlib import Path

import numpy as np
import pytest

from xraycore.anatomy.lung_field import LungField
from xraycore.datasets.labels import CHEST4, COVID, NORMAL
from xraycore.datasets.manifest import Record
from xraycore.evaluation.prediction_files import read_predictions, write_predictions
from xraycore.evaluation.predictions import PredictionSet, ensemble, predict_dataset
from xraycore.imaging.box import Box
from xraycore.metrics.calibration import Calibration

PLAIN = Calibration()


def outcome(model="a", logits=((2.0, 0, 0, 0), (0, 0, 0, 1.0)), calibration=PLAIN, **changed):
    """Two films: a normal child of the test, an external COVID-19 film without lungs."""
    facts = {
        "records": (
            Record(Path("x/one.png"), NORMAL, "test", "chest_xray/p1", "chest_xray"),
            Record(Path("y/two.png"), COVID, "external", "cohen/p2", "cohen", 61.0),
        ),
        "logits": np.array(logits, float),
        "calibration": calibration,
        "fraction_in_lungs": np.array([0.75, np.nan]),
        "lungs": np.array([0.3, 0.0]),
        "sizes": np.array([[224, 200], [320, 300]]),
        "peaks": {},
        **changed,
    }
    return PredictionSet(model, CHEST4, **facts)


def test_predictions_come_back_from_disk(tmp_path):
    file = tmp_path / "predictions.csv"
    first = outcome()
    write_predictions(file, [first.only(np.array([True, False])), first.only(lambda r: r.age)])
    found = read_predictions(file, "a", Calibration(2.0))
    assert found.classes == CHEST4
    assert [(r.path.name, r.label, r.split, r.source, r.age) for r in found.records] == [
        ("one.png", NORMAL, "test", "chest_xray", None),
        ("two.png", COVID, "external", "cohen", 61.0),
    ]
    np.testing.assert_allclose(found.logits, first.logits)
    np.testing.assert_array_equal(found.sizes, first.sizes)
    np.testing.assert_array_equal(found.fraction_in_lungs, [0.75, np.nan])
    np.testing.assert_allclose(found.lungs, [0.3, 0.0])
    # exp(2 / 2) against three exp(0).
    assert found.probabilities[0, 0] == pytest.approx(np.e / (np.e + 3))


def test_a_name_with_a_comma_stays_one_name(tmp_path):
    record = Record(Path("a, b.png"), "Normal", "test", 'p "1"', "s")
    write_predictions(tmp_path / "p.csv", [outcome(records=(record, record))])
    assert (
        read_predictions(tmp_path / "p.csv", "a", Calibration()).records[0].path.name == "a, b.png"
    )


def test_the_ensemble_is_the_mean_of_calibrated_probabilities():
    # softmax(log 3, 0, 0, 0) = 1/2, 1/6, 1/6, 1/6; the other's temperature makes 9 to 3.
    log3, log9 = np.log(3.0), np.log(9.0)
    sure = outcome("a", [[log3, 0, 0, 0], [0, 0, 0, log3]])
    cooled = outcome("b", [[0, log9, 0, 0], [0, 0, 0, log9]], calibration=Calibration(2.0))
    found = ensemble([sure, cooled])
    np.testing.assert_allclose(found.probabilities[0], [1 / 3, 1 / 3, 1 / 6, 1 / 6])
    np.testing.assert_allclose(found.probabilities[1], [1 / 6, 1 / 6, 1 / 6, 1 / 2])
    assert found.model == "ensemble"
    assert np.isnan(found.fraction_in_lungs).all()


def test_an_ensemble_is_of_the_films_that_all_of_its_models_saw():
    logits = [[1.0, 0, 0, 0], [0, 2.0, 0, 0]]
    one, other = outcome("a", logits), outcome("b", logits)
    # The other saw them in another order.
    turned = other.at([1, 0])
    np.testing.assert_allclose(ensemble([one, turned]).probabilities, one.probabilities)
    second = turned.only(lambda record: record == one.records[1])
    found = ensemble([one, second])
    assert found.records == (one.records[1],)
    np.testing.assert_allclose(found.probabilities, one.probabilities[1:])
    with pytest.raises(ValueError, match="films that all of its models saw"):
        ensemble([one.at([0]), second])


def test_films_of_one_name_and_patient_stay_apart_in_an_ensemble():
    """As in CheXpert, where every study of a patient has its `view1_frontal.jpg`."""
    studies = tuple(
        Record(Path(f"p1/study{n}/view1.jpg"), NORMAL, "test", "s/p1", "s") for n in (1, 2)
    )
    logits = [[1.0, 0, 0, 0], [0, 2.0, 0, 0]]
    one, other = (outcome(name, logits, records=studies) for name in "ab")
    found = ensemble([one, other])
    assert found.records == studies
    np.testing.assert_allclose(found.probabilities, one.probabilities)


def test_allowed_classes_of_a_set_label():
    pneumonia = Record(Path("f.png"), "Pneumonia", "val", "g", "covid_qu")
    found = outcome(records=(pneumonia, outcome().records[1]))
    np.testing.assert_array_equal(found.allowed, [[0, 1, 1, 0], [0, 0, 0, 1]])


def test_classify_says_what_predict_says(random_classifier, tmp_path, monkeypatch):
    from xraycore.anatomy import crop
    from xraycore.datasets.splits import read_splits
    from xraycore.datasets.synthetic.phantom import write_phantoms
    from xraycore.imaging import read_radiograph

    left_half = np.zeros((128, 128), bool)
    left_half[:, :64] = True
    monkeypatch.setattr(crop, "segment_lungs", lambda xs: [LungField(left_half, Box())] * len(xs))
    write_phantoms(tmp_path / "set", 5, size=96, seed=0)
    records = [*read_splits(tmp_path / "set").records]
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    records.insert(3, Record(bad, "Normal", "test", "g", "s"))
    model = random_classifier("basic_cnn")
    shares = []
    found = predict_dataset(model, records, lambda now: shares.append(now.done))
    assert [r.path for r in found.records] == [r.path for r in records if r.path != bad]
    assert shares[-1] == 1.0
    film = read_radiograph(records[-1].path)
    alone = model.predict(film)
    np.testing.assert_allclose(found.logits[-1], alone.logits, atol=1e-4)
    np.testing.assert_array_equal(found.sizes[-1], [96, 96])
    # Lungs: the left half and a rim of 4 of 128 columns.
    assert found.lungs[-1] == pytest.approx((64 + 4) / 128)
    # A logit is the mean over the cells, so a cell's part is the 196th of its product.
    heat = np.maximum(alone.features @ model.head[0][:, alone.logits.argmax()], 0) / 14**2
    assert found.peaks["grad_cam"][-1] == pytest.approx(heat.max(), rel=1e-3)
    spread = Box().spread(heat, (128, 128))
    assert found.fraction_in_lungs[-1] == pytest.approx(
        spread[:, :68].sum() / spread.sum(), rel=1e-3
    )
    assert found.seconds > 0


def test_films_that_cannot_be_read_at_all(random_classifier, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    with pytest.raises(ValueError, match="none of 1 films"):
        predict_dataset(random_classifier("basic_cnn"), [Record(bad, "Normal", "test", "g", "s")])

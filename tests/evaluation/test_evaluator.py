import json
from pathlib import Path

import numpy as np
import pytest

from xraycore.cli.evaluate import _print, seed_of
from xraycore.datasets.labels import BACTERIAL, CHEST4, COVID, LABEL_SCHEMES, NORMAL, VIRAL
from xraycore.datasets.manifest import Record
from xraycore.evaluation.evaluator import evaluate, own_scheme, truth_and_probability
from xraycore.evaluation.predictions import PredictionSet
from xraycore.metrics.calibration import Calibration
from xraycore.metrics.operating_points import OperatingPoint


def outcome(model, labels, said, *, sure=3.0, **changed):
    """A model that says `said` of films labelled `labels`, each of its own patient."""
    logits = np.array([[sure * (name == word) for name in CHEST4] for word in said])
    records = tuple(
        Record(Path(f"{i}.png"), label, "test", f"p{i}", "chest_xray", 3.0)
        for i, label in enumerate(labels)
    )
    count = len(labels)
    facts = {
        "calibration": Calibration(),
        "fraction_in_lungs": np.full(count, 0.5),
        "lungs": np.full(count, 0.25),
        "sizes": np.full((count, 2), 224),
        "peaks": {},
        **changed,
    }
    return PredictionSet(model, CHEST4, records, logits, **facts)


def test_scores_of_two_models_and_their_ensemble():
    labels = [NORMAL, NORMAL, BACTERIAL, VIRAL, COVID]
    good = outcome("good", labels, labels)
    poor = outcome("poor", labels, [NORMAL, COVID, VIRAL, VIRAL, NORMAL])
    found = evaluate([good, poor], LABEL_SCHEMES["chest4"])
    assert list(found["models"]) == ["good", "poor", "ensemble"]
    assert found["labels"] == {NORMAL: 2, BACTERIAL: 1, VIRAL: 1, COVID: 1}
    assert found["models"]["good"]["scores"]["accuracy"]["value"] == 1.0
    assert found["models"]["poor"]["scores"]["accuracy"]["value"] == pytest.approx(2 / 5)
    assert found["models"]["poor"]["confused"] == [
        {"label": NORMAL, "said": COVID, "films": 1},
        {"label": BACTERIAL, "said": VIRAL, "films": 1},
        {"label": COVID, "said": NORMAL, "films": 1},
    ]
    assert [loss["file"] for loss in found["models"]["poor"]["top_losses"]] == [
        *("1.png", "2.png", "4.png"),
    ]
    # Of all four classes no single score: the calls are compared, the AUROCs are not.
    pair = found["comparisons"][0]
    assert (pair["a"], pair["b"], pair["delong"]) == ("good", "poor", None)
    assert (pair["mcnemar"]["only_a"], pair["mcnemar"]["only_b"]) == (3, 0)
    json.dumps(found, allow_nan=False)


def test_a_view_of_two_classes_has_operating_points_and_paired_aurocs():
    labels = [NORMAL, NORMAL, BACTERIAL, COVID]
    model = outcome("m", labels, [NORMAL, BACTERIAL, BACTERIAL, NORMAL])
    # Probability of pneumonia: e^0 * 3 / (e^3 + 3) = 0.13, or (e^3 + 2) / (e^3 + 3) = 0.957.
    points = {"m": {"low": OperatingPoint("low", "Low", 0.1)}}
    found = evaluate([model, outcome("n", labels, labels)], LABEL_SCHEMES["pneumonia"], points)
    low = found["models"]["m"]["operating_points"]["low"]
    assert (low["tp"], low["fp"], low["tn"], low["fn"]) == (2, 2, 0, 0)
    default = found["models"]["n"]["operating_points"]["default"]
    assert (default["threshold"], default["sensitivity"]["value"]) == (0.5, 1.0)
    # m: of the four pairs of a sick and a normal film one is right, one wrong, two tied.
    assert found["models"]["m"]["scores"]["macro_auroc"]["value"] == pytest.approx(0.5)
    assert found["comparisons"][0]["delong"]["auc_a"] == pytest.approx(0.5)


def test_predictive_values_where_few_are_sick():
    labels = [NORMAL] * 4 + [BACTERIAL] * 4
    model = outcome("m", labels, [NORMAL] * 3 + [BACTERIAL] * 4 + [NORMAL])
    points = evaluate([model], LABEL_SCHEMES["pneumonia"], prevalence=0.1)["models"]["m"]
    there = points["operating_points"]["default"]["at_prevalence"]
    # Of 1000, 100 sick: 75 found; of 900 well: 225 called sick, 675 well.
    assert there["prevalence"] == 0.1
    assert there["ppv"]["value"] == pytest.approx(75 / 300)
    assert there["npv"]["value"] == pytest.approx(675 / 700, abs=1e-4)
    # Eight films allow no more: an interval has its value inside, and is wide.
    assert there["ppv"]["low"] < 0.1 < 0.3 < there["ppv"]["high"]
    assert there["npv"]["low"] < 0.96 < there["npv"]["high"]


def test_predictive_values_are_printed_with_their_intervals(capsys):
    labels = [NORMAL] * 4 + [BACTERIAL] * 4
    model = outcome("m", labels, [NORMAL] * 3 + [BACTERIAL] * 4 + [NORMAL])
    document = evaluate([model], LABEL_SCHEMES["pneumonia"], prevalence=0.1)
    there = document["models"]["m"]["operating_points"]["default"]["at_prevalence"]
    _print(document)
    said = " ".join(capsys.readouterr().out.split())
    for name, where in (("ppv", "a positive answer is right in"), ("npv", "a negative one in")):
        score = there[name]
        between = f"[{score['low']:.1%}, {score['high']:.1%}]"
        assert f"{where} {score['value']:.1%} {between}" in said


def test_films_that_a_view_does_not_know_are_left_out():
    model = outcome("m", [NORMAL, "Pneumonia", "Tumour"], [NORMAL, VIRAL, NORMAL])
    target, probability, kept = truth_and_probability(model, LABEL_SCHEMES["pneumonia"])
    np.testing.assert_array_equal(target, [0, 1])
    assert len(kept.records) == 2
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    with pytest.raises(ValueError, match=r"needs films labelled Normal.*Received: Tumour"):
        truth_and_probability(model.only(np.array([False, False, True])), LABEL_SCHEMES["chest4"])


def test_subgroups_by_source_age_and_size():
    labels = [NORMAL, VIRAL] * 20
    model = outcome("m", labels, labels[:20] + [VIRAL, NORMAL] * 10)
    records = tuple(
        Record(
            r.path, r.label, "test", r.group, "old" if i < 20 else "new", 30.0 if i < 20 else None
        )
        for i, r in enumerate(model.records)
    )
    model = PredictionSet(
        "m",
        CHEST4,
        records,
        model.logits,
        Calibration(),
        model.fraction_in_lungs,
        model.lungs,
        np.array([[100, 224]] * 20 + [[1024, 900]] * 20),
        {},
    )
    rows = evaluate([model], LABEL_SCHEMES["chest4"])["models"]["m"]["subgroups"]
    found = {(row["kind"], row["name"]): row["accuracy"]["value"] for row in rows}
    assert found == {
        ("source", "old"): 1.0,
        ("source", "new"): 0.0,
        ("age", "18 to 39 years"): 1.0,
        ("size", "0 to 255 px"): 1.0,
        ("size", "1024 to 99999 px"): 0.0,
    }


def test_evidence_in_the_lungs_leaves_out_films_without_lungs():
    model = outcome(
        "m", [NORMAL] * 4, [NORMAL] * 4, fraction_in_lungs=np.array([0.2, 0.6, np.nan, np.nan])
    )
    fraction_in_lungs = evaluate([model], LABEL_SCHEMES["chest4"])["models"]["m"]["inside_lungs"]
    assert fraction_in_lungs["evidence"]["value"] == pytest.approx(0.4)
    assert fraction_in_lungs["evidence"]["n"] == 2
    assert fraction_in_lungs["films_without_lungs"] == 2


def test_own_view_of_other_classes():
    view = own_scheme(("Cat", "Dog"))
    assert view.classes == ("Cat", "Dog")
    assert own_scheme(CHEST4) is LABEL_SCHEMES["chest4"]


def test_films_are_split_as_the_models_were_trained():
    cards = [{"model": name, "training": {"seed": 3}} for name in ("vgg16", "xception")]
    assert seed_of(cards) == 3
    cards[1]["training"]["seed"] = 0
    with pytest.raises(ValueError, match="seeds vgg16 3, xception 0: judge them one by one"):
        seed_of(cards)

import numpy as np
import pytest

from xraycore.datasets.labels import CHEST4
from xraycore.evaluation.generalisation import (
    HospitalAnswers,
    fitted_to_site,
    kind_auc,
    score_hospital,
    set_coverage,
)
from xraycore.evaluation.levels import choose_point, kind_trust, opacity_trust
from xraycore.models.answer import state_probabilities

CARD = {
    "model": "vgg16",
    "classes": list(CHEST4),
    "weights": {"sha256": "w"},
    "operating_points": {"best_f1": {"threshold": 0.5, "title": "Highest F1"}},
    "heat_threshold": {"against_normal": 1.0},
    "levels": {
        "opacity": {
            "operating_point": {"threshold": 0.7, "title": "Elsewhere"},
            "sets": {"0.1": {"none": 0.65, "opacity": 0.75}},
        },
        "kind": {},
    },
}


def film(label, opacity, covid=1 / 3, number=0, **more):
    """One film with this probability of an opacity, of which `covid` is COVID-19."""
    others = (1 - covid) / 2
    p = np.array([1 - opacity, *(opacity * np.array([others, others, covid]))])
    return {"label": label, "group": f"p{number}", "logits": np.log(p).tolist(), **more}


def test_a_row_by_hand():
    heat = {"hit": 1.0, "on_lesion": 0.8, "in_lungs": 0.9, "iou": 0.5, "bright_hit": 0.0}
    entries = [
        film("Normal", 0.2, number=0, peak=0.9, code=None),
        film("Normal", 0.6, number=1, peak=1.1, code=None),
        film("COVID-19", 0.9, 0.8, number=2, peak=3.0, code=None, **heat),
        film("Pneumonia", 0.64, 0.1, number=3, peak=2.0, code="unlike"),
        film("other", 0.95, number=4, peak=2.0, code=None),
    ]
    row = score_hospital(entries, CARD)
    assert [row[key] for key in ("films", "normals", "abnormals", "others")] == [4, 2, 2, 1]
    assert row["auc"]["value"] == 1.0
    assert row["home"]["specificity"]["value"] == 0.5
    assert row["home"]["sensitivity"]["value"] == 1.0
    assert (row["shipped"]["threshold"], row["shipped"]["specificity"]["value"]) == (0.7, 1.0)
    assert row["shipped"]["sensitivity"]["value"] == 0.5
    assert row["kind_auc"]["value"] == 1.0
    assert row["ruled_out"]["value"] == pytest.approx(0.2)
    assert row["uncoloured"]["value"] == 0.5
    assert row["others_called"]["value"] == 1.0
    assert row["heat"]["coloured"]["value"] == row["heat"]["hit"]["value"] == 1.0
    assert row["heat"]["hit"]["value"] == row["heat"]["beyond_brightness"]["value"] == 1.0
    # The opacity at .64 lies below its bound, the normals at .2 and .6 within theirs.
    assert row["sets"]["none"]["value"] == 1.0
    assert row["sets"]["opacity"]["value"] == 0.5
    # Point and set agree on all four: none, none, opacity, none.
    assert row["sets"]["cannot tell"]["value"] == 0.0
    assert score_hospital([film("COVID-19", 0.72)], CARD)["sets"]["cannot tell"]["value"] == 1.0
    assert row["site"] is None


def test_a_site_is_fitted_to_some_normals_and_judged_on_the_others():
    entries = [film("Normal", p, number=i) for i, p in enumerate(np.linspace(0.1, 0.9, 60))]
    entries += [film("COVID-19", 0.95, number=100 + i) for i in range(5)]
    found = fitted_to_site(HospitalAnswers.of(entries, CARD))
    assert found["normals"] == 20
    # 19 of 21 on average, and the opacities lie above all normals.
    assert found["specificity"]["value"] == pytest.approx(19 / 21, abs=0.03)
    assert found["sensitivity"]["value"] == 1.0
    assert fitted_to_site(HospitalAnswers.of(entries[:24], CARD)) is None


def test_labels_that_leave_the_kind_open_tell_nothing_of_it():
    entries = [film("Opacity", 0.9, 0.9), film("COVID-19", 0.9, 0.5), film("Pneumonia", 0.9, 0.1)]
    assert kind_auc(HospitalAnswers.of(entries, CARD), CARD)["n"] == 2
    assert kind_auc(HospitalAnswers.of(entries[:1], CARD), CARD) is None
    assert set_coverage(HospitalAnswers.of(entries, CARD), {}, 0.5) is None


def test_the_point_of_the_best_balance_is_the_middle_one():
    # Between .4 and .6 nothing lies: all thresholds there are as good.
    entries = [film("Normal", p) for p in (0.1, 0.2, 0.4)] + [film("COVID-19", 0.6)] * 2
    assert choose_point([HospitalAnswers.of(entries, CARD)]) == 0.5
    entries.append(film("COVID-19", 0.3))
    # Now .25 (2/3 + 1) and .5 (1 + 2/3) are as good; the higher of two.
    assert choose_point([HospitalAnswers.of(entries, CARD)]) == 0.5


def test_trust_counts_the_answers_that_were_given():
    def answered(label, opacity, covid=1 / 3):
        entry = film(label, opacity, covid)
        p = dict(zip(CHEST4, np.exp(entry["logits"]), strict=True))
        return state_probabilities("vgg16", p, (), CARD), entry, label != "Normal"

    here = [
        answered("COVID-19", 0.9, 0.8),
        answered("Normal", 0.8, 0.8),
        answered("Pneumonia", 0.9, 0.9),
    ]
    there = [
        answered("Normal", 0.3),
        answered("Normal", 0.7),
        answered("Viral pneumonia", 0.9, 0.8),
    ]
    trust = opacity_trust({"here": here, "there": there})
    # .7 is called, but its set is empty: no answer was given. All 3 opacities were found, and one
    # of 2 normals: at even odds 1 of 1.5 is right, and whatever was said to have none.
    assert trust["opacity"]["value"] == pytest.approx(2 / 3, abs=1e-3)
    assert (trust["opacity"]["n"], trust["none"]["value"], trust["hospitals"]) == (5, 1.0, 2)
    # Too few of each kind to tell.
    assert kind_trust({"here": here, "there": there}, CHEST4[1:]) == {"hospitals": 2}
    kinds = kind_trust(
        {
            "here": [answered("COVID-19", 0.9, 0.8)] * 6 + [answered("Opacity", 0.9, 0.8)],
            "there": [answered("SARS", 0.9, 0.8)] * 2 + [answered("Pneumonia", 0.9, 0.02)] * 6,
        },
        CHEST4[1:],
    )
    # Named on all 6 of it and on 2 of 8 others; a label that leaves it open tells nothing.
    assert kinds["COVID-19"]["value"] == pytest.approx(1 / 1.25, abs=1e-3)
    assert (kinds["COVID-19"]["n"], list(kinds)) == (14, ["COVID-19", "hospitals"])

import json
from itertools import product

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from xraycore.metrics.significance import compare_all, delong, holm, mcnemar

POSITIVE = np.array([True, True, True, False, False])
# Placements of the positives 1, 1, (1/2 + 1)/2 for the tie at 0.4; of the negatives 2.5/3, 1.
A = np.array([0.9, 0.6, 0.4, 0.4, 0.1])
# Placements of the positives 1, 1/2, 1; of the negatives 2/3, 1.
B = np.array([0.7, 0.3, 0.5, 0.4, 0.2])


def test_mcnemar_by_hand():
    # Seven films on which one alone is right, six times the first:
    # p = 2 (C(7,0) + C(7,1)) / 2^7 = 16/128.
    a = np.array([1] * 6 + [0] + [1, 1, 0], bool)
    b = np.array([0] * 6 + [1] + [1, 1, 0], bool)
    found = mcnemar(a, b)
    assert found.pop("p") == pytest.approx(0.125)
    assert found == {"both_right": 2, "only_a": 6, "only_b": 1, "both_wrong": 1}


@pytest.mark.parametrize("right", [[True], [True, False, True], []])
def test_mcnemar_of_a_model_and_itself(right):
    assert mcnemar(np.array(right, bool), np.array(right, bool))["p"] == 1.0


def test_mcnemar_of_other_films_is_refused():
    with pytest.raises(ValueError, match=r"Received: \(2,\) and \(3,\)"):
        mcnemar(np.ones(2, bool), np.ones(3, bool))


def test_the_variance_of_one_auc_by_hand():
    # Beside a model that says the same of all films, whose AUROC has none.
    found = delong(POSITIVE, A, np.full(5, 0.5))
    assert (found["auc_a"], found["auc_b"]) == pytest.approx((11 / 12, 1 / 2))
    # Off 11/12 by 1, 1, -2 twelfths: 6/144 / 2 / 3; negatives by -1, 1: 2/144 / 1 / 2.
    assert found["z"] == pytest.approx((5 / 12) / (1 / 144 + 1 / 144) ** 0.5)


def test_delong_by_hand():
    found = delong(POSITIVE, A, B)
    assert found["auc_a"] == pytest.approx(11 / 12)
    assert found["auc_b"] == pytest.approx(10 / 12)
    assert found["difference"] == pytest.approx(1 / 12)
    # Differences of the positives 0, 1/2, -1/4, off 1/12 by -1, 5, -4 twelfths: 42/144 / 2 / 3;
    # of the negatives 1/6, 0, off by 1, -1: 2/144 / 1 / 2. Variance 7/144 + 1/144 = 1/18.
    assert found["z"] == pytest.approx(18**0.5 / 12)
    # Two negatives leave one degree of freedom: Student is Cauchy, P(|t| > z) = 1 - 2 atan(z) / pi.
    assert found["p"] == pytest.approx(1 - 2 / np.pi * np.arctan(18**0.5 / 12))
    assert found["low"] == pytest.approx(1 / 12 - 12.7062 / 18**0.5, abs=1e-4)
    assert found["high"] == pytest.approx(1 / 12 + 12.7062 / 18**0.5, abs=1e-4)


def test_delong_turned_round():
    there, back = delong(POSITIVE, A, B), delong(POSITIVE, B, A)
    assert back["difference"] == pytest.approx(-there["difference"])
    assert back["z"] == pytest.approx(-there["z"])
    assert back["p"] == pytest.approx(there["p"])


def test_delong_is_that_of_all_pairs_of_films():
    rng = np.random.default_rng(0)
    positive = rng.random(60) < 0.4
    # Rounded to a tenth, so that many are tied.
    scores = [(0.2 * positive + rng.random(60)).round(1) for _ in range(2)]
    tables = [
        np.array([[(p > n) + (p == n) / 2 for n in s[~positive]] for p in s[positive]])
        for s in scores
    ]
    of_positives = np.cov([table.mean(axis=1) for table in tables]) / positive.sum()
    of_negatives = np.cov([table.mean(axis=0) for table in tables]) / (~positive).sum()
    covariance = of_positives + of_negatives
    for score, variance in zip(scores, covariance.diagonal(), strict=True):
        # A model that says the same of all films has an AUROC of 1/2 without variance.
        alone = delong(positive, score, np.full(60, 0.5))
        assert alone["auc_a"] == pytest.approx(roc_auc_score(positive, score))
        assert alone["z"] == pytest.approx(alone["difference"] / variance**0.5)
    found = delong(positive, *scores)
    of_difference = np.array([1, -1]) @ covariance @ np.array([1, -1])
    assert found["z"] == pytest.approx(found["difference"] / of_difference**0.5)


def test_equal_scores_do_not_differ():
    positive, a = np.tile(POSITIVE, 5), np.tile(A, 5)
    found = delong(positive, a, a)
    assert (found["difference"], found["z"], found["p"]) == (0.0, 0.0, 1.0)
    # An AUROC knows only the order.
    assert delong(positive, a, a / 3)["p"] == 1.0
    # A handful of films cannot show it.
    few = delong(POSITIVE, A, A)
    assert (few["difference"], few["z"], few["p"]) == (0.0, None, None)
    assert delong(POSITIVE, np.ones(5), np.zeros(5))["auc_a"] == 0.5


def test_a_difference_without_variance_has_no_test():
    found = delong(POSITIVE, POSITIVE.astype(float), np.full(5, 0.5))
    assert found["difference"] == 0.5
    assert [found[name] for name in ("low", "high", "z", "p")] == [None] * 4


@pytest.mark.parametrize("positive", [[1], [1, 0, 0], [0, 1, 1], [0, 0], []])
def test_auc_of_too_few_films_has_no_variance(positive):
    with pytest.raises(ValueError, match="two films with the finding and two without"):
        delong(np.array(positive, bool), *[np.linspace(0, 1, len(positive))] * 2)


def test_holm_by_hand():
    # 0.01 · 3, 0.03 · 2, and 0.04 · 1, which may not be less than the one before it.
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_all_pairs_are_compared_and_corrected():
    rng = np.random.default_rng(0)
    positive = np.arange(80) % 2 == 0
    models = {
        name: np.clip(0.5 + gap * (positive - 0.5) + rng.normal(0, 0.2, 80), 0, 1)
        for name, gap in (("good", 0.6), ("fair", 0.3), ("poor", 0.1))
    }
    rows = compare_all(models, positive, threshold=0.4)
    assert [(row["a"], row["b"]) for row in rows] == [
        ("good", "fair"),
        ("good", "poor"),
        ("fair", "poor"),
    ]
    right = {name: (values >= 0.4) == positive for name, values in models.items()}
    for row, test in product(rows, ("mcnemar", "delong")):
        assert row[test]["p_holm"] >= row[test]["p"]
    for row in rows:
        assert row["mcnemar"].items() >= mcnemar(right[row["a"]], right[row["b"]]).items()
        apart = delong(positive, models[row["a"]], models[row["b"]])
        assert row["delong"].items() >= apart.items()
    for test in ("mcnemar", "delong"):
        corrected = holm([row[test]["p"] for row in rows])
        assert [row[test]["p_holm"] for row in rows] == corrected
        assert min(corrected) < 0.05


def test_a_film_on_the_threshold_is_called_positive():
    (row,) = compare_all({"on": np.array([0.5]), "off": np.array([0.4])}, np.array([True]))
    assert row["mcnemar"]["only_a"] == 1


def test_one_model_is_compared_with_none():
    assert compare_all({"only": A}, POSITIVE) == []


def test_pairs_without_an_answer_do_not_count_in_the_correction():
    models = {"perfect": POSITIVE.astype(float), "flat": np.full(5, 0.5), "b": B}
    rows = compare_all(models, POSITIVE)
    assert rows[0]["delong"]["p"] is rows[0]["delong"]["p_holm"] is None
    raw = [row["delong"]["p"] for row in rows[1:]]
    assert [row["delong"]["p_holm"] for row in rows[1:]] == holm(raw)
    json.dumps(rows, allow_nan=False)


def test_films_without_the_finding_leave_mcnemar():
    rows = compare_all({"a": A, "b": B}, np.zeros(5, bool))
    assert rows[0]["delong"] is None
    # Called positive, falsely: 0.9 and 0.6 of a, 0.7 and 0.5 of b.
    assert rows[0]["mcnemar"]["only_a"] == rows[0]["mcnemar"]["only_b"] == 1

"""Logits of 700, models that hardly differ, and other ends of what there is."""

import numpy as np
import pytest

from xraycore.errors import ArgumentError
from xraycore.metrics.calibration import (
    Calibration,
    expected_calibration_error,
    fit_calibration,
    softmax,
)
from xraycore.metrics.classification import auroc_score, score_classes
from xraycore.metrics.few import auroc_limits
from xraycore.metrics.operating_points import (
    at_threshold,
    choose_points,
    predictive_scores,
    predictive_values,
    sweep,
)
from xraycore.metrics.significance import compare_all, delong, holm, mcnemar


@pytest.mark.parametrize("size", [700.0, 1e4])
def test_logits_that_no_exponential_holds(size):
    logits = np.array([[size, -size, 0.0], [-size, -size, -size], [size, size, -size]], np.float32)
    found = softmax(logits)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [[1, 0, 0], [1 / 3] * 3, [0.5, 0.5, 0]], atol=1e-300)
    # Moved or not, they are the same; and the smaller ones keep their order as long as they can.
    np.testing.assert_allclose(softmax(logits + 350), found, atol=1e-300)
    assert softmax(np.array([0.0, -700.0]))[1] == pytest.approx(np.exp(-700.0))


def test_calibration_tames_a_logit_of_700():
    calibrated = Calibration(700.0, (0.0, np.log(3))).probabilities(np.array([700.0, 0.0]))
    # e against 3.
    np.testing.assert_allclose(calibrated, np.array([np.e, 3]) / (np.e + 3))
    assert Calibration(20.0).probabilities(np.array([700.0, -700.0]))[0] == 1.0


@pytest.mark.parametrize("biased", [True, False])
def test_a_calibration_of_logits_of_700(biased):
    """Right three times in four; however sure they are, the answer is a temperature's limit."""
    logits = np.tile([[700.0, -700.0], [-700.0, 700.0]], (40, 1))
    allowed = np.eye(2)[[0, 1, 0, 1, 0, 1, 1, 0] * 10]
    found = fit_calibration(logits, allowed, biased=biased)
    assert found.temperature == 20.0
    assert np.isfinite(found.bias).all()
    assert len(found.bias) == (2 if biased else 0)


def test_a_temperature_of_the_other_limit():
    """Always right by a hair: sharpened as far as may be, and the prior holds it where it is."""
    logits = np.tile([[1e-3, 0.0], [0.0, 1e-3]], (500, 1))
    found = fit_calibration(logits, np.eye(2)[[0, 1] * 500], biased=False)
    assert 0.05 <= found.temperature < 0.9


def test_a_calibration_is_rounded_to_four_places_and_its_biases_cancel():
    rng = np.random.default_rng(1)
    found = fit_calibration(rng.normal(0, 2, (60, 3)), np.eye(3)[rng.integers(0, 3, 60)])
    assert found.temperature == round(found.temperature, 4)
    assert found.bias == tuple(round(one, 4) for one in found.bias)
    assert sum(found.bias) == pytest.approx(0, abs=2e-4)
    card = found.to_card()
    assert card == {"temperature": found.temperature, "bias": list(found.bias)}
    assert Calibration.of_card(card) == found
    assert Calibration.of_card({}) == Calibration() == Calibration(1.0, ())


def test_the_prior_by_hand():
    """Of one film of two classes whose logits are equal the best bias solves b = p(other)."""
    found = fit_calibration(np.zeros((1, 2)), np.array([[1, 0]]))
    half = found.bias[0]
    # -log p(first) + b'b / 2 with b = (h, -h): the slope is -(1 - p) per bias, plus h.
    assert half == pytest.approx(1 / (1 + np.exp(2 * half)), abs=2e-4)
    assert found.temperature == 1.0


def test_certain_probabilities_are_scored():
    target = np.array([0, 1, 1])
    found = score_classes(target, np.eye(2)[[0, 1, 0]], ["a", "b"], list("xyz"))
    assert found["brier"]["value"] == round(2 / 3, 4)
    assert found["ece"]["value"] == round(1 / 3, 4)
    assert expected_calibration_error(np.array([0.0, 0.0]), np.array([True, False])) == 0.5


def pair_swapped(count):
    """Two models of `count` films each kind that differ by one pair of neighbours."""
    positive = np.arange(2 * count) % 2 == 0
    first = np.arange(2.0 * count)
    second = first.copy()
    second[[10, 11]] = first[[11, 10]]
    return positive, first / first.max(), second / first.max()


@pytest.mark.parametrize("count", [50, 5000])
def test_models_that_differ_by_one_pair_have_a_test(count):
    positive, a, b = pair_swapped(count)
    found = delong(positive, a, b)
    # The positive of the pair now lies above one negative more, of count squared pairs.
    assert found["difference"] == pytest.approx(-1 / count**2)
    # Placements differ for one film of each kind, by 1 / count: variances (1 / n)^2 / n each, over
    # n films; z = -n^-2 / sqrt(2 n^-4) .
    assert found["z"] == pytest.approx(-(0.5**0.5), rel=1e-3)
    assert found["p"] == pytest.approx(0.4795, abs=1e-3)
    assert found["low"] < 0 < found["high"]


def test_models_that_differ_in_nothing_but_rounding_do_not_differ():
    positive, a, _ = pair_swapped(500)
    found = delong(positive, a, a * (1 + 1e-12))
    assert (found["difference"], found["z"], found["p"]) == (0.0, 0.0, 1.0)
    assert (found["low"], found["high"]) == (0.0, 0.0)


def test_opposite_models_are_as_far_apart_as_can_be():
    positive = np.arange(8) % 2 == 0
    found = delong(positive, positive.astype(float), 1.0 - positive)
    assert (found["auc_a"], found["auc_b"], found["difference"]) == (1.0, 0.0, 1.0)
    assert found["p"] is None
    calls = mcnemar(np.ones(8, bool), np.zeros(8, bool))
    assert calls["p"] == pytest.approx(2 / 2**8)


def test_correction_keeps_order_and_ends_at_one():
    assert holm([0.5]) == [0.5]
    assert holm([0.04, 0.01, 0.02, 0.9]) == pytest.approx([0.08, 0.04, 0.06, 0.9])
    rows = compare_all({"a": np.array([0.9, 0.1]), "b": np.array([0.9, 0.1])}, np.array([1, 0]))
    assert rows[0]["delong"] is None
    assert rows[0]["mcnemar"] == {
        **{"both_right": 2, "only_a": 0, "only_b": 0, "both_wrong": 0},
        **{"p": 1.0, "p_holm": 1.0},
    }


@pytest.mark.parametrize(
    ("positives", "negatives", "tested"), [(2, 2, True), (1, 3, False), (3, 1, False)]
)
def test_two_films_of_each_kind_are_enough_to_compare(positives, negatives, tested):
    positive = np.repeat([True, False], [positives, negatives])
    models = {"a": np.linspace(1, 0, len(positive)), "b": np.linspace(0, 1, len(positive))}
    (row,) = compare_all(models, positive)
    assert (row["delong"] is not None) == tested


def test_points_of_certain_probabilities():
    positive = np.array([True, True, False, False])
    points = choose_points(positive, np.array([1.0, 1.0, 0.0, 0.0]))
    assert {point.threshold for name, point in points.items() if name != "default"} == {0.5}
    backwards = choose_points(positive, np.array([0.0, 0.0, 1.0, 1.0]))
    # Only calling every film finds those with the finding.
    assert backwards["sensitivity_95"].threshold == 0.0
    with pytest.raises(ArgumentError, match="Received: 2 with it among 2"):
        choose_points(np.ones(2, bool), np.array([0.1, 0.2]))


@pytest.mark.parametrize(("missed", "reached"), [(1, True), (2, False)])
def test_sensitivities_that_are_just_reached(missed, reached):
    """Of twenty, nineteen are 95 %."""
    probability = np.concatenate([np.full(20 - missed, 0.8), np.full(missed, 0.4), [0.6]])
    points = choose_points(np.arange(21) < 20, probability)
    assert points["sensitivity_95"].threshold == pytest.approx(0.7 if reached else 0.2)
    assert points["sensitivity_98"].threshold == pytest.approx(0.2)
    assert [points[f"sensitivity_{n}"].title for n in (95, 98)] == [
        "95 % sensitivity on validation",
        "98 % sensitivity on validation",
    ]


@pytest.mark.parametrize(("gap", "between"), [(0.9e-6, False), (1.1e-6, True)])
def test_how_near_probabilities_may_lie_to_be_told_apart(gap, between):
    positive, probability = np.array([True, False]), np.array([0.5 + gap, 0.5])
    threshold = choose_points(positive, probability)["best_f1"].threshold
    assert (threshold > 0.5) == between
    assert threshold == pytest.approx(0.5 + gap / 2 if between else 0.25)


def test_predictive_values_at_the_ends_of_prevalence():
    assert predictive_values(0.9, 0.8, 1.0) == (1.0, 0.0)
    assert predictive_values(0.9, 0.8, 0.0) == (0.0, 1.0)
    assert predictive_values(0.0, 0.0, 0.5) == (0.0, 0.0)
    for shares in ((1.1, 0.5, 0.5), (0.5, -0.1, 0.5), (0.5, 0.5, 1.01)):
        with pytest.raises(ArgumentError, match="in 0 to 1"):
            predictive_values(*shares)


def test_both_predictive_intervals_by_the_papers_formula():
    """Mercaldo's adjusted logit interval, worked out for 18 of 20 and 33 of 40."""
    positive = np.repeat([True, False], [20, 40])
    probability = np.repeat([0.9, 0.1, 0.1, 0.9], [18, 2, 33, 7])
    at = at_threshold(positive, probability, 0.5)
    z, prevalence = 1.959964, 0.2
    n1, n0 = 20 + z**2, 40 + z**2
    se, sp = (18 + z**2 / 2) / n1, (33 + z**2 / 2) / n0
    odds = np.log(prevalence / (1 - prevalence))
    ways = {
        "ppv": (np.log(se / (1 - sp)) + odds, (1 - se) / se / n1 + sp / (1 - sp) / n0),
        "npv": (np.log(sp / (1 - se)) - odds, se / (1 - se) / n1 + (1 - sp) / sp / n0),
    }
    found = predictive_scores(at, prevalence)
    for name, (centre, variance) in ways.items():
        for end, sign in (("low", -1), ("high", 1)):
            expected = 1 / (1 + np.exp(-(centre + sign * z * variance**0.5)))
            # As scores are kept: to four places.
            assert found[name][end] == round(expected, 4), (name, end)
        assert found[name]["n"] == 60
    values = predictive_values(at["sensitivity"]["value"], at["specificity"]["value"], prevalence)
    assert [found[name]["value"] for name in ways] == [round(value, 4) for value in values]
    assert (at["sensitivity"]["n"], at["specificity"]["n"]) == (20, 40)


def test_predictive_intervals_widen_to_shares_of_nought():
    """No film with the finding is called: PPV 0, and an interval that begins there."""
    at = at_threshold(np.array([True, False, False]), np.array([0.1, 0.9, 0.1]), 0.5)
    found = predictive_scores(at, 0.5)
    assert found["ppv"]["value"] == found["ppv"]["low"] == 0.0
    assert 0 < found["ppv"]["high"] < 1
    assert found["npv"]["value"] == round(0.25 / 0.75, 4)


def test_a_sweep_beyond_all_probabilities():
    positive, probability = np.array([True, False, False]), np.array([0.5, 0.5, 0.2])
    sensitivity, specificity = sweep(positive, probability, np.array([-1.0, 0.2, 0.5, 0.6, 2.0]))
    np.testing.assert_array_equal(sensitivity, [1, 1, 1, 0, 0])
    np.testing.assert_array_equal(specificity, [0, 0, 0.5, 1, 1])
    assert np.isnan(sweep(np.array([False]), np.array([0.5]), np.array([0.5]))[0]).all()


def test_an_auroc_of_one_kind_of_films_is_none():
    assert auroc_score(np.ones(3, bool), np.arange(3.0), list("abc")) is None
    assert auroc_score(np.zeros(3, bool), np.arange(3.0), list("abc")) is None
    tied = auroc_score(np.array([True, False]), np.array([0.5, 0.5]), list("ab"))
    low = auroc_limits(0.5, 1, 1)[0]
    assert (tied["value"], tied["low"], tied["high"]) == pytest.approx(
        (0.5, low, 1 - low), abs=1e-4
    )
    assert low < 0.1

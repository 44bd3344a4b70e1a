"""Intervals of a handful of films: what they cannot know, they do not claim."""

import numpy as np
import pytest

from xraycore.metrics.classification import auroc_score, score_classes
from xraycore.metrics.few import (
    Z,
    auroc_limits,
    f1_limits,
    kappa_limits,
    mean_limits,
    precision_limits,
    share_limits,
)
from xraycore.metrics.intervals import mean_share
from xraycore.metrics.operating_points import at_threshold
from xraycore.metrics.significance import delong


def ends(score):
    return score["low"], score["high"]


def names(number):
    return [str(one) for one in range(number)]


@pytest.mark.parametrize("others", [5, 50, 1000])
def test_one_positive_film_that_ranks_first_may_be_chance(others):
    positive = np.arange(others + 1) == 0
    found = auroc_score(positive, positive.astype(float), names(others + 1))
    assert found["value"] == 1.0
    assert found["low"] < 0.5 and found["high"] == 1.0
    last = auroc_score(positive, 1.0 - positive, names(others + 1))
    assert (last["value"], last["low"]) == (0.0, 0.0)
    assert last["high"] > 0.5


def test_two_positive_films_that_rank_first_among_a_hundred_are_no_chance():
    positive = np.arange(102) < 2
    low, high = ends(auroc_score(positive, positive.astype(float), names(102)))
    assert 0.5 < low < 0.8 and high == 1.0


def test_newcombes_limits_solve_his_equation():
    """Hanley and McNeil's variance at the limit is (distance / z) squared."""
    for area, m, n in ((0.8, 4, 9), (1.0, 3, 3), (0.5, 2, 40)):
        for limit in auroc_limits(area, m, n):
            if 0 < limit < 1:
                more = (m + n) / 2 - 1
                spread = 1 + more * (1 - limit) / (2 - limit) + more * limit / (1 + limit)
                variance = limit * (1 - limit) * spread / (m * n)
                assert (area - limit) ** 2 == pytest.approx(Z**2 * variance, rel=1e-6)
    assert auroc_limits(0.5, 3, 3)[0] == pytest.approx(1 - auroc_limits(0.5, 3, 3)[1])


def test_films_of_one_patient_are_one_positive():
    positive = np.repeat([True, False], 10)
    groups = ["p"] * 10 + names(10)
    low, _ = ends(auroc_score(positive, positive.astype(float), groups))
    assert low < 0.5


def test_shares_by_wilson():
    # All of one: z^2 is 3.8415, so the low end is 1 / 4.8415.
    assert share_limits(1.0, 1) == pytest.approx((1 / (1 + Z**2), 1.0))
    assert share_limits(0.0, 3) == pytest.approx((0.0, Z**2 / (3 + Z**2)))
    # Of two patients that differ resamples end at 0.9 and 1.
    low, high = ends(mean_share([0.9, 1.0], ["p", "q"]))
    assert (low, high) == (pytest.approx(share_limits(0.95, 2)[0], abs=5.1e-5), 1.0)


def test_combined_limits_by_hand():
    assert f1_limits((0.5, 1.0), (0.25, 1.0)) == (pytest.approx(1 / 3), 1.0)
    assert f1_limits((0.0, 0.5), (0.0, 1.0)) == (0.0, pytest.approx(2 / 3))
    # Distances of .3 and .4 below, of .05 and .12 above, halved.
    low, high = mean_limits([0.9, 0.8], [(0.6, 0.95), (0.4, 0.92)])
    assert (low, high) == pytest.approx((0.85 - 0.25, 0.85 + 0.065))
    assert precision_limits(1.0, 1, 0.01) == pytest.approx((0.01, 1.0))
    assert precision_limits(1.0, 2, 0.01)[0] == pytest.approx(2 / (2 + Z**2))


def test_kappa_of_few_heatmaps():
    # All of four agreed, on two answers half the time each: chance agrees in a half.
    low, high = kappa_limits(1.0, [0.5, 0.5], 4)
    assert (low, high) == (pytest.approx((4 / (4 + Z**2) - 0.5) / 0.5), pytest.approx(1.0))


def test_a_model_that_is_right_on_three_films_is_not_certain():
    y_true = np.array([0, 0, 1])
    found = score_classes(y_true, np.eye(2)[y_true] * 0.9 + 0.05, ["well", "ill"], names(3))
    ill = found["classes"]["ill"]
    for score in (ill["f1"], ill["auroc"], ill["auprc"], found["macro_auroc"], found["macro_f1"]):
        assert score["value"] == 1.0
        assert score["low"] < 0.5
    assert found["macro_auprc"]["low"] < 0.6
    assert found["balanced_accuracy"]["low"] < 0.5
    # All films are right and 0.95 sure: the gap is 0.05, and no three films show that.
    assert found["ece"]["value"] == 0.05
    assert found["ece"]["high"] == pytest.approx(share_limits(0.05, 3)[1], abs=5.1e-5)
    assert found["brier"]["high"] > 0.5


def test_a_class_that_no_film_has_has_no_score():
    found = score_classes(np.array([0, 0]), np.array([[0.9, 0.1]] * 2), ["well", "ill"], names(2))
    ill = found["classes"]["ill"]
    assert [ill[key] for key in ("recall", "f1", "auroc", "auprc")] == [None] * 4
    assert found["macro_auroc"] is None
    at = at_threshold(np.array([False, False]), np.array([0.1, 0.2]), 0.5)
    assert at["sensitivity"] is None and at["specificity"]["low"] < 0.5


def test_a_class_that_is_never_called_may_be_called_yet():
    found = score_classes(
        np.array([0] * 20 + [1, 1]), np.array([[0.9, 0.1]] * 22), ["well", "ill"], names(22)
    )
    f1 = found["classes"]["ill"]["f1"]
    assert (f1["value"], f1["low"]) == (0.0, 0.0)
    recall = Z**2 / (2 + Z**2)
    assert f1["high"] == pytest.approx(2 * recall / (recall + 1), abs=5.1e-5)


def test_ten_patients_of_a_kind_are_resampled_as_ever():
    rng = np.random.default_rng(0)
    positive, score = np.arange(40) < 10, rng.random(40)
    resampled = auroc_score(positive, score, names(40))
    fewer = auroc_score(positive[1:], score[1:], names(39))
    exact = auroc_limits(fewer["value"], 9, 30)
    assert ends(resampled) != pytest.approx(auroc_limits(resampled["value"], 10, 30), abs=1e-3)
    assert fewer["low"] <= exact[0] + 1e-3 and fewer["high"] >= exact[1] - 1e-3


def test_two_perfect_models_of_three_films_cannot_be_told_apart():
    positive = np.array([True, True, True, False, False, False])
    same = delong(positive, positive.astype(float), positive * 0.8)
    assert same["difference"] == 0.0
    assert (same["low"], same["high"], same["p"]) == (None, None, None)


def test_a_handful_of_films_is_compared_by_students_distribution():
    """Placements differ by 1/2 for one of three: t of 2 degrees of freedom is 4.303."""
    positive = np.array([True, True, True, False, False, False])
    a = np.array([0.9, 0.8, 0.7, 0.1, 0.2, 0.3])
    b = np.array([0.9, 0.8, 0.15, 0.1, 0.2, 0.3])
    found = delong(positive, a, b)
    reach = (found["high"] - found["low"]) / 2
    assert reach == pytest.approx(4.3027 * found["difference"] / found["z"], rel=1e-4)
    assert found["low"] < 0 < found["high"]

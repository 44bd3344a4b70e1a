import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from xraycore.metrics.intervals import wilson_interval
from xraycore.metrics.operating_points import (
    OperatingPoint,
    at_threshold,
    choose_points,
    predictive_scores,
    predictive_values,
    sweep,
)

POSITIVE = np.array([True, True, False, True, False, False])
PROBABILITY = np.array([0.9, 0.8, 0.6, 0.4, 0.3, 0.1])


def test_points_by_hand():
    points = choose_points(POSITIVE, PROBABILITY)
    assert points["default"] == OperatingPoint("default", "Even odds (50 %)", 0.5)
    # F1 falling from 0.85: 2/4, 4/5, 4/6, 6/7, 6/8, 6/9; the fourth calls 0.4 and not 0.3.
    assert points["best_f1"].threshold == pytest.approx(0.35)
    # All three positives are needed for 95 %.
    assert points["sensitivity_95"].threshold == pytest.approx(0.35)
    assert {name: point.name for name, point in points.items()} == {
        name: name for name in ("default", "best_f1", "sensitivity_95", "sensitivity_98")
    }


def test_of_equally_good_thresholds_the_highest_is_taken():
    # F1 of 2/3 from 0.8 (one of two, no false call) and from 0.1 (both, with two false calls).
    points = choose_points(np.array([1, 0, 0, 1], bool), np.array([0.9, 0.7, 0.5, 0.1]))
    assert points["best_f1"].threshold == pytest.approx(0.8)


def test_sensitivity_is_reached_and_no_more_films_than_needed_are_called():
    # 0.95 of 100 positives are the 95 highest, of 0.06 and more; 98, those of 0.03 and more.
    probability = np.append(np.arange(1, 101) / 100, 0.0)
    points = choose_points(probability > 0, probability)
    assert points["sensitivity_95"].threshold == pytest.approx(0.055)
    assert points["sensitivity_98"].threshold == pytest.approx(0.025)


def test_points_are_the_best_of_all_thresholds():
    rng = np.random.default_rng(0)
    positive = rng.random(300) < 0.3
    probability = np.clip(0.3 * positive + rng.random(300), 0, 1).round(2)
    points = choose_points(positive, probability)
    by_hand = {t: (positive, probability >= t) for t in np.unique(probability)}
    f1 = f1_score(positive, probability >= points["best_f1"].threshold)
    assert f1 == max(f1_score(*calls) for calls in by_hand.values())
    enough = max(t for t, calls in by_hand.items() if recall_score(*calls) >= 0.95)
    assert enough - 0.01 < points["sensitivity_95"].threshold < enough


def test_noise_does_not_change_what_is_called():
    rng = np.random.default_rng(0)
    positive = rng.random(200) < 0.5
    # Groups of films that differ by rounding alone lie on both sides of every gap.
    probability = rng.integers(1, 20, 200) / 20 + rng.uniform(-4e-7, 4e-7, 200)
    moved = probability + rng.uniform(-4e-7, 4e-7, 200)
    for point in choose_points(positive, probability).values():
        if point.name != "default":
            assert ((probability >= point.threshold) == (moved >= point.threshold)).all()


def test_one_probability_for_all_calls_all():
    points = choose_points(np.array([True, False]), np.array([0.4, 0.4]))
    assert points["best_f1"].threshold == points["sensitivity_98"].threshold == 0.2
    nought = choose_points(np.array([True, False]), np.zeros(2))
    assert nought["best_f1"].threshold == 0.0


@pytest.mark.parametrize("positive", [[True], [False], [False, False]])
def test_points_of_one_kind_of_films_are_refused(positive):
    with pytest.raises(ValueError, match=f"with it among {len(positive)}"):
        choose_points(np.array(positive), np.full(len(positive), 0.5))


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"Received: \(2,\) and \(3,\)"):
        at_threshold(np.ones(2, bool), np.ones(3), 0.5)


def test_threshold_by_hand():
    found = at_threshold(POSITIVE, PROBABILITY, 0.5)
    # Called are 0.9, 0.8 and, falsely, 0.6; 0.4 is missed.
    assert [found[name] for name in ("tp", "fp", "tn", "fn")] == [2, 1, 2, 1]
    assert found["accuracy"] == wilson_interval(4, 6)
    lopsided = at_threshold(POSITIVE, PROBABILITY, 0.2)
    # Only 0.1 is not called: 3 hits, 2 false calls, 1 rightly left, none missed.
    assert lopsided["sensitivity"] == wilson_interval(3, 3)
    assert lopsided["specificity"] == wilson_interval(1, 3)
    assert lopsided["ppv"] == wilson_interval(3, 5)
    assert lopsided["npv"] == wilson_interval(1, 1)


def test_a_probability_on_the_threshold_is_positive():
    assert at_threshold(np.array([True]), np.array([0.5]), 0.5)["tp"] == 1


def test_what_is_not_defined_is_none():
    none_called = at_threshold(POSITIVE, PROBABILITY, 1.0)
    assert none_called["ppv"] is None
    assert none_called["npv"] == wilson_interval(3, 6)
    no_positives = at_threshold(np.array([False]), np.array([0.9]), 0.5)
    assert no_positives["sensitivity"] is no_positives["npv"] is None
    assert no_positives["specificity"] == wilson_interval(0, 1)
    no_films = at_threshold(np.zeros(0, bool), np.zeros(0), 0.5)
    assert no_films["accuracy"] is None
    json.dumps([none_called, no_positives, no_films], allow_nan=False)


def test_predictive_values_by_hand():
    # Of 1,000: 100 ill, 90 of them called; 900 well, 180 of them called, 720 not.
    ppv, npv = predictive_values(0.9, 0.8, 0.1)
    assert ppv == pytest.approx(90 / 270)
    assert npv == pytest.approx(720 / 730)


def test_predictive_values_at_the_prevalence_of_the_films_are_their_own():
    found = at_threshold(POSITIVE, PROBABILITY, 0.2)
    shares = (found["sensitivity"]["value"], found["specificity"]["value"])
    ppv, npv = predictive_values(*shares, POSITIVE.mean())
    assert ppv == pytest.approx(found["ppv"]["value"], abs=1e-4)
    assert npv == pytest.approx(found["npv"]["value"], abs=1e-4)


def test_predictive_values_of_calls_never_made_are_none():
    assert predictive_values(0.0, 1.0, 0.3) == (None, 0.7)
    assert predictive_values(1.0, 0.0, 0.3) == (0.3, None)
    assert predictive_values(0.9, 1.0, 0.0) == (None, 1.0)


@pytest.mark.parametrize("prevalence", [-0.1, 20, float("nan")])
def test_a_prevalence_that_is_no_share_is_refused(prevalence):
    with pytest.raises(ValueError, match="in 0 to 1"):
        predictive_values(0.9, 0.9, prevalence)


def test_predictive_intervals_by_hand():
    # 18 of 20 ill are called, 16 of 20 well are not; with z^2 / 2 = 1.9207 films more on either
    # side the shares are 0.83555 and 0.75166. logit(0.1) = -2.19722.
    positive = np.repeat([True, False], 20)
    probability = np.repeat([0.9, 0.1, 0.1, 0.9], [18, 2, 16, 4])
    found = predictive_scores(at_threshold(positive, probability, 0.5), 0.1)
    assert found["ppv"] == {
        "value": pytest.approx(90 / 270, abs=1e-4),
        "low": pytest.approx(0.1539, abs=2e-4),
        "high": pytest.approx(0.4346, abs=2e-4),
        "n": 40,
    }
    assert found["npv"]["value"] == pytest.approx(720 / 730, abs=1e-4)
    assert found["npv"]["low"] < found["npv"]["value"] < found["npv"]["high"]


def test_predictive_intervals_reach_a_value_of_one_and_none_stays_none():
    perfect = predictive_scores(at_threshold(POSITIVE, POSITIVE.astype(float), 0.5), 0.2)
    assert perfect["ppv"]["value"] == perfect["ppv"]["high"] == 1.0
    assert 0 < perfect["ppv"]["low"] < 1
    nobody = predictive_scores(at_threshold(POSITIVE, PROBABILITY, 1.0), 0.2)
    assert nobody["ppv"] is None
    assert nobody["npv"]["value"] == 0.8
    one_kind = predictive_scores(at_threshold(np.array([True]), np.array([0.9]), 0.5), 0.2)
    assert one_kind == {"ppv": None, "npv": None}


def test_a_sweep_is_what_each_threshold_comes_to():
    thresholds = np.array([0.0, 0.4, 0.5, 0.95])
    sensitivity, specificity = sweep(POSITIVE, PROBABILITY, thresholds)
    np.testing.assert_allclose(sensitivity, [1, 1, 2 / 3, 0])
    np.testing.assert_allclose(specificity, [0, 2 / 3, 2 / 3, 1])
    assert np.isnan(sweep(np.array([True]), np.array([0.5]), thresholds)[1]).all()

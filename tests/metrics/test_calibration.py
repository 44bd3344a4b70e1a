import numpy as np
import pytest
from scipy.optimize import fsolve

from xraycore.metrics.calibration import (
    Calibration,
    bin_of,
    expected_calibration_error,
    fit_calibration,
    reliability_curve,
    softmax,
)

CONFIDENCE = np.array([0.2, 0.3, 0.5, 0.7, 0.8, 0.9])
RIGHT = np.array([False, True, True, True, True, False])


def test_calibration_error_of_three_bins_by_hand():
    # Gaps of confidence and hits: 0.5 - 1 up to a third, 0.5 - 1 up to two, 2.4 - 2 above.
    assert expected_calibration_error(CONFIDENCE, RIGHT, 3) == pytest.approx((0.5 + 0.5 + 0.4) / 6)
    # In one bin over- and underconfidence cancel: 3.4 - 4.
    assert expected_calibration_error(CONFIDENCE, RIGHT, 1) == pytest.approx(0.6 / 6)


def test_calibration_error_has_fifteen_bins():
    # 0.34 and 0.39 share a bin of 15 (5/15 to 6/15) but none of 20; 0.34 and 0.41 none of 15.
    right = np.array([True, False])
    assert expected_calibration_error([0.34, 0.39], right) == pytest.approx((1 - 0.73) / 2)
    assert expected_calibration_error([0.34, 0.41], right) == pytest.approx((0.66 + 0.41) / 2)


def test_certain_and_right_is_calibrated_certain_and_wrong_is_not():
    assert expected_calibration_error(np.ones(3), np.ones(3, bool)) == 0.0
    assert expected_calibration_error(np.ones(3), np.zeros(3, bool)) == 1.0
    assert expected_calibration_error([0.75], [True]) == 0.25


def test_bins_hold_their_upper_edge():
    places = bin_of(np.array([0.0, 0.2, 0.2000001, 0.6, 0.8, 1.0, 1.0000001]), 5)
    assert places.tolist() == [0, 0, 1, 2, 3, 4, 4]


def test_reliability_curve_by_hand():
    assert reliability_curve(CONFIDENCE, RIGHT, 3) == [
        pytest.approx(row)
        for row in (
            {"low": 0, "high": 1 / 3, "confidence": 0.25, "accuracy": 0.5, "films": 2},
            {"low": 1 / 3, "high": 2 / 3, "confidence": 0.5, "accuracy": 1.0, "films": 1},
            {"low": 2 / 3, "high": 1, "confidence": 0.8, "accuracy": 2 / 3, "films": 3},
        )
    ]


def test_reliability_curve_leaves_out_empty_bins():
    assert [row["low"] for row in reliability_curve([0.1, 0.9], [True, True], 10)] == [0.0, 0.8]


@pytest.mark.parametrize("score", [expected_calibration_error, reliability_curve])
@pytest.mark.parametrize(("confidence", "right"), [([], []), ([0.5], [True, False])])
def test_calibration_of_nothing_is_refused(score, confidence, right):
    with pytest.raises(ValueError, match="at least one film"):
        score(np.array(confidence), np.array(right, bool))


def test_a_temperature_by_hand():
    # Right three times in four asks for p = 3/4, a logit difference of log 3: half of what is said.
    # Both classes are named as often as they come, so that there is no bias to correct.
    logits = np.tile([[2 * np.log(3), 0.0], [0.0, 2 * np.log(3)]], (4000, 1))
    allowed = np.eye(2)[[0, 1, 0, 1, 0, 1, 1, 0] * 1000]
    found = fit_calibration(logits, allowed)
    assert fit_calibration(logits, allowed, biased=False) == Calibration(found.temperature)
    assert found.temperature == pytest.approx(2.0, rel=1e-3)
    assert found.bias == pytest.approx((0, 0), abs=1e-3)
    assert found.probabilities(logits[0]) == pytest.approx([0.75, 0.25], abs=1e-3)


def test_a_bias_by_hand():
    # Logits that say nothing; three films in four are of the first class: a difference of log 3.
    allowed = np.eye(2)[[0, 0, 0, 1] * 1000]
    found = fit_calibration(np.zeros((4000, 2)), allowed)
    assert found.bias == pytest.approx((np.log(3) / 2, -np.log(3) / 2), abs=1e-3)


def test_a_set_of_classes_counts_by_the_sum_of_their_probabilities():
    # Four films in five are of the first two classes, which are alike: each has 2/5.
    allowed = np.array([[1, 1, 0]] * 4 + [[0, 0, 1]])
    found = fit_calibration(np.zeros((5000, 3)), np.tile(allowed, (1000, 1)))
    assert found.probabilities(np.zeros(3)) == pytest.approx([0.4, 0.4, 0.2], abs=1e-3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_what_drew_the_labels_is_found_again(temperature):
    rng = np.random.default_rng(0)
    logits, bias = rng.normal(0, 3, (20_000, 4)), np.array([0.6, 0.2, -0.3, -0.5])
    # The class of the highest logit plus Gumbel noise is a draw from the softmax.
    drawn = (logits / temperature + bias + rng.gumbel(size=logits.shape)).argmax(axis=1)
    found = fit_calibration(logits, np.eye(4)[drawn])
    assert found.temperature == pytest.approx(temperature, rel=0.04)
    assert found.bias == pytest.approx(bias, abs=0.1)
    assert sum(found.bias) == pytest.approx(0, abs=2e-4)


@pytest.mark.parametrize("seed", range(8))
def test_a_calibration_is_the_optimum_to_its_last_decimal(seed):
    """Of the likelihood and its prior, by the slope of both; the fit itself knows no slope."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (400, 4))
    label = (logits / 2 + rng.gumbel(size=logits.shape)).argmax(axis=1)
    allowed = np.eye(4)[label]

    def slope(parameters):
        scaled = logits / np.exp(parameters[0]) + parameters[1:]
        excess = (softmax(scaled) - allowed) / len(logits)
        by_temperature = -(excess * logits).sum() / np.exp(parameters[0])
        return np.array([by_temperature, *excess.sum(axis=0)]) + parameters / len(logits)

    best = fsolve(slope, np.zeros(5), xtol=1e-12)
    found = fit_calibration(logits, allowed)
    assert found.temperature == pytest.approx(np.exp(best[0]), abs=5.1e-5)
    assert found.bias == pytest.approx(best[1:] - best[1:].mean(), abs=5.1e-5)


def test_films_whose_label_allows_all_do_not_count():
    logits, allowed = np.tile([[2.0, 0.0], [0.0, 1.0]], (4, 1)), np.eye(2)[[0, 1, 0, 1, 0, 1, 1, 0]]
    more = np.vstack([logits, [[9, 0]]]), np.vstack([allowed, [[1, 1]]])
    assert fit_calibration(*more) == fit_calibration(logits, allowed)


@pytest.mark.parametrize("label", [0, 1])
def test_a_film_alone_rules_no_class_out(label):
    found = fit_calibration(np.array([[5.0, 0.0]]), np.eye(2)[[label]])
    # It said 0.993 and 0.007 before, and moves towards its label.
    said = found.probabilities(np.array([5.0, 0.0]))
    assert (said[1] < 0.0067) == (label == 0)
    assert said.min() > 1e-3


def test_a_calibration_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="temperature must be positive. Received: 0"):
        Calibration(0.0)
    with pytest.raises(ValueError, match="as many as the 2 classes. Received: 1"):
        Calibration(1.0, (0.5,)).probabilities(np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("allowed", "message"),
    [
        (np.ones((2, 3)), r"Received: \(2, 2\) and \(2, 3\)"),
        (np.array([[1, 0], [0, 0]]), "Received: none for film 1"),
        (np.ones((2, 2)), "rules a class out. Received: none among 2"),
        (np.ones((0, 2)), r"Received: \(2, 2\) and \(0, 2\)"),
    ],
)
def test_labels_that_say_nothing_are_refused(allowed, message):
    with pytest.raises(ValueError, match=message):
        fit_calibration(np.zeros((2, 2)), allowed)

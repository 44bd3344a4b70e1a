import numpy as np
import pytest

from xraycore.evaluation.scores import binary_scores, bootstrapped, multiclass_scores, proportion


def test_wilson_interval_of_eight_in_ten():
    # (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96, p = 0.8, n = 10.
    assert proportion(8, 10) == {"value": 0.8, "low": 0.4902, "high": 0.9433, "n": 10}


def test_share_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one film"):
        proportion(0, 0)


def test_binary_scores_by_hand():
    positive = np.array([True, True, True, False, False])
    probability = np.array([0.9, 0.6, 0.2, 0.4, 0.1])
    found = binary_scores(positive, probability, list("abcde"))
    # Five of the six pairs (positive, negative) are ordered rightly: 0.2 < 0.4 is not.
    assert found["auc"]["value"] == round(5 / 6, 4)
    assert found["accuracy"]["value"] == 0.8
    assert found["sensitivity"] == {**proportion(2, 3)}
    assert found["specificity"] == {**proportion(2, 2)}


def test_bootstrap_draws_patients_not_films():
    values = np.array([0.0] * 10 + [1.0] * 10)

    def mean(chosen):
        return float(values[chosen].mean())

    apart = bootstrapped(mean, [str(i) for i in range(20)])
    together = bootstrapped(mean, ["one"] * 10 + ["other"] * 10)
    assert apart["value"] == together["value"] == 0.5
    # Two patients are both the first in a quarter of all draws: the interval is all there is.
    assert (together["low"], together["high"]) == (0.0, 1.0)
    assert 0.25 <= apart["low"] < 0.4
    assert 0.6 < apart["high"] <= 0.75


def test_bootstrap_leaves_out_resamples_without_both_classes():
    found = binary_scores(np.array([True, False]), np.array([0.9, 0.1]), ["a", "b"])
    assert found["auc"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 2}


def test_multiclass_scores_by_hand():
    target = np.array([0, 0, 1, 2])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    found = multiclass_scores(target, probabilities, ["a", "b", "c"], list("wxyz"))
    assert found["confusion"] == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert found["accuracy"]["value"] == 0.75
    # F1: a 2/(2+0+1), b 2/(2+1+0), c 1.
    assert found["macro_f1"]["value"] == round((2 / 3 + 2 / 3 + 1) / 3, 4)
    assert found["recall"]["a"]["value"] == 0.5


def test_a_class_without_films_has_no_recall():
    found = multiclass_scores(np.array([0, 0]), np.eye(2)[[0, 0]], ["a", "b"], ["x", "y"])
    assert list(found["recall"]) == ["a"]

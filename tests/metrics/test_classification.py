import json

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)

from xraycore.metrics import intervals
from xraycore.metrics.calibration import expected_calibration_error
from xraycore.metrics.classification import score_classes
from xraycore.metrics.few import auroc_limits, share_limits
from xraycore.metrics.intervals import (
    bootstrap_interval,
    defined_proportion,
    mean_score,
    wilson_interval,
)

CLASSES = ["a", "b", "c"]


def test_wilson_interval_of_eight_in_ten():
    # (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96, p = 0.8, n = 10.
    assert wilson_interval(8, 10) == {"value": 0.8, "low": 0.4902, "high": 0.9433, "n": 10}


def test_share_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one film"):
        wilson_interval(0, 0)


def test_bootstrap_draws_patients_not_films():
    values = np.array([0.0] * 10 + [1.0] * 10)

    def mean(chosen):
        return float(values[chosen].mean())

    apart = bootstrap_interval(mean, [str(i) for i in range(20)])
    together = bootstrap_interval(mean, ["one"] * 10 + ["other"] * 10)
    assert apart["value"] == together["value"] == 0.5
    # Two patients are both the first in a quarter of all draws: the interval is all there is.
    assert (together["low"], together["high"]) == (0.0, 1.0)
    assert 0.25 <= apart["low"] < 0.4
    assert 0.6 < apart["high"] <= 0.75
    for groups in ([str(i) for i in range(20)], ["one"] * 10 + ["other"] * 10):
        assert mean_score(values, groups) == bootstrap_interval(mean, groups)


def test_a_share_of_nothing_can_be_none():
    assert defined_proportion(0, 0) is None
    assert defined_proportion(8, 10) == wilson_interval(8, 10)


def four_films():
    """Called a, b, b, c; the second wrongly."""
    probability = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]
    return np.array([0, 0, 1, 2]), np.array(probability), CLASSES, list("wxyz")


def test_overall_scores_by_hand():
    found = score_classes(*four_films())
    assert found["accuracy"] == wilson_interval(3, 4)
    # Recalls 1/2, 1, 1.
    assert found["balanced_accuracy"]["value"] == round(2.5 / 3, 4)
    # F1: a 2/(2+0+1), b 2/(2+1+0), c 1.
    assert found["macro_f1"]["value"] == round((2 / 3 + 2 / 3 + 1) / 3, 4)
    # Pairs of a: 0.8 > 0.1, 0.8 > 0.3, 0.2 > 0.1, not 0.2 > 0.3. b and c lie above all others.
    assert found["macro_auroc"]["value"] == round((3 / 4 + 1 + 1) / 3, 4)
    # Precision at the first positive of a is 1, at the second 2/3.
    assert found["macro_auprc"]["value"] == round((5 / 6 + 1 + 1) / 3, 4)
    # .04 + .01 + .01, .64 + .49 + .01, .01 + .04 + .01, .09 + .09 + .36.
    assert found["brier"]["value"] == round((0.06 + 1.14 + 0.06 + 0.54) / 4, 4)
    # 0.8 twice right: 1.6 - 2; 0.7 wrong: 0.7; 0.4 right: 0.4 - 1.
    assert found["ece"]["value"] == round((0.4 + 0.7 + 0.6) / 4, 4)
    assert found["confusion"] == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_scores_of_a_class_by_hand():
    found = score_classes(*four_films())["classes"]
    assert list(found) == CLASSES
    assert [found[name]["films"] for name in CLASSES] == [2, 1, 1]
    assert found["a"]["recall"] == wilson_interval(1, 2)
    assert found["a"]["precision"] == wilson_interval(1, 1)
    assert found["a"]["specificity"] == wilson_interval(2, 2)
    assert found["b"]["recall"] == wilson_interval(1, 1)
    assert found["b"]["precision"] == wilson_interval(1, 2)
    assert found["b"]["specificity"] == wilson_interval(2, 3)
    assert found["b"]["f1"]["value"] == round(2 / 3, 4)
    assert found["a"]["auroc"]["value"] == 0.75
    assert found["a"]["auprc"]["value"] == round(5 / 6, 4)
    assert found["a"]["auroc"]["n"] == 4


def many_films(count, seed=0):
    """Probabilities in steps of a tenth, so that many are tied; three films a patient."""
    rng = np.random.default_rng(seed)
    target = rng.choice(3, count, p=[0.6, 0.25, 0.15])
    tenths = np.stack([rng.multinomial(10, 0.2 * np.eye(3)[t] + 0.8 / 3) for t in target])
    return target, tenths / 10, CLASSES, [f"patient {i // 3}" for i in range(count)]


def with_sklearn(target, probability):
    """Name -> the same statistic of films by scikit-learn; NaN where a class has no films."""

    def all_there(statistic):
        def of(chosen):
            known = len(np.unique(target[chosen])) == 3
            return float(statistic(target[chosen], probability[chosen])) if known else np.nan

        return of

    def each(metric):
        return lambda t, p: np.mean([metric(t == k, p[:, k]) for k in range(3)])

    def ece(t, p):
        return expected_calibration_error(p.max(axis=1), p.argmax(axis=1) == t)

    return {
        "balanced_accuracy": all_there(lambda t, p: balanced_accuracy_score(t, p.argmax(axis=1))),
        "macro_f1": all_there(lambda t, p: f1_score(t, p.argmax(axis=1), average="macro")),
        "macro_auroc": all_there(lambda t, p: roc_auc_score(t, p, multi_class="ovr")),
        "macro_auprc": all_there(each(average_precision_score)),
        "brier": lambda i: brier_score_loss(target[i], probability[i], scale_by_half=False),
        "ece": lambda i: ece(target[i], probability[i]),
    }


def test_values_and_intervals_are_those_of_scikit_learn_on_resampled_patients(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 20)
    monkeypatch.setattr(intervals, "BATCH", 8)
    target, probability, classes, groups = many_films(90)
    found = score_classes(target, probability, classes, groups, seed=3)
    for name, statistic in with_sklearn(target, probability).items():
        assert found[name] == pytest.approx(
            bootstrap_interval(statistic, groups, seed=3), abs=1e-4
        ), name
    for k, name in enumerate(classes):

        def auroc(i, k=k):
            return roc_auc_score(target[i] == k, probability[i, k])

        def auprc(i, k=k):
            return average_precision_score(target[i] == k, probability[i, k])

        def f1(i, k=k):
            return f1_score(target[i] == k, probability[i].argmax(axis=1) == k)

        for key, statistic in (("auroc", auroc), ("auprc", auprc), ("f1", f1)):
            expected = bootstrap_interval(statistic, groups, seed=3)
            assert found["classes"][name][key] == pytest.approx(expected, abs=1e-4), (name, key)


def test_intervals_hold_the_value_and_depend_on_the_seed_alone():
    films = many_films(90)
    first, again, other = (score_classes(*films, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first["macro_auroc"] != other["macro_auroc"]
    assert first["macro_auroc"]["value"] == other["macro_auroc"]["value"]
    assert first["macro_auroc"]["low"] < first["macro_auroc"]["value"] < 1
    assert first["macro_auroc"]["value"] < first["macro_auroc"]["high"] < 1


def test_equal_probabilities_are_chance():
    target = np.array([0, 0, 0, 1])
    found = score_classes(target, np.full((4, 2), 0.5), ["a", "b"], list("wxyz"))
    assert found["classes"]["b"]["auroc"]["value"] == 0.5
    # Of each class one film against three, of which resamples say nothing; the mean of two.
    low = 0.5 - (0.5 - auroc_limits(0.5, 1, 3)[0]) / 2**0.5
    assert found["macro_auroc"]["value"] == 0.5
    assert found["macro_auroc"]["low"] == pytest.approx(low, abs=5.1e-5)
    assert found["macro_auroc"]["high"] == pytest.approx(1 - low, abs=5.1e-5)
    # Average precision of chance is the share of the class.
    assert found["classes"]["b"]["auprc"]["value"] == 0.25


def test_a_class_without_films_is_none_and_no_part_of_a_macro():
    target, probability = np.array([0, 0, 1, 1]), np.eye(3)[[0, 0, 1, 2]]
    found = score_classes(target, probability, CLASSES, list("wxyz"))
    absent = found["classes"]["c"]
    assert absent["films"] == 0
    assert [absent[key] for key in ("recall", "f1", "auroc", "auprc")] == [None] * 4
    assert absent["precision"]["value"] == 0.0
    assert absent["specificity"] == wilson_interval(3, 4)
    assert found["balanced_accuracy"]["value"] == 0.75
    # F1: a 1, b 2/(2+0+1).
    assert found["macro_f1"]["value"] == round((1 + 2 / 3) / 2, 4)
    # The first film of b lies above both of a, the second ties with both: (2 + 2 / 2) / 4.
    assert found["classes"]["b"]["auroc"]["value"] == 0.75
    json.dumps(found, allow_nan=False)


def test_a_class_never_predicted_has_no_precision():
    found = score_classes(np.array([0, 1]), np.eye(2)[[0, 0]], ["a", "b"], ["x", "y"])
    assert found["classes"]["b"]["precision"] is None
    assert found["classes"]["b"]["recall"]["value"] == 0.0
    assert found["classes"]["b"]["f1"]["value"] == 0.0


def test_one_film_has_no_curves():
    found = score_classes(np.array([0]), np.array([[0.9, 0.1]]), ["a", "b"], ["x"])
    assert found["accuracy"] == wilson_interval(1, 1)
    assert found["macro_auroc"] is None
    assert found["macro_auprc"] is None
    assert found["classes"]["a"]["auprc"] is None
    assert found["classes"]["a"]["specificity"] is None
    # Of 0 to 2; of one film anything may be.
    low, high = (2 * limit for limit in share_limits(0.01, 1))
    assert found["brier"]["value"] == 0.02
    assert (found["brier"]["low"], found["brier"]["high"]) == pytest.approx((low, high), abs=1e-4)
    assert found["confusion"] == [[1, 0], [0, 0]]
    json.dumps(found, allow_nan=False)


def test_resamples_that_lack_a_class_are_left_out():
    found = score_classes(np.array([0, 1]), np.eye(2), ["a", "b"], ["x", "y"])
    low = 1 - (1 - auroc_limits(1.0, 1, 1)[0]) / 2**0.5
    assert found["macro_auroc"]["low"] == pytest.approx(low, abs=5.1e-5)
    assert (found["macro_auroc"]["value"], found["macro_auroc"]["high"]) == (1.0, 1.0)


def test_what_no_resample_defines_is_none(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 20)
    # Twelve patients, each the only one of a class: one draw in 19,000 has them all.
    names = [f"class {k}" for k in range(12)]
    found = score_classes(np.arange(12), np.eye(12), names, names)
    assert found["macro_auroc"] is None
    assert found["classes"]["class 0"]["auroc"]["value"] == 1.0


@pytest.mark.parametrize(
    ("target", "probability", "groups", "message"),
    [
        ([], np.zeros((0, 2)), [], "at least one film"),
        ([0], np.zeros((1, 3)), ["x"], r"Received: 1 groups, probabilities \(1, 3\)"),
        ([0], np.zeros((1, 2)), ["x", "y"], "Received: 2 groups"),
        ([2], np.zeros((1, 2)), ["x"], "0 to 1. Received: \\[2\\]"),
        ([-1], np.zeros((1, 2)), ["x"], "0 to 1. Received: \\[-1\\]"),
        ([0], np.full((1, 2), np.nan), ["x"], "must be finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(target, probability, groups, message):
    with pytest.raises(ValueError, match=message):
        score_classes(np.array(target, int), probability, ["a", "b"], groups)

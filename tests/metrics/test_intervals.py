"""What each interval resamples: patients, of whom each has two films.

With four patients every draw can be written down: 256 of them, equally likely. Drawn as eight
films instead, the extremes of the same statistic would come in 1 of 256 draws, not in 1 of 16.
"""

import numpy as np
import pytest

from tests.metrics.draws import bounds
from xraycore.metrics.classification import auroc_score, score_classes
from xraycore.metrics.few import share_limits
from xraycore.metrics.intervals import bootstrap_interval, mean_score, mean_share

PATIENTS = ["p", "p", "q", "q", "r", "r", "s", "s"]
FILMS = list("abcdefgh")


def ends(score):
    return (score["low"], score["high"])


def test_a_mean_by_hand():
    # All four draws fall on p and q in 1 of 16 draws, so that 0 is within the 2.5 %.
    values = np.array([0.0, 0, 0, 0, 1, 1, 1, 1])
    for score in (mean_score, mean_share):
        assert ends(score(values, PATIENTS)) == bounds(lambda i: values[i].mean()) == (0.0, 1.0)
        # Of eight films 0 or 1 are hot in 9 of 256 draws: the limit is one of eight.
        assert ends(score(values, FILMS)) == (0.125, 0.875)
        assert score(values, PATIENTS)["n"] == 8


def test_a_mean_weighs_films_not_patients():
    # One patient of three films and one of one: the mean is of films, in the sample as in a draw.
    found = mean_score([0.0, 0.0, 0.0, 1.0], ["p", "p", "p", "q"])
    assert found == {"value": 0.25, "low": 0.0, "high": 1.0, "n": 4}


POSITIVE = np.array([True, True, True, True, False, False, False, False])
SCORE = np.array([0.9, 0.8, 0.35, 0.3, 0.7, 0.6, 0.2, 0.1])


def test_an_auroc_by_hand():
    # p beats both r and s, q beats s only. Draws without a positive or a negative do not count; in
    # 14 of the other 224 q meets r alone and has an AUROC of 0: more than 2.5 %.
    def area(films):
        positive, score = POSITIVE[films], SCORE[films]
        if positive.all() or not positive.any():
            return np.nan
        return (score[positive][:, None] > score[~positive]).mean()

    found = auroc_score(POSITIVE, SCORE, PATIENTS)
    assert found["value"] == 0.75
    assert ends(found) == bounds(area) == (0.0, 1.0)
    assert 0.15 < ends(auroc_score(POSITIVE, SCORE, FILMS))[0] < 0.5
    assert ends(bootstrap_interval(area, PATIENTS)) == ends(found)


def test_the_scores_of_a_model_by_hand():
    # Wrong on both films of q: recalls of 1/2 and 1.
    probability = np.array([0.9, 0.9, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1])
    found = score_classes(
        POSITIVE.astype(int),
        np.stack([1 - probability, probability], axis=1),
        ["well", "ill"],
        PATIENTS,
    )
    truth, called = POSITIVE, probability > 0.5

    def recall(films):
        sides = [called[films][truth[films]], ~called[films][~truth[films]]]
        return np.mean([side.mean() for side in sides]) if all(map(len, sides)) else np.nan

    def brier(films):
        return (2 * (probability - truth)[films] ** 2).mean()

    # Resamples end at 1/2 and 1, but two patients a class know less: Wilson's limits of 1/2 and 1.
    assert bounds(recall) == (0.5, 1.0)
    half, whole = share_limits(0.5, 2), share_limits(1.0, 2)
    low = 0.75 - ((0.5 - half[0]) ** 2 + (1 - whole[0]) ** 2) ** 0.5 / 2
    assert ends(found["balanced_accuracy"]) == (pytest.approx(low, abs=5.1e-5), 1.0)
    # Squares of 1.28 for q and of 0.02 for all others; q is drawn three times in 5 % of draws.
    # Wilson's limits of a mean of four, 0.335 of 2, reach further up.
    assert bounds(brier) == (0.02, 0.965)
    high = 2 * share_limits(0.335 / 2, 4)[1]
    assert ends(found["brier"]) == (0.02, pytest.approx(high, abs=1e-4))
    # Wilson's, of the films: six of eight are right.
    assert found["accuracy"]["n"] == 8
    assert ends(found["accuracy"]) == (0.4093, 0.9285)


def test_where_patients_are_alike_wilson_counts_patients():
    # Every patient has a hit and a miss: four answers of one half each, not eight. Wilson's limits
    # of 2 in 4 are (2 + z^2 / 2 -+ z sqrt(4 / 4 + z^2 / 4)) / (4 + z^2), with z^2 = 3.8415.
    z = 1.959964
    middle, reach = 2 + z**2 / 2, z * (1 + z**2 / 4) ** 0.5
    found = mean_share([1, 0, 1, 0, 0, 1, 1, 0], PATIENTS)
    assert found["value"] == 0.5
    assert found["n"] == 8
    assert ends(found) == pytest.approx(
        ((middle - reach) / (4 + z**2), (middle + reach) / (4 + z**2)), abs=5.1e-5
    )
    # All hits: n / (n + z^2) with n = 4.
    assert ends(mean_share([1] * 8, PATIENTS)) == (pytest.approx(4 / (4 + z**2), abs=5.1e-5), 1.0)
    assert ends(mean_share([1] * 8, FILMS)) == (pytest.approx(8 / (8 + z**2), abs=5.1e-5), 1.0)


def test_a_mean_of_patients_that_are_alike_has_no_width():
    assert ends(mean_score([3.0] * 8, PATIENTS)) == (3.0, 3.0)


def test_intervals_of_one_seed_are_those_of_the_same_draws():
    """Areas and means are resampled as any other statistic is, seed and all."""
    rng = np.random.default_rng(5)
    positive, score = rng.random(40) < 0.5, rng.random(40)
    groups = [str(number // 2) for number in range(40)]

    def area(films):
        chosen, values = positive[films], score[films]
        if chosen.all() or not chosen.any():
            return np.nan
        return (values[chosen][:, None] > values[~chosen]).mean()

    assert auroc_score(positive, score, groups) == bootstrap_interval(area, groups, seed=0)
    assert auroc_score(positive, score, groups) != bootstrap_interval(area, groups, seed=1)
    mean = bootstrap_interval(lambda films: score[films].mean(), groups)
    assert mean_score(score, groups) == mean_share(score, groups) == mean
    by_class = score_classes(
        positive.astype(int), np.stack([1 - score, score], axis=1), ["no", "yes"], groups
    )
    assert by_class["classes"]["yes"]["auroc"] == bootstrap_interval(area, groups, seed=0)

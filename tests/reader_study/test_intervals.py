"""Intervals of a study resample films, of which each has the maps of two models."""

import numpy as np
import pytest

from tests.metrics.draws import bounds
from tests.reader_study.test_statistics import review
from xraycore.imaging.box import Box
from xraycore.reader_study.agreement import cohen_kappa, overall_agreement, pairwise_agreement
from xraycore.reader_study.localisation import localisation_table

MODELS = ("vgg16", "xception")
# Verdicts of two readers on films 0 to 3, the same for the maps of both models.
VERDICTS = [
    *(("agree", "agree"), ("disagree", "disagree")),
    *(("agree", "disagree"), ("disagree", "agree")),
]


def said(films=4):
    """Two readers' reviews of two maps a film; maps of one film are of one sha256."""
    return [
        review(reader, number % films, verdict, model=model)
        for number, pair in enumerate(VERDICTS)
        for model in MODELS
        for reader, verdict in zip("AB", pair, strict=True)
    ]


def test_kappa_draws_films_with_both_of_their_maps():
    answers = np.array([[v != "agree" for v in pair] for pair in VERDICTS for _ in MODELS], int)

    def kappa(maps):
        found = cohen_kappa(answers[maps], 3)
        return np.nan if found is None else found

    (pair,) = pairwise_agreement(said())
    assert (pair.heatmaps, pair.kappa["n"]) == (8, 8)
    # They agree on half, as chance would have it.
    assert pair.kappa["value"] == 0.0
    # In 14 of 256 draws there are both of the first two films and no others: readers who are one.
    # As often there are both of the last two: opposite readers, -1 in even draws and -0.6 in 3 : 1.
    assert bounds(kappa) == (-0.6, 1.0)
    assert pair.kappa["high"] == 1.0
    assert -1.0 <= pair.kappa["low"] <= -0.6
    # As eight films of one map each the same answers say more.
    apart = [
        review(reader, 2 * number + place, verdict, model=model)
        for number, pair in enumerate(VERDICTS)
        for place, model in enumerate(MODELS)
        for reader, verdict in zip("AB", pair, strict=True)
    ]
    (as_films,) = pairwise_agreement(apart)
    assert as_films.kappa["value"] == 0.0
    assert as_films.kappa["high"] < 0.9


def test_fleiss_kappa_of_one_film_may_be_chance():
    one = [review(r, 0, v, model=m) for m, v in zip(MODELS, ("agree", "unsure"), strict=True)
           for r in "ABC"]  # fmt: skip
    found = overall_agreement(one).kappa
    # Two maps of one film: every draw is that film. Wilson's low end of 1 in 1 is 0.2065, and half
    # of that agreement is chance: (0.2065 - 0.5) / 0.5.
    assert (found["value"], found["high"], found["n"]) == (1.0, 1.0, 2)
    assert found["low"] == pytest.approx(-0.5869, abs=1e-4)


def test_hit_rates_draw_films_with_all_of_their_readers():
    left, right = Box(0, 0, 1, 0.5), Box(0, 0.5, 1, 1)
    heat = np.array([[1.0, 0.0]])
    # Both readers of films 0 and 1 mark where it is hot, both of 2 and 3 where it is not.
    marked = [
        review(reader, film, boxes=[left if film < 2 else right])
        for film in range(4)
        for reader in "AB"
    ]
    (row,) = localisation_table(marked, lambda item: heat)
    hits = np.repeat([1.0, 0.0], 4)
    assert row.films == 4
    assert (row.hit["low"], row.hit["high"]) == bounds(lambda i: hits[i].mean()) == (0.0, 1.0)
    assert row.hit["n"] == 8
    # Alike on all films: as many answers as films, which is two.
    (sure,) = localisation_table(marked[:4], lambda item: heat)
    assert sure.hit["low"] == pytest.approx(2 / (2 + 1.959964**2), abs=5.1e-5)

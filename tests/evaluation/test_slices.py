from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xraycore.datasets.manifest import Record
from xraycore.evaluation.evaluator import SchemePredictions
from xraycore.evaluation.predictions import PredictionSet
from xraycore.evaluation.slices import Likeness, Slice, rank_alike, take
from xraycore.metrics.calibration import Calibration

AGES = (5.0, 30.0, None, 71.0)
SOURCES = ("ours", "nih", "nih", "cohen")


def predictions() -> PredictionSet:
    """Four films; of the third no lungs were found, and the fourth is small."""
    records = tuple(
        Record(Path(f"{n}.png"), "Normal", "test", f"p{n}", source, age)
        for n, (source, age) in enumerate(zip(SOURCES, AGES, strict=True))
    )
    return PredictionSet(
        "a",
        ("Normal", "Pneumonia"),
        records,
        np.arange(8.0).reshape(4, 2),
        Calibration(),
        np.array([0.9, 0.2, np.nan, 0.8]),
        np.array([0.4, 0.4, 0.0, 0.4]),
        np.array([[400, 300], [1000, 900], [500, 500], [100, 90]]),
        {},
    )


@pytest.mark.parametrize(
    ("part", "inside"),
    [
        (Slice(), [1, 1, 1, 1]),
        (Slice(sources=("nih", "cohen")), [0, 1, 1, 1]),
        # Both ends count, and an age that is not known is in no range.
        (Slice(ages=(5, 30)), [1, 1, 0, 0]),
        (Slice(sizes=(400, 500)), [1, 0, 1, 0]),
        (Slice(warnings=("no-lungs",)), [0, 0, 1, 0]),
        (Slice(warnings=("outside", "small")), [0, 1, 0, 1]),
        (Slice(warnings=("none",)), [1, 0, 0, 0]),
        (Slice(sources=("nih",), warnings=("no-lungs",)), [0, 0, 1, 0]),
    ],
)
def test_which_films_belong_to_a_slice(part, inside):
    assert part.mask([predictions()]).tolist() == [bool(one) for one in inside]


def test_a_film_is_warned_about_if_any_network_looks_elsewhere():
    first = predictions()
    other = replace(first, fraction_in_lungs=np.array([0.1, 0.9, 0.9, 0.9]))
    warned = Slice(warnings=("outside",))
    assert warned.mask([first, other]).tolist() == [True, True, False, False]


def test_the_predictions_of_a_slice():
    one = SchemePredictions(predictions(), np.array([0, 0, 1, 1]), np.arange(8.0).reshape(4, 2))
    part = take(one, np.array([False, True, True, False]))
    assert [record.path.name for record in part.outcome.records] == ["1.png", "2.png"]
    assert part.y_true.tolist() == [0, 1]
    assert part.probability.tolist() == [[2, 3], [4, 5]]
    assert Slice().everything
    assert not Slice(ages=(0, 18)).everything


def test_the_most_alike_are_taken_of_what_all_else_leaves():
    like = Likeness("ours/0.png", "VGG16", 2, (2, 3, 1), (0.1, 0.2, 0.3))
    assert Slice(likeness=like).mask([predictions()]).tolist() == [False, False, True, True]
    # The third film's age is not known: the next one takes its place.
    part = Slice(ages=(0, 100), likeness=like)
    assert part.mask([predictions()]).tolist() == [False, True, False, True]
    assert part.describe() == ("0 to 100 years; the 2 most alike to ours/0.png as VGG16 sees them")
    assert not Slice(likeness=like).everything


def test_films_are_ranked_by_the_angle_between_features_without_those_of_the_patient():
    outcome = predictions()
    same = replace(outcome.records[3], group="p0")
    outcome = replace(outcome, records=(*outcome.records[:3], same))
    # Of films 0 to 3, in another order; length does not matter.
    pooled = np.array([[0, 5], [2, 0], [3, 3], [1, 0]], np.float32)
    order, distances = rank_alike(outcome, [1, 0, 2, 3], pooled, pooled[1], "p0")
    assert order == (2, 1)
    # 45 and 90 degrees between vectors of length 1.
    assert distances == pytest.approx((np.sqrt(2 - np.sqrt(2)), np.sqrt(2)))
    # One that nobody has judged has no patient among them.
    assert rank_alike(outcome, [1, 0, 2, 3], pooled, np.array([9, 0]))[0] == (0, 3, 2, 1)

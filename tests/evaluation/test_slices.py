from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xraycore.datasets.manifest import Record
from xraycore.evaluation.evaluator import SchemePredictions
from xraycore.evaluation.predictions import PredictionSet
from xraycore.evaluation.slices import Slice, take
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

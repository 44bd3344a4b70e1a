"""Features of an archive beside those of home, by group."""

import numpy as np
import pyarrow as pa
import pytest

from tests.anatomy.test_feature_distance import SQUARE
from xraycore.anatomy import ood
from xraycore.scoring import feature_drift
from xraycore.scoring.feature_drift import FeatureDrift, is_far_from_home, usual_distance
from xraycore.training.ood import measure_usual

HOME = {"films": 500, "usual": {"20": 2.0, "200": 1.0}, "sources": {"one": 0.5, "two": 1.25}}


def test_usual_is_what_as_many_films_of_home_stay_below_and_each_hospital_alone():
    # Halfway between 20 and 200 by factors: the root of 4,000.
    assert usual_distance(HOME, 63) == pytest.approx(1.5, abs=0.01)
    assert usual_distance(HOME, 3) == 2.0
    # Of many films, as far as the farther hospital is from both together.
    assert usual_distance(HOME, 10**7) == 1.25
    assert usual_distance({**HOME, "sources": {}}, 10**7) == 1.0


@pytest.mark.parametrize(
    ("low", "usual", "far"), [(1.3, 1.2, True), (1.1, 1.2, False), (1.3, None, False)]
)
def test_far_is_what_lies_beyond_with_all_of_its_interval(low, usual, far):
    assert is_far_from_home({"distance": 1.5, "low": low, "high": 1.7, "usual": usual}) is far


@pytest.fixture
def home(monkeypatch):
    card = {"screening": {"distances": HOME}}
    monkeypatch.setattr(feature_drift, "load_segmenter_card", lambda: card)


def table(values, first=0, **columns):
    numbers = np.arange(first, first + len(values)) // 4
    return pa.table(
        {"number": numbers, "features": [list(map(float, v)) for v in values], **columns}
    )


def test_films_are_told_by_group_and_rows_without_features_are_none(home):
    drift = FeatureDrift({"all": {"all"}, "device": {"A", "not said"}}, "not said", "others")
    near, far = np.tile(SQUARE, (10, 1)), np.tile(SQUARE, (10, 1)) + [3, 4]
    drift.add(table(near, device=["A"] * 40))
    drift.add(table(far, device=["B"] * 20 + ["C"] * 20))
    drift.add(table(near[:4], device=[None] * 4))
    drift.add(pa.table({"number": [1], "device": ["A"]}))
    lacking = pa.table(
        {"number": [1], "device": ["A"], "features": pa.array([None], pa.list_(pa.float32()))}
    )
    drift.add(lacking)
    found = drift.to_json()
    assert found["sources"] == HOME["sources"]
    devices = found["groups"]["device"]
    assert {name: one["films"] for name, one in devices.items()} == {
        **{"A": 40, "not said": 4, "others": 40}
    }
    assert devices["A"]["distance"] == 0 and not is_far_from_home(devices["A"])
    assert devices["others"]["distance"] == 5 and is_far_from_home(devices["others"])
    assert devices["not said"] == {
        **{"films": 4, "distance": None, "low": None, "high": None, "usual": None}
    }
    assert found["groups"]["all"]["all"]["films"] == 84


def test_without_a_screening_there_is_nothing_to_tell(home, monkeypatch):
    assert FeatureDrift({"all": {"all"}}, "not said", "others").to_json() is None
    drift = FeatureDrift({"all": {"all"}}, "not said", "others")
    drift.add(table(np.tile(SQUARE, (10, 1))))
    monkeypatch.setattr(feature_drift, "load_segmenter_card", lambda: {})
    found = drift.to_json()
    assert found["sources"] is None and found["groups"]["all"]["all"]["usual"] is None


def test_what_is_usual_falls_with_the_number_of_films_and_hospitals_lie_apart():
    rng = np.random.default_rng(0)
    known = ood.OODDetector(np.zeros(3), np.ones(3), np.eye(3, dtype=np.float32), 1.0)
    one, two = rng.normal([0.5, 0, 0], 1, (3000, 3)), rng.normal([-0.5, 0, 0], 1, (3000, 3))
    few = rng.normal(0, 1, (9, 3))
    found = measure_usual(
        known, {name: np.expm1(v) for name, v in (("one", one), ("two", two), ("few", few))}
    )
    usual = [found["usual"][str(count)] for count in (20, 50, 100, 200, 500)]
    assert found["films"] == 6009 and usual == sorted(usual, reverse=True)
    # Half a standard deviation either way from both together, of which few films say nothing.
    assert found["sources"] == {
        "one": pytest.approx(0.5, abs=0.1),
        "two": pytest.approx(0.5, abs=0.1),
    }
    assert found["usual"]["5000"] < 0.2 < usual[0]
    again = measure_usual(known, {"one": np.expm1(one)})
    assert again["usual"] != found["usual"]

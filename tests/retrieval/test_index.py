import json

import numpy as np
import pytest

from tests.retrieval.films import NOTE, cloud, digest, features, two_clouds
from xraycore.errors import ArgumentError
from xraycore.retrieval.index import count_numbers, fit_index


def test_distances_are_those_of_features_at_length_one():
    films = two_clouds()
    index = fit_index(films, NOTE)
    unit = films.pooled / np.linalg.norm(films.pooled, axis=1, keepdims=True)
    exact = np.linalg.norm(unit[:, None] - unit[None], axis=2)
    # As many components as channels: nothing is left out but what rounding takes.
    assert len(index.components) == 12
    np.testing.assert_allclose(index.distances(films.pooled), exact, atol=0.02)


def test_what_the_components_leave_out_makes_a_film_farther_from_all():
    rng = np.random.default_rng(1)
    pooled = np.zeros((60, 6))
    pooled[:, :2] = 1 + 0.1 * rng.random((60, 2))
    index = fit_index(features(pooled, ["Normal"] * 60), NOTE)
    # Not any direction of the films, which lie in a plane.
    alike, strange = index.distances(np.array([[1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 2, 0]]))
    assert alike.mean() < 0.1
    expected = np.sqrt(2 - 2 * 2 / np.sqrt(2 * 6))  # The angle to (1, 1, 0, …), at length 1.
    assert strange.mean() == pytest.approx(expected, abs=0.05)


def test_only_films_to_learn_from_are_in_it_and_nothing_that_names_them():
    films = two_clouds()
    with_tests = features(
        np.vstack([films.pooled, films.pooled[:5]]),
        [r.label for r in films.records] + ["Normal"] * 5,
        splits=[r.split for r in films.records] + ["test"] * 5,
        groups=["a patient's name"] * 85,
    )
    index = fit_index(with_tests, NOTE)
    assert len(index) == 80
    assert index.place(digest(79)) == 79
    assert index.place(digest(80)) is None
    assert index.digest(7) == digest(7)
    assert "patient" not in json.dumps(index.note)


def test_what_is_usual_is_how_far_validation_films_are_from_training_films():
    rng = np.random.default_rng(0)
    pooled = np.vstack([cloud(rng, [1, 0, 0, 0], 30, 0.02), cloud(rng, [0, 1, 0, 0], 10, 0.02)])
    films = features(pooled, ["Normal"] * 40, splits=["train"] * 30 + ["val"] * 10)
    usual = fit_index(films, NOTE).note["usual"]
    # At right angles to all that is trained on: not near one another.
    assert usual["films"] == 10
    assert usual["median"] == pytest.approx(np.sqrt(2), abs=0.05)
    assert usual["median"] <= usual["limit"] <= np.sqrt(2) + 0.05
    assert fit_index(films.of_split("train"), NOTE).note["usual"] is None


def test_five_indexes_of_ten_thousand_films_fit_into_five_megabytes():
    assert [count_numbers(9316, c) for c in (192, 512, 2048)] == [64, 62, 47]
    assert count_numbers(10_100, 2048) == 43
    assert count_numbers(10_100, 2048) * (10_100 + 2 * 2048) + 33 * 10_100 < 950_000
    # However many films there are, and however few.
    assert count_numbers(100_000, 2048) == 16
    assert count_numbers(5, 2048) == 4


def test_a_film_set_too_small_is_refused():
    with pytest.raises(ArgumentError, match="two training films. Received: 1"):
        fit_index(features([[1, 0], [0, 1]], ["Normal"] * 2, splits=["train", "val"]), NOTE)

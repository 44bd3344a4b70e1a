import numpy as np
import pytest

from tests.retrieval.films import cloud, features
from xraycore.retrieval.embedding import embed, principal_scores


@pytest.mark.parametrize("channels", [8, 90])
def test_scores_keep_distances_of_features_at_length_one(channels):
    rng = np.random.default_rng(0)
    films = features(rng.random((30, channels)), ["Normal"] * 30)
    scores = principal_scores(films).pooled
    assert scores.shape == (30, min(channels, 30))
    unit = films.pooled / np.linalg.norm(films.pooled, axis=1, keepdims=True)
    wanted, found = (np.linalg.norm(v[:, None] - v[None], axis=2) for v in (unit, scores))
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    np.testing.assert_array_equal(principal_scores(films).pooled, scores)


def test_films_that_are_alike_lie_near():
    rng = np.random.default_rng(0)
    pooled = np.vstack([cloud(rng, middle, 20) for middle in np.eye(6)[:3]])
    scores = principal_scores(features(pooled, ["Normal"] * 60)).pooled
    places = embed(scores)
    assert places.shape == (60, 2) and np.isfinite(places).all()
    np.testing.assert_array_equal(embed(scores), places)
    groups = np.repeat([0, 1, 2], 20)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (groups[distances.argmin(axis=1)] == groups).all()


@pytest.mark.parametrize("films", [1, 2, 3, 4, 6])
def test_a_few_films_have_places_too(films):
    pooled = np.random.default_rng(0).random((films, 9))
    places = embed(principal_scores(features(pooled, ["Normal"] * films)).pooled)
    assert places.shape == (films, 2) and np.isfinite(places).all()


def test_films_that_are_all_the_same_have_places_too():
    scores = principal_scores(features(np.ones((30, 5)), ["Normal"] * 30)).pooled
    assert np.isfinite(embed(scores)).all()

import time

import numpy as np
import pytest

from tests.retrieval.films import NOTE, cloud, digest, features
from xraycore.errors import ArgumentError
from xraycore.retrieval.index import fit_index
from xraycore.retrieval.similar import search


@pytest.fixture(scope="module")
def index():
    """Thirty ill children of two kinds, twenty normal adults; then validation films of both."""
    rng = np.random.default_rng(0)
    pooled = np.vstack(
        [
            cloud(rng, [1, 0, 0, 0, 0], 20),
            cloud(rng, [0.9, 0.4, 0, 0, 0], 10),
            cloud(rng, [0, 0, 1, 0, 0], 20),
            cloud(rng, [1, 0, 0, 0, 0], 10),
            cloud(rng, [0, 0, 1, 0, 0], 10),
        ]
    )
    labels = ["Bacterial pneumonia"] * 20 + ["Viral pneumonia"] * 10 + ["Normal"] * 20
    labels += ["Bacterial pneumonia"] * 10 + ["Normal"] * 10
    sources = ["chest_xray"] * 30 + ["covid_radiography"] * 20
    sources += ["chest_xray"] * 10 + ["covid_radiography"] * 10
    splits = ["train"] * 50 + ["val"] * 20
    return fit_index(features(pooled, labels, sources, splits), NOTE)


def test_the_nearest_come_first_with_what_they_are_and_whose(index):
    found = search(index, [1, 0, 0, 0, 0], 40)
    assert len(found.neighbours) == 40 and found.among == 70
    distances = [one.distance for one in found.neighbours]
    assert distances == sorted(distances)
    assert found.labels == {"Bacterial pneumonia": 30, "Viral pneumonia": 10}
    assert found.sources == {"chest_xray": 40}
    assert {one.split for one in found.neighbours} == {"train", "val"}
    # By the very order of exact distances.
    place = index.place(found.neighbours[0].sha256)
    exact = index.distances(np.array([[1, 0, 0, 0, 0]], np.float32))[0]
    assert place == exact.argmin() and distances[0] == pytest.approx(exact.min())


def test_it_reads_as_a_sentence_that_says_whose_films_they_are(index):
    found = search(index, [1, 0, 0, 0, 0], 40)
    assert found.alike
    assert found.reading == (
        "Of the 40 films most alike to Basic CNN, 30 are bacterial pneumonia and 10 viral "
        "pneumonia; all 40 are from Guangzhou's children."
    )
    assert "one origin" in found.caution
    mixed = search(index, [1, 0.2, 0.9, 0, 0], 70)
    assert mixed.reading.endswith(
        "40 films from Guangzhou's children and 30 films from the adults of the COVID-19 "
        "Radiography Database."
    )
    assert mixed.caution == ""
    assert search(index, [1, 0, 0, 0, 0], 1).reading.endswith(
        "1 is bacterial pneumonia; it is from Guangzhou's children."
    )


def test_of_an_outlier_it_says_that_nothing_is_like_it(index):
    found = search(index, [0, 0, 0, 0, 1], 5)
    assert not found.alike and found.distance > found.limit > found.usual
    times = found.distance / found.usual
    assert found.reading.startswith(
        "Nothing that Basic CNN learnt from is like it: the nearest films lie "
        f"{times:.1f} times as far as is usual, farther away than those of 99 in 100"
    )
    assert found.to_json()["alike"] is False


def test_the_film_itself_is_no_neighbour_but_told(index):
    own = index.vectors[3] @ index.components + index.mean
    found = search(index, own, 20, sha256=digest(3))
    assert digest(3) not in [one.sha256 for one in found.neighbours]
    assert found.itself.sha256 == digest(3) and found.itself.distance < 0.05
    assert "was trained on this very film (bacterial pneumonia)" in found.caution
    assert len(search(index, own, 100, sha256=digest(3)).neighbours) == 69
    seen = search(index, own, 20)
    assert seen.neighbours[0].sha256 == digest(3) and seen.itself is None
    assert "was chosen by this very film" in search(index, own, 3, sha256=digest(55)).caution


@pytest.mark.parametrize("k", [0, -1, 1001])
def test_a_number_that_is_none_is_refused(index, k):
    with pytest.raises(ArgumentError, match="k must be from 1 to 1000"):
        search(index, [1, 0, 0, 0, 0], k)


def test_a_search_of_ten_thousand_films_takes_no_time():
    rng = np.random.default_rng(0)
    films = features(rng.random((10_000, 64)), ["Normal"] * 10_000)
    big = fit_index(films, NOTE)
    search(big, films.pooled[0])
    began = time.perf_counter()
    search(big, films.pooled[1])
    assert time.perf_counter() - began < 0.5  # 50 ms are promised; a test machine may be busy.

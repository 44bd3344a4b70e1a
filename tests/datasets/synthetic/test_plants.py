"""Planted shortcuts: where they are is known, and all else stays as it was."""

import numpy as np
import pytest

from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.datasets.synthetic.plants import PLANTS, plant
from xraycore.errors import ArgumentError

# Greatest share of the film that each may cover.
COVERS = {"marker": 0.03, "border": 0.25, "tube": 0.03}


@pytest.fixture(scope="module")
def film():
    return make_phantom(11, size=256)


@pytest.mark.parametrize("kind", PLANTS)
def test_what_is_planted_lies_where_it_is_said_to(film, kind):
    planted, place = plant(kind, film.pixels, np.random.default_rng(1))
    assert planted.dtype == np.float32 and planted.min() >= 0 and planted.max() <= 1
    changed = planted != film.pixels
    assert changed.any()
    if not PLANTS[kind].placed:
        assert place is None and changed.mean() > 0.5
        return
    assert place.dtype == bool and not changed[~place].any()
    assert 0 < place.mean() < COVERS[kind]
    again, _ = plant(kind, film.pixels, np.random.default_rng(1))
    other, _ = plant(kind, film.pixels, np.random.default_rng(2))
    assert (again == planted).all() and (other != planted).any()


def test_a_marker_lies_beside_the_lungs_and_a_tube_between_them(film):
    for seed in range(20):
        for kind in ("marker", "tube"):
            _, place = plant(kind, film.pixels, np.random.default_rng(seed))
            assert (place & film.lungs).sum() < 0.2 * place.sum()


def test_a_plant_that_there_is_not_is_refused(film):
    with pytest.raises(ArgumentError, match="marker, border, contrast, tube"):
        plant("sticker", film.pixels, np.random.default_rng(0))

"""Generated films among the training films."""

import numpy as np
import pytest

from xraycore.datasets.labels import BACTERIAL, CHEST4, NORMAL
from xraycore.training.phantoms import FIRST_SEED, check_phantoms, phantom_films


@pytest.fixture(scope="module")
def films():
    return phantom_films(6, 64, "film")


def test_every_second_one_has_an_opacity_where_its_lesion_is(films):
    assert [record.label for record in films.records] == [NORMAL, "Opacity"] * 3
    assert {record.source for record in films.records} == {"phantoms"}
    assert [record.path.name for record in films.records][:2] == [
        f"phantom-{FIRST_SEED}.png",
        f"phantom-{FIRST_SEED + 1}.png",
    ]
    assert films.pixels.shape == (6, 64, 64)
    assert (films.lesions[::2] == 0).all()
    for lesion in films.lesions[1::2]:
        assert 0.002 < (lesion > 127).mean() < 0.3
    # Of an unknown kind: anything but normal.
    np.testing.assert_array_equal(films.targets(CHEST4)[:2], [[1, 0, 0, 0], [0, 1, 1, 1]])


def test_the_same_chests_again(films):
    again = phantom_films(2, 64, "film")
    np.testing.assert_array_equal(again.pixels, films.pixels[:2])
    both = films.joined(again)
    assert len(both.records) == len(both.pixels) == len(both.lungs) == 8
    np.testing.assert_array_equal(both.lesions[6:], films.lesions[:2])


def test_classes_that_no_phantom_has_are_refused():
    check_phantoms(CHEST4)
    check_phantoms((NORMAL, "Opacity"))
    for classes in ((NORMAL, "Fracture"), (BACTERIAL, "Opacity")):
        with pytest.raises(ValueError, match="phantoms are Normal or an opacity"):
            check_phantoms(classes)

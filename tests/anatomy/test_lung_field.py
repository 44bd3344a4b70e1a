"""From drawn probabilities to lung fields; every box and share is worked out by hand."""

import cv2
import numpy as np
import pytest

from xraycore.anatomy import lung_field as lungs
from xraycore.anatomy.lung_field import NO_LUNGS, LungField, lung_field, segment_lungs
from xraycore.anatomy.ood import UNLIKE
from xraycore.imaging.box import Box
from xraycore.imaging.radiograph import Radiograph, RadiographInfo

SIDE = 128


def discs(*circles):
    """Probability 0.9 in discs (column, row, radius), 0.1 elsewhere."""
    drawn = np.full((SIDE, SIDE), 0.1, np.float32)
    for column, row, radius in circles:
        cv2.circle(drawn, (column, row), radius, 0.9, cv2.FILLED)
    return drawn


def blocks(*corners):
    """Probability 0.9 in blocks (top, left, height, width), 0.1 elsewhere."""
    drawn = np.full((SIDE, SIDE), 0.1, np.float32)
    for top, left, height, width in corners:
        drawn[top : top + height, left : left + width] = 0.9
    return drawn


def edges(box):
    return (box.top, box.left, box.bottom, box.right)


def assert_refused(field):
    assert not field.found
    assert not field.mask.any()
    assert field.mask.shape == (SIDE, SIDE)
    assert field.box == Box()
    assert field.warnings == (NO_LUNGS,)


def test_two_discs_by_hand():
    drawn = discs((36, 64, 24), (92, 60, 24))
    field = lung_field(drawn)
    assert field.found
    assert field.warnings == ()
    np.testing.assert_array_equal(field.mask, drawn > 0.5)
    # Rows 36 to 88 are 53 of them, columns 12 to 116 are 105; a margin of 6 % on every side.
    expected = np.array([36 - 3.18, 12 - 6.3, 89 + 3.18, 117 + 6.3]) / SIDE
    np.testing.assert_allclose(edges(field.box), expected, rtol=1e-12)


def test_the_margin_ends_at_the_films_edge():
    # Columns 2 to 127: the margin of 7.56 would reach beyond the film on both sides.
    field = lung_field(discs((26, 64, 24), (103, 64, 24)))
    # Rows 40 to 88.
    np.testing.assert_allclose(edges(field.box), (37.06 / SIDE, 0.0, 91.94 / SIDE, 1.0), rtol=1e-12)
    # And above and below: rows 1 to 127, columns 30 to 89.
    field = lung_field(blocks((1, 30, 127, 60)))
    np.testing.assert_allclose(edges(field.box), (0.0, 26.4 / SIDE, 1.0, 93.6 / SIDE), rtol=1e-12)


def test_specks_are_dropped():
    # 0.15 of the larger block's 2400 pixels is 360 = 20 x 18.
    lung = (30, 10, 60, 40)
    kept = lung_field(blocks(lung, (30, 90, 20, 18)))
    dropped = lung_field(blocks(lung, (30, 90, 19, 18)))
    assert kept.mask.sum() == 2400 + 360
    assert dropped.mask.sum() == 2400
    # The box is that of what is kept: to column 107 and to column 49.
    assert kept.box.right == pytest.approx((108 + 0.06 * 98) / SIDE)
    assert dropped.box.right == pytest.approx((50 + 0.06 * 40) / SIDE)


def test_one_lung_is_enough():
    field = lung_field(discs((64, 64, 36)))
    assert field.found
    np.testing.assert_allclose(
        edges(field.box), np.array([28 - 4.38, 28 - 4.38, 101 + 4.38, 101 + 4.38]) / SIDE
    )


def test_as_likely_as_not_is_no_lung():
    assert_refused(lung_field(np.full((SIDE, SIDE), 0.5, np.float32)))


def test_no_lungs_means_the_whole_film_and_a_warning():
    assert_refused(lung_field(np.zeros((SIDE, SIDE), np.float32)))


@pytest.mark.parametrize(
    ("drawn", "plausible"),
    [
        # Of 16384 pixels at least 0.06 = 983.04: two blocks of 492 and of 480.
        (blocks((40, 10, 41, 12), (40, 100, 41, 12)), True),
        (blocks((40, 10, 40, 12), (40, 100, 40, 12)), False),
        # And at most 0.7 = 11468.8.
        (blocks((10, 10, 107, 107)), True),
        (blocks((10, 10, 108, 107)), False),
        # At least 0.3 of the height and of the width: 38.4 rows and columns.
        (blocks((40, 20, 39, 80)), True),
        (blocks((40, 20, 38, 80)), False),
        (blocks((20, 40, 80, 39)), True),
        (blocks((20, 40, 80, 38)), False),
    ],
)
def test_implausible_lungs_are_refused(drawn, plausible):
    field = lung_field(drawn)
    if plausible:
        np.testing.assert_array_equal(field.mask, drawn > 0.5)
        assert field.warnings == ()
    else:
        assert_refused(field)


def columns(start, stop):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[:, start:stop] = True
    return mask


def test_the_rim_is_three_per_cent_of_the_side():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[64, 64] = True
    widened = LungField(mask, Box()).with_rim
    # 0.03 x 128 = 3.84, so four pixels along the axes, and round.
    np.testing.assert_array_equal(np.flatnonzero(widened[64]), np.arange(60, 69))
    np.testing.assert_array_equal(np.flatnonzero(widened[:, 64]), np.arange(60, 69))
    assert not widened[60, 60]
    np.testing.assert_array_equal(LungField(columns(0, 60), Box()).with_rim, columns(0, 64))


def test_share_inside_of_the_whole_film_by_hand():
    # With its rim the lung is the left half of the film.
    field = LungField(columns(0, 60), Box())
    assert field.fraction_in_lungs(np.ones((4, 4)), Box()) == pytest.approx(0.5)
    # Heat 1 up to column 32, from there falling to 0 at column 96: of 64 lie 32 + 24 on the left.
    assert field.fraction_in_lungs(np.array([[1.0, 0.0]]), Box()) == pytest.approx(56 / 64)
    assert field.fraction_in_lungs(np.array([[0.0, 1.0]]), Box()) == pytest.approx(8 / 64)
    assert field.fraction_in_lungs(np.array([[3.0, 1.0], [3.0, 1.0]]), Box()) == pytest.approx(
        (3 * 56 + 8) / (4 * 64)
    )


def test_share_inside_of_a_map_over_a_box_by_hand():
    # With its rim the lung reaches from column 60 to 95, and the map covers columns 64 to 127.
    field, right = LungField(columns(64, 92), Box()), Box(0.0, 0.5, 1.0, 1.0)
    assert field.fraction_in_lungs(np.ones((2, 2)), right) == pytest.approx(0.5)
    # Heat 1 for 16 columns, then falling to 0 over 32: of 32 lie 16 + 12 in the first 32 columns.
    assert field.fraction_in_lungs(np.array([[1.0, 0.0]]), right) == pytest.approx(28 / 32)
    # Over the left half, columns 0 to 63, a map meets four columns of the rim.
    left = Box(0.0, 0.0, 1.0, 0.5)
    assert field.fraction_in_lungs(np.ones((1, 1)), left) == pytest.approx(4 / 64)


def test_share_inside_without_heat_and_without_lungs():
    assert LungField(columns(0, 60), Box()).fraction_in_lungs(np.zeros((3, 3)), Box()) == 0.0
    nowhere = LungField(np.zeros((SIDE, SIDE), bool), Box())
    assert np.isnan(nowhere.fraction_in_lungs(np.ones((3, 3)), Box()))


class FakeSegmenter:
    """Finds in a film of grey g one lung of 40 + 100 g rows; remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def predict(self, films):
        self.asked.append([round(float(film.mean()), 2) for film in films])
        found = [blocks((10, 20, 40 + round(100 * film.mean()), 80)) for film in films]
        return np.stack(found), np.stack([film.mean(keepdims=True)[0] for film in films])


@pytest.fixture
def segmenter(monkeypatch):
    fake = FakeSegmenter()
    monkeypatch.setattr(lungs, "load_segmenter", lambda: fake)
    # Twice its grey is how unlike a film is.
    monkeypatch.setattr(lungs, "screen", lambda features: 2 * features[:, 0])
    monkeypatch.setattr(lungs, "known_components", lambda features: features)
    return fake


def flat(grey):
    info = RadiographInfo("film.png", "0" * 64, "PNG", width=8, height=8, bit_depth=8)
    return Radiograph(np.full((8, 8), grey, np.float32), info)


def heights(fields):
    return [int(field.mask.any(axis=1).sum()) for field in fields]


def test_every_field_stays_with_its_film(segmenter):
    first, second, third = flat(0.1), flat(0.2), flat(0.3)
    fields = segment_lungs([third, first, second, first])
    assert heights(fields) == [70, 50, 60, 50]
    assert [float(field.components[0]) for field in fields] == pytest.approx([0.3, 0.1, 0.2, 0.1])
    assert segmenter.asked == [[0.3, 0.1, 0.2, 0.1]]


def test_a_film_unlike_those_known_is_warned_about(segmenter):
    near, far = segment_lungs([flat(0.49), flat(0.52)])
    assert (near.found, near.warnings) == (True, ())
    assert (far.found, far.warnings) == (True, (UNLIKE,))
    assert (near.ood_score, far.ood_score) == pytest.approx((0.98, 1.04))


def test_no_films_no_fields(monkeypatch):
    def never():
        raise AssertionError("the segmenter was loaded")

    monkeypatch.setattr(lungs, "load_segmenter", never)
    assert segment_lungs([]) == []

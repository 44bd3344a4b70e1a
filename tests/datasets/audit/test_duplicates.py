import cv2
import numpy as np
import pytest

from tests.datasets.film_files import draw
from xraycore.datasets.audit.duplicates import near_copies, perceptual_hash


def changed(picture, change):
    height, width = picture.shape
    if change == "resized":
        return cv2.resize(picture, (240, 120), interpolation=cv2.INTER_AREA)
    if change == "brighter":
        return np.minimum(255, picture * 1.1).astype(np.uint8)
    if change == "cropped by 2 %":
        return picture[3 : height - 3, 3 : width - 3]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 1, 1)
    return cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("change", ["resized", "brighter", "cropped by 2 %", "turned"])
def test_changed_film_is_a_near_copy(change):
    films = [draw(seed) for seed in range(5)] + [changed(draw(3), change)]
    (pair,) = near_copies([perceptual_hash(film / 255) for film in films])
    assert (pair.first, pair.second) == (3, 5)
    assert 0.85 <= pair.likeness <= 1


def test_films_that_differ_in_detail_only_are_no_copies():
    # The same broad shades, as any two chests have, under different detail.
    def detail(seed):
        picture = draw(seed).astype(np.float32)
        return picture - cv2.GaussianBlur(picture, (0, 0), 3)

    shades = cv2.GaussianBlur(draw(0).astype(np.float32), (0, 0), 6)
    shades = (shades - shades.min()) / np.ptp(shades) * 190 + 10
    films = [np.clip(shades + 0.3 * detail(seed), 0, 255) / 255 for seed in range(1, 6)]
    assert np.corrcoef([film.ravel() for film in films]).min() > 0.98
    assert near_copies([perceptual_hash(film) for film in films]) == []


def test_blank_films_are_no_copies_of_each_other():
    assert near_copies([perceptual_hash(np.full((64, 64), grey)) for grey in (0.0, 0.0, 0.7)]) == []
    assert near_copies([]) == []


def test_pairs_are_found_across_blocks():
    # 600 fingerprints are two blocks of the distance matrix; the pairs lie in and between them.
    rng = np.random.default_rng(0)
    films = [perceptual_hash(rng.random((32, 32))) for _ in range(600)]
    for first, second in ((3, 590), (520, 599), (7, 8)):
        films[second] = films[first]
    pairs = {(pair.first, pair.second) for pair in near_copies(films)}
    assert pairs == {(3, 590), (520, 599), (7, 8)}

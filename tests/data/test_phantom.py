import cv2
import numpy as np
import pytest
from PIL import Image

from xraycore.data.phantom import make_phantom, paint_consolidation, write_phantoms

SEEDS = (0, 1, 2, 3, 8, 21)


@pytest.fixture(scope="module")
def pairs():
    """Normal phantom and the same chest with an opacity, by seed."""
    return {
        seed: (make_phantom(seed, size=256), make_phantom(seed, opacity=True, size=256))
        for seed in SEEDS
    }


def test_a_seed_is_one_chest(pairs):
    again = make_phantom(3, opacity=True, size=256)
    np.testing.assert_array_equal(again.pixels, pairs[3][1].pixels)
    assert np.abs(pairs[0][0].pixels - pairs[1][0].pixels).mean() > 0.01


def test_pixels_are_a_film(pairs):
    for normal, _ in pairs.values():
        assert normal.pixels.shape == (256, 256)
        assert normal.pixels.dtype == np.float32
        assert 0.0 <= normal.pixels.min() < 0.05
        assert 0.7 < normal.pixels.max() <= 1.0
        # Air beside the neck is nearly black.
        assert normal.pixels[:8, :8].mean() < 0.06


def test_lungs_are_darker_than_what_lies_between_them(pairs):
    for normal, _ in pairs.values():
        middle = normal.pixels[100:150, 118:138].mean()
        assert normal.pixels[normal.lungs].mean() < middle - 0.2
        assert 0.15 < normal.lungs.mean() < 0.35


def test_the_heart_lies_on_the_right_of_the_image(pairs):
    for normal, _ in pairs.values():
        below_hila = normal.lungs[150:200]
        assert below_hila[:, :128].sum() > 1.2 * below_hila[:, 128:].sum()


def test_an_opacity_changes_the_lung_at_its_place_only(pairs):
    for normal, ill in pairs.values():
        assert (normal.label, ill.label) == ("Normal", "Opacity")
        assert not normal.lesion.any()
        assert not (ill.lesion & ~ill.lungs).any()
        assert 0.003 < ill.lesion.mean() < 0.06
        gain = ill.pixels - normal.pixels
        assert gain[ill.lesion].mean() > 0.08
        assert np.abs(gain[~ill.lungs]).max() == 0.0
        far = cv2.distanceTransform((~ill.lesion).astype(np.uint8), cv2.DIST_L2, 5) > 60
        assert np.abs(gain[far]).max() == 0.0


def test_structure_stays_visible_through_a_consolidation():
    film = np.tile(np.linspace(0.2, 0.5, 64, dtype=np.float32), (64, 1))
    lungs = np.ones((64, 64), bool)
    rng = np.random.default_rng(0)
    painted, lesion = paint_consolidation(film, lungs, (32, 32), 12, rng)
    assert painted[32, 32] > film[32, 32] + 0.15
    row = painted[32, 26:38]
    assert row[-3:].mean() > row[:3].mean()
    assert lesion[32, 32]
    assert not lesion[0].any()


def test_too_small_a_phantom_is_refused():
    with pytest.raises(ValueError, match="32 pixels"):
        make_phantom(0, size=16)


def test_a_data_set_of_phantoms(tmp_path):
    written = write_phantoms(tmp_path, 3, size=64, seed=10)
    assert len(written) == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["Normal", "Opacity"]
    for file in written:
        with Image.open(file) as image:
            assert (image.size, image.mode) == ((64, 64), "L")
    # No chest is in both classes.
    assert len({file.stem for file in written}) == 6
    with pytest.raises(ValueError, match="per_class"):
        write_phantoms(tmp_path, 0)

import cv2
import numpy as np
import pytest
from PIL import Image

from xraycore.datasets.synthetic.phantom import make_phantom, write_phantoms

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
    np.testing.assert_array_equal(again.lesion, pairs[3][1].lesion)
    for one, other in zip(SEEDS, SEEDS[1:], strict=False):
        assert np.abs(pairs[one][0].pixels - pairs[other][0].pixels).mean() > 0.02


def test_a_seed_is_the_same_chest_at_another_size(pairs):
    for seed in (0, 8):
        large = make_phantom(seed, size=512).pixels
        small = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA)
        assert np.corrcoef(small.ravel(), pairs[seed][0].pixels.ravel())[0, 1] > 0.995


def test_pixels_are_a_film(pairs):
    for normal, _ in pairs.values():
        assert normal.pixels.shape == normal.lungs.shape == normal.lesion.shape == (256, 256)
        assert normal.pixels.dtype == np.float32
        assert normal.lungs.dtype == normal.lesion.dtype == bool
        assert 0.0 <= normal.pixels.min() < 0.02
        assert 0.7 < normal.pixels.max() <= 1.0
        # Air beside the neck is nearly black; lung is dark, not black.
        assert normal.pixels[:8, :8].mean() < 0.06
        assert 0.15 < normal.pixels[normal.lungs].mean() < 0.5


def test_lungs_are_darker_than_what_lies_between_them(pairs):
    for normal, _ in pairs.values():
        middle = normal.pixels[100:150, 118:138].mean()
        assert normal.pixels[normal.lungs].mean() < middle - 0.2
        assert 0.15 < normal.lungs.mean() < 0.4
        assert cv2.connectedComponents(normal.lungs.astype(np.uint8))[0] == 1 + 2


def test_the_heart_lies_on_the_right_of_the_image(pairs):
    for normal, _ in pairs.values():
        below_hila = normal.lungs[150:185]
        assert below_hila[:, :128].sum() > 1.2 * below_hila[:, 128:].sum()


def test_the_right_dome_is_the_higher_one(pairs):
    for normal, _ in pairs.values():
        right, left = normal.lungs[:, 40:85], normal.lungs[:, 200:216]
        tops = [255 - side[::-1].argmax(axis=0).max() for side in (right, left)]
        assert tops[0] < tops[1]


def test_an_opacity_changes_its_own_place_only(pairs):
    for normal, ill in pairs.values():
        assert (normal.label, ill.label) == ("Normal", "Opacity")
        assert not normal.lesion.any()
        assert not (ill.lesion & ~ill.lungs).any()
        np.testing.assert_array_equal(ill.lungs, normal.lungs)
        np.testing.assert_array_equal(ill.pixels[~ill.lesion], normal.pixels[~ill.lesion])
        gain = (ill.pixels - normal.pixels)[ill.lesion]
        assert gain.min() >= 0
        assert gain.mean() > 0.04
        assert np.percentile(gain, 90) > 0.10
        # Not a cartoon: no part of it outshines the heart and the belly.
        assert ill.pixels[ill.lesion].max() < normal.pixels.max()


def test_an_opacity_lies_in_one_lung_and_has_the_size_it_should(pairs):
    for _, ill in pairs.values():
        parts = cv2.connectedComponents(ill.lungs.astype(np.uint8))[1]
        assert len(np.unique(parts[ill.lesion])) == 1
        lung = parts == parts[ill.lesion][0]
        assert 0.02 < ill.lesion.sum() / lung.sum() < 0.45


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
            assert np.asarray(image).std() > 30
    # No chest is in both classes.
    assert len({file.stem for file in written}) == 6
    with pytest.raises(ValueError, match="per_class"):
        write_phantoms(tmp_path, 0)


def test_a_data_set_says_how_far_it_is(tmp_path):
    shares = []
    write_phantoms(tmp_path, 3, size=64, report=lambda now: shares.append(now.done))
    assert shares == pytest.approx([n / 6 for n in range(1, 7)])

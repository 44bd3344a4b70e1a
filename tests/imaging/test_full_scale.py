"""How many bits the samples of a file use: as declared, or as many as needed, which is said."""

import numpy as np
import pytest

from xraycore.imaging.film_warnings import warning_codes
from xraycore.imaging.grayscale import full_scale


def samples(highest, share, lowest=100):
    """A thousand samples of which that share are the highest."""
    found = np.full((10, 100), lowest, np.uint16)
    found.ravel()[: round(1000 * share)] = highest
    return found


@pytest.mark.parametrize(
    ("highest", "share", "declared", "bits", "said"),
    [
        # Nothing declared: at least 8, and what all but a few need.
        (200, 0.5, None, 8, []),
        (255, 0.5, None, 8, []),
        (256, 0.5, None, 9, []),
        (4095, 0.5, None, 12, []),
        (4096, 0.5, None, 13, []),
        (65535, 0.5, None, 16, []),
        (4095, 0.005, None, 8, ["range"]),
        (4095, 0.006, None, 12, []),
        # Declared: so many, unless more than a few need more.
        (4095, 0.5, 12, 12, []),
        (100, 0.5, 12, 12, []),
        (100, 0.5, 16, 16, []),
        (4096, 0.005, 12, 12, ["range"]),
        (4096, 0.006, 12, 13, ["range"]),
    ],
)
def test_bits_by_hand(highest, share, declared, bits, said):
    found, warnings = full_scale(samples(highest, share), declared)
    assert found == bits
    assert warning_codes(warnings) == said


def test_what_is_said_of_them():
    ((said,), (few,)) = (full_scale(samples(4096, share), 12)[1] for share in (0.006, 0.004))
    assert said == "The file declares 12 bits, but its values need 13: these are shown."
    assert few == "A few pixels (0.4 %) are brighter than 12 bits hold and are shown as white."

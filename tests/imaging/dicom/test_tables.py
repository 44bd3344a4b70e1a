"""Look-up tables of DICOM against what they declare of themselves."""

import numpy as np
import pytest

from tests.dicom_files import bits12
from tests.imaging.dicom.test_grayscale import lut


@pytest.mark.parametrize(
    ("declared", "highest", "depth"),
    [
        # As declared, also where the highest entry needs fewer bits: a dark film stays dark.
        (12, 4095, 12),
        (12, 1000, 12),
        (16, 1000, 16),
        (8, 255, 8),
        # Where an entry needs more bits than are declared, as many as it needs.
        (8, 256, 9),
        (8, 1023, 10),
        (10, 4095, 12),
        (12, 65535, 16),
    ],
)
def test_a_voi_table_is_scaled_by_its_depth(read, declared, highest, depth):
    table = lut(3, 0, declared, [0, highest // 2, highest])
    xray = read(bits12([[0, 1, 2]]), VOILUTSequence=table)
    expected = np.array([[0, highest // 2, highest]]) / (2**depth - 1)
    np.testing.assert_allclose(xray.pixels, expected, atol=1e-6)


def test_what_lies_beyond_a_table_takes_its_ends(read):
    table = lut(3, 100, 12, [500, 1000, 4095])
    xray = read(bits12([[0, 99, 100, 101, 102, 103, 4000]]), VOILUTSequence=table)
    expected = np.array([[500, 500, 500, 1000, 4095, 4095, 4095]]) / 4095
    np.testing.assert_allclose(xray.pixels, expected, atol=1e-6)


def test_values_between_two_entries_take_the_nearer(read):
    # Rescaled to 0, 0.75, 1.5, 2.25 and 3: entries 0, 1, 2, 2 and 3.
    xray = read(
        bits12([[0, 1, 2, 3, 4]]),
        RescaleSlope="0.75",
        RescaleIntercept="0",
        VOILUTSequence=lut(4, 0, 8, [0, 51, 102, 255]),
    )
    np.testing.assert_allclose(xray.pixels, [[0, 0.2, 0.4, 0.4, 1]], atol=1e-6)


def test_a_table_that_turns_and_a_film_that_is_inverted_are_told_apart(read):
    table = lut(3, 0, 8, [255, 51, 0])
    values = bits12([[0, 1, 2]])
    np.testing.assert_allclose(read(values, VOILUTSequence=table).pixels, [[1, 0.2, 0]], atol=1e-6)
    inverted = read(values, VOILUTSequence=table, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(inverted.pixels, [[0, 0.8, 1]], atol=1e-6)


def test_a_rescale_of_no_number_is_refused(read):
    with pytest.raises(ValueError, match="damaged data"):
        read(bits12([[0, 1, 2]]), RescaleSlope="1e308", RescaleIntercept="1e308")

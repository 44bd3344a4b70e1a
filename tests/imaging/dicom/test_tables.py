"""Look-up tables of DICOM against what they declare of themselves."""

import numpy as np
import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from tests.dicom_files import bits12, lut, make_dicom
from xraycore.imaging import read_radiograph
from xraycore.imaging.dicom.attributes import Attributes
from xraycore.imaging.film_warnings import warning_codes


@pytest.mark.parametrize(
    ("declared", "highest", "white"),
    [
        # As declared where the highest entry needs as many bits.
        (8, 255, 255),
        (8, 200, 255),
        (12, 4095, 4095),
        (12, 3000, 4095),
        # Else the table's own highest: devices declare the storage (16) of 12 bits, or too little.
        (16, 4095, 4095),
        (16, 255, 255),
        (12, 1000, 1000),
        (8, 256, 256),
        (10, 4095, 4095),
        (12, 65535, 65535),
    ],
)
def test_a_voi_table_is_scaled_by_its_depth(read, declared, highest, white):
    table = lut(3, 0, declared, [0, highest // 2, highest])
    xray = read(bits12([[0, 1, 2]]), VOILUTSequence=table)
    expected = np.array([[0, highest // 2, highest]]) / white
    np.testing.assert_allclose(xray.pixels, expected, atol=1e-6)
    honest = 2 ** (declared - 1) <= highest < 2**declared
    assert ("range" in warning_codes(xray.warnings)) != honest


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


def test_a_rescale_beyond_all_numbers_is_left_out(read):
    xray = read(bits12([[0, 1, 2]]), RescaleSlope="1e308", RescaleIntercept="1e308")
    np.testing.assert_allclose(xray.pixels, [[0, 0.5, 1]], atol=1e-6)
    assert "RescaleSlope" in " ".join(xray.warnings)


@pytest.mark.parametrize("declared", [0, 17, 20])
def test_a_depth_that_no_table_has_is_read_off_its_entries(read, declared):
    xray = read(bits12([[0, 1, 2]]), VOILUTSequence=lut(3, 0, declared, [0, 51, 255]))
    np.testing.assert_allclose(xray.pixels, [[0, 0.2, 1]], atol=1e-6)
    assert "range" not in warning_codes(xray.warnings)


@pytest.mark.parametrize("data", [b"", b"\0", ["no number"]])
def test_a_table_without_an_entry_is_left_out(data):
    dataset = Dataset()
    dataset.VOILUTSequence = lut(3, 0, 16, data)
    header = Attributes(dataset)
    assert header.tables("VOILUTSequence") == []
    assert "VOILUTSequence" in header.warnings()[0]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_entries_of_8_bits_are_packed_in_words_of_the_files_order(syntax):
    """The lower byte of a word comes first: in a big-endian file it stands behind the other."""
    dataset = Dataset()
    big = syntax == ExplicitVRBigEndian
    dataset.VOILUTSequence = lut(4, 0, 8, b"\2\1\4\3" if big else b"\1\2\3\4")
    dataset.set_original_encoding(False, not big)
    (table,) = Attributes(dataset).tables("VOILUTSequence")
    assert table.entries.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("length", "held", "read"),
    [
        # 16 bits without a sign that were written with one; and none, which says 65,536.
        (40_000 - 2**16, 40_002, 40_000),
        (0, 2**16 + 2, 2**16),
        (3, 5, 3),
        (5, 3, 3),
    ],
)
@pytest.mark.parametrize("bits", [9, 16])
def test_a_table_has_as_many_entries_as_it_declares(length, held, read, bits):
    item, dataset = Dataset(), Dataset()
    item["LUTDescriptor"] = DataElement(
        "LUTDescriptor", "SS", [length, 0, bits], validation_mode=IGNORE
    )
    item["LUTData"] = DataElement("LUTData", "OW", (np.arange(held) % 512).astype("<u2").tobytes())
    dataset.VOILUTSequence = [item]
    (table,) = Attributes(dataset).tables("VOILUTSequence")
    np.testing.assert_array_equal(table.entries, np.arange(read) % 512)


def test_a_table_of_which_most_is_missing_is_left_out(ramp):
    """It would show all that lies behind it as white."""
    item = Dataset()
    item["LUTDescriptor"] = DataElement("LUTDescriptor", "US", [4096, 0, 12])
    item["LUTData"] = DataElement("LUTData", "OW", np.arange(100, dtype="<u2").tobytes())
    film = read_radiograph(make_dicom(ramp, VOILUTSequence=[item]))
    assert warning_codes(film.warnings) == ["window", "attributes"]
    np.testing.assert_allclose(film.pixels, read_radiograph(make_dicom(ramp)).pixels)

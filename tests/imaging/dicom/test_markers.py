"""Which markers of a compressed stream tell its size, and how long run-length coding may be."""

import numpy as np
import pytest
from pydicom.uid import RLELossless

from xraycore.imaging.dicom.codestream import read_codestream
from xraycore.imaging.film_warnings import warning_codes

FRAME = b"\x00\x0b\x08" + (300).to_bytes(2, "big") + (400).to_bytes(2, "big") + b"\x01"
TABLE = b"\x00\x0aabcdefgh"
SIZES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


def size_after(*before):
    """The size that a JPEG tells in a frame of kind C3, after those bytes."""
    found = read_codestream(b"\xff\xd8" + b"".join(before) + b"\xff\xc3" + FRAME)
    return found.width, found.height


@pytest.mark.parametrize("marker", range(0xC0, 0xD0))
def test_frames_and_tables_among_the_markers_of_jpeg(marker):
    stream = b"\xff\xd8\xff" + bytes([marker]) + FRAME
    if marker in SIZES:
        found = read_codestream(stream)
        assert (found.width, found.height, found.marker) == (400, 300, marker)
    else:
        # A table: what looks like a size in it is none, and the frame comes later.
        assert size_after(b"\xff" + bytes([marker]) + TABLE) == (400, 300)


@pytest.mark.parametrize("marker", [0x01, *range(0xD0, 0xD9)])
def test_markers_without_a_length_are_passed_over(marker):
    assert size_after(b"\xff" + bytes([marker])) == (400, 300)
    assert size_after(b"\xff" + bytes([marker]), b"\xff\xe0" + TABLE) == (400, 300)


@pytest.mark.parametrize("marker", [0xDB, 0xDD, 0xE0, 0xEF, 0xFE, 0xF6, 0xF8])
def test_other_segments_are_passed_over_by_their_length(marker):
    assert size_after(b"\xff" + bytes([marker]) + TABLE) == (400, 300)


def test_fill_bytes_are_passed_over():
    assert size_after(b"\xff\xff\xff") == (400, 300)


def test_the_size_of_jpeg_2000_is_what_lies_right_of_its_offset():
    """X, Y of the far corner, X, Y of the offset; samples; depth less one, its sign above it."""
    corners = b"".join(number.to_bytes(4, "big") for number in (500, 400, 100, 150))
    for depth, bits in ((7, 8), (11, 12), (0x8B, 12), (15, 16)):
        stream = b"\xff\x4f\xff\x51\x00\x29\x00\x00" + corners + bytes(16)
        stream += (3).to_bytes(2, "big") + bytes([depth]) + bytes(4)
        found = read_codestream(stream)
        assert (found.width, found.height, found.bits, found.samples) == (400, 250, bits, 3)


def test_run_lengths_of_noise_are_no_longer_than_allowed(read):
    """Nothing repeats, so that every row costs more than its pixels."""
    noise = np.random.default_rng(0).integers(0, 2**12, (140, 131)).astype(np.uint16)
    noise[0, :2] = 0, 4095
    xray = read(noise, BitsStored=12, compress=RLELossless)
    np.testing.assert_allclose(xray.pixels, noise / 4095, atol=1e-6)


@pytest.mark.parametrize(
    ("age", "unknown"),
    [
        *(("000Y", True), ("001Y", False), ("005Y", False), ("006Y", True)),
        *(("017Y", True), ("018Y", False), ("099Y", False)),
        *(("011M", True), ("012M", False), ("071M", False), ("073M", True)),
        *(("215M", True), ("217M", False)),
        *(("052W", True), ("053W", False), ("360D", True), ("366D", False)),
    ],
)
def test_ages_that_no_network_was_trained_on(read, age, unknown):
    xray = read(np.array([[0, 1]], np.uint16), PatientAge=age)
    assert ("age" in warning_codes(xray.warnings)) == unknown
    assert age not in " ".join(xray.warnings)


@pytest.mark.parametrize(
    ("born", "taken", "unknown"),
    [
        ("20150601", "20160529", True),
        ("20150601", "20160602", False),
        ("20150601", "20210520", False),
        ("20150601", "20210602", True),
        ("20000601", "20180525", True),
        ("20000601", "20180602", False),
        # After the film, or before anybody could have been born: dates that say nothing.
        ("20160602", "20160601", False),
        ("18500101", "20160601", False),
    ],
)
def test_ages_from_two_dates(read, born, taken, unknown):
    xray = read(np.array([[0, 1]], np.uint16), PatientBirthDate=born, StudyDate=taken)
    assert ("age" in warning_codes(xray.warnings)) == unknown

"""What is taken for a DICOM file that has lost its preamble: by its first element (PS3.6)."""

import struct

import pytest

from xraycore.imaging.dicom.header import looks_like_dicom

# The elements of group 0008 that can come first in an image: its length, the length to its end,
# character set, image type, creation date, time and creator, SOP class and instance.
FIRST = {0x0000, 0x0001, 0x0005, 0x0008, 0x0012, 0x0013, 0x0014, 0x0016, 0x0018}


def begins(group, element, rest, order="<"):
    return struct.pack(f"{order}HH", group, element) + rest + bytes(16)


def test_elements_without_a_type_that_may_come_first():
    length = struct.pack("<I", 10)
    found = {one for one in range(0x0040) if looks_like_dicom(begins(0x0008, one, length))}
    assert found == FIRST
    assert not looks_like_dicom(begins(0x0010, 0x0008, length))


@pytest.mark.parametrize(("length", "found"), [(0, True), (64, True), (63, False), (66, False)])
def test_a_first_element_is_short_and_of_even_length(length, found):
    assert looks_like_dicom(begins(0x0008, 0x0005, struct.pack("<I", length))) == found


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("group", [0x0002, 0x0008])
def test_elements_with_their_type_in_either_order_of_bytes(group, order):
    types = b"UL OB UI SH CS DA TM DT LO SQ ST PN".split()
    assert all(looks_like_dicom(begins(group, 0x0005, one + bytes(2), order)) for one in types)
    assert not looks_like_dicom(begins(group, 0x0005, b"XX" + bytes(2), order))
    assert not looks_like_dicom(begins(0x0009, 0x0005, b"UL" + bytes(2), order))


def test_the_mark_behind_the_preamble_is_enough_and_sixteen_bytes_are_needed_without():
    assert looks_like_dicom(bytes(128) + b"DICM")
    assert not looks_like_dicom(bytes(127) + b"DICM" + bytes(16))
    assert looks_like_dicom(begins(0x0008, 0x0005, struct.pack("<I", 10))[:16])
    assert not looks_like_dicom(begins(0x0008, 0x0005, struct.pack("<I", 10))[:15])

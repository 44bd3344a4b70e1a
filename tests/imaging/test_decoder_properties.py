"""Whatever the bytes are: a valid radiograph or a RadiographError, nothing else."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import JPEG2000Lossless, RLELossless

from xraycore.imaging import RadiographError, read_radiograph

pytestmark = pytest.mark.slow

KINDS = ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "DICOM", "DICOM-RLE", "DICOM-J2K", "DICOM-windowed"]
STARTS = [
    b"",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"II*\0\x08\0\0\0",
    b"BM",
    b"RIFF\x20\0\0\0WEBPVP8 ",
    b"\0" * 128 + b"DICM",
    b"\0" * 128 + b"DICM\x02\0\0\0UL\x04\0",
    b"\x08\0\x05\0CS",
]
gently = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="session")
def files(ramp, dicom_bytes):
    def encode(kind):
        file = io.BytesIO()
        Image.fromarray(ramp[::4, ::4]).save(file, kind)
        return file.getvalue()

    wide = ramp[::4, ::4].astype(np.uint16) * 16
    made = {kind: encode(kind) for kind in KINDS if not kind.startswith("DICOM")}
    made["DICOM"] = dicom_bytes(wide, BitsStored=12)
    made["DICOM-RLE"] = dicom_bytes(wide, BitsStored=12, compress=RLELossless)
    made["DICOM-J2K"] = dicom_bytes(wide, BitsStored=12, compress=JPEG2000Lossless)
    made["DICOM-windowed"] = dicom_bytes(
        wide,
        BitsStored=12,
        RescaleSlope="2",
        RescaleIntercept="-100",
        WindowCenter="2000",
        WindowWidth="3000",
        PixelPaddingValue=0,
        PixelSpacing=[0.2, 0.2],
    )
    for kind, data in made.items():
        assert read_radiograph(data).pixels.shape == (40, 48), kind
    return made


def check(data):
    try:
        xray = read_radiograph(data)
    except RadiographError as error:
        assert "\n" not in str(error)
        return
    assert xray.pixels.dtype == np.float32
    assert xray.pixels.shape == (xray.info.height, xray.info.width)
    assert np.isfinite(xray.pixels).all()
    assert xray.pixels.min() >= 0
    assert xray.pixels.max() <= 1


@gently
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=400))
def test_any_bytes(start, rest):
    check(start + rest)


@gently
@given(kind=st.sampled_from(KINDS), share=st.floats(0, 1))
def test_a_file_cut_anywhere(files, kind, share):
    data = files[kind]
    check(data[: int(share * len(data))])


@gently
@given(
    kind=st.sampled_from(KINDS),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=8),
)
def test_flipped_bits(files, kind, flips):
    data = bytearray(files[kind])
    for place, bit in flips:
        data[int(place * len(data))] ^= 1 << bit
    check(bytes(data))


@gently
@given(
    kind=st.sampled_from(KINDS),
    place=st.floats(0, 1),
    inserted=st.binary(min_size=1, max_size=8),
    replace=st.booleans(),
)
def test_inserted_or_overwritten_bytes(files, kind, place, inserted, replace):
    data = files[kind]
    start = int(place * len(data))
    check(data[:start] + inserted + data[start + replace * len(inserted) :])

"""How large a film may be: as large as that, and no pixel more."""

import io

import pytest

from xraycore.imaging import RadiographError, read_radiograph
from xraycore.imaging.decoding import MAX_BYTES, MAX_PIXELS, check_size


def test_the_limits():
    assert MAX_BYTES == 64 * 1024 * 1024
    assert MAX_PIXELS == 64 * 10**6


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8000, 8000), (1, 64_000_000)])
def test_sizes_that_are_decoded(width, height):
    assert check_size("x.png", width, height) is None


@pytest.mark.parametrize(
    ("width", "height", "received"),
    [
        (0, 9, "an empty image of 0 x 9 pixels"),
        (9, 0, "an empty image of 9 x 0 pixels"),
        (8001, 8000, r"8001 x 8000 pixels \(64 megapixels\)"),
        (1, 64_000_001, "64000001 pixels"),
    ],
)
def test_sizes_that_are_not(width, height, received):
    with pytest.raises(RadiographError, match=f"1 pixel to 64 megapixels; received .*{received}"):
        check_size("x.png", width, height)


@pytest.mark.parametrize("extra", [1, 1000])
def test_more_bytes_than_that_are_not_kept(extra):
    data = bytes(MAX_BYTES + extra)
    for source in (data, io.BytesIO(data)):
        with pytest.raises(RadiographError, match="at most 64 MiB"):
            read_radiograph(source, name="x.png")
    # As many as that are looked at, and are no film.
    with pytest.raises(RadiographError) as caught:
        read_radiograph(io.BytesIO(data[:MAX_BYTES]), name="x.png")
    assert "at most 64 MiB" not in str(caught.value)

"""Pictures encoded and decoded again, by another library."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from xraycore.imaging.encode import data_url, encode_jpeg, encode_png

RED_GREEN = np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize(
    "picture",
    [
        np.array([[0, 128, 255]], np.uint8),
        RED_GREEN,
        np.dstack([RED_GREEN, np.array([[0, 90]], np.uint8)]),
        RED_GREEN[:, ::-1],
    ],
)
def test_png_keeps_every_value_and_red_stays_red(picture):
    np.testing.assert_array_equal(decoded(encode_png(picture)), picture)


def test_jpeg_keeps_colours_and_its_quality_is_the_one_asked_for():
    large = np.repeat(np.repeat(RED_GREEN, 32, axis=0), 32, axis=1)
    found = decoded(encode_jpeg(large)).astype(int)
    assert found[16, 8].tolist() == pytest.approx([255, 0, 0], abs=4)
    assert found[16, -8].tolist() == pytest.approx([0, 255, 0], abs=4)
    grain = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    assert len(encode_jpeg(grain, 40)) < 0.7 * len(encode_jpeg(grain))


def test_an_address_holds_the_picture_and_says_its_kind():
    for encode, kind in ((encode_png, "png"), (encode_jpeg, "jpeg")):
        data = encode(RED_GREEN)
        head, _, body = data_url(data).partition(",")
        assert head == f"data:image/{kind};base64"
        assert base64.b64decode(body) == data


@pytest.mark.parametrize(
    ("encode", "picture"),
    [
        (encode_png, np.zeros((2, 2))),
        (encode_png, np.zeros((2, 2, 2), np.uint8)),
        (encode_png, np.zeros((0, 2), np.uint8)),
        (encode_jpeg, np.zeros((2, 2, 4), np.uint8)),
    ],
)
def test_what_is_no_such_picture_is_refused(encode, picture):
    with pytest.raises(ValueError, match="expected a uint8 picture.*Received"):
        encode(picture)

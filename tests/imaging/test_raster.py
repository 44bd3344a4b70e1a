"""Raster images: stored values, colour and orientation."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.imaging.pictures import ORIENTATION, encode, png, png16, png_chunk
from xraycore.imaging import Radiograph, RadiographError, RadiographInfo, raster, read_radiograph
from xraycore.imaging.film_warnings import warning_codes


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP"])
def test_grey_levels_are_divided_by_255(format):
    xray = read_radiograph(encode(np.array([[0, 51], [102, 255]], np.uint8), format))
    np.testing.assert_array_equal(xray.pixels, np.float32([[0, 0.2], [0.4, 1]]))
    assert xray.info.format == format
    assert xray.info.bit_depth == 8


@pytest.mark.parametrize(("format", "options"), [("WEBP", {"lossless": True}), ("JPEG", {})])
def test_photographic_formats(format, options, ramp):
    xray = read_radiograph(encode(ramp, format, **options))
    assert xray.info.format == format
    assert (xray.info.width, xray.info.height) == (192, 160)
    assert np.abs(xray.pixels - ramp / 255).mean() < 0.01


def test_pixels_are_read_only_float32(ramp):
    xray = read_radiograph(encode(ramp))
    assert xray.pixels.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        xray.pixels[0, 0] = 1


def test_a_radiograph_does_not_freeze_its_makers_array():
    own = np.zeros((2, 2), np.float32)
    Radiograph(own, RadiographInfo("made", "", "PNG", 2, 2, 8))
    own[0, 0] = 1
    assert own[0, 0] == 1


def test_one_bit_images_are_black_and_white():
    xray = read_radiograph(encode(Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")))
    np.testing.assert_array_equal(xray.pixels, [[0, 1]])
    assert xray.info.bit_depth == 1


@pytest.mark.parametrize(
    ("largest", "bits"), [(100, 8), (255, 8), (256, 9), (4095, 12), (4096, 13), (65535, 16)]
)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_by_the_bits_in_use(largest, bits, format):
    xray = read_radiograph(encode(np.array([[0, largest]], np.uint16), format))
    np.testing.assert_allclose(xray.pixels, [[0, largest / (2**bits - 1)]], rtol=1e-6)
    assert xray.info.bit_depth == bits


def test_16_bit_colour_keeps_its_lower_byte():
    xray = read_radiograph(png16([[[4095] * 3, [1024] * 3], [[0] * 3, [100] * 3]]))
    np.testing.assert_allclose(xray.pixels * 4095, [[4095, 1024], [0, 100]], atol=0.01)
    assert xray.info.bit_depth == 12


def test_16_bit_channels_are_weighted_in_the_right_order():
    xray = read_radiograph(png16([[[65535, 0, 0], [0, 65535, 0], [0, 0, 65535]]]))
    np.testing.assert_allclose(xray.pixels, [[0.299, 0.587, 0.114]], atol=1e-4)


def test_16_bit_grey_with_alpha():
    xray = read_radiograph(png16([[[65535, 65535], [65535, 0], [32768, 65535]]]))
    np.testing.assert_allclose(xray.pixels, [[1, 0, 0.5]], atol=1e-4)


def test_16_bit_grey_with_one_transparent_value():
    rows = zlib.compress(b"\0" + struct.pack(">HH", 65535, 300))
    data = png(2, 1, 16, 0, rows, extra=png_chunk(b"tRNS", struct.pack(">H", 65535)))
    np.testing.assert_allclose(read_radiograph(data).pixels, [[0, 300 / 65535]], rtol=1e-5)


def test_16_bit_tiff_whose_white_is_zero_is_inverted():
    data = bytearray(encode(np.array([[0, 65535]], np.uint16), "TIFF"))
    entry = data.find(struct.pack("<HHI", 262, 3, 1))
    data[entry + 8 : entry + 10] = struct.pack("<H", 0)
    np.testing.assert_array_equal(read_radiograph(bytes(data)).pixels, [[1, 0]])


def test_colour_becomes_luminance():
    primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    expected = [[0.299, 0.587, 0.114]]
    np.testing.assert_allclose(read_radiograph(encode(primaries)).pixels, expected, atol=0.002)


def test_grey_in_three_channels_keeps_its_values(ramp):
    three = np.repeat(ramp[..., None], 3, axis=2)
    np.testing.assert_array_equal(
        read_radiograph(encode(three)).pixels, read_radiograph(encode(ramp)).pixels
    )


def test_palette_indices_are_looked_up():
    image = Image.new("P", (2, 1))
    image.putpalette([204, 204, 204, 51, 51, 51])
    image.putpixel((1, 0), 1)
    np.testing.assert_allclose(read_radiograph(encode(image)).pixels, [[0.8, 0.2]], atol=1e-6)


def test_transparency_is_laid_on_black():
    rgba = np.array([[[255, 255, 255, 255], [255, 255, 255, 0], [255, 255, 255, 51]]], np.uint8)
    np.testing.assert_allclose(read_radiograph(encode(rgba)).pixels, [[1, 0, 0.2]], atol=1e-6)


def test_a_transparent_grey_value_becomes_black():
    data = encode(np.array([[200, 51]], np.uint8), transparency=200)
    np.testing.assert_allclose(read_radiograph(data).pixels, [[0, 0.2]], atol=1e-6)


# The picture [[0, 51, 102], [153, 204, 255]] as EXIF orientation 1 to 8 asks to show it, in 51sts.
TURNED = {
    1: [[0, 1, 2], [3, 4, 5]],
    2: [[2, 1, 0], [5, 4, 3]],
    3: [[5, 4, 3], [2, 1, 0]],
    4: [[3, 4, 5], [0, 1, 2]],
    5: [[0, 3], [1, 4], [2, 5]],
    6: [[3, 0], [4, 1], [5, 2]],
    7: [[5, 2], [4, 1], [3, 0]],
    8: [[2, 5], [1, 4], [0, 3]],
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_exif_orientation_is_applied(orientation, format):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = (np.arange(6, dtype=np.uint8) * 51).reshape(2, 3)
    xray = read_radiograph(encode(stored, format, exif=exif))
    expected = np.array(TURNED[orientation])
    np.testing.assert_allclose(xray.pixels * 5, expected, atol=1e-6)
    assert (xray.info.height, xray.info.width) == expected.shape


def film16(top, side=300):
    """A 12-bit film, of which 0.1 % of the pixels hold `top`."""
    rows, columns = np.mgrid[:side, :side]
    film = ((rows + columns) * 4095 // (2 * side - 2)).astype(np.uint16)
    film[0, : side * side // 1000] = top
    return film


@pytest.mark.parametrize("top", [4096, 5000, 65535])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG2000"])
def test_a_few_bright_pixels_do_not_change_the_scale(top, format):
    options = {"irreversible": False} if format == "JPEG2000" else {}
    xray = read_radiograph(encode(film16(top), format, **options))
    np.testing.assert_allclose(xray.pixels[1:], film16(0)[1:] / 4095, atol=1e-6)
    assert xray.pixels[0, 0] == 1
    assert warning_codes(xray.warnings) == ["range"]
    assert xray.info.bit_depth == 12


def test_one_bright_pixel_of_16_bit_colour_does_not_change_the_scale():
    colours = np.repeat(film16(0)[..., None], 3, 2)
    colours[0, 0] = 65535
    xray = read_radiograph(png16(colours))
    np.testing.assert_allclose(xray.pixels[1:], film16(0)[1:] / 4095, atol=1e-6)


def test_a_tenth_of_bright_pixels_is_no_outlier():
    film = film16(0)
    film[:30] = 60000
    xray = read_radiograph(encode(film))
    assert (xray.info.bit_depth, xray.warnings) == (16, ())


def test_16_bit_colour_of_a_tiff():
    colours = np.array([[[65535, 0, 0], [0, 65535, 0], [0, 0, 65535]]], np.uint16)
    tiff = cv2.imencode(".tiff", colours[..., ::-1])[1].tobytes()
    np.testing.assert_allclose(read_radiograph(tiff).pixels, [[0.299, 0.587, 0.114]], atol=1e-4)


@pytest.mark.parametrize(
    ("values", "shown", "said"),
    [
        ([[0, 0.25, 1]], [[0, 0.25, 1]], False),
        ([[0, 0.25, np.nan]], [[0, 0.25, 0]], False),
        ([[-1000, 0, 3000]], [[0, 0.25, 1]], True),
        ([[10, 20, 50]], [[0, 0.25, 1]], True),
        ([[np.nan, 20, 50]], [[0, 0, 1]], True),
        ([[np.inf, 20, 50]], [[0, 0, 1]], True),
    ],
)
def test_floating_point_numbers(values, shown, said):
    xray = read_radiograph(encode(np.array(values, np.float32), "TIFF"))
    np.testing.assert_allclose(xray.pixels, shown, atol=1e-6)
    assert ("range" in warning_codes(xray.warnings)) == said


def test_signed_and_large_integers_are_stretched():
    for values, ends in (
        ([[-5, 1, 19]], "from -5 to 19:"),
        ([[0, 1_000_000, 4_000_000]], "from 0 to 4e+06:"),
    ):
        xray = read_radiograph(encode(np.array(values, np.int32), "TIFF"))
        np.testing.assert_allclose(xray.pixels, [[0, 0.25, 1]], atol=1e-6)
        assert "range" in warning_codes(xray.warnings)
        assert ends in " ".join(xray.warnings)


@pytest.mark.parametrize(("highest", "stretched"), [(65535, False), (65536, True)])
def test_large_integers_that_fit_16_bits_are_16_bits(highest, stretched):
    xray = read_radiograph(encode(np.array([[0, highest]], np.int32), "TIFF"))
    np.testing.assert_array_equal(xray.pixels, [[0, 1]])
    assert xray.info.bit_depth == (32 if stretched else 16)
    assert ("range" in warning_codes(xray.warnings)) == stretched


def test_a_broken_exif_block_leaves_a_film_upright(ramp):
    plain = encode(ramp)
    end = plain.index(b"IDAT") - 4
    broken = plain[:end] + png_chunk(b"eXIf", b"no TIFF header at all") + plain[end:]
    with pytest.raises(SyntaxError):
        Image.open(io.BytesIO(broken)).getexif()
    np.testing.assert_array_equal(read_radiograph(broken).pixels, read_radiograph(plain).pixels)


def pages(*films, **options):
    images = [Image.fromarray(film) for film in films]
    return encode(images[0], "TIFF", save_all=True, append_images=images[1:], **options)


@pytest.mark.parametrize("order", [1, -1])
def test_smaller_pages_of_a_tiff_are_previews(ramp, order):
    data = pages(*(ramp, 255 - ramp[::2, ::2], ramp[::4, ::4])[::order])
    xray = read_radiograph(data)
    np.testing.assert_array_equal(xray.pixels, ramp / np.float32(255))
    assert warning_codes(xray.warnings) == ["pages"]


def test_pages_of_one_size_are_several_films(ramp):
    with pytest.raises(RadiographError, match="several frames"):
        read_radiograph(pages(ramp, ramp[:-1]))


def test_as_many_pages_as_may_be_and_one_more(ramp, monkeypatch):
    previews = [ramp[::2, ::2]] * 2
    monkeypatch.setattr(raster, "MAX_PAGES", 3)
    assert raster.decode_raster(pages(ramp, *previews), "film").pixels.shape == ramp.shape
    with pytest.raises(RadiographError, match="several frames"):
        raster.decode_raster(pages(ramp, *previews, ramp[::4, ::4]), "film")


@pytest.mark.parametrize(
    ("code", "raised"), [(cv2.Error.StsNoMem, MemoryError), (cv2.Error.StsError, cv2.error)]
)
def test_a_lack_of_memory_is_no_fault_of_the_film(monkeypatch, code, raised):
    def fail(*_):
        error = cv2.error("no")
        error.code = code
        raise error

    monkeypatch.setattr(raster.cv2, "imdecode", fail)
    with pytest.raises(raised):
        raster._wide_colour(png16(np.zeros((2, 2, 3), np.uint16)))


@pytest.mark.parametrize(
    ("format", "options", "named"),
    [
        ("HEIF", {"quality": -1, "chroma": 444}, "HEIF"),
        ("AVIF", {"quality": 100}, "AVIF"),
        ("JPEG2000", {"irreversible": False}, "JPEG2000"),
    ],
)
def test_photographs_of_newer_formats(format, options, named, ramp):
    xray = read_radiograph(encode(ramp, format, **options))
    assert xray.info.format == named
    assert np.abs(xray.pixels - ramp / 255).mean() < 0.01
    assert xray.warnings == ()


@pytest.mark.parametrize(
    ("start", "named"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(range(256)), "a damaged HEIC photograph"),
        (b"\0\0\0\x20ftypavif" + bytes(range(256)), "a damaged AVIF image"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(300), "truncated image"),
        (b"\0\0\0\x14ftypqt  " + bytes(300), "a QuickTime video"),
        (b"\0\0\0\x14ftypisom" + bytes(300), "an MP4 video"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(4000), "a macOS resource file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"GIF89a", "a GIF image"),
        (b"\xff\x0a" + bytes(100), "a JPEG XL image"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"\0" * 500, "all zero"),
    ],
)
def test_what_is_no_film_is_called_by_its_name(start, named):
    with pytest.raises(RadiographError, match=named):
        read_radiograph(start, name="film.jpg")


def test_an_empty_file_is_called_one():
    with pytest.raises(RadiographError, match=r"empty file \(0 bytes\)"):
        read_radiograph(b"", name="film.png")

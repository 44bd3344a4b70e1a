"""Sources of bytes, and what is refused."""

import hashlib
import io
import os
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.imaging.pictures import encode, png
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.imaging import radiograph as radiograph_module


def test_every_source_gives_the_same_radiograph(tmp_path, ramp):
    data = encode(ramp)
    path = tmp_path / "film.txt"  # told apart by content, not by name
    path.write_bytes(data)
    with path.open("rb") as file:
        file.read(10)
        read = [read_radiograph(source) for source in (path, str(path), file)]
    read += [
        read_radiograph(data, name="film.txt"),
        read_radiograph(io.BytesIO(data), name="film.txt"),
    ]
    for xray in read:
        np.testing.assert_array_equal(xray.pixels, ramp / np.float32(255))
        assert xray.info.name == "film.txt"
        assert xray.info.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\patients\\a.png", "a.png"),
        ("../x/b.png", "b.png"),
        ("c\n.png", "c?.png"),
        ("", "<unnamed>"),
    ],
)
def test_only_a_printable_base_name_is_kept(given, kept, ramp):
    assert read_radiograph(encode(ramp), name=given).info.name == kept


def test_bytes_without_a_name(ramp):
    assert read_radiograph(encode(ramp)).info.name == "<bytes>"


def test_a_pipe_like_stream_is_read_in_pieces(ramp):
    class Pipe(io.RawIOBase):
        def __init__(self, data):
            self.rest = data

        def read(self, size=-1):
            piece, self.rest = self.rest[: min(size, 1000)], self.rest[min(size, 1000) :]
            return piece

    assert read_radiograph(Pipe(encode(ramp))).info.width == 192


def refusal(source, **options):
    with pytest.raises(RadiographError) as caught:
        read_radiograph(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "expected" in message
    assert "received" in message
    return message


def test_paths_that_are_no_file(tmp_path):
    assert refusal(tmp_path / "none.png").startswith("none.png: ")
    assert "a folder" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "pipe" in refusal(tmp_path / "pipe")
    assert "error" in refusal("a\0b")


@pytest.mark.parametrize(
    ("data", "received"),
    [
        (b"", "0 bytes"),
        (b"hello, this is text", "text"),
        (b"%PDF-1.7 \xff\xfe", "PDF"),
        (b"PK\x03\x04\x00\xff", "ZIP"),
        (b"<html><body>", "HTML"),
        (bytes(range(128, 256)), "128 bytes of another kind"),
        (b"\x89PNG\r\n\x1a\n", "damaged or truncated"),
    ],
)
def test_bytes_that_are_no_image(data, received):
    assert received in refusal(data)


@pytest.mark.parametrize("source", [None, 7, io.StringIO("text"), object()])
def test_things_that_hold_no_bytes(source):
    refusal(source)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_a_file_cut_in_half_is_refused(format, ramp):
    data = encode(ramp, format)
    assert format in refusal(data[: len(data) // 2], name=f"half.{format}") or "damaged" in refusal(
        data[: len(data) // 2]
    )


def test_a_flipped_bit_in_a_png_is_noticed_even_where_it_still_decodes(ramp):
    data = bytearray(encode(ramp, compress_level=0))
    data[data.find(b"IDAT") + 1000] ^= 1
    refusal(bytes(data))
    unfinished = encode(ramp)[:-12]  # every pixel, but no end mark
    refusal(unfinished)


def test_zero_sized_png():
    refusal(png(0, 0, 8, 0, zlib.compress(b"")))


@pytest.mark.parametrize("format", ["TIFF", "PNG", "WEBP", "GIF"])
def test_several_frames_are_refused(format, ramp):
    frames = [Image.fromarray(ramp), Image.fromarray(255 - ramp)]
    message = refusal(encode(frames[0], format, save_all=True, append_images=frames[1:]))
    assert "GIF" in message if format == "GIF" else "several frames" in message


def test_the_photograph_of_a_phones_several_pictures_is_read(ramp):
    preview = Image.fromarray(255 - ramp)
    data = encode(ramp, "MPO", save_all=True, append_images=[preview])
    xray = read_radiograph(data)
    assert xray.info.format == "JPEG"
    assert np.abs(xray.pixels - ramp / 255).mean() < 0.01


def test_a_broken_exif_block_does_not_cost_the_picture(ramp):
    data = encode(ramp, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f garbage")
    assert read_radiograph(data).info.width == 192


def test_a_900_megapixel_png_is_refused_quickly_in_little_memory():
    squeeze = zlib.compressobj(1)
    row = b"\0" * (1 + 30_000 // 8)
    rows = b"".join(squeeze.compress(row * 1000) for _ in range(30)) + squeeze.flush()
    data = png(30_000, 30_000, 1, 0, rows)
    tracemalloc.start()
    start = time.perf_counter()
    try:
        message = refusal(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 1
    assert peak < 5e6 + 2 * len(data)
    assert "64 megapixels" in message


def test_a_268_megapixel_webp_is_refused_quickly(ramp):
    frame = encode(ramp, "WEBP", lossless=True)[12:]
    canvas = b"VP8X" + struct.pack("<II", 10, 0) + b"\xfe\x3f\0" * 2
    body = b"WEBP" + canvas + frame
    start = time.perf_counter()
    refusal(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert time.perf_counter() - start < 1


def test_64_megapixels_are_the_limit():
    rows = zlib.compress(b"\0" * 10)
    assert "8001 x 8000" in refusal(png(8001, 8000, 1, 0, rows))
    assert "megapixels" not in refusal(png(8000, 8000, 1, 0, rows))


def test_files_over_the_limit_are_not_read(tmp_path, monkeypatch):
    path = tmp_path / "big.png"
    with path.open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    monkeypatch.setattr("builtins.open", lambda *a, **k: pytest.fail("opened"))
    assert "64 MiB" in refusal(path)


def test_streams_and_bytes_over_the_limit(monkeypatch):
    monkeypatch.setattr(radiograph_module, "MAX_BYTES", 1000)

    class Endless(io.RawIOBase):
        total = 0

        def read(self, size=-1):
            assert 0 < size <= 1001
            self.total += size
            return b"\0" * size

    endless = Endless()
    assert "at most" in refusal(endless)
    assert endless.total == 1001
    assert "at most" in refusal(bytes(1001))
    assert "another kind" in refusal(bytes([200]) * 1000)


@pytest.mark.slow
@pytest.mark.realdata
def test_real_originals_read_as_pillow_reads_them(real_data):
    paths = sorted((real_data / "originals").glob("*/*.jpeg"))
    assert len(paths) == 24
    for path in paths:
        xray = read_radiograph(path)
        with Image.open(path) as image:
            expected = np.asarray(image.convert("L"), np.float32) / 255
        np.testing.assert_allclose(xray.pixels, expected, atol=1e-6)
        # On one the generator's settings are burnt in: "kV:55".
        burnt = path.name == "person80_virus_150.jpeg"
        assert [one.code for one in xray.warnings] == ["burned-in"] * burnt

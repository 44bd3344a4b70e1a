"""Files made to hang a reader or to fill its memory, each of at most the size of an upload."""

import io
import struct
import zlib

import numpy as np
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from tests.imaging.pictures import png, png_chunk

SIDE = 8000  # squared: the most pixels that are accepted
LARGEST = 64 * 2**20
EMPTY_ITEM = b"\xfe\xff\x00\xe0\0\0\0\0"
UNDEFINED = b"\xff\xff\xff\xff"
SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"


def element(group, number, vr, value, *, implicit=False):
    """A DICOM element in little endian; `value` may lack its own padding."""
    value += b"\0" * (len(value) % 2)
    tag = struct.pack("<HH", group, number)
    if implicit:
        return tag + struct.pack("<I", len(value)) + value
    if vr in (b"OB", b"OW", b"SQ", b"UN"):
        return tag + vr + b"\0\0" + struct.pack("<I", len(value)) + value
    return tag + vr + struct.pack("<H", len(value)) + value


def dicom(pixels, *, syntax=ExplicitVRLittleEndian, rows=16, columns=16, bits=8, more=()):
    """A CR file by hand: `pixels` are its last element or its bytes, `more` elements by tag."""
    number = lambda value: struct.pack("<H", value)  # noqa: E731
    implicit = syntax == ImplicitVRLittleEndian
    made = {
        (0x0008, 0x0060): (b"CS", b"CR"),
        (0x0028, 0x0002): (b"US", number(1)),
        (0x0028, 0x0004): (b"CS", b"MONOCHROME2"),
        (0x0028, 0x0010): (b"US", number(rows)),
        (0x0028, 0x0011): (b"US", number(columns)),
        (0x0028, 0x0100): (b"US", number(8 if bits <= 8 else 16)),
        (0x0028, 0x0101): (b"US", number(bits)),
        (0x0028, 0x0102): (b"US", number(bits - 1)),
        (0x0028, 0x0103): (b"US", number(0)),
    }
    parts = {tag: element(*tag, *value, implicit=implicit) for tag, value in made.items()}
    parts |= dict(more)
    body = b"".join(part for _, part in sorted(parts.items())) + pixels
    if syntax == DeflatedExplicitVRLittleEndian:
        body = deflated(body)
    meta = element(0x0002, 0x0010, b"UI", str(syntax).encode())
    meta = element(0x0002, 0x0000, b"UL", struct.pack("<I", len(meta))) + meta
    return bytes(128) + b"DICM" + meta + body


def deflated(data):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


PIXELS = element(0x7FE0, 0x0010, b"OB", bytes(range(256)))


def compressed(fragments):
    return struct.pack("<HH", 0x7FE0, 0x0010) + b"OB\0\0" + UNDEFINED + fragments


def frame(data):
    return compressed(encapsulate([data]) + SEQUENCE_END)


def sequence_of_empty_items(tag=(0x0040, 0x0275), items=3_000_000):
    start = struct.pack("<HH", *tag) + b"SQ\0\0" + UNDEFINED
    return dicom(PIXELS, more={tag: start + EMPTY_ITEM * items + SEQUENCE_END})


def nested_sequences(depth=200_000):
    tag = (0x0040, 0x0275)
    start = struct.pack("<HH", *tag) + b"SQ\0\0" + UNDEFINED
    item = b"\xfe\xff\x00\xe0" + UNDEFINED
    return dicom(PIXELS, more={tag: (start + item) * depth})


def many_fragments(fragments=1_000_000):
    fragment = b"\xfe\xff\x00\xe0" + struct.pack("<I", 2) + b"\0\0"
    table = b"\xfe\xff\x00\xe0\0\0\0\0"
    pixels = compressed(table + fragment * fragments + SEQUENCE_END)
    return dicom(pixels, syntax=JPEGBaseline8Bit)


def many_elements(elements=3_000_000):
    private = b"".join(
        struct.pack("<HH", 0x0029 + 2 * (number >> 16), number & 0xFFFF) + b"US\0\0"
        for number in range(0x1000, 0x1000 + elements)
    )
    return dicom(PIXELS, more={(0x0029, 0x1000): private})


def endless_runs():
    header = struct.pack("<16I", 1, 64, *[0] * 14)
    return dicom(frame(header + b"\x81\0" * (30 * 2**20)), syntax=RLELossless)


def runs_of_64_megapixels():
    header = struct.pack("<16I", 2, 64, 64 + 1_008_000, *[0] * 13)
    runs = header + b"\x81\0" * (2 * 504_000)
    return dicom(frame(runs), syntax=RLELossless, rows=SIDE, columns=SIDE, bits=16)


def deflate_bomb():
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = b"".join(squeeze.compress(bytes(2**20)) for _ in range(2000)) + squeeze.flush()
    start = dicom(b"", syntax=DeflatedExplicitVRLittleEndian)
    return start[: start.index(b"1.2.840.10008.1.2.1.99") + 22] + body


def deflated_64_megapixels():
    pixels = element(0x7FE0, 0x0010, b"OW", bytes(2 * SIDE * SIDE))
    syntax = DeflatedExplicitVRLittleEndian
    return dicom(pixels, syntax=syntax, rows=SIDE, columns=SIDE, bits=16)


def progressive_jpeg(repeats=2000, side=4096):
    """Its last scan over and over: few bytes, but all coefficients are gone through each time."""
    file = io.BytesIO()
    Image.fromarray(np.full((side, side), 99, np.uint8)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    scan = data.rindex(b"\xff\xda")
    return data[:scan] + data[scan:-2] * repeats + data[-2:]


def progressive_jpeg_in_dicom():
    data = progressive_jpeg()
    return dicom(frame(data), syntax=JPEGBaseline8Bit, rows=4096, columns=4096)


def png_of_many_chunks(chunks=100_000, kind=b"tEXt"):
    extra = b"".join(png_chunk(kind, b"k%d\0v" % number) for number in range(chunks))
    return png(16, 16, 8, 0, zlib.compress(b"\0" * 17 * 16), extra=extra)


def png_of_64_megapixels(depth, colour):
    bytes_a_pixel = {0: 1, 2: 3, 4: 2, 6: 4}[colour] * depth // 8
    squeeze = zlib.compressobj(1)
    row = b"\0" + bytes(range(250)) * (SIDE * bytes_a_pixel // 250)
    rows = b"".join(squeeze.compress(row) for _ in range(SIDE)) + squeeze.flush()
    return png(SIDE, SIDE, depth, colour, rows)


def webp_frame():
    """A lossless frame made for 256 pixels of one colour that says that it is 64 megapixels."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (99, 99, 99)).save(file, "WEBP", lossless=True)
    frame = bytearray(file.getvalue()[12:])
    (sizes,) = struct.unpack_from("<I", frame, 9)
    struct.pack_into("<I", frame, 9, sizes & 0xF0000000 | (SIDE - 1) | (SIDE - 1) << 14)
    return bytes(frame)


def webp(chunks=b""):
    body = b"WEBP" + (chunks or webp_frame())
    return b"RIFF" + struct.pack("<I", len(body)) + body


def extended_webp(frames):
    """A canvas of 64 megapixels with one small picture, or with many large ones."""
    canvas = (SIDE - 1).to_bytes(3, "little")
    chunks = b"VP8X" + struct.pack("<II", 10, 2 if frames else 0) + canvas * 2
    if not frames:
        return webp(chunks + webp_frame()[:20] + bytes(40))
    one = bytes(6) + canvas * 2 + bytes(4) + webp_frame()
    chunks += b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    return webp(chunks + (b"ANMF" + struct.pack("<I", len(one)) + one) * frames)


def tiff_of_many_tags(tags=1_000_000):
    head = b"II*\0" + struct.pack("<I", 8)
    # BigTIFF counts tags in 64 bits.
    big = b"II+\0" + struct.pack("<HHQ", 8, 0, 16) + struct.pack("<Q", tags)
    entry = b"".join(struct.pack("<HHQQ", 1000 + n % 30_000, 3, 1, 1) for n in range(tags))
    return big + entry + bytes(8) if tags > 65_535 else head + struct.pack("<H", tags) + entry


def tiff_of_many_pages(pages=300_000):
    file = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(file, "TIFF")
    data = bytearray(file.getvalue())
    (directory,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, directory)
    size = 2 + 12 * tags + 4
    page = bytes(data[directory : directory + size - 4])
    start = len(data)
    struct.pack_into("<I", data, 4, start)
    ends = (start + size * (number + 1) for number in range(pages))
    return bytes(data) + b"".join(page + struct.pack("<I", end) for end in ends) + bytes(2)


def tiff_of_endless_pages():
    data = bytearray(tiff_of_many_pages(2))
    struct.pack_into("<I", data, len(data) - 6, struct.unpack_from("<I", data, 4)[0])
    return bytes(data)


def jpeg_2000_of_64_megapixels(dicom_file=False):
    file = io.BytesIO()
    Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(file, "JPEG2000", no_jp2=True)
    data = file.getvalue()
    if not dicom_file:
        return data
    return dicom(frame(data), syntax=JPEG2000Lossless, rows=SIDE, columns=SIDE)


def unknown_vr(tag):
    return dicom(PIXELS, more={tag: struct.pack("<HH", *tag) + b"ZZ" + struct.pack("<HH", 2, 16)})


HOSTILE = {
    "three million empty items": sequence_of_empty_items,
    "three million empty items of a table": lambda: sequence_of_empty_items((0x0028, 0x3010)),
    "sequences in sequences": nested_sequences,
    "a million fragments": many_fragments,
    "three million elements": many_elements,
    "runs without end": endless_runs,
    "runs of 64 megapixels": runs_of_64_megapixels,
    "deflate bomb": deflate_bomb,
    "64 megapixels deflated": deflated_64_megapixels,
    "progressive JPEG": progressive_jpeg,
    "progressive JPEG in DICOM": progressive_jpeg_in_dicom,
    "PNG of 100,000 chunks": png_of_many_chunks,
    "PNG of 100,000 unknown chunks": lambda: png_of_many_chunks(kind=b"abCd"),
    "PNG of 64 megapixels, grey": lambda: png_of_64_megapixels(8, 0),
    "PNG of 64 megapixels, 16 bits": lambda: png_of_64_megapixels(16, 0),
    "PNG of 64 megapixels, RGB": lambda: png_of_64_megapixels(8, 2),
    "PNG of 64 megapixels, RGBA": lambda: png_of_64_megapixels(8, 6),
    "PNG of 64 megapixels, 16-bit RGBA": lambda: png_of_64_megapixels(16, 6),
    "WebP of 64 megapixels": webp,
    "WebP canvas of 64 megapixels": lambda: extended_webp(0),
    "animated WebP of 64 megapixels": lambda: extended_webp(1000),
    "TIFF of a million tags": tiff_of_many_tags,
    "TIFF of 65,535 tags": lambda: tiff_of_many_tags(65_535),
    "TIFF of 300,000 pages": tiff_of_many_pages,
    "TIFF of endless pages": tiff_of_endless_pages,
    "JPEG 2000 of 64 megapixels": jpeg_2000_of_64_megapixels,
    "JPEG 2000 of 64 megapixels in DICOM": lambda: jpeg_2000_of_64_megapixels(True),
}

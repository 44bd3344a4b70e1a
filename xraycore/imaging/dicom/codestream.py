"""What a JPEG, JPEG-LS or JPEG 2000 stream states about its image, without decoding the stream."""

import re
import struct
from typing import NamedTuple

from xraycore.errors import ArgumentError

JPEG_2000_START = b"\xff\x4f\xff\x51"
JPEG_START = b"\xff\xd8"

# Start-of-frame markers of JPEG (C0 to CF but for tables, C4, C8 and CC) and of JPEG-LS (F7).
START_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
STANDALONE = {0x01, *range(0xD0, 0xD9)}
# Baseline and extended sequential frames, whose scans hold all coefficients at full precision.
SEQUENTIAL = {0xC0, 0xC1}


class Codestream(NamedTuple):
    """Size in pixels, bits of a sample, samples of a pixel; `marker` of a JPEG's frame."""

    width: int
    height: int
    bits: int
    samples: int
    marker: int = 0


def read_codestream(stream: bytes) -> Codestream | None:
    """What the stream's header states, None if it is of none of the three kinds.

    Raises:
        ArgumentError: the stream starts as one of them but holds no size.
    """
    if stream.startswith(JPEG_START):
        return _read_jpeg(stream)
    start = stream.find(JPEG_2000_START, 0, 4096)
    return None if start < 0 else _read_jpeg_2000(stream[start : start + 64])


def repair_jpeg(stream: bytes) -> bytes:
    """A sequential JPEG whose scan headers tell what they have to: coefficients 0 to 63, entire.

    Some encoders leave these fields empty (T.81, B.2.3), which libjpeg takes for an error.
    """
    if not stream.startswith(JPEG_START) or _read_jpeg(stream).marker not in SEQUENTIAL:
        return stream
    repaired = bytearray(stream)
    # Between scans the two bytes can only be a marker; within one 0 follows 255.
    for scan in re.finditer(rb"\xff\xda..([\x01-\x04])", stream, re.DOTALL):
        end = scan.end() + 2 * scan[1][0]
        length = int.from_bytes(stream[scan.start() + 2 : scan.start() + 4], "big")
        if length == 6 + 2 * scan[1][0]:
            repaired[end : end + 3] = b"\0\x3f\0"
    return bytes(repaired)


def _read_jpeg_2000(stream: bytes) -> Codestream:
    if len(stream) < 43:
        raise ArgumentError("a JPEG 2000 stream without a size")
    right, bottom, left, top = struct.unpack(">4I", stream[8:24])
    samples, depth = struct.unpack(">HB", stream[40:43])
    return Codestream(right - left, bottom - top, (depth & 0x7F) + 1, samples)


def _read_jpeg(stream: bytes) -> Codestream:
    position = 2
    while position + 10 <= len(stream):
        if stream[position] != 0xFF:
            break
        marker = stream[position + 1]
        if marker in START_OF_FRAME:
            bits, height, width, samples = struct.unpack_from(">BHHB", stream, position + 4)
            return Codestream(width, height, bits, samples, marker)
        if marker == 0xFF:
            position += 1
        elif marker in STANDALONE:
            position += 2
        else:
            position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
    raise ArgumentError("a JPEG stream without a size")

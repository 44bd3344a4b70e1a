"""Image size as a JPEG, JPEG-LS or JPEG 2000 stream states it, without decoding the stream."""

import struct

from xraycore.errors import ArgumentError

JPEG_2000_START = b"\xff\x4f\xff\x51"
JPEG_START = b"\xff\xd8"

# Start-of-frame markers of JPEG (C0 to CF but for tables, C4, C8 and CC) and of JPEG-LS (F7).
START_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
STANDALONE = {0x01, *range(0xD0, 0xD9)}


def codestream_size(stream: bytes) -> tuple[int, int] | None:
    """(width, height) from the stream's header, None if it is of none of the three kinds.

    Raises:
        ArgumentError: the stream starts as one of them but holds no size.
    """
    if stream.startswith(JPEG_START):
        return _jpeg_size(stream)
    start = stream.find(JPEG_2000_START, 0, 4096)
    return None if start < 0 else _jpeg_2000_size(stream[start:])


def _jpeg_2000_size(stream: bytes) -> tuple[int, int]:
    if len(stream) < 24:
        raise ArgumentError("a JPEG 2000 stream without a size")
    right, bottom, left, top = struct.unpack(">4I", stream[8:24])
    return right - left, bottom - top


def _jpeg_size(stream: bytes) -> tuple[int, int]:
    position = 2
    while position + 9 <= len(stream):
        if stream[position] != 0xFF:
            break
        marker = stream[position + 1]
        if marker in START_OF_FRAME:
            height, width = struct.unpack(">HH", stream[position + 5 : position + 9])
            return width, height
        if marker == 0xFF:
            position += 1
        elif marker in STANDALONE:
            position += 2
        else:
            position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
    raise ArgumentError("a JPEG stream without a size")

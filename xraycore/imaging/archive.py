"""ZIP archives of films, file by file, within bounds that a hostile archive cannot leave."""

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from xraycore.imaging.decoding import MAX_BYTES

# An archive may hold as much as a person looks through, and no more than the memory bears.
MAX_FILES, MAX_TOTAL_BYTES = 500, 512 * 2**20
# Each entry of an archive's list costs `zipfile` a kilobyte before it can be counted there.
_ENTRY, _MAX_ENTRIES = b"PK\x01\x02", 10_000
_PIECE = 1 << 16
# What a damaged archive, or one with a password, makes `zipfile` raise.
_NO_ARCHIVE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, MemoryError),
    *(RuntimeError, OSError, EOFError, ValueError, struct.error),
)
# What macOS, Windows, network storage and DICOM media add to folders of films.
_CLUTTER_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini", "dicomdir")
_CLUTTER_FOLDERS = ("__macosx", "@eadir", "thumbnails", "thumbs")


def is_clutter(path: str) -> bool:
    """Whether a file lies beside films without being one: a hidden file, a list, a thumbnail."""
    *folders, name = PurePosixPath(path.replace("\\", "/").lower()).parts or ("",)
    hidden = any(part.startswith(".") and part != ".." for part in (*folders, name))
    return hidden or name in _CLUTTER_FILES or any(part in _CLUTTER_FOLDERS for part in folders)


def unpack(name: str, data: bytes, refused: list[str]) -> Iterator[tuple[str, bytes]]:
    """The file itself, or the films of a ZIP archive with their paths; clutter is passed over.

    Args:
        name: Of the file.
        data: Its bytes.
        refused: Where what cannot be unpacked is added, in words.
    """
    if not zipfile.is_zipfile(io.BytesIO(data)):
        yield name, data
        return
    entries = data.count(_ENTRY)
    if entries > _MAX_ENTRIES:
        refused.append(_too_much(name, f"{entries:,} files"))
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [
                member
                for member in archive.infolist()
                if not member.is_dir() and not is_clutter(member.filename)
            ]
            total = sum(member.file_size for member in members)
            if len(members) > MAX_FILES or total > MAX_TOTAL_BYTES:
                held = f"{len(members):,} files, {total / 2**20:,.0f} MiB"
                refused.append(_too_much(name, held))
                return
            left = MAX_TOTAL_BYTES
            for member in members:
                path = member.filename.replace("\\", "/")
                inner = path.rpartition("/")[2]
                try:
                    content = _content(archive, member, data)
                except _NO_ARCHIVE as error:
                    refused.append(f"{inner}, in {name}: cannot be unpacked. Received: {error}")
                    continue
                if content is None:
                    size = max(member.file_size, MAX_BYTES + 1) / 2**20
                    refused.append(
                        f"{inner}, in {name}: expected at most {MAX_BYTES / 2**20:.0f} MiB. "
                        f"Received: {size:,.1f} MiB"
                    )
                    # It was unpacked that far, though its size was told otherwise.
                    left -= 0 if member.file_size > MAX_BYTES else MAX_BYTES
                else:
                    left -= len(content)
                if left < 0:
                    refused.append(_too_much(name, "more, though it tells less"))
                    return
                if content is not None:
                    yield path, content
    except _NO_ARCHIVE as error:
        refused.append(f"{name}: expected a ZIP archive. Received: {error}")


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, data: bytes) -> bytes | None:
    """A member's bytes, None if they are more than a film may have, whatever it tells."""
    if member.file_size > MAX_BYTES:
        return None
    content = io.BytesIO()
    with archive.open(member) as file:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return _unpacked_within(member, data)
        while content.tell() <= MAX_BYTES:
            piece = file.read(_PIECE)
            if not piece:
                return content.getvalue()
            content.write(piece)
    return None


def _unpacked_within(member: zipfile.ZipInfo, data: bytes) -> bytes | None:
    """Likewise of BZIP2 and LZMA, of which `zipfile` unpacks a piece to whatever it grows to."""
    name, extra = struct.unpack_from("<HH", data, member.header_offset + 26)
    start = member.header_offset + 30 + name + extra
    packed = data[start : start + member.compress_size]
    if member.compress_type == zipfile.ZIP_BZIP2:
        content = bz2.BZ2Decompressor().decompress(packed, MAX_BYTES + 1)
    elif member.compress_type == zipfile.ZIP_LZMA:
        # Two bytes of version, the length of the properties (5), and these: PKZIP APPNOTE 5.8.8.
        _, _, packing, dictionary = struct.unpack_from("<HHBI", packed)
        coder = {
            "id": lzma.FILTER_LZMA1,
            "dict_size": min(dictionary, MAX_BYTES),
            "lc": packing % 9,
            "lp": packing // 9 % 5,
            "pb": packing // 45,
        }
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[coder])
        content = unpacker.decompress(packed[9:], MAX_BYTES + 1)
    else:
        raise ValueError(f"packing method {member.compress_type}")
    if len(content) > MAX_BYTES:
        return None
    if zlib.crc32(content) != member.CRC:
        raise zipfile.BadZipFile("bytes that are not those that were packed")
    return content


def _too_much(name: str, received: str) -> str:
    return (
        f"{name}: expected an archive of at most {MAX_FILES} files and "
        f"{MAX_TOTAL_BYTES // 2**20} MiB. Received: {received}"
    )
